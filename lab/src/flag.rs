//! Flags that other threads wait for.

use std::sync::atomic::{AtomicBool, Ordering};

/// Sets a flag when it goes out of scope, also by a panic: a scope of threads would wait without end for whoever waits for the flag.
pub(crate) struct SetAtEnd<'a>(pub(crate) &'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
