//! Options of every command.

use clap::Args;

use crate::Format;

/// Heads the options of every command.
pub const EVERYWHERE: &str = "Everywhere";

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = EVERYWHERE)]
pub struct Global {
    /// Seed of everything random: the same input and seed give the same bytes on any number of threads.
    #[arg(long, global = true, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Threads to use; all cores where it is not given.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print no progress and no messages, only results, warnings and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Write no description of data sets (`traces.croissant.json`, for tools that read Croissant) beside them.
    #[arg(long, global = true)]
    pub no_croissant: bool,
}
