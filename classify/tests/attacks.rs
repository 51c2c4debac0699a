//! Attacks by name, and what they refuse.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use wfkit_classify::forest::{ClassWeights, Splits};
use wfkit_classify::{Attack, AttackError, AttackOptions, Backend, FittedAttack, Samples, attacks};
use wfkit_datasets::{Trace, TraceSet};
use wfkit_features::{FeatureMatrix, FeatureSpec};

fn attack(name: &str) -> Attack {
    Attack::by_name(name, &AttackOptions::default()).unwrap()
}

fn matrix(set: &TraceSet) -> FeatureMatrix {
    let all: Vec<&Trace> = set.traces().iter().map(|labelled| &labelled.trace).collect();
    "totals,cumul".parse::<FeatureSpec>().unwrap().fit(&all).transform(set)
}

#[test]
fn every_attack_and_alias_is_found_by_its_name() {
    for info in attacks() {
        for name in info.aliases.iter().chain([&info.name]) {
            assert_eq!(attack(name).name(), info.name);
        }
    }
    assert_eq!(attack(" kfp-core, cumul ").name(), "kfp-core,cumul");
}

#[test]
fn every_attack_learns_and_tells_traces_apart() {
    let (train, test) = (traces::generate(4, 12, 1), traces::generate(4, 10, 2));
    let (train_matrix, test_matrix) = (matrix(&train), matrix(&test));
    // These classes have no order of their own, which is what an alignment learns: tests/pool.rs has some that do.
    for info in attacks().iter().filter(|info| info.name != "alignment") {
        let options = AttackOptions { trees: Some(40), ..AttackOptions::default() };
        let attack = Attack::by_name(info.name, &options)
            .or_else(|_| Attack::by_name(info.name, &AttackOptions::default()))
            .unwrap();
        let (train, test) = match attack.takes_traces() {
            true => (Samples::Traces(&train), Samples::Traces(&test)),
            false => (Samples::Features(&train_matrix), Samples::Features(&test_matrix)),
        };
        let fitted = attack.fit(train, 3).unwrap();
        assert_eq!(fitted.about().trained_on, [12; 4]);
        let p = fitted.predict(test).unwrap();
        assert_eq!(p.classes().names(), ["c0", "c1", "c2", "c3"]);
        let truth = test.labels(p.classes());
        let right = p.argmax().into_iter().zip(truth).filter(|&(said, truth)| Some(said) == truth).count();
        // Most pairs of sizes occur in one of twelve traces only.
        let least = if info.name == "ngram" { 24 } else { 28 };
        assert!(right >= least, "{}: {right} of 40", info.name);
    }
}

#[test]
fn the_number_of_trees_is_the_attacks_own_unless_asked_for() {
    let set = traces::generate(2, 5, 1);
    let trees = |name, trees| {
        let attack = Attack::by_name(name, &AttackOptions { trees, ..AttackOptions::default() }).unwrap();
        attack.fit(Samples::Traces(&set), 0).unwrap().forest_params().unwrap().trees
    };
    assert_eq!((trees("totals", None), trees("sequence", None), trees("totals,sequence", None)), (100, 260, 100));
    assert_eq!(trees("sequence", Some(7)), 7);
}

#[test]
fn samples_keep_their_order_and_unknown_classes_do_no_harm() {
    let (train, test) = (traces::generate(2, 9, 1), traces::generate(4, 3, 2));
    let fitted = attack("totals").fit(Samples::Traces(&train), 0).unwrap();
    let all = fitted.predict(Samples::Traces(&test)).unwrap();
    assert_eq!((all.len(), all.classes().len()), (12, 2));
    for row in [0, 5, 11] {
        let one = fitted.predict(Samples::Traces(&test.select(&[row]))).unwrap();
        assert_eq!(one.values().row(0), all.values().row(row));
    }
    assert!(fitted.predict(Samples::Traces(&test.select(&[]))).unwrap().is_empty());
}

