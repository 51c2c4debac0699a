//! Padding machines: states that wait and pad, at both ends of the link.

use wfkit_datasets::Trace;

use super::law::Law;
use crate::{DefenseError, Direction, Draws, PerDirection};

/// What one end does. It begins in state 0, in which nothing is due.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) states: Vec<State>,
    pub(super) limit: Limit,
}

/// Padding packets that a machine may send: any number up to `allowed`, and beyond it while they are at most `share` of all it has sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) allowed: u64,
    pub(super) share: f64,
}

/// A state of a machine.
#[derive(Debug, Clone, Default)]
pub(super) struct State {
    /// Microseconds until a padding packet, and the most of them; none pads nothing.
    pub(super) wait: Option<(Law, f64)>,
    /// Padding packets sent in this state beyond the first number; as many as come without.
    pub(super) length: Option<(u64, Law)>,
    /// Packets received until [`Event::CountedDown`], rounded.
    pub(super) countdown: Option<Law>,
    /// What leads where; what is not there is ignored. Leading to the state itself only draws its wait and countdown anew.
    pub(super) next: Vec<(Event, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    NormalSent,
    PaddingSent,
    NormalReceived,
    PaddingReceived,
    /// The state's padding packets are all sent.
    LengthSent,
    CountedDown,
}

/// Times and directions of the padding that two machines send between the packets of a trace, in order; until its last packet.
pub(super) fn run(
    trace: &Trace,
    machines: &PerDirection<Machine>,
    draws: &mut Draws,
) -> Result<Vec<(u64, Direction)>, DefenseError> {
    let mut ends = PerDirection::from_fn(|way| End::new(&machines[way]));
    let mut padding = Vec::new();
    for (time_ns, size) in trace.packets() {
        while let Some((due_ns, way)) = earliest(&ends).filter(|(due_ns, _)| *due_ns <= time_ns) {
            draws.allow(padding.len())?;
            padding.push((due_ns, way));
            ends[way].padding_sent(due_ns, draws);
            ends[way.opposite()].received(Event::PaddingReceived, due_ns, draws);
        }
        let way = Direction::of(size);
        ends[way].normal_sent(time_ns, draws);
        ends[way.opposite()].received(Event::NormalReceived, time_ns, draws);
    }
    Ok(padding)
}

/// Which end pads next, the client where both do.
fn earliest(ends: &PerDirection<End<'_>>) -> Option<(u64, Direction)> {
    Direction::BOTH.into_iter().filter_map(|way| Some((ends[way].due_ns?, way))).min_by_key(|(due_ns, _)| *due_ns)
}

/// A machine at work.
struct End<'a> {
    machine: &'a Machine,
    state: usize,
    due_ns: Option<u64>,
    /// Padding packets left in this state.
    length: Option<u64>,
    /// Packets to receive.
    countdown: Option<u64>,
    padding: u64,
    normal: u64,
}

impl<'a> End<'a> {
    fn new(machine: &'a Machine) -> Self {
        Self { machine, state: 0, due_ns: None, length: None, countdown: None, padding: 0, normal: 0 }
    }

    fn normal_sent(&mut self, now_ns: u64, draws: &mut Draws) {
        self.normal += 1;
        self.happens(Event::NormalSent, now_ns, draws);
    }

    fn padding_sent(&mut self, now_ns: u64, draws: &mut Draws) {
        self.due_ns = None;
        self.padding += 1;
        self.length = self.length.map(|left| left - 1);
        let before = self.state;
        if self.length == Some(0) {
            self.happens(Event::LengthSent, now_ns, draws);
        }
        if self.state == before {
            self.happens(Event::PaddingSent, now_ns, draws);
        }
    }

    fn received(&mut self, event: Event, now_ns: u64, draws: &mut Draws) {
        self.happens(event, now_ns, draws);
        match &mut self.countdown {
            Some(left) if *left > 1 => *left -= 1,
            Some(_) => {
                self.countdown = None;
                self.happens(Event::CountedDown, now_ns, draws);
            }
            None => {}
        }
    }

    fn happens(&mut self, event: Event, now_ns: u64, draws: &mut Draws) {
        let Some(&(_, next)) = self.machine.states[self.state].next.iter().find(|(on, _)| *on == event) else { return };
        let state = &self.machine.states[next];
        if self.state != next {
            self.state = next;
            // A number above 2^53 stands for no end.
            self.length = state.length.map(|(first, law)| first.saturating_add(law.draw(draws).max(0.0) as u64));
        }
        self.countdown = state.countdown.map(|law| law.draw(draws).round() as u64);
        if self.limited() {
            return; // What is due stays due.
        }
        let wait = state.wait.filter(|_| self.length != Some(0));
        self.due_ns = wait.map(|(law, most)| {
            let microseconds = law.draw(draws).clamp(0.0, most).round();
            now_ns.saturating_add(1_000 * microseconds as u64)
        });
    }

