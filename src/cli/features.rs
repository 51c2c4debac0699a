//! Feature matrices.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wfkit_features::{Channel, FeatureSpec};

use super::values;
use wfkit_terminal::input::TraceFiles;
use wfkit_terminal::large::InParts;
use wfkit_terminal::values::one_of;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "A trace file that is called like a command is written ./list."
)]
pub(crate) struct Features {
    #[command(flatten)]
    pub(crate) extract: Option<FeaturesExtract>,
    #[command(subcommand)]
    pub(crate) command: Option<FeaturesCommand>,
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesExtract {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// Feature sets, joined by + or commas; `wfkit features list` lists them.
    #[arg(long, value_name = "NAME[+NAME]")]
    pub(crate) set: FeatureSpec,
    /// Feature file to write: .parquet.
    // With parts of other types, nothing tells that it is asked for but what is named here.
    #[arg(long, value_name = "FILE", group = "FeaturesExtract")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) in_parts: InParts,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FeaturesCommand {
    /// All feature sets.
    List,
    /// What the columns of feature sets mean, a line each: name, unit, what they tell, what they are; --format json has
    /// the version of each definition too.
    Describe {
        /// Feature sets, joined by + or commas.
        #[arg(value_name = "NAME[+NAME]")]
        set: FeatureSpec,
        /// Traces to learn from, for sets whose columns are learned.
        #[arg(value_name = "TRACES")]
        traces: Vec<PathBuf>,
    },
    /// What gives traces away: AUC, bits and importance of every feature and group, for all classes or one.
    Explain(FeaturesExplain),
    /// Traces as padded arrays for learners elsewhere: X, y, rep and classes in one .npz file.
    Tensor {
        #[command(flatten)]
        traces: TraceFiles,
        /// What X holds of each packet; `tam` counts packets in slots of time instead.
        #[arg(long, value_parser = one_of(Channel::ALL, Channel::name, Channel::meaning), default_value = "direction")]
        channel: Channel,
        /// Packets of a trace: longer ones are cut, shorter ones padded with 0. `tam` has 2 x 1800 slots instead, `sized` 3 rows.
        #[arg(long, default_value_t = 5000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        length: u32,
        /// File to write: .npz.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct FeaturesExplain {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// Feature sets, joined by + or commas; `wfkit features list` lists them.
    #[arg(long, value_name = "NAME[+NAME]")]
    pub(crate) set: FeatureSpec,
    /// What gives this class away; all classes where it is not given.
    #[arg(long, value_name = "CLASS", value_parser = values::class)]
    pub(crate) class: Option<String>,
    /// Features in the table and in the picture.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top: u16,
    /// Trees of the forest whose features are permuted.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) trees: u16,
    /// How often each feature and group is permuted.
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) repeats: u16,
    /// Write the picture of importances: .svg.
    #[arg(long, value_name = "FILE")]
    pub(crate) picture: Option<PathBuf>,
}
