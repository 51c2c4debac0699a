//! Padding of each packet to a size class.

use wfkit_datasets::Trace;

use super::no_conflict;
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, ParameterValues, Preset, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "pad",
    summary: "pads every packet to a size class; times stay, no packets are added",
    purpose: "where sizes of single packets give it away; numbers and times stay",
    cost: "a few bytes to three times as many; no delay",
    source: "Dyer, Coull, Ristenpart and Shrimpton, \"Peek-a-Boo, I Still See You: Why Efficient Traffic Analysis \
             Countermeasures Fail\", IEEE S&P 2012",
    published: &[],
    caveats: &[
        "a packet above the top class stays as it is and is counted as oversize: segments that the capturing host had joined \
         (offloading) can be larger than the MTU",
        "classes are sizes of the trace's own layer; the paper's are those of whole IP packets",
        "needs sizes in bytes: cells have one size already, and are refused",
    ],
    needs: Needs { sizes: true, times: false, set: false, classes: false },
    presets: &[
        Preset {
            name: "multiple",
            summary: "to the next multiple (the paper's linear padding at 128 B, without its top class)",
            parameters: &[Parameter {
                key: "to",
                kind: Kind::Size,
                min: 1,
                default: DefaultValue::Is(Value::Size(128)),
                meaning: "the multiple; 1B changes nothing",
            }],
            check: no_conflict,
            build: |values, _| Ok(Box::new(Pad { classes: Classes::MultipleOf(values.size("to")) })),
        },
        Preset {
            name: "mtu",
            summary: "to one size",
            parameters: &[Parameter {
                key: "to",
                kind: Kind::Size,
                min: 1,
                default: DefaultValue::Derived {
                    rule: "a full packet of the layer: frame 1514B, ip 1500B, else 1448B",
                    derive: |profile, _| Value::Size(profile.full_packet()),
                },
                meaning: "the size of every packet",
            }],
            check: no_conflict,
            build: |values, _| Ok(Box::new(Pad { classes: Classes::UpTo(vec![values.size("to")]) })),
        },
        Preset {
            name: "exponential",
            summary: "to the next of 128, 256, 512, 1024 and 1500 B",
            parameters: &[],
            check: no_conflict,
            build: |_, _| Ok(Box::new(Pad { classes: Classes::UpTo(vec![128, 256, 512, 1024, 1500]) })),
        },
        Preset {
            name: "linear",
            summary: "to the next multiple of 128 B, the MTU as the top class",
            parameters: &[MTU],
            check: no_conflict,
            build: |values, _| {
                let mtu = values.size("mtu");
                let classes = (1..).map(|n| 128 * n).take_while(|&class| class < mtu).chain([mtu]).collect();
                Ok(Box::new(Pad { classes: Classes::UpTo(classes) }))
            },
        },
        Preset {
            name: "mice-elephants",
            summary: "to 128 B, or else to the MTU",
            parameters: &[MTU],
            check: no_conflict,
            build: |values, _| {
                let mtu = values.size("mtu");
                Ok(Box::new(Pad { classes: Classes::UpTo(vec![mtu.min(128), mtu]) }))
            },
        },
        Preset {
            name: "session-random-255",
            summary: "by one of 8, 16, ... 248 B, drawn once a trace, at most to the MTU",
            parameters: &[MTU],
            check: no_conflict,
            build: |values, _| Ok(random(values, Each::Trace)),
        },
        Preset {
            name: "packet-random-255",
            summary: "by one of 8, 16, ... 248 B, drawn for each packet, at most to the MTU",
            parameters: &[MTU],
            check: no_conflict,
            build: |values, _| Ok(random(values, Each::Packet)),
        },
        Preset {
            name: "random-mtu",
            summary: "by a multiple of 8 B from 0 to below what is missing to the MTU, drawn for each packet",
            parameters: &[MTU],
            check: no_conflict,
            build: |values, _| Ok(random(values, Each::ToMtu)),
        },
    ],
};

const MTU: Parameter = Parameter {
    key: "mtu",
    kind: Kind::Size,
    min: 1,
    default: DefaultValue::Derived {
        rule: "a full packet of the layer: frame 1514B, ip 1500B, else 1448B",
        derive: |profile, _| Value::Size(profile.full_packet()),
    },
    meaning: "the largest size to pad to",
};

fn random(values: &ParameterValues, each: Each) -> Box<dyn Defense> {
    Box::new(RandomPad { mtu: values.size("mtu"), each })
}

#[derive(Debug)]
struct Pad {
    classes: Classes,
}

#[derive(Debug)]
enum Classes {
    MultipleOf(u32),
    /// Ascending.
    UpTo(Vec<u32>),
}

impl Classes {
    /// The smallest class that holds `bytes`.
    fn holding(&self, bytes: u32) -> Option<u32> {
        match self {
            Self::MultipleOf(unit) => bytes.checked_next_multiple_of(*unit).filter(|&class| class <= i32::MAX as u32),
            Self::UpTo(classes) => classes.get(classes.partition_point(|&class| class < bytes)).copied(),
        }
    }
}

impl Defense for Pad {
    fn defend(&self, trace: &Trace, _: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        let mut ledger = Ledger::default();
        for (origin, (time_ns, size)) in trace.packets().enumerate() {
            let bytes = size.unsigned_abs();
            let padded = match self.classes.holding(bytes) {
                Some(class) => Direction::of(size).signed(class),
                None => {
                    ledger.oversize += 1;
                    size
                }
            };
            builder.whole(time_ns, padded, origin, bytes);
        }
        Ok(builder.finish(ledger)?)
    }

