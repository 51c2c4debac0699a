use serde_json::json;
use wfkit_metrics::pareto_front;

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, px, width_of};
use crate::table::Table;

/// What it is that has a place in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Somebody who takes part.
    Team,
    /// The one that the picture is for.
    Own,
    /// What is known to compare with, which takes no part.
    Reference,
}

/// Somebody's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// Its name.
    pub name: String,
    /// What it is.
    pub mark: Mark,
    /// What it costs, in a panel each; none where that is not known.
    pub costs: Vec<Option<f64>>,
    /// What it has.
    pub value: f64,
    /// The 95 % interval of that.
    pub interval: Option<(f64, f64)>,
}

/// A panel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostAxis {
    /// What its axis says.
    pub label: &'static str,
    /// Whether more of it is better.
    pub more_is_better: bool,
}

const PLOT: (f64, f64) = (300.0, 290.0);
const LEFT: f64 = 62.0;
const GAP: f64 = 78.0;
const TOP: f64 = 14.0;

/// What is reached against what it costs, a panel a cost: dots with 95 % whiskers, on a step line those of which no other one has both better, and
/// squares to compare with.
///
/// # Errors
/// Where nothing has a place.
pub fn tradeoff(title: &str, costs: &[CostAxis], label: &'static str, points: &[Placed]) -> Result<Picture, String> {
    let placed = |panel: usize| points.iter().filter_map(move |point| Some((point, point.costs.get(panel).copied()??)));
    if (0..costs.len()).all(|panel| placed(panel).next().is_none()) {
        return Err("nothing has a place".to_owned());
    }
    let shown: Vec<(usize, &CostAxis)> =
        costs.iter().enumerate().filter(|(panel, _)| placed(*panel).next().is_some()).collect();
    let width = if shown.len() == 1 { 640.0 } else { PLOT.0 };
    let whole = LEFT + (width + GAP) * shown.len() as f64 - GAP + 24.0;
    let mut canvas = Canvas::new(whole, TOP + PLOT.1 + 66.0);
    let values = points.iter().flat_map(|point| {
        let (low, high) = point.interval.unwrap_or((point.value, point.value));
        [low, point.value, high]
    });
    let y = scale(values);
    let mut front_of_first: Vec<&str> = Vec::new();
    let mut table = Table::new(&["name", "is", "panel", "cost", "value", "low_95", "high_95", "on_front"]);
    for (at, &(panel, cost)) in shown.iter().enumerate() {
        let here: Vec<(&Placed, f64)> = placed(panel).collect();
        let plot = Plot {
            left: LEFT + (width + GAP) * at as f64,
            top: TOP,
            width,
            height: PLOT.1,
            x: scale(here.iter().map(|(_, cost)| *cost)),
            y,
        };
        plot.axes(&mut canvas, cost.label, label, false);
        let sign = if cost.more_is_better { -1.0 } else { 1.0 };
        let competing = |point: &Placed| point.mark != Mark::Reference;
        let coordinates: Vec<[f64; 2]> = here
            .iter()
            .map(|(point, at)| if competing(point) { [sign * at, -point.value] } else { [f64::NAN, f64::NAN] })
            .collect();
        let on_front = pareto_front(&coordinates);
        let mut front: Vec<(f64, f64, &str)> = here
            .iter()
            .zip(&on_front)
            .filter(|(_, on)| **on)
            .map(|((point, at), _)| (*at, point.value, point.name.as_str()))
            .collect();
        front.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
        canvas.path("edge", &steps(&plot, &front, cost.more_is_better));
        if at == 0 {
            front_of_first = front.iter().map(|(_, _, name)| *name).collect();
        }
        let mut labels = Labels { plot, taken: Vec::new() };
        here.iter().for_each(|(point, at)| labels.keep_clear(plot.x(*at), plot.y(point.value)));
        for ((point, at), on_front) in here.iter().zip(&on_front) {
            let (x, y) = (plot.x(*at), plot.y(point.value));
            if let Some((low, high)) = point.interval {
                let (low, high) = (px(plot.y(low)), px(plot.y(high)));
                let (left, right) = (px(x - 4.0), px(x + 4.0));
                canvas.path("whisker", &format!("M{} {low}V{high}M{left} {low}H{right}M{left} {high}H{right}", px(x)));
            }
            let told = format!("{}: {at:.3}, {:.3}", point.name, point.value);
            match point.mark {
                Mark::Reference => canvas.path("fb", &format!("M{} {}h9v9h-9z", px(x - 4.5), px(y - 4.5))),
                mark => {
                    let class = if *on_front { "fa" } else { "ff" };
                    canvas.dot(class, (x, y), if mark == Mark::Own { 7.0 } else { 5.0 }, &told);
                }
            }
            let is = match point.mark {
                Mark::Team => "team",
                Mark::Own => "own team",
                Mark::Reference => "reference",
            };
            let ends = [point.interval.map(|ends| ends.0), point.interval.map(|ends| ends.1)];
            table.push([
                (&point.name).into(),
                is.into(),
                cost.label.into(),
                (*at).into(),
                point.value.into(),
                ends[0].into(),
                ends[1].into(),
                if *on_front { "yes" } else { "no" }.into(),
            ]);
        }
        for (point, at) in &here {
            let class = match point.mark {
                Mark::Own => "small strong",
                Mark::Team => "small",
                Mark::Reference => "small soft",
            };
            labels.write(&mut canvas, (plot.x(*at), plot.y(point.value)), class, &point.name);
        }
    }
    canvas.text(
        (LEFT, TOP + PLOT.1 + 58.0),
        Anchor::Start,
        "soft small",
        "line: no other team has both better; squares: to compare with; whiskers: 95 %",
    );
    let finding = match front_of_first.as_slice() {
        [] => "No team has a place yet.".to_owned(),
        [one] if competing(points) == 1 => format!("{one} is the only team with a place."),
        [one] => format!("No team has more of both than {one}, nor as much of either without less of the other."),
        many => format!("{} of {} teams are on the front: {}.", many.len(), competing(points), many.join(", ")),
    };
    let reading = "Whoever is on the line can have no more of one without less of the other, as far as teams have shown. Whiskers hold 95 % of what other draws of \
         the test traces would give: where they overlap, an order may be luck.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "facet": { "column": { "field": "panel", "type": "nominal", "title": null } },
            "resolve": { "scale": { "x": "independent" } },
            "spec": { "layer": [
                { "mark": "rule", "encoding": { "x": field("cost", "quantitative", "cost"), "y": field("low_95", "quantitative", label), "y2": { "field": "high_95" } } },
                { "mark": { "type": "point", "filled": true, "size": 80 }, "encoding": {
                    "x": field("cost", "quantitative", "cost"), "y": field("value", "quantitative", label),
                    "color": field("on_front", "nominal", "on the front"), "shape": field("is", "nominal", "is"),
                    "tooltip": [field("name", "nominal", "name")] } }
            ] }
        }),
    ))
}

