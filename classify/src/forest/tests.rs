use ndarray::{Array2, array};
use proptest::prelude::*;

use wfkit_features::SparseMatrix;

use super::grow::{TreeInput, grow};
use super::table::Table;
use super::tree::{ClassCount, Place};
use super::*;
use crate::seed::below;

/// Trees that see every row and every feature, so that what they become can be worked out by hand.
fn exact(trees: usize) -> ForestParams {
    ForestParams { trees, bootstrap: false, max_features: MaxFeatures::All, ..ForestParams::random_forest() }
}

fn column(values: &[f64]) -> Array2<f64> {
    Array2::from_shape_vec((values.len(), 1), values.to_vec()).unwrap()
}

/// Some rows of few values, with labels that follow them loosely.
fn loose(rows: usize, features: usize, classes: usize) -> (Array2<f64>, Vec<usize>) {
    let labels: Vec<usize> = (0..rows).map(|row| row * 7 % classes).collect();
    let mut rng = stream(9, 9);
    let x = Array2::from_shape_fn((rows, features), |(row, _)| (below(&mut rng, 12) + 3 * labels[row]) as f64 / 4.0);
    (x, labels)
}

fn bytes(forest: &Forest) -> Vec<u8> {
    postcard::to_stdvec(forest).unwrap()
}

#[test]
fn a_tree_worked_out_by_hand() {
    // Sum of squares over sum, left + right, for every cut of the root:
    //   x0: 1.5 -> 1 + 6/4, 2.5 -> 2 + 5/3, 3.5 -> 6/4 + 1;  x1: 15 -> 1 + 1, 25 -> 2 + 1.  x0 <= 2.5 is best.
    // Right of it: x0 3.5 -> 1 + 1;  x1: 15 -> 1 + 1, 25 -> 2 + 1, which is perfect.
    let x = array![[1.0, 10.0], [2.0, 20.0], [3.0, 10.0], [4.0, 20.0], [3.0, 30.0]];
    let forest = exact(1).fit(x.view(), &[0, 0, 1, 1, 2], 3, 5).unwrap();
    let mut expected = Tree::empty();
    let root = expected.push_split(Place::Root, 0, 2.5);
    expected.push_leaf(Place::Left(root), [ClassCount { class: 0, count: 2 }]);
    let inner = expected.push_split(Place::Right(root), 1, 25.0);
    expected.push_leaf(Place::Left(inner), [ClassCount { class: 1, count: 2 }]);
    expected.push_leaf(Place::Right(inner), [ClassCount { class: 2, count: 1 }]);
    assert_eq!(forest.trees, [expected]);
    assert_eq!(forest.leaves(x.view()).column(0).to_vec(), [0, 0, 1, 1, 2]);
}

#[test]
fn probabilities_are_the_class_fractions_of_the_leaf() {
    let x = column(&[1.0, 1.0, 2.0, 2.0, 2.0]);
    let forest = exact(3).fit(x.view(), &[0, 1, 1, 1, 0], 2, 0).unwrap();
    let p = forest.predict(array![[1.0], [1.5], [1.6]].view());
    assert_eq!(p.row(0).to_vec(), [0.5, 0.5]);
    assert_eq!(p.row(1), p.row(0), "the threshold itself goes left");
    assert_eq!(p.row(2).to_vec(), [1.0 / 3.0, 2.0 / 3.0]);
}

#[test]
fn limits_hold_the_tree_back() {
    let x = column(&[1.0, 2.0, 3.0, 4.0]);
    let labels = [0, 1, 0, 0];
    let nodes = |params: ForestParams| params.fit(x.view(), &labels, 2, 0).unwrap().n_nodes();
    assert_eq!(nodes(exact(1)), 5);
    assert_eq!(nodes(ForestParams { max_depth: Some(1), ..exact(1) }), 3);
    assert_eq!(nodes(ForestParams { min_samples_split: 3, ..exact(1) }), 3);
    assert_eq!(nodes(ForestParams { min_samples_split: 5, ..exact(1) }), 1);
    assert_eq!(nodes(ForestParams { min_samples_leaf: 2, ..exact(1) }), 3);
    assert_eq!(nodes(ForestParams { min_samples_leaf: 3, ..exact(1) }), 1);
}

