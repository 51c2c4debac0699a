//! `appscanner`: statistics of the sizes of incoming, outgoing and all packets.
//!
//! Taylor, Spolaor, Conti and Martinovic, "AppScanner: Automatic Fingerprinting of Smartphone Apps from Encrypted Network
//! Traffic", EuroS&P 2016: 18 statistics of each of three lists, 54 columns. Here the minimum, maximum, mean, median absolute deviation,
//! standard deviation, variance, skew, kurtosis (of the normal distribution: 0), the 10th, 20th, .. 90th percentile, and the number.
//!
//! The median absolute deviation is the median of |size - median|. Moments divide by the number of values; skew and kurtosis of equal
//! sizes are 0, as is every statistic of no packets.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use super::Extract;
use crate::column::{Feature, FeatureInformation, Unit};
use crate::stats::{mean, percentile, percentile_by, variance};

/// Learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppScanner;

impl Extract for AppScanner {
    fn columns(&self) -> Vec<Feature> {
        let mut columns = Vec::with_capacity(54);
        for list in ["in", "out", "all"] {
            columns.push(Feature::one(format!("{list}_packets"), Unit::Packets, FeatureInformation::Volume));
            let statistics = "min max mean mad std var skew kurtosis p10 p20 p30 p40 p50 p60 p70 p80 p90";
            columns.extend(statistics.split(' ').map(|statistic| {
                let unit = match statistic {
                    "var" => Unit::BytesSquared,
                    "skew" | "kurtosis" => Unit::Number,
                    _ => Unit::Bytes,
                };
                Feature::one(format!("{list}_{statistic}"), unit, FeatureInformation::Size)
            }));
        }
        columns
    }

    fn push(&self, trace: &Trace, row: &mut Vec<f64>) {
        let sizes = |keep: fn(i32) -> bool| -> Vec<f64> {
            let kept = trace.size().iter().filter(|&&size| keep(size));
            kept.map(|size| f64::from(size.unsigned_abs())).collect()
        };
        for mut sizes in [sizes(|size| size < 0), sizes(|size| size > 0), sizes(|_| true)] {
            push_statistics(&mut sizes, row);
        }
    }
}

fn push_statistics(sizes: &mut [f64], row: &mut Vec<f64>) {
    sizes.sort_unstable_by(f64::total_cmp);
    let of_rank = |percent| percentile_by(sizes.len(), percent, |rank| sizes[rank]);
    let (mean, variance, median) = (mean(sizes), variance(sizes), of_rank(50.0));
    let mut deviations: Vec<f64> = sizes.iter().map(|size| (size - median).abs()).collect();
    let mad = percentile(&mut deviations, 50.0);

    row.extend([sizes.len() as f64, of_rank(0.0), of_rank(100.0), mean, mad, variance.sqrt(), variance]);
    row.extend([
        standard_moment(sizes, mean, variance, 3),
        standard_moment(sizes, mean, variance, 4) - excess(variance),
    ]);
    row.extend((1..=9).map(|tenth| of_rank(f64::from(tenth) * 10.0)));
}

/// Mean of ((size - mean) / deviation)^power; 0 of equal sizes.
fn standard_moment(sizes: &[f64], mean: f64, variance: f64, power: i32) -> f64 {
    if variance == 0.0 {
        return 0.0;
    }
    let sum: f64 = sizes.iter().map(|size| ((size - mean) / variance.sqrt()).powi(power)).sum();
    sum / sizes.len() as f64
}

/// The fourth standard moment of the normal distribution, where there is one to compare with.
fn excess(variance: f64) -> f64 {
    if variance == 0.0 { 0.0 } else { 3.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sets::row;

    #[test]
    fn statistics_of_two_sizes_and_of_one() {
        let row = row(&AppScanner, &Trace::new(vec![0; 3], vec![100, -400, -200]).unwrap());
        assert_eq!((row.len(), AppScanner.columns().len()), (54, 54));
        assert_eq!(row[..9], [2.0, 200.0, 400.0, 300.0, 100.0, 100.0, 10_000.0, 0.0, -2.0]);
        assert_eq!((row[9], row[13], row[17]), (220.0, 300.0, 380.0));
        assert_eq!(row[18..27], [1.0, 100.0, 100.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }
}
