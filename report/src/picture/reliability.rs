use serde_json::json;
use wfkit_metrics::{Interval, ReliabilityBin};

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, px};
use crate::table::Table;

const SIDE: f64 = 400.0;
const LEFT: f64 = 150.0;

/// How often an attack is right against how sure it is: a dot a bin (its area grows with the number of traces, which stands beside it) with
/// Wilson's 95 % interval, and the diagonal of perfect calibration.
pub fn reliability(title: &str, bins: &[ReliabilityBin]) -> Picture {
    let mut canvas = Canvas::new(760.0, SIDE + 60.0);
    let unit = Scale::Linear { low: 0.0, high: 1.0 };
    let plot = Plot { left: LEFT, top: 12.0, width: SIDE, height: SIDE, x: unit, y: unit };
    plot.axes(&mut canvas, "confidence: largest probability", "accuracy: share of right decisions", false);
    canvas.path("chance", &plot.line([(0.0, 0.0), (1.0, 1.0)]));
    canvas.path("line a", &plot.line(bins.iter().map(|bin| (bin.confidence, bin.accuracy))));
    let all = bins.iter().map(|bin| bin.traces).sum::<u64>().max(1) as f64;
    let mut table = Table::new(&[
        "confidence_above",
        "confidence_to",
        "traces",
        "mean_confidence",
        "accuracy",
        "low_95",
        "high_95",
    ]);
    let mut whiskers = String::new();
    let intervals: Vec<Interval> = bins.iter().map(|bin| Interval::of_share(bin.accuracy, bin.traces as f64)).collect();
    for (bin, interval) in bins.iter().zip(&intervals) {
        whiskers +=
            &format!("M{} {}V{}", px(plot.x(bin.confidence)), px(plot.y(interval.low)), px(plot.y(interval.high)));
        let numbers = [bin.confidence, bin.accuracy, interval.low, interval.high];
        let [confidence, accuracy, low, high] = numbers.map(Into::into);
        table.push([bin.above.into(), bin.to.into(), bin.traces.into(), confidence, accuracy, low, high]);
    }
    canvas.path("whisker", &whiskers);
    for bin in bins {
        let radius = 3.0 + 12.0 * (bin.traces as f64 / all).sqrt();
        let place = (plot.x(bin.confidence), plot.y(bin.accuracy));
        canvas.dot("fa", place, radius, &format!("{} traces", bin.traces));
        canvas.text((place.0 + radius + 3.0, place.1 + 14.0), Anchor::Start, "soft small", &bin.traces.to_string());
    }
    let reading = "On the dashed diagonal, the attack is right as often as it says; below it, it claims more than it knows. Numbers are traces, whiskers 95 % intervals.";
    Picture::drawn(
        title,
        finding(bins, &intervals, all),
        reading,
        canvas,
        table,
        json!({
            "width": 400, "height": 400,
            "encoding": { "x": { "field": "mean_confidence", "type": "quantitative", "title": "confidence", "scale": { "domain": [0, 1] } } },
            "layer": [
                { "mark": "rule", "encoding": { "y": field("low_95", "quantitative", "accuracy"), "y2": { "field": "high_95" } } },
                { "mark": { "type": "point", "filled": true }, "encoding": {
                    "y": { "field": "accuracy", "type": "quantitative", "title": "accuracy", "scale": { "domain": [0, 1] } },
                    "size": field("traces", "quantitative", "traces") } }
            ]
        }),
    )
}

fn finding(bins: &[ReliabilityBin], intervals: &[Interval], all: f64) -> String {
    if bins.is_empty() {
        return "No trace was decided.".to_owned();
    }
    let mean = |of: fn(&ReliabilityBin) -> f64| bins.iter().map(|bin| of(bin) * bin.traces as f64).sum::<f64>() / all;
    let (sure, right) = (mean(|bin| bin.confidence), mean(|bin| bin.accuracy));
    let off = bins.iter().zip(intervals).filter(|(bin, interval)| !interval.contains(bin.confidence)).count();
    let verdict = match sure - right {
        over if over > 0.02 => "more than it knows",
        under if under < -0.02 => "less than it knows",
        _ => "about what it knows",
    };
    let dots = if bins.len() == 1 { "dot" } else { "dots" };
    format!(
        "The attack claims {sure:.2} on average and is right in {right:.2}: {verdict}. {off} of {} {dots} lie off the diagonal by more than chance.",
        bins.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_where_confidence_and_accuracy_say() {
        let bin = |confidence, accuracy, traces| ReliabilityBin { above: 0.0, to: 1.0, traces, confidence, accuracy };
        let picture = reliability("a < b & c", &[bin(0.5, 0.25, 30), bin(1.0, 1.0, 10)]);
        let svg = picture.svg();
        assert!(svg.contains("cx=\"350\" cy=\"312\"") && svg.contains("cx=\"550\" cy=\"12\""), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c"));
        assert_eq!(svg.matches("<circle").count(), 2);
        assert_eq!(
            picture.finding,
            "The attack claims 0.62 on average and is right in 0.44: more than it knows. 1 of 2 dots lie off the diagonal by more than chance."
        );
        assert!(reliability("", &[]).svg().ends_with("</svg>\n"));
    }
}
