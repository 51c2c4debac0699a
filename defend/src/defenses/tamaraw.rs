//! Tamaraw: slots in both directions, ends padded to a multiple.

use wfkit_datasets::Trace;

use super::loads::silence_ns;
use super::slots::Slots;
use super::{DELAYS, ONE_CELL, STOP, delay_model, no_conflict};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws,
    Guarantees, Kind, Needs, Parameter, ParameterValues, PerDirection, Preset, Profile, SlotPlan, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "tamaraw",
    summary: "sends packets of one size at a fixed interval in each direction and pads their number to a multiple of L",
    purpose: "what a strong defence reaches, with a bound that can be stated",
    cost: "four times the bytes of page loads, many times those of short queries; a tenth to a third more time",
    source: "Cai, Nithyanand, Wang, Johnson and Goldberg, \"A Systematic Approach to Developing and Evaluating Website \
             Fingerprinting Defenses\", ACM CCS 2014",
    published: &[
        "40/12 ms: bandwidth 196 %, latency 37 % (Holland and Hopper, PoPETs 2022); 163 %, 78 % with L = 50 (Gong and Wang, \
         USENIX Security 2020); 328 %, 242 % (Sirinam et al., CCS 2018)",
        "14/4 ms: optimistic 90 %, 29 %; pessimistic 107 %, 41 %; measured on Tor 114 %, 61 % (Gong et al., WFDefProxy, IEEE TIFS \
         2023)",
    ],
    caveats: &[
        "published simulations are optimistic or pessimistic, and both understate the latency that was measured; see delays=inferred",
        "stops with the last normal packet of the trace, which a deployment cannot know, unless stop=soft:W",
        "slots of both directions count from the first packet of the trace; a peer would start half a round trip later",
        "a slot of d bytes carries d bytes of the trace's sizes, headers they contain included",
        "normal packets are cut and joined to fill slots; published simulators send one cell a slot, which is the same where \
         the slot is one cell",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "ccs14",
            summary: "the paper's intervals and size: 40 ms out, 12 ms in, 750 B, L = 100",
            parameters: &parameters(40, 12, DefaultValue::Is(Value::Size(750))),
            check: no_conflict,
            build,
        },
        Preset {
            name: "cell",
            summary: "one Tor cell a slot: 14 ms out, 4 ms in, L = 100, as in WFDefProxy",
            parameters: &parameters(14, 4, ONE_CELL),
            check: no_conflict,
            build,
        },
    ],
};

const fn parameters(out_ms: u64, in_ms: u64, size: DefaultValue) -> [Parameter; 7] {
    [
        Parameter::duration("rho-out", 1_000, out_ms * 1_000_000, "time between outgoing packets"),
        Parameter::duration("rho-in", 1_000, in_ms * 1_000_000, "time between incoming packets"),
        Parameter::count("l", 1, 100, "the number of packets each way becomes a multiple of this"),
        Parameter { key: "size", kind: Kind::Size, min: 1, default: size, meaning: "size of every packet" },
        Parameter {
            key: "tail",
            kind: Kind::Choice(&["multiple", "joint", "geometric"]),
            min: 0,
            default: DefaultValue::Is(Value::Choice("multiple")),
            meaning: "the end: next multiple of L each way (the paper); then both ways until the later end; or k more \
                      blocks of L with probability 2^-k, k = 1, 2, ...",
        },
        DELAYS,
        STOP,
    ]
}

fn build(values: &ParameterValues, profile: &Profile) -> Result<Box<dyn Defense>, String> {
    let size = values.size("size");
    Slots::suits(size, profile)?;
    Ok(Box::new(Tamaraw {
        slots: Slots {
            interval_ns: PerDirection {
                outgoing: values.duration_ns("rho-out"),
                incoming: values.duration_ns("rho-in"),
            },
            size,
            delays: delay_model(values),
            stop: values.stop("stop"),
        },
        block: values.count("l"),
        tail: match values.choice("tail") {
            "joint" => Tail::Joint,
            "geometric" => Tail::Geometric,
            _ => Tail::Multiple,
        },
    }))
}

#[derive(Debug)]
struct Tamaraw {
    slots: Slots,
    block: u64,
    tail: Tail,
}

#[derive(Debug, PartialEq, Eq)]
enum Tail {
    Multiple,
    Joint,
    Geometric,
}

