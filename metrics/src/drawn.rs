//! A score that was measured over several random draws, such as of the few traces that are learned from.

use serde::{Deserialize, Serialize};

use crate::Interval;
use crate::distributions::student_t_95;

/// A score over draws of what is left to chance: which few traces are learned from, where traces are cut, the seed of training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DrawnScore {
    /// Mean over the draws.
    pub mean: f64,
    /// 95 % interval of the mean over all draws and all traces that there could be; absent where neither says anything: one draw without an interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_95: Option<Interval>,
    /// Standard deviation of the draws; absent of a single one, whose interval then is that of the traces alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// Number of draws.
    pub draws: u64,
    /// The least of the draws.
    pub least: f64,
    /// The largest of the draws.
    pub most: f64,
}

impl DrawnScore {
    /// From the score of each draw, and the 95 % interval of each for the chance of the tested traces (as in
    /// [`Intervals`](crate::Intervals)), where there is one. Ends stay within `range`. `None` without draws.
    ///
    /// Draws share their tested traces, so averaging them makes the chance of the draw smaller, not that of the traces: distances from the
    /// mean are sqrt(t^2 s^2 / D + w^2), with s the deviation of D draws, t Student's at D - 1 degrees of freedom, w the distance of the
    /// mean end of the draws' own intervals (G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures", Statistics in
    /// Medicine 27, 2008). Where each draw is tested on other traces, w is counted twice, and the interval wider than need be.
    pub fn of(scores: &[(f64, Option<Interval>)], range: Interval) -> Option<Self> {
        let n = scores.len() as f64;
        let least = scores.iter().map(|score| score.0).min_by(f64::total_cmp)?;
        let most = scores.iter().map(|score| score.0).max_by(f64::total_cmp)?;
        let mean = scores.iter().map(|score| score.0).sum::<f64>() / n;
        let squares: f64 = scores.iter().map(|score| (score.0 - mean).powi(2)).sum();
        let deviation = (scores.len() > 1).then(|| (squares / (n - 1.0)).sqrt());
        let of_draws = deviation.map(|deviation| student_t_95(n - 1.0) * deviation / n.sqrt());
        let within: Vec<&Interval> = scores.iter().filter_map(|score| score.1.as_ref()).collect();
        let end = |end: fn(&Interval) -> f64| {
            let mean_end = within.iter().map(|interval| end(interval)).sum::<f64>() / within.len() as f64;
            let of_traces = (!within.is_empty()).then_some(mean_end - mean);
            (of_draws.is_some() || of_traces.is_some()).then(|| of_draws.unwrap_or(0.0).hypot(of_traces.unwrap_or(0.0)))
        };
        let ends = end(|interval| interval.low).zip(end(|interval| interval.high));
        let interval = |(below, above): (f64, f64)| Interval {
            low: (mean - below).clamp(range.low, range.high),
            high: (mean + above).clamp(range.low, range.high),
        };
        Some(Self { mean, interval_95: ends.map(interval), deviation, draws: scores.len() as u64, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::mix;

    const SHARE: Interval = Interval { low: 0.0, high: 1.0 };

    #[test]
    fn ends_are_those_of_what_there_is() {
        assert_eq!(DrawnScore::of(&[], SHARE), None);
        let one = DrawnScore::of(&[(0.5, None)], SHARE).unwrap();
        assert_eq!((one.interval_95, one.deviation, one.draws), (None, None, 1));
        let of_traces = Interval { low: 0.4, high: 0.7 };
        let one = DrawnScore::of(&[(0.5, Some(of_traces))], SHARE).unwrap().interval_95.unwrap();
        assert!((one.low - 0.4).abs() < 1e-12 && (one.high - 0.7).abs() < 1e-12);
        let of_draws = DrawnScore::of(&[(0.4, None), (0.5, None), (0.6, None)], SHARE).unwrap();
        // Mean 0.5, deviation 0.1, t = 4.3027 at two degrees of freedom.
        assert!((of_draws.interval_95.unwrap().high - 0.5 - 0.430_265_272_991_127_5 / 3f64.sqrt()).abs() < 1e-9);
        let wide = DrawnScore::of(&[(0.0, None), (1.0, None)], SHARE).unwrap();
        assert_eq!((wide.interval_95, wide.least, wide.most), (Some(SHARE), 0.0, 1.0));
    }

    /// Draws differ by 0.05 around 0.7, and each tests the same 100 traces: the mean over all draws and traces is 0.7.
    #[test]
    fn both_kinds_of_chance_are_in_the_interval() {
        let (mut both, mut draws_alone) = (0, 0);
        for round in 0..400 {
            let unit = |stream: u64, index: u64| (mix(mix(round, stream), index) >> 11) as f64 / (1u64 << 53) as f64;
            // How hard each trace is, the same for all draws.
            let traces: Vec<f64> = (0..100).map(|trace| unit(0, trace)).collect();
            let scores: Vec<(f64, Option<Interval>)> = (1..=5)
                .map(|draw| {
                    let bar = 0.7 + 0.1 * (unit(draw, 0) - 0.5) * 3f64.sqrt();
                    let share = traces.iter().filter(|&&hard| hard < bar).count() as f64 / 100.0;
                    (share, Some(Interval::of_share(share, 100.0)))
                })
                .collect();
            let holds = |scores: &[(f64, Option<Interval>)]| {
                DrawnScore::of(scores, SHARE).unwrap().interval_95.unwrap().contains(0.7)
            };
            both += u32::from(holds(&scores));
            draws_alone += u32::from(holds(&scores.iter().map(|score| (score.0, None)).collect::<Vec<_>>()));
        }
        // 95 % of 400 less two standard errors.
        assert!((371..=399).contains(&both) && draws_alone < 340, "{both} and {draws_alone} of 400");
    }
}
