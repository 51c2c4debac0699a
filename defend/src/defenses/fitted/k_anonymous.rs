//! k-anonymous shapes: every query looks like the largest of its set.

use wfkit_datasets::Trace;

use super::anonymity::AnonymitySets;
use super::schedule::Schedule;
use super::{Class, K};
use crate::defenses::{DELAYS, EVERY, PACKET_SIZE, no_conflict};
use crate::{DefenseInfo, Direction, Needs, Parameter, ParameterValues, PerDirection, Preset};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "k-anonymous",
    summary: "cuts the queries into sets of k or more and makes each look like the largest of its set, as fixed-shape does with all of them",
    purpose: "a service that knows its answers, where one shape for all is too dear",
    cost: "every query costs what the largest of its set of k does",
    source: "request shaping by a query service, defined here; sets as in Wang, Cai, Nithyanand, Johnson and Goldberg, \"Effective Attacks \
             and Provable Defenses for Website Fingerprinting\", USENIX Security 2014",
    published: &[],
    caveats: &[
        "an observer can still tell the sets apart: at best one of k, and less where queries are not asked equally often",
        "classes in the order of their mean bytes are cut into neighbours so that all sets together cost the least",
        "a shape lasts `room` times as long as the longest training trace of its set, and the bytes of the largest fit what is behind that; a query that \
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
            EVERY,
            PACKET_SIZE,
            Parameter::ratio(
                "room",
                1_000_000,
                2_000_000,
                "how many times as long as the longest training trace a shape is",
            ),
            DELAYS,
        ],
        check: no_conflict,
        build: |values, profile| {
            let packets = |set: &[Extent]| Rounds::holding(set, values).total() as f64;
            let schedule = |_: &[Class<'_>], set: &[Extent]| Rounds::holding(set, values).schedule(values);
            Ok(Box::new(AnonymitySets::fit(values, profile, Extent::of, packets, schedule)?))
        },
    }],
};

/// The longest and the largest trace of a class.
struct Extent {
    longest_ns: u64,
    largest: PerDirection<u64>,
}

impl Extent {
    fn of((_, traces): &Class<'_>) -> Self {
        let most = |of: fn(&Trace) -> u64| traces.iter().map(|trace| of(trace)).max().unwrap_or(0);
        let largest = PerDirection { outgoing: most(Trace::out_bytes), incoming: most(Trace::in_bytes) };
        Self { longest_ns: most(Trace::duration_ns), largest }
    }
}

/// How many rounds there are, with how many packets each way.
struct Rounds {
    rounds: u64,
    packets: PerDirection<u64>,
}

impl Rounds {
    /// Rounds until the longest trace is over and some more, and packets a round so that the bytes of the largest fit those that
    /// come after it: whenever the bytes come, all are through in the end.
    fn holding(set: &[Extent], values: &ParameterValues) -> Self {
        let (every_ns, size, room) = (values.duration_ns("every"), values.size("size"), values.ratio("room"));
        let longest_ns = set.iter().map(|extent| extent.longest_ns).max().unwrap_or(0);
        let to_wait = longest_ns.div_ceil(every_ns) + 1;
        let to_send = ((to_wait as f64 * (room - 1.0)).ceil() as u64).max(1);
        let most = |way| set.iter().map(|extent| extent.largest[way]).max().unwrap_or(0);
        let packets = PerDirection::from_fn(|way| most(way).div_ceil(u64::from(size)).div_ceil(to_send).max(1));
        Self { rounds: to_wait + to_send, packets }
    }

    fn total(&self) -> u64 {
        self.rounds.saturating_mul(self.packets.total())
    }

    fn schedule(&self, values: &ParameterValues) -> Schedule {
        let every_ns = values.duration_ns("every");
        let round = |round: u64| {
            let slots = move |way| std::iter::repeat_n((round * every_ns, way), self.packets[way] as usize);
            Direction::BOTH.into_iter().flat_map(slots)
        };
        Schedule::new((0..self.rounds).flat_map(round).collect(), self.rounds * every_ns, values.size("size"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::anonymity::tests::growing;
    use super::*;
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
