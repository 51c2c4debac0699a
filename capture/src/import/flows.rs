//! TCP flows of one capture, and which of them make the trace.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::str::FromStr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use thiserror::Error;

use crate::import::client::{Cidr, ClientRule, is_local};
use crate::import::stats::Reason;
use crate::packet::Segment;
use crate::packet::endpoint::Endpoint;

/// Which flows of the client make the trace. As text `main` or `all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FlowScope {
    /// Those to the main peer: the address and port with which the client exchanged the most payload.
    #[default]
    Main,
    /// All.
    All,
}

impl FlowScope {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Main, Self::All];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::All => "all",
        }
    }

    /// Which flows, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Main => "The flows to the peer with most bytes",
            Self::All => "Everything of the client",
        }
    }
}

/// Text that is no [`FlowScope`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is neither `main` nor `all`")]
pub struct FlowScopeError(String);

impl FromStr for FlowScope {
    type Err = FlowScopeError;

    fn from_str(text: &str) -> Result<Self, FlowScopeError> {
        let found = Self::ALL.into_iter().find(|scope| scope.name() == text);
        found.ok_or_else(|| FlowScopeError(text.to_owned()))
    }
}

impl fmt::Display for FlowScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which peer's flows make the trace. As text `main`, `common`, a network such as `192.0.2.0/24` (or a single address),
/// `port:N` or `port:N-M`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PeerRule {
    /// The one with which the client exchanged the most payload in this file.
    #[default]
    Main,
    /// The one that occurs in the most files of the import, as the guard of a Tor client does: a peer is an address and a
    /// port. Of several the one that is the main peer in more files. A file without it gives no trace.
    Common,
    /// Of those in this network the one with most payload.
    Cidr(Cidr),
    /// Of those at these ports, the first to the last, the one with most payload.
    Ports(u16, u16),
}

/// Text that is no [`PeerRule`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "`{0}` does not say which peer is meant: write `main`, `common`, a network such as `192.0.2.0/24`, or `port:9001`"
)]
pub struct PeerRuleError(String);

impl FromStr for PeerRule {
    type Err = PeerRuleError;

    fn from_str(text: &str) -> Result<Self, PeerRuleError> {
        let error = || PeerRuleError(text.to_owned());
        let port = |text: &str| text.parse::<u16>().ok().filter(|&port| port > 0).ok_or_else(error);
        match (text, text.strip_prefix("port:")) {
            ("main", _) => Ok(Self::Main),
            ("common", _) => Ok(Self::Common),
            (_, None) => Cidr::parse(text).map(Self::Cidr).ok_or_else(error),
            (_, Some(ports)) => {
                let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                let (first, last) = (port(first)?, port(last)?);
                if first <= last { Ok(Self::Ports(first, last)) } else { Err(error()) }
            }
        }
    }
}

impl fmt::Display for PeerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Main => f.write_str("main"),
            Self::Common => f.write_str("common"),
            Self::Cidr(cidr) => write!(f, "{cidr}"),
            Self::Ports(first, last) if first == last => write!(f, "port:{first}"),
            Self::Ports(first, last) => write!(f, "port:{first}-{last}"),
        }
    }
}

/// How the flows of a trace are chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) client: &'a ClientRule,
    pub(crate) scope: FlowScope,
    pub(crate) peer: &'a PeerRule,
    /// What is known from other captures.
    pub(crate) known: &'a Known,
}

/// What other captures of an import tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Hosts that are clients elsewhere, and never a peer.
    pub(crate) clients: HashSet<IpAddr>,
    /// Peers of clients elsewhere, whose hosts are never a client.
    pub(crate) peers: HashSet<Endpoint>,
    /// The peer that is meant by [`PeerRule::Common`].
    pub(crate) common: Option<Endpoint>,
}

impl Known {
    /// The client of a flow, where it is known.
    fn client(&self, flow: &Flow) -> Option<usize> {
        the_one(flow.ends.map(|end| self.clients.contains(&end.ip())))
            .or_else(|| the_one(flow.ends.map(|end| self.peers.contains(&end))).map(|peer| 1 - peer))
    }
}

impl Rules<'_> {
    fn allows(&self, peer: Endpoint) -> bool {
        match self.peer {
            PeerRule::Main => true,
            PeerRule::Common => self.known.common.is_none_or(|common| common == peer),
            PeerRule::Cidr(network) => network.contains(peer.ip()),
            PeerRule::Ports(first, last) => (*first..=*last).contains(&peer.port()),
        }
    }
}

/// All segments between two endpoints.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// The first is the sender of the first segment.
    pub(crate) ends: [Endpoint; 2],
    /// Payload of both directions, in bytes.
    payload: u64,
    /// How much more of it the first end sent, in bytes; up to 2 GiB, so that a flow fits in 64 bytes.
    lead: i32,
    /// The end that opened the connection, where the capture shows it.
    opener: Option<u8>,
    /// The end that sent the first payload.
    first_payload: Option<u8>,
}

