//! Training, predicting, evaluating.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use wfkit_classify::forest::Splits;
use wfkit_classify::{Attack, AttackError, AttackOptions, Backend};
use wfkit_features::Channel;

use super::values;
use crate::help;
use wfkit_evaluate::{AttackName, Attacks, Benchmark, Labelled};
use wfkit_terminal::large::InParts;
use wfkit_terminal::values::{Percents, one_of, share};
use wfkit_terminal::{picture_path, sheet_path};

/// What a split keeps together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SplitBy {
    /// What was captured together.
    Session,
}

/// The attack to train.
#[derive(Debug, Clone, Args)]
pub(crate) struct AttackArgs {
    /// The attack [default: kfp-size; over a feature file: forest].
    #[arg(long, value_name = "NAME")]
    pub(crate) attack: Option<Attacks>,
    /// Trees of a forest [default: what the attack is published with, else 100].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) trees: Option<u16>,
    /// What traces of each class count in a forest: every trace the same, or every class.
    #[arg(long, value_enum, default_value_t = ClassWeight::Equal)]
    pub(crate) class_weight: ClassWeight,
    /// Splits above a leaf at most [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_depth: Option<u32>,
    /// Training traces in a leaf at least [default: 1].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) min_samples_leaf: Option<u32>,
    /// Leaves of a tree at most. Trees then grow best first: the node whose split helps most is split next. Few leaves make small models
    /// and smooth probabilities, at some accuracy [default: no limit].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) max_leaf_nodes: Option<u32>,
    /// Between which values forests cut a feature.
    #[arg(long, value_parser = one_of(Splits::ALL, Splits::name, Splits::meaning), default_value = "exact")]
    pub(crate) splits: Splits,
    /// How often a neural net goes through its traces at most; it stops by itself once what it holds back is judged no better [default: as
    /// published].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) epochs: Option<u16>,
    /// Whose forest: wfkit's own, or a library's as a second opinion (hard votes averaged over its trees, since these
    /// libraries' forests give no class probabilities).
    #[arg(long, value_parser = one_of(Backend::ALL, Backend::name, Backend::meaning), default_value = "native")]
    pub(crate) backend: Backend,
    /// Calibrate probabilities, out of bag where the classifier can be judged so, else in inner folds: none, temperature, platt, isotonic
    /// [default: none; for best, alignment and nets: temperature].
    #[arg(long, value_name = "HOW", value_parser = calibration)]
    pub(crate) calibrate: Option<wfkit_classify::Calibration>,
}

impl AttackArgs {
    /// The attack that is named; without a name, the one that suits the input.
    pub(crate) fn attack_on(&self, input: &Labelled) -> Result<Attack, AttackError> {
        let name = self.attack.as_ref().and_then(Attacks::name).unwrap_or(input.default_attack());
        let attack = Attack::by_name(name, &self.options())?;
        Ok(self.calibrate.into_iter().fold(attack, Attack::calibrated))
    }

    /// What is changed about an attack.
    pub(crate) fn options(&self) -> AttackOptions {
        AttackOptions {
            trees: self.trees.map(usize::from),
            backend: self.backend,
            balanced: self.class_weight == ClassWeight::Balanced,
            max_depth: self.max_depth,
            min_samples_leaf: self.min_samples_leaf.map(|traces| traces as usize),
            max_leaf_nodes: self.max_leaf_nodes,
            splits: self.splits,
            epochs: self.epochs.map(usize::from),
        }
    }
}

fn calibration(name: &str) -> Result<wfkit_classify::Calibration, String> {
    name.parse().map_err(|error: wfkit_classify::UnknownCalibration| error.to_string())
}

/// What traces of each class count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassWeight {
    /// Every trace the same.
    Equal,
    /// Every class the same, whatever the number of its traces.
    Balanced,
}

