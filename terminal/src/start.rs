//! From the words of a command line to the exit status of the program.

use std::ffi::OsString;
use std::panic;

use anyhow::Result;

use crate::command_line::{Asked, CommandLine};
use crate::{OptionsFile, Printer, hint, tell};

/// Runs the command that `words` are, the name of the program first, with the options of a file where one stands in its place, and says what the process
/// should exit with: 0, 1 after an error, 2 where the command line is wrong.
///
/// Threads are those of rayon's global pool; whoever has started it already keeps its size.
pub fn run<C: CommandLine>(
    words: Vec<OsString>,
    options_file: &OptionsFile,
    execute: impl FnOnce(Asked<C>, &Printer) -> Result<()>,
) -> u8 {
    say_no_expected_panic();
    let words = match options_file.unfolded(words.clone()) {
        Ok(words) => words,
        Err(error) => {
            tell(&error, hint(&error, &words));
            return 2;
        }
    };
    let asked = match Asked::<C>::of(&words) {
        Ok(asked) => asked,
        Err(help_or_mistake) => {
            // Nobody reads it who has closed the pipe.
            let _ = help_or_mistake.print();
            return u8::try_from(help_or_mistake.exit_code()).unwrap_or(2);
        }
    };
    let global = asked.cli.global();
    let printer = Printer::new(global.format, global.quiet);
    let done = start_threads(global.threads).and_then(|()| execute(asked, &printer));
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
    let told = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        if !wfkit_datasets::is_expected_panic() {
            told(panic);
        }
    }));
}

/// Every parallel loop of the stage crates runs on rayon's global pool, which has a thread a core unless told otherwise.
fn start_threads(threads: Option<u16>) -> Result<()> {
    let Some(threads) = threads else { return Ok(()) };
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global()?)
}
