//! Learners that are not in the catalogue: what they are shown, and that they are judged as all others.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use ndarray::{Array1, Array2};
use wfkit_classify::learners::{LearnError, Learner, Model, Shown};
use wfkit_classify::{Attack, AttackInput, AttackOptions, Calibration, Event, Samples, Training, evaluate};
use wfkit_datasets::splits::stratified_k_fold;
use wfkit_datasets::{Groups, Trace};
use wfkit_features::{Channel, FeatureMatrix, TensorSpec};

/// The nearest centroid, by softmax of distances; `spread` is its own parameter.
#[derive(Debug)]
struct NearestCentroid {
    spread: f64,
    by_packets: bool,
}

#[derive(Debug)]
struct Centroids {
    spread: f64,
    by_packets: bool,
    means: Array2<f64>,
}

/// What it sees of a row where it looks at packets: how many there are each way.
fn counts(trace: &Trace) -> [f64; 2] {
    let out = trace.size().iter().filter(|&&size| size > 0).count();
    [out as f64, (trace.len() - out) as f64]
}

fn rows(shown: Shown<'_>, by_packets: bool) -> Array2<f64> {
    if !by_packets {
        return shown.x.to_dense().into_owned();
    }
    assert_eq!(shown.x.ncols(), 0, "who looks at packets is shown no columns");
    let values: Vec<f64> = shown.traces.iter().flat_map(|trace| counts(trace)).collect();
    Array2::from_shape_vec((shown.traces.len(), 2), values).unwrap()
}

impl Learner for NearestCentroid {
    fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
        if self.spread <= 0.0 {
            return Err(LearnError::Own(format!("a spread of {} is no spread", self.spread)));
        }
        let x = rows(Shown { x: training.x, traces: training.traces }, self.by_packets);
        let mut means = Array2::zeros((training.n_classes, x.ncols()));
        let mut sizes = Array1::<f64>::zeros(training.n_classes);
        for (row, &label) in x.rows().into_iter().zip(training.labels) {
            means.row_mut(label).scaled_add(1.0, &row);
            sizes[label] += 1.0;
        }
        for (mut mean, &size) in means.rows_mut().into_iter().zip(&sizes) {
            mean /= f64::max(size, 1.0);
        }
        Ok(Box::new(Centroids { spread: self.spread, by_packets: self.by_packets, means }))
    }
}

impl Model for Centroids {
    fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
        let x = rows(shown, self.by_packets);
        let mut said = Array2::from_shape_fn((x.nrows(), self.means.nrows()), |(row, class)| {
            let apart = &x.row(row) - &self.means.row(class);
            -apart.dot(&apart).sqrt() / self.spread
        });
        for mut row in said.rows_mut() {
            let most = row.fold(f64::NEG_INFINITY, |most, &value| most.max(value));
            row.mapv_inplace(|value| (value - most).exp());
            let sum = row.sum();
            row /= sum;
        }
        said
    }

    fn describe(&self) -> String {
        format!("{} centroids", self.means.nrows())
    }
}

fn own(input: AttackInput, spread: f64) -> Attack {
    let by_packets = input == AttackInput::Packets;
    Attack::of_learner("centroids", input, NearestCentroid { spread, by_packets })
}

