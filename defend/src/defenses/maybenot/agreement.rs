//! The ports beside this crate's own simulations, on traces on which both can be calculated: where they must agree, and by how much they differ by
//! design. What is drawn agrees within four standard errors of the means, which chance exceeds once in 16,000 comparisons.

use wfkit_datasets::Trace;

use crate::testing::{defend_many, defend_one};
use crate::{DefendedTrace, Direction};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// A mean and its standard error.
#[derive(Debug, Clone, Copy)]
struct Mean(f64, f64);

impl Mean {
    fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Self(mean, (variance / n).sqrt())
    }

    /// Of a share of `n` that is known.
    fn share(share: f64, n: usize) -> Self {
        Self(share, (share * (1.0 - share) / n as f64).sqrt())
    }

    fn is(self, other: f64) -> bool {
        (self.0 - other).abs() <= 4.0 * self.1
    }

    fn agrees(self, other: Self) -> bool {
        (self.0 - other.0).abs() <= 4.0 * self.1.hypot(other.1)
    }
}

fn padding(defended: &DefendedTrace, way: Direction) -> Vec<u64> {
    defended.packets().filter(|p| p.is_padding() && p.direction() == way).map(|p| p.time_ns).collect()
}

fn sent(traces: &[DefendedTrace], way: Direction) -> Vec<f64> {
    traces.iter().map(|defended| padding(defended, way).len() as f64).collect()
}

/// Both draw a number up to what a number up to N - 1 drew.
#[test]
fn front_sends_as_many_and_at_other_times() {
    let load = Trace::new(vec![0, 1, 3_600 * SECOND], vec![1, -1, 1]).unwrap();
    let own = defend_many("front,n-client=2000,n-server=2000,budget=maybenot,w-min=5s,w-max=5001ms", &load, 500);
    let port = defend_many("maybenot:front,n=2000,states=1,w-min=5s,w-max=5001ms", &load, 500);
    for way in Direction::BOTH {
        let [own, port] = [&own, &port].map(|traces| Mean::of(sent(traces, way)));
        assert!(own.agrees(port) && own.is(500.5) && port.is(500.5), "{way:?}: {own:?}, {port:?}");
    }
    // Of a Rayleigh distribution of scale w the share 1 - exp(-1/2) falls within w. The port has steps of equal mean length from 0 to 4 w for all of
    // its budget b, of which it sends a uniform part: E min(l, b/4) / E l = 7/16.
    let surplus = |traces: &[DefendedTrace], share: f64| {
        Mean::of(traces.iter().map(|defended| {
            let times = padding(defended, Direction::Outgoing);
            times.iter().filter(|&&time_ns| time_ns <= 5 * SECOND).count() as f64 - share * times.len() as f64
        }))
    };
    assert!(surplus(&own, 1.0 - (-0.5_f64).exp()).is(0.0), "{:?}", surplus(&own, 0.3935));
    assert!(surplus(&port, 7.0 / 16.0).is(0.0), "{:?}", surplus(&port, 7.0 / 16.0));
}

/// The first packet of an end leaves at once, the others in slots from then on. What arrives with it leaves with it in the port, since its simulator
/// lets packets pass before machines act; so the others come a little later here.
#[test]
fn tamaraw_sends_every_packet_in_the_same_slot() {
    let times = [vec![0; 2], vec![2_000; 258]].concat();
    let burst = Trace::new(times, [vec![536, -536], vec![536; 59], vec![-536; 199]].concat()).unwrap();
    let own = defend_one("tamaraw:cell,l=1", &burst).completion_ns(260);
    let port = defend_one("maybenot:tamaraw,stop=oracle", &burst).completion_ns(260);
    assert_eq!(port, own);
    let together = Trace::new(vec![0; 4], vec![-536; 4]).unwrap();
    assert_eq!(defend_one("maybenot:tamaraw,stop=oracle", &together).completion_ns(4), [0; 4]);
    // Slots until 2 s after the last arrivals, 142 and 500, then up to a hundred packets more and the slot that was due.
    let tail = defend_one("maybenot:tamaraw", &burst);
    for (way, rho) in [(Direction::Outgoing, 14 * MS), (Direction::Incoming, 4 * MS)] {
        let times: Vec<u64> = tail.packets().filter(|p| p.direction() == way).map(|p| p.time_ns).collect();
        let slots = times.iter().enumerate().take_while(|(i, time_ns)| **time_ns == *i as u64 * rho).count() as u64;
        assert_eq!(slots, 2 * SECOND / rho + 1, "{way:?}");
        let last_block = times.len() as u64 - slots;
        assert!((1..=101).contains(&last_block), "{way:?}: {last_block}");
    }
}

