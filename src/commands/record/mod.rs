//! `wfkit capture live` and `wfkit capture collect`: recording.

mod collect;
mod live;
mod system;

pub(super) use collect::collect;
pub(super) use live::live;

use wfkit_metrics::{PrivacyReport, StageReport, Utility};

use crate::context::Context;

/// Who writes captures.
const APPLICATION: &str = crate::TOOL;

/// A report of captures, which tell what they cost and give away when they are imported.
fn report(stage: &str, inputs: Vec<wfkit_metrics::Input>, context: &Context<'_>) -> StageReport {
    let reason = "measured when captures are imported: wfkit capture import";
    context.stage(stage, inputs, Utility::unknown(reason), PrivacyReport::unmeasured(wfkit_evaluate::TRIVIAL, reason))
}
