//! TrafficSliver: circuits over several entry relays.

use super::{DELAYS, LATENCY, SEEN, Scheme, Split, check, paths};
use crate::{DefenseInfo, Draws, Needs, Parameter, PerDirection, Preset};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "trafficsliver",
    summary: "splits the cells of a load over several entry relays, of which the observer sees one",
    purpose: "an observer who sees one of several entry relays",
    cost: "no bytes; no delay in the simulation",
    source: "De la Cadena, Mitseva, Hiller, Pennekamp, Reuter, Filter, Engel, Wehrle and Panchenko, \"TrafficSliver: Fighting \
             Website Fingerprinting Attacks with Traffic Splitting\", CCS 2020",
    published: &[
        "bandwidth 0 %, latency 0 % (Mathews et al., SoK, IEEE S&P 2023; Shen et al., Robust Fingerprinting, USENIX Security 2023)",
    ],
    caveats: &[
        "who sees all paths, as the user's access provider does, is not affected: `see` equal to `paths` shows everything",
        "one view a load is observed, so that no two views of a load can be on two sides of a split; `--replicas` draws others, which share \
         an origin",
        "a load of which the observed paths carry nothing is unknown to the observer: it is drawn again, and the draws are counted",
        "the authors took latencies from 4,073 measured circuits; here a path is up to `latency` slower than the fastest, \
         uniformly, and the observer is beside the client, so that only incoming packets are late",
        "round-robin starts at a random path, and by-direction takes two paths at random: all paths are alike",
        "the merging relay needs all paths, so what a user waits for is the slowest; the application level (range requests) is not simulated",
    ],
    needs: Needs { sizes: false, times: false, set: false, classes: false },
    presets: &[
        Preset {
            name: "bwr",
            summary: "batched weighted random: batches of 50 to 70 cells, a path for each by weights drawn for each load and side",
            parameters: &[
                paths(5),
                SEEN,
                batch("batch-min", 50, "the smallest batch, in packets"),
                batch("batch-max", 70, "the largest"),
                LATENCY,
                DELAYS,
            ],
            check: |values| {
                let (low, high) = (values.count("batch-min"), values.count("batch-max"));
                if low > high {
                    return Err(format!("batch-min ({low}) is above batch-max ({high})"));
                }
                check(values)
            },
            build: |values, _| {
                let scheme = Weighted { batch: (values.count("batch-min"), values.count("batch-max")) };
                Ok(Box::new(Split::new(scheme, values)))
            },
        },
        Preset {
            name: "weighted-random",
            summary: "a path for each cell by weights drawn for each load and side",
            parameters: &[paths(5), SEEN, LATENCY, DELAYS],
            check,
            build: |values, _| Ok(Box::new(Split::new(Weighted { batch: (1, 1) }, values))),
        },
        Preset {
            name: "random",
            summary: "a path for each cell, all equally likely",
            parameters: &[paths(5), SEEN, LATENCY, DELAYS],
            check,
            build: |values, _| Ok(Box::new(Split::new(Uniform, values))),
        },
        Preset {
            name: "round-robin",
            summary: "one path after the other, a cell each",
            parameters: &[paths(5), SEEN, LATENCY, DELAYS],
            check,
            build: |values, _| Ok(Box::new(Split::new(RoundRobin, values))),
        },
        Preset {
            name: "by-direction",
            summary: "outgoing cells on one path, incoming ones on another",
            parameters: &[paths(2), SEEN, LATENCY, DELAYS],
            check,
            build: |values, _| Ok(Box::new(Split::new(ByDirection, values))),
        },
    ],
};

const fn batch(key: &'static str, packets: u64, meaning: &'static str) -> Parameter {
    Parameter::count(key, 1, packets, meaning)
}

/// Shares that sum to 1, Dirichlet(1, .., 1): exponentials over their sum.
fn dirichlet(paths: u64, draws: &mut Draws) -> Vec<f64> {
    let parts: Vec<f64> = (0..paths).map(|_| draws.exponential(1.0)).collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| part / sum).collect()
}

/// A path by its share.
fn choose(shares: &[f64], draws: &mut Draws) -> u64 {
    let mut left = draws.unit();
    let chosen = shares.iter().position(|share| {
        left -= share;
        left < 0.0
    });
    chosen.unwrap_or(shares.len() - 1) as u64 // shares may sum to a bit less than 1
}

/// Batches of so many packets, each on a path drawn by Dirichlet weights.
#[derive(Debug)]
struct Weighted {
    /// Smallest and largest.
    batch: (u64, u64),
}

impl Scheme for Weighted {
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>> {
        let (low, high) = self.batch;
        PerDirection::from_fn(|way| {
            let shares = dirichlet(paths, draws);
            let mut assigned = Vec::with_capacity(packets[way]);
            while assigned.len() < packets[way] {
                let batch = (low + draws.up_to(high - low)) as usize;
                let path = choose(&shares, draws);
                assigned.extend(std::iter::repeat_n(path, batch.min(packets[way] - assigned.len())));
            }
            assigned
        })
    }
}

