//! Captures that commands import: how far that is, and what went wrong on the way.

mod options;

use std::path::PathBuf;

use anyhow::{Error, Result};
use wfkit_capture::{Import, ImportError, ImportOptions, ImportStats, import};

use crate::Context;
use crate::input::list;
pub use options::{ImportArgs, PacketTextArgs, READING_CAPTURES};

/// Warnings that are said one by one.
const PROBLEMS_SHOWN: usize = 20;

/// Reads captures as the options say, with a progress bar, and says what went wrong on the way.
///
/// # Errors
/// What cannot be read; no trace.
pub fn import_captures(paths: &[PathBuf], options: impl Into<ImportOptions>, context: &Context<'_>) -> Result<Import> {
    let options = options.into();
    let imported = what_came(with_bar(context, |on_file| import(paths, &options, on_file)), paths, context)?;
    warn_of(&imported.stats, context);
    Ok(imported)
}

/// Shows how many of the captures have been read.
pub fn with_bar<T>(context: &Context<'_>, import: impl FnOnce(&(dyn Fn(usize, usize) + Sync)) -> T) -> T {
    let bar = context.printer.progress("reading", 0);
    let done = import(&|done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    done
}

/// What came of an import; where that is nothing, all that went wrong is said.
///
/// # Errors
/// As that of the import.
pub fn what_came<T>(imported: Result<T, ImportError>, paths: &[PathBuf], context: &Context<'_>) -> Result<T> {
    match imported {
        Err(ImportError::NoTrace { stats }) => {
            // The error tells the first problem.
            if stats.problems.len() > 1 {
                warn_of(&stats, context);
            }
            Err(Error::from(ImportError::NoTrace { stats }).context(list(paths)))
        }
        imported => Ok(imported?),
    }
}

/// Says how names became classes, and what makes that doubtful.
pub fn tell_names(stats: &ImportStats, context: &Context<'_>) {
    stats.names_read.iter().for_each(|name| context.printer.note(name));
    let more = stats.more_names();
    if more > 0 && !stats.names_read.is_empty() {
        context.printer.note(&format!("and {more} more; where this is not what is meant: --label or --labels"));
    }
    stats.label_doubt.iter().for_each(|doubt| context.warn_of_input(doubt));
}

/// Says what is wrong with files, and what deserves a look.
pub fn warn_of(stats: &ImportStats, context: &Context<'_>) {
    let all = stats.everything_odd();
    all.iter().take(PROBLEMS_SHOWN).for_each(|message| context.printer.warn(message));
    if let Some(more) = all.len().checked_sub(PROBLEMS_SHOWN).filter(|&more| more > 0) {
        context.printer.warn(&format!("and {more} more; the report counts them"));
    }
}
