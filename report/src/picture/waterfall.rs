use serde_json::json;
use wfkit_datasets::Trace;

use super::{Picture, bytes, field, percent};
use crate::axes::{Plot, Scale, grouped};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::{Cell, Table};

/// A trace under a name, such as a page before and after a defence.
#[derive(Debug, Clone, Copy)]
pub struct ShownTrace<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its packets.
    pub trace: &'a Trace,
    /// How many bytes of each packet are padding, shape `(n_packets,)`; none where nobody knows.
    pub padding: Option<&'a [u32]>,
}

/// Slices of time that bytes are summed over.
const BINS: usize = 240;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 44.0;

/// Bytes in a slice of time: data and padding, outgoing and incoming.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Slice {
    data: [f64; 2],
    padding: [f64; 2],
}

impl Slice {
    fn total(&self, way: usize) -> f64 {
        self.data[way] + self.padding[way]
    }
}

/// When packets are sent, how much and which way: outgoing bytes up, incoming down, a panel a trace, all on the same scales. Padding stands
/// beyond the data of its slice of time, paler, where it is known. The first trace is what the others are compared with.
///
/// # Panics
/// If there is no trace, or padding is not of as many packets as there are.
pub fn waterfall(title: &str, traces: &[ShownTrace<'_>]) -> Picture {
    let longest = traces.iter().map(|shown| shown.trace.duration_ns()).max().expect("there is a trace").max(1);
    let slices: Vec<Vec<Slice>> = traces.iter().map(|shown| slices(shown, longest)).collect();
    let most = |way| slices.iter().flatten().map(|slice| slice.total(way)).fold(0.0, f64::max);
    let unit = if most(0).max(most(1)) >= 2e3 { (1e3, "kB") } else { (1.0, "bytes") };
    let seconds = longest as f64 / 1e9;
    let width_of_slice = seconds / BINS as f64;

    let height = 20.0 + (PANEL + GAP) * traces.len() as f64 + 34.0;
    let mut canvas = Canvas::new(WIDTH, height);
    let mut table = Table::new(&["trace", "from_seconds", "to_seconds", "direction", "kind", "bytes"]);
    for (at, (shown, slices)) in traces.iter().zip(&slices).enumerate() {
        let top = 28.0 + (PANEL + GAP) * at as f64;
        let plot = Plot {
            left: LEFT,
            top,
            width: WIDTH - LEFT - MARGIN,
            height: PANEL,
            x: Scale::Linear { low: 0.0, high: seconds },
            y: Scale::around(-most(1) / unit.0, most(0) / unit.0),
        };
        canvas.fitted((LEFT, top - 8.0), Anchor::Start, "strong", shown.name, WIDTH - LEFT - MARGIN);
        let last = at + 1 == traces.len();
        plot.axes(&mut canvas, if last { "seconds since the first packet" } else { "" }, "", true);
        let (mut data, mut padding) = (String::new(), String::new());
        let wide = px((plot.width / BINS as f64 - 0.4).max(0.5));
        for (bin, slice) in slices.iter().enumerate() {
            let x = px(plot.x(bin as f64 * width_of_slice));
            for (way, sign) in [(0, 1.0), (1, -1.0)] {
                let place = |bytes: f64| plot.y(sign * bytes / unit.0);
                let (zero, inner, outer) = (place(0.0), place(slice.data[way]), place(slice.total(way)));
                let bar = |from: f64, to: f64| format!("M{x} {}h{wide}V{}h-{wide}z", px(from), px(to));
                if slice.data[way] > 0.0 {
                    data += &bar(zero, inner);
                }
                if slice.padding[way] > 0.0 {
                    padding += &bar(inner, outer);
                }
                let (from, to) = (bin as f64 * width_of_slice, (bin + 1) as f64 * width_of_slice);
                let kinds = match shown.padding {
                    Some(_) => [("data", slice.data[way]), ("padding", slice.padding[way])],
                    None => [("not told apart", slice.data[way]), ("padding", 0.0)],
                };
                for (kind, bytes) in kinds.into_iter().filter(|(_, bytes)| *bytes > 0.0) {
                    let direction = ["outgoing", "incoming"][way];
                    table.push([
                        shown.name.into(),
                        from.into(),
                        to.into(),
                        direction.into(),
                        kind.into(),
                        Cell::Count(bytes as u64),
                    ]);
                }
            }
        }
        canvas.path("pale", &padding);
        canvas.path("fa", &data);
        let zero = px(plot.y(0.0));
        canvas.path("axis", &format!("M{} {zero}H{}", px(LEFT), px(plot.right())));
    }
    canvas.upright(
        (18.0, 28.0 + (height - 62.0) / 2.0),
        Anchor::Middle,
        "soft",
        &format!("{} in {:.0} ms: out up, in down", unit.1, width_of_slice * 1e3),
    );
    Picture::drawn(
        title,
        finding(traces),
        READING,
        canvas,
        table,
        json!({
            "facet": { "row": field("trace", "nominal", "") },
            "spec": {
                "width": 700, "height": 120,
                "transform": [{ "calculate": "datum.direction == 'incoming' ? -datum.bytes : datum.bytes", "as": "signed" }],
                "mark": "bar",
                "encoding": {
                    "x": { "field": "from_seconds", "type": "quantitative", "title": "seconds since the first packet", "bin": { "binned": true } },
                    "x2": { "field": "to_seconds" },
                    "y": field("signed", "quantitative", "bytes: out up, in down"),
                    "color": { "field": "kind", "type": "nominal", "title": null }
                }
            }
        }),
    )
}

const READING: &str = "Each bar is what was sent in a short slice of time: outgoing up, incoming down. Where padding is known it stands beyond the data, \
     paler; an observer sees both as one.";

fn slices(shown: &ShownTrace<'_>, longest: u64) -> Vec<Slice> {
    let padding = shown.padding;
    assert!(padding.is_none_or(|padding| padding.len() == shown.trace.len()), "padding of every packet");
    let mut slices = vec![Slice::default(); BINS];
    for (at, (time, size)) in shown.trace.packets().enumerate() {
        let bin = ((u128::from(time) * BINS as u128 / u128::from(longest)) as usize).min(BINS - 1);
        let way = usize::from(size < 0);
        let pads = padding.map_or(0, |padding| padding[at].min(size.unsigned_abs()));
        slices[bin].padding[way] += f64::from(pads);
        slices[bin].data[way] += f64::from(size.unsigned_abs() - pads);
    }
    slices
}

fn finding(traces: &[ShownTrace<'_>]) -> String {
    let total = |trace: &Trace| (trace.in_bytes() + trace.out_bytes()) as f64;
    let seconds = |trace: &Trace| trace.duration_ns() as f64 / 1e9;
    let first = traces[0];
    let packets = |trace: &Trace| grouped(trace.len() as f64, 0);
    let mut text = format!(
        "{}: {} packets, {} in {:.1} s",
        first.name,
        packets(first.trace),
        bytes(total(first.trace)),
        seconds(first.trace)
    );
    for shown in &traces[1..] {
        let (times, later) = (total(shown.trace) / total(first.trace), seconds(shown.trace) - seconds(first.trace));
        text += &format!(
            "; {}: {} packets, {} ({times:.1} times)",
            shown.name,
            packets(shown.trace),
            bytes(total(shown.trace))
        );
        if let Some(padding) = shown.padding {
            let share = padding.iter().map(|&bytes| f64::from(bytes)).sum::<f64>() / total(shown.trace);
            text += &format!(", {} of it padding", percent(share));
        }
        text += &match later {
            later if later.abs() < 0.05 => ", in the same time".to_owned(),
            later if later > 0.0 => format!(", {later:.1} s longer"),
            later => format!(", {:.1} s shorter", -later),
        };
    }
    text + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace() -> Trace {
        Trace::new(vec![0, 500_000_000, 1_000_000_000], vec![600, -1500, -500]).unwrap()
    }

    #[test]
    fn data_and_padding_are_told_apart_and_add_up() {
        let (before, after) =
            (trace(), Trace::new(vec![0, 500_000_000, 2_000_000_000], vec![600, -1500, -2000]).unwrap());
        let shown = [
            ShownTrace { name: "before", trace: &before, padding: None },
            ShownTrace { name: "after", trace: &after, padding: Some(&[100, 0, 2000]) },
        ];
        let picture = waterfall("t", &shown);
        assert_eq!(
            picture.finding,
            "before: 3 packets, 2.6 kB in 1.0 s; after: 3 packets, 4.1 kB (1.6 times), 51 % of it padding, 1.0 s longer."
        );
        let sum = |kind: &str| {
            let of_kind = picture.table.rows().iter().filter(|row| row[4] == kind.into());
            of_kind.map(|row| row[5].text().parse::<u64>().unwrap()).sum::<u64>()
        };
        assert_eq!((sum("not told apart"), sum("data"), sum("padding")), (2600, 2000, 2100));
    }

    #[test]
    fn one_packet_is_a_trace_too() {
        let one = Trace::new(vec![0], vec![1]).unwrap();
        let svg = waterfall("t", &[ShownTrace { name: "x", trace: &one, padding: None }]).svg();
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