    fn limited(&self) -> bool {
        let Limit { allowed, share } = self.machine.limit;
        self.padding >= allowed.max(1) && self.padding as f64 > share * (self.padding + self.normal) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn exactly(number: f64) -> Law {
        Law::Uniform { low: number, high: number }
    }

    fn idle() -> Machine {
        Machine { states: vec![State::default()], limit: Limit { allowed: 0, share: 1.0 } }
    }

    /// After a normal packet is sent, one each 10 us until so many are sent; one received starts anew.
    fn bursts(length: f64, limit: Limit) -> Machine {
        let start = State { next: vec![(Event::NormalSent, 1)], ..State::default() };
        let pad = State {
            wait: Some((exactly(10.0), 1e6)),
            length: Some((1, exactly(length))),
            next: vec![(Event::PaddingSent, 1), (Event::LengthSent, 0), (Event::NormalReceived, 1)],
            ..State::default()
        };
        Machine { states: vec![start, pad], limit }
    }

    fn times(trace: &Trace, machine: Machine) -> Vec<u64> {
        let machines = PerDirection { outgoing: machine, incoming: idle() };
        run(trace, &machines, &mut Draws::from_seed(1)).unwrap().into_iter().map(|(time, _)| time).collect()
    }

    const ANY: Limit = Limit { allowed: 1_000_000, share: 1.0 };

    #[test]
    fn a_state_pads_its_length_and_then_leads_on() {
        let trace = Trace::new(vec![0, 500_000, 515_000, 1_000_000], vec![1, 1, -1, -1]).unwrap();
        // 10, 20, 30 us after the first packet. After the second, 10 us; the incoming one at 15 us puts off the next to 25 us.
        assert_eq!(times(&trace, bursts(2.0, ANY)), [10_000, 20_000, 30_000, 510_000, 525_000, 535_000]);
        assert_eq!(times(&trace, bursts(0.0, ANY)), [10_000, 510_000]);
    }

    #[test]
    fn nothing_is_due_after_the_last_packet() {
        let trace = Trace::new(vec![0, 20_000], vec![1, -1]).unwrap();
        assert_eq!(times(&trace, bursts(9.0, ANY)), [10_000, 20_000]);
    }

    #[test]
    fn a_limit_holds_beyond_what_is_allowed() {
        let trace = Trace::new(vec![0, 900_000_000], vec![1, -1]).unwrap();
        let sent = |allowed, share| times(&trace, bursts(999.0, Limit { allowed, share })).len();
        assert_eq!(sent(1_000_000, 0.5), 1_000);
        assert_eq!(sent(100, 0.5), 100);
        assert_eq!(sent(1, 0.5), 2, "one of two is half");
        assert_eq!(sent(100, 1.0), 1_000);
    }

    #[test]
    fn received_packets_count_down() {
        let start = State { countdown: None, next: vec![(Event::NormalSent, 1)], ..State::default() };
        let armed = State {
            countdown: Some(exactly(2.0)),
            next: vec![(Event::NormalSent, 1), (Event::CountedDown, 2)],
            ..State::default()
        };
        let pad = State { wait: Some((exactly(1.0), 1.0)), next: vec![], ..State::default() };
        let machine = Machine { states: vec![start, armed, pad], limit: ANY };
        // The second outgoing packet counts anew.
        let trace = Trace::new(vec![0, 10_000, 20_000, 30_000, 40_000, 90_000], vec![1, -1, 1, -1, -1, -1]).unwrap();
        assert_eq!(times(&trace, machine), [41_000]);
    }

    #[test]
    fn one_end_hears_the_padding_of_the_other() {
        let echo =
            State { wait: Some((exactly(5.0), 5.0)), next: vec![(Event::PaddingReceived, 0)], ..State::default() };
        let echo = Machine { states: vec![echo], limit: ANY };
        let machines = PerDirection { outgoing: bursts(0.0, ANY), incoming: echo };
        let trace = Trace::new(vec![0, 100_000], vec![1, -1]).unwrap();
        let sent = run(&trace, &machines, &mut Draws::from_seed(1)).unwrap();
        assert_eq!(sent, [(10_000, Direction::Outgoing), (15_000, Direction::Incoming)]);
    }
}
