//! The ports of maybenot-machines and machines of the user, with their parameters.

use maybenot_machines::StaticMachine;

use super::Maybenot;
use super::machines::{Recipe, read};
use super::simulation::Link;
use crate::defenses::{PADDING_SIZE, no_conflict};
use crate::{
    DefaultValue, Defense, DefenseInfo, Kind, Needs, Parameter, ParameterValues, PerDirection, Preset, StopRule, Value,
};

pub(in crate::defenses) const INFO: DefenseInfo = DefenseInfo {
    name: "maybenot",
    summary: "padding machines of the Maybenot framework in its own simulator: ports of published defences, or machines of yours",
    purpose: "machines of yours, and whether two simulators agree",
    cost: "what the machine costs",
    source: "Pulls and Witwer, \"Maybenot: A Framework for Traffic Analysis Defenses\", WPES 2023; the crates maybenot 2.2, maybenot-simulator 2.2 and \
             maybenot-machines 1.0",
    published: &[
        "front with n=6000, w-min=5s, w-max=12s, states=1: bandwidth 72 %, latency 0; n=1500, w-min=5s, w-max=15s, states=10: 18 %, 0 (artifact of \
         \"Ephemeral Network-Layer Fingerprinting Defenses\", PoPETs 2026, on loads of 4189 cells, as all that follow)",
        "tamaraw with rho-out=10ms, rho-in=5ms, stop=soft:2s: bandwidth 129 %, latency 73 %; 30 ms, 6.5 ms, 1 s: 80 %, 81 %",
        "regulator: bandwidth 65 %, latency 540 %; rate=600, n=5000, upload=4.5, cap=1s: 83 %, 34 %",
        "interspace: bandwidth 57 %, latency 0; break-pad: 75 %, 0",
    ],
    caveats: &[
        "delays are Maybenot's own (aggregate): what was held back is added to all later packets of both ends, so there is no parameter `delays`; \
         neither end knows what answers what, and loads end later than under any other model, RegulaTor's several times as late",
        "packets only: normal packets keep their sizes, and a slot carries one packet, whatever its size; padding has `size`",
        "no limit on packets a second, unless pps is given; then a packet above the limit of the last second is delayed by as many 1/pps as it is above, \
         which is a penalty, not a queue (the tool of Maybenot takes ten times the busiest 100 ms of the trace)",
        "stops with the last normal packet of the trace, which a deployment cannot know; tamaraw has a stop rule of its own",
        "front draws a limit for each state up to its part of a budget that it drew up to n: about n / 4 packets a side, where the paper has n / 2; its \
         times are normal around equal steps, not Rayleigh, and the peer's begin with its first packet sent or received",
        "tamaraw counts slots at each end from the first normal packet that it sends, again after each stop; the number of packets is no multiple of anything; \
         its silence is counted from the second normal packet of an end, and where there is none the port would never stop: it is stopped so long \
         after the last normal packet of the trace",
        "regulator approximates the decay by bins of constant rate, begins with the first normal packet of each end, counts normal packets \
         in its budget, and holds back the rest when that is spent",
        "there is no preset for the port of Scrambler, which does not come to an end on page loads; `scrambler` is simulated here",
        "machines are given as Maybenot writes them (02e...), several joined by ;, with - for +: client=02e...;02e...,server=02e...; on the command line \
         client=@FILE reads them from a file, one a line, as they are",
    ],
    needs: Needs { sizes: false, times: true, set: false, classes: false },
    presets: PRESETS,
};

