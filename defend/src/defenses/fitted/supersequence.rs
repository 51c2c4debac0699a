//! Supersequence: one row of directions that contains those of all traces of a set.

use wfkit_datasets::Trace;

use super::anonymity::AnonymitySets;
use super::schedule::Schedule;
use super::{Class, K, training};
use crate::defenses::{DELAYS, PACKET_SIZE, no_conflict};
use crate::{DefenseInfo, Direction, Needs, Parameter, ParameterValues, PerDirection, Preset, Value};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "supersequence",
    summary: "every page of an anonymity set sends the same row of packets, which contains the rows of all of them",
    purpose: "a service that knows its pages; exact sets of k pages",
    cost: "two to five times the bytes, by the sets",
    source: "Wang, Cai, Nithyanand, Johnson and Goldberg, \"Effective Attacks and Provable Defenses for Website Fingerprinting\", USENIX \
             Security 2014; weighted majority merge: Branke, Middendorf and Schneider, \"Improved heuristics and a genetic algorithm for finding \
             short supersequences\", OR Spektrum 20, 1998",
    published: &[],
    caveats: &[
        "a shortest common supersequence of many rows is hard to find: the next packet goes where the rows want to go next, each counted by \
         what it still has to send, until all are through",
        "the paper has no times; here a packet of the row leaves when the slowest trace that needs it has it",
        "a trace that the row does not contain, as one that the defence has not learned from may be, waits, and takes the row again where it has to; \
         it is counted as a misfit",
        "sets are of neighbours in mean bytes, cut so that the most packets each way cost the least",
        "a class that the training traces do not have takes the smallest row that it fits; such traces are counted",
    ],
    needs: Needs { sizes: false, times: false, set: false, classes: true },
    presets: &[Preset {
        name: "wang14",
        summary: "sets of k pages or more, a supersequence for each",
        parameters: &[
            K,
            PACKET_SIZE,
            Parameter::count(
                "traces",
                1,
                1000,
                "training traces of a class that are taken, from the shortest to the longest at equal steps",
            ),
            DELAYS,
        ],
        check: no_conflict,
        build: |values, profile| {
            let size = values.size("size");
            // The most packets of a trace each way.
            let most = |(_, traces): &Class<'_>| {
                PerDirection::from_fn(|way| traces.iter().map(|trace| packets(trace, size)[way]).max().unwrap_or(0))
            };
            let all = training(profile).traces().iter().map(|labelled| packets(&labelled.trace, size).total());
            if all.sum::<u64>() > profile.limit().of_set() {
                let (limit, size) = (profile.limit().of_set(), Value::Size(size));
                return Err(format!(
                    "the training traces of all classes fill more than {limit} packets of {size}, the limit: learn from fewer, give a larger size, or raise the limit with \
                     --most-packets"
                ));
            }
            let cost = |set: &[PerDirection<u64>]| {
                let most = PerDirection::from_fn(|way| set.iter().map(|most| most[way]).max().unwrap_or(0));
                most.total() as f64
            };
            Ok(Box::new(AnonymitySets::fit(values, profile, most, cost, |set, _| schedule(set, values))?))
        },
    }],
};

/// How many packets of `size` bytes the trace fills each way.
fn packets(trace: &Trace, size: u32) -> PerDirection<u64> {
    let mut packets = PerDirection::default();
    for &bytes in trace.size() {
        packets[Direction::of(bytes)] += u64::from(bytes.unsigned_abs().div_ceil(size));
    }
    packets
}

/// When each packet of `size` bytes that the trace fills is there, and which way it goes.
fn cells(trace: &Trace, size: u32) -> impl Iterator<Item = (u64, Direction)> {
    trace.packets().flat_map(move |(time_ns, bytes)| {
        let cells = bytes.unsigned_abs().div_ceil(size) as usize;
        std::iter::repeat_n((time_ns, Direction::of(bytes)), cells)
    })
}

