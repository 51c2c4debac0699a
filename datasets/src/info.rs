//! What a set of traces is like, in numbers.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use wfkit_metrics::Summary;

use crate::{Layer, TraceSet};

/// What a set of traces is like, in numbers. Summaries are `None` for an empty set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TraceSetInfo {
    /// Which size the sizes are.
    pub layer: Layer,
    /// Number of classes.
    pub classes: usize,
    /// Number of traces.
    pub traces: usize,
    /// Number of packets in all traces.
    pub packets: usize,
    /// Number of sessions that are named.
    pub sessions: usize,
    /// Traces of no session.
    pub without_session: usize,
    /// Traces of no start time.
    pub without_start: usize,
    /// Traces that have, packet by packet, the content of one before them in the set: they leak from train to test.
    pub duplicates: usize,
    /// Traces of outgoing packets alone.
    pub without_incoming: usize,
    /// Traces of incoming packets alone.
    pub without_outgoing: usize,
    /// Traces of a class.
    pub traces_per_class: Option<Summary>,
    /// Packets of a trace.
    pub packets_per_trace: Option<Summary>,
    /// Bytes of a trace, both directions.
    pub bytes: Option<Summary>,
    /// Incoming bytes of a trace.
    pub in_bytes: Option<Summary>,
    /// Outgoing bytes of a trace.
    pub out_bytes: Option<Summary>,
    /// Seconds from the first packet of a trace to its last.
    pub seconds: Option<Summary>,
}

impl TraceSetInfo {
    /// Looks at every trace once.
    pub fn of(set: &TraceSet) -> Self {
        let traces = set.traces();
        let count = |is: &dyn Fn(&crate::LabelledTrace) -> bool| traces.iter().filter(|trace| is(trace)).count();
        let sessions: BTreeSet<&String> = traces.iter().filter_map(|trace| trace.key.session.as_ref()).collect();
        let mut of_class: HashMap<&str, usize> = HashMap::new();
        for labelled in traces {
            *of_class.entry(&labelled.key.class).or_default() += 1;
        }
        let volumes = set.volumes();
        let summary = |of: &dyn Fn(&wfkit_metrics::Volume) -> f64| Summary::of(volumes.iter().map(of));
        Self {
            layer: set.provenance().layer,
            classes: of_class.len(),
            traces: traces.len(),
            packets: set.packets(),
            sessions: sessions.len(),
            without_session: count(&|labelled| labelled.key.session.is_none()),
            without_start: count(&|labelled| labelled.start_ns.is_none()),
            duplicates: duplicates(set).iter().map(|rows| rows.len() - 1).sum(),
            without_incoming: count(&|labelled| labelled.trace.in_packets() == 0),
            without_outgoing: count(&|labelled| labelled.trace.out_packets() == 0),
            traces_per_class: Summary::of(of_class.into_values().map(|n| n as f64)),
            packets_per_trace: Summary::of(traces.iter().map(|labelled| labelled.trace.len() as f64)),
            bytes: summary(&|volume| volume.in_bytes + volume.out_bytes),
            in_bytes: summary(&|volume| volume.in_bytes),
            out_bytes: summary(&|volume| volume.out_bytes),
            seconds: summary(&|volume| volume.seconds),
        }
    }
}

/// The rows of traces that are equal packet by packet, whatever their labels: two or more rows each, in set order.
pub fn duplicates(set: &TraceSet) -> Vec<Vec<usize>> {
    let mut rows_of: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    for (row, labelled) in set.traces().iter().enumerate() {
        rows_of.entry(labelled.trace.content_hash()).or_default().push(row);
    }
    let mut groups: Vec<Vec<usize>> = rows_of.into_values().filter(|rows| rows.len() > 1).collect();
    groups.sort();
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{LabelledTrace, Provenance, Trace, TraceKey};

    #[test]
    fn counts_what_is_there() {
        let labelled = |class: &str, rep, session: Option<&str>, time_ns: &[u64], size: &[i32]| {
            LabelledTrace::new(
                TraceKey { class: class.into(), rep, session: session.map(str::to_owned) },
                session.map(|_| 0),
                Trace::new(time_ns.to_vec(), size.to_vec()).unwrap(),
            )
        };
        let traces = vec![
            labelled("a", 1, Some("x"), &[0, 2_000_000_000], &[10, -90]),
            labelled("a", 2, None, &[0], &[5]),
            labelled("b", 1, Some("x"), &[0, 2_000_000_000], &[10, -90]),
            labelled("c", 1, Some("y"), &[0], &[-7]),
        ];
        let set = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let summary = |minimum, mean, median, maximum| Some(Summary { minimum, mean, median, maximum });
        assert_eq!(
            TraceSetInfo::of(&set),
            TraceSetInfo {
                layer: Layer::Tcp,
                classes: 3,
                traces: 4,
                packets: 6,
                sessions: 2,
                without_session: 1,
                without_start: 1,
                duplicates: 1,
                without_incoming: 1,
                without_outgoing: 1,
                traces_per_class: summary(1.0, 4.0 / 3.0, 1.0, 2.0),
                packets_per_trace: summary(1.0, 1.5, 1.5, 2.0),
                bytes: summary(5.0, 53.0, 53.5, 100.0),
                in_bytes: summary(0.0, 46.75, 48.5, 90.0),
                out_bytes: summary(0.0, 6.25, 7.5, 10.0),
                seconds: summary(0.0, 1.0, 1.0, 2.0),
            }
        );
        assert_eq!(duplicates(&set), [[1, 2]], "the trace without a session comes first");
        assert_eq!(TraceSetInfo::of(&set.select(&[])).bytes, None);
    }
}
