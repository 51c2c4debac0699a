//! HyWF: two access networks.

use super::{DELAYS, LATENCY, SEEN, Scheme, Split, check, paths};
use crate::{DefenseInfo, Draws, Needs, Parameter, PerDirection, Preset};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "hywf",
    summary: "sends over two access networks, with a new probability of each path for every load",
    purpose: "an observer who sees one of two access networks",
    cost: "no bytes; no delay in the simulation",
    source: "Henri, Garcia-Aviles, Serrano, Banchs and Thiran, \"Protecting against Website Fingerprinting with Multihoming\", \
             PoPETs 2020",
    published: &["bandwidth 0 %, latency 0 % (Mathews et al., SoK, IEEE S&P 2023)"],
    caveats: &[
        "who sees both networks, as the entry relay does where there is one, is not affected: `see=2` shows everything",
        "one view a load is observed; a load of which the observed path carries nothing is drawn again, and the draws are counted",
        "the probability is uniform on (0, 1), for both sides of a load; runs of packets have a geometric length of at least 1",
        "with more than two paths the first takes its probability and the others share the rest equally, which the paper has not",
        "the slower network is up to `latency` slower, uniformly",
    ],
    needs: Needs { sizes: false, times: false, set: false, classes: false },
    presets: &[Preset {
        name: "pets20",
        summary: "runs of 20 packets on average, each on path 1 with the probability of the load",
        parameters: &[
            paths(2),
            SEEN,
            Parameter::count("run", 1, 20, "mean number of packets that stay on a path before it is chosen anew"),
            LATENCY,
            DELAYS,
        ],
        check,
        build: |values, _| Ok(Box::new(Split::new(Runs { mean: values.count("run") }, values))),
    }],
};

#[derive(Debug)]
struct Runs {
    mean: u64,
}

impl Runs {
    /// Geometric from 1 with the mean: the smallest k with 1 - (1 - 1/mean)^k above a uniform draw.
    fn length(&self, draws: &mut Draws) -> usize {
        let stay = 1.0 - 1.0 / self.mean as f64;
        let u = draws.unit();
        if stay == 0.0 { 1 } else { ((1.0 - u).ln() / stay.ln()).floor() as usize + 1 }
    }
}

impl Scheme for Runs {
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>> {
        let probability = draws.unit();
        PerDirection::from_fn(|way| {
            let mut assigned = Vec::with_capacity(packets[way]);
            while assigned.len() < packets[way] {
                let run = self.length(draws);
                let path = if draws.unit() < probability { 0 } else { 1 + draws.up_to(paths - 2) };
                assigned.extend(std::iter::repeat_n(path, run.min(packets[way] - assigned.len())));
            }
            assigned
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_their_mean_and_are_geometric() {
        let mut draws = Draws::from_seed(1);
        let runs: Vec<usize> = (0..50_000).map(|_| Runs { mean: 20 }.length(&mut draws)).collect();
        let mean = runs.iter().sum::<usize>() as f64 / 50_000.0;
        assert!((mean - 20.0).abs() < 0.4, "{mean}"); // standard error 0.09
        let single = runs.iter().filter(|&&run| run == 1).count() as f64 / 50_000.0;
        assert!((single - 0.05).abs() < 0.004, "{single}");
        assert_eq!(Runs { mean: 1 }.length(&mut draws), 1);
    }

    #[test]
    fn the_share_of_a_path_is_uniform_over_loads() {
        let mut draws = Draws::from_seed(2);
        let packets = PerDirection { outgoing: 0, incoming: 20_000 };
        let shares: Vec<f64> = (0..2_000)
            .map(|_| {
                let assigned = Runs { mean: 20 }.assign(packets, 2, &mut draws);
                assigned.incoming.iter().filter(|&&path| path == 0).count() as f64 / 20_000.0
            })
            .collect();
        for x in [0.25, 0.5, 0.75] {
            let below = shares.iter().filter(|&&share| share < x).count() as f64 / 2_000.0;
            assert!((below - x).abs() < 0.04, "{x}: {below}");
        }
    }
}
