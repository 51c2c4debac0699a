//! What a defence needs to know about the set it defends.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wfkit_datasets::{Layer, Trace, TraceSet, tor};

use crate::{DefendError, Limit, PerDirection};

/// What a defence needs traces to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needs {
    /// Sizes in bytes that differ between packets, not one entry a cell.
    pub sizes: bool,
    /// Times.
    pub times: bool,
    /// All traces that it may meet: it learns how large and long they get. It is not told their classes.
    pub set: bool,
    /// Training traces with their classes, which it learns a database from ([`DefenseSpec::fit`](crate::DefenseSpec::fit)), and the
    /// class of the trace that it defends.
    pub classes: bool,
}

/// What the sizes and times of a set are; defaults of parameters come from it.
///
/// Serialises, so that parts of a set can be defended elsewhere as the whole is; training traces stay behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    layer: Layer,
    /// The size of every packet, where they all have the same.
    uniform_size: Option<u32>,
    /// Whether a trace has two packets or more.
    long: bool,
    /// Whether one of those has packets at more than one time.
    moving: bool,
    longest_ns: u64,
    largest: PerDirection<u64>,
    traces: u64,
    bytes: u64,
    #[serde(skip)]
    training: Option<Arc<TraceSet>>,
    limit: Limit,
}

impl Profile {
    /// Looks at all traces of the set.
    pub fn of(set: &TraceSet) -> Self {
        let traces = || set.traces().iter().map(|t| &t.trace);
        let mut sizes = traces().flat_map(|trace| trace.size()).map(|size| size.unsigned_abs());
        let first = sizes.next();
        let uniform_size = first.filter(|&first| sizes.all(|size| size == first));
        let long = traces().any(|trace| trace.len() > 1);
        let moving = traces().any(|trace| trace.duration_ns() > 0);
        let longest_ns = traces().map(Trace::duration_ns).max().unwrap_or(0);
        let largest = PerDirection {
            outgoing: traces().map(Trace::out_bytes).max().unwrap_or(0),
            incoming: traces().map(Trace::in_bytes).max().unwrap_or(0),
        };
        let bytes = traces().map(|trace| trace.out_bytes() + trace.in_bytes()).sum();
        let number = set.len() as u64;
        Self {
            layer: set.provenance().layer,
            uniform_size,
            long,
            moving,
            longest_ns,
            largest,
            traces: number,
            bytes,
            training: None,
            limit: Limit::DEFAULT,
        }
    }

    /// Of a set that has the traces of both, where both know only what sets show.
    pub fn and(self, other: Self) -> Self {
        let uniform_size = match (self.traces, other.traces) {
            (0, _) => other.uniform_size,
            (_, 0) => self.uniform_size,
            _ => self.uniform_size.filter(|_| self.uniform_size == other.uniform_size),
        };
        Self {
            uniform_size,
            long: self.long || other.long,
            moving: self.moving || other.moving,
            longest_ns: self.longest_ns.max(other.longest_ns),
            largest: PerDirection {
                outgoing: self.largest.outgoing.max(other.largest.outgoing),
                incoming: self.largest.incoming.max(other.largest.incoming),
            },
            traces: self.traces + other.traces,
            bytes: self.bytes + other.bytes,
            ..self
        }
    }

