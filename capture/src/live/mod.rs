//! Recording: packets of an interface -> pcapng files.
//!
//! `filter` says which packets, `interface` gets them from the system, `pcapng` writes them, `live` records until
//! a limit is reached. `collect` runs the queries of a `plan` and records each; `journal` remembers which are done.
//! Where packets come from, what time it is and how commands run is passed in ([`PacketSource`], [`Clock`], [`Runner`]),
//! so that all of it is tested without a network.

mod collect;
mod collection;
mod filter;
mod interface;
mod journal;
mod pcapng;
mod plan;
mod recording;
mod source;

pub use collect::{Collect, CollectError, CollectEvent, Collected, Failure, Process, Runner};
pub use collection::{Collection, DryRun, Progress};
pub use filter::{FILTERS_EXPLAINED, Filter, FilterError};
pub use interface::{Interface, InterfaceError};
pub use journal::{Journal, JournalError};
pub use pcapng::{InterfaceDescription, InterfaceStatistics, PcapngWriter};
pub use plan::{PLANS_EXPLAINED, Plan, PlanError, Query, parse_duration};
pub use recording::{Limits, LiveError, Recorded, Recording, RecordingError, Stopped, record};
pub use source::{Clock, Counters, Packet, PacketSource};

use wfkit_datasets::Findings;
use wfkit_metrics::{PrivacyReport, Utility};

/// Of captures, which tell what they cost and give away when they are imported.
fn unmeasured() -> Findings {
    let reason = "measured when captures are imported: wfkit capture import";
    Findings::new(Utility::unknown(reason), PrivacyReport::unmeasured("totals", reason))
}
