//! The program `wfkit`, for its `main` and for who calls it from elsewhere: parses the command line, runs one command, prints what it returns.

mod asked;
mod cli;
mod commands;
mod context;
mod help;
mod input;
mod large;
mod pipeline_file;

use std::ffi::OsString;
use std::path::Path;

use wfkit_terminal::{Printer, hint, tell};

use crate::asked::Asked;
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
    say_no_expected_panic();
    let words = match pipeline_file().unfolded(words.clone()) {
        Ok(words) => words,
        Err(error) => {
            tell(&error, hint(&error, &words));
            return 2;
        }
    };
    let asked = match Asked::of(&words) {
        Ok(asked) => asked,
        Err(help_or_mistake) => {
            // Nobody reads it who has closed the pipe.
            let _ = help_or_mistake.print();
            return u8::try_from(help_or_mistake.exit_code()).unwrap_or(2);
        }
    };
    let printer = Printer::new(asked.cli.global.format, asked.cli.global.quiet);
    let done = start_threads(asked.cli.global.threads).and_then(|()| commands::execute(asked, program, &printer));
    printer.end();
    match done {
        Ok(()) => 0,
        Err(error) => {
            tell(&error, hint(&error, &words));
            1
        }
    }
}

/// A panic that is caught and told as an error is not told twice.
fn say_no_expected_panic() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !wfkit_datasets::is_expected_panic() {
            told(panic);
        }
    }));
}

/// Every parallel loop of the stage crates runs on rayon's global pool, which has a thread a core unless told otherwise.
fn start_threads(threads: Option<u16>) -> anyhow::Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?)
}