/// What helps most is split first: the left half of a node is not grown out before the right one is begun.
#[test]
fn few_leaves_are_those_that_help_most() {
    // The cut at 10.5 parts class 2 off; above it classes alternate in pairs, of which 14.5 parts more than any cut below.
    let x = column(&(0..20).map(f64::from).collect::<Vec<_>>());
    let labels: Vec<usize> = (0..20).map(|row| [0, 1, 2][usize::from(row >= 6) + usize::from(row >= 12)]).collect();
    let with = |max_leaf_nodes| {
        let params = ForestParams { max_leaf_nodes: Some(max_leaf_nodes), ..exact(1) };
        params.fit(x.view(), &labels, 3, 0).unwrap()
    };
    assert_eq!(with(2).leaves(x.view()).column(0).to_vec(), [[0; 12].as_slice(), &[1; 8]].concat());
    // Leaves are counted from the left, whatever the order in which they were made.
    let three = [[0; 6].as_slice(), &[1; 6], &[2; 8]].concat();
    assert_eq!(with(3).leaves(x.view()).column(0).to_vec(), three);
    assert_eq!(with(9).leaves(x.view()).column(0).to_vec(), three, "no more than help");
}

#[test]
fn leaves_are_limited_and_without_need_for_it_the_trees_are_those_grown_depth_first() {
    let (x, labels) = loose(200, 6, 5);
    for params in [ForestParams::random_forest(), ForestParams::extra_trees()] {
        let limited = ForestParams { max_leaf_nodes: Some(7), ..params }.with_trees(8);
        let forest = limited.fit(x.view(), &labels, 5, 3).unwrap();
        assert_eq!(forest.n_nodes(), 8 * 13);
        assert_eq!(postcard::from_bytes::<Forest>(&bytes(&forest)).unwrap(), forest);
    }
    // Without chance in it, the order of growing does not show: one feature leaves nothing to draw.
    let (x, labels) = loose(200, 1, 5);
    let all = exact(1).fit(x.view(), &labels, 5, 3).unwrap();
    let best_first = ForestParams { max_leaf_nodes: Some(1000), ..exact(1) }.fit(x.view(), &labels, 5, 3).unwrap();
    assert_eq!(best_first.n_nodes(), all.n_nodes());
    assert_eq!(best_first.predict(x.view()), all.predict(x.view()));
}

#[test]
fn one_class_is_certain_and_the_others_impossible() {
    let (x, _) = loose(10, 3, 2);
    let p = ForestParams::default().fit(x.view(), &[1; 10], 3, 0).unwrap().predict(x.view());
    assert!(p.rows().into_iter().all(|row| row.to_vec() == [0.0, 1.0, 0.0]));
}

#[test]
fn constant_features_leave_the_shares_of_the_classes() {
    let x = Array2::ones((5, 4));
    let forest = ForestParams::extra_trees().with_trees(1).fit(x.view(), &[0, 0, 0, 1, 1], 2, 0).unwrap();
    assert_eq!(forest.n_nodes(), 1);
    assert_eq!(forest.predict(x.view()).row(3).to_vec(), [0.6, 0.4]);
}

#[test]
fn a_constant_feature_does_not_stop_the_search() {
    // One feature is drawn at each node, and 30 of 31 are constant.
    let x = Array2::from_shape_fn((6, 31), |(row, feature)| if feature == 17 { row as f64 } else { 3.0 });
    let params = ForestParams { max_features: MaxFeatures::Count(1), ..exact(5) };
    let p = params.fit(x.view(), &[0, 0, 1, 1, 2, 2], 3, 0).unwrap().predict(x.view());
    assert_eq!(p.diag().to_vec(), [1.0, 0.0, 0.0]);
    assert_eq!(p.row(5).to_vec(), [0.0, 0.0, 1.0]);
}

#[test]
fn a_class_with_one_member_is_learned() {
    let x = column(&[1.0, 2.0, 3.0, 4.0, 5.0]);
    let labels = [0, 0, 1, 0, 0];
    for params in [exact(10), ForestParams::extra_trees()] {
        let p = params.fit(x.view(), &labels, 2, 3).unwrap().predict(x.view());
        assert_eq!(p.column(1).to_vec(), [0.0, 0.0, 1.0, 0.0, 0.0]);
    }
}

