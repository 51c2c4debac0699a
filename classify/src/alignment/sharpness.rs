//! From log likelihoods to probabilities.

/// Log likelihoods below the largest by more than this are all alike.
const LEAST: f64 = -60.0;

/// Sharpness is sought up to here.
pub(super) const MOST: f64 = 3.0;

/// Halvings of the interval of the sharpness.
const STEPS: usize = 50;

/// z = max(l - largest l, -60), for a row of log likelihoods; zeros where none is finite.
pub(super) fn below_the_largest(logs: &mut [f64]) {
    let largest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let z = |l: f64| if largest.is_finite() { (l - largest).max(LEAST) } else { 0.0 };
    logs.iter_mut().for_each(|l| *l = z(*l));
}

/// Turns a row of z into p ~ exp(a z).
pub(super) fn probabilities(sharpness: f64, z: &mut [f64]) {
    z.iter_mut().for_each(|z| *z = (sharpness * *z).exp());
    let sum: f64 = z.iter().sum();
    z.iter_mut().for_each(|p| *p /= sum);
}

/// The `a` of the least log loss of exp(a z) over rows with these labels, in `[0, 3]`: the inverse of a temperature. 1 where there is no row.
///
/// The loss is convex in a: its derivative, the mean of the expected z less that of the label, is halved down to 0.
pub(super) fn fit<'a>(rows: impl Iterator<Item = (&'a [f64], usize)> + Clone) -> f64 {
    if rows.clone().next().is_none() {
        return 1.0;
    }
    let slope = |a: f64| -> f64 {
        let of_row = |(z, label): (&[f64], usize)| {
            let (mut sum, mut expected) = (0.0, 0.0);
            for &z in z {
                let power = (a * z).exp();
                sum += power;
                expected += power * z;
            }
            expected / sum - z[label]
        };
        rows.clone().map(of_row).sum()
    };
    let (mut low, mut high) = (0.0, MOST);
    for _ in 0..STEPS {
        let middle = (low + high) / 2.0;
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

/// The mean of -ln p of the label.
pub(super) fn log_loss<'a>(sharpness: f64, rows: impl Iterator<Item = (&'a [f64], usize)>) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for (z, label) in rows {
        let total: f64 = z.iter().map(|z| (sharpness * z).exp()).sum();
        sum += total.ln() - sharpness * z[label];
        n += 1.0;
    }
    if n > 0.0 { sum / n } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_sure_answers_are_made_less_sure() {
        // One of four is wrong by 2: odds of 3 are exp(a 2).
        let rows = [([0.0, -2.0], 0), ([0.0, -2.0], 0), ([0.0, -2.0], 0), ([0.0, -2.0], 1)];
        let rows = || rows.iter().map(|(z, label)| (z.as_slice(), *label));
        let sharpness = fit(rows());
        assert!((sharpness - 3f64.ln() / 2.0).abs() < 1e-9, "{sharpness}");
        assert!(log_loss(sharpness, rows()) < log_loss(1.0, rows()));
        assert_eq!(fit(rows().take(0)), 1.0);
        assert!((fit(rows().take(3)) - MOST).abs() < 1e-9, "never wrong");
    }

    #[test]
    fn rows_without_any_likelihood_say_nothing() {
        let mut logs = [f64::NEG_INFINITY; 2];
        below_the_largest(&mut logs);
        assert_eq!(logs, [0.0; 2]);
        let mut logs = [-1e9, f64::NEG_INFINITY, -1e9 - 1.0];
        below_the_largest(&mut logs);
        assert_eq!(logs, [0.0, LEAST, -1.0]);
        probabilities(1.0, &mut logs);
        assert!((logs.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}
