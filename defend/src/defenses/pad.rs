//! Padding of each packet to a size class.

use wfkit_datasets::Trace;

use super::no_conflict;
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DefenseInfo, DelayModel,
    Direction, Draws, Guarantees, Kind, Ledger, Needs, Parameter, Preset, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "pad",
    summary: "pads every packet to a size class; times stay, no packets are added",
    source: "Dyer, Coull, Ristenpart and Shrimpton, \"Peek-a-Boo, I Still See You: Why Efficient Traffic Analysis \
             Countermeasures Fail\", IEEE S&P 2012",
    published: &[],
    caveats: &[
        "a packet above the top class stays as it is and is counted as oversize: segments that the capturing host had joined \
         (offloading) can be larger than the MTU",
        "classes are sizes of the trace's own layer; the paper's are those of whole IP packets",
        "needs sizes in bytes: cells have one size already, and are refused",
    ],
    needs: Needs { sizes: true, times: false },
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
    ],
};

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
}
