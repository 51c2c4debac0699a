//! The program `wfkit`: parses the command line, runs one command, prints what it returns.

mod asked;
mod cli;
mod commands;
mod context;
mod help;
mod input;
mod large;
mod pipeline_file;
mod printer;
mod published;

use std::process::ExitCode;

use crate::asked::Asked;
use crate::printer::Printer;

/// Name and version, as reports and recordings tell them.
const TOOL: &str = concat!("wfkit ", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    say_no_expected_panic();
    let words = match pipeline_file::unfolded(std::env::args_os().collect()) {
        Ok(words) => words,
        Err(error) => {
            printer::tell(&error);
            return ExitCode::from(2);
        }
    };
    let asked = Asked::of(&words).unwrap_or_else(|wrong| wrong.exit());
    let printer = Printer::new(&asked.cli.global);
    let done = start_threads(asked.cli.global.threads).and_then(|()| commands::execute(asked, &printer));
    printer.end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer::tell(&error);
            ExitCode::FAILURE
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

/// Every parallel loop of the stage crates runs on rayon's global pool.
fn start_threads(threads: Option<u16>) -> anyhow::Result<()> {
    let threads = threads.map_or(0, usize::from); // 0: one a core
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?)
}
