//! Panics of libraries that are caught again, so that nobody need hear of them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is caught and told as an error: a panic hook of a program should then say nothing.
pub fn is_expected_panic() -> bool {
    EXPECTED.get()
}

/// What `decode` gives; none where a library gives up on bytes that it did not expect.
pub fn caught<T>(decode: impl FnOnce() -> T) -> Option<T> {
    let before = EXPECTED.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    EXPECTED.set(before);
    decoded.ok()
}
