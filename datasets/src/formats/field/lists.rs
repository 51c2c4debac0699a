//! Texts that hold lists: `kfp`, `cumul`, `doh`, `f-bleau`, `json-lines`.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::names::label_of;
use super::{
    DIRECTIONS, FieldFormat, FieldTraces, NO_TIMES, Numbers, Packet, Reps, Time, WITHOUT_PACKETS, text_of, trace_of,
    wrong,
};
use crate::formats::{ReadError, ReadLimits, finite_number, whole_number};
use crate::{LabelledTrace, TraceKey, canonical_class};

/// The format whose first line this may be, of a text that begins so.
pub(super) fn of_line(line: &str, text: &str) -> Option<FieldFormat> {
    let has = |text: &str, name: &str| text.contains(&format!("\"{name}\""));
    let mut start = text.chars().filter(|letter| !letter.is_whitespace());
    if (start.next(), start.next().is_some_and(|letter| "([".contains(letter))) == (Some('['), true) {
        return Some(FieldFormat::Kfp);
    }
    if line.starts_with('{') && has(text, "sent") && has(text, "received") && has(text, "order") {
        return Some(FieldFormat::Doh);
    }
    if line.starts_with(['{', '[']) && has(text, "data_lengths") && has(text, "time_diffs") {
        return Some(FieldFormat::Chat);
    }
    if line.starts_with('{') && has(line, "class") && has(line, "size") {
        return Some(FieldFormat::JsonLines);
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let is_instance =
        |word: &&str| word.contains(':') && word.rsplit(':').next().is_some_and(|size| finite_number(size).is_ok());
    let is_cumul = words.len() > 3 && finite_number(words[1]).is_ok() && words[3..].iter().all(is_instance);
    is_cumul.then_some(FieldFormat::Cumul)
}

pub(super) fn read(format: FieldFormat, path: &Path, limits: &ReadLimits) -> Result<FieldTraces, ReadError> {
    let text = text_of(path, limits)?;
    match format {
        FieldFormat::Kfp => kfp(path, &text),
        FieldFormat::Cumul => cumul(path, &text),
        FieldFormat::Doh => doh(path, &text),
        FieldFormat::FBleau => f_bleau(path, &text),
        FieldFormat::Chat => chat(path, &text),
        _ => json_lines(path, &text),
    }
}

/// A Python list of pairs; tuples are lists in JSON.
fn kfp(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let (key, page) = label_of(path)?;
    let json: String = without_types(text)
        .chars()
        .map(|c| {
            if c == '(' {
                '['
            } else if c == ')' {
                ']'
            } else {
                c
            }
        })
        .collect();
    let pairs: Vec<(f64, f64)> = serde_json::from_str(&json).map_err(|error| {
        ReadError::damaged(path, format!("not a list of (seconds, direction) pairs of plain numbers: {error}"))
    })?;
    let packets: Vec<Packet> =
        pairs.iter().map(|&(seconds, size)| Packet { time: Time::Seconds(seconds), size }).collect();
    let (trace, directions) = trace_of(&packets, Numbers::BytesOrDirections).map_err(|(at, reason)| {
        let pair = pairs.get(at).map(|(seconds, size)| format!("({seconds}, {size})")).unwrap_or_default();
        wrong(path, at as u64, "pair", &pair, reason)
    })?;
    let mut found = FieldTraces::default();
    found.tell(usize::from(directions), DIRECTIONS);
    found.traces.push(LabelledTrace { page, ..LabelledTrace::new(key, None, trace) });
    Ok(found)
}

/// Numbers as they are where NumPy writes their types around them: `np.float64(0.5)`.
fn without_types(text: &str) -> Cow<'_, str> {
    if !text.contains("np.") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("np.") {
        let (before, typed) = rest.split_at(at);
        plain.push_str(before);
        let kind = typed[3..].bytes().take_while(u8::is_ascii_alphanumeric).count() + 3;
        let number = typed[kind..].strip_prefix('(').and_then(|behind| behind.split_once(')'));
        rest = match number {
            Some((number, behind)) => {
                plain.push_str(number);
                behind
            }
            // Whoever reads it says what is wrong with it.
            None => {
                plain.push_str(&typed[..kind]);
                &typed[kind..]
            }
        };
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

/// `page ms count ms:peer:size ..`: the sign of sizes is turned, since incoming is positive there.
fn cumul(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
    let mut reps = Reps::default();
    for (row, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[page, start, _, ref instances @ ..] = words.as_slice() else {
            return Err(wrong(path, row, "line", line, "not a page, milliseconds, a count and packets"));
        };
        let ms = finite_number(start).map_err(|reason| wrong(path, row, "milliseconds", start, reason))?;
        let packet = |word: &&str| -> Result<Packet, ReadError> {
            let number = |text: &str| finite_number(text).map_err(|reason| wrong(path, row, "packet", word, reason));
            let (time, rest) = word.split_once(':').unwrap_or((word, ""));
            let size = rest.rsplit(':').next().unwrap_or_default();
            Ok(Packet { time: Time::Seconds(number(time)? / 1e3), size: -number(size)? })
        };
        let packets = instances.iter().map(packet).collect::<Result<Vec<_>, _>>()?;
        let class = canonical_class(page).into_owned();
        let rep = reps.next(&class);
        if packets.is_empty() {
            found.drop(WITHOUT_PACKETS, 1);
            continue;
        }
        let (trace, _) = trace_of(&packets, Numbers::Bytes)
            .map_err(|(at, reason)| wrong(path, row, "packet", instances.get(at).unwrap_or(&""), reason))?;
        let key = TraceKey { rep, class, session: None };
        let start_ns = (0.0..9e12).contains(&ms).then_some((ms * 1e6) as i64);
        found.traces.push(LabelledTrace::new(key, start_ns, trace));
    }
    Ok(found)
}

/// Sizes of what was sent and received, and in which order.
#[derive(Debug, Deserialize)]
struct Doh {
    sent: Vec<f64>,
    received: Vec<f64>,
    order: Vec<f64>,
}

/// Captures by name, of which none is lost where two have the same.
#[derive(Debug)]
struct Captures(Vec<(String, Doh)>);

impl<'de> Deserialize<'de> for Captures {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMap;
        impl<'de> Visitor<'de> for OfMap {
            type Value = Captures;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a capture under each name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Captures, A::Error> {
                let mut all = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    all.push(entry);
                }
                Ok(Captures(all))
            }
        }
        deserializer.deserialize_map(OfMap)
    }
}