fn competing(points: &[Placed]) -> usize {
    points.iter().filter(|point| point.mark != Mark::Reference).count()
}

/// From 0 to 1 where all are shares, else around all.
fn scale(values: impl Iterator<Item = f64>) -> Scale {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    match (0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high) {
        true => Scale::Linear { low: 0.0, high: 1.0 },
        false => Scale::around(low.min(0.0), if high > low.min(0.0) { high } else { low + 1.0 }),
    }
}

/// What is not dominated is beyond this line, upper side.
fn steps(plot: &Plot, front: &[(f64, f64, &str)], more_is_better: bool) -> String {
    let Some(first) = front.first() else { return String::new() };
    let mut path = match more_is_better {
        true => format!("M{} {}H{}", px(plot.left), px(plot.y(first.1)), px(plot.x(first.0))),
        false => format!("M{} {}V{}", px(plot.x(first.0)), px(plot.bottom()), px(plot.y(first.1))),
    };
    for pair in front.windows(2) {
        path += &match more_is_better {
            true => format!("V{}H{}", px(plot.y(pair[1].1)), px(plot.x(pair[1].0))),
            false => format!("H{}V{}", px(plot.x(pair[1].0)), px(plot.y(pair[1].1))),
        };
    }
    path += &match more_is_better {
        true => format!("V{}", px(plot.bottom())),
        false => format!("H{}", px(plot.right())),
    };
    path
}

