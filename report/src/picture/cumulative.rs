use serde_json::json;
use wfkit_datasets::Trace;

use super::{Picture, bytes, field};
use crate::axes::{Plot, Scale, apart};
use crate::canvas::{Anchor, Canvas, MARGIN, SERIES, px};
use crate::table::Table;

/// Lines that one picture has room for.
const MOST: usize = SERIES.len();
/// Points of a line: what lies between is not seen.
const POINTS: usize = 240;
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 70.0;
/// Room for names, to the right.
const NAMES: f64 = 170.0;

/// Bytes since the first packet: incoming up, outgoing down, a line a trace with its name at its end. Of more than six traces the first six are
/// drawn, which the finding says; the table has those, too.
///
/// # Panics
/// If there is no trace.
pub fn cumulative(title: &str, traces: &[(&str, &Trace)]) -> Picture {
    let drawn = &traces[..traces.len().min(MOST)];
    let longest = drawn.iter().map(|(_, trace)| trace.duration_ns()).max().expect("there is a trace").max(1);
    let most = |bytes: fn(&Trace) -> u64| drawn.iter().map(|(_, trace)| bytes(trace)).max().unwrap_or(0) as f64;
    let (incoming, outgoing) = (most(Trace::in_bytes), most(Trace::out_bytes));
    let (unit, name) = if incoming.max(outgoing) >= 2e3 { (1e3, "kB") } else { (1.0, "bytes") };
    let mut canvas = Canvas::new(WIDTH, HEIGHT + 60.0);
    let plot = Plot {
        left: LEFT,
        top: 12.0,
        width: WIDTH - LEFT - NAMES,
        height: HEIGHT,
        x: Scale::Linear { low: 0.0, high: longest as f64 / 1e9 },
        y: Scale::around(-outgoing / unit, incoming / unit),
    };
    plot.axes(&mut canvas, "seconds since the first packet", &format!("{name} so far: in up, out down"), true);
    let zero = px(plot.y(0.0));
    canvas.path("axis", &format!("M{} {zero}H{}", px(LEFT), px(plot.right())));
    let mut table = Table::new(&["trace", "seconds", "incoming_bytes", "outgoing_bytes"]);
    let mut ends: Vec<(usize, (f64, f64))> = Vec::new();
    for (at, (name, trace)) in drawn.iter().enumerate() {
        let points = sums(trace, longest);
        for way in [|sum: &Sum| sum.incoming as f64, |sum: &Sum| -(sum.outgoing as f64)] {
            let line = plot.line(points.iter().map(|sum| (sum.seconds, way(sum) / unit)));
            canvas.path(&format!("line {}", SERIES[at]), &line);
        }
        for sum in &points {
            table.push([(*name).into(), sum.seconds.into(), sum.incoming.into(), sum.outgoing.into()]);
        }
        let end = (plot.x(trace.duration_ns() as f64 / 1e9), plot.y(trace.in_bytes() as f64 / unit));
        ends.push((at, end));
    }
    ends.sort_by(|a, b| a.1.1.total_cmp(&b.1.1));
    let mut places: Vec<f64> = ends.iter().map(|end| end.1.1).collect();
    apart(&mut places, 16.0, plot.top + 4.0, plot.bottom());
    for ((at, (x, y)), place) in ends.iter().zip(places) {
        let right = plot.right();
        canvas.path("leader", &format!("M{} {}L{} {}", px(x + 3.0), px(*y), px(right + 4.0), px(place)));
        canvas.path(&format!("line {}", SERIES[*at]), &format!("M{} {}h20", px(right + 6.0), px(place)));
        canvas.fitted((right + 32.0, place + 4.0), Anchor::Start, "small", drawn[*at].0, NAMES - 32.0 - MARGIN);
    }
    Picture::drawn(
        title,
        finding(drawn, traces.len()),
        READING,
        canvas,
        table,
        json!({
            "width": 620, "height": 320,
            "transform": [{ "calculate": "-datum.outgoing_bytes", "as": "out" }],
            "layer": [
                { "mark": { "type": "line", "interpolate": "step-after" }, "encoding": { "y": field("incoming_bytes", "quantitative", "bytes so far: in up, out down") } },
                { "mark": { "type": "line", "interpolate": "step-after" }, "encoding": { "y": field("out", "quantitative", "bytes so far: in up, out down") } }
            ],
            "encoding": {
                "x": field("seconds", "quantitative", "seconds since the first packet"),
                "color": field("trace", "nominal", ""), "strokeDash": field("trace", "nominal", "")
            }
        }),
    )
}

const READING: &str = "How many bytes had come in (above) and gone out (below) at each moment. Pages whose lines lie on each other look the same to an attack on volumes.";

struct Sum {
    seconds: f64,
    incoming: u64,
    outgoing: u64,
}

/// Sums at the moments that are told apart, and at the end.
fn sums(trace: &Trace, longest: u64) -> Vec<Sum> {
    let mut sums = vec![Sum { seconds: 0.0, incoming: 0, outgoing: 0 }];
    let (mut incoming, mut outgoing, mut bin) = (0, 0, 0);
    for (time, size) in trace.packets() {
        if size < 0 {
            incoming += u64::from(size.unsigned_abs());
        } else {
            outgoing += u64::from(size.unsigned_abs());
        }
        let now = (u128::from(time) * POINTS as u128 / u128::from(longest)) as usize;
        let sum = Sum { seconds: time as f64 / 1e9, incoming, outgoing };
        if now == bin && sums.len() > 1 {
            sums.pop();
        }
        sums.push(sum);
        bin = now;
    }
    sums
}

fn finding(drawn: &[(&str, &Trace)], all: usize) -> String {
    let by = |bytes: fn(&Trace) -> u64| {
        let of = |one: &&(&str, &Trace)| bytes(one.1);
        let least = drawn.iter().min_by_key(of).expect("there is a trace");
        let most = drawn.iter().max_by_key(of).expect("there is a trace");
        (least.0.to_owned(), bytes(least.1), most.0.to_owned(), bytes(most.1))
    };
    let left = if all > drawn.len() {
        format!(" The first {} of {all} traces are shown.", drawn.len())
    } else {
        String::new()
    };
    if let [(name, trace)] = drawn {
        return format!(
            "{name}: {} came in, {} went out.{left}",
            bytes(trace.in_bytes() as f64),
            bytes(trace.out_bytes() as f64)
        );
    }
    let (little, least, much, most) = by(Trace::in_bytes);
    format!("From {} that come in ({little}) to {} ({much}).{left}", bytes(least as f64), bytes(most as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_end_where_the_trace_does() {
        let long: Vec<u64> = (0..5000).map(|at| at * 1_000_000).collect();
        let trace = Trace::new(long, (0..5000).map(|at| if at % 3 == 0 { 100 } else { -700 }).collect()).unwrap();
        let picture = cumulative("t", &[("a", &trace)]);
        let last = picture.table.rows().last().unwrap();
        assert_eq!((last[2].text(), last[3].text()), (trace.in_bytes().to_string(), trace.out_bytes().to_string()));
        assert!(picture.table.rows().len() <= POINTS + 2, "{}", picture.table.rows().len());
    }

    #[test]
    fn what_is_not_drawn_is_said() {
        let trace = Trace::new(vec![0], vec![10]).unwrap();
        let names: Vec<String> = (0..9).map(|at| format!("trace {at}")).collect();
        let many: Vec<(&str, &Trace)> = names.iter().map(|name| (name.as_str(), &trace)).collect();
        assert!(cumulative("t", &many).finding.ends_with("The first 6 of 9 traces are shown."));
    }
}
