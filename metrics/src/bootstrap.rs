//! How far a score could be off by the choice of traces.

use serde::{Deserialize, Serialize};

use crate::Probabilities;
use crate::distributions::Z_95;
use crate::quantiles::quantile;
use crate::units::{Kinship, Units};

/// Where a score would lie for 95 % of choices of traces.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl Interval {
    /// Of a share that was counted in `n` independent trials (E. B. Wilson: Probable inference, the law of succession, and statistical
    /// inference, Journal of the American Statistical Association 22, 1927, without continuity correction). It has a width where
    /// nothing, or everything, was counted. `n` may be a fraction, for trials that are worth less than independent ones.
    pub fn of_share(share: f64, n: f64) -> Self {
        let z2_n = Z_95 * Z_95 / n;
        let centre = (share + z2_n / 2.0) / (1.0 + z2_n);
        let half = Z_95 / (1.0 + z2_n) * (share * (1.0 - share) / n + z2_n / (4.0 * n)).sqrt();
        Self { low: (centre - half).clamp(0.0, share), high: (centre + half).clamp(share, 1.0) }
    }

    /// Percentiles by linear interpolation between order statistics (numpy's default); `None` without values.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        Some(Self { low: quantile(&mut values, 0.025)?, high: quantile(&mut values, 0.975)? })
    }

    /// Nothing, where it has no width: resamples that all agree say nothing of other traces.
    pub(crate) fn with_width(self) -> Option<Self> {
        (self.low < self.high).then_some(self)
    }

    /// Both ends `factor` times as far from `score`, within `0..=most`.
    pub(crate) fn widened(self, score: f64, factor: f64, most: f64) -> Self {
        let move_end = |end: f64| (score + factor * (end - score)).clamp(0.0, most);
        Self { low: move_end(self.low), high: move_end(self.high) }
    }

    /// Whether `value` lies in it, ends included.
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// How to put intervals on numbers that [`Scores`](crate::Scores) does not have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resampling<'a> {
    /// How many resamples.
    pub resamples: usize,
    /// Their seed.
    pub seed: u64,
    /// What distances from a number are multiplied by, 1 for nothing: see [`Scores::cross_validated`](crate::Scores::cross_validated).
    pub widen_by: f64,
    /// What traces have in common, see [`Kinship`].
    pub kinship: Kinship<'a>,
}

impl Resampling<'_> {
    /// The 95 % interval of each of the `numbers` of probabilities and truth, which lie between 0 and 1: bootstrap percentiles, each class
    /// resampled apart and what traces have in common drawn together, as in [`Intervals`](crate::Intervals).
    ///
    /// `None` where a number is undefined for the traces or a resample, where all resamples give the same, and for all
    /// where a class has one trace, or traces of one origin only.
    ///
    /// # Panics
    /// If the kinship is not of so many rows.
    pub fn intervals(
        &self,
        probabilities: &Probabilities,
        truth: &[usize],
        numbers: impl Fn(&Probabilities, &[usize]) -> Vec<Option<f64>>,
    ) -> Vec<Option<Interval>> {
        assert_eq!(self.kinship.misfit(truth.len()), None, "origins and sessions of {} rows", truth.len());
        let all = numbers(probabilities, truth);
        let units = Units::of(truth, probabilities.classes().len(), self.kinship);
        if units.alone().is_some() {
            return vec![None; all.len()];
        }
        let widen_by = self.widen_by * units.widening();
        let mut drawn = vec![Vec::with_capacity(self.resamples); all.len()];
        for times in units.resamples(self.resamples, self.seed) {
            let rows: Vec<usize> =
                (0..truth.len()).flat_map(|row| std::iter::repeat_n(row, times[row] as usize)).collect();
            let truth: Vec<usize> = rows.iter().map(|&row| truth[row]).collect();
            for (drawn, number) in drawn.iter_mut().zip(numbers(&probabilities.select(&rows), &truth)) {
                drawn.extend(number);
            }
        }
        let interval = |(number, drawn): (Option<f64>, Vec<f64>)| {
            let complete = drawn.len() == self.resamples;
            let interval = Interval::of(drawn).filter(|_| complete)?.with_width()?;
            Some(interval.widened(number?, widen_by, 1.0))
        };
        all.into_iter().zip(drawn).map(interval).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1 `binomtest(k, n).proportion_ci(method="wilson")`.
    #[test]
    fn shares_as_scipy() {
        let near = |share: f64, n: f64, low: f64, high: f64| {
            let interval = Interval::of_share(share, n);
            assert!((interval.low - low).abs() < 1e-12 && (interval.high - high).abs() < 1e-12, "{interval:?}");
        };
        near(0.8, 10.0, 0.4901624715366418, 0.9433178485456248);
        near(0.0, 4.0, 0.0, 0.4898908364545973);
        near(0.89, 200.0, 0.839073090026985, 0.926227555398747);
        near(1.0, 20.0, 0.8388748419471808, 1.0);
    }

    #[test]
    fn other_numbers_have_the_intervals_of_scores() {
        let truth: Vec<usize> = (0..60).map(|row| row % 3).collect();
        let rows = ndarray::Array2::from_shape_fn((60, 3), |(row, class)| {
            let right = row % 5 != 0;
            if (class == truth[row]) == right { 0.5 } else { 0.25 }
        });
        let rows = &rows / &rows.sum_axis(ndarray::Axis(1)).insert_axis(ndarray::Axis(1));
        let probabilities = Probabilities::new(crate::ClassMap::from_labels(["a", "b", "c"]), rows).unwrap();
        let of = |widen_by| {
            let resampling = Resampling { resamples: 100, seed: 4, widen_by, kinship: Kinship::default() };
            resampling.intervals(&probabilities, &truth, |probabilities, truth| {
                vec![crate::roc_auc_ovr(probabilities, truth, crate::Average::Macro).ok(), Some(0.5), None]
            })
        };
        let options = crate::ScoreOptions { bootstrap: 100, seed: 4, ..crate::ScoreOptions::default() };
        let scores = crate::Scores::compute(&probabilities, &truth, &options).unwrap();
        let expected = scores.intervals_95.as_ref().unwrap().roc_auc_macro_ovr.unwrap();
        let near = |a: Interval, b: Interval| (a.low - b.low).abs() < 1e-12 && (a.high - b.high).abs() < 1e-12;
        assert!(near(of(1.0)[0].unwrap(), expected));
        assert_eq!(of(1.0)[1..], [None, None]);
        let widened = scores.cross_validated(5).intervals_95.unwrap();
        let widest = widened.roc_auc_macro_ovr.unwrap();
        assert!(near(of(widened.widened_by.unwrap())[0].unwrap(), widest) && widest.low < expected.low);
        let alone = Resampling { resamples: 10, seed: 4, widen_by: 1.0, kinship: Kinship::default() };
        let alone = alone.intervals(&probabilities.select(&[0, 1, 3]), &[0, 1, 0], |_, _| vec![Some(0.5)]);
        assert_eq!(alone, [None]);
    }

    #[test]
    fn percentiles_between_order_statistics() {
        let interval = Interval::of((0..=1000).rev().map(f64::from).collect()).unwrap();
        assert!((interval.low - 25.0).abs() < 1e-9 && (interval.high - 975.0).abs() < 1e-9);
        assert_eq!(Interval::of(vec![3.0]), Some(Interval { low: 3.0, high: 3.0 }));
        assert_eq!(Interval::of(vec![]), None);
        assert!(interval.contains(interval.low) && interval.contains(500.0) && !interval.contains(976.0));
    }
}