#[derive(Debug)]
struct Uniform;

impl Scheme for Uniform {
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>> {
        PerDirection::from_fn(|way| (0..packets[way]).map(|_| draws.up_to(paths - 1)).collect())
    }
}

#[derive(Debug)]
struct RoundRobin;

impl Scheme for RoundRobin {
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>> {
        PerDirection::from_fn(|way| {
            let first = draws.up_to(paths - 1);
            (0..packets[way] as u64).map(|i| (first + i) % paths).collect()
        })
    }
}

#[derive(Debug)]
struct ByDirection;

impl Scheme for ByDirection {
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>> {
        let outgoing = draws.up_to(paths - 1);
        let incoming = (outgoing + 1 + draws.up_to(paths - 2)) % paths;
        PerDirection { outgoing: vec![outgoing; packets.outgoing], incoming: vec![incoming; packets.incoming] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: PerDirection<usize> = PerDirection { outgoing: 3_000, incoming: 9_000 };

    fn runs(paths: &[u64]) -> Vec<(u64, usize)> {
        paths.chunk_by(|a, b| a == b).map(|run| (run[0], run.len())).collect()
    }

    /// A run of one path is one batch or several.
    #[test]
    fn batches_have_50_to_70_packets() {
        let mut draws = Draws::from_seed(1);
        let mut lengths = std::collections::BTreeMap::new();
        for _ in 0..400 {
            let assigned = Weighted { batch: (50, 70) }.assign(MANY, 5, &mut draws);
            for paths in [&assigned.outgoing, &assigned.incoming] {
                let runs = runs(paths);
                for &(_, length) in &runs[..runs.len() - 1] {
                    let batches = length / 50;
                    assert!(length <= 70 * batches && batches > 0, "{length}");
                    if length < 100 {
                        *lengths.entry(length).or_insert(0_u32) += 1;
                    }
                }
            }
        }
        assert_eq!(lengths.len(), 21);
        let all: u32 = lengths.values().sum();
        // Uniform on 21 lengths: chi-squared with 20 degrees of freedom, 45.3 at one in a thousand.
        let expected = f64::from(all) / 21.0;
        let chi: f64 = lengths.values().map(|&n| (f64::from(n) - expected).powi(2) / expected).sum();
        assert!(chi < 45.3, "{chi}");
    }

    /// Each share of Dirichlet(1, .., 1) over m paths is Beta(1, m - 1): P(share > x) = (1 - x)^(m - 1).
    #[test]
    fn shares_have_the_marginals_of_a_dirichlet_distribution() {
        let mut draws = Draws::from_seed(2);
        let samples: Vec<Vec<f64>> = (0..20_000).map(|_| dirichlet(5, &mut draws)).collect();
        assert!(samples.iter().all(|shares| (shares.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        for path in 0..5 {
            for x in [0.05, 0.2, 0.5] {
                let above = samples.iter().filter(|shares| shares[path] > x).count() as f64 / 20_000.0;
                assert!((above - (1.0_f64 - x).powi(4)).abs() < 0.015, "path {path}, {x}: {above}");
            }
        }
    }

    #[test]
    fn packets_go_where_the_shares_say() {
        let mut draws = Draws::from_seed(3);
        let shares = [0.1, 0.6, 0.3];
        let mut counts = [0; 3];
        for _ in 0..30_000 {
            counts[choose(&shares, &mut draws) as usize] += 1;
        }
        for (count, share) in counts.iter().zip(shares) {
            assert!((f64::from(*count) / 30_000.0 - share).abs() < 0.012, "{counts:?}");
        }
    }

    #[test]
    fn the_other_schemes_do_as_they_are_called() {
        let mut draws = Draws::from_seed(4);
        let assigned = RoundRobin.assign(MANY, 5, &mut draws);
        assert!(assigned.incoming.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 5));
        let assigned = Uniform.assign(MANY, 5, &mut draws);
        for path in 0..5 {
            let share = assigned.incoming.iter().filter(|&&p| p == path).count() as f64 / 9_000.0;
            assert!((share - 0.2).abs() < 0.02, "{share}");
        }
        for _ in 0..100 {
            let assigned = ByDirection.assign(MANY, 3, &mut draws);
            let (outgoing, incoming) = (runs(&assigned.outgoing), runs(&assigned.incoming));
            assert!(outgoing.len() == 1 && incoming.len() == 1 && outgoing[0].0 != incoming[0].0);
        }
        let by_cell = Weighted { batch: (1, 1) }.assign(MANY, 5, &mut draws);
        assert!(runs(&by_cell.incoming).len() > 1_000);
    }
}
