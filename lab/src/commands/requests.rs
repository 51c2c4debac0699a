//! What would have been seen of a client, or a server, with a defence of single requests, from what was seen without.
//!
//! Each request has a stream of its own: it is opened, answered, asked over, answered. So of all packets that the client sent, two a
//! request are followed by longer silences than any others, and the first of the two opens the stream.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::wfkit::Packets;

/// What is done to requests.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// The client waits up to so many seconds before each.
    Wait(f64),
    /// The server fills every answer up to a multiple of so many bytes.
    Fill(u32),
    /// The client makes so many requests for points, those that are too many for nothing.
    Count(u32),
}

impl Change {
    pub(super) fn shown(self) -> String {
        match self {
            Self::Wait(most) => format!("a wait of up to {:.0} ms where requests open streams", 1000.0 * most),
            Self::Fill(multiple) => format!("answers filled up to multiples of {multiple} bytes"),
            Self::Count(count) => format!("requests for nothing at the end, up to {count} for points"),
        }
    }
}

/// What Tor's cells carry; TLS payload of a packet that carries one cell, and of a cell among others.
pub(super) const CELL_DATA: f64 = 498.0;
pub(super) const ONE_CELL: f64 = 536.0;
const CELL_AMONG_OTHERS: f64 = 520.0;

/// Most bytes in a packet.
const FULL: f64 = 1448.0;

/// What an answer has besides its body: cells that say that a stream is open and closed, and a head in HTTP.
const CELLS_OF_STREAM: f64 = 2.0;
const HEAD: f64 = 150.0;

/// After so many cells of answers the client sends one: flow control (`cc_sendme_inc`).
const CELLS_A_SENDME: f64 = 31.0;

/// Cells of an answer about a point that is none, and of the stream that it comes in.
const CELLS_OF_NOTHING: usize = 2;

/// A packet: bytes, less than 0 to the client, and seconds from the first one on.
type Packet = (f64, f64);

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

/// A trace with a change; as it is where its requests cannot be told.
fn changed(trace: &Packets, requests: usize, change: Change, randomness: &mut Xoshiro256PlusPlus) -> Vec<Packet> {
    let all: Vec<Packet> = trace.sizes.iter().copied().zip(trace.seconds.iter().copied()).collect();
    let openings = openings(trace, requests);
    let Some(&first) = openings.first() else { return all };
    let ends = openings.iter().skip(1).copied().chain([all.len()]);
    let parts: Vec<&[Packet]> = openings.iter().zip(ends).map(|(&from, to)| &all[from..to]).collect();
    let mut made = all[..first].to_vec();
    let mut late = 0.0;
    for (part, number) in parts.iter().zip(0..) {
        if let Change::Wait(most) = change
            && number > 0
        {
            // The first wait is over before there is a packet.
            late += randomness.random_range(0.0..=most);
        }
        made.extend(part.iter().map(|&(size, seconds)| (size, seconds + late)));
        if let Change::Fill(multiple) = change {
            late += fill(&mut made, part, multiple, pace(&parts));
        }
    }
    if let Change::Count(count) = change {
        // The first request asks for the list.
        for _ in requests..=count as usize {
            ask_for_nothing(&mut made, &parts);
        }
    }
    made
}