/// What captures and lists of their packets are called; any other ending is part of the name of a site.
const ENDINGS: [&str; 8] = ["pcap", "pcapng", "cap", "dump", "log", "txt", "csv", "json"];

fn doh(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let Captures(mut all) = serde_json::from_str(text).map_err(|error| {
        ReadError::damaged(path, format!("not a map from captures to sent, received and order: {error}"))
    })?;
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    if let Some(pair) = all.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let reason = "two captures have this name, of which other readers keep the last; give each its own";
        return Err(wrong(path, 0, "capture", &pair[0].0, reason));
    }
    let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
    let mut reps = Reps::default();
    for (row, (name, Doh { sent, received, order })) in (0..).zip(all) {
        let (mut out, mut back) = (sent.into_iter(), received.into_iter());
        if let Some(direction) = order.iter().find(|&&direction| direction == 0.0) {
            let reason = "neither above 0, which is sent, nor below, which is received";
            return Err(wrong(path, row, "order", &format!("{name}: {direction}"), reason));
        }
        let size = |direction: f64| {
            if direction > 0.0 { out.next().map(f64::abs) } else { back.next().map(|size| -size.abs()) }
        };
        let sizes: Option<Vec<f64>> = order.into_iter().map(size).collect();
        let sizes = sizes.filter(|_| out.len() == 0 && back.len() == 0);
        let sizes =
            sizes.ok_or_else(|| wrong(path, row, "order", &name, "not as many directions as there are sizes"))?;
        let packets: Vec<Packet> = sizes.into_iter().map(|size| Packet { time: Time::Ns(0), size }).collect();
        let file = name.rsplit(['/', '\\']).next().unwrap_or(&name);
        let is_ending = |ending: &str| ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
        let class = file.rsplit_once('.').filter(|(_, ending)| is_ending(ending)).map_or(file, |(stem, _)| stem);
        let class = canonical_class(class).into_owned();
        let rep = reps.next(&class);
        if packets.is_empty() {
            found.drop(WITHOUT_PACKETS, 1);
            continue;
        }
        let (trace, _) = trace_of(&packets, Numbers::Bytes)
            .map_err(|(at, reason)| wrong(path, row, "order", &format!("{name}, packet {at}"), reason))?;
        let key = TraceKey { rep, class, session: None };
        found.traces.push(LabelledTrace::new(key, None, trace));
    }
    found.tell(found.traces.len(), NO_TIMES);
    Ok(found)
}

