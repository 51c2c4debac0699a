//! The program `wfkit`: parses the command line, runs one command, prints what it returns.

mod cli;
mod commands;
mod context;
mod help;
mod input;
mod large;
mod printer;
mod published;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;
use crate::printer::Printer;

fn main() -> ExitCode {
    say_no_expected_panic();
    let cli = Cli::parse();
    let printer = Printer::new(&cli.global);
    match start_threads(cli.global.threads).and_then(|()| commands::execute(cli.command, &cli.global, &printer)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            printer.error(&error);
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