#[derive(Debug, Args)]
#[command(after_help = help::of_attacks(), mut_arg("attack", |attack| attack.value_parser(Attacks::to_train)))]
pub(crate) struct Train {
    /// Trace files, or one feature file.
    #[arg(required = true, value_name = "TRACES|FEATURES")]
    pub(crate) input: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) attack: AttackArgs,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Write the numbers of a neural net, too, for PyTorch and others: .safetensors.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// Model file that `train` wrote; or a net of yours, .onnx, if this wfkit was built with `--features deep`.
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Trace files, or one feature file; with --competition the test file of a team.
    #[arg(required = true, value_name = "TRACES|FEATURES")]
    pub(crate) input: Vec<PathBuf>,
    /// Probabilities to write: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) in_parts: InParts,
    /// Write the competition's attack file: the input is a test file, the answer has one row a capture_id.
    #[arg(long, requires = "team_id", conflicts_with = "shard")]
    pub(crate) competition: bool,
    /// The team whose traces are attacked.
    #[arg(long, value_name = "N", requires = "competition")]
    pub(crate) team_id: Option<u32>,
    /// Classes of the competition, 1 to N: each has its column, also where training had no trace of it.
    #[arg(long, default_value_t = 100, value_name = "N", requires = "competition")]
    pub(crate) classes: u32,
    /// Numbers for the net of the model in place of its own, such as PyTorch has trained: .safetensors.
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// What the net of an ONNX file sees of traces; as `features tensor --channel` [default: what its metadata say].
    #[arg(long, value_parser = one_of(Channel::ALL, Channel::name, Channel::meaning))]
    pub(crate) channel: Option<Channel>,
    /// The classes of an ONNX file, one a line, in the order of its outputs [default: what its metadata say].
    #[arg(long, value_name = "FILE")]
    pub(crate) onnx_classes: Option<PathBuf>,
    /// Score although the model has learned from the same loads, or nearly the same.
    #[arg(long)]
    pub(crate) allow_duplicates: bool,
    /// Attack traces of another layer or vantage, or put in order otherwise, than the model has learned from.
    #[arg(long)]
    pub(crate) any_layer: bool,
}

#[derive(Debug, Args)]
#[command(after_help = help::of_evaluated_attacks())]
pub(crate) struct Evaluate {
    /// Trace files, or one feature file; not together with --train and --test.
    #[arg(value_name = "TRACES|FEATURES", required_unless_present_any = ["train", "matrix", "benchmark"], conflicts_with = "train")]
    pub(crate) input: Vec<PathBuf>,
    /// Print all of the report, not the answer alone.
    #[arg(long)]
    pub(crate) full: bool,
    /// A benchmark, such as lab-secretstroll@1/10-folds or lab-pages@1/4-sessions: its name fixes the traces and the folds (by their digests), so
    /// that two people's numbers compare. Bundled traces need not be given.
    #[arg(long, value_name = "ID", conflicts_with_all = ["folds", "split_by", "split_time", "split_file", "shared_pages", "elsewhere", "shuffle_labels", "allow_duplicates"])]
    pub(crate) benchmark: Option<Benchmark>,
    #[command(flatten)]
    pub(crate) attack: AttackArgs,
    /// Stratified folds: every trace is tested once by an attack that was trained on the other folds [default: 5].
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u16).range(2..))]
    pub(crate) folds: Option<u16>,
    /// Keep sessions together: a session is trained on or tested on, never both. With --folds, that many groups of sessions.
    #[arg(long, value_name = "session", value_enum)]
    pub(crate) split_by: Option<SplitBy>,
    /// Train on what started before this moment (RFC 3339, UTC), test on the rest.
    #[arg(long, value_name = "UTC", conflicts_with_all = ["folds", "split_by"])]
    pub(crate) split_time: Option<super::Moment>,
    /// Test by the folds in this file, as `wfkit dataset split --folds` writes it and others train by: .csv, .csv.zip or .parquet.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["folds", "split_by", "split_time", "shared_pages"])]
    pub(crate) split_file: Option<PathBuf>,
    /// Let a page of the background (the column `page`) be trained on and tested, in different visits.
    #[arg(long)]
    pub(crate) shared_pages: bool,
    /// Train on these files.
    #[arg(long, value_name = "TRACES|FEATURES", num_args = 1.., group = "elsewhere", requires = "test", conflicts_with_all = ["folds", "split_by", "split_time", "split_file"])]
    pub(crate) train: Vec<PathBuf>,
    /// Test on these files.
    #[arg(long, value_name = "TRACES|FEATURES", num_args = 1.., requires = "train")]
    pub(crate) test: Vec<PathBuf>,
    /// Transfer: train on each session of the traces (`TRACES --matrix session`), or on each of several files such as vantage points
    /// (`--matrix A.parquet B.parquet`), and test on every other; within each, test by folds. --picture draws it as a heat map.
    #[arg(long, value_name = "session|TRACES", num_args = 1.., group = "elsewhere", conflicts_with_all = ["train", "split_by", "split_time", "split_file", "out", "shuffle_labels", "against", "open_world", "one_vs_rest", "few_shot", "early", "drift"])]
    pub(crate) matrix: Vec<PathBuf>,
    /// Also write the probabilities of the tested traces: .parquet, .csv or .csv.zip.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Shuffle the labels first: whatever the attack then finds is a leak.
    #[arg(long)]
    pub(crate) shuffle_labels: bool,
    /// Score although tested traces were learned from: copies of one load, the same packets, or nearly the same.
    #[arg(long)]
    pub(crate) allow_duplicates: bool,
    /// Test on traces of another layer or vantage, or put in order otherwise, than those of --train, or of the first file of --matrix (which
    /// may be of another vantage anyway).
    #[arg(long, requires = "elsewhere")]
    pub(crate) any_layer: bool,
    /// Train and test another attack on the same splits, and test which one is better; repeat for several (p-values are corrected for their number).
    #[arg(long, value_name = "NAME")]
    pub(crate) against: Vec<AttackName>,
    /// Write the score sheet, every number with its interval: .json or .md.
    #[arg(long, value_name = "FILE", value_parser = sheet_path)]
    pub(crate) sheet: Option<PathBuf>,
    /// Write the reliability picture, with --matrix the heat map: .svg or .png.
    #[arg(long, value_name = "FILE", value_parser = picture_path)]
    pub(crate) picture: Option<PathBuf>,
    // Last, since its heading would be that of what follows.
    #[command(flatten)]
    pub(crate) mode: EvaluateMode,
}

