//! The program `wfkit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Where the program does not find itself, the name that it was called by is as good; what needs the file says that it cannot be read.
    let called = || std::env::args_os().next().unwrap_or_default().into();
    let program = std::env::current_exe().unwrap_or_else(|_| called());
    ExitCode::from(wfkit::run(std::env::args_os().collect(), &program))
}
