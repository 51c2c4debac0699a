//! CS-BuFLO: packets of one size at random times around an adaptive interval, their number rounded up.

use wfkit_datasets::Trace;

use super::queues::Queues;
use super::slots::{MAX_SLOTS, Slots};
use super::{DELAYS_IN_ORDER, delay_model, no_conflict, one_cell};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, PerDirection, Preset, Profile, StopRule, Value,
    Values,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "cs-buflo",
    summary: "sends packets of one size each way at intervals that follow the data and rounds their number up towards a power of two",
    source: "Cai, Nithyanand and Johnson, \"CS-BuFLO: A Congestion Sensitive Website Fingerprinting Defense\", ACM WPES 2014; \
             Cai, Zhang, Joshi and Johnson, \"Touching from a Distance\", ACM CCS 2012",
    published: &["bandwidth 130 % to 180 % (2.3 to 2.8 times the traffic; the paper)"],
    caveats: &[
        "the interval is chosen anew when the number of packets sent reaches a power of two, from the times between packets with data, \
         and is a power of two of microseconds; the paper counts bytes",
        "a large load after a quiet start waits long for the next power of two: on page loads of some thousand cells latency was \
         several times the load's own, and bandwidth several times the published overhead: the rule for the interval is a reading of the paper \
         that is not settled",
        "ends are counted in packets, as in the pseudo-code of 2012",
        "nothing is known of congestion in a trace: the defence's reaction to it is not simulated",
        "stops with the last normal packet of the trace and the end padding; the paper's early stop by the browser's load event is \
         not simulated",
        "both directions start with the first packet of the trace",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "total",
            summary: "the number of packets each way is a power of two (CTSP)",
            parameters: &PARAMETERS,
            check: no_conflict,
            build: |values, profile| build(values, profile, End::Total),
        },
        Preset {
            name: "payload",
            summary: "the number of packets each way is a multiple of the largest power of two that is not above those the data fill (CPSP)",
            parameters: &PARAMETERS,
            check: no_conflict,
            build: |values, profile| build(values, profile, End::Payload),
        },
    ],
};

const PARAMETERS: [Parameter; 5] = [
    Parameter {
        key: "rho",
        kind: Kind::Duration,
        min: 1_000,
        default: DefaultValue::Is(Value::Duration(16_384_000)),
        meaning: "the interval to begin with; each gap is uniform from 0 to twice the interval",
    },
    Parameter {
        key: "rho-min",
        kind: Kind::Duration,
        min: 1_000,
        default: DefaultValue::Is(Value::Duration(1_024_000)),
        meaning: "the shortest interval",
    },
    Parameter {
        key: "rho-max",
        kind: Kind::Duration,
        min: 1_000,
        default: DefaultValue::Is(Value::Duration(131_072_000)),
        meaning: "the longest interval; nothing where it is below rho-min",
    },
    Parameter {
        key: "size",
        kind: Kind::Size,
        min: 1,
        default: DefaultValue::Derived {
            rule: "a packet with one Tor cell: cell as the set's, tcp and tls 536B, ip 588B, frame 602B",
            derive: one_cell,
        },
        meaning: "size of every packet",
    },
    DELAYS_IN_ORDER,
];

fn build(values: &Values, profile: &Profile, end: End) -> Result<Box<dyn Defense>, String> {
    let size = values.size("size");
    Slots::suits(size, profile)?;
    let shortest = values.duration_ns("rho-min");
    Ok(Box::new(CsBuflo {
        start_ns: values.duration_ns("rho"),
        range_ns: (shortest, values.duration_ns("rho-max").max(shortest)),
        size,
        end,
        delays: delay_model(values),
    }))
}

#[derive(Debug)]
struct CsBuflo {
    start_ns: u64,
    range_ns: (u64, u64),
    size: u32,
    end: End,
    delays: DelayModel,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Total,
    Payload,
}

impl End {
    /// Whether a direction may end after `sent` packets, given how many its data fill.
    fn allows(self, sent: u64, filled: u64) -> bool {
        match self {
            Self::Total => sent.is_power_of_two(),
            Self::Payload => sent.is_multiple_of(1 << filled.max(1).ilog2()) && sent >= filled,
        }
    }
}

/// One side: when it sends next, and what its interval is.
#[derive(Debug, Default, Clone)]
struct Sender {
    next_ns: u64,
    interval_ns: u64,
    sent: u64,
    last_data_ns: Option<u64>,
    gaps_ns: Vec<u64>,
    done: bool,
}

