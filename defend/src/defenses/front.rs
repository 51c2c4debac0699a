//! FRONT: a random number of padding packets, most of them early.

use wfkit_datasets::Trace;

use super::loads::{loads, tail_ns};
use super::{PADDING_SIZE, STOP, with_padding};
use crate::{
    Assumptions, DefaultValue, DefendedTrace, Defense, DefenseError, DefenseInfo, DelayModel, Direction, Draws,
    Guarantees, Kind, Ledger, Needs, Parameter, ParameterValues, PerDirection, Preset, Profile, StopRule, Value,
};

pub(super) const INFO: DefenseInfo = DefenseInfo {
    name: "front",
    summary: "adds a random number of padding packets at Rayleigh-distributed times, mostly early; delays nothing",
    purpose: "the first to try where nothing may wait; start here",
    cost: "four fifths more bytes on page loads, several times as many on short queries; no delay",
    source: "Gong and Wang, \"Zero-delay Lightweight Defenses against Website Fingerprinting\", USENIX Security 2020",
    published: &[
        "ft-1: bandwidth 33 %, latency 0 (the paper, 100 x 100 pages, 2019)",
        "ft-2: bandwidth 49 %, latency 0 (the paper)",
        "N=1700: bandwidth 81 %, N=2500: 119 % (Holland and Hopper, PoPETs 2022, on the shorter traces of Sirinam et al.)",
    ],
    caveats: &[
        "the budget does not follow the load: overhead is large on short traces",
        "stops with the last normal packet of the trace, which a deployment cannot know (unless stop=soft:W, which draws a new budget \
         for every load); padding due later is dropped and counted",
        "the peer's clock starts at the first incoming packet; without one, all the peer's padding is dropped",
        "budget=maybenot is the budget of that port alone, not its timing, which approximates Rayleigh times by some normal ones",
        "no link limit: padding delays nothing, which a real network does not promise",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[
        Preset {
            name: "ft-1",
            summary: "the paper's light setting, N = 1700",
            parameters: &parameters(1700),
            check,
            build,
        },
        Preset {
            name: "ft-2",
            summary: "the paper's heavy setting, N = 2500",
            parameters: &parameters(2500),
            check,
            build,
        },
    ],
};

/// Of one side, where only both together are given.
const AS_N: DefaultValue = DefaultValue::Derived { rule: "as n", derive: |_, values| Value::Count(values.count("n")) };

const fn parameters(n: u64) -> [Parameter; 8] {
    const SECOND: u64 = 1_000_000_000;
    [
        Parameter::count(
            "n",
            0,
            n,
            "each side draws its number of padding packets uniformly from 1 to this; 0 sends none",
        ),
        Parameter {
            key: "n-client",
            kind: Kind::Count,
            min: 0,
            default: AS_N,
            meaning: "the same for the client alone",
        },
        Parameter { key: "n-server", kind: Kind::Count, min: 0, default: AS_N, meaning: "the same for the peer alone" },
        Parameter {
            key: "budget",
            kind: Kind::Choice(&["paper", "code", "maybenot"]),
            min: 0,
            default: DefaultValue::Is(Value::Choice("paper")),
            meaning: "the number drawn: 1 to N (paper), 1 to N - 1 (WFZoo's code), or up to what such a number drew (about N / 4 in the mean, \
                      as in maybenot-machines)",
        },
        Parameter::duration("w-min", 1, SECOND, "each side draws its window (the Rayleigh scale) uniformly from here"),
        Parameter::duration("w-max", 1, 14 * SECOND, "to here"),
        PADDING_SIZE,
        STOP,
    ]
}

fn check(values: &ParameterValues) -> Result<(), String> {
    let (min, max) = (values.duration_ns("w-min"), values.duration_ns("w-max"));
    if min > max {
        return Err(format!("w-min ({}) is above w-max ({})", Value::Duration(min), Value::Duration(max)));
    }
    Ok(())
}

fn build(values: &ParameterValues, _: &Profile) -> Result<Box<dyn Defense>, String> {
    Ok(Box::new(Front {
        budget: PerDirection { outgoing: values.count("n-client"), incoming: values.count("n-server") },
        window_ns: (values.duration_ns("w-min") as f64, values.duration_ns("w-max") as f64),
        size: values.size("size"),
        stop: values.stop("stop"),
        draw: match values.choice("budget") {
            "code" => Draw::BelowN,
            "maybenot" => Draw::Twice,
            _ => Draw::ToN,
        },
    }))
}

#[derive(Debug)]
pub(super) struct Front {
    budget: PerDirection<u64>,
    window_ns: (f64, f64),
    size: u32,
    stop: StopRule,
    draw: Draw,
}

/// How the number of padding packets is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Draw {
    /// 1 to N.
    ToN,
    /// 1 to N - 1, as NumPy's `randint` does, whose end is exclusive.
    BelowN,
    /// 1 to a number drawn from 1 to N - 1: what a port with one state does, which draws a budget when a machine is made and a limit below it when it
    /// starts.
    Twice,
}

