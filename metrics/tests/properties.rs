//! What must hold of the scores whatever the probabilities are.

use ndarray::{Array2, Axis};
use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::{
    Average, ClassMap, Probabilities, ScoreOptions, Scores, accuracy, binary_roc_auc, per_class_auc, roc_auc_ovo,
    roc_auc_ovr, top_k_accuracy,
};

fn probabilities(rows: Array2<f64>) -> Probabilities {
    Probabilities::new(ClassMap::from_labels((0..rows.ncols()).map(|class| class.to_string())), rows)
        .expect("rows are distributions")
}

/// Votes of trees, so that ties are frequent, and a truth of at least two classes.
fn votes_and_truth() -> impl Strategy<Value = (Array2<f64>, Vec<usize>)> {
    (2usize..6, 2usize..30).prop_flat_map(|(classes, n)| {
        let votes = prop::collection::vec(prop::collection::vec(0u32..5, classes), n);
        let truth = prop::collection::vec(0..classes, n);
        (votes, truth).prop_map(move |(votes, mut truth)| {
            (truth[0], truth[1]) = (0, classes - 1);
            let mut rows = Array2::zeros((n, classes));
            for (mut row, votes) in rows.rows_mut().into_iter().zip(votes) {
                let trees = votes.iter().sum::<u32>().max(1);
                let share = |votes: u32| f64::from(votes) / f64::from(trees);
                row.iter_mut().zip(&votes).for_each(|(cell, &votes)| *cell = share(votes));
                row[0] = 1.0 - row.iter().skip(1).sum::<f64>();
            }
            (rows.mapv(|p: f64| p.max(0.0)), truth)
        })
    })
}

fn scores_and_kinds() -> impl Strategy<Value = (Vec<f64>, Vec<bool>)> {
    prop::collection::vec((-6i32..6, any::<bool>()), 2..40).prop_map(|pairs| {
        let (scores, mut positive): (Vec<f64>, Vec<bool>) = pairs.into_iter().map(|(s, p)| (f64::from(s), p)).unzip();
        (positive[0], positive[1]) = (true, false);
        (scores, positive)
    })
}

proptest! {
    #[test]
    fn an_area_sees_only_the_order((scores, positive) in scores_and_kinds()) {
        let area = binary_roc_auc(&scores, &positive).unwrap();
        for monotone in [|x: f64| x.exp(), |x: f64| x.powi(3) - 7.0, |x: f64| x.atan() * 1e-3] {
            let transformed: Vec<f64> = scores.iter().map(|&score| monotone(score)).collect();
            prop_assert_eq!(binary_roc_auc(&transformed, &positive).unwrap(), area);
        }
    }

    #[test]
    fn reversed_scores_have_the_rest_of_the_area((scores, positive) in scores_and_kinds()) {
        let area = binary_roc_auc(&scores, &positive).unwrap();
        let reversed: Vec<f64> = scores.iter().map(|score| -score).collect();
        prop_assert!((binary_roc_auc(&reversed, &positive).unwrap() - (1.0 - area)).abs() < 1e-15);
        let swapped: Vec<bool> = positive.iter().map(|positive| !positive).collect();
        prop_assert!((binary_roc_auc(&scores, &swapped).unwrap() - (1.0 - area)).abs() < 1e-15);
    }

    #[test]
    fn an_area_is_the_share_of_pairs_won((scores, positive) in scores_and_kinds()) {
        let of = |kind| scores.iter().zip(&positive).filter(move |&(_, &p)| p == kind).map(|(&score, _)| score);
        let won = |(high, low): (f64, f64)| if high > low { 1.0 } else if high == low { 0.5 } else { 0.0 };
        let pairs: Vec<f64> = of(true).flat_map(|high| of(false).map(move |low| won((high, low)))).collect();
        let share = pairs.iter().sum::<f64>() / pairs.len() as f64;
        prop_assert!((binary_roc_auc(&scores, &positive).unwrap() - share).abs() < 1e-14);
    }

    #[test]
    fn the_order_of_rows_changes_nothing((rows, truth) in votes_and_truth(), seed in any::<u64>()) {
        let mut order: Vec<usize> = (0..truth.len()).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let options = ScoreOptions { bootstrap: 0, seed: 0, ..ScoreOptions::default() };
        let scores = Scores::compute(&probabilities(rows.clone()), &truth, &options).unwrap();
        let permuted_truth: Vec<usize> = order.iter().map(|&row| truth[row]).collect();
        let permuted = Scores::compute(&probabilities(rows.select(Axis(0), &order)), &permuted_truth, &options).unwrap();
        // Sums over traces may round otherwise; counts may not.
        for (one, other) in [
            (scores.log_loss, permuted.log_loss),
            (scores.brier, permuted.brier),
            (scores.expected_calibration_error, permuted.expected_calibration_error),
        ] {
            prop_assert!((one.unwrap() - other.unwrap()).abs() < 1e-13);
        }
        let exact = Scores {
            log_loss: scores.log_loss,
            brier: scores.brier,
            expected_calibration_error: scores.expected_calibration_error,
            ..permuted
        };
        prop_assert_eq!(exact, scores);
    }

    #[test]
    fn uniform_rows_give_one_half(classes in 2usize..9, truth in prop::collection::vec(0usize..9, 2..30)) {
        let mut truth: Vec<usize> = truth.into_iter().map(|class| class % classes).collect();
        (truth[0], truth[1]) = (0, 1);
        let uniform = probabilities(Array2::from_elem((truth.len(), classes), 1.0 / classes as f64));
        for average in [Average::Macro, Average::Weighted] {
            prop_assert_eq!(roc_auc_ovr(&uniform, &truth, average).unwrap(), 0.5);
            prop_assert_eq!(roc_auc_ovo(&uniform, &truth, average).unwrap(), 0.5);
        }
    }

    #[test]
    fn two_classes_have_one_area((rows, truth) in votes_and_truth()) {
        // The two columns of two classes rank alike, from opposite ends.
        let first = rows.column(0).to_owned();
        let rows = Array2::from_shape_fn((truth.len(), 2), |(row, class)| if class == 0 { first[row] } else { 1.0 - first[row] });
        let truth: Vec<usize> = truth.into_iter().map(|class| class.min(1)).collect();
        let areas = per_class_auc(&probabilities(rows), &truth).unwrap();
        prop_assert!((areas[0].unwrap() - areas[1].unwrap()).abs() < 1e-15);
    }

    #[test]
    fn more_guesses_hit_no_less((rows, truth) in votes_and_truth()) {
        let classes = rows.ncols();
        let p = probabilities(rows);
        let by_k: Vec<f64> = (0..=classes).map(|k| top_k_accuracy(&p, &truth, k).unwrap()).collect();
        prop_assert!(by_k.is_sorted());
        prop_assert_eq!((by_k[0], by_k[classes]), (0.0, 1.0));
        prop_assert_eq!(by_k[1], accuracy(&p, &truth).unwrap());
    }
}

