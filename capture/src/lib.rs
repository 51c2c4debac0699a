#![doc = include_str!("../README.md")]

mod client;
mod collector;
mod endpoint;
mod events;
mod files;
mod flows;
#[doc(hidden)]
pub mod fuzzing;
mod import;
mod labels;
mod manifest;
mod one_file;
mod packet;
mod records;
mod select;
mod stats;
mod streams;
mod text;

pub use client::{Cidr, ClientRule, ClientRuleError};
pub use files::has_captures;
pub use flows::{FlowScope, FlowScopeError};
pub use import::{Import, ImportError, ImportOptions, import};
pub use labels::{LabelPattern, LabelPatternError, LabelSource};
pub use manifest::ManifestError;
pub use packet::LinkType;
pub use records::{CaptureFormat, Record, RecordError, Records};
pub use select::{OutlierRule, OutlierRuleError, Selection};
pub use stats::{FileStats, ImportStats};