/// The port takes the mean rate of each of its bins for R D^t, until the rate is 1 a second: as many packets in each bin, but for the setup.
#[test]
fn regulators_surge_decays_alike() {
    let load = Trace::new([vec![0; 11], vec![120 * SECOND]].concat(), vec![-536; 12]).unwrap();
    // A budget that lasts: a surge is R / ln(1 / D) = 4477 packets.
    let parameters = "rate=277,decay=0.94,n=1000000,threshold=1000";
    let own = defend_one(&format!("regulator:heavy,{parameters}"), &load);
    let port = defend_one(&format!("maybenot:regulator,{parameters}"), &load);
    let bin_ns = ((277.0_f64).ln() / (1.0 / 0.94_f64).ln() / 10.0 * 1e9) as u64;
    let counts = |defended: &DefendedTrace, start: u64| -> Vec<usize> {
        let within = |bin: u64| start + bin * bin_ns..start + (bin + 1) * bin_ns;
        let times: Vec<u64> =
            defended.packets().filter(|p| p.direction() == Direction::Incoming).map(|p| p.time_ns).collect();
        (0..10).map(|bin| times.iter().filter(|time| within(bin).contains(time)).count()).collect()
    };
    // This crate's surge begins with the eleventh packet; the port's after ten slots of setup at ten a second, the first of them after one.
    let (own, port) = (counts(&own, 0), counts(&port, SECOND));
    let expected = |bin: usize| {
        let at = |bin: usize| 0.94_f64.powf(bin as f64 * bin_ns as f64 / 1e9);
        277.0 / (1.0 / 0.94_f64).ln() * (at(bin) - at(bin + 1))
    };
    for bin in 0..10 {
        // A slot more or less at either end, and intervals that the port rounds to microseconds.
        let expected = expected(bin);
        for count in [own[bin], port[bin]] {
            assert!(
                (count as f64 - expected).abs() <= 2.0 + expected * 2e-4,
                "bin {bin}: {own:?}, {port:?}, {expected}"
            );
        }
    }
}

/// Both spend a budget drawn uniformly up to N; the ten slots of the setup count in the port's, and its lowest draw is 1.
#[test]
fn regulator_spends_as_much() {
    let load = Trace::new([vec![0; 11], vec![60 * SECOND]].concat(), vec![-536; 12]).unwrap();
    let spent = |spec: &str| Mean::of(sent(&defend_many(spec, &load, 400), Direction::Incoming));
    let (own, port) = (spent("regulator:heavy,n=400"), spent("maybenot:regulator,n=400"));
    assert!(own.is(200.0) && port.agrees(own), "{own:?}, {port:?}");
}

/// The relay extends bursts in one load of four, where it has none to extend; in another it sends a fake burst, which the port ends after its fourth packet,
/// where the published machine has at least four; else one packet.
#[test]
fn interspace_chooses_its_relay_alike() {
    const LOADS: usize = 2_000;
    let load = Trace::new(vec![0, 10 * SECOND], vec![1, 1]).unwrap();
    let counts = |spec: &str| sent(&defend_many(spec, &load, LOADS as u64), Direction::Incoming);
    let (own, port) = (counts("interspace"), counts("maybenot:interspace"));
    let share =
        |counts: &[f64], holds: fn(f64) -> bool| counts.iter().filter(|&&n| holds(n)).count() as f64 / LOADS as f64;
    for counts in [&own, &port] {
        for (holds, expected) in [((|n| n == 0.0) as fn(f64) -> bool, 0.25), (|n| n == 1.0, 0.5), (|n| n > 1.0, 0.25)] {
            assert!(Mean::share(expected, LOADS).is(share(counts, holds)), "{expected}: {}", share(counts, holds));
        }
    }
    assert!(port.iter().all(|&n| n <= 5.0) && own.iter().all(|&n| n <= 1.0 || n >= 5.0));
}

/// The port cuts its draws of the countdown to whole numbers, and a countdown from 0 never ends: the client (Weibull 1.383, 8.767) stays silent with
/// probability 1 - exp(-(1/1.383)^8.767), the relay (1.194, 2.239) with 1 - exp(-(1/1.194)^2.239). Here they are rounded, and 0 is 1.
#[test]
fn break_pad_sends_bursts_of_one_length_and_fewer_of_them() {
    const LOADS: usize = 4_000;
    let (client, relay) =
        (1.0 - (-(1.383_293_f64.powf(-8.766_889))).exp(), 1.0 - (-(1.193_954_f64.powf(-2.238_858))).exp());
    // One request and then answers; no answer and then requests.
    let answers = Trace::new(
        [vec![0], (1..9).map(|i| i * 30 * MS).collect(), vec![9 * SECOND]].concat(),
        [vec![1], vec![-1; 9]].concat(),
    )
    .unwrap();
    let requests =
        Trace::new([vec![0], (1..9).map(|i| i * 30 * MS).collect(), vec![9 * SECOND]].concat(), vec![1; 10]).unwrap();
    for (load, way, silent) in [(&answers, Direction::Outgoing, client), (&requests, Direction::Incoming, relay)] {
        let counts = |spec: &str| sent(&defend_many(spec, load, LOADS as u64), way);
        let (own, port) = (counts("break-pad,lengths=maybenot"), counts("maybenot:break-pad"));
        assert!(own.iter().all(|&n| n > 0.0));
        let none = port.iter().filter(|&&n| n == 0.0).count() as f64 / LOADS as f64;
        assert!(Mean::share(silent, LOADS).is(none), "{way:?}: {none} of {silent}");
        if way == Direction::Outgoing {
            let [own, port] = [own, port].map(|counts| Mean::of(counts.into_iter().filter(|&n| n > 0.0)));
            assert!(own.agrees(port), "{own:?}, {port:?}");
        }
    }
}
