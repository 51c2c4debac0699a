//! The circuits that carry streams: whose they are, where they lead, and what pads them.

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use anyhow::{Context as _, ensure};
use arti_client::{DataStream, IsolationToken};
use tokio::sync::Mutex;
use tor_linkspec::HasRelayIds as _;
use tor_proto::client::ClientTunnel;
use tor_proto::client::stream::ClientStreamCtrl as _;
use tor_proto::{HopLocation, TargetHop};

use crate::machines::Machines;

/// All circuits of this client that carry streams of applications.
#[derive(Debug, Default)]
pub(crate) struct Circuits {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    circuits: Vec<Circuit>,
    /// Streams of different users are on different circuits.
    users: HashMap<String, IsolationToken>,
    machines: Machines,
    /// So many circuits were ever known.
    count: u64,
}

/// A circuit.
#[derive(Debug, Clone)]
pub(crate) struct Circuit {
    /// A number of its own.
    pub(crate) number: u64,
    /// Whose streams it carries.
    pub(crate) user: String,
    /// Where its first stream went.
    pub(crate) host: String,
    /// When its first stream was there.
    pub(crate) since: SystemTime,
    tunnel: Weak<ClientTunnel>,
}

impl Circuits {
    /// What keeps the streams of a user together, and apart from those of others.
    pub(crate) async fn isolation(&self, user: &str) -> IsolationToken {
        *self.known.lock().await.users.entry(user.to_owned()).or_insert_with(IsolationToken::new)
    }

    /// Notes which circuit a stream is on. On a new one the machines start.
    pub(crate) async fn note(&self, stream: &DataStream, user: &str, host: &str) -> anyhow::Result<()> {
        let tunnel = stream.client_stream_ctrl().and_then(|control| control.tunnel()).context("the circuit is gone")?;
        let mut known = self.known.lock().await;
        known.circuits.retain(|circuit| circuit.alive().is_some());
        let is_known = known.circuits.iter().any(|circuit| circuit.alive().is_some_and(|of| Arc::ptr_eq(&of, &tunnel)));
        if is_known {
            return Ok(());
        }
        if known.machines.is_any() {
            pad(&tunnel, &known.machines).await?;
        }
        let number = known.count;
        known.count += 1;
        let (user, host) = (user.to_owned(), host.to_owned());
        known.circuits.push(Circuit { number, user, host, since: SystemTime::now(), tunnel: Arc::downgrade(&tunnel) });
        Ok(())
    }

    /// From now on these machines run, from their beginning, on the circuits that there are and those to come.
    pub(crate) async fn set_machines(&self, machines: Machines) -> anyhow::Result<()> {
        let mut known = self.known.lock().await;
        let before = std::mem::replace(&mut known.machines, machines);
        for tunnel in known.circuits.iter().filter_map(Circuit::alive) {
            if before.is_any() {
                tunnel.stop_padding_at_hop(hop(&tunnel, before.hop())?).await?;
            }
            if known.machines.is_any() {
                pad(&tunnel, &known.machines).await?;
            }
        }
        Ok(())
    }

    /// Those that are alive.
    pub(crate) async fn alive(&self) -> Vec<Circuit> {
        self.known.lock().await.circuits.iter().filter(|circuit| circuit.alive().is_some()).cloned().collect()
    }
}

impl Circuit {
    fn alive(&self) -> Option<Arc<ClientTunnel>> {
        self.tunnel.upgrade().filter(|tunnel| !tunnel.is_closed())
    }

    /// Fingerprints of its relays in hexadecimal, guard first. The last hop to an onion service is no relay, and left out.
    pub(crate) fn path(&self) -> Vec<String> {
        let Some(tunnel) = self.alive() else { return Vec::new() };
        let paths = tunnel.all_paths();
        let relays = paths.iter().flat_map(|path| path.iter().filter_map(|hop| hop.as_chan_target()?.rsa_identity()));
        relays.map(|identity| identity.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect()).collect()
    }
}

async fn pad(tunnel: &Arc<ClientTunnel>, machines: &Machines) -> anyhow::Result<()> {
    let at = hop(tunnel, machines.hop())?;
    tunnel.start_padding_at_hop(at, machines.padder()?).await.context("starting machines on a circuit")
}

/// A hop of a circuit, by its number from 0.
fn hop(tunnel: &Arc<ClientTunnel>, number: u8) -> anyhow::Result<HopLocation> {
    let TargetHop::Hop(HopLocation::Hop((leg, last))) = tunnel.last_hop()? else {
        anyhow::bail!("a circuit without hops");
    };
    ensure!(number <= u8::from(last), "hop {number}: the circuit has hops 0 to {}", u8::from(last));
    Ok(HopLocation::Hop((leg, number.into())))
}