#[test]
fn a_tree_may_be_as_deep_as_it_has_rows() {
    let n = 4000;
    let x = column(&(0..n).map(f64::from).collect::<Vec<_>>());
    let labels: Vec<usize> = (0..n as usize).map(|i| i % 2).collect();
    let forest = exact(1).fit(x.view(), &labels, 2, 0).unwrap();
    assert_eq!(forest.n_nodes(), 2 * n as usize - 1);
    let back: Forest = postcard::from_bytes(&bytes(&forest)).unwrap();
    assert_eq!(back, forest);
}

#[test]
fn rows_out_of_the_bag_are_those_not_drawn() {
    let (x, labels) = loose(60, 5, 3);
    let forest = ForestParams::random_forest().with_trees(1).fit(x.view(), &labels, 3, 11).unwrap();
    let weights = forest.params.draw(&forest.bags, &mut stream(11, 0));
    assert_eq!(weights.iter().map(|&w| usize::from(w)).sum::<usize>(), 60);
    let (oob, all) = (forest.out_of_bag(x.view()), forest.predict(x.view()));
    for (row, &weight) in weights.iter().enumerate() {
        assert!(weight == 0 || all[(row, labels[row])] == 1.0, "the tree grew on that very draw");
        let expected = if weight == 0 { all.row(row).to_vec() } else { vec![0.0; 3] };
        assert_eq!(oob.probabilities.row(row).to_vec(), expected);
        assert_eq!(oob.trees[row], usize::from(weight == 0));
    }
}

#[test]
fn out_of_bag_accuracy_is_honest() {
    // Labels that nothing predicts: the trees know their own rows by heart, and nothing of the others.
    let (x, _) = loose(600, 8, 2);
    let mut rng = stream(1, 1);
    let labels: Vec<usize> = (0..600).map(|_| below(&mut rng, 2)).collect();
    let forest = ForestParams::default().fit(x.view(), &labels, 2, 0).unwrap();
    let accuracy = forest.out_of_bag(x.view()).accuracy(&labels).unwrap();
    assert!((accuracy - 0.5).abs() < 0.07, "{accuracy}");
    let all_rows = ForestParams::extra_trees().fit(x.view(), &labels, 2, 0).unwrap();
    assert_eq!(all_rows.out_of_bag(x.view()).accuracy(&labels), None);
}

#[test]
fn equal_seeds_give_equal_bytes_on_any_number_of_threads() {
    let (x, labels) = loose(1500, 20, 7);
    for params in [ForestParams::random_forest().with_trees(23), ForestParams::extra_trees().with_trees(23)] {
        let on = |threads| {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
                let forest = params.fit(x.view(), &labels, 7, 42).unwrap();
                let oob = forest.out_of_bag(x.view());
                (bytes(&forest), forest.predict(x.view()), oob, forest.leaves(x.view()))
            })
        };
        let one = on(1);
        assert!(one == on(2) && one == on(4));
        assert_ne!(one.0, bytes(&params.fit(x.view(), &labels, 7, 43).unwrap()));
    }
}

#[test]
fn leaves_tell_rows_apart_as_predictions_do() {
    let (x, labels) = loose(700, 4, 3);
    let forest = ForestParams::default().with_trees(3).fit(x.view(), &labels, 3, 0).unwrap();
    let (leaves, p) = (forest.leaves(x.view()), forest.predict(x.view()));
    for row in 1..700 {
        if leaves.row(row) == leaves.row(0) {
            assert_eq!(p.row(row), p.row(0));
        }
    }
}

#[test]
fn more_values_than_ranks_still_split_between_values() {
    let n = 150_000;
    let x = column(&(0..n).map(|i| f64::from(i).sqrt()).collect::<Vec<_>>());
    let labels: Vec<usize> = (0..n).map(|i| usize::from(i >= 75_000)).collect();
    for params in [exact(2), ForestParams::extra_trees().with_trees(5)] {
        let p = params.fit(x.view(), &labels, 2, 0).unwrap().predict(x.view());
        let wrong = (0..n as usize).filter(|&row| p[(row, labels[row])] < 1.0).count();
        assert!(wrong <= 2, "only the rank across the border may mix classes, but {wrong} rows are unsure");
    }
}

