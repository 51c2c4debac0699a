//! What was asked for: the command line, and every option with its value, for the reports.

use wfkit_terminal::Global;
use wfkit_terminal::command_line::{self, CommandLine};

use crate::cli::Cli;

/// A command line that was understood.
pub(crate) type Asked = command_line::Asked<Cli>;

impl CommandLine for Cli {
    // The seed has a field of its own.
    const NO_MATTER: &[&str] =
        &["at_once", "format", "fresh", "full", "no_croissant", "quiet", "seed", "shard", "threads"];

    fn global(&self) -> &Global {
        &self.global
    }

    fn is_written(command: &str, option: &str) -> bool {
        ["out", "picture", "sheet"].contains(&option) || (command, option) == ("train", "weights")
    }

    /// All that these commands leave out was asked for; what else would be lost they look at themselves
    /// ([`Context::keep`](crate::context::Context::keep)).
    fn may_be_read(command: &str, option: &str) -> bool {
        option == "out" && ["convert", "filter", "relabel", "retime", "sample"].contains(&command)
    }
}