/// What a stream answered.
#[derive(Deserialize)]
struct Stream {
    #[serde(alias = "label", alias = "topic", alias = "prompt")]
    class: serde_json::Value,
    data_lengths: Vec<f64>,
    time_diffs: Vec<f64>,
}

/// Lengths of what came in, and gaps in seconds: objects in a list, or one after the other.
fn chat(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let damaged = |error: serde_json::Error| {
        ReadError::damaged(
            path,
            format!("not objects with class (or label, topic, prompt), data_lengths and time_diffs: {error}"),
        )
    };
    let streams: Vec<Stream> = match text.trim_start().starts_with('[') {
        true => serde_json::from_str(text).map_err(damaged)?,
        false => serde_json::Deserializer::from_str(text).into_iter().collect::<Result<_, _>>().map_err(damaged)?,
    };
    let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
    let mut reps = Reps::default();
    for (row, Stream { class, data_lengths, time_diffs }) in (0..).zip(streams) {
        let class = class_of(&class)
            .ok_or_else(|| wrong(path, row, "class", &class.to_string(), "neither a name nor a number"))?;
        if data_lengths.len() != time_diffs.len() {
            let lengths = format!("{} and {}", data_lengths.len(), time_diffs.len());
            return Err(wrong(path, row, "data_lengths and time_diffs", &lengths, "not as many gaps as lengths"));
        }
        let (mut now, mut packets) = (0u64, Vec::with_capacity(data_lengths.len()));
        for (length, gap) in data_lengths.into_iter().zip(time_diffs) {
            let gap = crate::formats::ns_from_seconds(gap)
                .ok_or_else(|| wrong(path, row, "time_diffs", &gap.to_string(), "no time that passes"))?;
            now = now.saturating_add(gap);
            if length < 0.0 {
                return Err(wrong(path, row, "data_lengths", &length.to_string(), "a length below 0"));
            }
            packets.push(Packet { time: Time::Ns(now), size: -length });
        }
        let rep = reps.next(&class);
        if packets.is_empty() {
            found.drop("stream without packets", 1);
            continue;
        }
        let (trace, _) = trace_of(&packets, Numbers::Bytes)
            .map_err(|(at, reason)| wrong(path, row, "data_lengths", &format!("packet {at}"), reason))?;
        found.traces.push(LabelledTrace::new(TraceKey { class, rep, session: None }, None, trace));
    }
    found.tell(found.traces.len(), "traces tell what came in alone, and gaps are taken as seconds");
    Ok(found)
}

/// The class that a text or number is.
fn class_of(value: &serde_json::Value) -> Option<String> {
    let class = match value {
        serde_json::Value::String(name) => canonical_class(name).into_owned(),
        serde_json::Value::Number(number) => canonical_class(&number.to_string()).into_owned(),
        _ => return None,
    };
    Some(class).filter(|class| !class.is_empty())
}

