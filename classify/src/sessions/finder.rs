//! Where the pages of a session begin.

use ndarray::Array2;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use rayon::prelude::*;
use wfkit_datasets::{Label, Trace, TraceKey};
use wfkit_features::FeatureMatrix;
use wfkit_metrics::seed::mix;

use super::Session;
use crate::{Attack, AttackError, AttackOptions, FittedAttack, Samples};

/// Windows in ns before and after a packet in which packets are counted.
const WINDOWS_NS: [u64; 5] = [50_000_000, 200_000_000, 1_000_000_000, 3_000_000_000, 10_000_000_000];
/// Packets after and before it whose distance and direction are looked at.
const NEIGHBOURS: usize = 10;
/// Values that tell a beginning from the inside of a page: incoming and outgoing in each window, and of each neighbour two.
const COLUMNS: usize = 4 * WINDOWS_NS.len() + 4 * NEIGHBOURS;

/// Outgoing packets inside of pages that are learned from, for each page.
const INSIDE: usize = 30;
/// Two pages do not begin closer than this.
const APART_NS: u64 = 1_000_000_000;
/// What a neighbour that is not there is away.
const FAR_S: f64 = 60.0;

const START: &str = "start";
const OTHER: &str = "inside";

/// Says where pages begin: a random forest on what is around each outgoing packet, since a page begins with a request.
///
/// This is split finding by a classifier as in Wang and Goldberg, "On Realistically Attacking Tor with Website Fingerprinting", PoPETs 2016. It differs:
/// their classifier is k-NN over 23 features that are listed in part; this one is a forest over packets in windows of 50 ms to 10 s before and
/// after the packet, and over the times and directions of the ten packets before and after it. It learns in two rounds, the second with the
/// outgoing packets that the first took for a beginning. Without silence between pages what it has learned are the first packets of a load.
#[derive(Debug)]
pub struct PageFinder(FittedAttack);

impl PageFinder {
    /// Learns from sessions, at least one of which has a second page.
    pub fn fit(sessions: &[Session<'_>], seed: u64) -> Result<Self, AttackError> {
        let starts: Vec<Vec<usize>> = sessions.iter().map(|session| session.starts()).collect();
        let first_requests: Vec<Vec<usize>> = sessions
            .iter()
            .zip(&starts)
            .map(|(session, starts)| starts.iter().filter_map(|&start| request_from(session.trace, start)).collect())
            .collect();
        // Where a session begins is known; with nothing before it, it is no example of what to look for.
        let to_find: Vec<&[usize]> = first_requests.iter().map(|requests| requests.get(1..).unwrap_or(&[])).collect();
        let inside = |i: usize| -> Vec<usize> {
            let mut inside: Vec<usize> =
                requests(sessions[i].trace).filter(|packet| !first_requests[i].contains(packet)).collect();
            inside.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(seed, i as u64)));
            inside.truncate(INSIDE * starts[i].len());
            inside
        };
        let mut others: Vec<Vec<usize>> = (0..sessions.len()).map(inside).collect();
        let first = Self::fit_on(sessions, &to_find, &others, seed)?;
        for (i, session) in sessions.iter().enumerate() {
            let wrong = first.candidates(session.trace)?.into_iter().filter(|(_, probability)| *probability > 0.2);
            let wrong = wrong.map(|(packet, _)| packet).filter(|packet| !first_requests[i].contains(packet));
            others[i].extend(wrong.collect::<Vec<_>>());
            others[i].sort_unstable();
            others[i].dedup();
        }
        Self::fit_on(sessions, &to_find, &others, seed)
    }

    fn fit_on(
        sessions: &[Session<'_>],
        starts: &[&[usize]],
        others: &[Vec<usize>],
        seed: u64,
    ) -> Result<Self, AttackError> {
        let rows: Vec<(usize, usize, &str)> = (0..sessions.len())
            .flat_map(|i| {
                let starts = starts[i].iter().map(move |&packet| (i, packet, START));
                starts.chain(others[i].iter().map(move |&packet| (i, packet, OTHER)))
            })
            .collect();
        let values: Vec<[f64; COLUMNS]> =
            rows.par_iter().map(|&(i, packet, _)| around(sessions[i].trace, packet)).collect();
        let forest = Attack::by_name("forest", &AttackOptions::default())?;
        let matrix = matrix(&values, |row| rows[row].2);
        Ok(Self(forest.fit(Samples::Features(&matrix), seed)?))
    }

    /// Every outgoing packet, and how likely a page begins with it.
    pub fn candidates(&self, trace: &Trace) -> Result<Vec<(usize, f64)>, AttackError> {
        let packets: Vec<usize> = requests(trace).collect();
        let values: Vec<[f64; COLUMNS]> = packets.par_iter().map(|&packet| around(trace, packet)).collect();
        if packets.is_empty() {
            return Ok(Vec::new());
        }
        let probabilities = self.0.predict(Samples::Features(&matrix(&values, |_| OTHER)))?;
        let start = probabilities.classes().index_of(START).expect("it has learned from starts");
        Ok(packets.into_iter().zip(probabilities.values().column(start).iter().copied()).collect())
    }

    /// The packets with which pages begin, the first of the trace always, of `candidates`: the most likely of them that are a second apart and from
    /// the first request, as many as are wanted, or all that are likelier than not.
    pub fn starts(candidates: &[(usize, f64)], time_ns: &[u64], pages: Option<usize>) -> Vec<usize> {
        let mut likely: Vec<&(usize, f64)> = candidates.iter().collect();
        likely.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut starts = vec![0];
        // The session's first request belongs to its beginning, however long after the first packet it is.
        let first_request = candidates.iter().map(|(packet, _)| *packet).min().unwrap_or(0);
        for &&(packet, probability) in &likely {
            if pages.map_or(probability <= 0.5, |pages| starts.len() >= pages) {
                break;
            }
            if starts.iter().chain([&first_request]).all(|&other| time_ns[packet].abs_diff(time_ns[other]) >= APART_NS)
            {
                starts.push(packet);
            }
        }
        starts.sort_unstable();
        starts
    }
}

