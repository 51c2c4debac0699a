//! Sets from which nothing can be learned.

use wfkit_datasets::{LabelledTrace, TraceKey, TraceSet};

use crate::seed::{below, stream};

/// The same traces with their classes dealt out anew: an attack that still beats chance on them has seen the answers.
///
/// Every class keeps its number of traces. Reps are numbered anew, from 0 through the whole set.
pub fn shuffle_labels(set: &TraceSet, seed: u64) -> TraceSet {
    let mut rng = stream(seed, 0);
    let mut classes: Vec<&str> = set.traces().iter().map(|labelled| labelled.key.class.as_str()).collect();
    for i in (1..classes.len()).rev() {
        classes.swap(i, below(&mut rng, i + 1));
    }
    let relabel = |(rep, (labelled, class)): (i64, (&LabelledTrace, &str))| LabelledTrace {
        key: TraceKey { class: class.to_owned(), rep, session: labelled.key.session.clone() },
        ..labelled.clone()
    };
    let traces = (0..).zip(set.traces().iter().zip(classes)).map(relabel).collect();
    TraceSet::new(traces, set.provenance().clone()).expect("every rep is a number of its own")
}
