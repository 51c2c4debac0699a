#![doc = include_str!("../README.md")]

mod by_class;
mod caught;
mod class_list;
mod class_name;
mod compared;
mod counting;
#[cfg(feature = "tables")]
mod croissant;
pub mod files;
mod findings;
#[cfg(feature = "tables")]
mod fold_file;
#[cfg(feature = "csv")]
pub mod formats;
#[cfg(feature = "tables")]
mod frame;
mod groups;
mod info;
#[cfg(feature = "tables")]
mod join;
#[cfg(feature = "tables")]
mod kinds;
mod label;
mod layer;
mod likeness;
#[cfg(feature = "tables")]
mod loose_table;
mod observed;
mod overlap;
mod packet_columns;
#[cfg(feature = "tables")]
mod parquet_file;
mod pick;
#[cfg(feature = "tables")]
mod probabilities;
#[cfg(feature = "tables")]
mod probability_table;
mod public_sets;
mod relabel;
mod reported;
mod sessions;
mod shard;
pub mod splits;
#[cfg(feature = "tables")]
mod tables;
pub mod tor;
mod trace;
mod trace_set;
mod view;

pub use by_class::{ClassInfo, NoneWanted, Wanted, classes_of, draw};
pub use caught::{caught, is_expected_panic};
pub use class_list::ClassList;
pub use class_name::{MixedClass, Spellings, canonical as canonical_class, unknown_classes};
pub use compared::ComparedFolders;
pub use counting::Counting;
#[cfg(feature = "tables")]
pub use croissant::{Described, croissant_path, licence_of, remove_old_croissant, write_croissant};
pub use files::files_below;
pub use findings::Findings;
#[cfg(feature = "tables")]
pub use fold_file::{FOLDS_EXPLAINED, FoldFile, Together, UnknownTogether, splits_of_folds, write_folds};
#[cfg(feature = "tables")]
pub use formats::{
    AddTrace, CsvParts, ReadTraces, TraceFormat, TraceParts, TraceSink, read_all_traces, read_all_traces_as,
    read_traces, write_parquet_in_parts, write_traces, write_traces_in_parts,
};
#[cfg(feature = "csv")]
pub use formats::{ReadError, WriteError};
pub use groups::Groups;
pub use info::{InfoOfParts, TraceSetInfo, doubts, duplicates, implausible_times, near_twins, traces_with_twins};
#[cfg(feature = "tables")]
pub use kinds::FileKind;
pub use label::Label;
pub use layer::Layer;
pub use likeness::{Likeness, NotALikeness};
pub use observed::{Observed, ObservedComparison, ObservedDoubt};
pub use overlap::{Known, Overlap};
pub use packet_columns::{NOT_KNOWN, PacketColumn};
pub use pick::{NotThere, Picked, check_classes, class_called};
#[cfg(feature = "tables")]
pub use probabilities::{Predictions, read_probabilities, write_probabilities};
#[cfg(feature = "tables")]
pub use probability_table::{Aligned, PROBABILITIES_EXPLAINED, ProbabilityTable, Truth};
pub use public_sets::{PUBLIC_SETS, PublicSet, public_set};
pub use relabel::{OfBackground, RelabelError, relabel};
pub use reported::{DigestError, digest_of_text, digests, hex, report_path};
pub use sessions::{Page, SessionError, SessionOptions, SessionPages, SessionPagesError, join_sessions};
pub use shard::{NotAShard, Shard};
#[cfg(feature = "tables")]
pub use tables::{ColumnTable, TableSink, read_table, write_table, write_table_in_parts};
pub use trace::{Trace, TraceError, short_hash};
pub use trace_set::{LabelledTrace, Provenance, TraceKey, TraceSet, TraceSetError, renumber, volume};
pub use view::View;

/// The folder of the bundled sample of real captures, in the source tree that this was built from.
pub fn sample() -> &'static std::path::Path {
    std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/sample"))
}

/// The columns of packets in a table of one trace a row.
#[cfg(feature = "tables")]
const TIME: &str = "time_ns";
#[cfg(feature = "tables")]
const SIZE: &str = "size";