impl Tamaraw {
    /// How many packets each way, given how many it takes until all is sent.
    fn count(&self, until_sent: PerDirection<u64>, draws: &mut Draws) -> PerDirection<u64> {
        let next_multiple = PerDirection::from_fn(|way| until_sent[way].next_multiple_of(self.block));
        match self.tail {
            Tail::Multiple => next_multiple,
            Tail::Joint => {
                let end =
                    |way: Direction| next_multiple[way].saturating_sub(1).saturating_mul(self.slots.interval_ns[way]);
                let later = end(Direction::Outgoing).max(end(Direction::Incoming));
                PerDirection::from_fn(|way| later / self.slots.interval_ns[way] + 1)
            }
            Tail::Geometric => {
                PerDirection::from_fn(|way| (until_sent[way] / self.block + draws.geometric()) * self.block)
            }
        }
    }
}

impl Defense for Tamaraw {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let limit = draws.limit();
        let placement = self.slots.place(trace, limit)?;
        self.slots.send(&placement, limit, |until_sent| self.count(until_sent, draws))
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            total_order: self.slots.delays == DelayModel::Pessimistic,
            slots: Some(SlotPlan {
                interval_ns: self.slots.interval_ns,
                size: self.slots.size,
                multiple: if self.tail == Tail::Joint { 1 } else { self.block },
                at_least: PerDirection { outgoing: 1, incoming: 1 },
            }),
            pauses_after_ns: Some(silence_ns(self.slots.stop)),
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.slots.delays, stop_rule: self.slots.stop }
    }

    fn infers_delays(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};

    fn counts(defended: &DefendedTrace) -> (usize, usize) {
        let trace = defended.observe();
        (trace.out_packets(), trace.in_packets())
    }

    #[test]
    fn each_direction_ends_on_a_multiple_of_l() {
        // The last packet leaves at 408 ms (slot 34 in), by when 11 slots went out.
        let trace = Trace::new(vec![0, 400_000_000], vec![100, -100]).unwrap();
        assert_eq!(counts(&defend_one("tamaraw,l=10", &trace)), (20, 40));
        assert_eq!(counts(&defend_one("tamaraw,l=7", &trace)), (14, 35));
        assert_eq!(counts(&defend_one("tamaraw,l=1", &trace)), (11, 35));
        // out ends at 13 * 40 = 520 ms, in at 34 * 12 = 408 ms; jointly in goes on to slot 43
        assert_eq!(counts(&defend_one("tamaraw,l=7,tail=joint", &trace)), (14, 44));
    }

    #[test]
    fn the_geometric_tail_adds_one_block_half_the_time() {
        let trace = Trace::new(vec![0, 400_000_000], vec![100, -100]).unwrap();
        let traces = defend_many("tamaraw,l=10,tail=geometric", &trace, 2_000);
        let one = traces.iter().filter(|t| counts(t).0 == 20).count() as f64 / traces.len() as f64;
        assert!((one - 0.5).abs() < 0.04, "{one}");
        assert!(traces.iter().all(|t| counts(t).0.is_multiple_of(10) && counts(t).1.is_multiple_of(10)));
    }

    #[test]
    fn a_soft_stop_pads_for_its_quiet_time_and_pauses_between_loads() {
        // One packet at 0 and one at 1000 ms; 400 ms of silence end a load: slots until 400 ms, then from 1000 to 1400 ms.
        let trace = Trace::new(vec![0, 1_000_000_000], vec![100, 100]).unwrap();
        let times = |spec: &str| -> Vec<u64> {
            let defended = defend_one(spec, &trace);
            let out = defended.packets().filter(|p| p.direction() == Direction::Outgoing);
            out.map(|p| p.time_ns / 1_000_000).collect()
        };
        let expected: Vec<u64> = (0..=10).chain(25..=35).map(|slot| slot * 40).collect();
        assert_eq!(times("tamaraw,l=1,stop=soft:400ms"), expected);
        // The multiple of 30 packets each way lasts until 1160 ms: the second packet finds the first load still running.
        let expected: Vec<u64> = (0..60).map(|slot| slot * 40).collect();
        assert_eq!(times("tamaraw,l=30,stop=soft:400ms"), expected);
    }

    #[test]
    fn slots_follow_the_intervals_from_the_first_packet() {
        let trace = Trace::new(vec![0, 1], vec![-100, 100]).unwrap();
        let defended = defend_one("tamaraw,l=2", &trace);
        let packets: Vec<(u64, i32, bool)> =
            defended.packets().map(|p| (p.time_ns / 1_000_000, p.size, p.is_padding())).collect();
        // The outgoing packet arrives 1 ns after slot 0 and waits for slot 1, at 40 ms; by then 4 slots came in.
        let expected =
            [(0, 750, true), (0, -750, false), (12, -750, true), (24, -750, true), (36, -750, true), (40, 750, false)];
        assert_eq!(packets, expected);
    }
}
