#![doc = include_str!("../README.md")]

mod files;
#[doc(hidden)]
pub mod fuzzing;
mod import;
mod info;
pub mod live;
mod packet;
mod tls;

pub use files::export::{ExportError, Exported, export, write_capture};
pub use files::listing::{FoundCaptures, captures_in, has_captures, most_packets};
pub use files::records::{CaptureFormat, Record, RecordError, Records};
pub use files::text::is_packet_text;
pub use import::client::{Cidr, ClientRule, ClientRuleError};
pub use import::flows::{FlowScope, FlowScopeError, PeerRule, PeerRuleError};
pub use import::labels::LabelSource;
pub use import::manifest::ManifestError;
pub use import::options::ImportOptions;
pub use import::parts::ImportParts;
pub use import::pattern::{LabelPattern, LabelPatternError};
pub use import::select::{OutlierRule, OutlierRuleError, Selection};
pub use import::stats::{FileStats, ImportStats};
pub use import::whole::{Import, ImportError, import};
pub use info::{CaptureInfo, CaptureSurvey, CaptureTotals, SurveyError, SurveyedFile, capture_info};
pub use packet::LinkType;
pub use tls::audit::{
    CaptureAudit, CipherSuite, Messages, Reason as VerdictReason, Sighting, TlsConnection, Verdict, audit,
};