impl Front {
    /// As in the paper, with a budget of `n` a side and windows of 1 s to 14 s.
    pub(super) fn of_paper(n: u64, size: u32) -> Self {
        let budget = PerDirection { outgoing: n, incoming: n };
        Self { budget, window_ns: (1e9, 14e9), size, stop: StopRule::Oracle, draw: Draw::ToN }
    }

    /// Adds the padding of one load, which has these times and sizes.
    pub(super) fn pad_load(
        &self,
        (times, sizes): (&[u64], &[i32]),
        padding: &mut Vec<(u64, i32)>,
        ledger: &mut Ledger,
        draws: &mut Draws,
    ) -> Result<(), DefenseError> {
        let end = times[times.len() - 1].saturating_add(tail_ns(self.stop));
        let first_incoming = sizes.iter().position(|&size| size < 0).map(|first| times[first]);
        let clock_start = PerDirection { outgoing: Some(times[0]), incoming: first_incoming };
        for direction in Direction::BOTH {
            let times = self.padding_times(self.budget[direction], padding.len(), draws)?;
            let size = direction.signed(self.size);
            let in_time = |&time: &u64| clock_start[direction]?.checked_add(time).filter(|&time| time <= end);
            let before = padding.len();
            padding.extend(times.iter().filter_map(in_time).map(|time| (time, size)));
            let sent = (padding.len() - before) as u64;
            ledger.padding_drawn[direction] += times.len() as u64;
            ledger.padding_dropped[direction] += times.len() as u64 - sent;
        }
        ledger.loads += 1;
        Ok(())
    }

    /// The times of one side's padding, counted from the start of its clock, for a trace that has so many padding packets already.
    fn padding_times(&self, budget: u64, already: usize, draws: &mut Draws) -> Result<Vec<u64>, DefenseError> {
        if budget == 0 {
            return Ok(Vec::new());
        }
        let up_to = |most: u64, draws: &mut Draws| 1 + draws.up_to(most.max(1) - 1);
        let packets = match self.draw {
            Draw::ToN => up_to(budget, draws),
            Draw::BelowN => up_to(budget - 1, draws),
            Draw::Twice => {
                let most = up_to(budget - 1, draws);
                up_to(most, draws)
            }
        };
        draws.allow(already.saturating_add(packets as usize))?;
        let window = draws.uniform(self.window_ns.0, self.window_ns.1);
        Ok((0..packets).map(|_| draws.rayleigh(window).round() as u64).collect())
    }
}

impl Defense for Front {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let mut ledger = Ledger::default();
        let mut padding = Vec::new();
        for load in loads(trace, self.stop) {
            let load = (&trace.time_ns()[load.clone()], &trace.size()[load]);
            self.pad_load(load, &mut padding, &mut ledger, draws)?;
        }
        padding.sort_by_key(|&(time, _)| time); // stable: at equal times outgoing first
        Ok(with_padding(trace, &padding).finish(ledger)?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            identity: self.budget.total() == 0,
            times_untouched: true,
            sizes_untouched: true,
            ends_with_data: self.stop == StopRule::Oracle,
            quiet_ns: Some(tail_ns(self.stop)).filter(|&quiet| quiet > 0),
            budget: Some(self.budget),
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        Assumptions { delay_model: DelayModel::None, stop_rule: self.stop }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};

    const HOUR: u64 = 3_600_000_000_000;

