//! The feature sets: one module a set, or a family of sets; the table of all of them.

mod appscanner;
mod burst;
mod burst_list;
mod cell;
pub(crate) mod channels;
mod cumul;
mod direction_ngram;
#[cfg(test)]
mod golden;
mod inter_arrival;
mod kfp;
mod ngram;
mod ppi;
mod requests;
mod sequence;
mod size_histogram;
pub(crate) mod tam;
mod tiktok;
mod totals;
mod wang;
mod wefde;

use std::fmt;

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;

use crate::column::{Feature, FeatureInformation};

pub(crate) use kfp::size::Sizes as CommonSizes;
pub(crate) use ngram::{Commonest, NgramLearner};
pub use ppi::PpiPackets;
pub(crate) use size_histogram::Histogram;
pub(crate) use tiktok::TimingLearner;
pub use wang::MISSING;

/// A feature set that has learned what it needs.
pub(crate) trait Extract {
    /// Its columns: their number and meaning are fixed once it has learned.
    fn columns(&self) -> Vec<Feature>;

    /// Appends one finite value a column.
    fn push(&self, trace: &Trace, row: &mut Vec<f64>);

    /// Why this cannot have been learned, where it was read from a file.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

impl FeatureSet {
    /// Whether most of its values are 0 for any trace: counts over a vocabulary of which a trace has little, so that a
    /// [`SparseMatrix`](crate::SparseMatrix) is the smaller form.
    pub fn is_mostly_zero(self) -> bool {
        matches!(self, Self::Ngram | Self::NgramCells | Self::SizeHistogram)
    }

    /// Whether its columns depend on the traces that it was fitted on: lengths, vocabularies, edges. Features of such a set that were taken from all
    /// rows of a file know something of every row.
    pub fn learns(self) -> bool {
        match self {
            Self::Sequence
            | Self::Sequence1500
            | Self::KfpSize
            | Self::Ngram
            | Self::NgramCells
            | Self::Requests
            | Self::SizeHistogram
            | Self::WangKnn
            | Self::Direction
            | Self::Direction1500
            | Self::Time
            | Self::DirectionTime
            | Self::DirectionTime1500
            | Self::TiktokTiming => true,
            Self::Totals
            | Self::Kfp175
            | Self::KfpCore
            | Self::Cumul
            | Self::CumulCommon
            | Self::CumulPaper
            | Self::CumulTwoCurves
            | Self::NgramDirection
            | Self::Bursts
            | Self::AppScanner
            | Self::WangKnnPublished
            | Self::Tam
            | Self::TamPooled
            | Self::TamCumulative
            | Self::InterArrival
            | Self::Wefde
            | Self::Ppi(_) => false,
        }
    }
}

/// Makes the table of feature sets into the public list of them and the fitted form that models carry.
macro_rules! feature_sets {
    ($(
        #[doc = $summary:literal]
        $set:ident $( ($of:ty = $usual:expr) )? = $name:literal v $version:literal, $informations:expr, $learned:ty: $fit:expr;
    )+) => {
        /// A named set of features. What each column means: the crate's front page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum FeatureSet {
            $( #[doc = $summary] $set $( ($of) )?, )+
        }

        impl FeatureSet {
            /// All sets, those that take a number with their usual one.
            pub const ALL: [Self; [$( $name ),+].len()] = [$( Self::$set $( ($usual) )? ),+];

            /// The name of the set, which is also the prefix of its columns; without the number that it may take.
            pub fn name(self) -> &'static str {
                match self { $( Self::$set { .. } => $name, )+ }
            }

            /// What it is, in one line.
            pub fn summary(self) -> &'static str {
                match self { $( Self::$set { .. } => $summary.trim_ascii(), )+ }
            }

            /// What its columns tell of a trace.
            pub fn information(self) -> &'static [FeatureInformation] {
                match self { $( Self::$set { .. } => &$informations, )+ }
            }