fn schedule(set: &[Class<'_>], values: &ParameterValues) -> Schedule {
    let (size, most) = (values.size("size"), values.count("traces") as usize);
    let rows = set.iter().flat_map(|(_, traces)| some(traces, most));
    let rows: Vec<Vec<(u64, Direction)>> = rows.map(|trace| cells(trace, size).collect()).collect();
    let slots = merge(&rows);
    let end = slots.last().map_or(0, |(time_ns, _)| *time_ns);
    let gap = end / slots.len().max(1) as u64;
    Schedule::new(slots, end + gap + 1, size)
}

/// At most `most` of the traces, from the fewest packets to the most.
fn some<'a>(traces: &[&'a Trace], most: usize) -> Vec<&'a Trace> {
    let mut sorted = traces.to_vec();
    sorted.sort_by_key(|trace| trace.len());
    if most >= sorted.len() {
        return sorted;
    }
    // The longest always.
    (1..=most).map(|i| sorted[i * sorted.len() / most - 1]).collect()
}

/// A common supersequence of the rows by weighted majority merge, each packet at the time of the latest that takes it.
fn merge(rows: &[Vec<(u64, Direction)>]) -> Vec<(u64, Direction)> {
    let mut next = vec![0; rows.len()];
    let mut merged = Vec::new();
    let mut now_ns = 0;
    loop {
        let mut weight = [0_usize; 2];
        for (row, &next) in rows.iter().zip(&next) {
            if let Some((_, way)) = row.get(next) {
                weight[usize::from(*way == Direction::Incoming)] += row.len() - next;
            }
        }
        let [outgoing, incoming] = weight;
        if outgoing + incoming == 0 {
            return merged;
        }
        let way = if outgoing >= incoming { Direction::Outgoing } else { Direction::Incoming };
        for (row, next) in rows.iter().zip(&mut next) {
            if let Some(&(time_ns, _)) = row.get(*next).filter(|cell| cell.1 == way) {
                now_ns = time_ns.max(now_ns);
                *next += 1;
            }
        }
        merged.push((now_ns, way));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(text: &str) -> Vec<(u64, Direction)> {
        let way = |letter| if letter == 'o' { Direction::Outgoing } else { Direction::Incoming };
        text.chars().zip(0..).map(|(letter, i)| (i, way(letter))).collect()
    }

    /// The length of the shortest common supersequence of two rows, by dynamic programming.
    fn shortest(a: &[(u64, Direction)], b: &[(u64, Direction)]) -> usize {
        let mut common = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 0..a.len() {
            for j in 0..b.len() {
                common[i + 1][j + 1] =
                    if a[i].1 == b[j].1 { common[i][j] + 1 } else { common[i][j + 1].max(common[i + 1][j]) };
            }
        }
        a.len() + b.len() - common[a.len()][b.len()]
    }

    proptest! {
        #[test]
        fn every_row_is_contained_in_time(rows in prop::collection::vec("[oi]{1,30}", 1..6)) {
            let rows: Vec<_> = rows.iter().map(|text| row(text)).collect();
            let merged = merge(&rows);
            prop_assert!(merged.windows(2).all(|pair| pair[0].0 <= pair[1].0));
            for row in &rows {
                let mut slots = merged.iter();
                prop_assert!(row.iter().all(|(time, way)| slots.any(|slot| slot.1 == *way && slot.0 >= *time)));
            }
        }

        #[test]
        fn two_rows_merge_into_little_more_than_the_shortest(a in "[oi]{1,30}", b in "[oi]{1,30}") {
            let (a, b) = (row(&a), row(&b));
            let (merged, shortest) = (merge(&[a.clone(), b.clone()]).len(), shortest(&a, &b));
            // A row over two letters is in any row of twice its length that alternates.
            prop_assert!(shortest <= merged && merged <= 2 * a.len().max(b.len()), "{merged}, {shortest}");
        }
    }

    #[test]
    fn a_row_with_itself_is_itself() {
        let one = row("oiioi");
        assert_eq!(merge(&[one.clone(), one.clone()]), one);
        assert_eq!(merge(&[]), []);
    }

    #[test]
    fn the_longest_trace_is_always_taken() {
        let traces: Vec<Trace> = (1..=7).map(|n| Trace::new(vec![0; n], vec![1; n]).unwrap()).collect();
        let refs: Vec<&Trace> = traces.iter().collect();
        let lengths = |most| some(&refs, most).iter().map(|trace| trace.len()).collect::<Vec<_>>();
        assert_eq!((lengths(1), lengths(3), lengths(9)), (vec![7], vec![2, 4, 7], (1..=7).collect()));
    }
}
