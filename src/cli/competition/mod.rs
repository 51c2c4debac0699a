//! The privacy competition.

mod server;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Copies;
use crate::help;
pub(crate) use server::{Server, Team};

#[derive(Debug, Subcommand)]
pub(crate) enum Competition {
    /// Traces to the defence file that a team uploads.
    Export {
        /// Trace files or folders of them; formats are found by content.
        #[arg(required = true, value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Defence file to write: .csv or .csv.zip.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        copies: Copies,
        #[command(flatten)]
        rules: Rules,
    },
    /// A defence file to a team's train, test and verification files.
    Split {
        /// Defence file: .csv or .csv.zip.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The team that uploaded it.
        #[arg(long, value_name = "N")]
        team_id: u32,
        /// Folder for team_N_train.csv.zip, team_N_test.csv.zip and team_N_verif.csv.zip.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Number of test traces.
        #[arg(long, default_value_t = 300, value_name = "N")]
        test: usize,
        /// Refuse a file that has not so many classes [default: as many as it has].
        #[arg(long, value_name = "N")]
        classes: Option<u32>,
    },
    /// Hold a file against the competition's rules and list every problem.
    Check {
        /// What the file is.
        #[arg(value_enum)]
        kind: UploadKind,
        /// The file: .csv or .csv.zip.
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Verification files of the attacked teams, for an attack; without them only the form is checked.
        #[arg(long, value_name = "FILE", num_args = 1..)]
        verif: Vec<PathBuf>,
        #[command(flatten)]
        rules: Rules,
    },
    /// Score an attack file, and the defence it attacked where that is given.
    #[command(after_long_help = help::OF_TOTAL)]
    Score {
        /// Attack file.
        #[arg(long, value_name = "FILE")]
        attack: PathBuf,
        /// Verification files of the attacked teams.
        #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
        verif: Vec<PathBuf>,
        /// Defence file of the scored team: adds its utility and the total.
        #[arg(long, value_name = "FILE")]
        defence: Option<PathBuf>,
        /// Refuse an attack file that has not so many classes [default: as many as it has].
        #[arg(long, value_name = "N")]
        classes: Option<u32>,
    },
    #[command(flatten)]
    Server(Server),
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UploadKind {
    /// A defence file.
    Defence,
    /// An attack file.
    Attack,
}

/// The competition's limits.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Rules of the competition")]
pub(crate) struct Rules {
    /// Classes, named 1 to N.
    #[arg(long, default_value_t = 100, value_name = "N")]
    pub(crate) classes: u32,
    /// Traces a class, on average.
    #[arg(long, default_value_t = 32, value_name = "MEAN")]
    pub(crate) reps: u32,
    /// How far a class may be from that: less than this.
    #[arg(long, default_value_t = 7, value_name = "D")]
    pub(crate) deviation: u32,
    /// A trace has more packets than this.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) min_packets: usize,
}
