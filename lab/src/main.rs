//! The program `wfkit-lab`: parses the command line, runs one command.

mod cli;
mod commands;
mod printer;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Check => commands::check::run(cli.inside),
        Command::Up(up) if cli.inside => commands::network::up_inside(&up),
        Command::Up(up) => commands::network::up(&up),
        Command::Status(which) => commands::network::status(&which),
        Command::Down(which) => commands::network::down(&which),
        Command::Generate(generate) => commands::generate::run(&generate, cli.inside),
        Command::Secretstroll(command) => commands::secretstroll::run(&command),
        Command::Demo(demo) => commands::demo::run(&demo, cli.inside),
        Command::Picture(picture) => commands::picture::run(&picture),
        Command::Compare(compare) => commands::compare::run(&compare, cli.inside),
        Command::Collect(collect) => commands::collect::run(&collect, cli.inside),
    };
    done.unwrap_or_else(|error| {
        printer::note(&format!("error: {error:#}"));
        ExitCode::FAILURE
    })
}
