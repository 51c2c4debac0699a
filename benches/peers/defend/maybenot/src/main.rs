//! The simulator of Maybenot over traces: `maybenot-speed ROUNDS DEFENCE FILE...` prints CPU seconds and padding packets a trace and round, as wfkit's
//! `defend_speed` does. Reading and parsing are not timed; making machines is, since their budgets are drawn then.

use std::fs;
use std::time::Duration;

use maybenot::TriggerEvent;
use maybenot_machines::{StaticMachine, get_machine};
use maybenot_simulator::network::Network;
use maybenot_simulator::{SimulatorArgs, parse_trace, sim_advanced};
use rand_xoshiro::Xoshiro256StarStar;
use rand_xoshiro::rand_core::SeedableRng;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let rounds: u64 = arguments.next().unwrap().parse().unwrap();
    let name = arguments.next().unwrap();
    let (client, server) = machines(&name);
    let texts: Vec<String> = arguments.map(|file| text(&file)).collect();
    let network = Network::new(Duration::from_millis(10), None);
    let mut out = SimulatorArgs::new(network, 0, true);
    out.only_client_events = true;
    let (mut seconds, mut padding, mut lost, mut packets, mut late) = (0.0, [0_u64; 2], 0, 0, 0.0);
    for round in 0..rounds {
        for (number, text) in texts.iter().enumerate() {
            let mut queue = parse_trace(text, network);
            let seed = round * 1_000 + number as u64;
            let mut rng = Xoshiro256StarStar::seed_from_u64(seed);
            let started = cpu_seconds();
            let (client, server) = (get_machine(&client, &mut rng), get_machine(&server, &mut rng));
            let args = SimulatorArgs { insecure_rng_seed: Some(seed), ..out.clone() };
            let events = sim_advanced(&client, &server, &mut queue, &args);
            seconds += cpu_seconds() - started;
            let normal = |event: &&maybenot_simulator::SimEvent| !event.contains_padding;
            for event in events.iter().filter(|event| event.contains_padding) {
                padding[usize::from(event.event != TriggerEvent::TunnelSent)] += 1;
            }
            let lines = text.lines().count();
            packets += lines as u64;
            lost += lines as u64 - events.iter().filter(normal).count() as u64;
            let last = |text: &str| text.lines().last().unwrap().split(',').next().unwrap().parse::<u64>().unwrap();
            let ends = events.iter().filter(normal).map(|event| event.time);
            let (first, end) = (ends.clone().min().unwrap(), ends.max().unwrap());
            late += (end - first).as_nanos() as f64 / last(text) as f64 - 1.0;
        }
    }
    let runs = (rounds * texts.len() as u64) as f64;
    let [sent, received] = padding.map(|packets| packets as f64 / runs);
    println!(
        "{name}\t{seconds:.3} s\t{:.0} traces/s\t{sent:.1} out\t{received:.1} in\t{:.1} %\t{:.1} % later\t{lost} of {packets} lost",
        runs / seconds,
        100.0 * (padding[0] + padding[1]) as f64 / packets as f64,
        100.0 * late / runs,
    );
}

/// The machines of both sides.
fn machines(name: &str) -> (Vec<StaticMachine>, Vec<StaticMachine>) {
    let both = |machine: StaticMachine| (vec![machine], vec![machine]);
    match name {
        "noop" => both(StaticMachine::NoOp),
        "front" | "front-1" => both(StaticMachine::Front {
            padding_budget_max: 1700,
            window_min: 1.0,
            window_max: 14.0,
            num_states: if name == "front" { 10 } else { 1 },
        }),
        "tamaraw" => {
            let machine = |p| vec![StaticMachine::Tamaraw { p, stop_window: 2_000_000.0 }];
            (machine(0.014), machine(0.004))
        }
        "regulator" => (
            vec![StaticMachine::RegulatorClient { u: 3.95, c: 1.77 }],
            vec![StaticMachine::RegulatorServer { r: 277.0, d: 0.94, t: 3.55, n: 3550.0, b: 10 }],
        ),
        "interspace" => (vec![StaticMachine::InterspaceClient], vec![StaticMachine::InterspaceServer]),
        "break-pad" => (vec![StaticMachine::BreakPadClient], vec![StaticMachine::BreakPadServer]),
        other => panic!("no defence {other}"),
    }
}

/// The trace from 0 and in order.
fn text(file: &str) -> String {
    let text = fs::read_to_string(file).unwrap();
    let packet = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        (fields[0].parse::<u64>().unwrap(), fields[1].to_owned())
    };
    let mut packets: Vec<(u64, String)> = text.lines().map(packet).collect();
    packets.sort_by_key(|(time, _)| *time);
    let start = packets[0].0;
    let lines = packets.iter().map(|(time, way)| format!("{},{way}", time - start));
    lines.collect::<Vec<_>>().join("\n")
}

/// Of the main thread.
fn cpu_seconds() -> f64 {
    let text = fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
