//! TCP flows of one capture, and which of them make the trace.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::str::FromStr;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use thiserror::Error;

use crate::client::{ClientRule, is_local};
use crate::endpoint::Endpoint;
use crate::packet::Segment;
use crate::stats::Reason;

/// Which flows of the client make the trace. As text `main` or `all`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FlowScope {
    /// Those to the main peer: the address and port with which the client exchanged the most payload.
    #[default]
    Main,
    /// All.
    All,
}

/// Text that is no [`FlowScope`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is neither `main` nor `all`")]
pub struct FlowScopeError(String);

impl FromStr for FlowScope {
    type Err = FlowScopeError;

    fn from_str(text: &str) -> Result<Self, FlowScopeError> {
        match text {
            "main" => Ok(Self::Main),
            "all" => Ok(Self::All),
            _ => Err(FlowScopeError(text.to_owned())),
        }
    }
}

impl fmt::Display for FlowScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "main",
            Self::All => "all",
        })
    }
}

/// All segments between two endpoints.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    /// The first is the sender of the first segment.
    pub(crate) ends: [Endpoint; 2],
    /// Payload of both directions, in bytes.
    payload: u64,
    /// The end that opened the connection, where the capture shows it.
    opener: Option<u8>,
    /// The end that sent the first payload.
    first_payload: Option<u8>,
}

/// The flows of a capture in order of their first segment.
#[derive(Debug, Default)]
pub(crate) struct FlowTable {
    flows: Vec<Flow>,
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
            flows.push(Flow { ends: [source, destination], payload: 0, opener: None, first_payload: None });
        }
        at
    }

    /// Decides for each flow whether it is part of the trace, and which of its ends is the client.
    pub(crate) fn choose(&self, rule: &ClientRule, scope: FlowScope) -> Choice {
        let (sides, used) = match rule {
            ClientRule::Auto => self.sides_by_evidence(),
            ClientRule::Cidr(network) => {
                (self.sides_where(|flow| flow.ends.map(|end| network.contains(end.ip()))), Some("given network"))
            }
            ClientRule::Port(port) => (
                self.sides_where(|flow| [flow.ends[1].port() == *port, flow.ends[0].port() == *port]),
                Some("given port"),
            ),
        };
        let known =
            || self.flows.iter().zip(&sides).filter_map(|(flow, side)| side.client().map(|client| (flow, client)));
        let host = heaviest(known().map(|(flow, client)| (flow.ends[client].ip(), flow.payload)));
        let of_host = known().filter(|(flow, client)| Some(flow.ends[*client].ip()) == host);
        let main_peer = heaviest(of_host.map(|(flow, client)| (flow.ends[1 - client], flow.payload)));

        let fate = |flow: &Flow, side: &Side| match *side {
            Side::Unknown => Err(Reason::ClientUnknown),
            Side::Elsewhere => Err(Reason::OtherFlow),
            Side::Client(client) => {
                let is_clients = Some(flow.ends[client].ip()) == host;
                let is_main = Some(flow.ends[1 - client]) == main_peer;
                if is_clients && (is_main || scope == FlowScope::All) { Ok(client) } else { Err(Reason::OtherFlow) }
            }
        };
        Choice {
            fates: self.flows.iter().zip(&sides).map(|(flow, side)| fate(flow, side)).collect(),
            rule: used.filter(|_| host.is_some()),
        }
    }

    /// The client of a flow is the one end for which `is_client` holds.
    fn sides_where(&self, is_client: impl Fn(&Flow) -> [bool; 2]) -> Vec<Side> {
        self.flows.iter().map(|flow| the_one(is_client(flow)).map_or(Side::Unknown, Side::Client)).collect()
    }

    /// [`ClientRule::Auto`]: finds the client host between the two hosts that exchanged the most payload; also the
    /// name of the evidence.
    fn sides_by_evidence(&self) -> (Vec<Side>, Option<&'static str>) {
        let hosts = |flow: &Flow| {
            let [a, b] = flow.ends.map(|end| end.ip());
            (a.min(b), a.max(b))
        };
        let main_pair = heaviest(self.flows.iter().map(|flow| (hosts(flow), flow.payload)));
        let main_flows = || self.flows.iter().filter(|flow| Some(hosts(flow)) == main_pair);
        let verdict = Evidence::ALL.into_iter().find_map(|evidence| {
            let clients = main_flows().filter_map(|flow| Some((flow.ends[evidence.client(flow)?].ip(), flow.payload)));
            heaviest(clients).map(|host| (host, evidence.name()))
        });
        let Some((host, name)) = verdict else { return (vec![Side::Unknown; self.flows.len()], None) };

        let side = |flow: &Flow| match flow.ends.map(|end| end.ip() == host) {
            [true, false] => Side::Client(0),
            [false, true] => Side::Client(1),
            [false, false] => Side::Elsewhere,
            // A host that talks to itself: each flow has to tell for itself.
            [true, true] => {
                Evidence::ALL.iter().find_map(|evidence| evidence.client(flow)).map_or(Side::Unknown, Side::Client)
            }
        };
        (self.flows.iter().map(side).collect(), Some(name))
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
    pub(crate) rule: Option<&'static str>,
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

/// What a flow shows of which end is the client, the strongest first.
#[derive(Debug, Clone, Copy)]
enum Evidence {
    Syn,
    PrivateAddress,
    Port,
    FirstPayload,
}

impl Evidence {
    const ALL: [Self; 4] = [Self::Syn, Self::PrivateAddress, Self::Port, Self::FirstPayload];

    fn client(self, flow: &Flow) -> Option<usize> {
        match self {
            Self::Syn => flow.opener.map(usize::from),
            Self::PrivateAddress => the_one(flow.ends.map(|end| is_local(end.ip()))),
            // Linux hands out ports from 32768, others from 49152; 1024 is where the well-known ones end.
            Self::Port => [32768, 1024].iter().find_map(|&limit| the_one(flow.ends.map(|end| end.port() >= limit))),
            Self::FirstPayload => flow.first_payload.map(usize::from),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::PrivateAddress => "private address",
            Self::Port => "port",
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

/// The key with the largest sum of weights; the first of those that share it.
fn heaviest<K: Eq + Hash + Copy>(items: impl Iterator<Item = (K, u64)>) -> Option<K> {
    let mut sums: Vec<(K, u64)> = Vec::new();
    let mut index: HashMap<K, usize> = HashMap::new();
    for (key, weight) in items {
        let at = *index.entry(key).or_insert(sums.len());
        match sums.get_mut(at) {
            Some((_, sum)) => *sum += weight,
            None => sums.push((key, weight)),
        }
    }
    let largest = sums.iter().map(|&(_, sum)| sum).max()?;
    sums.iter().find(|&&(_, sum)| sum == largest).map(|&(key, _)| key)
}