impl Flow {
    /// Payload that an end sent, in bytes.
    fn sent(&self, end: usize) -> u64 {
        let lead = if end == 0 { i64::from(self.lead) } else { -i64::from(self.lead) };
        self.payload.saturating_add_signed(lead) / 2
    }
}

/// Hosts whose name lookups are remembered, at most.
const MOST_ASKERS: usize = 64;

/// The flows of a capture in order of their first segment.
#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    flows: Vec<Flow>,
    /// Hosts that asked for names.
    askers: Vec<IpAddr>,
    /// Positions in `flows`.
    index: HashTable<u32>,
}

impl FlowTable {
    /// Takes note of a segment. Returns its flow, and which end of it sent the segment.
    #[inline(always)]
    pub(crate) fn add(&mut self, segment: &Segment<'_>) -> (usize, usize) {
        let flow_index = self.find(segment.source, segment.destination);
        let flow = &mut self.flows[flow_index];
        let sender = usize::from(flow.ends[0] != segment.source);
        flow.payload += u64::from(segment.payload_len);
        let len = segment.payload_len as i32; // the IP header or the capture states at most 2^31 - 1 bytes
        flow.lead = flow.lead.saturating_add(if sender == 0 { len } else { -len });
        if segment.flags.syn() {
            flow.opener.get_or_insert(if segment.flags.ack() { 1 - sender } else { sender } as u8);
        }
        // In this order since it is known of nearly every packet, while whether a packet has payload is anyone's guess.
        if flow.first_payload.is_none() && segment.payload_len > 0 {
            flow.first_payload = Some(sender as u8);
        }
        (flow_index, sender)
    }

    #[inline(always)]
    fn find(&mut self, source: Endpoint, destination: Endpoint) -> usize {
        let is_between = |flow: &Flow| flow.ends == [source, destination] || flow.ends == [destination, source];
        let hash = hash_of([source, destination]);
        let Self { flows, index, .. } = self;
        let found = index.entry(hash, |&at| is_between(&flows[at as usize]), |&at| hash_of(flows[at as usize].ends));
        let at = *found.or_insert(flows.len() as u32).get() as usize;
        if at == flows.len() {
            flows.push(Flow { ends: [source, destination], payload: 0, lead: 0, opener: None, first_payload: None });
        }
        at
    }

    /// Takes note of a host that asked for a name.
    pub(crate) fn add_asker(&mut self, host: IpAddr) {
        if self.askers.len() < MOST_ASKERS && !self.askers.contains(&host) {
            self.askers.push(host);
        }
    }

    /// Decides for each flow whether it is part of the trace, and which of its ends is the client.
    pub(crate) fn choose(&self, rules: &Rules<'_>) -> Choice {
        let (sides, verdict) = match rules.client {
            ClientRule::Auto => self.sides_by_evidence(rules),
            ClientRule::Cidr(network) => {
                let sides = self.sides_where(|flow| flow.ends.map(|end| network.contains(end.ip())));
                (sides, Some(Verdict { rule: "given network", is_guess: false }))
            }
            ClientRule::Port(port) => {
                let sides = self.sides_where(|flow| [flow.ends[1].port() == *port, flow.ends[0].port() == *port]);
                (sides, Some(Verdict { rule: "given port", is_guess: false }))
            }
        };
        let known = || {
            let clients = self.flows.iter().zip(&sides).filter_map(|(flow, side)| Some((flow, side.client()?)));
            clients.filter(|(flow, client)| rules.allows(flow.ends[1 - client]))
        };
        let host = heaviest(known().map(|(flow, client)| (flow.ends[client].ip(), flow.payload)));
        let of_host = || known().filter(|(flow, client)| Some(flow.ends[*client].ip()) == host);
        let mut peers = sums(of_host().map(|(flow, client)| (flow.ends[1 - client], flow.payload)));
        let main_peer = heaviest(peers.iter().copied());

        let fate = |flow: &Flow, side: &Side| match *side {
            Side::Unknown => Err(Reason::ClientUnknown),
            Side::Elsewhere => Err(Reason::OtherFlow),
            Side::Client(client) => {
                let is_clients = Some(flow.ends[client].ip()) == host;
                let peer = flow.ends[1 - client];
                let is_chosen = Some(peer) == main_peer || (rules.scope == FlowScope::All && rules.allows(peer));
                if is_clients && is_chosen { Ok(client) } else { Err(Reason::OtherFlow) }
            }
        };
        let fates = self.flows.iter().zip(&sides).map(|(flow, side)| fate(flow, side)).collect();
        peers.sort_by_key(|&(_, payload)| std::cmp::Reverse(payload)); // stable
        peers.truncate(MOST_PEERS);
        let main_pair = main_peer.zip(host).and_then(|(peer, host)| {
            let mut flows = of_host().filter(|(flow, client)| flow.ends[1 - client] == peer);
            flows.next().map(|(flow, _)| Pair { client: host, peer, ends: flow.ends })
        });
        Choice {
            fates,
            verdict: verdict.filter(|_| host.is_some()),
            main_pair,
            peers: peers.into_iter().map(|(peer, _)| peer).collect(),
        }
    }