    #[test]
    fn the_mean_budget_is_half_of_n_and_a_bit() {
        let trace = Trace::new(vec![0, 1, HOUR], vec![1, -1, 1]).unwrap();
        let traces = defend_many("front,n-client=100,n-server=9,size=1B", &trace, 4_000);
        let mean = |direction: Direction| {
            traces.iter().map(|t| t.ledger().padding_drawn[direction] as f64).sum::<f64>() / traces.len() as f64
        };
        // standard errors 0.46 and 0.04
        assert!((mean(Direction::Outgoing) - 50.5).abs() < 1.6, "{}", mean(Direction::Outgoing));
        assert!((mean(Direction::Incoming) - 5.0).abs() < 0.14, "{}", mean(Direction::Incoming));
        // within the hour nothing is dropped
        assert!(traces.iter().all(|t| t.ledger().padding_dropped.total() == 0));
        assert!(traces.iter().any(|t| t.ledger().padding_drawn.outgoing == 100));
        assert!(traces.iter().any(|t| t.ledger().padding_drawn.outgoing == 1));
    }

    #[test]
    fn published_code_draws_smaller_budgets() {
        let trace = Trace::new(vec![0, 1, HOUR], vec![1, -1, 1]).unwrap();
        let mean = |budget: &str| {
            let spec = format!("front,n-client=101,n-server=2,size=1B,budget={budget}");
            let traces = defend_many(&spec, &trace, 4_000);
            traces.iter().map(|t| t.ledger().padding_drawn.outgoing as f64).sum::<f64>() / traces.len() as f64
        };
        // Means 51, 50.5 and (1 + 50.5) / 2, standard errors 0.46, 0.46 and 0.35.
        assert!((mean("paper") - 51.0).abs() < 1.6 && (mean("code") - 50.5).abs() < 1.6);
        assert!((mean("maybenot") - 25.75).abs() < 1.3, "{}", mean("maybenot"));
        let one = defend_one("front,n-client=1,n-server=0,size=1B,budget=maybenot", &trace);
        assert_eq!(one.ledger().padding_drawn.outgoing, 1);
    }

    #[test]
    fn padding_times_are_rayleigh_on_the_clock_of_each_side() {
        let late = 60_000_000_000; // the first incoming packet
        let trace = Trace::new(vec![0, late, HOUR], vec![1, -1, 1]).unwrap();
        let traces = defend_many("front,w-min=5s,w-max=5s,size=1B", &trace, 60);
        let times = |direction: Direction, start: u64| -> Vec<u64> {
            let packets = traces.iter().flat_map(DefendedTrace::packets);
            packets.filter(|p| p.is_padding() && p.direction() == direction).map(|p| p.time_ns - start).collect()
        };
        for times in [times(Direction::Outgoing, 0), times(Direction::Incoming, late)] {
            let within = times.iter().filter(|&&t| t <= 5_000_000_000).count() as f64 / times.len() as f64;
            assert!(times.len() > 40_000 && (within - 0.3935).abs() < 0.01, "{within} of {}", times.len());
        }
    }

    #[test]
    fn padding_after_the_load_is_dropped_and_counted() {
        let trace = Trace::new(vec![0, 2_000_000_000], vec![1, -1]).unwrap();
        let defended = defend_one("front", &trace);
        let ledger = defended.ledger();
        assert!(ledger.padding_dropped.outgoing > 0);
        // The peer's clock starts with the last packet of all.
        assert_eq!(ledger.padding_dropped.incoming, ledger.padding_drawn.incoming);
        assert!(ledger.padding_drawn.incoming > 0);
    }

    #[test]
    fn a_soft_stop_goes_on_for_its_quiet_time_and_starts_anew() {
        let second = 1_000_000_000;
        let trace = Trace::new(vec![0, second, 60 * second], vec![1, -1, 1]).unwrap();
        let spec = "front,n-client=500,n-server=500,w-min=2s,w-max=2s,stop=soft:3s";
        for defended in defend_many(spec, &trace, 20) {
            let out: Vec<u64> = defended
                .packets()
                .filter(|p| p.is_padding() && p.direction() == Direction::Outgoing)
                .map(|p| p.time_ns / second)
                .collect();
            assert!(out.iter().all(|s| (0..=4).contains(s) || (60..=63).contains(s)), "{out:?}");
            assert_eq!(defended.ledger().loads, 2);
            // The second load has no incoming packet.
            assert!(defended.packets().all(|p| p.direction() == Direction::Outgoing || p.time_ns <= 4 * second));
        }
    }

    #[test]
    fn without_an_incoming_packet_the_peer_sends_nothing() {
        let trace = Trace::new(vec![0, HOUR], vec![1, 1]).unwrap();
        let defended = defend_one("front", &trace);
        assert!(defended.packets().all(|p| p.direction() == Direction::Outgoing));
        assert!(defended.ledger().padding_dropped.incoming > 0);
    }
}