    fn guarantees(&self) -> Guarantees {
        let identity = matches!(self.classes, Classes::MultipleOf(1));
        Guarantees { identity, times_untouched: true, no_padding: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::NoPadding }
    }
}

/// Random amounts of padding, in multiples of 8 B.
#[derive(Debug)]
struct RandomPad {
    mtu: u32,
    each: Each,
}

/// What an amount is drawn for.
#[derive(Debug)]
enum Each {
    Trace,
    Packet,
    /// A packet, up to what is missing to the MTU.
    ToMtu,
}

/// 8, 16, ... 248 B.
fn up_to_255(draws: &mut Draws) -> u32 {
    8 * (1 + draws.up_to(30) as u32)
}

impl Defense for RandomPad {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let session = up_to_255(draws);
        let mut builder = DefendedTraceBuilder::with_capacity(trace.len());
        let mut ledger = Ledger::default();
        for (origin, (time_ns, size)) in trace.packets().enumerate() {
            let bytes = size.unsigned_abs();
            let padded = match self.mtu.checked_sub(bytes) {
                Some(0) => size,
                Some(missing) => {
                    let extra = match self.each {
                        Each::Trace => session,
                        Each::Packet => up_to_255(draws),
                        Each::ToMtu => 8 * draws.up_to(u64::from((missing - 1) / 8)) as u32,
                    };
                    Direction::of(size).signed(bytes + extra.min(missing))
                }
                None => {
                    ledger.oversize += 1;
                    size
                }
            };
            builder.whole(time_ns, padded, origin, bytes);
        }
        Ok(builder.finish(ledger)?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees { times_untouched: true, no_padding: true, ..Guarantees::default() }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: StopRule::NoPadding }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::defend_one;

    fn sizes(spec: &str, sizes: &[i32]) -> (Vec<i32>, u64) {
        let trace = Trace::new(vec![0; sizes.len()], sizes.to_vec()).unwrap();
        let defended = defend_one(spec, &trace);
        (defended.observe().size().to_vec(), defended.ledger().oversize)
    }

    #[test]
    fn sizes_go_up_to_their_class_and_keep_their_sign() {
        assert_eq!(sizes("pad:multiple", &[1, -128, -129, 4000]), (vec![128, -128, -256, 4096], 0));
        assert_eq!(sizes("pad:multiple,to=1B", &[1, -128]), (vec![1, -128], 0));
        assert_eq!(sizes("pad:mtu,to=1500B", &[1, -1500, -40]), (vec![1500, -1500, -1500], 0));
        let classes = sizes("pad:exponential", &[1, 128, -129, 512, 513, -1025, 1500]);
        assert_eq!(classes, (vec![128, 128, -256, 512, 1024, -1500, 1500], 0));
    }

    #[test]
    fn what_is_larger_than_the_top_class_stays_and_is_counted() {
        assert_eq!(sizes("pad:mtu,to=1448B", &[2896, -1449, -1]), (vec![2896, -1449, -1448], 2));
        assert_eq!(sizes("pad:exponential", &[1501]), (vec![1501], 1));
        assert_eq!(sizes("pad:multiple", &[i32::MIN, i32::MAX]), (vec![i32::MIN, i32::MAX], 2));
    }

    #[test]
    fn linear_and_mice_elephants_end_at_the_mtu() {
        let linear = sizes("pad:linear,mtu=1500B", &[1, 128, -129, 1408, -1409, 1500, 1501]);
        assert_eq!(linear, (vec![128, 128, -256, 1408, -1500, 1500, 1501], 1));
        let mice = sizes("pad:mice-elephants,mtu=1500B", &[1, -128, 129, -1500, 1501]);
        assert_eq!(mice, (vec![128, -128, 1500, -1500, 1501], 1));
        assert_eq!(sizes("pad:mice-elephants,mtu=100B", &[1, 101]), (vec![100, 101], 1));
    }

    /// What is added to 2,000 packets of `size`.
    fn added(spec: &str, size: i32) -> Vec<u32> {
        sizes(spec, &[size; 2_000]).0.iter().map(|padded| (padded - size).unsigned_abs()).collect()
    }

    #[test]
    fn random_255_draws_one_of_31_amounts_a_trace_or_a_packet() {
        let session = added("pad:session-random-255,mtu=1500B", 100);
        assert!(session.iter().all(|&extra| extra == session[0]) && (8..=248).contains(&session[0]));
        let packet = added("pad:packet-random-255,mtu=1500B", 100);
        let count = |amount| packet.iter().filter(|&&extra| extra == amount).count();
        // 64.5 expected of each, standard deviation 7.9
        assert!((1..=31).all(|n| (33..97).contains(&count(8 * n))));
        assert_eq!((1..=31).map(|n| count(8 * n)).sum::<usize>(), 2_000);
        assert!(added("pad:packet-random-255,mtu=1500B", -1495).iter().all(|&extra| extra == 5));
    }

    #[test]
    fn random_mtu_stays_below_the_mtu() {
        let added_to = |size| added("pad:random-mtu,mtu=1500B", size);
        let extra = added_to(1460);
        let count = |amount| extra.iter().filter(|&&extra| extra == amount).count();
        // Multiples of 8 in [0, 40): 400 expected of each, standard deviation 17.9
        assert!([0, 8, 16, 24, 32].iter().all(|&amount| (328..472).contains(&count(amount))));
        assert_eq!([0, 8, 16, 24, 32].map(count).iter().sum::<usize>(), 2_000);
        assert!(added_to(-1500).iter().chain(&added_to(1492)).all(|&extra| extra == 0));
    }
}
