//! Sending over several paths, of which an observer sees some.

mod hywf;
mod trafficsliver;

use wfkit_datasets::Trace;

pub(super) use self::hywf::INFO as HYWF;
pub(super) use self::trafficsliver::INFO as TRAFFICSLIVER;
use crate::spec::specification::{PATHS, SEE};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DelayModel, Direction,
    Draws, Guarantees, Kind, Ledger, Parameter, ParameterValues, PerDirection, Piece, StopRule, Value,
};

/// The most paths of one split.
const MOST_PATHS: u64 = 200;

/// Draws of a split until something is to be seen, or nothing ever will be.
const MOST_DRAWS: u64 = 10_000;

/// Sends the packets of a trace over several paths, each in order.
///
/// The client's packets leave at their times. A path brings incoming packets up to `latency_ns` later than the fastest path
/// would, drawn uniformly for each path and load, so they reach the client on one path in order, but not over all paths.
///
/// An observer of paths that carry nothing of a load does not know that there was one. Splits are therefore drawn again until there
/// is something to see: what is simulated are the loads that the observer knows of.
#[derive(Debug)]
struct Split<S> {
    scheme: S,
    paths: u64,
    /// The observer sees paths 1 to this.
    see: u64,
    latency_ns: u64,
    delays: DelayModel,
}

/// Which packet takes which path.
trait Scheme: std::fmt::Debug + Send + Sync {
    /// The path of each packet, from 0: what the client decides for its packets, then its peer for the others. There are so
    /// many packets each way, and `paths` paths.
    fn assign(&self, packets: PerDirection<usize>, paths: u64, draws: &mut Draws) -> PerDirection<Vec<u64>>;
}

impl<S: Scheme> Split<S> {
    fn new(scheme: S, values: &ParameterValues) -> Self {
        Self {
            scheme,
            paths: values.count(PATHS),
            see: values.count(SEE),
            latency_ns: values.duration_ns("latency"),
            delays: super::delay_model(values),
        }
    }
}

impl<S: Scheme> Defense for Split<S> {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let packets = PerDirection { outgoing: trace.out_packets(), incoming: trace.in_packets() };
        let mut ledger = Ledger::default();
        let assigned = loop {
            let assigned = self.scheme.assign(packets, self.paths, draws);
            if Direction::BOTH.into_iter().any(|way| assigned[way].iter().any(|&path| path < self.see)) {
                break assigned;
            }
            ledger.unseen_draws += 1;
            if ledger.unseen_draws == MOST_DRAWS {
                return Err(DefenseError::Unseen { draws: MOST_DRAWS });
            }
        };
        let later: Vec<u64> =
            (0..self.paths).map(|_| draws.uniform(0.0, self.latency_ns as f64).round() as u64).collect();
        let mut next = PerDirection { outgoing: 0, incoming: 0 };
        let place = |(origin, (time_ns, size)): (usize, (u64, i32))| {
            let way = Direction::of(size);
            let path = assigned[way][next[way]];
            next[way] += 1;
            let held_ns = if way == Direction::Incoming { later[path as usize] } else { 0 };
            (time_ns.saturating_add(held_ns), origin, path as u16 + 1)
        };
        let mut placed: Vec<(u64, usize, u16)> = trace.packets().enumerate().map(place).collect();
        placed.sort_unstable(); // at equal times in the order of arrival
        let mut builder = DefendedTraceBuilder::split(trace.len(), self.see as u16);
        for (time_ns, origin, path) in placed {
            let size = trace.size()[origin];
            builder.packet_on(path, time_ns, size, &[Piece { origin: origin as u32, bytes: size.unsigned_abs() }]);
        }
        Ok(builder.finish(ledger)?)
    }

    fn guarantees(&self) -> Guarantees {
        let at_once = self.latency_ns == 0;
        Guarantees {
            identity: at_once && self.delays == DelayModel::None,
            times_untouched: at_once && self.delays == DelayModel::None,
            sizes_untouched: true,
            no_padding: true,
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: self.delays, stop_rule: StopRule::NoPadding }
    }
}

const fn paths(default: u64) -> Parameter {
    let default = DefaultValue::Is(Value::Count(default));
    Parameter { key: PATHS, kind: Kind::Count, min: 2, default, meaning: "how many paths there are, at most 200" }
}

const SEEN: Parameter = Parameter::count(
    SEE,
    1,
    1,
    "how many of them the observer sees together: the first so many; all of them, and nothing is hidden",
);

const LATENCY: Parameter = Parameter::duration(
    "latency",
    0,
    50_000_000,
    "the most by which incoming packets are later on a path than on the fastest one, drawn for each path and load",
);

const DELAYS: Parameter = Parameter {
    kind: Kind::Choice(&["none", "inferred"]),
    default: DefaultValue::Is(Value::Choice("none")),
    meaning: "what waits for a packet on a slow path: nothing else, or what seems to answer it",
    ..super::DELAYS
};

fn check(values: &ParameterValues) -> Result<(), String> {
    let (paths, see) = (values.count(PATHS), values.count(SEE));
    if paths > MOST_PATHS {
        return Err(format!("{paths} paths are more than {MOST_PATHS}"));
    }
    if see > paths {
        return Err(format!("see ({see}) is above the number of paths ({paths})"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};

    const MS: u64 = 1_000_000;

    fn trace(packets: u64) -> Trace {
        let size = |i| if i % 3 == 0 { 100 + i as i32 } else { -1000 - i as i32 };
        Trace::new((0..packets).map(|i| i * MS).collect(), (0..packets).map(size).collect()).unwrap()
    }

    #[test]
    fn who_sees_all_paths_at_once_sees_everything() {
        let trace = trace(500);
        for spec in ["trafficsliver,paths=3,see=3,latency=0s", "hywf,see=2,latency=0s"] {
            assert_eq!(defend_one(spec, &trace).observe(), trace, "{spec}");
        }
    }

    #[test]
    fn a_slow_path_is_late_by_one_time_for_all_that_comes_in() {
        let trace = trace(900);
        for defended in defend_many("trafficsliver,latency=80ms", &trace, 20) {
            let mut later = [None; 6];
            for packet in defended.packets() {
                let held_ns = packet.time_ns - trace.time_ns()[packet.carries[0].origin as usize];
                match packet.direction() {
                    Direction::Outgoing => assert_eq!(held_ns, 0),
                    Direction::Incoming => {
                        assert!(held_ns <= 80 * MS);
                        assert_eq!(held_ns, *later[usize::from(packet.path)].get_or_insert(held_ns));
                    }
                }
            }
        }
    }

    #[test]
    fn a_load_is_drawn_until_something_of_it_is_seen() {
        let one = Trace::new(vec![0], vec![-100]).unwrap();
        let copies = defend_many("trafficsliver,paths=4", &one, 2_000);
        assert!(copies.iter().all(|copy| copy.observe() == one));
        let unseen: u64 = copies.iter().map(|copy| copy.ledger().unseen_draws).sum();
        // A quarter is seen: three draws before each in the mean, with a standard deviation of sqrt(12).
        assert!((unseen as f64 / 2_000.0 - 3.0).abs() < 0.35, "{unseen}");
    }

    #[test]
    fn parameters_that_do_not_fit_are_refused() {
        let refused = |text: &str| text.parse::<crate::DefenseSpec>().unwrap_err().to_string();
        assert_eq!(refused("hywf,see=3"), "hywf:pets20: see (3) is above the number of paths (2)");
        assert!(refused("trafficsliver,paths=201").contains("more than 200"));
        assert!(refused("trafficsliver,paths=1").contains("not within 2"));
    }
}
