use serde_json::json;
use wfkit_metrics::pareto_front;

use super::{Picture, field};
use crate::axes::{Plot, Scale, apart};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// A defence, or none, with what it costs and what an attack still finds.
#[derive(Debug, Clone, PartialEq)]
pub struct DefendedPoint {
    /// What it is called.
    pub name: String,
    /// Bandwidth overhead; 0.0 is none.
    pub bandwidth: f64,
    /// How much longer loads take at most, relative; 0.0 is none.
    pub latency: f64,
    /// Accuracy of the attack.
    pub accuracy: f64,
    /// Its 95 % interval.
    pub accuracy_95: Option<(f64, f64)>,
    /// ROC-AUC of the attack.
    pub roc_auc: Option<f64>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const NAMES: f64 = 230.0;

/// What an attack still finds against what hiding costs: a dot a defence with its name, whiskers of 95 %, a line through those that no other beats
/// in bytes, time and protection at once, and a dashed line where guessing would be. A ring marks defences that delay.
///
/// # Panics
/// If there is no point.
pub fn costs(title: &str, attack: &str, points: &[DefendedPoint], chance: f64) -> Picture {
    let times = |point: &DefendedPoint| 1.0 + point.bandwidth.max(0.0);
    let most = points.iter().map(times).fold(1.0, f64::max);
    let mut canvas = Canvas::new(WIDTH, HEIGHT + 60.0);
    let plot = Plot {
        left: 70.0,
        top: 12.0,
        width: WIDTH - 70.0 - NAMES,
        height: HEIGHT,
        x: Scale::Log { low: 0.9, high: (most * 1.2).max(2.2) },
        y: Scale::Linear { low: 0.0, high: 1.0 },
    };
    plot.axes(&mut canvas, "bytes sent, times those without a defence", &format!("accuracy of {attack}"), false);
    let guess = px(plot.y(chance));
    canvas.path("chance", &format!("M{} {guess}H{}", px(plot.left), px(plot.right())));
    let front = pareto_front(&points.iter().map(|one| [one.bandwidth, one.latency, one.accuracy]).collect::<Vec<_>>());
    let mut best: Vec<&DefendedPoint> = points.iter().zip(&front).filter(|(_, on)| **on).map(|(one, _)| one).collect();
    best.sort_by(|a, b| a.bandwidth.total_cmp(&b.bandwidth).then(b.accuracy.total_cmp(&a.accuracy)));
    canvas.path("axis", &plot.line(best.iter().map(|one| (times(one), one.accuracy))));
    let mut table = Table::new(&[
        "defence",
        "bandwidth_overhead",
        "latency_overhead",
        "accuracy",
        "low_95",
        "high_95",
        "roc_auc",
        "on_front",
    ]);
    let mut whiskers = String::new();
    for (one, on_front) in points.iter().zip(&front) {
        if let Some((low, high)) = one.accuracy_95 {
            whiskers += &format!("M{} {}V{}", px(plot.x(times(one))), px(plot.y(low)), px(plot.y(high)));
        }
        let (low, high) = (one.accuracy_95.map(|ends| ends.0), one.accuracy_95.map(|ends| ends.1));
        let on_front = if *on_front { "yes" } else { "no" };
        let (name, auc) = ((&one.name).into(), one.roc_auc.into());
        table.push([
            name,
            one.bandwidth.into(),
            one.latency.into(),
            one.accuracy.into(),
            low.into(),
            high.into(),
            auc,
            on_front.into(),
        ]);
    }
    canvas.path("whisker", &whiskers);
    let place = |one: &DefendedPoint| (plot.x(times(one)), plot.y(one.accuracy));
    for one in points {
        canvas.dot("fa", place(one), 5.0, &one.name);
        if one.latency > 0.005 {
            let (x, y) = place(one);
            canvas.put(&format!("<circle class=\"mark\" cx=\"{}\" cy=\"{}\" r=\"8\"/>", px(x), px(y)));
        }
    }
    let mut order: Vec<&DefendedPoint> = points.iter().collect();
    order.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy).then(b.bandwidth.total_cmp(&a.bandwidth)));
    let mut labels: Vec<f64> = order.iter().map(|one| place(one).1).collect();
    apart(&mut labels, 17.0, plot.top + 6.0, plot.bottom());
    for (one, y) in order.iter().zip(labels) {
        let (x, from) = place(one);
        let right = plot.right();
        canvas.path("leader", &format!("M{} {}L{} {}h14", px(x + 9.0), px(from), px(right), px(y)));
        let told = match one.latency > 0.005 {
            true => format!("{}, +{:.0} % time", one.name, one.latency * 100.0),
            false => one.name.clone(),
        };
        canvas.fitted((right + 18.0, y + 4.0), Anchor::Start, "small", &told, NAMES - 18.0 - MARGIN);
    }
    let reading = "To the left is cheap, down is hidden. The line joins what no other defence beats in bytes, time and protection at once; a ring marks those that delay packets. \
         Whiskers are 95 % intervals, the dashed line is guessing.";
    Picture::drawn(
        title,
        finding(attack, points, chance),
        reading,
        canvas,
        table,
        json!({
            "width": 500, "height": 320,
            "transform": [{ "calculate": "1 + datum.bandwidth_overhead", "as": "times" }],
            "encoding": {
                "x": { "field": "times", "type": "quantitative", "scale": { "type": "log" }, "title": "bytes sent, times those without a defence" },
                "y": { "field": "accuracy", "type": "quantitative", "title": format!("accuracy of {attack}"), "scale": { "domain": [0, 1] } }
            },
            "layer": [
                { "mark": { "type": "point", "filled": true }, "encoding": { "tooltip": [field("defence", "nominal", "defence"), field("latency_overhead", "quantitative", "latency overhead")] } },
                { "mark": { "type": "text", "align": "left", "dx": 8 }, "encoding": { "text": { "field": "defence" } } }
            ]
        }),
    )
}

fn finding(attack: &str, points: &[DefendedPoint], chance: f64) -> String {
    let hidden = points.iter().min_by(|a, b| a.accuracy.total_cmp(&b.accuracy)).expect("there is a point");
    format!(
        "{attack} finds least against {}: accuracy {:.2}, where guessing is {chance:.2}, for {:.1} times the bytes{}.",
        hidden.name,
        hidden.accuracy,
        1.0 + hidden.bandwidth,
        if hidden.latency > 0.005 { format!(" and {:.0} % more time", hidden.latency * 100.0) } else { String::new() }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beaten_is_not_on_the_front() {
        let point = |name: &str, bandwidth, latency, accuracy| DefendedPoint {
            name: name.to_owned(),
            bandwidth,
            latency,
            accuracy,
            accuracy_95: Some((accuracy - 0.05, accuracy + 0.05)),
            roc_auc: Some(0.9),
        };
        let points = [
            point("none", 0.0, 0.0, 0.9),
            point("worse", 9.0, 0.0, 0.8),
            point("better", 4.0, 0.0, 0.3),
            point("slow", 4.0, 0.5, 0.2),
        ];
        let picture = costs("t", "kfp", &points, 0.1);
        let on_front: Vec<String> = picture.table.rows().iter().map(|row| row[7].text()).collect();
        assert_eq!(on_front, ["yes", "no", "yes", "yes"]);
        assert_eq!(
            picture.finding,
            "kfp finds least against slow: accuracy 0.20, where guessing is 0.10, for 5.0 times the bytes and 50 % more time."
        );
        assert!(!picture.svg().contains("NaN"));
    }
}