fn requests(trace: &Trace) -> impl Iterator<Item = usize> {
    (0..trace.len()).filter(|&packet| trace.size()[packet] > 0)
}

fn request_from(trace: &Trace, start: usize) -> Option<usize> {
    (start..trace.len()).find(|&packet| trace.size()[packet] > 0)
}

/// What is around a packet: per window the outgoing and incoming packets before and after it; of each neighbour the s that it is away and its
/// direction, 0 where there is none.
fn around(trace: &Trace, packet: usize) -> [f64; COLUMNS] {
    let (times, sizes) = (trace.time_ns(), trace.size());
    let now = times[packet];
    let mut values = [0.0; COLUMNS];
    let mut column = values.iter_mut();
    let mut put = |value: f64| *column.next().expect("there are as many columns") = value;
    let counts = |packets: &[i32]| {
        let out = packets.iter().filter(|&&size| size > 0).count();
        [out as f64, (packets.len() - out) as f64]
    };
    for window in WINDOWS_NS {
        let from = times.partition_point(|&time| time < now.saturating_sub(window)).min(packet);
        let to = times.partition_point(|&time| time <= now.saturating_add(window));
        counts(&sizes[from..packet]).into_iter().chain(counts(&sizes[packet + 1..to])).for_each(&mut put);
    }
    for distance in 1..=NEIGHBOURS {
        for neighbour in [packet.checked_sub(distance), packet.checked_add(distance).filter(|&i| i < times.len())] {
            put(neighbour.map_or(FAR_S, |i| times[i].abs_diff(now) as f64 / 1e9));
            put(neighbour.map_or(0.0, |i| f64::from(sizes[i].signum())));
        }
    }
    values
}

fn matrix(values: &[[f64; COLUMNS]], class: impl Fn(usize) -> &'static str) -> FeatureMatrix {
    let names = (0..COLUMNS).map(|column| format!("around.{column}")).collect();
    let label =
        |row: usize| Label::new(TraceKey { class: class(row).to_owned(), rep: row as i64, session: None }, None);
    let labels = (0..values.len()).map(label).collect();
    let values = Array2::from_shape_vec((values.len(), COLUMNS), values.as_flattened().to_vec());
    FeatureMatrix::new(names, labels, values.expect("rows have as many values")).expect("counts and times are finite")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_around_a_packet_is_counted() {
        let ms = |times: [u64; 5]| times.map(|ms| ms * 1_000_000).to_vec();
        let trace = Trace::new(ms([0, 100, 150, 160, 9_000]), vec![1, -1, 1, -1, -1]).unwrap();
        let values = around(&trace, 2);
        let window = |w: usize| values[4 * w..4 * w + 4].to_vec(); // out, in before; out, in after
        assert_eq!(window(0), [0.0, 1.0, 0.0, 1.0]);
        assert_eq!(window(1), [1.0, 1.0, 0.0, 1.0]);
        assert_eq!(window(4), [1.0, 1.0, 0.0, 2.0]);
        let neighbours = &values[4 * WINDOWS_NS.len()..];
        assert_eq!(neighbours[..8], [0.05, -1.0, 0.01, -1.0, 0.15, 1.0, 8.85, -1.0]);
        assert_eq!(neighbours[8..12], [FAR_S, 0.0, FAR_S, 0.0]);
    }

    #[test]
    fn the_likeliest_starts_a_second_apart_are_taken() {
        let times: Vec<u64> = (0..8).map(|i| i * 600_000_000).collect();
        let candidates = [(0, 0.99), (1, 0.99), (2, 0.6), (3, 0.7), (5, 0.4), (7, 0.3)];
        // 1 is 0.6 s after the beginning, 2 is 0.6 s before 3.
        assert_eq!(PageFinder::starts(&candidates, &times, None), [0, 3]);
        assert_eq!(PageFinder::starts(&candidates, &times, Some(3)), [0, 3, 5]);
        assert_eq!(PageFinder::starts(&candidates, &times, Some(9)), [0, 3, 5, 7]);
        // Where the first request comes late, it is still that of the first page.
        assert_eq!(PageFinder::starts(&candidates[3..], &times, None), [0]);
        assert_eq!(PageFinder::starts(&candidates[3..], &times, Some(3)), [0, 5, 7]);
        assert_eq!(PageFinder::starts(&[], &times, Some(2)), [0]);
    }
}