#[test]
fn refuses_what_it_cannot_grow_on() {
    let x = column(&[1.0, 2.0]);
    let error = |params: ForestParams| params.fit(x.view(), &[0, 1], 2, 0).unwrap_err().to_string();
    assert_eq!(error(exact(0)), "the number of trees is 0, but must be at least 1");
    assert_eq!(
        error(ForestParams { max_features: MaxFeatures::Count(0), ..exact(1) }),
        "max_features is 0, but must be at least 1"
    );
    assert_eq!(
        error(ForestParams { min_samples_split: 1, ..exact(1) }),
        "min_samples_split is 1, but must be at least 2"
    );
    assert_eq!(
        error(ForestParams { min_samples_leaf: 0, ..exact(1) }),
        "min_samples_leaf is 0, but must be at least 1"
    );
    assert_eq!(error(ForestParams { max_depth: Some(0), ..exact(1) }), "max_depth is 0, but must be at least 1");

    let error = |x: Array2<f64>, labels: &[usize]| exact(1).fit(x.view(), labels, 2, 0).unwrap_err().to_string();
    assert_eq!(error(Array2::zeros((0, 3)), &[]), "a forest cannot grow on 0 rows of 3 features");
    assert_eq!(error(Array2::zeros((2, 0)), &[0, 1]), "a forest cannot grow on 2 rows of 0 features");
    assert_eq!(error(x.clone(), &[0]), "1 labels for 2 rows");
    assert_eq!(error(x.clone(), &[0, 2]), "row 1 has label 2, but there are 2 classes");
    assert_eq!(error(column(&[1.0, f64::NAN]), &[0, 1]), "row 1, feature 0: NaN is not finite");
    let many = exact(1).fit(x.view(), &[0, 1], 70_000, 0).unwrap_err().to_string();
    assert_eq!(many, "70000 classes, but a forest takes at most 65536");
}

#[test]
fn what_is_stored_must_be_a_forest() {
    let (x, labels) = loose(30, 2, 3);
    let forest = exact(2).fit(x.view(), &labels, 3, 0).unwrap();
    let stored = bytes(&forest);
    assert_eq!(postcard::from_bytes::<Forest>(&stored).unwrap(), forest);
    assert!(postcard::from_bytes::<Forest>(&stored[..stored.len() - 1]).is_err());
}