#[test]
fn an_own_learner_is_shown_what_it_asks_for() {
    let (train, test) = (traces::generate(3, 12, 1), traces::generate(3, 10, 2));
    let features = |set: &wfkit_datasets::TraceSet| -> FeatureMatrix {
        "totals".parse::<wfkit_features::FeatureSpec>().unwrap().fit(&Samples::Traces(set).traces()).transform(set)
    };
    let (train_matrix, test_matrix) = (features(&train), features(&test));
    let tensor = TensorSpec { channel: Channel::Sized, length: 20 };
    assert_eq!(tensor.rows(&Samples::Traces(&train).traces()).dim(), (36, 3 * 20));
    for input in [
        AttackInput::Given,
        AttackInput::Features("totals,cumul".parse().unwrap()),
        AttackInput::Tensor(tensor),
        AttackInput::Packets,
    ] {
        let attack = own(input.clone(), 1.0);
        let given = input == AttackInput::Given;
        let (learned, asked) = match given {
            true => (Samples::Features(&train_matrix), Samples::Features(&test_matrix)),
            false => (Samples::Traces(&train), Samples::Traces(&test)),
        };
        let fitted = attack.fit(learned, 1).unwrap();
        let said = fitted.predict(asked).unwrap();
        let truth = asked.labels(said.classes());
        let right = said.argmax().into_iter().zip(truth).filter(|&(said, truth)| Some(said) == truth).count();
        assert!(right > 15, "{input:?}: {right} of 30");
        let wrong = if given { Samples::Traces(&test) } else { Samples::Features(&test_matrix) };
        assert!(attack.fit(wrong, 1).is_err() && fitted.predict(wrong).is_err(), "{input:?}");
        let refused = fitted.to_bytes().unwrap_err().to_string();
        assert_eq!(refused, "3 centroids: such a model cannot be saved; only those of wfkit's own learners can");
        assert_eq!(fitted.forest_params(), None, "no forest has no parameters of one");
    }
}

#[test]
fn an_own_learner_is_calibrated_and_judged_as_others_are() {
    let set = traces::generate(3, 15, 1);
    let labels: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
    let folds = stratified_k_fold(&labels, &Groups::by_origin(&set), 3, 5).unwrap().splits;
    let input = AttackInput::Features("totals".parse().unwrap());
    let loss = |attack: &Attack| {
        let found = evaluate(attack, Samples::Traces(&set), &folds, 7, &|_: Event<'_>| {}).unwrap();
        let of_row = |(row, &label): (usize, &usize)| -found.probabilities.values()[(row, label)].max(1e-12).ln();
        found.truth.iter().enumerate().map(of_row).sum::<f64>() / set.len() as f64
    };
    // Far too sure of itself: a temperature, learned in inner folds, mends that.
    let sure = own(input, 1e-3);
    let (plain, calibrated) = (loss(&sure), loss(&sure.clone().calibrated(Calibration::Temperature)));
    assert!(calibrated < plain / 2.0, "{calibrated} calibrated, {plain} before");
}

#[test]
fn an_own_learner_says_why_it_learns_nothing() {
    let set = traces::generate(2, 5, 1);
    let error = own(AttackInput::Packets, 0.0).fit(Samples::Traces(&set), 0).unwrap_err().to_string();
    assert_eq!(error, "attack centroids: a spread of 0 is no spread");
}

/// Neighbours that disagree name the background, as for those of the catalogue.
#[test]
fn who_asks_neighbours_is_answered_with_the_background_where_they_disagree() {
    #[derive(Debug)]
    struct Undecided(usize);
    impl Model for Undecided {
        fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
            Array2::from_elem((shown.x.nrows(), self.0), 1.0 / self.0 as f64)
        }
        fn describe(&self) -> String {
            "undecided".to_owned()
        }
    }
    struct Asks(bool);
    impl Learner for Asks {
        fn fit(&self, training: &Training<'_>) -> Result<Box<dyn Model>, LearnError> {
            Ok(Box::new(Undecided(training.n_classes)))
        }
        fn asks_for_unanimity(&self) -> bool {
            self.0
        }
    }
    let set = traces::generate(2, 5, 1);
    let said = |asks| {
        let attack = Attack::of_learner("undecided", AttackInput::Packets, Asks(asks)).unmonitored("c1");
        attack.fit(Samples::Traces(&set), 0).unwrap().predict(Samples::Traces(&set)).unwrap().values().row(0).to_vec()
    };
    assert_eq!((said(true), said(false)), (vec![0.0, 1.0], vec![0.5, 0.5]));
    let known = Attack::by_name("kfp-knn", &AttackOptions::default()).unwrap();
    assert!(known.unmonitored("nobody").fit(Samples::Traces(&set), 0).is_err());
}
