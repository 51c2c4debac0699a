//! Which of the imported traces, and which part of them, are kept: nothing here happens unless it is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use wfkit_datasets::{LabelledTrace, Trace};
use wfkit_metrics::quantile;

/// What to leave out of a set of imported traces. The default leaves out nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Selection {
    /// Cuts idle heads and tails: a trace is taken apart where nothing happens for this many nanoseconds, and kept from
    /// the first to the last part that has at least one percent of its bytes.
    pub trim_ns: Option<u64>,
    /// Leaves out traces with fewer packets, after trimming.
    pub min_packets: usize,
    /// Leaves out traces that are unlike the others of their class, after all else.
    pub outliers: OutlierRule,
}

/// When a trace is an outlier of its class. As text `keep` or `iqr`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutlierRule {
    /// Never.
    #[default]
    Keep,
    /// When its incoming bytes are outside of Q1 - 1.5 IQR .. Q3 + 1.5 IQR of its class, where Q1 and Q3 are the quartiles
    /// (linear interpolation) and IQR is their difference.
    ///
    /// Source: A. Panchenko et al., "Website Fingerprinting at Internet Scale", NDSS 2016. There, bounds are open; here a
    /// trace at a bound is kept, so that a class of equal traces is. To judge an attack, apply it to training traces only:
    /// an attacker does not choose what he is to recognise.
    Iqr,
}

/// Text that is no [`OutlierRule`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is neither `keep` nor `iqr`")]
pub struct OutlierRuleError(String);

impl FromStr for OutlierRule {
    type Err = OutlierRuleError;

    fn from_str(text: &str) -> Result<Self, OutlierRuleError> {
        match text {
            "keep" => Ok(Self::Keep),
            "iqr" => Ok(Self::Iqr),
            _ => Err(OutlierRuleError(text.to_owned())),
        }
    }
}

impl fmt::Display for OutlierRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "keep",
            Self::Iqr => "iqr",
        })
    }
}

/// What a selection left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// Packets in idle heads and tails, and in traces that were left out, by reason.
    pub(crate) packets: BTreeMap<String, u64>,
    /// Traces, by reason.
    pub(crate) traces: BTreeMap<String, u64>,
}

impl LeftOut {
    fn packets(&mut self, reason: &str, n: usize) {
        if n > 0 {
            *self.packets.entry(reason.to_owned()).or_default() += n as u64;
        }
    }

    fn trace(&mut self, reason: &str, trace: &Trace) {
        *self.traces.entry(reason.to_owned()).or_default() += 1;
        self.packets(reason, trace.len());
    }
}

impl Selection {
    /// Leaves out what is to be left out, and says what that was.
    pub(crate) fn apply(&self, traces: Vec<LabelledTrace>) -> (Vec<LabelledTrace>, LeftOut) {
        let mut left_out = LeftOut::default();
        let mut kept = Vec::with_capacity(traces.len());
        for mut labelled in traces {
            if let Some(idle_ns) = self.trim_ns {
                let before = labelled.trace.len();
                labelled = trimmed(labelled, idle_ns);
                left_out.packets("idle head or tail", before - labelled.trace.len());
            }
            if labelled.trace.len() < self.min_packets {
                left_out.trace("fewer packets than asked for", &labelled.trace);
            } else {
                kept.push(labelled);
            }
        }
        if self.outliers == OutlierRule::Iqr {
            let bounds = bounds_by_class(&kept);
            kept.retain(|labelled| {
                let (low, high) = bounds[&labelled.key.class];
                let is_inside = (low..=high).contains(&(labelled.trace.in_bytes() as f64));
                if !is_inside {
                    left_out.trace("outlier of its class", &labelled.trace);
                }
                is_inside
            });
        }
        (kept, left_out)
    }
}

/// The trace without its idle head and tail; see [`Selection::trim_ns`].
fn trimmed(labelled: LabelledTrace, idle_ns: u64) -> LabelledTrace {
    let (times, sizes) = (labelled.trace.time_ns(), labelled.trace.size());
    let bytes = |from: usize, to: usize| sizes[from..to].iter().map(|size| u64::from(size.unsigned_abs())).sum::<u64>();
    let mut starts = vec![0];
    starts.extend((1..times.len()).filter(|&at| times[at] - times[at - 1] >= idle_ns));
    let ends = starts.iter().copied().skip(1).chain([times.len()]);
    let all = bytes(0, times.len());
    let busy: Vec<(usize, usize)> =
        starts.iter().copied().zip(ends).filter(|&(from, to)| bytes(from, to) * 100 >= all).collect();
    let (Some(&(from, _)), Some(&(_, to))) = (busy.first(), busy.last()) else { return labelled };
    if (from, to) == (0, times.len()) {
        return labelled;
    }
    let start = times[from];
    let time_ns = times[from..to].iter().map(|time| time - start).collect();
    let trace = Trace::new(time_ns, sizes[from..to].to_vec()).expect("a part of a trace, moved to start at 0");
    let trace = trace.with_columns_of(&labelled.trace, |packet| Some(from + packet));
    let start_ns = labelled.start_ns.map(|start_ns| start_ns.saturating_add(start as i64));
    LabelledTrace { start_ns, trace, ..labelled }
}

