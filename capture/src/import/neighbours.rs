//! What the captures of an import tell of each other: who the client is, and which peer is meant.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;

use crate::import::client::ClientRule;
use crate::import::flows::{Known, PeerRule, heaviest};
use crate::import::one_file::{FileTrace, FoundInFile};
use crate::import::options::ImportOptions;
use crate::packet::endpoint::Endpoint;

/// Captures that make a majority at least.
const FEWEST: usize = 3;

/// What all captures together show.
pub(crate) fn known(files: &[FileTrace], options: &ImportOptions) -> Known {
    let mut known = Known::default();
    if options.client == ClientRule::Auto {
        let certain = files.iter().filter(|file| !file.findings.is_guess).filter_map(|file| file.findings.main_pair);
        let (clients, peers): (HashSet<IpAddr>, HashSet<Endpoint>) =
            certain.map(|pair| (pair.client, pair.peer)).unzip();
        let hosts: HashSet<IpAddr> = peers.iter().map(Endpoint::ip).collect();
        // Who is a client here and a peer there tells nothing.
        known.peers = peers.into_iter().filter(|peer| !clients.contains(&peer.ip())).collect();
        known.clients = clients.into_iter().filter(|client| !hosts.contains(client)).collect();
    }
    if options.peer == PeerRule::Common {
        known.common = common_peer(files);
    }
    known
}

/// The peer in the most files; of several the one that is the main peer more often, then the first.
fn common_peer(files: &[FileTrace]) -> Option<Endpoint> {
    let all = files.len() as u64 + 1;
    heaviest(files.iter().flat_map(|file| {
        let main = file.findings.main_pair.map(|pair| pair.peer);
        file.findings.peers.iter().map(move |&peer| (peer, all + u64::from(Some(peer) == main)))
    }))
}

/// Whether a file would be read otherwise with what is known.
pub(crate) fn tell_more(file: &FoundInFile, known: &Known, options: &ImportOptions) -> bool {
    let Some(pair) = file.main_pair else { return false };
    let of_client = options.client == ClientRule::Auto && file.is_guess && pair.is_known(known);
    of_client || known.common.is_some_and(|common| common != pair.peer)
}

/// Names the files whose main peer is not the one that more than half of its class have, or else of all files.
pub(crate) fn warn_of_other_peers(files: &mut [FileTrace], classes: &[&str]) {
    let peer =
        |file: &FileTrace| file.findings.main_pair.filter(|_| file.stats.no_trace.is_none()).map(|pair| pair.peer);
    let mut by_class: BTreeMap<&str, Vec<Endpoint>> = BTreeMap::new();
    for (file, class) in files.iter().zip(classes) {
        by_class.entry(class).or_default().extend(peer(file));
    }
    let of_all = majority(&by_class.values().flatten().copied().collect::<Vec<_>>());
    let of_class: HashMap<&str, Option<Endpoint>> =
        by_class.iter().map(|(&class, peers)| (class, majority(peers).or(of_all))).collect();
    for (file, class) in files.iter_mut().zip(classes) {
        let (Some(usual), Some(here)) = (of_class[class], peer(file)) else { continue };
        if usual != here {
            let also = if file.findings.peers.contains(&usual) { ", which it has too" } else { "" };
            let kind = format!("main peer that is not the one most files share{also}: --peer says which is meant");
            file.stats.warnings.insert(kind, 1);
        }
    }
}

/// The peer of more than half.
fn majority(peers: &[Endpoint]) -> Option<Endpoint> {
    let most = heaviest(peers.iter().map(|&peer| (peer, 1)))?;
    let n = peers.iter().filter(|&&peer| peer == most).count();
    (peers.len() >= FEWEST && n * 2 > peers.len()).then_some(most)
}
