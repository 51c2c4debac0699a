//! k-anonymous shapes: every query looks like the largest of its set.

use super::anonymity::AnonymitySets;
use super::schedule::Schedule;
use super::{Class, K, SIZE};
use crate::defenses::{DELAYS, no_conflict};
use crate::{DefaultValue, DefenseInfo, Direction, Kind, Needs, Parameter, PerDirection, Preset, Value, Values};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "k-anonymous",
    summary: "cuts the queries into sets of k or more and makes each look like the largest of its set, as fixed-shape does with all of them",
    source: "request shaping by a query service, defined here; sets as in Wang, Cai, Nithyanand, Johnson and Goldberg, \"Effective Attacks \
             and Provable Defenses for Website Fingerprinting\", USENIX Security 2014",
    published: &[],
    caveats: &[
        "an observer can still tell the sets apart: at best one of k, and less where queries are not asked equally often",
        "classes in the order of their mean bytes are cut into neighbours so that all sets together cost the least",
        "a shape lasts `room` times as long as the longest training trace of its set and carries so many times the bytes of the largest; a query that \
         does not fit takes another whole shape, and is counted as a misfit",
        "a class that the training traces do not have takes the smallest shape that it fits, which shows more than the set of a class would; such \
         traces are counted",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: true },
    presets: &[Preset {
        name: "shapes",
        summary: "rounds of requests and responses, as many for every query of a set",
        parameters: &[
            K,
            Parameter {
                key: "every",
                kind: Kind::Duration,
                min: 1_000_000,
                default: DefaultValue::Is(Value::Duration(100_000_000)),
                meaning: "time between rounds: a request and its response",
            },
            SIZE,
            Parameter {
                key: "room",
                kind: Kind::Ratio,
                min: 1_000_000,
                default: DefaultValue::Is(Value::Ratio(2_000_000)),
                meaning: "how many times as long and as large as the training traces a shape is",
            },
            DELAYS,
        ],
        check: no_conflict,
        build: |values, profile| {
            let packets = |set: &[Class<'_>]| shape(set, values).packets() as f64;
            Ok(Box::new(AnonymitySets::fit(values, profile, packets, |set| shape(set, values))?))
        },
    }],
};

/// Rounds until the longest trace is over, and packets a round so that `room` times the bytes of the largest fit them; both with
/// that room. So everything fits by the end of the last round whenever it comes.
fn shape(set: &[Class<'_>], values: &Values) -> Schedule {
    let (every_ns, size, room) = (values.duration_ns("every"), values.size("size"), values.ratio("room"));
    let traces = || set.iter().flat_map(|(_, traces)| traces);
    let longest_ns = traces().map(|trace| trace.duration_ns()).max().unwrap_or(0);
    let largest = PerDirection {
        outgoing: traces().map(|trace| trace.out_bytes()).max().unwrap_or(0),
        incoming: traces().map(|trace| trace.in_bytes()).max().unwrap_or(0),
    };
    let to_wait = longest_ns.div_ceil(every_ns) + 1;
    let rounds = (to_wait as f64 * room).ceil() as u64;
    // What arrives with the last packet has the rounds behind it, one at least.
    let to_send = (rounds - to_wait).max(1);
    let packets = PerDirection::from_fn(|way| largest[way].div_ceil(u64::from(size)).div_ceil(to_send).max(1));
    let one = |round: u64| {
        let slots = move |way| std::iter::repeat_n((round * every_ns, way), packets[way] as usize);
        Direction::BOTH.into_iter().flat_map(slots)
    };
    Schedule::new((0..rounds.max(to_wait + 1)).flat_map(one).collect(), rounds.max(to_wait + 1) * every_ns, size)
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::Trace;

    use super::super::anonymity::tests::growing;
    use crate::{DefenseSpec, defend};

    #[test]
    fn a_shape_has_rounds_of_requests_and_responses() {
        let set = growing(1);
        let spec = "k-anonymous,every=50ms,size=500B,k=1".parse::<DefenseSpec>().unwrap().fit(set.clone());
        let observed = defend(&set, &spec, 1).unwrap().observe();
        // 78 ms at most: 3 rounds to wait and 3 to send 600 B out and 4012 B in, which is 1 packet and 3 a round.
        let packets: Vec<(u64, i32)> =
            (0..6).flat_map(|round| [500, -500, -500, -500].map(|size| (round * 50_000_000, size))).collect();
        let (times, sizes) = packets.into_iter().unzip();
        assert_eq!(observed.traces()[0].trace, Trace::new(times, sizes).unwrap());
    }
}
