use serde_json::json;

use super::{Picture, field};
use crate::axes::{Plot, Scale, apart};
use crate::canvas::{Anchor, Canvas, MARGIN, SERIES, px};
use crate::table::Table;

/// A curve under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What it is called.
    pub name: String,
    /// Its points, by `x`.
    pub points: Vec<CurvePoint>,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Where it is measured.
    pub x: f64,
    /// What was found there.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const NAMES: f64 = 150.0;

/// Shares (from 0 to 1) over how much was learned from, seen or waited for: a line a series with its name at its end, whiskers of 95 %, and a
/// dashed line where guessing would be. Places of `x` are by their logarithm where they span more than a factor of twenty.
///
/// # Errors
/// Where no series has a point.
pub fn curve(
    title: &str,
    x_label: &str,
    y_label: &str,
    series: &[Series],
    chance: Option<f64>,
) -> Result<Picture, String> {
    let xs = || series.iter().flat_map(|one| one.points.iter().map(|point| point.x));
    let (low, high) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
    if !low.is_finite() {
        return Err("the curve has no point".to_owned());
    }
    let x = match low > 0.0 && high / low > 20.0 {
        true => Scale::Log { low: low * 0.9, high: high * 1.1 },
        false => Scale::around(
            if low > 0.0 && low < 0.5 * high { 0.0 } else { low },
            if high > low { high } else { low + 1.0 },
        ),
    };
    let mut canvas = Canvas::new(WIDTH, HEIGHT + 60.0);
    let plot = Plot {
        left: LEFT,
        top: 12.0,
        width: WIDTH - LEFT - NAMES,
        height: HEIGHT,
        x,
        y: Scale::Linear { low: 0.0, high: 1.0 },
    };
    plot.axes(&mut canvas, x_label, y_label, false);
    if let Some(chance) = chance {
        let y = px(plot.y(chance));
        canvas.path("chance", &format!("M{} {y}H{}", px(plot.left), px(plot.right())));
    }
    let mut table = Table::new(&["series", "x", "value", "low_95", "high_95"]);
    let mut ends = Vec::new();
    for (at, one) in series.iter().enumerate() {
        let class = SERIES[at % SERIES.len()];
        canvas.path(&format!("line {class}"), &plot.line(one.points.iter().map(|point| (point.x, point.value))));
        let whiskers: String = one
            .points
            .iter()
            .filter_map(|point| Some((plot.x(point.x), point.interval?)))
            .map(|(x, (low, high))| format!("M{} {}V{}", px(x), px(plot.y(low)), px(plot.y(high))))
            .collect();
        canvas.path("whisker", &whiskers);
        for point in &one.points {
            canvas.dot(
                &format!("f{class}"),
                (plot.x(point.x), plot.y(point.value)),
                4.0,
                &format!("{}: {:.3} at {}", one.name, point.value, point.x),
            );
            let ends = [point.interval.map(|ends| ends.0), point.interval.map(|ends| ends.1)];
            table.push([(&one.name).into(), point.x.into(), point.value.into(), ends[0].into(), ends[1].into()]);
        }
        ends.extend(one.points.last().map(|last| (one.name.as_str(), plot.y(last.value))));
    }
    ends.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut places: Vec<f64> = ends.iter().map(|end| end.1).collect();
    apart(&mut places, 16.0, plot.top + 4.0, plot.bottom());
    for ((name, _), y) in ends.iter().zip(places) {
        canvas.fitted((plot.right() + 10.0, y + 4.0), Anchor::Start, "small", name, NAMES - 10.0 - MARGIN);
    }
    let reading = "Whiskers are 95 % intervals; the dashed line is guessing.";
    Ok(Picture::drawn(
        title,
        finding(x_label, y_label, series),
        reading,
        canvas,
        table,
        json!({
            "width": 560, "height": 300,
            "encoding": { "x": field("x", "quantitative", x_label), "color": field("series", "nominal", "") },
            "layer": [
                { "mark": { "type": "line", "point": true }, "encoding": { "y": { "field": "value", "type": "quantitative", "title": y_label, "scale": { "domain": [0, 1] } } } },
                { "mark": "rule", "encoding": { "y": field("low_95", "quantitative", y_label), "y2": { "field": "high_95" } } }
            ]
        }),
    ))
}

/// From where to where each goes.
fn finding(x_label: &str, y_label: &str, series: &[Series]) -> String {
    let told = series.iter().filter_map(|one| {
        let (first, last) = (one.points.first()?, one.points.last()?);
        Some(match one.points.len() {
            1 => format!("{}: {y_label} {:.3} at {}", one.name, first.value, first.x),
            _ => format!("{}: {y_label} {:.3} at {}, {:.3} at {}", one.name, first.value, first.x, last.value, last.x),
        })
    });
    format!("{} ({x_label}).", told.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_begins_and_ends_with_is_told() {
        let point = |x, value| CurvePoint { x, value, interval: Some((value - 0.1, value + 0.1)) };
        let series = [Series { name: "best".into(), points: vec![point(1.0, 0.25), point(50.0, 0.75)] }];
        let picture = curve("t", "loads a class", "accuracy", &series, Some(0.1)).unwrap();
        assert_eq!(picture.finding, "best: accuracy 0.250 at 1, 0.750 at 50 (loads a class).");
        assert_eq!(
            picture.table.csv(),
            "series,x,value,low_95,high_95\nbest,1,0.25,0.15,0.35\nbest,50,0.75,0.65,0.85\n"
        );
        assert!(!picture.svg().contains("NaN"));
        assert!(curve("t", "", "", &[], None).is_err());
    }
}
