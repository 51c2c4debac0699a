//! DynaFlow: one sequence of slots both ways, whose interval changes now and then, ended at few places.

use std::collections::VecDeque;

use wfkit_datasets::Trace;

use super::queues::Queues;
use super::slots::{MAX_SLOTS, Slots};
use super::{DELAYS_IN_ORDER, delay_model, no_conflict};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, Preset, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "dynaflow",
    summary: "sends one outgoing and three incoming packets in turn at an interval chosen from two now and then, until a slot number of a \
              sparse set",
    source: "Lu, Bhat, Kwon and Devadas, \"DynaFlow: An Efficient Website Fingerprinting Defense Based on Dynamically-Adjusting \
             Flows\", WPES 2018",
    published: &[
        "bandwidth 141 %, latency 6 % simulated; 123 % and 379 % measured on Tor (Mathews et al., IEEE S&P 2023)",
    ],
    caveats: &[
        "latency measured on Tor was sixty times what was simulated",
        "what is left to see is which intervals were chosen and where it ended, and nothing else",
        "the interval is chosen by the mean time between the last normal packets of both directions that have arrived",
        "a slot carries `size` bytes, headers included; the paper's cells hold 498 bytes of data",
        "stops with the last normal packet of the trace, which a deployment cannot know",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "wpes18",
        summary: "12 ms at first, 1.2 or 5 ms chosen at slot 400 and every 800 slots after it, ends 20 % apart",
        parameters: &[
            duration("start", 12_000_000, "the interval to begin with"),
            duration("fast", 1_200_000, "one interval to choose from"),
            duration("slow", 5_000_000, "the other one"),
            count("first", 400, "the slot at which the interval is chosen first (a)"),
            count("every", 800, "slots between later choices (b)"),
            count("memory", 100, "how many normal packets a choice looks back at (M)"),
            Parameter {
                key: "m",
                kind: Kind::Ratio,
                min: 1_001_000,
                default: DefaultValue::Is(Value::Ratio(1_200_000)),
                meaning: "the number of slots is one of the rounded powers of this",
            },
            Parameter {
                key: "size",
                kind: Kind::Size,
                min: 1,
                default: DefaultValue::Derived {
                    rule: "a packet with one Tor cell: cell as the set's, tcp and tls 536B, ip 588B, frame 602B",
                    derive: super::one_cell,
                },
                meaning: "size of every packet",
            },
            DELAYS_IN_ORDER,
        ],
        check: no_conflict,
        build: |values, profile| {
            let size = values.size("size");
            Slots::suits(size, profile)?;
            Ok(Box::new(DynaFlow {
                start_ns: values.duration_ns("start"),
                allowed_ns: [values.duration_ns("fast"), values.duration_ns("slow")],
                first: values.count("first"),
                every: values.count("every"),
                memory: values.count("memory") as usize,
                m: values.ratio("m"),
                size,
                delays: delay_model(values),
            }))
        },
    }],
};

const fn duration(key: &'static str, ns: u64, meaning: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Duration, min: 1_000, default: DefaultValue::Is(Value::Duration(ns)), meaning }
}

const fn count(key: &'static str, count: u64, meaning: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Count, min: 1, default: DefaultValue::Is(Value::Count(count)), meaning }
}

#[derive(Debug)]
struct DynaFlow {
    start_ns: u64,
    allowed_ns: [u64; 2],
    first: u64,
    every: u64,
    memory: usize,
    m: f64,
    size: u32,
    delays: DelayModel,
}

/// The smallest of the rounded powers of `m` (above 1) that is at least `slots`.
fn end_index(m: f64, slots: u64) -> u64 {
    let mut power = 1.0_f64;
    while (power.round() as u64) < slots {
        power *= m;
    }
    power.round() as u64
}

impl DynaFlow {
    fn chooses_at(&self, slot: u64) -> bool {
        slot >= self.first && (slot - self.first).is_multiple_of(self.every)
    }

    /// The allowed interval nearest to the mean time between the packets that arrived at `recent`.
    fn nearest(&self, recent: &VecDeque<u64>) -> Option<u64> {
        let (first, last) = (recent.front()?, recent.back()?);
        let gaps = (recent.len() as u64 - 1).max(1);
        let mean = (last - first) / gaps;
        self.allowed_ns.into_iter().min_by_key(|allowed| allowed.abs_diff(mean))
    }
}

impl Defense for DynaFlow {
    fn defend(&self, trace: &Trace, _: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut queues = Queues::new(trace, self.delays);
        let mut arrivals = trace.time_ns().iter().copied().peekable();
        let mut recent = VecDeque::with_capacity(self.memory + 1);
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        let (mut slot, mut now, mut interval) = (0_u64, 0_u64, self.start_ns);
        let mut end = None;
        while end.is_none_or(|end| slot < end) {
            if slot == MAX_SLOTS {
                return Err(DefenseError::TooManySlots { limit: MAX_SLOTS });
            }
            while let Some(arrival) = arrivals.next_if(|&arrival| arrival <= now) {
                recent.push_back(arrival);
                if recent.len() > self.memory {
                    recent.pop_front();
                }
            }
            if self.chooses_at(slot) {
                interval = self.nearest(&recent).unwrap_or(interval);
            }
            let way = if slot.is_multiple_of(4) { Direction::Outgoing } else { Direction::Incoming };
            builder.packet(now, way.signed(self.size), &queues.take(way, now, self.size));
            slot += 1;
            now += interval;
            if end.is_none() && queues.is_empty() {
                end = Some(end_index(self.m, slot));
            }
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
    use crate::testing::{any_trace, defend_one};

    proptest! {
        #[test]
        fn it_ends_at_a_power_of_m_and_takes_its_turns(trace in any_trace(), m in 1_010_000_u64..3_000_000) {
            let defended = defend_one(&format!("dynaflow,m={}", Value::Ratio(m)), &trace).observe();
            let m = m as f64 / 1e6;
            let n = defended.len() as u64;
            prop_assert!((0..2_000).any(|i| m.powi(i).round() as u64 == n), "{n}");
            for (i, size) in defended.size().iter().enumerate() {
                prop_assert_eq!(*size, if i % 4 == 0 { 536 } else { -536 });
            }
        }
    }

    #[test]
    fn the_interval_changes_at_the_chosen_slots_to_the_nearest() {
        // A packet each 4 ms: nearest to 5 ms. Two seconds are 40 slots of 12 ms and 304 or more of 5 ms.
        let trace = Trace::new((0..500).map(|i| i * 4_000_000).collect(), vec![100; 500]).unwrap();
        let defended = defend_one("dynaflow,first=40,every=80,m=1.001", &trace);
        let times: Vec<u64> = defended.packets().map(|p| p.time_ns / 1_000).collect();
        let gaps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        assert!(gaps[..40].iter().all(|&gap| gap == 12_000));
        assert!(gaps[40..].iter().all(|&gap| gap == 5_000) && gaps.len() > 300);
    }

    #[test]
    fn ends_are_rounded_powers() {
        assert_eq!([1, 2, 3, 4, 5].map(|n| end_index(1.5, n)), [1, 2, 3, 5, 5]); // 1 1.5 2.25 3.375 5.06
    }
}
