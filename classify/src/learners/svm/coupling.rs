//! One distribution from the probabilities of all pairs of classes.

/// Steps at most.
const STEPS: usize = 100;

/// Minimises the sum over pairs of (r_ji p_i - r_ij p_j)^2 over distributions p, where r_ij estimates P(i | i or j): the second
/// method of T.-F. Wu, C.-J. Lin, R. C. Weng, "Probability estimates for multi-class classification by pairwise coupling", JMLR 5,
/// 2004. `pairs` holds (i, j, r_ij) for each pair of those classes that occur; all others have probability 0.
pub(super) fn couple(pairs: &[(usize, usize, f64)], n_classes: usize) -> Vec<f64> {
    let mut place = vec![usize::MAX; n_classes];
    let mut classes: Vec<usize> = pairs.iter().flat_map(|&(i, j, _)| [i, j]).collect();
    classes.sort_unstable();
    classes.dedup();
    for (at, &class) in classes.iter().enumerate() {
        place[class] = at;
    }
    let k = classes.len();
    let mut q = vec![0.0; k * k];
    for &(i, j, r_ij) in pairs {
        let (i, j, r_ji) = (place[i], place[j], 1.0 - r_ij);
        q[i * k + i] += r_ji * r_ji;
        q[j * k + j] += r_ij * r_ij;
        q[i * k + j] = -r_ji * r_ij;
        q[j * k + i] = -r_ji * r_ij;
    }
    let coupled = solve(&q, k);
    let mut probabilities = vec![0.0; n_classes];
    for (&class, &p) in classes.iter().zip(&coupled) {
        probabilities[class] = p;
    }
    probabilities
}

/// Each step sets one p_t to what the others ask for, and rescales.
fn solve(q: &[f64], k: usize) -> Vec<f64> {
    let mut p = vec![1.0 / k as f64; k];
    let mut qp: Vec<f64> = (0..k).map(|t| q[t * k..(t + 1) * k].iter().sum::<f64>() / k as f64).collect();
    let close = 0.005 / k as f64;
    for _ in 0..STEPS {
        let pqp: f64 = p.iter().zip(&qp).map(|(p, qp)| p * qp).sum();
        if qp.iter().all(|value| (value - pqp).abs() < close) {
            break;
        }
        let mut pqp = pqp;
        for t in 0..k {
            let row = &q[t * k..(t + 1) * k];
            let change = (pqp - qp[t]) / row[t];
            p[t] += change;
            let total = 1.0 + change;
            pqp = (pqp + change * (change * row[t] + 2.0 * qp[t])) / (total * total);
            for j in 0..k {
                qp[j] = (qp[j] + change * row[j]) / total;
                p[j] /= total;
            }
        }
    }
    let sum: f64 = p.iter().map(|p| p.max(0.0)).sum();
    p.iter().map(|p| p.max(0.0) / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consistent_pairs_give_back_their_distribution() {
        let p = [0.6, 0.3, 0.0, 0.1];
        let pairs = [(0, 1), (0, 3), (1, 3)].map(|(i, j)| (i, j, p[i] / (p[i] + p[j])));
        let coupled = couple(&pairs, 4);
        for (found, expected) in coupled.iter().zip(p) {
            assert!((found - expected).abs() < 5e-3, "{coupled:?}");
        }
        assert_eq!(couple(&[(0, 1, 0.8)], 2).len(), 2);
    }
}
