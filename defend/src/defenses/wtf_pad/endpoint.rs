//! One end of the link: its state, and how long it waits before it pads.

use super::histogram::Histogram;
use crate::Draws;

#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    rules: Rules,
    state: State,
    /// Whether a wait has ever ended with padding.
    expired: bool,
    sent: Histograms,
    received: Option<Histograms>,
}

/// What changes the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// The paper's: sending padding begins a fake burst; an infinite wait ends it, or the wait for one.
    Paper,
    /// The public simulator's: once any wait has ended with padding, every second packet sent begins a fake burst, and infinite waits change
    /// nothing.
    Code,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Pads nothing until a normal packet is sent.
    Wait,
    /// Waits for the real burst to end.
    Burst,
    /// Waits between the packets of a fake burst.
    Gap,
}

/// Of the states that pad; bursts without one use up the tokens of gaps.
#[derive(Debug, Clone)]
pub(super) struct Histograms {
    pub(super) burst: Option<Histogram>,
    pub(super) gap: Histogram,
}

/// What makes an endpoint wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Sent,
    Received,
}

impl Endpoint {
    pub(super) fn new(rules: Rules, sent: Histograms, received: Option<Histograms>) -> Self {
        Self { rules, state: State::Burst, expired: false, sent, received }
    }

    /// Sends a packet.
    pub(super) fn send(&mut self, normal: bool) {
        let begins_a_fake_burst = match self.rules {
            Rules::Paper => !normal,
            Rules::Code => self.expired,
        };
        self.state = match self.state {
            State::Wait if normal => State::Burst,
            State::Burst if begins_a_fake_burst => State::Gap,
            State::Gap if normal => State::Wait,
            same => same,
        };
    }

    /// How long after a packet it pads, if the next packet it sends is so far away and the wait is shorter.
    pub(super) fn wait(&mut self, after: After, gap_ns: u64, draws: &mut Draws) -> Option<u64> {
        let histograms = match after {
            After::Sent => &mut self.sent,
            After::Received => self.received.as_mut()?,
        };
        let histogram = match self.state {
            State::Wait => return None,
            State::Burst => histograms.burst.as_mut().unwrap_or(&mut histograms.gap),
            State::Gap => &mut histograms.gap,
        };
        if gap_ns == 0 {
            return None;
        }
        let wait = histogram.draw(draws);
        let padded = wait.filter(|&wait| wait < gap_ns);
        histogram.take(padded.unwrap_or(gap_ns));
        self.expired |= padded.is_some();
        if wait.is_none() && self.rules == Rules::Paper {
            self.state = if self.state == State::Gap { State::Burst } else { State::Wait };
        }
        padded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Waits of about a second, never or always infinite.
    fn endpoint(rules: Rules, infinite: bool) -> Endpoint {
        let others = if infinite { 1e-6 } else { 1e12 };
        let histogram = Histogram::normal(1.0, 0.01, others);
        Endpoint::new(rules, Histograms { burst: None, gap: histogram }, None)
    }

    #[test]
    fn padding_begins_a_fake_burst_and_a_normal_packet_ends_it() {
        let mut draws = Draws::from_seed(1);
        let mut one = endpoint(Rules::Paper, false);
        one.send(true);
        assert_eq!(one.state, State::Burst);
        assert_eq!(one.wait(After::Sent, SECOND / 2, &mut draws), None, "the next packet comes first");
        assert_eq!(one.wait(After::Sent, 0, &mut draws), None);
        assert_eq!(one.wait(After::Received, 9 * SECOND, &mut draws), None, "it has no histograms for that");
        let wait = one.wait(After::Sent, 9 * SECOND, &mut draws).unwrap();
        assert!((SECOND / 2..2 * SECOND).contains(&wait), "{wait}");
        one.send(false);
        assert_eq!(one.state, State::Gap);
        one.send(false);
        assert_eq!(one.state, State::Gap);
        one.send(true);
        assert_eq!(one.state, State::Wait);
        assert_eq!(one.wait(After::Sent, 9 * SECOND, &mut draws), None);
        one.send(false);
        assert_eq!(one.state, State::Wait);
        one.send(true);
        assert_eq!(one.state, State::Burst);
    }

    #[test]
    fn an_infinite_wait_ends_first_the_fake_burst_and_then_the_padding() {
        let mut draws = Draws::from_seed(1);
        for (rules, after) in [(Rules::Paper, [State::Burst, State::Wait]), (Rules::Code, [State::Gap, State::Gap])] {
            let mut one = endpoint(rules, true);
            one.state = State::Gap;
            for state in after {
                assert_eq!(one.wait(After::Sent, SECOND, &mut draws), None);
                assert_eq!(one.state, state);
            }
        }
    }

    #[test]
    fn in_the_public_simulator_one_wait_that_ended_turns_every_second_packet() {
        let mut draws = Draws::from_seed(1);
        let mut one = endpoint(Rules::Code, false);
        one.send(true);
        assert_eq!(one.state, State::Burst, "no wait has ended yet");
        assert!(one.wait(After::Sent, 9 * SECOND, &mut draws).is_some());
        let mut states = Vec::new();
        for _ in 0..4 {
            one.send(true);
            states.push(one.state);
        }
        assert_eq!(states, [State::Gap, State::Wait, State::Burst, State::Gap]);
    }
}