/// Q1 - 1.5 IQR and Q3 + 1.5 IQR of the incoming bytes of each class.
fn bounds_by_class(traces: &[LabelledTrace]) -> BTreeMap<String, (f64, f64)> {
    let mut by_class: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for labelled in traces {
        by_class.entry(labelled.key.class.clone()).or_default().push(labelled.trace.in_bytes() as f64);
    }
    let bounds = |mut bytes: Vec<f64>| {
        let mut quartile = |share| quantile(&mut bytes, share).expect("a class has a trace");
        let (q1, q3) = (quartile(0.25), quartile(0.75));
        let iqr = q3 - q1;
        (q1 - 1.5 * iqr, q3 + 1.5 * iqr)
    };
    by_class.into_iter().map(|(class, bytes)| (class, bounds(bytes))).collect()
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::TraceKey;

    use super::*;

    fn labelled(class: &str, rep: i64, packets: &[(u64, i32)]) -> LabelledTrace {
        let (time_ns, size) = packets.iter().copied().unzip();
        LabelledTrace::new(
            TraceKey { class: class.to_owned(), rep, session: None },
            Some(1_000),
            Trace::new(time_ns, size).unwrap(),
        )
    }

    #[test]
    fn idle_heads_and_tails_are_cut_but_not_pauses_between() {
        let quiet = [(0, 50), (100, 1000), (101, -4000), (200, -9000), (300, 60), (301, -60)];
        let select = |trim_ns| Selection { trim_ns: Some(trim_ns), ..Selection::default() };
        let (kept, left_out) = select(50).apply(vec![labelled("a", 0, &quiet)]);
        assert_eq!(kept[0].trace.time_ns(), [0, 1, 100]);
        assert_eq!(kept[0].trace.size(), [1000, -4000, -9000]);
        assert_eq!(kept[0].start_ns, Some(1_100));
        assert_eq!(left_out.packets, BTreeMap::from([("idle head or tail".to_owned(), 3)]));
        let (kept, left_out) = select(101).apply(vec![labelled("a", 0, &quiet)]);
        assert_eq!((kept[0].trace.len(), left_out), (6, LeftOut::default()));
    }

    #[test]
    fn a_trace_of_one_packet_is_never_trimmed_away() {
        let selection = Selection { trim_ns: Some(0), ..Selection::default() };
        assert_eq!(selection.apply(vec![labelled("a", 0, &[(0, 1)])]).0.len(), 1);
    }

    #[test]
    fn short_traces_are_left_out_and_counted() {
        let selection = Selection { min_packets: 2, ..Selection::default() };
        let set = vec![labelled("a", 0, &[(0, 1)]), labelled("a", 1, &[(0, 1), (1, -1)])];
        let (kept, left_out) = selection.apply(set);
        assert_eq!(kept.len(), 1);
        assert_eq!(left_out.traces, BTreeMap::from([("fewer packets than asked for".to_owned(), 1)]));
    }

    #[test]
    fn outliers_are_those_of_their_own_class() {
        let one = |class: &str, rep, bytes: i32| labelled(class, rep, &[(0, 10), (1, -bytes)]);
        let mut set: Vec<_> = [100, 101, 102, 103, 5000].iter().zip(0..).map(|(&b, rep)| one("a", rep, b)).collect();
        set.extend([5000, 5000, 5000].iter().zip(0..).map(|(&b, rep)| one("b", rep, b)));
        let selection = Selection { outliers: OutlierRule::Iqr, ..Selection::default() };
        let (kept, left_out) = selection.apply(set);
        assert_eq!(kept.len(), 7);
        assert!(kept.iter().all(|labelled| labelled.key.class == "b" || labelled.trace.in_bytes() < 200));
        assert_eq!(left_out.traces, BTreeMap::from([("outlier of its class".to_owned(), 1)]));
        assert_eq!(left_out.packets, BTreeMap::from([("outlier of its class".to_owned(), 2)]));
    }

    #[test]
    fn quartiles_are_interpolated() {
        assert_eq!(quantile(&mut [7.0], 0.25), Some(7.0));
        assert_eq!(quantile(&mut [0.0, 10.0], 0.25), Some(2.5));
        assert_eq!(quantile(&mut [0.0, 1.0, 2.0, 3.0, 4.0], 0.75), Some(3.0));
    }
}
