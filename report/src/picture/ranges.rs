use serde_json::json;

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// A value with what is known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranged {
    /// Whose it is.
    pub name: String,
    /// Whether the picture is of it, and the others are there to compare.
    pub own: bool,
    /// From 0 to 1.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
}

const ROW: f64 = 24.0;
const WIDTH: f64 = 760.0;
const NAMES: f64 = 190.0;

/// Values with their 95 % intervals, a row each, the largest first, beside a dashed line where guessing would be.
///
/// # Errors
/// Where there is no value.
pub fn ranges(title: &str, label: &str, chance: f64, values: &[Ranged]) -> Result<Picture, String> {
    let mut order: Vec<&Ranged> = values.iter().collect();
    order.sort_by(|a, b| b.value.total_cmp(&a.value));
    let Some(best) = order.first() else { return Err("there is no value".to_owned()) };
    let lowest = order.iter().map(|one| one.interval.map_or(one.value, |(low, _)| low)).fold(chance, f64::min);
    let low = if lowest < chance { 0.0 } else { chance };
    let height = ROW * order.len() as f64;
    let mut canvas = Canvas::new(WIDTH, height + 60.0);
    let plot = Plot {
        left: NAMES,
        top: 10.0,
        width: WIDTH - NAMES - 150.0,
        height,
        x: Scale::Linear { low, high: 1.0 },
        y: Scale::Rows,
    };
    plot.axes(&mut canvas, label, "", false);
    let guess = px(plot.x(chance));
    canvas.path("chance", &format!("M{guess} {}V{}", px(plot.bottom()), px(plot.top)));
    let mut table = Table::new(&["name", "value", "low_95", "high_95"]);
    for (at, one) in order.iter().enumerate() {
        let y = plot.top + ROW * (at as f64 + 0.5);
        let class = if one.own { "strong" } else { "" };
        canvas.fitted((NAMES - 8.0, y + 4.0), Anchor::End, class, &one.name, NAMES - 8.0 - MARGIN);
        if let Some((low, high)) = one.interval {
            let (low, high) = (px(plot.x(low)), px(plot.x(high)));
            let (top, bottom) = (px(y - 5.0), px(y + 5.0));
            canvas.path("whisker", &format!("M{low} {}H{high}M{low} {top}V{bottom}M{high} {top}V{bottom}", px(y)));
        }
        if one.own {
            canvas.dot("fa", (plot.x(one.value), y), 5.5, "");
        } else {
            let (x, half) = (plot.x(one.value), 4.5);
            canvas.path("fb", &format!("M{} {}l{half} {half}l-{half} {half}l-{half} -{half}z", px(x), px(y - half)));
        }
        let told = one.interval.map_or_else(String::new, |(low, high)| format!(" ({low:.3} to {high:.3})"));
        canvas.text((plot.right() + 10.0, y + 4.0), Anchor::Start, "soft small", &format!("{:.3}{told}", one.value));
        let ends = [one.interval.map(|ends| ends.0), one.interval.map(|ends| ends.1)];
        table.push([(&one.name).into(), one.value.into(), ends[0].into(), ends[1].into()]);
    }
    let mut finding = format!("Most has {} with {:.3}", best.name, best.value);
    let surely = |one: &&&Ranged| one.interval.is_some_and(|(low, _)| low > chance);
    let sure = order.iter().filter(surely).count();
    finding += &match (order.len(), order.iter().any(|one| one.interval.is_some())) {
        (_, false) => ".".to_owned(),
        (1, true) if sure == 1 => format!("; the interval is above {chance:.1}, a guess."),
        (1, true) => format!("; the interval holds {chance:.1}, a guess."),
        (all, true) => format!("; of {all} intervals {sure} are above {chance:.1}, a guess."),
    };
    let reading = "The lines hold 95 % of what other draws of the test traces would give; dashed is guessing. Round is what the picture is of, a diamond what it is held beside.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "height": { "step": 20 },
            "encoding": { "y": { "field": "name", "type": "nominal", "sort": null, "title": null } },
            "layer": [
                { "mark": "rule", "encoding": { "x": field("low_95", "quantitative", label), "x2": { "field": "high_95" } } },
                { "mark": { "type": "point", "filled": true }, "encoding": { "x": { "field": "value", "type": "quantitative", "scale": { "domain": [low, 1.0] }, "title": label } } }
            ]
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_a_guess_is_counted() {
        let value = |name: &str, value: f64, low: f64| Ranged {
            name: name.to_owned(),
            own: name == "a",
            value,
            interval: Some((low, value + 0.05)),
        };
        let both = [value("a", 0.6, 0.45), value("b", 0.8, 0.7)];
        let picture = ranges("t", "ROC-AUC", 0.5, &both).unwrap();
        assert_eq!(picture.finding, "Most has b with 0.800; of 2 intervals 1 are above 0.5, a guess.");
        assert_eq!(picture.table.rows()[0][0].text(), "b");
        let alone = ranges("t", "ROC-AUC", 0.5, &both[..1]).unwrap();
        assert!(alone.finding.ends_with("the interval holds 0.5, a guess."), "{}", alone.finding);
        assert!(ranges("t", "ROC-AUC", 0.5, &[]).is_err());
    }
}
