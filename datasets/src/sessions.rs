//! Sessions: page loads one after the other in one trace, and where each of them begins.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rand::seq::SliceRandom;
use rand::{RngExt as _, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use wfkit_metrics::seed::mix;

use crate::{LabelledTrace, Trace, TraceKey, TraceSet, report_path};

/// What a session consists of, beside its trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPages {
    /// The trace.
    #[serde(flatten)]
    pub key: TraceKey,
    /// Its pages in order, at least one.
    pub pages: Vec<Page>,
}

/// A file that does not say the pages of sessions.
#[derive(Debug, Error)]
pub enum SessionPagesError {
    /// It cannot be read.
    #[error("{}: cannot read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It holds something else.
    #[error("{}: not the pages of sessions", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: serde_json::Error,
    },
    /// A session is without pages.
    #[error("{}: the session ({key}) has no pages", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The session.
        key: TraceKey,
    },
}

impl SessionPages {
    /// Where the pages of a file of sessions stand: `s.parquet` has `s.pages.json`.
    pub fn beside(traces: &Path) -> PathBuf {
        let report = report_path(traces);
        let name = report.file_name().map(|name| name.to_string_lossy().replace(".report.json", ".pages.json"));
        report.with_file_name(name.unwrap_or_default())
    }

    /// All sessions of such a file.
    ///
    /// # Errors
    /// A file that cannot be read, that holds something else, or a session without pages.
    pub fn read(path: &Path) -> Result<Vec<Self>, SessionPagesError> {
        let of = |path: &Path| path.to_owned();
        let text =
            fs::read_to_string(path).map_err(|source| SessionPagesError::Unreadable { path: of(path), source })?;
        let sessions: Vec<Self> =
            serde_json::from_str(&text).map_err(|source| SessionPagesError::Format { path: of(path), source })?;
        match sessions.iter().find(|session| session.pages.is_empty()) {
            Some(empty) => Err(SessionPagesError::Empty { path: of(path), key: empty.key.clone() }),
            None => Ok(sessions),
        }
    }

    /// All sessions, as such a file holds them.
    pub fn to_json(sessions: &[Self]) -> String {
        serde_json::to_string_pretty(sessions).expect("texts and numbers are JSON") + "\n"
    }
}

/// A page of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Which page it is.
    pub class: String,
    /// The load that it is, as copies of it have it as their origin; none where it was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// When it begins, in ns since the session began. A defence that delays nothing does not move it.
    pub start_ns: u64,
}

/// How sessions are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// Pages of a session, each number equally likely; at least 1.
    pub pages: RangeInclusive<usize>,
    /// Time in ns from the last packet of a page to the first of the next (the dwell time), uniform.
    pub dwell_ns: RangeInclusive<u64>,
    /// How many at most; as many as there are loads for where it is not given.
    pub sessions: Option<usize>,
    /// The seed.
    pub seed: u64,
}

/// Why there are no sessions.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The first session needs more loads than there are.
    #[error("{loads} page loads do not make a session of {pages}")]
    TooFewLoads {
        /// Loads there are.
        loads: usize,
        /// Loads needed.
        pages: usize,
    },
    /// A range has nothing in it, or pages of 0.
    #[error("{0}")]
    Range(&'static str),
}