            /// The version of its definitions.
            pub fn version(self) -> u32 {
                match self { $( Self::$set { .. } => $version, )+ }
            }
        }

        /// A feature set and what it learned.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub(crate) enum FittedSet {
            $( #[serde(rename = $name)] $set($learned), )+
        }

        impl FittedSet {
            pub(crate) fn fit(set: FeatureSet, training: &[&Trace]) -> Self {
                // How many packets it looks at is said, not learned.
                if let FeatureSet::Ppi(packets) = set {
                    return Self::Ppi(ppi::Ppi::of(packets));
                }
                match set { $( FeatureSet::$set { .. } => Self::$set(feature_sets!(@fit training, $fit)), )+ }
            }

            pub(crate) fn set(&self) -> FeatureSet {
                if let Self::Ppi(ppi) = self {
                    return FeatureSet::Ppi(ppi.packets());
                }
                match self { $( Self::$set(_) => FeatureSet::$set $( ($usual) )?, )+ }
            }

            pub(crate) fn extract(&self) -> &dyn Extract {
                match self { $( Self::$set(learned) => learned, )+ }
            }
        }
    };
    (@fit $training:ident, $fit:expr) => {{
        let fit: fn(&[&Trace]) -> _ = $fit;
        fit($training)
    }};
}

use FeatureInformation::{Order, Size, Time, Volume};