    /// The client of a flow is the one end for which `is_client` holds.
    fn sides_where(&self, is_client: impl Fn(&Flow) -> [bool; 2]) -> Vec<Side> {
        self.flows.iter().map(|flow| the_one(is_client(flow)).map_or(Side::Unknown, Side::Client)).collect()
    }

    /// [`ClientRule::Auto`]: finds the client host between the two hosts that exchanged the most payload; also the
    /// name of the evidence.
    fn sides_by_evidence(&self, rules: &Rules<'_>) -> (Vec<Side>, Option<Verdict>) {
        let hosts = |flow: &Flow| {
            let [a, b] = flow.ends.map(|end| end.ip());
            (a.min(b), a.max(b))
        };
        let is_allowed = |flow: &&Flow| flow.ends.iter().any(|&end| rules.allows(end));
        let main_pair = heaviest(self.flows.iter().filter(is_allowed).map(|flow| (hosts(flow), flow.payload)));
        let main_flows = || self.flows.iter().filter(is_allowed).filter(|flow| Some(hosts(flow)) == main_pair);
        let sent = |host: IpAddr| {
            let of =
                |flow: &Flow| (0..2).filter(|&end| flow.ends[end].ip() == host).map(|end| flow.sent(end)).sum::<u64>();
            main_flows().map(of).sum::<u64>()
        };
        let receiver = main_pair.and_then(|(a, b)| receiver([a, b], [sent(a), sent(b)]));
        let evidence = |evidence: Evidence, flow: &Flow| match evidence {
            Evidence::NameLookup => the_one(flow.ends.map(|end| self.askers.contains(&end.ip()))),
            Evidence::Known => rules.known.client(flow),
            Evidence::Volume => receiver.and_then(|host| the_one(flow.ends.map(|end| end.ip() == host))),
            // Alone it is a guess: servers have high ports, too, and address translation gives clients low ones.
            Evidence::HighPort => Evidence::HighPort.client(flow).filter(|&end| receiver == Some(flow.ends[end].ip())),
            _ => evidence.client(flow),
        };
        let verdict = Evidence::ALL.into_iter().find_map(|kind| {
            let clients = main_flows().filter_map(|flow| Some((flow.ends[evidence(kind, flow)?].ip(), flow.payload)));
            heaviest(clients).map(|host| (host, Verdict { rule: kind.name(), is_guess: kind.is_guess() }))
        });
        let Some((host, verdict)) = verdict else { return (vec![Side::Unknown; self.flows.len()], None) };

        let side = |flow: &Flow| match flow.ends.map(|end| end.ip() == host) {
            [true, false] => Side::Client(0),
            [false, true] => Side::Client(1),
            [false, false] => Side::Elsewhere,
            // A host that talks to itself: each flow has to tell for itself.
            [true, true] => {
                Evidence::ALL.iter().find_map(|evidence| evidence.client(flow)).map_or(Side::Unknown, Side::Client)
            }
        };
        (self.flows.iter().map(side).collect(), Some(verdict))
    }
}

/// Peers of a client that a choice tells, at most.
const MOST_PEERS: usize = 16;

/// The host that got at least twice what it sent, and at least 1,000 bytes: visits are mostly downloads.
fn receiver([a, b]: [IpAddr; 2], [from_a, from_b]: [u64; 2]) -> Option<IpAddr> {
    match (from_a, from_b) {
        _ if a == b => None,
        (small, large) if large >= 1000 && large >= 2 * small => Some(a),
        (large, small) if large >= 1000 && large >= 2 * small => Some(b),
        _ => None,
    }
}

/// The same for both directions. Not seeded by chance: neither results nor speed should depend on it.
#[inline]
fn hash_of([a, b]: [Endpoint; 2]) -> u64 {
    let ([a_high, a_low, a_port], [b_high, b_low, b_port]) = (a.words(), b.words());
    let low = a_low.wrapping_add(b_low);
    let others = (a_high ^ b_high).rotate_left(17).wrapping_add(a_port + b_port);
    FixedState::default().hash_one((low, others))
}

