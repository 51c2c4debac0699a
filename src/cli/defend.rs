//! Defences.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use wfkit_defend::{DefenseGrid, DefenseSpec, DelayModel, Limit, NamedDefense, StopRule};
use wfkit_evaluate::AttackName;
use wfkit_terminal::captures::ImportArgs;
use wfkit_terminal::input::TraceFiles;
use wfkit_terminal::large::InParts;

use crate::help;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, after_help = help::of_defences())]
pub(crate) struct Defend {
    #[command(flatten)]
    pub(crate) traces: Option<DefendTraces>,
    #[command(subcommand)]
    pub(crate) command: Option<DefendCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DefendCommand {
    /// All defences: name and presets, what they do, from where.
    List,
    /// One defence in full: source, presets, parameters with their units, overheads as published, what to know.
    Describe {
        /// Name of the defence.
        #[arg(value_name = "NAME")]
        name: NamedDefense,
    },
    /// Audit a defended set, also one that another tool made: what its traces show, and what its manifest says.
    Verify(DefendVerify),
    /// What a defence would cost you: megabytes an hour and milliseconds, on captures of your own traffic.
    Cost(DefendCost),
    /// Parameters that cannot work on these traces, told before the run.
    Lint {
        /// The defence: `name[:preset][,key=value]`; layers joined by +.
        #[arg(value_name = "SPEC", value_parser = DefenseSpec::with_files)]
        defence: DefenseSpec,
        #[command(flatten)]
        traces: TraceFiles,
        #[arg(long = "most-packets", default_value_t = Limit::DEFAULT, value_name = "N", help = MOST_PACKETS)]
        limit: Limit,
    },
}

/// What is held against what.
#[derive(Debug, Args)]
pub(crate) struct DefendVerify {
    /// Traces before the defence.
    #[arg(value_name = "ORIGINAL")]
    pub(crate) original: PathBuf,
    /// The same traces after it, under the same class, rep and session.
    #[arg(value_name = "DEFENDED")]
    pub(crate) defended: PathBuf,
    /// The manifest [default: beside the defended file, where there is one].
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
    /// The training traces that the defence learned from, to defend the original again.
    #[arg(long, value_name = "TRAINING")]
    pub(crate) fit_on: Option<PathBuf>,
    /// Defended copies of each trace [default: what the manifest says, else 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) replicas: Option<u32>,
}

/// What `--most-packets` is.
pub(super) const MOST_PACKETS: &str = "The most packets of a defended trace, and 32 times as many of all together; one takes up to 44 bytes of memory, so that with the \
    default a set takes 6 GB at most. What would get larger is an error before there is memory for it";

#[derive(Debug, Args)]
pub(crate) struct DefendTraces {
    #[command(flatten)]
    pub(crate) traces: TraceFiles,
    /// The defence: `name[:preset][,key=value]`; layers joined by +.
    #[arg(long = "defence", alias = "defense", value_name = "SPEC", value_parser = DefenseSpec::with_files)]
    pub(crate) defence: DefenseSpec,
    /// Defended traces to write: .parquet, .csv or .csv.zip.
    // With parts of other types, nothing tells that it is asked for but what is named here.
    #[arg(long, value_name = "FILE", group = "DefendTraces")]
    pub(crate) out: PathBuf,
    /// What waits for a packet that is held back: none, optimistic (its direction), pessimistic (everything) or inferred (what seems to
    /// answer it); for layers that are not given `delays` [default: optimistic, as in published simulations]. The report has the time overhead under all of them.
    #[arg(long, value_name = "MODEL")]
    pub(crate) delay: Option<DelayModel>,
    /// When padding stops: oracle, with the last normal packet of the trace; or soft:W, W (such as 4s) after it, for a defence that
    /// cannot know that it was the last; for layers that are not given `stop` [default: oracle].
    #[arg(long, value_name = "oracle|soft:W", value_parser = StopRule::of_padding)]
    pub(crate) stop: Option<StopRule>,
    /// Then send everything over a link of this rate, such as 10Mbit/s, with a first-in-first-out queue each way; two rates
    /// joined by a comma are out and in.
    #[arg(long, value_name = "RATE[,RATE]", value_parser = DefenseSpec::of_link)]
    pub(crate) link: Option<DefenseSpec>,
    #[command(flatten)]
    pub(crate) in_parts: InParts,
    /// Training traces, for a defence that learns a database from them and their classes; make them with `wfkit dataset split`. `self` learns
    /// from the traces to defend, so that what is reported is too good.
    #[arg(long, value_name = "TRAINING|self")]
    pub(crate) fit_on: Option<PathBuf>,
    /// Defended copies of each trace to write, with draws of their own. Copy r of n of rep k is rep k n + r; copies of a trace have one origin, so that no
    /// split tears them apart.
    #[arg(long, default_value = "1", value_name = "N")]
    pub(crate) replicas: NonZeroU32,
    /// How many draws of each load the attack is trained on, each as another client would draw it; tested is one draw of loads that it has not seen.
    /// Of a defence that leaves nothing to chance there is one.
    #[arg(long, default_value_t = wfkit_evaluate::DRAWS_TRAIN, value_name = "N")]
    pub(crate) draws_train: NonZeroU32,
    #[arg(long = "most-packets", default_value_t = Limit::DEFAULT, value_name = "N", help = MOST_PACKETS)]
    pub(crate) limit: Limit,
    /// Check what takes a second run and a second reading too: same seed, same traces; labels do not matter; the file
    /// costs what the report says.
    #[arg(long)]
    pub(crate) verify: bool,
    /// The attack that is retrained on the defended traces, and trained on the undefended ones beside it.
    #[arg(long, default_value = "kfp-size", value_name = "NAME")]
    pub(crate) attack: AttackName,
    /// Folds of its cross-validation.
    #[arg(long, default_value_t = 5, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: u16,
    /// Print all of the report, not the answer alone.
    #[arg(long)]
    pub(crate) full: bool,
}

impl DefendTraces {
    /// The specification with the options of the simulation in it, so that it says everything wherever it is kept.
    pub(crate) fn spec(&self) -> DefenseSpec {
        let linked = self.link.iter().cloned().fold(self.defence.clone(), DefenseSpec::then);
        let delayed = self.delay.into_iter().fold(linked, DefenseSpec::with_delays);
        self.stop.into_iter().fold(delayed, DefenseSpec::with_stop)
    }
}

#[derive(Debug, Args)]
pub(crate) struct DefendCost {
    /// Captures (pcap or pcapng files, or folders of them) or trace files.
    #[arg(required = true, value_name = "CAPTURES|TRACES")]
    pub(crate) paths: Vec<PathBuf>,
    /// A defence, or several as one, as in `wfkit sweep`; repeat for more.
    #[arg(long = "defence", alias = "defense", required = true, value_name = "SPECS")]
    pub(crate) defences: Vec<DefenseGrid>,
    /// How often each defence that leaves something to chance is drawn; what is told is the median of the draws, and the lowest and highest of them.
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) draws: u16,
    #[arg(long = "most-packets", default_value_t = Limit::DEFAULT, value_name = "N", help = MOST_PACKETS)]
    pub(crate) limit: Limit,
    #[command(flatten)]
    pub(crate) import: ImportArgs,
}
