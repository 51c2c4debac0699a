#![doc = include_str!("../README.md")]

mod audit;
mod client;
mod clock;
mod collector;
mod copies;
mod dates;
mod endpoint;
mod events;
mod export;
mod files;
mod flows;
#[doc(hidden)]
pub mod fuzzing;
mod import;
mod import_parts;
mod info;
mod labels;
mod manifest;
mod names_read;
mod neighbours;
mod one_file;
mod packet;
pub mod record;
mod records;
mod select;
mod stats;
mod streams;
mod text;

pub use audit::{
    CaptureAudit, CipherSuite, Messages, Reason as VerdictReason, Sighting, TlsConnection, Verdict, audit,
};
pub use client::{Cidr, ClientRule, ClientRuleError};
pub use export::{ExportError, Exported, export, write_capture};
pub use files::{FoundCaptures, captures_in, has_captures, most_packets};
pub use flows::{FlowScope, FlowScopeError, PeerRule, PeerRuleError};
pub use import::{Import, ImportError, ImportOptions, import};
pub use import_parts::ImportParts;
pub use info::{CaptureInfo, CaptureSurvey, CaptureTotals, SurveyError, SurveyedFile, capture_info};
pub use labels::{LabelPattern, LabelPatternError, LabelSource};
pub use manifest::ManifestError;
pub use packet::LinkType;
pub use records::{CaptureFormat, Record, RecordError, Records};
pub use select::{OutlierRule, OutlierRuleError, Selection};
pub use stats::{FileStats, ImportStats};
pub use text::is_packet_text;