// Each line: variant, name and version of its definitions, what it tells, what it learns, and how.
feature_sets! {
    /// Packets, bytes, duration: the trivial attack.
    Totals = "totals" v 1, [Volume, Time], totals::Totals: |_| totals::Totals;
    /// Signed sizes in order, padded with 0, of the first 5,000 packets at most.
    Sequence = "sequence" v 1, [Order], sequence::Sizes: |traces| sequence::Sizes::fit(traces, sequence::CAP);
    /// The same of the first 1,500 packets at most.
    Sequence1500 = "sequence-1500" v 1, [Order],
        sequence::Sizes: |traces| sequence::Sizes::fit(traces, sequence::SHORT_CAP);
    /// k-FP exactly as published: 175 columns, the last 32 of no fixed meaning.
    Kfp175 = "kfp-175" v 1, [Volume, Time, Order], kfp::published::Published: |_| kfp::published::Published;
    /// k-FP where every column means one thing: 141 columns.
    KfpCore = "kfp-core" v 1, [Volume, Time, Order], kfp::core::Core: |_| kfp::core::Core;
    /// kfp-core and packet sizes: 180 columns.
    KfpSize = "kfp-size" v 1, [Volume, Size, Time, Order], kfp::size::Sizes: kfp::size::Sizes::fit;
    /// CUMUL on the whole curve: 104 columns.
    Cumul = "cumul" v 1, [Volume, Order], cumul::Whole: |_| cumul::Whole;
    /// CUMUL at the points of most published code: 104 columns.
    CumulCommon = "cumul-common" v 1, [Volume, Order], cumul::Common: |_| cumul::Common;
    /// CUMUL at the points of the paper, the first of which is always 0: 104 columns.
    CumulPaper = "cumul-paper" v 1, [Volume, Order], cumul::Paper: |_| cumul::Paper;
    /// CUMUL with a curve for each direction: 104 columns.
    CumulTwoCurves = "cumul-two-curves" v 1, [Volume, Order], cumul::TwoCurves: |_| cumul::TwoCurves;
    /// The commonest size and burst n-grams of the training traces, in bytes.
    Ngram = "ngram" v 1, [Size, Order], ngram::Ngrams: ngram::Ngrams::in_bytes;
    /// The commonest size and burst n-grams of the training traces, in cells: cutting into segments shows less.
    NgramCells = "ngram-cells" v 1, [Size, Order], ngram::Ngrams: ngram::Ngrams::in_cells;
    /// What came in between one outgoing packet and the next: cutting into segments does not show.
    Requests = "requests" v 1, [Volume, Size, Order], requests::Requests: requests::Requests::fit;
    /// How often directions follow each other, up to six, and a histogram of burst lengths: 248 columns.
    NgramDirection = "ngram-direction" v 1, [Order], direction_ngram::Directions: |_| direction_ngram::Directions;
    /// Signed bytes of the first 150 bursts.
    Bursts = "bursts" v 1, [Order], burst_list::Bursts: |_| burst_list::Bursts;
    /// How often each size of the training traces occurs.
    SizeHistogram = "size-histogram" v 1, [Size], size_histogram::Histogram: size_histogram::Histogram::fit;
    /// Statistics of incoming, outgoing and all sizes: 54 columns.
    AppScanner = "appscanner" v 1, [Volume, Size], appscanner::AppScanner: |_| appscanner::AppScanner;
    /// Features of the k-NN attack, cleaned, and which sizes of the training traces occur.
    WangKnn = "wang-knn" v 1, [Volume, Size, Time, Order], wang::Clean: wang::Clean::fit;
    /// Features of the k-NN attack as published: 1,225 columns.
    WangKnnPublished = "wang-knn-published" v 1, [Volume, Time, Order], wang::Published: |_| wang::Published;
    /// Traffic aggregation matrix: packets in 1,800 slots of time a direction.
    Tam = "tam" v 1, [Time], tam::Tam: |_| tam::Tam;
    /// Packets in 75 slots of 0.2 s a direction.
    TamPooled = "tam-pooled" v 1, [Time], tam::Pooled: |_| tam::Pooled;
    /// Packets before 0.1 s, 0.2 s, .. 15 s, a direction.
    TamCumulative = "tam-cumulative" v 1, [Time], tam::Cumulative: |_| tam::Cumulative;
    /// Directions in order, padded with 0, of the first 5,000 packets at most.
    Direction = "direction" v 1, [Order],
        channels::Direction: |traces| channels::Direction(sequence::Length::fit(traces, sequence::CAP));
    /// The same of the first 1,500 packets at most.
    Direction1500 = "direction-1500" v 1, [Order],
        channels::Direction: |traces| channels::Direction(sequence::Length::fit(traces, sequence::SHORT_CAP));
    /// Times in order, padded with 0, of the first 5,000 packets at most.
    Time = "time" v 1, [Time], channels::Time: |traces| channels::Time(sequence::Length::fit(traces, sequence::CAP));
    /// Direction times time in order, padded with 0, of the first 5,000 packets at most.
    DirectionTime = "direction-time" v 1, [Time],
        channels::DirectionTime: |traces| channels::DirectionTime(sequence::Length::fit(traces, sequence::CAP));
    /// The same of the first 1,500 packets at most.
    DirectionTime1500 = "direction-time-1500" v 1, [Time],
        channels::DirectionTime: |traces| channels::DirectionTime(sequence::Length::fit(traces, sequence::SHORT_CAP));
    /// Histograms of the times of bursts: 160 columns.
    TiktokTiming = "tiktok-timing" v 1, [Time], tiktok::Timing: tiktok::Timing::fit;
    /// Statistics of the gaps between packets: 85 columns.
    InterArrival = "inter-arrival" v 1, [Time], inter_arrival::InterArrival: |_| inter_arrival::InterArrival;
    /// Fourteen groups of features from earlier attacks, to be judged by group: 2,471 columns.
    Wefde = "wefde" v 1, [Volume, Time, Order], wefde::Wefde: |_| wefde::Wefde;
    /// Gaps, directions and sizes of the first 30 packets of the first flow, as flow monitors export them: 90 columns; `ppi:n=10` of the first 10.
    Ppi(PpiPackets = PpiPackets::USUAL) = "ppi" v 1, [Time, Order], ppi::Ppi: |_| ppi::Ppi::of(PpiPackets::USUAL);
}

impl fmt::Display for FeatureSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ppi(packets) if *packets != PpiPackets::USUAL => write!(f, "{}:n={packets}", self.name()),
            _ => f.write_str(self.name()),
        }
    }
}

#[cfg(test)]
pub(crate) fn row(set: &dyn Extract, trace: &Trace) -> Vec<f64> {
    let mut row = Vec::new();
    set.push(trace, &mut row);
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_learn_are_those_that_other_traces_change() {
        let trace = |n: u64, size: i32| {
            let times = (0..n).map(|i| i * 1_000_003 * u64::from(size.unsigned_abs())).collect();
            let sizes = (0..n).map(|i| if i % 3 == 0 { size } else { -size - i as i32 % 5 }).collect();
            Trace::new(times, sizes).unwrap()
        };
        let (few, many) = (trace(7, 100), trace(60, 700));
        for set in FeatureSet::ALL {
            let changed = FittedSet::fit(set, &[&few; 9]) != FittedSet::fit(set, &[&many; 9]);
            assert_eq!(set.learns(), changed, "{set}");
        }
    }
}
