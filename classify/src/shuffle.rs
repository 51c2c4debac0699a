//! Samples from which nothing can be learned.

use wfkit_datasets::{Groups, Label, LabelledTrace, TraceKey, TraceSet};
use wfkit_features::FeatureMatrix;

use crate::seed::{shuffle, stream};

/// The same traces with their classes dealt out anew: an attack that still beats chance on them has seen the answers.
///
/// Copies of one load get one class, that of one of the loads; so every class keeps its number of loads. Reps are numbered anew, from 0 through
/// the whole set. Pages stay with the traces that show them only where every trace has one: else they would tell which trace was unmonitored.
pub fn shuffle_labels(set: &TraceSet, seed: u64) -> TraceSet {
    let origins = Groups::by_origin(set);
    let classes = dealt_out(&origins, |row| &set.traces()[row].key.class, seed);
    let all_have_pages = set.traces().iter().all(|labelled| labelled.page.is_some());
    let relabel = |(rep, (labelled, class)): (i64, (&LabelledTrace, String))| LabelledTrace {
        key: TraceKey { class, rep, session: labelled.key.session.clone() },
        page: labelled.page.clone().filter(|_| all_have_pages),
        ..labelled.clone()
    };
    let traces = (0..).zip(set.traces().iter().zip(classes)).map(relabel).collect();
    TraceSet::new(traces, set.provenance().clone()).expect("every rep is a number of its own")
}

/// As [`shuffle_labels`], for features; rows stay in their places.
pub fn shuffle_feature_labels(matrix: &FeatureMatrix, seed: u64) -> FeatureMatrix {
    let rows = matrix.rows();
    let classes = dealt_out(&Groups::by_origin_of_labels(rows), |row| &rows[row].key.class, seed);
    let relabel = |(rep, (label, class)): (i64, (&Label, String))| Label {
        key: TraceKey { class, rep, session: label.key.session.clone() },
        page: None,
        ..label.clone()
    };
    let rows = (0..).zip(rows.iter().zip(classes)).map(relabel).collect();
    FeatureMatrix::new(matrix.names().to_vec(), rows, matrix.values().to_owned())
        .expect("values and names are those of a matrix")
}

/// A class for every row: those of the groups, dealt out anew to the groups.
fn dealt_out<'a>(groups: &Groups, class_of: impl Fn(usize) -> &'a String, seed: u64) -> Vec<String> {
    let mut rng = stream(seed, 0);
    let mut classes: Vec<&String> = groups.members().iter().map(|rows| class_of(rows[0])).collect();
    shuffle(&mut classes, &mut rng);
    groups.of_row().iter().map(|&group| classes[group].clone()).collect()
}
