//! Sets from which nothing can be learned.

use wfkit_datasets::{Groups, LabelledTrace, TraceKey, TraceSet};

use crate::seed::{below, stream};

/// The same traces with their classes dealt out anew: an attack that still beats chance on them has seen the answers.
///
/// Copies of one load get one class, that of one of the loads; so every class keeps its number of loads. Reps are numbered anew, from 0 through
/// the whole set. Pages stay with the traces that show them only where every trace has one: else they would tell which trace was unmonitored.
pub fn shuffle_labels(set: &TraceSet, seed: u64) -> TraceSet {
    let mut rng = stream(seed, 0);
    let origins = Groups::by_origin(set);
    let first_rows = origins.members().into_iter().map(|rows| rows[0]);
    let mut classes: Vec<&str> = first_rows.map(|row| set.traces()[row].key.class.as_str()).collect();
    for i in (1..classes.len()).rev() {
        classes.swap(i, below(&mut rng, i + 1));
    }
    let all_have_pages = set.traces().iter().all(|labelled| labelled.page.is_some());
    let relabel = |(rep, (labelled, &origin)): (i64, (&LabelledTrace, &usize))| LabelledTrace {
        key: TraceKey { class: classes[origin].to_owned(), rep, session: labelled.key.session.clone() },
        page: labelled.page.clone().filter(|_| all_have_pages),
        ..labelled.clone()
    };
    let traces = (0..).zip(set.traces().iter().zip(origins.of_row())).map(relabel).collect();
    TraceSet::new(traces, set.provenance().clone()).expect("every rep is a number of its own")
}
