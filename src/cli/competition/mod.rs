//! The privacy competition.

mod server;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Copies;
use crate::help;
pub(crate) use server::{Server, Submit, Team, Tokens};
use wfkit_terminal::input::TraceFiles;

#[derive(Debug, Subcommand)]
pub(crate) enum Competition {
    /// Traces to the defence file that a team uploads.
    Export(CompetitionExport),
    /// A defence file to a team's train, test and verification files.
    Split(CompetitionSplit),
    /// An attack on a defence file as a competition for another host: one archive with data, truth, a scorer in plain Python and pages.
    Bundle(CompetitionBundle),
    /// What a team gets on the first day: data, rules, a sample defence and attack, a split to practise on, a notebook, and twenty minutes of instructions.
    Kit {
        /// Undefended traces that it is made from; by default the bundled sample.
        #[arg(value_name = "TRACES")]
        traces: Vec<PathBuf>,
        /// Folder to make.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Test traces of the split to practise on; by default three in ten.
        #[arg(long, value_name = "N")]
        test: Option<usize>,
    },
    /// Hold a file against the competition's rules and list every problem.
    Check(CompetitionCheck),
    /// Score an attack file, and the defence it attacked where that is given.
    #[command(after_long_help = help::OF_TOTAL)]
    Score(CompetitionScore),
    #[command(flatten)]
    Server(Server),
}

#[derive(Debug, Args)]
pub(crate) struct CompetitionExport {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// Defence file to write: .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) copies: Copies,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

#[derive(Debug, Args)]
pub(crate) struct CompetitionSplit {
    /// Defence file: .csv or .csv.zip.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The team that uploaded it.
    #[arg(long, value_name = "N")]
    pub(crate) team_id: u32,
    /// Folder for team_N_train.csv.zip, team_N_test.csv.zip and team_N_verif.csv.zip.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Number of test traces.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub(crate) test: usize,
    /// Refuse a file that has not so many classes [default: as many as it has].
    #[arg(long, value_name = "N")]
    pub(crate) classes: Option<u32>,
    /// Also solution.csv and sample_submission.csv, for hosts such as Kaggle: the truth with public and private rows, and what an upload looks like.
    #[arg(long)]
    pub(crate) kaggle: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CompetitionBundle {
    /// Defence file: .csv or .csv.zip.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The bundle is one for Codabench.
    #[arg(long, required = true)]
    pub(crate) codabench: bool,
    /// Archive to write; the split that it is made of stays beside it, in a folder that ends in .parts.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Name of the competition.
    #[arg(long, default_value = "Website fingerprinting", value_name = "NAME")]
    pub(crate) title: String,
    /// First day, whose scores are those of the public half of the test traces: 2026-12-01.
    #[arg(long, value_name = "DAY")]
    pub(crate) opens: jiff::civil::Date,
    /// Day from which the private half is scored.
    #[arg(long, value_name = "DAY")]
    pub(crate) last: jiff::civil::Date,
    /// Last day.
    #[arg(long, value_name = "DAY")]
    pub(crate) ends: jiff::civil::Date,
    /// Number of test traces.
    #[arg(long, default_value_t = 300, value_name = "N")]
    pub(crate) test: usize,
}

#[derive(Debug, Args)]
pub(crate) struct CompetitionCheck {
    /// What the file is.
    #[arg(value_enum)]
    pub(crate) kind: UploadKind,
    /// The file: .csv or .csv.zip.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Verification files of the attacked teams, for an attack; without them only the form is checked.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) verif: Vec<PathBuf>,
    /// Undefended traffic in a defence file, for a defence: what it adds is told, and what cannot have carried the answers is refused, as a server does.
    #[arg(long, value_name = "FILE")]
    pub(crate) undefended: Option<PathBuf>,
    /// The share of the undefended incoming bytes that a defence carries at least, in every class.
    #[arg(long, default_value_t = 0.8, value_name = "SHARE", requires = "undefended")]
    pub(crate) least_share: f64,
    #[command(flatten)]
    pub(crate) rules: Rules,
}

#[derive(Debug, Args)]
pub(crate) struct CompetitionScore {
    /// Attack file.
    #[arg(long, value_name = "FILE")]
    pub(crate) attack: PathBuf,
    /// Verification files of the attacked teams.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    pub(crate) verif: Vec<PathBuf>,
    /// Defence file of the scored team: adds its utility and the total.
    #[arg(long, value_name = "FILE")]
    pub(crate) defence: Option<PathBuf>,
    /// Refuse an attack file that has not so many classes [default: as many as it has].
    #[arg(long, value_name = "N")]
    pub(crate) classes: Option<u32>,
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

impl From<&Rules> for wfkit_competition::Rules {
    fn from(rules: &Rules) -> Self {
        Self {
            classes: rules.classes as usize,
            reps_mean: rules.reps.into(),
            deviation: rules.deviation.into(),
            min_packets: rules.min_packets as u64,
        }
    }
}