#[test]
fn errors_say_what_there_is_and_what_is_wrong() {
    let error = |name: &str, options: AttackOptions| Attack::by_name(name, &options).err().unwrap().to_string();
    let default = AttackOptions::default();
    assert_eq!(
        error("resnet", default),
        "no attack is named \"resnet\"; there are best, alignment, totals, sequence, sequence-1500, kfp-175, kfp-knn, kfp-core, kfp-size, cumul, \
         cumul-forest, cumul-common, ngram, wang-knn, wang-knn-forest, boosting, forest, extra-trees, and lists of feature sets such as kfp-core,cumul"
    );
    let net = error("df", default);
    assert!(net.starts_with("attack df: this wfkit was built without neural nets; build it by"), "{net}");
    assert!(error("cumul,df", default).starts_with("attack \"cumul,df\": no feature set is named \"df\""));
    let none = AttackOptions { trees: Some(0), ..default };
    assert_eq!(error("kfp", none), "attack kfp-175: the number of trees is 0, but must be at least 1");
    let linfa = AttackOptions { backend: Backend::Linfa, ..default };
    assert_eq!(
        error("extra-trees", linfa),
        "attack extra-trees: linfa has no classifier of extra-trees; only native has"
    );

    let set = traces::generate(2, 4, 1);
    let matrix = matrix(&set);
    let error = |name: &str, samples: Samples<'_>| attack(name).fit(samples, 0).err().unwrap().to_string();
    assert_eq!(
        error("kfp", Samples::Features(&matrix)),
        "attack kfp-175 needs traces, not a feature matrix; for features there are forest and extra-trees"
    );
    assert_eq!(error("forest", Samples::Traces(&set)), "attack forest needs a feature matrix, not traces");
    assert_eq!(
        error("totals", Samples::Traces(&set.select(&[0, 1]))),
        "attack totals: all 2 training samples are of one class, c0; it tells classes apart, so give it traces of two at least"
    );
    assert_eq!(error("totals", Samples::Traces(&set.select(&[]))), "attack totals: there are no samples to learn from");
}

#[test]
fn a_matrix_of_other_columns_is_refused_by_name() {
    let matrix = matrix(&traces::generate(2, 4, 1));
    let fitted = attack("forest").fit(Samples::Features(&matrix), 0).unwrap();
    let with_names = |change: fn(&mut Vec<String>)| {
        let mut names = matrix.names().to_vec();
        change(&mut names);
        let values = matrix.values().to_owned();
        let columns: Vec<usize> = (0..names.len()).map(|column| column.min(values.ncols() - 1)).collect();
        let values = values.select(ndarray::Axis(1), &columns);
        let other = FeatureMatrix::new(names, matrix.rows().to_vec(), values).unwrap();
        fitted.predict(Samples::Features(&other)).unwrap_err().to_string()
    };
    assert_eq!(
        with_names(|names| names[6] = "x".to_owned()),
        "feature column 6 is \"x\", where the model has \"cumul.out_packets\""
    );
    assert!(with_names(|names| names.truncate(2)).starts_with("feature column 2 is nothing, where the model has"));
    assert!(with_names(|names| names.push("y".to_owned())).ends_with("is \"y\", where the model has nothing"));
}

#[test]
fn other_backends_answer_but_are_not_saved() {
    let set = traces::generate(3, 8, 1);
    for backend in [Backend::Smartcore, Backend::Linfa] {
        let attack =
            Attack::by_name("totals", &AttackOptions { trees: Some(15), backend, ..AttackOptions::default() }).unwrap();
        let fitted = attack.fit(Samples::Traces(&set), 0).unwrap();
        let right = fitted.predict(Samples::Traces(&set)).unwrap().argmax();
        assert_eq!(right.len(), 24);
        let error = fitted.to_bytes().unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "{}: such a model cannot be saved; only those of wfkit's own learners can",
                fitted.model().describe()
            )
        );
    }
}