#[derive(Debug, Args)]
#[command(after_help = help::OF_SCORE)]
pub(crate) struct Score {
    /// Probabilities, one column a class, one row a trace: .csv, .csv.zip, .parquet, .npz or .npy, told by content; those of several
    /// files are compared with those of the first.
    #[arg(required = true, value_name = "PROBABILITIES")]
    pub(crate) probabilities: Vec<PathBuf>,
    /// What the classes are: the traces, a feature file, or a table with the columns class, rep and, where there are several, session; repeat for
    /// several trace files.
    #[arg(long, required = true, value_name = "TRACES|FEATURES|TABLE")]
    pub(crate) truth: Vec<PathBuf>,
    /// Other probabilities of the same traces, to test which are better; repeat for several (p-values are corrected for their number).
    #[arg(long, value_name = "PROBABILITIES")]
    pub(crate) against: Vec<PathBuf>,
    /// The folds that the probabilities come from, as `wfkit dataset split --folds` writes them: intervals and tests then heed that folds share
    /// their training traces.
    #[arg(long, value_name = "FILE")]
    pub(crate) split_file: Option<PathBuf>,
    /// Score the traces that have a row in every file, though the truth has others.
    #[arg(long)]
    pub(crate) partial: bool,
    /// This class stands for everything unmonitored: threshold sweep, precision and recall, rates, r-precision.
    #[arg(long, value_name = "CLASS", value_parser = values::class)]
    pub(crate) open_world: Option<String>,
    /// Restate open-world scores as if this share of all visits were monitored.
    #[arg(long, value_name = "SHARE", requires = "open_world", num_args = 1.., value_delimiter = ',', value_parser = share)]
    pub(crate) base_rate: Vec<f64>,
    /// Write the score sheet, every number with its interval: .json or .md.
    #[arg(long, value_name = "FILE", value_parser = sheet_path)]
    pub(crate) sheet: Option<PathBuf>,
    /// Write the reliability picture: .svg or .png.
    #[arg(long, value_name = "FILE", value_parser = picture_path)]
    pub(crate) picture: Option<PathBuf>,
}

/// What else is measured.
#[derive(Debug, Args)]
#[command(next_help_heading = "Other worlds (each adds its part to the report)")]
pub(crate) struct EvaluateMode {
    /// This class stands for everything unmonitored: threshold sweep, precision and recall, rates, r-precision.
    #[arg(long, value_name = "CLASS", value_parser = values::class)]
    pub(crate) open_world: Option<String>,
    /// Restate open-world scores as if this share of all visits were monitored.
    #[arg(long, value_name = "SHARE", requires = "open_world", num_args = 1.., value_delimiter = ',', value_parser = share)]
    pub(crate) base_rate: Vec<f64>,
    /// Train on so many pages of the background only, drawn three times, once for each number: how much of the false alarms is a background too small.
    #[arg(long, value_name = "N[,N]", requires = "open_world", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) background: Vec<u32>,
    /// Each class by itself against all others.
    #[arg(long)]
    pub(crate) one_vs_rest: bool,
    /// Train on so many traces of each class only, once for each number.
    #[arg(long, value_name = "N[,N]", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) few_shot: Vec<u16>,
    /// Train and test on the beginnings of traces: so many percent of the median duration, such as 10..100 (by tens) or 20,50.
    #[arg(long, value_name = "PERCENTS")]
    pub(crate) early: Option<Percents>,
    /// Train on the first sessions, one, two and so on by their first traces, and test on each later one: accuracy over the time between.
    #[arg(long, conflicts_with = "train")]
    pub(crate) drift: bool,
}
