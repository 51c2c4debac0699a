//! What a draw of a defence costs.

use serde::{Deserialize, Serialize};
use wfkit_defend::{Estimate, Finding, OverheadOptions, Overheads};
use wfkit_metrics::{Utility, Volume};

use super::pair::Pair;

/// What a draw of a defence costs. All overheads are sum over sum; 0.0 is none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrawCost {
    /// Bandwidth overhead both ways, and each.
    pub bandwidth: f64,
    /// Bandwidth overhead of outgoing traffic.
    pub bandwidth_out: Option<f64>,
    /// Bandwidth overhead of incoming traffic.
    pub bandwidth_in: Option<f64>,
    /// The same without what is sent after the last normal packet.
    pub bandwidth_without_tail: f64,
    /// Latency overhead under the delay model that was chosen.
    pub latency: f64,
    /// Mean delay of a normal packet in seconds.
    pub mean_delay_s: f64,
    /// Lowest and highest latency overhead of all delay models; of the first draw.
    pub latency_bracket: Option<[f64; 2]>,
    /// The competition's utility score of the defended traces.
    pub utility: Option<f64>,
    /// Whether another draw is another defended set.
    pub left_to_chance: bool,
    /// Digest of the defended traces.
    pub content: String,
    /// What speaks against the defence on these traces; of the first draw.
    pub findings: Vec<Finding>,
}

impl DrawCost {
    /// Of no defence.
    pub(super) fn none(volumes: &[Volume], content: String) -> Self {
        Self {
            bandwidth: 0.0,
            bandwidth_out: Some(0.0),
            bandwidth_in: Some(0.0),
            bandwidth_without_tail: 0.0,
            latency: 0.0,
            mean_delay_s: 0.0,
            latency_bracket: Some([0.0; 2]),
            utility: Utility::of(volumes).score,
            left_to_chance: false,
            content,
            findings: Vec::new(),
        }
    }

    /// Of traces before and after, and what these then cost their user. The bracket, the findings and whether there is chance are to be
    /// filled in.
    pub(super) fn of(pairs: &[Pair<'_>], volumes: &[Volume], content: String) -> Self {
        let overheads = Overheads::of(pairs, &OverheadOptions { bootstrap: 0, seed: 0 });
        // Of sums over traces of one packet at least only the time, and one direction, can be 0.
        let value = |estimate: Option<Estimate>| estimate.map(|estimate| estimate.value);
        Self {
            bandwidth: value(overheads.bandwidth.both.total).unwrap_or(0.0),
            bandwidth_out: value(overheads.bandwidth.outgoing.total),
            bandwidth_in: value(overheads.bandwidth.incoming.total),
            bandwidth_without_tail: value(overheads.bandwidth_without_tail.both.total).unwrap_or(0.0),
            latency: value(overheads.latency.total).unwrap_or(0.0),
            mean_delay_s: value(overheads.delay.mean_s).unwrap_or(0.0),
            latency_bracket: None,
            ..Self::none(volumes, content)
        }
    }
}
