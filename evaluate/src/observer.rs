//! How far an experiment is, for whoever watches.

use wfkit_classify::Event;
use wfkit_metrics::Work;

/// Every fold that has predicted is a step of `work`.
pub(crate) fn by_fold<'a>(work: &'a Work<'_>) -> impl Fn(Event<'_>) + Sync + 'a {
    |event| {
        if matches!(event, Event::PredictDone { .. }) {
            work.step();
        }
    }
}
