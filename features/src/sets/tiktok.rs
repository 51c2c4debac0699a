//! `tiktok-timing`: histograms of the times of bursts.
//!
//! Rahman, Sirinam, Mathews, Gangadhara and Wright, "Tik-Tok", PETS 2020. With a burst a maximal run of one direction, eight lists a
//! trace: the median time of each burst; the differences of successive medians; the variance of the times of each burst; its duration; and gaps
//! between bursts: from first packet to first packet of successive bursts, of successive incoming bursts, of successive outgoing
//! bursts, and from the last packet of a burst to the first of the next. Each list becomes a histogram of 20 bins, divided by the
//! length of the list: 160 columns. The edges are the 0th, 5th, .. 100th percentile of that list pooled over the training traces.
//!
//! Deviations: the edges are learned from the training traces alone, where the authors' script pools all traces; the last list is what its name
//! says, where published code has the duration again. A bin holds its lower edge; the last one its upper edge too. Values outside the edges of training
//! fall into the first or last bin. Of equal edges the last bin takes the value. An empty list has zeros.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use super::burst::bursts;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::percentiles::Percentiles;
use crate::stats::{percentile_by, seconds, time_percentile, variance};

const BINS: usize = 20;
const LISTS: [&str; 8] =
    ["median", "median_gap", "variance", "duration", "start_gap", "in_start_gap", "out_start_gap", "end_to_start"];

/// The edges of the bins of each list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timing {
    /// 8 lists of 21 ascending edges; no edge of a list that no training trace has a value of.
    edges: Vec<Vec<f64>>,
}

impl Timing {
    pub(crate) fn fit(training: &[&Trace]) -> Self {
        let mut pooled: [Vec<f64>; 8] = Default::default();
        for trace in training {
            for (pool, list) in pooled.iter_mut().zip(lists(trace)) {
                pool.extend(list);
            }
        }
        let edges = pooled.map(|mut pool| {
            pool.sort_unstable_by(f64::total_cmp);
            let edge = |percent| percentile_by(pool.len(), percent, |rank| pool[rank]);
            if pool.is_empty() { Vec::new() } else { percents().map(edge).collect() }
        });
        Self { edges: edges.into() }
    }
}

/// Which percentiles are the edges.
fn percents() -> impl Iterator<Item = f64> {
    (0..=BINS).map(|bin| 100.0 * bin as f64 / BINS as f64)
}

/// Learns the edges of traces that come one by one, in passes over all of them.
#[derive(Debug)]
pub(crate) struct TimingLearner([Percentiles; 8]);

impl TimingLearner {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Percentiles::new(percents().collect())))
    }

    pub(crate) fn see(&mut self, trace: &Trace) {
        for (pool, list) in self.0.iter_mut().zip(lists(trace)) {
            list.into_iter().for_each(|value| pool.see(value));
        }
    }

    /// Ends a pass; whether there is to be another.
    pub(crate) fn turn(&mut self) -> bool {
        let mut again = false;
        for pool in &mut self.0 {
            again |= pool.turn();
        }
        again
    }

    pub(crate) fn done(self) -> Timing {
        Timing { edges: self.0.map(Percentiles::done).into() }
    }
}

impl Extract for Timing {
    fn columns(&self) -> Vec<Feature> {
        let list = |family| Feature::numbered(family, BINS, Unit::Share, FeatureInformation::Time);
        LISTS.into_iter().flat_map(list).collect()
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        for (edges, list) in self.edges.iter().zip(lists(trace)) {
            let mut counts = [0.0; BINS];
            for value in list.iter().filter(|_| !edges.is_empty()) {
                let above = edges.partition_point(|edge| edge <= value);
                counts[above.clamp(1, BINS) - 1] += 1.0;
            }
            row.extend(counts.map(|count| count / list.len().max(1) as f64));
        }
    }

    fn check(&self) -> Result<(), String> {
        let is_edges = |edges: &Vec<f64>| edges.is_empty() || (edges.len() == BINS + 1 && edges.is_sorted());
        if self.edges.len() != LISTS.len() || !self.edges.iter().all(is_edges) {
            return Err("edges of tiktok-timing are not 8 ascending lists of 21 or none".to_owned());
        }
        Ok(())
    }
}

/// The eight lists of a trace, in seconds (variances: squared).
fn lists(trace: &Trace) -> [Vec<f64>; 8] {
    struct Times<'a> {
        time_ns: &'a [u64],
        out: bool,
    }
    let bursts: Vec<Times<'_>> = bursts(trace)
        .map(|burst| Times { time_ns: &trace.time_ns()[burst.start..burst.end], out: burst.is_out() })
        .collect();
    let start = |burst: &Times<'_>| burst.time_ns[0];
    let end = |burst: &Times<'_>| burst.time_ns[burst.time_ns.len() - 1];
    let medians: Vec<f64> = bursts.iter().map(|burst| time_percentile(burst.time_ns, 50.0)).collect();
    let median_gaps = medians.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let variances = bursts.iter().map(|burst| {
        // From the start of the burst: late bursts are as exact as early ones.
        let times: Vec<f64> = burst.time_ns.iter().map(|time_ns| seconds(time_ns - start(burst))).collect();
        variance(&times)
    });
    let start_gaps = |kept: &dyn Fn(&Times<'_>) -> bool| -> Vec<f64> {
        let starts: Vec<u64> = bursts.iter().filter(|burst| kept(burst)).map(start).collect();
        crate::stats::gaps(&starts)
    };
    [
        medians.clone(),
        median_gaps,
        variances.collect(),
        bursts.iter().map(|burst| seconds(end(burst) - start(burst))).collect(),
        start_gaps(&|_| true),
        start_gaps(&|burst| !burst.out),
        start_gaps(&|burst| burst.out),
        bursts.windows(2).map(|pair| seconds(start(&pair[1]) - end(&pair[0]))).collect(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::{golden, row};

    #[test]
    fn golden_lists() {
        let [medians, gaps, variances, durations, starts, in_starts, out_starts, ends] = lists(&golden::trace());
        assert_eq!(medians, [0.0, 0.45, 0.5, 1.3, 2.0, 2.1]);
        assert_eq!((gaps.len(), variances.len()), (5, 6));
        assert_eq!(durations, [0.2, 0.1, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(starts, [0.4, 0.1, 0.8, 0.7, 0.1]);
        assert_eq!((in_starts, out_starts), (vec![0.9, 0.8], vec![0.5, 1.5]));
        assert_eq!(ends, [0.2, 0.0, 0.8, 0.7, 0.1]);
    }

    #[test]
    fn a_histogram_adds_up_to_one_and_knows_training_alone() {
        let golden = golden::trace();
        let timing = Timing::fit(&[&golden]);
        let row_of = row(&timing, &golden);
        assert_eq!((row_of.len(), timing.columns().len()), (160, 160));
        assert!(row_of.chunks(BINS).all(|list| (list.iter().sum::<f64>() - 1.0).abs() < 1e-12));
        let single = row(&timing, &Trace::new(vec![0], vec![1]).unwrap());
        assert_eq!((single[0], single[20..40].iter().sum::<f64>()), (1.0, 0.0));
        assert_eq!(row(&Timing::fit(&[]), &golden), [0.0; 160]);
    }
}