proptest! {
    /// The middle of neighbouring values must not round up to the right one, however large, small or close they are.
    #[test]
    fn any_two_values_of_f32_can_be_told_apart(a in proptest::num::f32::NORMAL | proptest::num::f32::SUBNORMAL, steps in 1u64..4) {
        let b = (0..steps).fold(a, |value, _| value.next_up());
        prop_assume!(b.is_finite());
        for (low, high) in [(a, b), (a.min(-a), a.max(-a)), (a.min(0.0), a.max(0.0)), (f32::MIN, f32::MAX)] {
            let x = column(&[low, high].map(f64::from));
            for params in [exact(1), ForestParams::extra_trees()] {
                let p = params.fit(x.view(), &[0, 1], 2, 0).unwrap().predict(x.view());
                prop_assert_eq!(&p, &array![[1.0, 0.0], [0.0, 1.0]]);
            }
        }
    }

    #[test]
    fn unlimited_trees_know_their_rows_and_all_rows_are_distributions(
        values in proptest::collection::vec((-3i8..4, -3i8..4, 0usize..4), 1..60),
        seed: u64,
    ) {
        let x = Array2::from_shape_fn((values.len(), 2), |(row, c)| f64::from(if c == 0 { values[row].0 } else { values[row].1 }));
        let labels: Vec<usize> = values.iter().map(|v| v.2).collect();
        for params in [exact(3), ForestParams::extra_trees().with_trees(3)] {
            let p = params.fit(x.view(), &labels, 4, seed).unwrap().predict(x.view());
            for row in 0..values.len() {
                let equal: Vec<_> = values.iter().filter(|v| (v.0, v.1) == (values[row].0, values[row].1)).collect();
                for class in 0..4 {
                    let share = equal.iter().filter(|v| v.2 == class).count() as f64 / equal.len() as f64;
                    prop_assert!((p[(row, class)] - share).abs() < 1e-12);
                }
            }
        }
        let p = ForestParams::random_forest().with_trees(7).fit(x.view(), &labels, 4, seed).unwrap().predict(x.view());
        for row in p.rows() {
            prop_assert!((row.sum() - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn no_leaf_is_smaller_than_allowed(
        values in proptest::collection::vec((-9i8..9, 0usize..3), 2..80), least in 1usize..6, random: bool,
    ) {
        let x = column(&values.iter().map(|v| f64::from(v.0)).collect::<Vec<_>>());
        let labels: Vec<usize> = values.iter().map(|v| v.1).collect();
        let thresholds = if random { Thresholds::Random } else { Thresholds::Best };
        let forest = ForestParams { min_samples_leaf: least, thresholds, ..exact(2) }.fit(x.view(), &labels, 3, 0).unwrap();
        for leaves in forest.leaves(x.view()).columns() {
            for leaf in leaves {
                let rows = leaves.iter().filter(|other| *other == leaf).count();
                prop_assert!(rows >= least.min(values.len()));
            }
        }
    }
}

/// Mostly zeros, of both signs, some of which f32 cannot tell from 0; denser to the right; labels follow loosely.
fn mostly_zeros(rows: usize, features: usize, classes: usize) -> (Array2<f64>, Vec<usize>) {
    let labels: Vec<usize> = (0..rows).map(|row| row * 5 % classes).collect();
    let mut rng = stream(3, 1);
    let x = Array2::from_shape_fn((rows, features), |(row, feature)| {
        let (drawn, value) = (below(&mut rng, 80), below(&mut rng, 9 + 90 * (feature % 2)) as f64 - 3.0);
        match drawn {
            0 if feature % 3 == 0 => 1e-60,
            drawn if drawn < 1 + feature / 4 => value + (labels[row] + feature) as f64 % 3.0,
            _ => 0.0,
        }
    });
    (x, labels)
}

#[test]
fn sparse_input_grows_the_same_bytes() {
    let (x, labels) = mostly_zeros(300, 40, 5);
    let sparse = SparseMatrix::from_dense(x.view()).unwrap();
    for params in [ForestParams::random_forest(), ForestParams::extra_trees()] {
        let params = params.with_trees(7);
        let (from_dense, from_sparse) =
            (params.fit(x.view(), &labels, 5, 1).unwrap(), params.fit(&sparse, &labels, 5, 1).unwrap());
        assert_eq!(bytes(&from_dense), bytes(&from_sparse));
        assert_eq!(from_dense.predict(x.view()), from_sparse.predict(&sparse));
        assert_eq!(from_dense.leaves(x.view()), from_sparse.leaves(&sparse));
        assert_eq!(from_dense.out_of_bag(x.view()), from_sparse.out_of_bag(&sparse));
    }
}

#[test]
fn trees_are_the_same_however_ranks_are_kept() {
    let (x, labels) = mostly_zeros(600, 40, 5);
    let classes: Vec<u16> = labels.iter().map(|&label| label as u16).collect();
    let usual = ForestParams::random_forest();
    for params in [
        usual.clone(),
        ForestParams::extra_trees(),
        ForestParams { splits: Splits::Histogram, ..usual.clone() },
        ForestParams { min_samples_leaf: 4, ..usual.clone() },
        ForestParams { min_samples_leaf: 9, ..ForestParams::extra_trees() },
        ForestParams { max_leaf_nodes: Some(20), ..usual.clone() },
        ForestParams { max_features: MaxFeatures::All, ..usual },
    ] {
        for most_ranks in [4, params.splits.most_ranks()] {
            let sparse = Table::new(x.view().into(), most_ranks);
            let dense = sparse.with_every_rank();
            let by_rows = Table::new(x.view().into(), most_ranks).by_rows();
            let n_sparse = sparse.n_sparse();
            assert!((10..=30).contains(&n_sparse), "{n_sparse} sparse columns");
            // Weights of every size, so that keys of both widths are tried.
            for most in [3, 500] {
                let tree = |table: &Table, seed| {
                    let mut rng = stream(seed, 0);
                    let weights: Vec<u16> = (0..600).map(|_| below(&mut rng, most) as u16).collect();
                    grow(&TreeInput { params: &params, table, classes: &classes, n_classes: 5 }, &weights, rng)
                };
                for seed in 0..5 {
                    assert_eq!(tree(&sparse, seed), tree(&dense, seed), "{params:?}");
                    assert_eq!(tree(&sparse, seed), tree(&by_rows, seed), "{params:?}, by rows");
                }
            }
        }
    }
}
