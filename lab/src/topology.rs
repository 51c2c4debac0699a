//! Which nodes a network has.

use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Votes on the consensus.
    Authority,
    /// Guards and middles.
    Relay,
    /// Reaches servers for clients.
    Exit,
    /// Has the onion service, and the server behind it.
    Service,
    /// Makes queries.
    Client,
}

impl Role {
    /// Whether the consensus names such nodes.
    pub fn is_relay(self) -> bool {
        matches!(self, Self::Authority | Self::Relay | Self::Exit)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Authority => "authority",
            Self::Relay => "relay",
            Self::Exit => "exit",
            Self::Service => "service",
            Self::Client => "client",
        })
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Such as `relay0`; also its nickname in Tor, its namespace and its link.
    pub name: String,
    /// What it does.
    pub role: Role,
    /// In 198.18.0.0/15, which is reserved for measurements (RFC 2544): Tor takes it for public.
    pub address: Ipv4Addr,
}

/// What a network looks like. Written in a plan as `[network]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NetworkConfig {
    /// Relays that are guards and middles.
    pub relays: u16,
    /// Relays that are exits.
    pub exits: u16,
    /// Clients.
    pub clients: u16,
    /// Which program clients are.
    pub client: ClientProgram,
    /// Delay of every node's link, one way, in ms.
    pub delay: f64,
    /// Most that is added to a packet's delay at random, in ms.
    pub jitter: f64,
    /// What a node can send, in kbit/s; 0 is all it can.
    pub rate: u32,
    /// Share of packets that are lost, 0 to 1.
    pub loss: f64,
    /// Seed of jitter and loss.
    pub seed: u64,
    /// How often relays send what waits, in ms (`KISTSchedRunInterval`); Tor's default is 10.
    pub scheduler_interval: u16,
    /// How clients pad their connection to the guard (`ConnectionPadding`, `ReducedConnectionPadding`).
    pub connection_padding: ConnectionPadding,
    /// Whether clients pad circuits to onion services while they are set up (`CircuitPadding`); arti never does.
    pub circuit_padding: bool,
}

/// What is a client of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientProgram {
    /// The system's tor.
    #[default]
    Tor,
    /// arti, which can run machines of Maybenot on its circuits; a program of its own, `wfkit-lab-arti`.
    Arti,
}

/// Cells that a client and its guard send each other while their connection is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionPadding {
    /// As tor does by itself; none of arti, which would pad connections to more relays than its guard, into recordings.
    #[default]
    Auto,
    /// One every 5 s or so.
    On,
    /// One every 12 s or so.
    Reduced,
    /// None.
    Off,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        let (relays, exits, clients, scheduler_interval) = (5, 1, 2, 10);
        Self {
            relays,
            exits,
            clients,
            client: ClientProgram::Tor,
            delay: 0.0,
            jitter: 0.0,
            rate: 0,
            loss: 0.0,
            seed: 0,
            scheduler_interval,
            connection_padding: ConnectionPadding::Auto,
            circuit_padding: true,
        }
    }
}

/// Three can agree without one, and more add nothing.
const AUTHORITIES: u16 = 3;

impl NetworkConfig {
    /// The nodes, authorities first.
    ///
    /// # Errors
    ///
    /// If there are too few for circuits, too many for the address range, or a value that no link can have.
    pub fn nodes(&self) -> Result<Vec<Node>, Error> {
        self.check()?;
        let kinds = [
            (Role::Authority, "auth", AUTHORITIES),
            (Role::Relay, "relay", self.relays),
            (Role::Exit, "exit", self.exits),
            (Role::Service, "service", 1),
            (Role::Client, "client", self.clients),
        ];
        let names =
            kinds.into_iter().flat_map(|(role, name, count)| (0..count).map(move |i| (role, format!("{name}{i}"))));
        let nodes = names.zip(1_u16..).map(|((role, name), i)| {
            let [high, low] = i.to_be_bytes();
            Node { name, role, address: Ipv4Addr::new(198, 18, high, low) }
        });
        Ok(nodes.collect())
    }

    fn check(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Wrong(text));
        let in_range = |name, value: u16, least: u16, most: u16| match value {
            _ if (least..=most).contains(&value) => Ok(()),
            _ => Err(Error::Wrong(format!("{name} = {value}: a network has {least} to {most} of them"))),
        };
        // A circuit to an onion service has four relays besides the guards of both sides.
        in_range("relays", self.relays, 3, 200)?;
        in_range("exits", self.exits, 1, 50)?;
        in_range("clients", self.clients, 1, 200)?;
        in_range("scheduler_interval (in ms)", self.scheduler_interval, 2, 100)?;
        for (name, value) in [("delay", self.delay), ("jitter", self.jitter)] {
            if !(0.0..=1000.0).contains(&value) {
                return wrong(format!("{name} = {value}: a link has 0 to 1000 ms"));
            }
        }
        if !(0.0..0.5).contains(&self.loss) {
            return wrong(format!("loss = {}: a share of packets, below 0.5 (0.01 is one in a hundred)", self.loss));
        }
        if (1..100).contains(&self.rate) {
            return wrong(format!("rate = {}: below 100 kbit/s no network gets ready; 0 is no limit", self.rate));
        }
        Ok(())
    }

    /// The link of every node.
    pub fn link(&self) -> Link {
        Link {
            delay: Duration::from_secs_f64(self.delay / 1000.0),
            jitter: Duration::from_secs_f64(self.jitter / 1000.0),
            bytes_per_second: u64::from(self.rate) * 125,
            loss: self.loss,
        }
    }
}

/// How a node is attached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// One way; a packet crosses two links.
    pub delay: Duration,
    /// Most that is added.
    pub jitter: Duration,
    /// What the node can send; 0 is all it can.
    pub bytes_per_second: u64,
    /// Share of packets that are lost.
    pub loss: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_have_names_and_addresses_of_their_own() {
        let config = NetworkConfig { relays: 200, clients: 100, ..NetworkConfig::default() };
        let nodes = config.nodes().unwrap();
        assert_eq!(nodes.len(), 3 + 200 + 1 + 1 + 100);
        assert_eq!((nodes[0].name.as_str(), nodes[0].address), ("auth0", Ipv4Addr::new(198, 18, 0, 1)));
        assert_eq!(nodes[304].address, Ipv4Addr::new(198, 18, 1, 49));
        let mut names: Vec<_> = nodes.iter().map(|node| &node.name).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), nodes.len());
    }

    #[test]
    fn roles_fill_their_column() {
        assert_eq!(format!("{:<9}|", Role::Exit), "exit     |");
    }

    #[test]
    fn a_network_that_cannot_be_is_refused_by_the_value() {
        let refused = |config: NetworkConfig| config.nodes().unwrap_err().to_string();
        let base = NetworkConfig::default;
        assert!(refused(NetworkConfig { relays: 2, ..base() }).starts_with("relays = 2"));
        assert!(refused(NetworkConfig { exits: 0, ..base() }).starts_with("exits = 0"));
        assert!(refused(NetworkConfig { clients: 0, ..base() }).starts_with("clients = 0"));
        assert!(refused(NetworkConfig { loss: 0.5, ..base() }).starts_with("loss = 0.5"));
        assert!(refused(NetworkConfig { delay: f64::NAN, ..base() }).starts_with("delay = NaN"));
        assert!(refused(NetworkConfig { jitter: -1.0, ..base() }).starts_with("jitter = -1"));
        assert!(refused(NetworkConfig { rate: 99, ..base() }).starts_with("rate = 99"));
    }
}
