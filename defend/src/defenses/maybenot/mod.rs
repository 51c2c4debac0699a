//! Machines of Maybenot, run by its own simulator: a second engine of defences.

#[cfg(test)]
mod agreement;
mod machines;
mod presets;
mod simulation;

pub(super) use self::presets::INFO;

use wfkit_datasets::Trace;

use self::machines::{Abilities, Recipe};
use self::simulation::Link;
use crate::{
    Assumptions, DefendedTrace, DefendedTraceBuilder, Defense, DefenseError, DelayModel, Direction, Draws, Guarantees,
    Ledger, PerDirection, StopRule,
};

/// Machines at both ends of a link.
#[derive(Debug)]
struct Maybenot {
    recipe: Recipe,
    abilities: Abilities,
    link: Link,
    /// Bytes of a padding packet.
    size: u32,
    stop: StopRule,
    /// The most padding packets each way, where there is a limit.
    budget: Option<PerDirection<u64>>,
}

impl Maybenot {
    /// Whether normal packets pass when they arrive.
    fn delays_nothing(&self) -> bool {
        !self.abilities.block && self.link.pps.is_none()
    }
}

impl Defense for Maybenot {
    fn defend(&self, trace: &Trace, draws: &mut Draws) -> Result<DefendedTrace, DefenseError> {
        let machines = self.recipe.make(draws)?;
        let passed = self.link.simulate(trace, &machines, draws.up_to(u64::MAX), draws.limit())?;

        // The simulator's packets have no names: those of a direction pass in the order in which they arrived.
        let sizes = trace.size();
        let mut waiting =
            PerDirection::from_fn(|way| (0..sizes.len()).filter(move |&i| Direction::of(sizes[i]) == way));
        let mut packets: Vec<(u64, Option<usize>, Direction)> = Vec::with_capacity(passed.len());
        for packet in passed {
            let origin = packet.normal.then(|| waiting[packet.way].next().expect("as many pass as there are"));
            packets.push((packet.time_ns, origin, packet.way));
        }
        // Stable. At equal times normal packets go first, in the order of arrival.
        packets.sort_by_key(|&(time_ns, origin, _)| (time_ns, origin.unwrap_or(sizes.len())));

        let mut builder = DefendedTraceBuilder::with_capacity(packets.len());
        let mut ledger = Ledger { loads: 1, ..Ledger::default() };
        for (time_ns, origin, way) in packets {
            match origin {
                Some(origin) => builder.whole(time_ns, sizes[origin], origin, sizes[origin].unsigned_abs()),
                None => {
                    builder.padding(time_ns, way.signed(self.size));
                    ledger.padding_drawn[way] += 1;
                }
            }
        }
        Ok(builder.finish(ledger)?)
    }

    fn guarantees(&self) -> Guarantees {
        Guarantees {
            identity: self.delays_nothing() && !self.abilities.pad,
            times_untouched: self.delays_nothing(),
            sizes_untouched: true,
            no_padding: !self.abilities.pad,
            // With a tail no `quiet_ns`: inside a load the port can go on for longer, until the second normal packet of an end.
            ends_with_data: self.link.tail_ns == 0,
            budget: self.budget,
            ..Guarantees::default()
        }
    }

