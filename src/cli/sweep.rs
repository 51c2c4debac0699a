//! Costs against protection.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;
use wfkit_defend::{DefenseGrid, DelayModel, Limit, StopRule, variants_called};

use super::SplitBy;
use super::defend::MOST_PACKETS;
use crate::help;
use wfkit_datasets::Shard;
use wfkit_evaluate::AttackName;
use wfkit_evaluate::published::data_set;
use wfkit_terminal::input::TraceFiles;

#[derive(Debug, Args)]
#[command(after_help = help::OF_SWEEP)]
pub(crate) struct Sweep {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// A defence, or several as one: lists a|b|c and ranges a..b or a..b/n in place of values; repeat for more.
    #[arg(long = "defence", alias = "defense", value_name = "SPECS", required_unless_present_any = ["plan", "variants"])]
    pub(crate) defences: Vec<DefenseGrid>,
    /// More of them from a file, one a line; what follows # is a comment.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Also the defences that published code runs otherwise than their papers say, both ways, with the differences in cost and protection; all of
    /// them, or those named after `=`, as in --variants=front,tamaraw.
    #[arg(long, value_name = "NAME[,NAME]", value_delimiter = ',', num_args = 0..=1, require_equals = true, default_missing_value = "all", value_parser = variants_called)]
    pub(crate) variants: Vec<String>,
    /// The attacks, each trained again for every defence; feature sets of one attack are joined by +, as in kfp-size+cumul. The trivial attack
    /// on totals is always among them.
    #[arg(long = "attack", value_name = "NAME[,NAME]", value_delimiter = ',', default_value = "kfp-size", value_parser = AttackName::of_list)]
    pub(crate) attacks: Vec<AttackName>,
    /// Also show this attack one kind of information at a time: sizes, times, order; and the totals beside it.
    #[arg(long, value_name = "ATTACK", value_parser = AttackName::of_list)]
    pub(crate) views: Option<AttackName>,
    /// Folder for the results, and for what is kept of finished measurements.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// How often each defence that leaves something to chance is drawn anew, and attacked anew. Draw n is what `wfkit defend` makes with --seed
    /// and n added to it, counted from 0.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) draws: u16,
    /// How many draws of each load the attack is trained on, in every draw that is measured; the first is tested, never with another of its load in
    /// training. Where nothing is left to chance, there is one.
    #[arg(long = "draws-train", alias = "replicas", default_value = "8", value_name = "N")]
    pub(crate) replicas: NonZeroU32,
    /// What waits for a packet that is held back, as in `wfkit defend`.
    #[arg(long, value_name = "MODEL")]
    pub(crate) delay: Option<DelayModel>,
    /// When padding stops, as in `wfkit defend`.
    #[arg(long, value_name = "oracle|soft:W", value_parser = StopRule::of_padding)]
    pub(crate) stop: Option<StopRule>,
    /// Stratified folds, the same traces in each for every defence [default: 5].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: Option<u16>,
    /// Keep sessions together: a session is trained on or tested on, never both. With --folds, that many groups of sessions.
    #[arg(long, value_name = "session", value_enum)]
    pub(crate) split_by: Option<SplitBy>,
    /// Test on this session and train on the others, once; repeat to test on several.
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["folds", "split_by"])]
    pub(crate) test_session: Vec<String>,
    /// Take the first traces of each class in each session only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) first: Option<u32>,
    /// Show published numbers beside: those of the data set that the traces are, and with `all` those of others too, marked as foreign.
    #[arg(long, value_name = "DATA-SET|all", value_delimiter = ',', value_parser = data_set)]
    pub(crate) published: Vec<String>,
    #[arg(long = "most-packets", default_value_t = Limit::DEFAULT, value_name = "N", help = MOST_PACKETS)]
    pub(crate) limit: Limit,
    /// Measure everything anew, whatever is kept.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Measure one share of the defences, as for job arrays: 3/16 is the third of sixteen. `wfkit dataset merge` joins the folders of all of them to
    /// that of one run.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}