/// Where names can stand without covering marks or each other: boxes as left, top, right, bottom.
struct Labels {
    plot: Plot,
    taken: Vec<[f64; 4]>,
}

impl Labels {
    fn keep_clear(&mut self, x: f64, y: f64) {
        self.taken.push([x - 7.0, y - 7.0, x + 7.0, y + 7.0]);
    }

    /// Beside a mark, at the first of many places that is free and in the panel, with a line to it where that is far; at none of them, nowhere: the table
    /// has all names.
    fn write(&mut self, canvas: &mut Canvas, (x, y): (f64, f64), class: &str, name: &str) {
        let name = crate::canvas::shortened(name, 130.0, 11.0);
        let width = width_of(&name, 11.0);
        let near = [0.0, -16.0, 16.0, -30.0, 30.0, -44.0, 44.0, -58.0, -72.0, -86.0, -100.0, -114.0];
        let places = near.into_iter().flat_map(|down| {
            let aside = if down == 0.0 { 11.0 } else { 4.0 };
            let base = y + 4.0 + down;
            [(x + aside, base), (x - aside - width, base), (x - width / 2.0, base)]
        });
        let space = |&(left, base): &(f64, f64)| [left, base - 10.0, left + width, base + 3.0];
        let free = |place: &(f64, f64)| {
            let [left, top, right, bottom] = space(place);
            let plot = &self.plot;
            let inside =
                left >= plot.left + 2.0 && right <= plot.right() + 20.0 && top >= 0.0 && bottom <= plot.bottom() - 2.0;
            let apart = |other: &[f64; 4]| right < other[0] || left > other[2] || bottom < other[1] || top > other[3];
            inside && self.taken.iter().all(apart)
        };
        if let Some((left, base)) = places.into_iter().find(free) {
            self.taken.push(space(&(left, base)));
            if (base - y - 4.0).abs() > 20.0 {
                // Too far away to be told by its place.
                let (to, end) =
                    ((left + width / 2.0).clamp(x - 12.0, x + 12.0), if base < y { base + 3.0 } else { base - 10.0 });
                canvas.path("leader", &format!("M{} {}L{} {}", px(x), px(y), px(to), px(end)));
            }
            canvas.text((left, base), Anchor::Start, &format!("halo {class}"), &name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(name: &str, mark: Mark, utility: f64, delay: Option<f64>, privacy: f64) -> Placed {
        let interval = Some((privacy - 0.1, privacy + 0.1));
        Placed { name: name.to_owned(), mark, costs: vec![Some(utility), delay], value: privacy, interval }
    }

    const COSTS: [CostAxis; 2] = [
        CostAxis { label: "utility", more_is_better: true },
        CostAxis { label: "time overhead", more_is_better: false },
    ];

    #[test]
    fn the_front_is_of_teams_alone_and_has_steps() {
        let points = [
            placed("a", Mark::Team, 0.9, Some(0.0), 0.2),
            placed("b", Mark::Own, 0.5, Some(0.4), 0.6),
            placed("c", Mark::Team, 0.4, Some(0.6), 0.5),
            placed("undefended", Mark::Reference, 1.0, Some(0.0), 0.7),
        ];
        let picture = tradeoff("t", &COSTS, "privacy", &points).unwrap();
        assert_eq!(picture.finding, "2 of 3 teams are on the front: b, a.");
        assert_eq!(picture.table.rows().len(), 8);
        let svg = picture.svg();
        assert!(svg.contains("<path class=\"edge\" d=\"M") && svg.matches(">undefended<").count() == 2, "{svg}");
        assert!(tradeoff("t", &COSTS, "privacy", &[]).is_err());
    }

    #[test]
    fn a_panel_that_nobody_has_a_place_in_is_left_out() {
        let points = [placed("a", Mark::Team, 7.1, None, 0.2)];
        let picture = tradeoff("t", &COSTS, "privacy", &points).unwrap();
        assert!(!picture.svg().contains("time overhead"));
        assert_eq!(picture.finding, "a is the only team with a place.");
    }
}