/// Seconds between packets of an answer that follow each other: the median.
fn pace(parts: &[&[Packet]]) -> f64 {
    let came = |pair: &[Packet]| (pair[0].0 < 0.0 && pair[1].0 < 0.0).then(|| pair[1].1 - pair[0].1);
    median(parts.iter().flat_map(|part| part.windows(2).filter_map(came)).collect())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Lengthens the answer that came last, at its own pace; how many seconds later all is that follows.
fn fill(made: &mut Vec<Packet>, part: &[Packet], multiple: u32, pace: f64) -> f64 {
    let down: f64 = part.iter().map(|(size, _)| (-size).max(0.0)).sum();
    let cells = (down / CELL_AMONG_OTHERS).round() - CELLS_OF_STREAM;
    let body = (cells * CELL_DATA - HEAD).max(1.0);
    let multiple = f64::from(multiple);
    let more = ((body / multiple).ceil() * multiple - body) / CELL_DATA;
    // Before the client closes the stream.
    let Some(last) = made.iter().rposition(|(size, _)| *size < 0.0) else { return 0.0 };
    let (mut left, mut now, mut until_sendme) = (more.round() * CELL_AMONG_OTHERS, made[last].1, CELLS_A_SENDME);
    let mut added = Vec::new();
    while left > 0.0 {
        let size = left.min(FULL);
        now += pace;
        added.push((-size, now));
        left -= size;
        until_sendme -= size / CELL_AMONG_OTHERS;
        if until_sendme <= 0.0 {
            until_sendme += CELLS_A_SENDME;
            added.push((ONE_CELL, now));
        }
    }
    let later = now - made[last].1;
    let closing = made.split_off(last + 1);
    made.extend(added);
    made.extend(closing.into_iter().map(|(size, seconds)| (size, seconds + later)));
    later
}

/// A request for nothing after all others: a stream opened, connected, asked over, answered and closed by the server, as quickly as usual.
fn ask_for_nothing(made: &mut Vec<Packet>, parts: &[&[Packet]]) {
    // Until the stream is open, and until the answer comes.
    let silences = |which: usize| {
        let waited = |part: &&[Packet]| {
            let sent = part.windows(2).filter(|pair| pair[0].0 > 0.0 && pair[1].0 < 0.0);
            sent.map(|pair| pair[1].1 - pair[0].1).nth(which)
        };
        median(parts.iter().filter_map(waited).collect())
    };
    let mut now = made.last().map_or(0.0, |(_, seconds)| *seconds);
    made.push((ONE_CELL, now));
    now += silences(0);
    made.extend([(-ONE_CELL, now), (ONE_CELL, now)]);
    now += silences(1);
    made.extend([(-ONE_CELL, now); CELLS_OF_NOTHING]);
}

/// All traces with a change, as a table that wfkit reads. `requests` says how many each made.
pub(super) fn simulated(traces: &[Packets], requests: impl Fn(&Packets) -> usize, change: Change, seed: u64) -> String {
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut text = String::from("cell_id,rep,direction_size,timestamp\n");
    for trace in traces {
        for (size, seconds) in changed(trace, requests(trace), change, &mut randomness) {
            let _ = writeln!(text, "{},{},{size:.0},{seconds:.9}", trace.class, trace.rep);
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

    fn of_three(change: Change) -> Vec<Packet> {
        changed(&three(), 3, change, &mut Xoshiro256PlusPlus::seed_from_u64(1))
    }

    fn sum(packets: &[Packet], sign: f64) -> f64 {
        packets.iter().map(|(size, _)| (sign * size).max(0.0)).sum()
    }

    fn in_order(packets: &[Packet]) -> bool {
        packets.is_sorted_by(|one, next| one.1 <= next.1)
    }

    #[test]
    fn the_client_waits_where_it_opens_a_stream_and_nothing_else_changes() {
        let trace = three();
        assert_eq!(openings(&trace, 3), [0, 6, 12]);
        let late = of_three(Change::Wait(0.4));
        assert!(late.iter().map(|(size, _)| size).eq(&trace.sizes));
        let waits: Vec<f64> = trace.seconds.iter().zip(&late).map(|(before, (_, after))| after - before).collect();
        assert!(waits[..6].iter().all(|wait| *wait == 0.0), "{waits:?}");
        assert!(waits[6] > 0.0 && waits[6..12].iter().all(|wait| (wait - waits[6]).abs() < 1e-9), "{waits:?}");
        assert!(waits[12] > waits[6] && waits[12] <= 0.8, "{waits:?}");
        let seconds = |packets: Vec<Packet>| packets.into_iter().map(|(_, seconds)| seconds).collect::<Vec<_>>();
        assert_eq!(seconds(of_three(Change::Wait(0.0))), trace.seconds);
        let few = changed(&trace, 9, Change::Wait(0.4), &mut Xoshiro256PlusPlus::seed_from_u64(1));
        assert_eq!(seconds(few), trace.seconds, "there are not so many");
    }

    #[test]
    fn answers_are_filled_before_the_next_request_and_flow_control_with_them() {
        let plain = of_three(Change::Wait(0.0));
        let filled = of_three(Change::Fill(49_800));
        // Each answer has 100 cells of body and one that its head began.
        let cells = sum(&filled, -1.0) / CELL_AMONG_OTHERS / 3.0;
        assert!((cells - 102.0).abs() < 2.0, "{cells} cells an answer");
        let sendmes = (sum(&filled, 1.0) - sum(&plain, 1.0)) / ONE_CELL / 3.0;
        assert_eq!(sendmes, 3.0, "of 98 more cells");
        assert!(in_order(&filled));
        // An answer that is long enough stays.
        let [short, long] = [10, 3000].map(|multiple| sum(&of_three(Change::Fill(multiple)), -1.0));
        assert!(short - sum(&plain, -1.0) < 3.0 * 600.0 && long > short, "{short} and {long}");
    }

    #[test]
    fn requests_for_nothing_come_last_and_make_up_the_number() {
        let (plain, counted) = (of_three(Change::Wait(0.0)), of_three(Change::Count(5)));
        assert_eq!(counted[..plain.len()], plain);
        // Three requests are a list and two points: three points more.
        assert_eq!(counted.len(), plain.len() + 3 * 5);
        assert!(in_order(&counted));
        let took = counted.last().unwrap().1 - plain.last().unwrap().1;
        assert!((took - 3.0 * 0.11).abs() < 0.01, "{took}");
        assert_eq!(of_three(Change::Count(2)), plain);
    }

    #[test]
    fn a_table_has_a_row_a_packet() {
        let text = simulated(&[three()], |_| 3, Change::Wait(0.0), 1);
        assert!(
            text.starts_with("cell_id,rep,direction_size,timestamp\n7,2,536,0.000000000\n7,2,-536,0.050000000\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 19);
    }
}
