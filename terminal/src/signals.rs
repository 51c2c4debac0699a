//! The wish to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Whether the user, or who started the program, wants it to end. Asked twice, the program ends at once.
///
/// # Errors
/// A system that lets nobody watch signals.
pub fn stop_signal() -> Result<impl Fn() -> bool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&asked))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&asked)))
            .context("cannot watch for Ctrl-C")?;
    }
    Ok(move || asked.load(Ordering::Relaxed))
}