/// Makes sessions of the loads in `set`: each of as many loads as is drawn, one after the other with the time that a user looks at a page between
/// them, as in Gong and Wang, "Zero-delay Lightweight Defenses against Website Fingerprinting", USENIX Security 2020 (2 to 16 pages, 1 to 10 s).
///
/// Loads are taken in random order and each at most once, so that sessions share nothing; what is left at the end is not used. A session has
/// its number of pages as its class, so that whoever classifies sessions guesses it, and a number of its own as its rep.
///
/// Order, numbers of pages and times between them are drawn from the seed and the packets of all loads, not from their labels: sessions of two files have
/// draws of their own, although they have the same keys.
///
/// # Errors
/// An empty range, a session of no page, fewer loads than the first session needs.
pub fn join_sessions(set: &TraceSet, options: &SessionOptions) -> Result<(TraceSet, Vec<SessionPages>), SessionError> {
    if options.pages.is_empty() || *options.pages.start() == 0 {
        return Err(SessionError::Range("a session has 1 page at least, and not more at least than at most"));
    }
    if options.dwell_ns.is_empty() {
        return Err(SessionError::Range("the shortest time between pages is longer than the longest"));
    }
    let (mut loads, content) = by_content(set);
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(mix(options.seed, content));
    loads.shuffle(&mut draws);
    let (mut traces, mut sessions) = (Vec::new(), Vec::new());
    let mut left = &loads[..];
    while options.sessions.is_none_or(|most| sessions.len() < most) {
        let pages = draws.random_range(options.pages.clone());
        let Some((taken, rest)) = left.split_at_checked(pages) else {
            if sessions.is_empty() {
                return Err(SessionError::TooFewLoads { loads: left.len(), pages });
            }
            break;
        };
        left = rest;
        let dwells = (1..pages).map(|_| draws.random_range(options.dwell_ns.clone())).collect::<Vec<u64>>();
        let (trace, starts) = join(taken, &dwells);
        let key = TraceKey { class: pages.to_string(), rep: sessions.len() as i64, session: None };
        let of_load = |(load, start_ns): (&&LabelledTrace, u64)| Page {
            class: load.key.class.clone(),
            origin: Some(load.origin_of_copies()),
            start_ns,
        };
        sessions.push(SessionPages { key: key.clone(), pages: taken.iter().zip(starts).map(of_load).collect() });
        traces.push(LabelledTrace::new(key, None, trace));
    }
    let set = TraceSet::new(traces, set.provenance().clone()).expect("every session has a rep of its own");
    Ok((set, sessions))
}

