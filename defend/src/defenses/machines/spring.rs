//! Spring and Interspace, machines for Tor's circuit padding framework.

use super::law::Law;
use super::machine::{Event, Limit, Machine, State};
use super::{CAVEATS, Machines, N, SHARE};
use crate::defenses::{PADDING_SIZE, no_conflict};
use crate::{DefenseInfo, Draws, Needs, PerDirection, Preset};

const SOURCE: &str = "Pulls, \"Towards Effective and Efficient Padding Machines for Tor\", 2020, and the machines published with it; their events, limits and \
                      distributions as in Tor's circuit padding framework";

pub(in crate::defenses) const SPRING: DefenseInfo = DefenseInfo {
    name: "spring",
    summary: "extends bursts by short ones, with a machine at each end that was found by an evolutionary search; delays nothing",
    purpose: "padding machines as Tor could run them",
    cost: "twice the bytes; no delay",
    source: SOURCE,
    published: &[
        "bandwidth 110 % (the report: 210 % of the undefended bandwidth)",
        "bandwidth 93 % in total, 220 % as mean over traces (Mathews et al., IEEE S&P 2023)",
    ],
    caveats: &CAVEATS,
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "tor",
        summary: "the published machines",
        parameters: &[N, SHARE, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| Ok(Machines::boxed(|limit, _| spring(limit), values)),
    }],
};

pub(in crate::defenses) const INTERSPACE: DefenseInfo = DefenseInfo {
    name: "interspace",
    summary: "Spring with random parameters for every load, and in half of them a relay that extends bursts or fakes them; delays nothing",
    purpose: "padding machines as Tor could run them, others for every load",
    cost: "twice the bytes; no delay",
    source: SOURCE,
    published: &[
        "bandwidth 129 % (the report: 229 % of the undefended bandwidth, 597 % sent and 187 % received)",
        "bandwidth 98 % in total, 214 % as mean over traces (Mathews et al., IEEE S&P 2023)",
        "bandwidth 57 % (a port to Maybenot, on longer traces; PoPETs 2026)",
    ],
    caveats: &CAVEATS,
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "tor",
        summary: "the published machines",
        parameters: &[N, SHARE, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| Ok(Machines::boxed(interspace, values)),
    }],
};

fn spring(limit: Limit) -> PerDirection<Machine> {
    use Event::{NormalReceived, NormalSent, PaddingReceived, PaddingSent};
    let client = vec![
        leads(&[(PaddingReceived, 1)]),
        leads(&[(NormalReceived, 2)]),
        State {
            wait: Some((Law::Pareto { sigma: 3.339_187, xi: 7.179_045 }, 9_445.0)),
            length: Some((1, Law::Pareto { sigma: 4.776_843, xi: 4.807_709 })),
            ..leads(&[(NormalSent, 1), (PaddingSent, 2)])
        },
    ];
    let relay = vec![
        State {
            wait: Some((Law::Pareto { sigma: 5.460_654, xi: 7.080_388 }, 94_722.0)),
            ..leads(&[(NormalReceived, 1), (PaddingReceived, 1)])
        },
        State {
            wait: Some((Law::Logistic { mu: 1.276_777, sigma: 0.114_927 }, 31_443.0)),
            ..leads(&[(NormalSent, 2)])
        },
        State {
            wait: Some((Law::Logistic { mu: 5.232_180, sigma: 5.469_678 }, 94_733.0)),
            length: Some((5, Law::Logistic { mu: 4.119_645, sigma: 2.725_036 })),
            ..leads(&[(PaddingSent, 2), (PaddingReceived, 3)])
        },
        State {
            wait: Some((Law::Uniform { low: 4.270_468, high: 7.926_284 }, 55_878.0)),
            length: Some((5, Law::LogLogistic { alpha: 1.616_768, beta: 6.128_003 })),
            ..leads(&[(NormalReceived, 3), (NormalSent, 0), (PaddingReceived, 2)])
        },
    ];
    PerDirection { outgoing: Machine { states: client, limit }, incoming: Machine { states: relay, limit } }
}

fn interspace(limit: Limit, draws: &mut Draws) -> PerDirection<Machine> {
    use Event::{NormalReceived, NormalSent, PaddingReceived, PaddingSent};
    let mut wait = leads(&[(NormalReceived, 2)]);
    if draws.unit() < 0.5 {
        wait.next.push((PaddingReceived, 2));
    }
    let mut pad = State {
        wait: Some((Law::Pareto { sigma: 3.3, xi: 7.2 }, 9_445.0)),
        length: Some((1, Law::Pareto { sigma: 4.7, xi: 4.8 })),
        ..leads(&[(NormalSent, 1), (PaddingSent, 2)])
    };
    if draws.unit() < 0.5 {
        pad.next.push((NormalReceived, 1));
    }
    let client = vec![leads(&[(PaddingReceived, 1)]), wait, pad];
    let relay = if draws.unit() < 0.5 { extending_or_faking(draws) } else { random_spring(draws) };
    PerDirection { outgoing: Machine { states: client, limit }, incoming: Machine { states: relay, limit } }
}

