use std::collections::BTreeMap;

use ndarray::{Array2, array};
use serde::Deserialize;
use wfkit_datasets::Trace;
use wfkit_features::{FeatureSpec, MISSING};

use super::*;

#[derive(Deserialize)]
struct Vectors {
    train: usize,
    traces: Vec<Labelled>,
    weights: BTreeMap<String, f64>,
    nearest: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Labelled {
    label: usize,
    gap_ns: Vec<u64>,
    size: Vec<i32>,
}

impl Labelled {
    fn trace(&self) -> Trace {
        let time = |time: &mut u64, gap: &u64| {
            *time += gap;
            Some(*time)
        };
        Trace::new(self.gap_ns.iter().scan(0, time).collect(), self.size.clone()).unwrap()
    }
}

/// `tests/vectors/make_wang_knn.py` made the numbers with NumPy, on real traces.
#[test]
fn weights_and_neighbours_are_those_of_the_definition() {
    let vectors: Vectors = serde_json::from_str(include_str!("../../../tests/vectors/wang_knn.json")).unwrap();
    let traces: Vec<Trace> = vectors.traces.iter().map(Labelled::trace).collect();
    let (train, test) = traces.split_at(vectors.train);
    let extractor = "wang-knn".parse::<FeatureSpec>().unwrap().fit(&train.iter().collect::<Vec<_>>());
    let matrix = |traces: &[Trace]| {
        let rows: Vec<Vec<f64>> = traces.iter().map(|trace| extractor.features(trace)).collect();
        Array2::from_shape_fn((rows.len(), rows[0].len()), |(row, column)| rows[row][column])
    };
    let labels: Vec<usize> = vectors.traces[..vectors.train].iter().map(|trace| trace.label).collect();
    let (x, x_test) = (matrix(train), matrix(test));
    let start: Vec<f64> = (0..x.ncols()).map(|column| 0.5 + (column * 7919 % 1000) as f64 / 1000.0).collect();
    let order: Vec<usize> = (0..labels.len()).map(|i| (i * 31 + 7) % labels.len()).collect();
    let learned = Weighted::learn(&Training::new(x.view(), &labels, 6, 0), x.view(), &start, &order);

    let names = extractor.names();
    assert_eq!(learned.weights.len(), vectors.weights.len(), "columns that differ");
    for (column, weight) in learned.rows.columns().zip(&learned.weights) {
        let expected = vectors.weights[names[column].trim_start_matches("wang-knn.")];
        assert!((weight / expected - 1.0).abs() < 1e-9, "{}: {weight}, not {expected}", names[column]);
    }
    let p = learned.predict(x_test.view().into());
    for ((row, expected), p) in x_test.rows().into_iter().zip(&vectors.nearest).zip(p.rows()) {
        assert_eq!(&learned.nearest(&row.to_vec()), expected);
        let first = labels[expected[0]];
        assert!(p.sum() > 1.0 - 1e-12 && p[first] > 0.2, "{p}");
    }
}

/// Two classes that differ in the first column; the second is noise, the third is missing in every other row.
fn noisy(rows: usize) -> (Array2<f64>, Vec<usize>) {
    let mut rng = stream(4, 0);
    let labels: Vec<usize> = (0..rows).map(|row| row % 2).collect();
    let x = Array2::from_shape_fn((rows, 4), |(row, column)| match column {
        0 => labels[row] as f64 * 2.0 + unit(&mut rng),
        1 => 8.0 * unit(&mut rng),
        2 if row % 4 < 2 => MISSING,
        2 => unit(&mut rng),
        _ => 7.0,
    });
    (x, labels)
}

#[test]
fn what_tells_classes_apart_gains_and_noise_loses() {
    let (x, labels) = noisy(120);
    let start = [1.0; 4];
    let learned = Weighted::learn(&Training::new(x.view(), &labels, 2, 0), x.view(), &start, &shuffled(120, 1));
    let weight = |feature: usize| {
        let column = learned.rows.columns().position(|column| column == feature)?;
        Some(learned.weights[column])
    };
    assert!(weight(0) > Some(1.0) && weight(1) < Some(0.9), "{:?}", learned.weights);
    assert_eq!(weight(3), None, "a constant tells nothing");
}

#[test]
fn the_same_on_any_number_of_threads_and_after_storage() {
    let (x, labels) = noisy(1200);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| WangKnn.fit(&Training::new(x.view(), &labels, 2, 5)).unwrap().stored().unwrap().1)
    };
    let bytes = on(1);
    assert!(bytes == on(3));
    let back: Weighted = postcard::from_bytes(&bytes).unwrap();
    assert!(back.is_sound(2) && !back.is_sound(3));
    let right = back.predict(x.view().into()).outer_iter().zip(&labels).filter(|(p, label)| p[**label] > 0.5).count();
    assert!(right > 1150, "{right} of 1200");
}

#[test]
fn rows_that_are_equal_or_alone_in_their_class_are_no_trouble() {
    let x = array![[1.0, MISSING], [1.0, MISSING], [1.0, MISSING]];
    let p = WangKnn.fit(&Training::new(x.view(), &[0, 1, 1], 3, 0)).unwrap().predict(array![[9.0, 4.0]].view().into());
    // All are equally near; two of three are of class 1, and class 2 has none.
    assert!(p[(0, 1)] > 0.6 && p[(0, 2)] == 0.0 && (p.sum() - 1.0).abs() < 1e-12, "{p}");
    let alone = WangKnn.fit(&Training::new(array![[0.0], [1.0], [1.2]].view(), &[0, 1, 1], 2, 0)).unwrap();
    assert_eq!(alone.predict(Array2::zeros((0, 1)).view().into()).dim(), (0, 2));
    assert!(WangKnn.fit(&Training::new(Array2::zeros((0, 3)).view(), &[], 2, 0)).is_err());
}
