//! Panics that are caught again, so that nobody need hear of them.

use std::cell::Cell;

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is caught and told as an error: a panic hook of a program should then say nothing.
pub fn is_expected_panic() -> bool {
    EXPECTED.get()
}

pub(super) fn expecting_panics<T>(act: impl FnOnce() -> T) -> T {
    let before = EXPECTED.replace(true);
    let done = act();
    EXPECTED.set(before);
    done
}