    fn assumptions(&self) -> Assumptions {
        let delay_model = if self.delays_nothing() { DelayModel::None } else { DelayModel::Aggregate };
        Assumptions { delay_model, stop_rule: if self.abilities.pad { self.stop } else { StopRule::NoPadding } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{defend_many, defend_one};
    use crate::{DefenseSpec, Pipeline, Profile, list};

    const MS: u64 = 1_000_000;

    /// Pads 5 s after it received something, then waits for the next (an example of the crate maybenot-machines).
    const ECHO: &str = "02eNpti1EJACAQQzcjWEjMYCEjGsUCojiUg-Pex2CPbe0HxCz4JCVJoJvF7SEjt-qUtnY-gDUNIg==";

    /// Time in ms, size, and whether it is padding.
    fn packets(defended: &DefendedTrace) -> Vec<(u64, i32, bool)> {
        defended.packets().map(|packet| (packet.time_ns / MS, packet.size, packet.is_padding())).collect()
    }

    fn trace(packets: &[(u64, i32)]) -> Trace {
        let (times, sizes) = packets.iter().map(|&(time_ms, size)| (time_ms * MS, size)).unzip();
        Trace::new(times, sizes).unwrap()
    }

    #[test]
    fn every_port_defends_odd_traces() {
        let presets = list().iter().find(|defense| defense.name == "maybenot").unwrap().presets;
        let odd: [&[(u64, i32)]; 7] = [
            &[(0, 100)],
            &[(0, -100)],
            &[(0, -1), (0, -2), (7, -3)],
            &[(0, 1), (9_000, 2)],
            &[(0, 1), (0, -2), (0, 3), (0, -4)],
            &[(0, -2), (0, 1), (0, -4), (40_000, 3)],
            &[(0, 5), (0, 5), (0, 5), (0, 5), (0, 5), (0, 5), (1, -5)],
        ];
        for preset in presets {
            for packets in odd {
                for delay in ["delay=0s", "delay=10ms", "delay=300ms"] {
                    // Every invariant is checked.
                    defend_one(&format!("maybenot:{},{delay}", preset.name), &trace(packets));
                }
            }
        }
    }

    #[test]
    fn machines_that_do_nothing_return_the_trace() {
        let odd = trace(&[(0, -2), (0, 1), (0, -4), (0, 3), (8, 5), (8, -6), (9, 7)]);
        for spec in ["maybenot:noop", "maybenot:machines", "maybenot:machines,client=02eNpjYEAHjOgCAAA0AAI="] {
            assert_eq!(defend_one(spec, &odd).observe(), odd, "{spec}");
        }
    }

    #[test]
    fn machines_of_the_user_run_at_the_end_they_are_given_to() {
        let load = trace(&[(0, 100), (50_000, -200), (200_000, 300)]);
        let client = defend_one(&format!("maybenot:machines,client={ECHO},size=7B"), &load);
        assert_eq!(
            packets(&client),
            [(0, 100, false), (50_000, -200, false), (55_000, 7, true), (200_000, 300, false)]
        );
        // The request reaches the peer after 10 ms, its padding the client 10 ms after the 5 s that it waits.
        let peer = defend_one(&format!("maybenot:machines,server={ECHO},size=7B"), &load);
        assert_eq!(packets(&peer), [(0, 100, false), (5_020, -7, true), (50_000, -200, false), (200_000, 300, false)]);
        let far = defend_one(&format!("maybenot:machines,server={ECHO},size=7B,delay=20ms"), &load);
        assert_eq!(packets(&far)[1], (5_040, -7, true));
        // Both, and the client twice: what one end pads the other answers, until the load is over.
        let both = defend_one(&format!("maybenot:machines,client={ECHO};{ECHO},server={ECHO},size=7B"), &load);
        assert!(packets(&both).starts_with(&[
            (0, 100, false),
            (5_020, -7, true),
            (10_020, 7, true),
            (10_020, 7, true)
        ]));
    }

    #[test]
    fn what_is_no_machine_is_told() {
        let error = |text: &str| text.parse::<DefenseSpec>().unwrap_err().to_string();
        assert_eq!(
            error(&format!("maybenot:machines,server={ECHO};02eAAAA")),
            "maybenot:machines: server: machine 2: invalid machine: base64 decoding failed"
        );
        assert!(error("maybenot:machines,client=01eAAAA").contains("version mismatch"));
        assert!(error("maybenot:machines,client=02e").starts_with("maybenot:machines: client: machine 1"));
        assert_eq!(
            error("maybenot:machines,client=02e A"),
            "maybenot:machines: client: ` ` is neither a letter nor a digit nor one of -_/=;"
        );
        let spec: DefenseSpec = format!("maybenot:machines,client={ECHO}+pad:mtu").parse().unwrap();
        assert_eq!(spec.to_string(), format!("maybenot:machines,client={ECHO}+pad:mtu"));
    }

    #[test]
    fn parameters_that_the_ports_cannot_take_are_told() {
        let error = |text: &str| text.parse::<DefenseSpec>().unwrap_err().to_string();
        assert_eq!(error("maybenot:front,w-min=14s"), "maybenot:front: w-min (14s) is not below w-max (14s)");
        assert_eq!(error("maybenot:front,n=1"), "maybenot:front: n: `1` is not within 2 and 1000000");
        assert_eq!(error("maybenot:front,states=101"), "maybenot:front: states is above 100");
        assert_eq!(error("maybenot:regulator,decay=1"), "maybenot:regulator: decay is not below 1");
        assert!(error("maybenot:tamaraw,delays=inferred").contains("has no parameter `delays`"));
    }

    #[test]
    fn a_machine_that_never_lets_time_pass_is_given_up() {
        use maybenot::action::Action;
        use maybenot::dist::{Dist, DistType};
        use maybenot::event::Event;
        use maybenot::state::{State, Trans};

        let mut transitions = State::new(Default::default()).get_transitions();
        transitions[Event::NormalSent] = vec![Trans(1, 1.0)];
        let start = State::new(transitions);
        let mut transitions = State::new(Default::default()).get_transitions();
        transitions[Event::PaddingSent] = vec![Trans(1, 1.0)];
        let mut pad = State::new(transitions);
        let at_once = Dist { dist: DistType::Uniform { low: 0.0, high: 0.0 }, start: 0.0, max: 0.0 };
        pad.action = Some(Action::SendPadding { bypass: false, replace: false, timeout: at_once, limit: None });
        let machine = maybenot::Machine::new(u64::MAX, 0.0, 0, 0.0, vec![start, pad]).unwrap();
        let text = machine.serialize().replace('+', "-");

        let load = trace(&[(0, 100), (1, -100)]);
        let profile = Profile::of(
            &wfkit_datasets::TraceSet::new(vec![], wfkit_datasets::Provenance::new(wfkit_datasets::Layer::Tcp, vec![]))
                .unwrap(),
        );
        let spec = format!("maybenot:machines,client={text}").parse().unwrap();
        let pipeline = Pipeline::new(&spec, &profile, 0, 0).unwrap();
        let load = crate::testing::labelled(3, load);
        let error = pipeline.defend(&crate::Load::of(&load), 0).unwrap_err().to_string();
        assert!(
            error.contains("on the trace (class a, rep 3): Maybenot's simulator fails: after")
                && error.ends_with("1 of 1 outgoing and 0 of 1 incoming packets are through"),
            "{error}"
        );
    }

    #[test]
    fn a_panic_is_an_error_of_the_trace() {
        let error = simulation::guarded(|| -> u8 { panic!("bug: {}", "time") }).unwrap_err();
        assert_eq!(error.to_string(), "Maybenot's simulator fails: bug: time");
    }

    #[test]
    fn delays_are_named_as_maybenots_own_where_there_are_any() {
        let profile = Profile::of(
            &wfkit_datasets::TraceSet::new(vec![], wfkit_datasets::Provenance::new(wfkit_datasets::Layer::Tcp, vec![]))
                .unwrap(),
        );
        let of = |spec: &str| {
            Pipeline::new(&spec.parse().unwrap(), &profile, 0, 0).unwrap().manifest().layers[0].assumptions
        };
        let soft = StopRule::Soft { quiet_ns: 2_000 * MS };
        for (spec, delay_model, stop_rule) in [
            ("maybenot:front", DelayModel::None, StopRule::Oracle),
            ("maybenot:front,pps=100", DelayModel::Aggregate, StopRule::Oracle),
            ("maybenot:tamaraw", DelayModel::Aggregate, soft),
            ("maybenot:tamaraw,stop=oracle", DelayModel::Aggregate, StopRule::Oracle),
            ("maybenot:noop", DelayModel::None, StopRule::NoPadding),
            ("maybenot:noop,pps=100", DelayModel::Aggregate, StopRule::NoPadding),
        ] {
            assert_eq!(of(spec), Assumptions { delay_model, stop_rule }, "{spec}");
        }
    }

    #[test]
    fn packets_above_the_limit_are_late() {
        // Six at once, four a second: the fifth is one quarter of a second late, the sixth two.
        let load = trace(&[(0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (0, 1), (3_000, -1)]);
        let through = defend_one("maybenot:noop,pps=4,delay=0s", &load).completion_ns(7);
        assert_eq!(through[..6], [0; 6], "the client's link shows when it sends, not when it arrives");
        let load = trace(&[(0, -1), (0, -1), (0, -1), (0, -1), (0, -1), (0, -1), (3_000, 1)]);
        let through = defend_one("maybenot:noop,pps=4,delay=0s", &load).completion_ns(7);
        assert_eq!(through[..6].iter().map(|time_ns| time_ns / MS).collect::<Vec<_>>(), [0, 0, 0, 0, 250, 500]);
    }

    #[test]
    fn draws_differ_between_copies_and_not_between_runs() {
        let load = trace(&[(0, 1), (10, -1), (60_000, -1)]);
        let [first, again] = [(); 2].map(|()| defend_many("maybenot:front,n=50", &load, 2));
        assert_eq!(first, again);
        assert_ne!(first[0], first[1]);
    }

    /// The port looks for the ends of its states by a search of its own, which has no other way out than to find them.
    #[test]
    fn fronts_states_are_found_for_any_window() {
        use maybenot_machines::front::front;
        use rand_for_maybenot::{Xoshiro256StarStar, rand_core::SeedableRng};
        let mut rng = Xoshiro256StarStar::seed_from_u64(1);
        for window in (0..600).map(|i| 1e-3 * 1.025_f64.powi(i)).filter(|window| *window < 3_600.0) {
            for states in [2, 3, 10, 37, 100] {
                assert_eq!(front(1_700, window, window * 1.02, states, &mut rng)[0].states.len(), states + 1);
            }
        }
    }
}