/// Waits for the client to begin; then extends real bursts, or sends a packet after a while and a fake burst with it.
fn extending_or_faking(draws: &mut Draws) -> Vec<State> {
    use Event::{NormalReceived, NormalSent, PaddingSent};
    let wait = if draws.unit() < 0.5 {
        leads(&[(NormalSent, 2)])
    } else {
        let law = Law::LogLogistic { alpha: up_to(1_000.0, draws), beta: up_to(10_000.0, draws) };
        State { wait: Some((law, 100_000.0)), ..leads(&[(PaddingSent, 3)]) }
    };
    let mut burst = |first, state| {
        let mut pareto = || Law::Pareto { sigma: up_to(10.0, draws), xi: up_to(10.0, draws) };
        let length = Some((first, pareto()));
        State { length, wait: Some((pareto(), 10_000.0)), ..leads(&[(NormalSent, 1), (PaddingSent, state)]) }
    };
    vec![leads(&[(NormalReceived, 1)]), wait, burst(1, 2), burst(4, 3)]
}

/// The relay of Spring with log-logistic distributions of random parameters.
fn random_spring(draws: &mut Draws) -> Vec<State> {
    use Event::{NormalReceived, NormalSent, PaddingReceived, PaddingSent};
    let mut law = || Law::LogLogistic { alpha: up_to(10.0, draws), beta: up_to(10.0, draws) };
    vec![
        State { wait: Some((law(), 10_000.0)), ..leads(&[(NormalReceived, 1), (PaddingReceived, 1)]) },
        State { wait: Some((law(), 31_443.0)), ..leads(&[(NormalSent, 2)]) },
        State {
            length: Some((5, law())),
            wait: Some((law(), 100_000.0)),
            ..leads(&[(PaddingSent, 2), (PaddingReceived, 3)])
        },
        State {
            length: Some((5, law())),
            wait: Some((law(), 55_878.0)),
            ..leads(&[(NormalReceived, 3), (NormalSent, 0), (PaddingReceived, 2)])
        },
    ]
}

fn leads(next: &[(Event, usize)]) -> State {
    State { next: next.to_vec(), ..State::default() }
}

/// Uniform and above 0, which no parameter of a distribution may be.
fn up_to(most: f64, draws: &mut Draws) -> f64 {
    most * (1.0 - draws.unit())
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::Trace;

    use crate::testing::defend_many;
    use crate::{DefendedTrace, Direction};

    fn padding(defended: &DefendedTrace) -> (usize, usize) {
        let out = |p: &crate::DefendedPacket<'_>| p.direction() == Direction::Outgoing;
        let (out, inc): (Vec<_>, Vec<_>) = defended.packets().filter(|p| p.is_padding()).partition(out);
        (out.len(), inc.len())
    }

    #[test]
    fn spring_begins_with_the_first_request() {
        // The relay pads a microsecond or two after the request, which wakes the client; a client alone sends nothing.
        let answered = Trace::new(vec![0, 1_000_000, 2_000_000_000], vec![1, -1, -1]).unwrap();
        let unanswered = Trace::new(vec![0, 2_000_000_000], vec![-1, -1]).unwrap();
        for spec in ["spring,size=1B", "interspace,size=1B"] {
            assert!(defend_many(spec, &unanswered, 20).iter().all(|trace| trace.len() == 2), "{spec}");
        }
        for defended in defend_many("spring,size=1B", &answered, 20) {
            let first = defended.packets().find(|p| p.is_padding()).unwrap();
            assert_eq!(first.direction(), Direction::Incoming);
            assert!((1_000..=3_000).contains(&first.time_ns), "{}", first.time_ns);
            let (out, inc) = padding(&defended);
            // After the answer the client sends a burst of one or more; it interrupts the one that the relay adds to the answer.
            assert!(out >= 1 && inc >= 2, "{out} {inc}");
        }
    }

    #[test]
    fn limits_hold_at_each_end() {
        let times: Vec<u64> = (0..400).map(|i| i * 40_000_000).collect();
        let sizes = (0..400).map(|i| if i % 4 == 0 { 1 } else { -1 }).collect();
        let trace = Trace::new(times, sizes).unwrap();
        for spec in ["spring,size=1B,n=10,share=0.5", "interspace,size=1B,n=10,share=0.5"] {
            for defended in defend_many(spec, &trace, 20) {
                let (out, inc) = padding(&defended);
                assert!(out <= 101 && inc <= 301, "{spec}: {out} {inc}");
            }
        }
    }

    #[test]
    fn interspace_differs_from_load_to_load_more_than_spring() {
        let times: Vec<u64> = (0..600).map(|i| i * 5_000_000).collect();
        let sizes = (0..600).map(|i| if i % 10 == 0 { 1 } else { -1 }).collect();
        let trace = Trace::new(times, sizes).unwrap();
        let spread = |spec| {
            let incoming: Vec<usize> = defend_many(spec, &trace, 60).iter().map(|d| padding(d).1).collect();
            incoming.iter().max().unwrap() - incoming.iter().min().unwrap()
        };
        let (interspace, spring) = (spread("interspace,size=1B"), spread("spring,size=1B"));
        assert!(interspace > 2 * spring, "{interspace} {spring}");
    }
}