/// The loads in the order of their content hashes, and a number for all of these together. Loads of the same packets are in the order of the set.
fn by_content(set: &TraceSet) -> (Vec<&LabelledTrace>, u64) {
    let mut loads: Vec<([u8; 32], &LabelledTrace)> =
        set.traces().iter().map(|labelled| (labelled.trace.content_hash(), labelled)).collect();
    loads.sort_by_key(|(hash, _)| *hash);
    let mut all = Sha256::new();
    loads.iter().for_each(|(hash, _)| all.update(hash));
    let digest: [u8; 32] = all.finalize().into();
    let number = digest[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    (loads.into_iter().map(|(_, labelled)| labelled).collect(), number)
}

/// The loads one after the other, and when each begins.
fn join(loads: &[&LabelledTrace], dwells: &[u64]) -> (Trace, Vec<u64>) {
    let (mut times, mut sizes, mut starts) = (Vec::new(), Vec::new(), Vec::new());
    let mut start_ns = 0_u64;
    for (load, dwell) in loads.iter().zip(dwells.iter().chain([&0])) {
        starts.push(start_ns);
        times.extend(load.trace.time_ns().iter().map(|time| start_ns.saturating_add(*time)));
        sizes.extend_from_slice(load.trace.size());
        start_ns = start_ns.saturating_add(load.trace.duration_ns()).saturating_add(*dwell);
    }
    (Trace::new(times, sizes).expect("loads are in order, and one begins after the other"), starts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Layer, Provenance};

    fn loads() -> TraceSet {
        let one = |rep: i64| {
            LabelledTrace::new(
                TraceKey { class: format!("page {}", rep % 7), rep, session: None },
                None,
                Trace::new(vec![0, 5], vec![1 + rep as i32, -1]).unwrap(),
            )
        };
        TraceSet::new((0..100).map(one).collect(), Provenance::new(Layer::Cell, vec![])).unwrap()
    }

    fn options() -> SessionOptions {
        SessionOptions { pages: 2..=4, dwell_ns: 10..=20, sessions: None, seed: 1 }
    }

    #[test]
    fn pages_come_back_from_their_file_and_others_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = SessionPages::beside(&folder.path().join("s.parquet"));
        assert_eq!(file.file_name().unwrap(), "s.pages.json");
        assert!(SessionPages::read(&file).unwrap_err().to_string().ends_with("s.pages.json: cannot read"));
        let (_, mut sessions) = join_sessions(&loads(), &options()).unwrap();
        fs::write(&file, SessionPages::to_json(&sessions)).unwrap();
        assert_eq!(SessionPages::read(&file).unwrap(), sessions);
        sessions[1].pages.clear();
        fs::write(&file, SessionPages::to_json(&sessions)).unwrap();
        let error = SessionPages::read(&file).unwrap_err().to_string();
        assert!(error.ends_with(&format!("the session ({}) has no pages", sessions[1].key)), "{error}");
        fs::write(&file, "{}").unwrap();
        assert!(SessionPages::read(&file).unwrap_err().to_string().ends_with("not the pages of sessions"));
    }

    #[test]
    fn sessions_are_loads_one_after_the_other() {
        let loads = loads();
        let (set, sessions) = join_sessions(&loads, &options()).unwrap();
        let mut used = Vec::new();
        for session in &sessions {
            let labelled = set.traces().iter().find(|labelled| labelled.key == session.key).unwrap();
            let packets: Vec<(u64, i32)> = labelled.trace.packets().collect();
            assert_eq!(session.key.class, session.pages.len().to_string());
            assert!(packets.len() == 2 * session.pages.len() && (2..=4).contains(&session.pages.len()));
            for (page, packets) in session.pages.iter().zip(packets.chunks(2)) {
                assert_eq!((packets[0].0, packets[1].0), (page.start_ns, page.start_ns + 5));
                let load = loads.traces().iter().find(|load| load.trace.size()[0] == packets[0].1).unwrap();
                assert_eq!(load.key.class, page.class);
                used.push(load.key.rep);
            }
            let dwells = session.pages.windows(2).map(|pair| pair[1].start_ns - pair[0].start_ns - 5);
            assert!(dwells.into_iter().all(|dwell| (10..=20).contains(&dwell)));
        }
        // At most three are left over.
        let all = used.len();
        used.sort_unstable();
        used.dedup();
        assert!(used.len() == all && all > 96, "{all}");
        assert_eq!(join_sessions(&loads, &options()).unwrap(), (set, sessions));
    }

    /// Whoever trains on sessions of one file and tests on those of another must find no draws again.
    #[test]
    fn draws_follow_the_packets_not_the_labels() {
        let relabelled = |change: fn(&mut LabelledTrace)| {
            let mut traces = loads().traces().to_vec();
            traces.iter_mut().for_each(change);
            TraceSet::new(traces, loads().provenance().clone()).unwrap()
        };
        let options = SessionOptions { pages: 2..=16, dwell_ns: 0..=1_000_000, sessions: None, seed: 1 };
        let drawn = |set: &TraceSet| -> Vec<Vec<u64>> {
            let (_, sessions) = join_sessions(set, &options).unwrap();
            sessions.iter().map(|session| session.pages.iter().map(|page| page.start_ns).collect()).collect()
        };
        let before = drawn(&loads());
        let labels = relabelled(|load| (load.key.class, load.key.rep) = ("one".into(), 1000 - load.key.rep));
        assert_eq!(drawn(&labels), before);
        let packets =
            relabelled(|load| load.trace = Trace::new(vec![0, 5], vec![-1 - load.key.rep as i32, 1]).unwrap());
        let after = drawn(&packets);
        assert_ne!(after.iter().map(Vec::len).collect::<Vec<_>>(), before.iter().map(Vec::len).collect::<Vec<_>>());
        assert!(after.iter().zip(&before).all(|(after, before)| after[1] != before[1]), "{after:?} {before:?}");
    }

    #[test]
    fn what_cannot_be_made_is_an_error() {
        let made = |options| join_sessions(&loads(), &options).map(|(_, sessions)| sessions.len());
        assert_eq!(made(SessionOptions { sessions: Some(3), ..options() }), Ok(3));
        assert_eq!(
            made(SessionOptions { pages: 101..=101, ..options() }),
            Err(SessionError::TooFewLoads { loads: 100, pages: 101 })
        );
        #[expect(clippy::reversed_empty_ranges, reason = "that is what is tested")]
        let empty = [
            SessionOptions { pages: 0..=2, ..options() },
            SessionOptions { pages: 3..=2, ..options() },
            SessionOptions { dwell_ns: 3..=2, ..options() },
        ];
        assert!(empty.into_iter().all(|options| matches!(made(options), Err(SessionError::Range(_)))));
        assert_eq!(made(SessionOptions { pages: 1..=1, dwell_ns: 0..=0, ..options() }), Ok(100));
    }
}
