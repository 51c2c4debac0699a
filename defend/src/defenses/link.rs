//! A link of limited rate, with its queue.

use wfkit_datasets::Trace;

use super::{DELAYS, delay_model, no_conflict, released};
use crate::simulate::transmission::transmission_ns;
use crate::{
    Arrivals, Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction,
    Draws, Guarantees, Kind, Ledger, Needs, Parameter, PerDirection, Preset, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "link",
    summary: "no defence: a link of limited rate with a first-in-first-out queue each way, for what padding before it makes wait",
    purpose: "no defence: a layer behind others, for the queues that padding makes",
    cost: "no bytes; the queue's time",
    source: "a plain queue, defined here: a packet starts when it has arrived and its predecessor in its direction is out",
    published: &[
        "padding is not free of delay: in simulations of the whole network it lengthens queues (Witwer, Holland and Hopper, WPES 2022)",
    ],
    caveats: &[
        "a trace has been through a real link already: a rate below that one's delays it even without a defence",
        "a packet is seen when its first bit leaves; no packet is ever dropped, however long the queue",
        "sizes are counted at the layer of the set: headers below it take no time",
        "as the last layer it infers what answers what from the padded traffic",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "fifo",
        summary: "a queue each way",
        parameters: &[
            Parameter {
                key: "rate",
                kind: Kind::Rate,
                min: 1_000,
                default: DefaultValue::Is(Value::Rate(10_000_000)),
                meaning: "bits a second each way",
            },
            Parameter {
                key: "rate-out",
                kind: Kind::Rate,
                min: 1_000,
                default: DefaultValue::Derived {
                    rule: "as rate",
                    derive: |_, values| Value::Rate(values.rate("rate")),
                },
                meaning: "what the client can send",
            },
            Parameter {
                key: "rate-in",
                kind: Kind::Rate,
                min: 1_000,
                default: DefaultValue::Derived {
                    rule: "as rate",
                    derive: |_, values| Value::Rate(values.rate("rate")),
                },
                meaning: "what the client can receive",
            },
            DELAYS,
        ],
        check: no_conflict,
        build: |values, profile| {
            if profile.counts_cells() {
                return Err("the sizes only count cells (all are 1), so how long they take is not known".to_owned());
            }
            let bits_per_second = PerDirection { outgoing: values.rate("rate-out"), incoming: values.rate("rate-in") };
            Ok(Box::new(Link { bits_per_second, delays: delay_model(values) }))
        },
    }],
};

#[derive(Debug)]
struct Link {
    bits_per_second: PerDirection<u64>,
    delays: DelayModel,
}

impl Defense for Link {
    fn defend(&self, trace: &Trace, _: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut arrivals = Arrivals::new(trace, self.delays);
        let mut free_ns = PerDirection { outgoing: 0_u64, incoming: 0 };
        let start = |i: usize| {
            let size = trace.size()[i];
            let free = &mut free_ns[Direction::of(size)];
            let start = arrivals.due(i).max(arrivals.not_before(i)).max(*free);
            *free = start.saturating_add(transmission_ns(size, self.bits_per_second[Direction::of(size)]));
            arrivals.left(i, start);
            start
        };
        let starts: Vec<(u64, usize)> = (0..trace.len()).map(start).zip(0..).collect();
        Ok(released(trace, starts).finish(Ledger::default())?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            sizes_untouched: true,
            no_padding: true,
            total_order: self.delays == DelayModel::Pessimistic,
            link_bits_per_second: Some(self.bits_per_second),
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::NoPadding }
    }

    fn infers_delays(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_one;

    const MS: u64 = 1_000_000;

    #[test]
    fn packets_queue_behind_each_other_in_their_direction() {
        // 1000 bytes at 1 Mbit/s take 8 ms, 500 bytes out at 400 kbit/s 10 ms.
        let trace = Trace::new(vec![0, 0, 0, MS, 2 * MS, 40 * MS], vec![500, 500, -1000, -1000, -1000, -1000]).unwrap();
        let defended = defend_one("link,rate-out=400kbit/s,rate-in=1Mbit/s,delays=optimistic", &trace);
        let starts: Vec<u64> = defended.completion_ns(6).iter().map(|ns| ns / MS).collect();
        assert_eq!(starts, [0, 10, 0, 8, 16, 40]);
    }

    #[test]
    fn a_wide_link_changes_nothing() {
        let trace = Trace::new(vec![0, MS, 2 * MS], vec![500, -1500, -1500]).unwrap();
        assert_eq!(defend_one("link,rate=100Mbit/s", &trace).observe(), trace);
    }

    #[test]
    fn padding_makes_the_answer_to_a_late_request_late() {
        // The request waits 8 ms behind 1000 bytes of something else; its response comes 8 ms later.
        let trace = Trace::new(vec![0, 10 * MS, 30 * MS, 30 * MS, 45 * MS], vec![100, -1, 1000, 100, -1]).unwrap();
        let defended = defend_one("link,rate=1Mbit/s,delays=inferred", &trace);
        let starts: Vec<u64> = defended.completion_ns(5).iter().map(|ns| ns / MS).collect();
        assert_eq!(starts, [0, 10, 30, 38, 53]);
    }
}
