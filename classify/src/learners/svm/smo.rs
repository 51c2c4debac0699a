//! Two classes parted by sequential minimal optimisation.

use ndarray::Array2;

/// Rows with weights, and a bias.
pub(super) struct Machine {
    /// Row, and alpha times its sign.
    pub(super) support: Vec<(usize, f64)>,
    pub(super) bias: f64,
}

/// How far the most violating pair may be from optimal, as in LIBSVM.
const TOLERANCE: f64 = 1e-3;

impl Machine {
    /// The decision value, given the kernel to each row.
    pub(super) fn value(&self, kernel: impl Fn(usize) -> f64) -> f64 {
        self.support.iter().map(|&(row, weight)| weight * kernel(row)).sum::<f64>() + self.bias
    }
}

/// Minimises 1/2 a'Qa - sum a, 0 <= a <= c, y'a = 0, Q_ij = y_i y_j K_ij, over `rows`; working pairs by second-order
/// information: R.-E. Fan, P.-H. Chen, C.-J. Lin, "Working set selection using second order information for training support vector machines",
/// JMLR 6, 2005.
///
/// Rows of one sign alone get no weight, and the bias is that sign.
pub(super) fn train(kernel: &Array2<f64>, is_first: &[bool], rows: &[usize], c: f64) -> Machine {
    let n = rows.len();
    let y: Vec<f64> = rows.iter().map(|&row| if is_first[row] { 1.0 } else { -1.0 }).collect();
    let k = |i: usize, j: usize| kernel[(rows[i], rows[j])];
    let mut alpha = vec![0.0; n];
    let mut gradient = vec![-1.0; n];
    for _ in 0..(100 * n).max(10_000) {
        let may_rise = |t: usize| if y[t] > 0.0 { alpha[t] < c } else { alpha[t] > 0.0 };
        let may_fall = |t: usize| if y[t] > 0.0 { alpha[t] > 0.0 } else { alpha[t] < c };
        let score = |t: usize| -y[t] * gradient[t];
        let Some(i) = (0..n).filter(|&t| may_rise(t)).max_by(|&a, &b| score(a).total_cmp(&score(b))) else { break };
        let least = (0..n).filter(|&t| may_fall(t)).map(score).fold(f64::INFINITY, f64::min);
        if score(i) - least < TOLERANCE {
            break;
        }
        let gain = |t: usize| {
            let b = score(i) - score(t);
            b * b / (k(i, i) + k(t, t) - 2.0 * k(i, t)).max(1e-12)
        };
        let candidates = (0..n).filter(|&t| may_fall(t) && score(t) < score(i));
        let Some(j) = candidates.max_by(|&a, &b| gain(a).total_cmp(&gain(b))) else { break };

        // Move along y_i a_i + y_j a_j = const: by d in direction (y_i, -y_j), as far as both stay in the box.
        let curvature = (k(i, i) + k(j, j) - 2.0 * k(i, j)).max(1e-12);
        let room_i = if y[i] > 0.0 { c - alpha[i] } else { alpha[i] };
        let room_j = if y[j] > 0.0 { alpha[j] } else { c - alpha[j] };
        let d = ((score(i) - score(j)) / curvature).min(room_i).min(room_j);
        alpha[i] = (alpha[i] + y[i] * d).clamp(0.0, c);
        alpha[j] = (alpha[j] - y[j] * d).clamp(0.0, c);
        for t in 0..n {
            gradient[t] += y[t] * d * (k(t, i) - k(t, j));
        }
    }
    let bias = bias(&alpha, &gradient, &y, c);
    let support = (0..n).filter(|&t| alpha[t] > 0.0).map(|t| (rows[t], alpha[t] * y[t])).collect();
    Machine { support, bias }
}

/// The mean of -y G over free rows; where none is free, the middle of what the bounds allow.
fn bias(alpha: &[f64], gradient: &[f64], y: &[f64], c: f64) -> f64 {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let (mut sum, mut free) = (0.0, 0);
    for t in 0..alpha.len() {
        let value = -y[t] * gradient[t];
        if alpha[t] > 0.0 && alpha[t] < c {
            sum += value;
            free += 1;
        } else if (alpha[t] == 0.0) == (y[t] > 0.0) {
            low = low.max(value);
        } else {
            high = high.min(value);
        }
    }
    match (free, low.is_finite(), high.is_finite()) {
        (1.., ..) => sum / f64::from(free),
        (_, true, true) => f64::midpoint(low, high),
        (_, true, false) => low,
        (_, false, true) => high,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn two_rows_by_hand() {
        // Points 0 and 2 on a line, linear kernel: w = 1, b = -1, alphas 1/2.
        let machine = train(&array![[0.0, 0.0], [0.0, 4.0]], &[false, true], &[0, 1], 10.0);
        assert_eq!(machine.support, [(0, -0.5), (1, 0.5)]);
        assert!((machine.bias + 1.0).abs() < 1e-12);
        assert!((machine.value(|row| if row == 1 { 6.0 } else { 0.0 }) - 2.0).abs() < 1e-12, "the value at 3");
    }

    #[test]
    fn one_kind_alone_is_always_that_kind() {
        let kernel = array![[1.0, 0.5], [0.5, 1.0]];
        assert!(train(&kernel, &[true, true], &[0, 1], 1.0).value(|_| 1.0) > 0.0);
        assert!(train(&kernel, &[false, false], &[0, 1], 1.0).value(|_| 1.0) < 0.0);
        assert_eq!(train(&kernel, &[true, true], &[], 1.0).value(|_| 1.0), 0.0);
    }
}
