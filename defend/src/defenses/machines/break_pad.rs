//! Break-Pad: padding bursts that break incoming ones.

use super::law::Law;
use super::machine::{Event, Limit, Machine, State};
use super::{CAVEATS, Machines, N, SHARE};
use crate::defenses::{PADDING_SIZE, no_conflict};
use crate::{DefaultValue, DefenseInfo, Kind, Needs, Parameter, PerDirection, Preset, Value};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "break-pad",
    summary: "sends a padding burst after some packets received without one sent, at each end; delays nothing",
    purpose: "many bursts that break the rhythm, as Tor could run it",
    cost: "three quarters more bytes; no delay",
    source: "Huang and Du, \"Break-Pad: effective padding machines for tor with break burst padding\", Cybersecurity, 2024 (machine October); \
             parameters as in maybenot-machines 1.0.1",
    published: &["lengths=maybenot: bandwidth 75 % (Pulls et al., PoPETs 2026)"],
    caveats: &[
        "parameters are known to us from a port to Maybenot, which takes the absolute value of a negative Pareto parameter and begins bursts at \
         its scale: 38 packets or more at the client and 5 at the relay (lengths=maybenot); Tor's own distribution gives bursts of some packets \
         (lengths=tor)",
        "an end whose limit is reached in a burst stays there",
        CAVEATS[0],
        CAVEATS[1],
        CAVEATS[2],
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: &[Preset {
        name: "october",
        summary: "the machine October",
        parameters: &[
            Parameter {
                key: "lengths",
                kind: Kind::Choice(&["tor", "maybenot"]),
                min: 0,
                default: DefaultValue::Is(Value::Choice("tor")),
                meaning: "lengths of bursts: generalised Pareto, as the parameters are meant, or as in the port",
            },
            N,
            SHARE,
            PADDING_SIZE,
        ],
        check: no_conflict,
        build: |values, _| {
            Ok(match values.choice("lengths") {
                "maybenot" => {
                    Machines::boxed(|limit, _| october(limit, |sigma, xi| Law::PlainPareto { sigma, xi }), values)
                }
                _ => Machines::boxed(|limit, _| october(limit, |sigma, xi| Law::Pareto { sigma, xi }), values),
            })
        },
    }],
};

fn october(limit: Limit, length: fn(f64, f64) -> Law) -> PerDirection<Machine> {
    let client = machine(
        Event::NormalSent,
        Law::Weibull { scale: 1.383_293, shape: 8.766_889 },
        length(1.966_728, 0.052_823),
        limit,
    );
    let relay = machine(
        Event::NormalReceived,
        Law::Weibull { scale: 1.193_954, shape: 2.238_858 },
        length(7.009_539, -1.752_385),
        limit,
    );
    PerDirection { outgoing: client, incoming: relay }
}

/// Armed by `start`, it waits for a first normal packet, counts packets received down, anew after each normal one it sends, and sends a burst
/// without gaps.
fn machine(start: Event, countdown: Law, length: Law, limit: Limit) -> Machine {
    use Event::{CountedDown, LengthSent, NormalReceived, NormalSent, PaddingSent};
    let leads = |next: &[(Event, usize)]| State { next: next.to_vec(), ..State::default() };
    let states = vec![
        leads(&[(start, 1)]),
        leads(&[(NormalReceived, 2)]),
        State { countdown: Some(countdown), ..leads(&[(NormalSent, 1), (CountedDown, 3)]) },
        State {
            wait: Some((Law::Uniform { low: 0.0, high: 0.0 }, 0.0)),
            length: Some((1, length)),
            ..leads(&[(PaddingSent, 3), (LengthSent, 0)])
        },
    ];
    Machine { states, limit }
}

#[cfg(test)]
mod tests {
    use wfkit_datasets::Trace;

    use crate::Direction;
    use crate::testing::defend_many;

    /// Lengths of the client's bursts in the middle of a load.
    fn client_bursts(spec: &str) -> Vec<usize> {
        let trace = Trace::new(vec![0, 1_000_000, 2_000_000, 3_000_000, 9_000_000], vec![1, -1, -1, -1, -1]).unwrap();
        let count = |defended: &crate::DefendedTrace| {
            defended.packets().filter(|p| p.is_padding() && p.direction() == Direction::Outgoing).count()
        };
        defend_many(spec, &trace, 4_000).iter().map(count).collect()
    }

    #[test]
    fn bursts_have_the_lengths_of_their_distribution() {
        // One burst follows the outgoing packet. 1 + the whole part of a generalised Pareto number with mean 1.967 / (1 - 0.053) = 2.08.
        let tor = client_bursts("break-pad,size=1B");
        let mean = tor.iter().sum::<usize>() as f64 / tor.len() as f64;
        assert!(tor.iter().all(|&length| length >= 1) && (2.5..2.8).contains(&mean), "{mean}");
        // 1 + 37.23 or more rounded, with shape 18.9: mean 40.3.
        let port = client_bursts("break-pad,size=1B,lengths=maybenot");
        let mean = port.iter().sum::<usize>() as f64 / port.len() as f64;
        assert!(port.iter().all(|&length| length >= 38) && (40.1..40.5).contains(&mean), "{mean}");
    }

    #[test]
    fn the_relay_begins_after_what_it_receives() {
        let unasked = Trace::new((0..9).map(|i| i * 1_000_000).collect(), vec![-1; 9]).unwrap();
        assert!(defend_many("break-pad,size=1B", &unasked, 20).iter().all(|defended| defended.len() == 9));
    }
}
