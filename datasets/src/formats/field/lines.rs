//! One trace a file, one packet a line: `wang`, `cell`, `maybenot`, `circpad`; and `bursts`, all on few lines.

use std::path::Path;

use super::names::{UNMONITORED, label_of};
use super::{
    BELOW_0, CELL_BYTES, DIRECTIONS, FieldFormat, FieldTraces, NO_TIMES, Numbers, Packet, Time, text_of, trace_of,
    wrong,
};
use crate::formats::{ReadError, ReadLimits, finite_number};
use crate::{LabelledTrace, NOT_KNOWN, PacketColumn};

/// The format whose first line this may be.
pub(super) fn of_line(line: &str) -> Option<FieldFormat> {
    let mut words = line.split_whitespace();
    let is_ns = words.next().is_some_and(|time| time.bytes().all(|byte| byte.is_ascii_digit()));
    let is_event = |event: &str| event.starts_with("circpad_") || (is_ns && event.starts_with("connection_"));
    if words.next().is_some_and(is_event) {
        return Some(FieldFormat::Circpad);
    }
    if let Some((time, rest)) = line.split_once(',')
        && finite_number(time).is_ok()
        && direction_of(rest.split(',').next().unwrap_or_default()).is_some()
    {
        return Some(FieldFormat::Maybenot);
    }
    let numbers: Option<Vec<f64>> = line.split_whitespace().map(|word| finite_number(word).ok()).collect();
    match numbers?[..] {
        [_, direction] if direction.abs() == 1.0 => Some(FieldFormat::Wang),
        [_, size] if size.fract() == 0.0 && size != 0.0 => Some(FieldFormat::Cell),
        [_] | [_, _] | [_, _, _] | [] => None,
        ref sizes if sizes.iter().all(|size| size.fract() == 0.0 && *size != 0.0) => Some(FieldFormat::Bursts),
        _ => None,
    }
}

/// Of an event of Maybenot, whether or not it is padding: 1 for what is sent.
fn direction_of(event: &str) -> Option<f64> {
    match event.trim() {
        "s" | "sn" | "sp" => Some(1.0),
        "r" | "rn" | "rp" => Some(-1.0),
        _ => None,
    }
}

pub(super) fn read(format: FieldFormat, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let text = text_of(path, limits)?;
    let (key, page) = label_of(path)?;
    let mut found = FieldTraces::default();
    let mut packets = Vec::new();
    let mut rows = Vec::new();
    let mut commands = Vec::new();
    let mut with_bytes = None;
    for (row, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if row > limits.rows {
            return Err(ReadError::limit(path, crate::formats::LimitExceeded::Rows { limit: limits.rows }));
        }
        match format {
            FieldFormat::Maybenot => {
                let (packet, has_bytes) = maybenot(path, row, line)?;
                if *with_bytes.get_or_insert(has_bytes) != has_bytes {
                    let reason = "with bytes, where lines above have none, or the other way round";
                    return Err(wrong(path, row, "bytes", line, reason));
                }
                packets.push(packet);
            }
            FieldFormat::Circpad => match circpad(path, row, line)? {
                Some((packet, is_padding)) => {
                    packets.push(packet);
                    commands.push(if is_padding { DROP } else { NOT_KNOWN });
                }
                None => {
                    found.drop("event that is no cell", 1);
                    continue;
                }
            },
            FieldFormat::Bursts => {
                for word in line.split_whitespace() {
                    let size = finite_number(word).map_err(|reason| wrong(path, row, "size", word, reason))?;
                    packets.push(Packet { time: Time::Ns(0), size });
                    rows.push(row);
                }
                continue;
            }
            _ => packets.push(timed(path, row, line)?),
        }
        rows.push(row);
    }
    if packets.is_empty() {
        return Err(ReadError::damaged(path, "no packet in it"));
    }
    let numbers = match format {
        FieldFormat::Bursts => Numbers::Bytes,
        FieldFormat::Maybenot if with_bytes == Some(true) => Numbers::Bytes,
        _ => Numbers::BytesOrDirections,
    };
    let (trace, directions) = trace_of(&packets, numbers).map_err(|(at, reason)| {
        let row = rows.get(at).copied().unwrap_or_default();
        wrong(path, row, "packet", text.lines().nth(row as usize - 1).unwrap_or_default(), reason)
    })?;
    let trace = match commands.contains(&DROP) {
        true => trace.with_column(PacketColumn::RelayCmd, commands).expect("a command, or none, of each cell"),
        false => trace,
    };
    found.tell(usize::from(directions), DIRECTIONS);
    found.tell(usize::from(format == FieldFormat::Bursts), NO_TIMES);
    found.tell(usize::from(page.is_some()),
        format!("traces are named by a number alone, as Wang et al. name pages that nobody watches: their class is `{UNMONITORED}`"),
    );
    found.traces.push(LabelledTrace { page, ..LabelledTrace::new(key, None, trace) });
    Ok(found)
}

/// Seconds, blanks, direction or signed size.
fn timed(path: &Path, row: u64, line: &str) -> Result<Packet, ReadError> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let &[time, size] = words.as_slice() else {
        return Err(wrong(path, row, "line", line, "not two numbers, seconds and a direction or signed size"));
    };
    let seconds = finite_number(time).map_err(|reason| wrong(path, row, "seconds", time, reason))?;
    let size = finite_number(size).map_err(|reason| wrong(path, row, "direction or size", size, reason))?;
    Ok(Packet { time: Time::Seconds(seconds), size })
}

/// Nanoseconds, event, perhaps bytes, and whether they are there.
fn maybenot(path: &Path, row: u64, line: &str) -> Result<(Packet, bool), ReadError> {
    let mut fields = line.split(',').map(str::trim);
    let (time, event) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let ns = time.parse().map_err(|_| wrong(path, row, "nanoseconds", time, "not a whole number"))?;
    let direction = direction_of(event).ok_or_else(|| {
        wrong(path, row, "event", event, "none of s, r, sn, sp, rn, rp: sent or received, normal or padding")
    })?;
    // A comma with nothing behind it says nothing either.
    let Some(bytes) = fields.next().filter(|bytes| !bytes.is_empty()) else {
        return Ok((Packet { time: Time::Ns(ns), size: direction }, false));
    };
    match finite_number(bytes) {
        Ok(number) if number < 0.0 => Err(wrong(path, row, "bytes", bytes, BELOW_0)),
        Ok(number) => Ok((Packet { time: Time::Ns(ns), size: number * direction }, true)),
        Err(reason) => Err(wrong(path, row, "bytes", bytes, reason)),
    }
}

/// The relay command of padding cells (Tor Protocol Specification, "Relay cells").
const DROP: i16 = 10;

/// Nanoseconds and event, and whether it is of a padding cell; none for what is no cell.
fn circpad(path: &Path, row: u64, line: &str) -> Result<Option<(Packet, bool)>, ReadError> {
    let (time, event) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let ns = time.parse().map_err(|_| wrong(path, row, "nanoseconds", time, "not a whole number"))?;
    let event = event.trim();
    let (direction, is_padding) = match event.strip_prefix("circpad_cell_event_") {
        Some("nonpadding_sent") => (1.0, false),
        Some("nonpadding_received") => (-1.0, false),
        Some("padding_sent") => (1.0, true),
        Some("padding_received") => (-1.0, true),
        _ if event.starts_with("circpad_") || event.starts_with("connection_") => return Ok(None),
        _ => return Err(wrong(path, row, "event", event, "no event of the circuit padding simulator")),
    };
    Ok(Some((Packet { time: Time::Ns(ns), size: direction * f64::from(CELL_BYTES) }, is_padding)))
}
