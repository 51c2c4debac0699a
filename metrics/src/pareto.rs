//! What nothing else beats in every respect.

/// Which of `points` are on the Pareto front where every coordinate is the better the smaller it is, shape `(n_points,)`: those that no other
/// point undercuts in one coordinate without exceeding them in another. Of equal points all are on it or none; a point with a NaN
/// is not, and beats nothing. Time is quadratic in the number of points.
pub fn pareto_front<const N: usize>(points: &[[f64; N]]) -> Vec<bool> {
    let known = |point: &[f64; N]| point.iter().all(|x| !x.is_nan());
    let beats = |a: &[f64; N], b: &[f64; N]| {
        known(a) && a.iter().zip(b).all(|(a, b)| a <= b) && a.iter().zip(b).any(|(a, b)| a < b)
    };
    points.iter().map(|point| known(point) && !points.iter().any(|other| beats(other, point))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_beaten_is_not_on_the_front() {
        let points = [[0.0, 1.0], [1.0, 0.5], [1.0, 0.6], [2.0, 0.5], [3.0, 0.1], [3.0, 0.1]];
        assert_eq!(pareto_front(&points), [true, true, false, false, true, true]);
        assert_eq!(pareto_front::<3>(&[]), Vec::<bool>::new());
        assert_eq!(pareto_front(&[[f64::NAN, 0.0], [1.0, 1.0]]), [false, true]);
        assert_eq!(pareto_front(&[[f64::INFINITY, 0.0], [1.0, 1.0]]), [true, true]);
    }

    proptest! {
        /// Every point off the front is beaten by one on it, and order does not matter.
        #[test]
        fn the_front_stands_for_all(points in prop::collection::vec([0..5_i8, 0..5_i8, 0..5_i8], 1..30)) {
            let points: Vec<[f64; 3]> = points.iter().map(|point| point.map(f64::from)).collect();
            let front = pareto_front(&points);
            prop_assert!(front.iter().any(|&is| is));
            for (point, _) in points.iter().zip(&front).filter(|(_, is)| !**is) {
                let better = points.iter().zip(&front).any(|(other, &is)| {
                    is && other != point && other.iter().zip(point).all(|(a, b)| a <= b)
                });
                prop_assert!(better);
            }
            let turned: Vec<[f64; 3]> = points.iter().rev().copied().collect();
            let mut turned = pareto_front(&turned);
            turned.reverse();
            prop_assert_eq!(turned, front);
        }
    }
}
