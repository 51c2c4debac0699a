//! What may become part of a trace, as it is kept until the flows of it are known.

use crate::import::flows::Choice;
use crate::tls::streams::RecordKind;

/// A packet or TLS record in 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event {
    pub(crate) time_ns: i64,
    /// The flow, and in the lowest two bits the kind of the record. A quarter of the numbers is left for flows: as many as
    /// would fill 100 GB.
    flow_and_kind: u32,
    /// Bytes, positive from the first end of the flow to the second.
    pub(crate) size: i32,
}

impl Event {
    /// A packet; `size` is positive from the first end of the flow.
    pub(crate) fn packet(time_ns: i64, flow: usize, size: i32) -> Self {
        Self { time_ns, flow_and_kind: (flow as u32) << 2, size }
    }

    /// A TLS record.
    pub(crate) fn record(time_ns: i64, flow: usize, size: i32, kind: RecordKind) -> Self {
        let kind = match kind {
            RecordKind::Application => 0,
            RecordKind::Other => 1,
            RecordKind::Estimated => 2,
        };
        Self { time_ns, flow_and_kind: (flow as u32) << 2 | kind, size }
    }

    pub(crate) fn flow(&self) -> usize {
        (self.flow_and_kind >> 2) as usize
    }

    pub(crate) fn kind(&self) -> RecordKind {
        match self.flow_and_kind & 3 {
            0 => RecordKind::Application,
            1 => RecordKind::Other,
            _ => RecordKind::Estimated,
        }
    }
}

/// The events of a capture.
#[derive(Debug)]
pub(crate) struct Events {
    kept: Vec<Event>,
    policy: Policy,
    /// By flow, how many events were not kept as of another flow.
    others: Vec<u64>,
}

#[derive(Debug)]
enum Policy {
    All,
    /// As long as there are no more than this many; then none, as there is to be a second reading.
    UpTo(usize),
    TooMany,
    /// Those of some flows.
    Of(Vec<bool>),
}

impl Events {
    /// Keeps all.
    pub(crate) fn all() -> Self {
        Self::new(Policy::All)
    }

    /// Keeps all, or none where there are more than `most`.
    pub(crate) fn up_to(most: usize) -> Self {
        Self::new(Policy::UpTo(most))
    }

    /// Keeps those of the flows that were chosen.
    pub(crate) fn of(choice: &Choice) -> Self {
        Self::new(Policy::Of(choice.fates.iter().map(Result::is_ok).collect()))
    }

    fn new(policy: Policy) -> Self {
        Self { kept: Vec::new(), policy, others: Vec::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, event: Event) {
        match &self.policy {
            Policy::All => self.kept.push(event),
            Policy::UpTo(most) if self.kept.len() < *most => self.kept.push(event),
            _ => self.push_or_not(event),
        }
    }

    #[cold]
    fn push_or_not(&mut self, event: Event) {
        if let Policy::Of(flows) = &self.policy {
            let flow = event.flow();
            if flows.get(flow) == Some(&true) {
                self.kept.push(event);
            } else {
                self.others.resize(self.others.len().max(flow + 1), 0);
                self.others[flow] += 1;
            }
        } else {
            self.kept = Vec::new();
            self.policy = Policy::TooMany;
        }
    }

    /// Whether there were more than were to be kept.
    pub(crate) fn are_too_many(&self) -> bool {
        matches!(self.policy, Policy::TooMany)
    }

    /// Hands over the events, and by flow how many were not kept.
    pub(crate) fn take(&mut self) -> (Vec<Event>, Vec<u64>) {
        (std::mem::take(&mut self.kept), std::mem::take(&mut self.others))
    }
}
