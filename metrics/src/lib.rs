#![doc = include_str!("../README.md")]

mod bootstrap;
mod classes;
mod comparison;
mod confidence;
mod decisions;
mod detection;
mod distributions;
mod drawn;
mod leakage;
mod least_share;
mod mutual_information;
mod nearest;
mod observer;
mod open_world;
mod pareto;
mod probabilities;
mod quantiles;
mod ranking;
mod reliability;
mod report;
mod report_rows;
mod scores;
pub mod seed;
mod transferred;
mod truth;
mod units;
mod utility;

pub use bootstrap::{Interval, Resampling};
pub use classes::{ClassMap, ClassOrderError, class_order};
pub use comparison::{
    Comparison, Contestant, PairedTest, Rounds, corrected_resampled_t_test, holm, mcnemar_test, mcnemar_test_by_group,
    mean_interval_95,
};
pub use confidence::{CALIBRATION_BINS, brier, expected_calibration_error, log_loss};
pub use decisions::{
    WorstClass, accuracy, confusion_matrix, macro_f1, macro_precision, macro_recall, top_k_accuracy, worst_class,
};
pub use detection::{Detection, OperatingPoint};
pub use drawn::DrawnScore;
pub use leakage::{BayesError, ErrorOf, Information, Leakage, cover_hart_bound};
pub use mutual_information::{equal_bins, mutual_information_bits};
pub use nearest::{did_you_mean, did_you_mean_one_of};
pub use observer::{Cancelled, Moment, Observer, Setting, Silent, Work};
pub use open_world::{AtBaseRate, OpenWorld, R, RPrecision, SweepPoint};
pub use pareto::{pareto_front, pareto_front_beyond_intervals};
pub use probabilities::{Probabilities, ProbabilityError, ROW_SUM_TOLERANCE};
pub use quantiles::{lower_median, quantile, quantile_of_sorted};
pub use ranking::{
    Average, binary_roc_auc, ceiling_of_one_score, per_class_auc, per_class_auc_of_score, roc_auc_ovo, roc_auc_ovr,
};
pub use reliability::{ReliabilityBin, reliability};
pub use report::{Extras, Input, PrivacyReport, StageReport, UtilityReport, without_clock};
pub use report_rows::ReportRow;
pub use scores::{ClassScores, Confusion, Intervals, ScoreOptions, Scores, accuracy_95};
pub use transferred::Transferred;
pub use truth::{ScoreError, Undefined};
pub use units::{Kinship, LEAST_SESSIONS};
pub use utility::{Summary, Utility, Volume, VolumeSummary, attack_score};
