//! The program `wfkit`, for its `main` and for who calls it from elsewhere: parses the command line, runs one command, prints what it returns.

mod asked;
mod cli;
mod commands;
mod context;
mod help;
mod pipeline_file;

use std::ffi::OsString;
use std::path::Path;

use wfkit_terminal::{Program, input, large};

use crate::pipeline_file::pipeline_file;

/// Name and version, as reports and recordings tell them.
const TOOL: &str = concat!("wfkit ", env!("CARGO_PKG_VERSION"));

/// Runs the command that `words` are, the name of the program first, and prints to this process's standard output and error; what the process
/// should exit with: 0, 1 after an error, 2 where the command line is wrong. `program` is the file that this code came from, by whose digest
/// parts of a sweep tell whether they were made alike.
///
/// Threads are those of rayon's global pool; whoever has started it already keeps its size. A reader of standard output that goes away ends the
/// process.
pub fn run(words: Vec<OsString>, program: &Path) -> u8 {
    let program = Program { tool: TOOL, file: program };
    wfkit_terminal::run(words, &pipeline_file(), |asked, printer| commands::execute(asked, program, printer))
}
