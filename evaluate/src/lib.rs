#![doc = include_str!("../README.md")]

mod against;
mod attack_name;
mod audit;
mod background;
mod benchmark;
mod classified;
mod curves;
mod defended;
mod defending;
mod described;
mod drift;
mod error;
mod evaluation;
mod extracted;
mod given;
mod hourly;
mod labelled;
mod leakage;
mod made_folder;
mod matrix;
mod measured;
mod merge;
mod observer;
mod parts_seen;
mod pipeline;
mod predicted;
pub mod published;
mod ranking;
mod round;
mod scored;
mod sessions;
mod shortcuts;
pub mod split;
mod split_set;
mod sweep;
mod task;
mod trained;
mod transfer;
mod verification;
mod wording;
mod worlds;

pub use against::{BesideTrivial, LossTest, PairedComparison, Statistic, beside_trivial, compare};
pub use attack_name::{AttackName, Attacks};
pub use audit::{AUDIT_TREES, AuditReport, BesideShortcuts, SetAudit, Trust, TwinShare, Twins, audit};
pub use background::{Background, BackgroundPages, BackgroundSize, OtherFolds, background_curve, describe_background};
pub use benchmark::{Benchmark, BenchmarkReport, BenchmarkSplit, UnknownBenchmark};
pub use classified::Classified;
pub use curves::{Early, FewShot, early, few_shot};
pub use defended::{AttackOnDefended, Attempt, AttemptSummary, DRAWS_TRAIN, attack_defended};
pub use defending::{AttackOn, Defending, write_manifest};
pub use described::Conversion;
pub use drift::{Drift, DriftPair, DriftPoint, DriftSession, drift};
pub use error::ExperimentError;
pub use evaluation::{Contenders, Curves, Evaluated, EvaluationOptions};
pub use extracted::{Extracted, explain_features, extract_parts};
pub use given::{given, splits_testing};
pub use hourly::{HourlyCost, HourlyCosts, Spread};
pub use labelled::{Features, Labelled, Traces};
pub use leakage::{ErrorsOfSize, LeakageEstimate, LeakageReport, LowerBound, NeighbourErrors};
pub use made_folder::MadeFolder;
pub use matrix::{FALSE_POSITIVES, MatrixCell, MatrixPart, Transfer, TransferMatrix, TransferOptions, TransferParts};
pub use measured::{
    AttackSummary, BOOTSTRAP, Drawn, Effort, Kin, Measured, TRIVIAL, TRIVIAL_FOLDS, attack, cross_validate, folds_of,
    measure, measure_on, trivial_privacy, trivial_privacy_of,
};
pub use merge::Shards;
pub use parts_seen::PartsSeen;
pub use pipeline::{PipelineEvent, PipelineStage, WholePipeline};
pub use predicted::{Predicted, predict, predict_captures, predict_parts, read_model};
pub use ranking::{FailedAttack, RankedAttack, Ranking, RankingOptions, RankingReport};
pub use round::CompetitionRound;
pub use scored::{KnownTraces, ScoreOfFiles, ScoredFiles, common_rows, names_of_files, said_of};
pub use sessions::{KnownSessions, MadeSessions, attack_sessions};
pub use shortcuts::{
    MeasuredShortcut, SHORTCUTS_EXPLAINED, Shortcut, ShortcutKind, ShortcutReport, ShortcutScore, ShortcutsReport,
    Standing, of_recording, of_traffic, shortcuts_beside,
};
pub use split_set::{FoldsError, PartedBy, SetFolds, TwoParts};
pub use sweep::{
    Change, Draw, DrawCost, FoundChange, FoundInDraw, KeptPoints, LACKING, Look, MeanOfDraws, Memory, NoMemory,
    SWEEPS_EXPLAINED, ScoreOfDraws, Sweep, SweepPlan, SweepRow, SweptAttack, SweptDefenses, VariantDifference,
    VariantPair, first_of_each, read_plan, sweep_splits, swept_attacks, tested_on, variant_pairs,
};
pub use task::{Collections, NamedSplits, SplitRule, Task};
pub use trained::Trained;
pub use transfer::{CellScores, FalsePositives, Scored, TransferSource, in_order, sessions_of, sources};
pub use verification::{AgainstManifest, Broken, DigestedSet, ManifestTest, Verification, verify};
pub use wfkit_metrics::{Moment, Observer, Setting, Silent};
pub use wording::{capital, short};
pub use worlds::{NamedIntervals, OneVsRest, OpenWorldReport, PageScores, ScoreRow, one_vs_rest, open_world};