const PRESETS: &[Preset] = &[
    Preset {
        name: "front",
        summary: "the port of FRONT (Gong and Wang, USENIX Security 2020)",
        parameters: &[
            Parameter::count(
                "n",
                2,
                1700,
                "each end draws a budget of padding packets from 1 to n - 1, and a limit up to its part of it for each state",
            ),
            Parameter::duration("w-min", 1_000_000, SECOND, "each end draws its window uniformly from here"),
            Parameter::duration("w-max", 1_000_000, 14 * SECOND, "to below here"),
            Parameter::count(
                "states",
                1,
                10,
                "states of the machine, equal parts of a Rayleigh distribution, at most 100",
            ),
            DELAY,
            PPS,
            PADDING_SIZE,
        ],
        check: |values| {
            let (min, max) = (values.duration_ns("w-min"), values.duration_ns("w-max"));
            if min >= max {
                return Err(format!("w-min ({}) is not below w-max ({})", Value::Duration(min), Value::Duration(max)));
            }
            if values.count("states") > 100 { Err("states is above 100".to_owned()) } else { Ok(()) }
        },
        build: |values, _| {
            let (n, states) = (values.count("n"), values.count("states"));
            let machine = StaticMachine::Front {
                padding_budget_max: n as u32,
                window_min: microseconds(values, "w-min"),
                window_max: microseconds(values, "w-max"),
                num_states: states as usize,
            };
            let port = port(values, machine, machine)?;
            // The part of a state is rounded, and at least one packet.
            let budget = n - 1 + states;
            Ok(Box::new(Maybenot { budget: Some(PerDirection { outgoing: budget, incoming: budget }), ..port }))
        },
    },
    Preset {
        name: "tamaraw",
        summary: "the port of Tamaraw (Cai et al., ACM CCS 2014; soft stop: WFDefProxy, IEEE TIFS 2023)",
        parameters: &[
            Parameter::duration("rho-out", 1_000, 14_000_000, "time between outgoing packets"),
            Parameter::duration("rho-in", 1_000, 4_000_000, "time between incoming packets"),
            Parameter {
                key: "stop",
                kind: Kind::Stop,
                min: 0,
                default: DefaultValue::Is(Value::Stop(StopRule::Soft { quiet_ns: 2 * SECOND })),
                meaning: "what ends a load: soft:2s, so long without a normal packet to send, at each end for itself; or oracle, the last normal packet",
            },
            DELAY,
            PPS,
            PADDING_SIZE,
        ],
        check: no_conflict,
        build: |values, _| {
            let stop = values.stop("stop");
            let slowest = values.duration_ns("rho-out").max(values.duration_ns("rho-in"));
            let (quiet_ns, tail_ns) = match stop {
                StopRule::Soft { quiet_ns } => (quiet_ns, quiet_ns + LAST_BLOCK_NS + slowest),
                _ => (Kind::Duration.max(), 0),
            };
            let machine = |rho| StaticMachine::Tamaraw { p: seconds(values, rho), stop_window: quiet_ns as f64 / 1e3 };
            let port = port(values, machine("rho-out"), machine("rho-in"))?;
            let link = Link { tail_ns, ..port.link };
            Ok(Box::new(Maybenot { stop, link, ..port }))
        },
    },
    Preset {
        name: "regulator",
        summary: "the port of RegulaTor, with the heavy setting (Holland and Hopper, PoPETs 2022)",
        parameters: &[
            Parameter::count("rate", 2, 277, "incoming packets a second as a surge begins (R)"),
            Parameter::ratio("decay", 1, 940_000, "what is left of the rate after a second, below 1 (D)"),
            Parameter::ratio(
                "threshold",
                1,
                3_550_000,
                "more packets waiting than this times the rate start a new surge (T)",
            ),
            Parameter::count("n", 1, 3550, "the budget of the peer is drawn uniformly from 1 to this (N)"),
            Parameter::ratio("upload", 1_000_000, 3_950_000, "incoming packets for each outgoing one (U)"),
            Parameter::duration(
                "cap",
                1_000,
                1_770_000_000,
                "an outgoing packet that waits longer opens the gate for all that wait (C)",
            ),
            Parameter::count("bins", 1, 10, "steps of constant rate that stand for the decay, at most 1000"),
            DELAY,
            PPS,
            PADDING_SIZE,
        ],
        check: |values| {
            if values.ratio("decay") >= 1.0 {
                return Err("decay is not below 1".to_owned());
            }
            if values.count("bins") > 1_000 { Err("bins is above 1000".to_owned()) } else { Ok(()) }
        },
        build: |values, _| {
            let client = StaticMachine::RegulatorClient { u: values.ratio("upload"), c: seconds(values, "cap") };
            let server = StaticMachine::RegulatorServer {
                r: values.count("rate") as f64,
                d: values.ratio("decay"),
                t: values.ratio("threshold"),
                n: values.count("n") as f64,
                b: values.count("bins") as usize,
            };
            boxed(port(values, client, server)?)
        },
    },
    Preset {
        name: "interspace",
        summary: "the port of Interspace, parameters drawn for every load (Pulls, 2020)",
        parameters: &[DELAY, PPS, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| boxed(port(values, StaticMachine::InterspaceClient, StaticMachine::InterspaceServer)?),
    },
    Preset {
        name: "break-pad",
        summary: "the port of Break-Pad's machine October (Huang and Du, Cybersecurity, 2024)",
        parameters: &[DELAY, PPS, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| boxed(port(values, StaticMachine::BreakPadClient, StaticMachine::BreakPadServer)?),
    },
    Preset {
        name: "netflow",
        summary: "a packet after a silence of 1.5 s to 9.5 s, at both ends (Tor padding specification)",
        parameters: &[DELAY, PPS, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| boxed(port(values, StaticMachine::SimpleNetFlow, StaticMachine::SimpleNetFlow)?),
    },
    Preset {
        name: "noop",
        summary: "a machine that does nothing: what the network alone does",
        parameters: &[DELAY, PPS, PADDING_SIZE],
        check: no_conflict,
        build: |values, _| boxed(port(values, StaticMachine::NoOp, StaticMachine::NoOp)?),
    },
    Preset {
        name: "machines",
        summary: "machines of yours, at either end or both",
        parameters: &[
            machines("client", "machines of the client, as Maybenot writes them, with - for +, joined by ;"),
            machines("server", "machines of the peer"),
            DELAY,
            PPS,
            PADDING_SIZE,
        ],
        check: |values| given(values).map(|_| ()),
        build: |values, _| boxed(made(values, Recipe::Given(given(values)?))?),
    },
];

const SECOND: u64 = 1_000_000_000;

/// After its stop window Tamaraw's port sends up to 100 packets more, a microsecond apart, and the slot that was due.
const LAST_BLOCK_NS: u64 = 200_000;

const DELAY: Parameter =
    Parameter::duration("delay", 0, 10_000_000, "how long a packet travels from one end to the other");

const PPS: Parameter = Parameter::count(
    "pps",
    0,
    0,
    "packets a second that the network carries each way before it delays them; 0 is no limit",
);

const fn machines(key: &'static str, meaning: &'static str) -> Parameter {
    Parameter { key, kind: Kind::Text, min: 0, default: DefaultValue::Is(Value::Text("")), meaning }
}

/// Rates and caps of the ports are in seconds.
fn seconds(values: &ParameterValues, key: &str) -> f64 {
    values.duration_ns(key) as f64 / 1e9
}

/// Their windows and intervals are in microseconds, as are all times inside machines.
fn microseconds(values: &ParameterValues, key: &str) -> f64 {
    values.duration_ns(key) as f64 / 1e3
}

/// The user's machines.
fn given(values: &ParameterValues) -> Result<PerDirection<Vec<maybenot::Machine>>, String> {
    let of = |key: &str| read(values.text(key)).map_err(|problem| format!("{key}: {problem}"));
    Ok(PerDirection { outgoing: of("client")?, incoming: of("server")? })
}

fn port(values: &ParameterValues, client: StaticMachine, server: StaticMachine) -> Result<Maybenot, String> {
    made(values, Recipe::Port(PerDirection { outgoing: client, incoming: server }))
}

fn made(values: &ParameterValues, recipe: Recipe) -> Result<Maybenot, String> {
    let link = Link {
        delay_ns: values.duration_ns("delay"),
        pps: Some(values.count("pps")).filter(|&pps| pps > 0),
        tail_ns: 0,
    };
    let abilities = recipe.abilities()?;
    Ok(Maybenot { recipe, abilities, link, size: values.size("size"), stop: StopRule::Oracle, budget: None })
}

fn boxed(defense: Maybenot) -> Result<Box<dyn Defense>, String> {
    Ok(Box::new(defense))
}