    /// With another limit on what is made of a trace.
    pub fn within(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    /// The most packets of a defended trace.
    pub fn limit(&self) -> Limit {
        self.limit
    }

    /// With training traces for the defences that learn from their classes.
    pub(crate) fn with_training(self, training: Arc<TraceSet>) -> Self {
        Self { training: Some(training), ..self }
    }

    /// Whether training traces that are to go through `layers` layers are like the set.
    pub(crate) fn suits(&self, training: &TraceSet, layers: usize) -> Result<(), DefendError> {
        let provenance = training.provenance();
        let reason = if training.is_empty() {
            "there are none".to_owned()
        } else if provenance.layer != self.layer {
            format!("their sizes are those of the layer {:?}, the set's are {:?}", provenance.layer, self.layer)
        } else if provenance.defenses.len() != layers {
            format!("they have been through {} layers of defences, the set through {layers}", provenance.defenses.len())
        } else {
            return Ok(());
        };
        Err(DefendError::Training { reason })
    }

    /// The training traces, as the layers before have left them; a defence that [`Needs::classes`] has some, no other gets any.
    pub fn training(&self) -> Option<&TraceSet> {
        self.training.as_deref()
    }

    /// How many packets of `size` bytes, at least 1, the mean trace fills; 0 of no traces.
    pub fn mean_packets(&self, size: u64) -> f64 {
        self.bytes as f64 / size as f64 / self.traces.max(1) as f64
    }

    /// How long the longest trace lasts; 0 of no traces.
    pub fn longest_ns(&self) -> u64 {
        self.longest_ns
    }

    /// The most bytes that a trace has each way; 0 of no traces.
    pub fn largest(&self) -> PerDirection<u64> {
        self.largest
    }

    /// Whether there are times: not every trace of two packets or more has all its packets at 0.
    pub fn timed(&self) -> bool {
        self.moving || !self.long
    }

    /// The size of a cell, where the entries are cells: at the cell layer, or where the layer is not known and all sizes are equal.
    /// It is what the set says (1 where the entries only count), 514 bytes where a set of cells has more than one size.
    pub fn cell_size(&self) -> Option<u32> {
        match self.layer {
            Layer::Cell => Some(self.uniform_size.unwrap_or(tor::CELL_BYTES)),
            Layer::Unknown => self.uniform_size,
            _ => None,
        }
    }

    /// Whether sizes only count cells: all are 1.
    pub fn counts_cells(&self) -> bool {
        self.uniform_size == Some(1)
    }

    /// The size of a packet that carries one Tor cell, at the layer of the sizes: what a padding cell looks like.
    ///
    /// A TLS 1.3 record of one 514-byte cell is 536 bytes (5 header, 1 content type, 16 tag); TCP and IP add 20 + 12 and
    /// 20 bytes, Ethernet 14. Sizes of an unknown layer that differ are taken for TCP payload.
    pub fn one_cell_packet(&self) -> u32 {
        const RECORD: u32 = tor::CELL_BYTES + tor::RECORD_ADDS;
        match self.layer {
            Layer::Frame => RECORD + 52 + 14,
            Layer::Ip => RECORD + 52,
            Layer::Tcp | Layer::Tls | Layer::Udp => RECORD,
            Layer::Cell | Layer::Unknown => self.cell_size().unwrap_or(RECORD),
        }
    }

    /// The size of a full packet on an Ethernet link (MTU 1500), at the layer of the sizes: frame 1514, IP 1500, else the TCP
    /// payload beside 52 bytes of headers, 1448.
    pub fn full_packet(&self) -> u32 {
        match self.layer {
            Layer::Frame => 1514,
            Layer::Ip => 1500,
            Layer::Tcp | Layer::Tls | Layer::Udp | Layer::Cell | Layer::Unknown => 1448,
        }
    }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::{LabelledTrace, Provenance, TraceKey};

    use super::*;

    fn profile(layer: Layer, traces: &[(&[u64], &[i32])]) -> Profile {
        let labelled = |(rep, (times, sizes)): (usize, &(&[u64], &[i32]))| {
            LabelledTrace::new(
                TraceKey { class: "a".into(), rep: rep as i64, session: None },
                None,
                Trace::new(times.to_vec(), sizes.to_vec()).unwrap(),
            )
        };
        let traces = traces.iter().enumerate().map(labelled).collect();
        Profile::of(&TraceSet::new(traces, Provenance::new(layer, vec![])).unwrap())
    }

    #[test]
    fn padding_looks_like_a_cell_of_its_layer() {
        let sizes: &[(&[u64], &[i32])] = &[(&[0, 1], &[40, -1500])];
        assert_eq!(profile(Layer::Tcp, sizes).one_cell_packet(), 536);
        assert_eq!(profile(Layer::Ip, sizes).one_cell_packet(), 588);
        assert_eq!(profile(Layer::Unknown, sizes).one_cell_packet(), 536);
        assert_eq!(profile(Layer::Unknown, &[(&[0, 1], &[512, -512])]).one_cell_packet(), 512);
        assert_eq!(profile(Layer::Cell, &[(&[0, 1], &[1, -1])]).one_cell_packet(), 1);
        assert_eq!(profile(Layer::Cell, sizes).one_cell_packet(), 514);
    }

    #[test]
    fn a_set_of_single_packets_or_of_none_may_have_times() {
        assert!(profile(Layer::Tcp, &[]).timed());
        assert!(profile(Layer::Tcp, &[(&[0], &[1])]).timed());
        assert!(!profile(Layer::Tcp, &[(&[0], &[1]), (&[0, 0], &[1, 2])]).timed());
    }

    #[test]
    fn of_parts_it_is_that_of_the_whole() {
        let traces: [(&[u64], &[i32]); 5] =
            [(&[0], &[514]), (&[0, 0], &[514, -514]), (&[0, 9], &[514, -514]), (&[0, 3], &[600, -1]), (&[0], &[-7])];
        for first in 0..=5 {
            for end in first..=5 {
                let whole = profile(Layer::Unknown, &traces[first..end]);
                for cut in first..=end {
                    let part = |range: std::ops::Range<usize>| profile(Layer::Unknown, &traces[range]);
                    assert_eq!(part(first..cut).and(part(cut..end)), whole, "{first}..{cut}..{end}");
                    assert_eq!(part(first..cut).and(part(cut..end)).timed(), whole.timed());
                }
            }
        }
    }
}
