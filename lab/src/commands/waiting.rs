//! What would have been seen of a client that waits before each request, from what was seen of one that does not.
//!
//! Each request has a stream of its own: it is opened, answered, asked over, answered. So of all packets that the client sent, two a
//! request are followed by longer silences than any others, and the first of the two is where the client would have waited.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::wfkit::Packets;

/// The packets that open the streams of so many requests, in order; none where there are not so many.
fn openings(trace: &Packets, requests: usize) -> Vec<usize> {
    let silence = |at: usize| trace.seconds.get(at + 1).map_or(0.0, |next| next - trace.seconds[at]);
    let mut sent: Vec<usize> = (0..trace.sizes.len()).filter(|&at| trace.sizes[at] > 0.0).collect();
    if sent.len() < 2 * requests {
        return Vec::new();
    }
    sent.sort_by(|&one, &other| silence(other).total_cmp(&silence(one)));
    sent.truncate(2 * requests);
    sent.sort_unstable();
    sent.into_iter().step_by(2).collect()
}

/// The trace of a client that waits up to `most` seconds before each of its requests; the first wait is over before there is a packet.
fn delayed(trace: &Packets, requests: usize, most: f64, randomness: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let mut openings = openings(trace, requests).into_iter().skip(1).peekable();
    let mut waited = 0.0;
    let shifted = trace.seconds.iter().enumerate().map(|(at, seconds)| {
        if openings.next_if_eq(&at).is_some() {
            waited += randomness.random_range(0.0..=most);
        }
        seconds + waited
    });
    shifted.collect()
}

/// All traces, as a table that wfkit reads. `requests` says how many each made.
pub(super) fn simulated(traces: &[Packets], requests: impl Fn(&Packets) -> usize, delay_ms: u32, seed: u64) -> String {
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut text = String::from("cell_id,rep,direction_size,timestamp\n");
    for trace in traces {
        let seconds = delayed(trace, requests(trace), f64::from(delay_ms) / 1000.0, &mut randomness);
        for (size, seconds) in trace.sizes.iter().zip(seconds) {
            let _ = writeln!(text, "{},{},{size},{seconds:.9}", trace.class, trace.rep);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three requests: a stream opened, connected, asked over, answered in some packets with a packet of flow control among them.
    fn three() -> Packets {
        let (mut seconds, mut sizes, mut now) = (Vec::new(), Vec::new(), 0.0);
        for _ in 0..3 {
            for (size, after) in
                [(536.0, 0.05), (-536.0, 0.001), (536.0, 0.06), (-1448.0, 0.012), (536.0, 0.002), (-1448.0, 0.001)]
            {
                seconds.push(now);
                sizes.push(size);
                now += after;
            }
        }
        Packets { class: "7".to_owned(), rep: 2, seconds, sizes }
    }

    #[test]
    fn the_client_waits_where_it_opens_a_stream_and_nothing_else_changes() {
        let trace = three();
        assert_eq!(openings(&trace, 3), [0, 6, 12]);
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(1);
        let seconds = delayed(&trace, 3, 0.4, &mut randomness);
        let waits: Vec<f64> = trace.seconds.iter().zip(&seconds).map(|(before, after)| after - before).collect();
        assert!(waits[..6].iter().all(|wait| *wait == 0.0), "{waits:?}");
        assert!(waits[6] > 0.0 && waits[6..12].iter().all(|wait| (wait - waits[6]).abs() < 1e-9), "{waits:?}");
        assert!(waits[12] > waits[6] && waits[12] <= 0.8, "{waits:?}");
        assert_eq!(delayed(&trace, 3, 0.0, &mut randomness), trace.seconds);
        assert_eq!(delayed(&trace, 9, 0.4, &mut randomness), trace.seconds, "there are not so many");
    }

    #[test]
    fn a_table_has_a_row_a_packet() {
        let text = simulated(&[three()], |_| 3, 0, 1);
        assert!(
            text.starts_with("cell_id,rep,direction_size,timestamp\n7,2,536,0.000000000\n7,2,-536,0.050000000\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 19);
    }
}