/// A trace on a line.
#[derive(Deserialize)]
struct Line {
    class: serde_json::Value,
    rep: Option<i64>,
    session: Option<String>,
    start_ns: Option<i64>,
    time_ns: Option<Vec<u64>>,
    time: Option<Vec<f64>>,
    size: Vec<f64>,
}

fn json_lines(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
    let (mut reps, mut without_times) = (Reps::default(), 0);
    for (row, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let parsed: Line =
            serde_json::from_str(line).map_err(|error| wrong(path, row, "line", line, &error.to_string()))?;
        let Line { class, rep, session, start_ns, time_ns, time, size } = parsed;
        let class = class_of(&class)
            .ok_or_else(|| wrong(path, row, "class", &class.to_string(), "neither a name nor a number"))?;
        let times: Vec<Time> = match (time_ns, time) {
            (Some(ns), None) => ns.into_iter().map(Time::Ns).collect(),
            (None, Some(seconds)) => seconds.into_iter().map(Time::Seconds).collect(),
            (None, None) => {
                without_times += 1;
                vec![Time::Ns(0); size.len()]
            }
            (Some(_), Some(_)) => return Err(wrong(path, row, "time", "time and time_ns", "one of them is enough")),
        };
        if times.len() != size.len() {
            let lengths = format!("{} and {}", times.len(), size.len());
            return Err(wrong(path, row, "time and size", &lengths, "not as many times as sizes"));
        }
        let packets: Vec<Packet> = times.into_iter().zip(size).map(|(time, size)| Packet { time, size }).collect();
        found.is_counted &= rep.is_none();
        let rep = rep.unwrap_or_else(|| reps.next(&class));
        if packets.is_empty() {
            found.drop(WITHOUT_PACKETS, 1);
            continue;
        }
        let (trace, _) = trace_of(&packets, Numbers::Bytes)
            .map_err(|(at, reason)| wrong(path, row, "packet", &at.to_string(), reason))?;
        found.traces.push(LabelledTrace::new(TraceKey { class, rep, session }, start_ns, trace));
    }
    found.tell(without_times, NO_TIMES);
    Ok(found)
}

/// `class,size,size,..`, as F-BLEAU takes a secret and the vector that it is seen by. Zeros at the end pad.
fn f_bleau(path: &Path, text: &str) -> Result<FieldTraces, ReadError> {
    let mut found = FieldTraces { is_counted: true, ..FieldTraces::default() };
    let mut reps = Reps::default();
    for (row, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let (class, rest) = line.split_once(',').unwrap_or((line, ""));
        let secret = whole_number(class).ok().filter(|&secret| secret >= 0);
        let secret = secret.ok_or_else(|| wrong(path, row, "class", class, "not a whole number from 0 on"))?;
        let mut sizes = Vec::new();
        for field in rest.split(',').filter(|field| !field.trim().is_empty()) {
            let number = finite_number(field).map_err(|reason| wrong(path, row, "size", field, reason))?;
            if number.fract() != 0.0 {
                let reason = "no size in whole bytes: this line holds features, not packets; a table with the columns class, rep and one a \
                              feature is what wfkit train takes";
                return Err(wrong(path, row, "size", field, reason));
            }
            sizes.push(number);
        }
        let length = sizes.iter().rposition(|&size| size != 0.0).map_or(0, |last| last + 1);
        let class = canonical_class(&secret.to_string()).into_owned();
        let rep = reps.next(&class);
        let packets: Vec<Packet> = sizes[..length].iter().map(|&size| Packet { time: Time::Ns(0), size }).collect();
        match packets.is_empty() {
            true => found.drop("row of zeros", 1),
            false => match trace_of(&packets, Numbers::Bytes) {
                Ok((trace, _)) => {
                    found.traces.push(LabelledTrace::new(TraceKey { class, rep, session: None }, None, trace));
                }
                Err((at, reason)) => return Err(wrong(path, row, "size", &format!("packet {at}"), reason)),
            },
        }
    }
    found.tell(found.traces.len(), NO_TIMES);
    Ok(found)
}
