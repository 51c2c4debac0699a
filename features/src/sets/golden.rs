//! The trace of the golden tests: twelve packets, ties in time, a burst of one, all sizes 1.

use wfkit_datasets::Trace;

pub(crate) fn trace() -> Trace {
    let tenths = [0, 0, 2, 4, 5, 5, 13, 13, 13, 20, 21, 21];
    let time_ns = tenths.map(|tenth| tenth * 100_000_000);
    let size = [1, 1, 1, -1, -1, 1, -1, -1, -1, 1, -1, -1];
    Trace::new(time_ns.into(), size.into()).expect("ordered, from 0, no size 0")
}
