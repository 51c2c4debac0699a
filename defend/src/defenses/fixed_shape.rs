//! Fixed-shape queries: every query looks like the largest one.

use super::shaper::{Sender, Shape, Shaped, Shaper};
use super::{DELAYS, EVERY, PACKET_SIZE, STOP, no_conflict};
use crate::{
    DefaultValue, DefenseError, DefenseInfo, Direction, Draws, Kind, Needs, Parameter, ParameterValues, PerDirection,
    Preset, Profile, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "fixed-shape",
    summary: "makes every query look like the largest: the same requests and responses, of the same sizes, at the same times",
    purpose: "queries that are all small: a service that can pad its answers; hides all that traffic can tell",
    cost: "every query costs what the largest does",
    source: "request shaping by a query service, defined here; the idea of one shape for all is that of BuFLO (Dyer et al., IEEE S&P 2012) \
             with an end that does not depend on the data",
    published: &[],
    caveats: &[
        "its defaults follow from the longest and the largest trace of the set, whatever their classes: a service knows them of all queries that \
         it answers, an outsider does not",
        "a query that does not fit takes another whole shape, and so shows that it was larger; with the defaults and delays=optimistic none does",
        "with a soft stop a longer silence at the end of a shape is left alone, and the packet after it starts another one: that shows, too",
        "by default the shape lasts twice as long as the longest query and carries twice the bytes of the largest: room for whatever \
         comes last",
    ],
    needs: Needs { sizes: false, times: true, set: true, classes: false },
    presets: &[Preset {
        name: "largest",
        summary: "a shape that holds every query of the set",
        parameters: &[
            EVERY,
            PACKET_SIZE,
            Parameter {
                key: "rounds",
                kind: Kind::Count,
                min: 1,
                default: DefaultValue::Derived {
                    rule: "the rounds of the longest trace, twice",
                    derive: |profile, values| Value::Count(2 * rounds_of_longest(profile, values)),
                },
                meaning: "rounds of a query",
            },
            Parameter {
                key: "request",
                kind: Kind::Count,
                min: 1,
                default: DefaultValue::Derived {
                    rule: "what the largest trace needs in half of the rounds",
                    derive: |profile, values| per_round(profile, values, Direction::Outgoing),
                },
                meaning: "packets of a request",
            },
            Parameter {
                key: "response",
                kind: Kind::Count,
                min: 1,
                default: DefaultValue::Derived {
                    rule: "what the largest trace needs in half of the rounds",
                    derive: |profile, values| per_round(profile, values, Direction::Incoming),
                },
                meaning: "packets of a response",
            },
            DELAYS,
            STOP,
        ],
        check: no_conflict,
        build: |values, profile| {
            Ok(Box::new(Shaped(FixedShape {
                every_ns: values.duration_ns("every"),
                rounds: values.count("rounds"),
                packets: PerDirection { outgoing: values.count("request"), incoming: values.count("response") },
                shape: Shape::new(values, profile)?,
            })))
        },
    }],
};

/// The rounds until the last packet of the longest trace has arrived, the one at 0 included.
fn rounds_of_longest(profile: &Profile, values: &ParameterValues) -> u64 {
    profile.longest_ns().div_ceil(values.duration_ns("every")) + 1
}

/// Packets a round so that all bytes of the largest trace fit half of the rounds.
fn per_round(profile: &Profile, values: &ParameterValues, way: Direction) -> Value {
    let packets = profile.largest()[way].div_ceil(u64::from(values.size("size")));
    Value::Count(packets.div_ceil((values.count("rounds") / 2).max(1)).max(1))
}

#[derive(Debug)]
struct FixedShape {
    every_ns: u64,
    rounds: u64,
    packets: PerDirection<u64>,
    shape: Shape,
}

impl Sender for FixedShape {
    fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whole shapes until the load is over.
    fn load(&self, shaper: &mut Shaper<'_>, start_ns: u64, _: &mut Draws) -> Result<(), DefenseError> {
        let mut round = 0_u64;
        let mut now = start_ns;
        while round == 0 || !round.is_multiple_of(self.rounds) || !shaper.over(now) {
            for way in Direction::BOTH {
                for _ in 0..self.packets[way] {
                    shaper.send(way, now)?;
                }
            }
            round += 1;
            now += self.every_ns;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wfkit_datasets::Trace;

    use crate::defend;
    use crate::testing::{any_set, defend_one};

    proptest! {
        #[test]
        fn by_default_all_queries_of_a_set_look_the_same(set in any_set(), every in 5_u32..500, size in 100_u32..2_000) {
            let spec = format!("fixed-shape,every={every}ms,size={size}B").parse().unwrap();
            let observed = defend(&set, &spec, 1).unwrap().observe();
            let first = &observed.traces()[0].trace;
            prop_assert!(observed.traces().iter().all(|t| &t.trace == first));
        }
    }

    #[test]
    fn rounds_follow_the_clock_and_a_large_query_takes_another_shape() {
        let observed = |trace: &Trace| {
            let spec = "fixed-shape,every=10ms,size=100B,rounds=2,request=1,response=2";
            let packets = defend_one(spec, trace).observe();
            packets.packets().map(|(t, size)| (t / 1_000_000, size)).collect::<Vec<_>>()
        };
        let shape = [(0, 100), (0, -100), (0, -100), (10, 100), (10, -100), (10, -100)];
        assert_eq!(observed(&Trace::new(vec![0, 5_000_000], vec![90, -200]).unwrap()), shape);
        assert_eq!(observed(&Trace::new(vec![0, 5_000_000], vec![90, -201]).unwrap()).len(), 12);
    }
}