/// Random rows, and labels that have nothing to do with them.
fn shuffled(seed: u64, n: usize, classes: usize) -> (Probabilities, Vec<usize>) {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut rows = Array2::from_shape_fn((n, classes), |_| rng.random_range(0.0..1.0));
    for mut row in rows.rows_mut() {
        let sum = row.sum();
        row /= sum;
    }
    let mut truth: Vec<usize> = (0..n).map(|row| row % classes).collect();
    truth.shuffle(&mut rng);
    (probabilities(rows), truth)
}

#[test]
fn shuffled_labels_give_one_half_within_the_interval() {
    let experiments = 200;
    let covered = (0..experiments).filter(|&seed| {
        let (p, truth) = shuffled(seed, 120, 4);
        let scores =
            Scores::compute(&p, &truth, &ScoreOptions { bootstrap: 300, seed, ..ScoreOptions::default() }).unwrap();
        let intervals = scores.intervals_95.unwrap();
        assert!(intervals.roc_auc_macro_ovr.unwrap().contains(scores.roc_auc_macro_ovr.unwrap()));
        intervals.roc_auc_macro_ovr.unwrap().contains(0.5)
    });
    // 95 % of 200 are 190, give or take 3; a percentile interval of few traces covers a little less.
    let covered = covered.count();
    assert!((180..=198).contains(&covered), "{covered} of {experiments}");
}

#[test]
fn intervals_are_the_seed_s() {
    let (p, truth) = shuffled(1, 60, 3);
    let of = |seed| {
        Scores::compute(&p, &truth, &ScoreOptions { bootstrap: 100, seed, ..ScoreOptions::default() })
            .unwrap()
            .intervals_95
    };
    assert_eq!(of(4), of(4));
    assert_ne!(of(4), of(5));
}

#[test]
fn an_interval_narrows_with_the_root_of_the_traces() {
    let width = |n| {
        let (p, truth) = shuffled(9, n, 2);
        let scores =
            Scores::compute(&p, &truth, &ScoreOptions { bootstrap: 2000, seed: 0, ..ScoreOptions::default() }).unwrap();
        let interval = scores.intervals_95.unwrap().accuracy;
        interval.high - interval.low
    };
    // 2 * 1.96 * sqrt(p (1 - p) / n) with p near one half.
    assert!((width(400) - 0.098).abs() < 0.008, "{}", width(400));
    assert!((width(6400) - 0.0245).abs() < 0.002, "{}", width(6400));
}