impl CsBuflo {
    /// Books a packet that leaves now, and chooses the next time.
    fn after(&self, sender: &mut Sender, has_data: bool, draws: &mut Draws) {
        let now = sender.next_ns;
        sender.sent += 1;
        if has_data && let Some(last) = sender.last_data_ns.replace(now) {
            sender.gaps_ns.push(now - last);
        }
        if sender.sent.is_power_of_two() && !sender.gaps_ns.is_empty() {
            sender.interval_ns = power_of_two_us(&mut sender.gaps_ns).clamp(self.range_ns.0, self.range_ns.1);
            sender.gaps_ns.clear();
        }
        // A gap of 0 would let the loop stand still.
        sender.next_ns = now.saturating_add(1 + draws.up_to(2 * sender.interval_ns - 1));
    }
}

/// The largest power of two in microseconds that is not above the median.
fn power_of_two_us(gaps_ns: &mut [u64]) -> u64 {
    let middle = gaps_ns.len() / 2;
    let (_, median, _) = gaps_ns.select_nth_unstable(middle);
    1_000 << (*median / 1_000).max(1).ilog2()
}

impl Defense for CsBuflo {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let bytes = PerDirection { outgoing: trace.out_bytes(), incoming: trace.in_bytes() };
        let filled = PerDirection::from_fn(|way| bytes[way].div_ceil(u64::from(self.size)));
        let mut queues = Queues::new(trace, self.delays);
        let start = self.start_ns.clamp(self.range_ns.0, self.range_ns.1);
        let mut senders = PerDirection::from_fn(|_| Sender { interval_ns: start, ..Sender::default() });
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        loop {
            for way in Direction::BOTH {
                senders[way].done = queues.is_empty() && self.end.allows(senders[way].sent, filled[way]);
            }
            let due = Direction::BOTH.into_iter().filter(|&way| !senders[way].done);
            let Some(way) = due.min_by_key(|&way| senders[way].next_ns) else { break };
            let sender = &mut senders[way];
            if sender.sent == MAX_SLOTS {
                return Err(DefenseError::TooManySlots { limit: MAX_SLOTS });
            }
            let pieces = queues.take(way, sender.next_ns, self.size);
            builder.packet(sender.next_ns, way.signed(self.size), &pieces);
            self.after(sender, !pieces.is_empty(), draws);
        }
        Ok(builder.finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { total_order: self.delays == DelayModel::Pessimistic, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::Oracle }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::{any_trace, defend_many, defend_one};

    proptest! {
        #[test]
        fn the_number_of_packets_is_what_the_end_allows(trace in any_trace(), size in 100_u32..2_000) {
            let total = defend_one(&format!("cs-buflo:total,size={size}B"), &trace).observe();
            prop_assert!(total.out_packets().is_power_of_two() && total.in_packets().is_power_of_two());
            let payload = defend_one(&format!("cs-buflo:payload,size={size}B"), &trace).observe();
            for (packets, bytes) in
                [(payload.out_packets(), trace.out_bytes()), (payload.in_packets(), trace.in_bytes())]
            {
                let filled = bytes.div_ceil(u64::from(size));
                prop_assert!((packets as u64).is_multiple_of(1 << filled.max(1).ilog2()));
                prop_assert!(packets as u64 >= filled);
            }
            prop_assert!(total.size().iter().all(|bytes| bytes.unsigned_abs() == size));
        }
    }

    #[test]
    fn gaps_are_uniform_up_to_twice_the_interval() {
        // No data between the ends, so that the interval stays.
        let trace = Trace::new(vec![0, 40_000_000_000], vec![10, 10]).unwrap();
        let defended = defend_many("cs-buflo,rho=10ms,size=100B", &trace, 1).remove(0);
        let incoming: Vec<u64> =
            defended.packets().filter(|p| p.direction() == Direction::Incoming).map(|p| p.time_ns).collect();
        let gaps: Vec<f64> = incoming.windows(2).map(|w| (w[1] - w[0]) as f64 / 1e6).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        // 4,096 gaps at least, standard error 0.09
        assert!((mean - 10.0).abs() < 0.3 && gaps.iter().all(|&gap| gap <= 20.0), "{mean}");
    }

    #[test]
    fn the_interval_is_the_power_of_two_below_the_median() {
        assert_eq!(power_of_two_us(&mut [1, 5_000_000, 9_000_000]), 4_096_000);
        assert_eq!(power_of_two_us(&mut [1_024_000]), 1_024_000);
        assert_eq!(power_of_two_us(&mut [0]), 1_000);
    }
}
