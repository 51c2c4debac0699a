//! From log likelihoods to probabilities.

/// Log likelihoods below the largest by more than this are all alike.
const LEAST: f64 = -60.0;

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

#[cfg(test)]
mod tests {
    use super::*;

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
