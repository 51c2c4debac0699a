//! A trace through Maybenot's simulator, and what passes the client's link.

use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use maybenot::{Machine, TriggerEvent};
use maybenot_simulator::network::Network;
use maybenot_simulator::{SimEvent, SimulatorArgs, parse_trace, sim_advanced};
use wfkit_datasets::Trace;

use crate::{DefenseError, Direction, Limit, PerDirection};

/// Steps of the simulation (events at either end) to begin with; without machines a packet takes four. Machines that never end are stopped there,
/// unless normal packets are still on their way.
const FIRST_STEPS: usize = 1 << 14;
const FIRST_STEPS_A_PACKET: usize = 32;

/// Steps after which a simulation is given up: some ten minutes of a thousand packets a second, and what the packets need.
const MOST_STEPS: usize = 1 << 22;

/// Steps that a packet takes at most in the machines that have a tail: arrival, timer, slot, sending and two for being received, with some to spare.
const STEPS_A_PACKET: usize = 8;

/// No limit on packets a second. The simulator divides a second by the limit as a `u32`.
const UNLIMITED: usize = u32::MAX as usize;

/// The machines of both ends, with what lies between them.
#[derive(Debug)]
pub(super) struct Link {
    /// One-way delay.
    pub(super) delay_ns: u64,
    /// Packets a second above which they are delayed, at least 1.
    pub(super) pps: Option<u64>,
    /// How long after the last normal packet padding is of interest.
    pub(super) tail_ns: u64,
}

/// A packet at the client's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Passed {
    /// On the clock of the trace.
    pub(super) time_ns: u64,
    pub(super) way: Direction,
    pub(super) normal: bool,
}

impl Link {
    /// What passes, in the order of the simulation: all normal packets of the trace, and padding up to the end of the tail.
    pub(super) fn simulate(
        &self,
        trace: &Trace,
        machines: &PerDirection<Vec<Machine>>,
        seed: u64,
        limit: Limit,
    ) -> Result<Vec<Passed>, DefenseError> {
        limit.allows((trace.len() * STEPS_A_PACKET / 2) as u64)?;
        let most = MOST_STEPS.saturating_add(trace.len().saturating_mul(2 * FIRST_STEPS_A_PACKET));
        let most = most.min(limit.of_trace() as usize * STEPS_A_PACKET);
        let first = FIRST_STEPS.saturating_add(trace.len().saturating_mul(FIRST_STEPS_A_PACKET));
        let mut steps = if self.tail_ns > 0 { first.saturating_mul(4) } else { first };
        loop {
            let mut passed = guarded(|| self.run(trace, machines, seed, steps))?;
            let through = |way| passed.iter().filter(|packet| packet.normal && packet.way == way).count();
            let wanted = PerDirection { outgoing: trace.out_packets(), incoming: trace.in_packets() };
            let complete = Direction::BOTH.into_iter().all(|way| through(way) == wanted[way]);
            if complete {
                let normal = passed.iter().filter(|packet| packet.normal).map(|packet| packet.time_ns);
                let end = normal.max().unwrap_or(0).saturating_add(self.tail_ns);
                let ended = passed.len().saturating_mul(STEPS_A_PACKET) < steps; // the machines, not the steps
                let last = passed.last().map_or(0, |packet| packet.time_ns);
                if self.tail_ns == 0 || last > end || ended || steps >= most {
                    passed.retain(|packet| packet.time_ns <= end);
                    return Ok(passed);
                }
            } else if steps >= most {
                let [out, inward] = Direction::BOTH.map(|way| format!("{} of {}", through(way), wanted[way]));
                return Err(DefenseError::Simulator {
                    reason: format!("after {steps} steps {out} outgoing and {inward} incoming packets are through"),
                });
            }
            // The same seed takes the same way, further.
            steps = steps.saturating_mul(4).min(most);
        }
    }

    fn run(&self, trace: &Trace, machines: &PerDirection<Vec<Machine>>, seed: u64, steps: usize) -> Vec<Passed> {
        let delay = Duration::from_nanos(self.delay_ns);
        let network = Network::new(delay, Some(self.pps.map_or(UNLIMITED, |pps| pps as usize)));
        let mut queue = parse_trace(&self.text(trace), network);
        let first = queue.get_first_time().expect("a trace has a packet");
        // The first event is the first packet of the client, or the peer's sending of its first one.
        let start: Instant = first + delay - self.before_first(trace);
        let args = SimulatorArgs {
            max_sim_iterations: steps,
            continue_after_all_normal_packets_processed: self.tail_ns > 0,
            only_client_events: true,
            insecure_rng_seed: Some(seed),
            ..SimulatorArgs::new(network, 0, true)
        };
        let events = sim_advanced(&machines.outgoing, &machines.incoming, &mut queue, &args);
        let passed = |event: &SimEvent| Passed {
            time_ns: event.time.saturating_duration_since(start).as_nanos() as u64,
            way: match event.event {
                TriggerEvent::TunnelSent => Direction::Outgoing,
                _ => Direction::Incoming,
            },
            normal: !event.contains_padding,
        };
        events.iter().map(passed).collect()
    }

    /// The trace as the simulator reads it, later by the delay, so that the peer sends nothing before 0.
    fn text(&self, trace: &Trace) -> String {
        let mut text = String::with_capacity(16 * trace.len());
        for (time_ns, size) in trace.packets() {
            let way = if size > 0 { 's' } else { 'r' };
            writeln!(text, "{},{way}", time_ns.saturating_add(self.delay_ns)).expect("a string takes everything");
        }
        text
    }

    /// When the first event is, counted from one delay before the trace.
    fn before_first(&self, trace: &Trace) -> Duration {
        let first = |sent: bool| trace.packets().find(|(_, size)| (*size > 0) == sent).map(|(time_ns, _)| time_ns);
        let sent = first(true).map(|time_ns| time_ns.saturating_add(self.delay_ns));
        let received = first(false);
        Duration::from_nanos(sent.into_iter().chain(received).min().expect("a trace has a packet"))
    }
}

/// Runs what belongs to others: where it panics, that is an error of this trace.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, DefenseError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let said = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned());
        DefenseError::Simulator { reason: said.unwrap_or_else(|| "it panicked".to_owned()) }
    })
}
