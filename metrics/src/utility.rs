//! What traffic costs its user.

use serde::{Deserialize, Serialize};

/// What one trace costs its user. `f64` holds whole bytes exactly up to 2^53.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// Sum of incoming sizes, as a magnitude.
    pub in_bytes: f64,
    /// Sum of outgoing sizes.
    pub out_bytes: f64,
    /// Time of the last packet.
    pub seconds: f64,
}

/// What traffic costs its user, as one number: less traffic in less time has the higher utility.
///
/// `score = 64 / log10(|median in * median out * median time|)`, in bytes * bytes * seconds: the logarithm of the *product*.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Utility {
    /// Median of the incoming bytes of a trace; `None` without traces.
    pub median_in_bytes: Option<f64>,
    /// Median of the outgoing bytes of a trace; `None` without traces.
    pub median_out_bytes: Option<f64>,
    /// Median of the duration of a trace; `None` without traces.
    pub median_seconds: Option<f64>,
    /// The utility score; `None` where the product is not above 1, or there is no trace.
    pub score: Option<f64>,
    /// Why there is no score; absent where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Utility {
    /// The utility of traces, one volume each.
    ///
    /// The formula has a pole where the product of the medians is 1 and is negative below; there, as without traces, the
    /// score is undefined and the reason says so.
    pub fn of(volumes: &[Volume]) -> Self {
        let Some(summary) = VolumeSummary::of(volumes) else {
            return Self::unknown("no traces");
        };
        let [median_in, median_out, median_time] =
            [summary.in_bytes, summary.out_bytes, summary.seconds].map(|summary| summary.median);
        let product = (median_in * median_out * median_time).abs();
        let defined = product > 1.0 && product.is_finite();
        let (score, reason) = if defined {
            (Some(64.0 / product.log10()), None)
        } else {
            (
                None,
                Some(format!("median bytes in * median bytes out * median seconds is {product}, not a number above 1")),
            )
        };
        Self {
            median_in_bytes: Some(median_in),
            median_out_bytes: Some(median_out),
            median_seconds: Some(median_time),
            score,
            reason,
        }
    }

    /// Not known, for a reason such as `features do not tell`.
    pub fn unknown(reason: &str) -> Self {
        Self {
            median_in_bytes: None,
            median_out_bytes: None,
            median_seconds: None,
            score: None,
            reason: Some(reason.to_owned()),
        }
    }
}

/// Minimum, mean, median and maximum of what traces cost, as magnitudes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct VolumeSummary {
    /// Of the incoming bytes of a trace.
    pub in_bytes: Summary,
    /// Of the outgoing bytes of a trace.
    pub out_bytes: Summary,
    /// Of the duration of a trace.
    pub seconds: Summary,
}

impl VolumeSummary {
    /// `None` without traces.
    pub fn of(volumes: &[Volume]) -> Option<Self> {
        let summary = |part: fn(&Volume) -> f64| Summary::of(volumes.iter().map(|volume| part(volume).abs()));
        Some(Self {
            in_bytes: summary(|volume| volume.in_bytes)?,
            out_bytes: summary(|volume| volume.out_bytes)?,
            seconds: summary(|volume| volume.seconds)?,
        })
    }
}

/// Minimum, mean, median and maximum of some numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The smallest.
    pub minimum: f64,
    /// Their sum by their number.
    pub mean: f64,
    /// The middle one; the mean of the middle two where their number is even.
    pub median: f64,
    /// The largest.
    pub maximum: f64,
}

impl Summary {
    /// `None` without numbers. NaN sorts above all numbers and makes the mean NaN.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (&minimum, &maximum) = (values.first()?, values.last()?);
        let n = values.len();
        let mean = values.iter().sum::<f64>() / n as f64;
        let median = (values[(n - 1) / 2] + values[n / 2]) / 2.0;
        Some(Self { minimum, mean, median, maximum })
    }
}

/// The score of an attack by its one-vs-rest ROC-AUC, averaged over the matches of a round: `10 * AUC`.
pub fn attack_score(roc_auc: f64) -> f64 {
    10.0 * roc_auc
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(in_bytes: f64, out_bytes: f64, seconds: f64) -> Volume {
        Volume { in_bytes, out_bytes, seconds }
    }

    #[test]
    fn the_logarithm_is_of_the_product() {
        let utility = Utility::of(&[volume(1e5, 1e2, 10.0)]);
        assert_eq!(utility.score, Some(8.0));
        assert_eq!(utility.reason, None);
        // Medians and score of a real competition set.
        let set = Utility::of(&[volume(11_450.0, 7_565.0, 0.847_379)]);
        assert_eq!(set.score, Some(8.136_601_211_439_627));
    }

    #[test]
    fn even_numbers_of_traces_have_the_mean_of_the_middle_two() {
        let volumes = [volume(4.0, 30.0, 0.5), volume(1.0, 10.0, 1.5), volume(3.0, 20.0, 9.0), volume(2.0, 90.0, 2.5)];
        let utility = Utility::of(&volumes);
        assert_eq!(
            (utility.median_in_bytes, utility.median_out_bytes, utility.median_seconds),
            (Some(2.5), Some(25.0), Some(2.0))
        );
        let seconds = VolumeSummary::of(&volumes).unwrap().seconds;
        assert_eq!(seconds, Summary { minimum: 0.5, mean: 3.375, median: 2.0, maximum: 9.0 });
    }

    #[test]
    fn a_product_of_one_or_less_has_no_score() {
        for (product, seconds) in [("1", 1.0), ("0.5", 0.5), ("0", 0.0)] {
            let utility = Utility::of(&[volume(1.0, 1.0, seconds)]);
            assert_eq!(utility.score, None);
            assert_eq!(
                utility.reason.unwrap(),
                format!("median bytes in * median bytes out * median seconds is {product}, not a number above 1")
            );
        }
        assert!(Utility::of(&[volume(1.0, 1.0, 1.0 + 1e-9)]).score.unwrap() > 1e9);
    }

    #[test]
    fn no_traces_no_score() {
        let utility = Utility::of(&[]);
        assert_eq!((utility.score, utility.reason.as_deref()), (None, Some("no traces")));
        assert_eq!(VolumeSummary::of(&[]), None);
    }

    #[test]
    fn magnitudes_even_of_signed_volumes() {
        let summary = VolumeSummary::of(&[volume(-5.0, 2.0, 1.0), volume(-7.0, 2.0, 1.0)]).unwrap();
        assert_eq!((summary.in_bytes.minimum, summary.in_bytes.maximum), (5.0, 7.0));
    }
}
