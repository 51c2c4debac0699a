//! What nothing else beats in every respect.

use crate::Interval;

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

/// As [`pareto_front`] where coordinates are uncertain: which of `points` no other undercuts *beyond the intervals*, so that the chance of a
/// measurement takes none off. Another does so where in every coordinate its interval ends before that of the point begins, or where it
/// begins at the latest, and in one of them before; without widths this is [`pareto_front`]. A point with a NaN is not on the front.
pub fn pareto_front_beyond_intervals<const N: usize>(points: &[[Interval; N]]) -> Vec<bool> {
    let known = |point: &[Interval; N]| point.iter().all(|x| !x.low.is_nan() && !x.high.is_nan());
    let beats = |a: &[Interval; N], b: &[Interval; N]| {
        known(a) && a.iter().zip(b).all(|(a, b)| a.high <= b.low) && a.iter().zip(b).any(|(a, b)| a.high < b.low)
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

    #[test]
    fn chance_takes_nothing_off_the_front() {
        let exactly = |value: f64| Interval { low: value, high: value };
        let area = |low: f64, high: f64| Interval { low, high };
        let points = [
            [exactly(0.0), area(0.8, 0.9)],
            // Dearer, and found less by a hair: may well be better.
            [exactly(1.0), area(0.79, 0.89)],
            // Dearer than the first, and surely found more.
            [exactly(2.0), area(0.91, 0.95)],
            [exactly(2.0), area(0.1, 0.2)],
            [exactly(f64::NAN), area(0.1, 0.2)],
        ];
        assert_eq!(pareto_front_beyond_intervals(&points), [true, true, false, true, false]);
        let means = points.map(|point| point.map(|x| (x.low + x.high) / 2.0));
        let shifted = points.map(|point| [point[0], area(point[1].low + 0.02, point[1].high + 0.02)]);
        assert_eq!(pareto_front(&means), [true, true, false, true, false]);
        assert_eq!(pareto_front_beyond_intervals(&[points[0], shifted[1]]), [true, true]);
        assert_eq!(pareto_front(&[[0.0, 0.85], [1.0, 0.86]]), [true, false]);
    }

    proptest! {
        /// Without widths, both fronts are one.
        #[test]
        fn points_are_intervals_without_width(points in prop::collection::vec([0..5_i8, 0..5_i8], 0..20)) {
            let points: Vec<[f64; 2]> = points.iter().map(|point| point.map(f64::from)).collect();
            let intervals: Vec<[Interval; 2]> =
                points.iter().map(|point| point.map(|value| Interval { low: value, high: value })).collect();
            prop_assert_eq!(pareto_front_beyond_intervals(&intervals), pareto_front(&points));
        }


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