#[test]
fn a_sequence_without_columns_is_an_error_not_a_panic() {
    let error: AttackError = attack("forest")
        .fit(Samples::Features(&matrix(&traces::generate(2, 2, 1)).without_columns()), 0)
        .err()
        .unwrap();
    assert_eq!(error.to_string(), "attack forest: a forest cannot grow on 4 rows of 0 features");
}

trait WithoutColumns {
    fn without_columns(&self) -> Self;
}

impl WithoutColumns for FeatureMatrix {
    fn without_columns(&self) -> Self {
        FeatureMatrix::new(vec![], self.rows().to_vec(), ndarray::Array2::zeros((self.rows().len(), 0))).unwrap()
    }
}

#[test]
fn weights_and_limits_shape_our_forests_and_no_others() {
    let set = traces::generate(3, 12, 1);
    let shaped = AttackOptions { trees: Some(5), balanced: true, max_depth: Some(1), ..AttackOptions::default() };
    for attack in ["totals", "kfp-knn", "best"] {
        let fitted = Attack::by_name(attack, &shaped).unwrap().fit(Samples::Traces(&set), 1).unwrap();
        assert_eq!(fitted.forest_params().unwrap().max_depth, Some(1), "{attack}");
        assert_eq!(fitted.forest_params().unwrap().class_weights, ClassWeights::Balanced);
        let back = FittedAttack::from_bytes(&fitted.to_bytes().unwrap()).unwrap();
        assert_eq!(back.predict(Samples::Traces(&set)).unwrap(), fitted.predict(Samples::Traces(&set)).unwrap());
    }
    let stumps = Attack::by_name("totals", &shaped).unwrap().fit(Samples::Traces(&set), 1).unwrap();
    assert_eq!(stumps.model().n_nodes(), Some(5 * 3));
    let error = |name, options| Attack::by_name(name, &options).err().unwrap().to_string();
    let words = "class weights, limits and splits of trees are for wfkit's own forests";
    for name in ["cumul", "wang-knn"] {
        assert_eq!(error(name, shaped), format!("attack {name} by backend native: {words}"));
    }
    let elsewhere =
        AttackOptions { backend: Backend::Smartcore, min_samples_leaf: Some(2), ..AttackOptions::default() };
    assert_eq!(error("totals", elsewhere), format!("attack totals by backend smartcore: {words}"));
    let binned = AttackOptions { splits: Splits::Histogram, max_leaf_nodes: Some(3), ..AttackOptions::default() };
    assert_eq!(error("boosting", binned), format!("attack boosting by backend native: {words}"));
    let fitted = Attack::by_name("kfp-knn", &binned).unwrap().fit(Samples::Traces(&set), 1).unwrap();
    let params = fitted.forest_params().unwrap();
    assert_eq!((params.splits, params.max_leaf_nodes), (Splits::Histogram, Some(3)));
    assert_eq!(fitted.model().n_nodes(), Some(100 * 5));
    let one = AttackOptions { max_leaf_nodes: Some(1), ..AttackOptions::default() };
    let error = Attack::by_name("totals", &one).unwrap().fit(Samples::Traces(&set), 1).unwrap_err().to_string();
    assert_eq!(error, "attack totals: max_leaf_nodes is 1, but must be at least 2");
}

#[test]
fn what_is_mostly_zero_is_learned_as_if_it_were_not() {
    let set = traces::generate(3, 12, 1);
    for name in ["ngram", "size-histogram,totals"] {
        let fitted = Attack::by_name(name, &AttackOptions::default()).unwrap().fit(Samples::Traces(&set), 17).unwrap();
        let matrix = fitted.extractor().unwrap().transform(&set);
        let labels: Vec<usize> = Samples::Traces(&set).labels(fitted.classes()).into_iter().flatten().collect();
        let dense = fitted.forest_params().unwrap().fit(matrix.values(), &labels, 3, 17).unwrap();
        assert_eq!(fitted.model().as_forest(), Some(&dense), "{name}");
        let said = fitted.predict(Samples::Traces(&set)).unwrap();
        assert_eq!(said.values(), dense.predict(matrix.values()), "{name}");
    }
}