/// What becomes of the flows of a capture.
#[derive(Debug)]
pub(crate) struct Choice {
    /// For each flow which of its ends is the client, or why it is not part of the trace.
    pub(crate) fates: Vec<Result<usize, Reason>>,
    /// What told who the client is, where something did.
    pub(crate) verdict: Option<Verdict>,
    /// Between whom the main flow is.
    pub(crate) main_pair: Option<Pair>,
    /// The peers of the client, those with most payload first.
    pub(crate) peers: Vec<Endpoint>,
}

/// What told who the client is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) rule: &'static str,
    pub(crate) is_guess: bool,
}

/// The client and its main peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) client: IpAddr,
    pub(crate) peer: Endpoint,
    ends: [Endpoint; 2],
}

impl Pair {
    /// Whether other captures tell who the client of these two is.
    pub(crate) fn is_known(&self, known: &Known) -> bool {
        let flow = Flow { ends: self.ends, payload: 0, lead: 0, opener: None, first_payload: None };
        known.client(&flow).is_some()
    }
}

/// Which end of a flow is the client.
#[derive(Debug, Clone, Copy)]
enum Side {
    Client(usize),
    /// The flow is between other hosts.
    Elsewhere,
    Unknown,
}

impl Side {
    fn client(self) -> Option<usize> {
        match self {
            Self::Client(end) => Some(end),
            Self::Elsewhere | Self::Unknown => None,
        }
    }
}

/// What a capture shows of which end of a flow is the client, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    Syn,
    PrivateAddress,
    /// It asked for names.
    NameLookup,
    /// The other end is at a port of servers.
    ServicePort,
    /// It is known from another capture.
    Known,
    /// Its port is of those that systems hand out, the other's is not, and it received more.
    HighPort,
    /// It received more.
    Volume,
    AnyPort,
    FirstPayload,
}

/// Ports above the well-known ones that servers use: web proxies and alternatives, and those of Tor's relays and clients.
const SERVICES: [u16; 9] = [5222, 8000, 8080, 8443, 9001, 9030, 9050, 9051, 9150];

impl Evidence {
    const ALL: [Self; 9] = [
        Self::Syn,
        Self::PrivateAddress,
        Self::NameLookup,
        Self::ServicePort,
        Self::Known,
        Self::HighPort,
        Self::Volume,
        Self::AnyPort,
        Self::FirstPayload,
    ];

    /// What a flow shows by itself.
    fn client(self, flow: &Flow) -> Option<usize> {
        let above = |limit: u16| the_one(flow.ends.map(|end| end.port() >= limit));
        match self {
            Self::Syn => flow.opener.map(usize::from),
            Self::PrivateAddress => the_one(flow.ends.map(|end| is_local(end.ip()))),
            Self::ServicePort => {
                // 1024 is where the well-known ports end.
                let is_service = |end: Endpoint| end.port() < 1024 || SERVICES.contains(&end.port());
                the_one(flow.ends.map(is_service)).map(|server| 1 - server)
            }
            // Linux hands out ports from 32768, others from 49152.
            Self::HighPort => above(32_768),
            Self::AnyPort => [32_768, 1024].into_iter().find_map(above),
            Self::FirstPayload => flow.first_payload.map(usize::from),
            Self::NameLookup | Self::Known | Self::Volume => None,
        }
    }

    fn is_guess(self) -> bool {
        matches!(self, Self::Volume | Self::AnyPort | Self::FirstPayload)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::PrivateAddress => "private address",
            Self::NameLookup => "name lookup",
            Self::ServicePort | Self::HighPort | Self::AnyPort => "port",
            Self::Known => "another capture",
            Self::Volume => "volume",
            Self::FirstPayload => "first payload",
        }
    }
}

/// The end for which it holds, if it holds for one only.
fn the_one(holds: [bool; 2]) -> Option<usize> {
    match holds {
        [true, false] => Some(0),
        [false, true] => Some(1),
        _ => None,
    }
}

/// The sum of weights by key, in the order of their first.
fn sums<K: Eq + Hash + Copy>(items: impl Iterator<Item = (K, u64)>) -> Vec<(K, u64)> {
    let mut sums: Vec<(K, u64)> = Vec::new();
    let mut index: HashMap<K, usize> = HashMap::new();
    for (key, weight) in items {
        let at = *index.entry(key).or_insert(sums.len());
        match sums.get_mut(at) {
            Some((_, sum)) => *sum += weight,
            None => sums.push((key, weight)),
        }
    }
    sums
}

/// The key with the largest sum of weights; the first of those that share it.
pub(crate) fn heaviest<K: Eq + Hash + Copy>(items: impl Iterator<Item = (K, u64)>) -> Option<K> {
    let sums = sums(items);
    let largest = sums.iter().map(|&(_, sum)| sum).max()?;
    sums.iter().find(|&&(_, sum)| sum == largest).map(|&(key, _)| key)
}
