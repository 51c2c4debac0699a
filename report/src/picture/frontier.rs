//! Cost against protection: what attacks find of defences, by what these cost.

use std::fmt::Write as _;

use wfkit_metrics::pareto_front;

use super::escaped;

/// A row of two panels, for an attack.
pub struct Panels {
    /// Whose scores they are.
    pub attack: String,
    /// What was measured.
    pub points: Vec<Point>,
    /// What others published.
    pub published: Vec<Elsewhere>,
}

/// A defence, measured.
pub struct Point {
    /// What it is called in the picture; see [`Entry`].
    pub number: usize,
    /// Bandwidth overhead; 0.0 is none.
    pub bandwidth: f64,
    /// Latency overhead; 0.0 is none.
    pub latency: f64,
    /// ROC-AUC of the attack.
    pub roc_auc: f64,
    /// Ends of its 95 % interval.
    pub roc_auc_95: [f64; 2],
    /// Accuracy of the attack.
    pub accuracy: f64,
    /// Ends of its 95 % interval.
    pub accuracy_95: [f64; 2],
    /// Whether nothing else measured is at least as good in bandwidth, latency and protection, and better in one.
    pub on_front: bool,
}

/// A defence as published.
pub struct Elsewhere {
    /// Its name in the source.
    pub name: String,
    /// Where it was published, and of which traces and attack.
    pub source: String,
    /// Bandwidth overhead; 0.0 is none.
    pub bandwidth: f64,
    /// Accuracy of the attack.
    pub accuracy: f64,
    /// On the same traces.
    pub same: bool,
}

/// A line of the legend.
pub struct Entry {
    /// The point that it is about.
    pub number: usize,
    /// What stands beside its number.
    pub text: String,
}

const WIDTH: f64 = 1080.0;
/// Where the two panels begin, and how large their plots are.
const LEFT: [f64; 2] = [70.0, 600.0];
const PLOT: (f64, f64) = (440.0, 260.0);
const TOP: f64 = 80.0;
/// From one row of panels to the next.
const ROW: f64 = 350.0;
const LINE: f64 = 20.0;

/// Colours of points by latency overhead: below each bound, and beyond the last.
const LATENCY: [(f64, &str, &str); 5] = [
    (0.005, "#4477aa", "none"),
    (0.10, "#66ccee", "below 10 %"),
    (0.50, "#ccbb44", "below 50 %"),
    (1.00, "#ee8866", "below 100 %"),
    (f64::INFINITY, "#cc3311", "more"),
];

/// Two panels an attack, ROC-AUC and accuracy against bandwidth overhead (on the scale of the logarithm of defended over original bytes), then
/// a legend. A line joins what no other point undercuts in both; points on the front of all three, with latency, have a ring. Points
/// have their 95 % interval as a whisker; `chance` is the accuracy of guessing. Published points of other traces bear their name as a title
/// only. `title` and names are escaped.
pub fn frontier(title: &str, panels: &[Panels], legend: &[Entry], chance: f64) -> String {
    let legend_top = TOP + ROW * panels.len() as f64 + 30.0;
    let height = legend_top + LINE * legend.len() as f64 + 20.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{}\" y=\"30\" text-anchor=\"middle\" font-size=\"16\">{}</text>\n",
        WIDTH / 2.0,
        escaped(title)
    );
    let bandwidths = panels.iter().flat_map(|row| {
        row.points.iter().map(|point| point.bandwidth).chain(row.published.iter().map(|one| one.bandwidth))
    });
    let most = bandwidths.fold(0.25, f64::max);
    for (row, of) in panels.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let areas = Plot { left: LEFT[0], top, most, low: 0.5, chance: 0.5 };
        areas.draw(&mut svg, of, Measure::RocAuc);
        let shares = Plot { left: LEFT[1], top, most, low: 0.0, chance };
        shares.draw(&mut svg, of, Measure::Accuracy);
    }
    keys(&mut svg, legend_top - 24.0, panels.iter().any(|row| !row.published.is_empty()));
    for (line, entry) in legend.iter().enumerate() {
        let y = legend_top + LINE * (line as f64 + 0.7);
        let _ = writeln!(
            svg,
            "<text x=\"92\" y=\"{y}\" text-anchor=\"end\" font-weight=\"bold\">{}</text><text x=\"102\" y=\"{y}\">{}</text>",
            entry.number,
            escaped(&entry.text)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    RocAuc,
    Accuracy,
}

impl Measure {
    fn of(self, point: &Point) -> (f64, [f64; 2]) {
        match self {
            Self::RocAuc => (point.roc_auc, point.roc_auc_95),
            Self::Accuracy => (point.accuracy, point.accuracy_95),
        }
    }
}

struct Plot {
    left: f64,
    top: f64,
    /// The largest bandwidth overhead.
    most: f64,
    /// The smallest value; the largest is 1.
    low: f64,
    chance: f64,
}

impl Plot {
    fn x(&self, bandwidth: f64) -> f64 {
        let inner = PLOT.0 - 40.0;
        self.left + 20.0 + inner * bandwidth.max(0.0).ln_1p() / self.most.ln_1p()
    }

    fn y(&self, value: f64) -> f64 {
        self.top + PLOT.1 * (1.0 - (value.clamp(self.low, 1.0) - self.low) / (1.0 - self.low))
    }

    fn draw(&self, svg: &mut String, of: &Panels, measure: Measure) {
        self.axes(svg, &of.attack, measure);
        let mut labels = Labels { left: self.left, right: self.left + PLOT.0, taken: Vec::new() };
        let place = |point: &Point| (self.x(point.bandwidth), self.y(measure.of(point).0));
        of.points.iter().for_each(|point| labels.avoid(place(point), 6.0));
        let shown: Vec<[f64; 2]> =
            of.points.iter().map(|point| [point.bandwidth, measure.of(point).0.max(self.low)]).collect();
        let front = pareto_front(&shown);
        let mut front: Vec<&Point> =
            of.points.iter().zip(front).filter(|(_, is)| *is).map(|(point, _)| point).collect();
        front.sort_by(|a, b| a.bandwidth.total_cmp(&b.bandwidth));
        let corners: Vec<String> =
            front.iter().map(|point| place(point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"#999\" stroke-width=\"1.5\"/>",
            corners.join(" ")
        );
        if measure == Measure::Accuracy {
            of.published.iter().for_each(|one| self.published(svg, one));
        }
        for point in &of.points {
            let ((x, y), interval) = (place(point), measure.of(point).1);
            let [bottom, top] = interval.map(|end| self.y(end));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {bottom:.1} V{top:.1}\" stroke=\"#777\"/>\
                 <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{}\" stroke=\"{}\" stroke-width=\"1.2\"/>",
                colour(point.latency),
                if point.on_front { "#000" } else { "#fff" },
            );
        }
        for point in &of.points {
            let (x, y) = labels.place(place(point), 8.0 * point.number.to_string().len() as f64);
            let weight = if point.on_front { "bold" } else { "normal" };
            let _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"12\" font-weight=\"{weight}\">{}</text>",
                y + 4.0,
                point.number
            );
        }
        if measure == Measure::Accuracy {
            for one in of.published.iter().filter(|one| one.same) {
                let at = (self.x(one.bandwidth), self.y(one.accuracy));
                let Some((x, y)) = labels.try_place(at, 5.5 * one.name.chars().count() as f64) else { continue };
                let _ = writeln!(
                    svg,
                    "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\" font-size=\"10\" fill=\"#aa3377\">{}</text>",
                    y + 3.0,
                    escaped(&one.name)
                );
            }
        }
    }

    fn axes(&self, svg: &mut String, attack: &str, measure: Measure) {
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = writeln!(svg, "{text}"); // Writing to a string does not fail.
        };
        let Self { left, top, low, .. } = *self;
        let (right, bottom, middle) = (left + PLOT.0, top + PLOT.1, left + PLOT.0 / 2.0);
        let name = match measure {
            Measure::RocAuc => "ROC-AUC",
            Measure::Accuracy => "accuracy",
        };
        line(format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}: {name}</text>",
            top - 12.0,
            escaped(attack)
        ));
        for tick in 0..=5 {
            let value = low + (1.0 - low) * f64::from(tick) / 5.0;
            let y = self.y(value);
            line(format_args!(
                "<path d=\"M{left} {y:.1} H{right}\" stroke=\"#e4e4e4\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{value:.1}</text>",
                left - 6.0,
                y + 4.0
            ));
        }
        let mut last = f64::NEG_INFINITY;
        for tick in TICKS.into_iter().filter(|tick| *tick <= self.most * 1.001) {
            let x = self.x(tick);
            if x - last < 44.0 {
                continue;
            }
            last = x;
            line(format_args!(
                "<path d=\"M{x:.1} {bottom} V{top}\" stroke=\"#e4e4e4\"/><text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{:.0} %</text>",
                bottom + 17.0,
                tick * 100.0
            ));
        }
        line(format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">bandwidth overhead</text>",
            bottom + 36.0
        ));
        let chance = self.y(self.chance);
        line(format_args!(
            "<path d=\"M{left} {chance:.1} H{right}\" stroke=\"#888\" stroke-dasharray=\"6 4\"><title>chance</title></path>"
        ));
    }

    /// A diamond: full where it is of the same traces, hollow and grey where not.
    fn published(&self, svg: &mut String, one: &Elsewhere) {
        let (x, y) = (self.x(one.bandwidth), self.y(one.accuracy));
        let (fill, stroke) = if one.same { ("#aa3377", "#aa3377") } else { ("none", "#999") };
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1} l5 5 -5 5 -5 -5 z\" fill=\"{fill}\" stroke=\"{stroke}\"><title>{}: {}</title></path>",
            y - 5.0,
            escaped(&one.name),
            escaped(&one.source)
        );
    }
}

/// Bandwidth overheads that the axis may name.
const TICKS: [f64; 12] = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 7.0, 15.0, 31.0, 63.0, 127.0, 255.0];

fn colour(latency: f64) -> &'static str {
    LATENCY.iter().find(|(bound, ..)| latency < *bound).map_or("#cc3311", |(_, colour, _)| colour)
}

/// What colours and marks mean.
fn keys(svg: &mut String, y: f64, published: bool) {
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(svg, "{text}");
    };
    line(format_args!("<text x=\"70\" y=\"{}\" fill=\"#555\">latency overhead:</text>", y + 4.0));
    let mut x = 196.0;
    for (_, colour, name) in LATENCY {
        line(format_args!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\" fill=\"#555\">{name}</text>",
            x + 10.0,
            y + 4.0
        ));
        x += 34.0 + 7.0 * name.len() as f64;
    }
    line(format_args!(
        "<circle cx=\"{x}\" cy=\"{y}\" r=\"5\" fill=\"white\" stroke=\"#000\" stroke-width=\"1.2\"/><path d=\"M{} {y} h22\" stroke=\"#999\" stroke-width=\"1.5\"/>\
         <text x=\"{}\" y=\"{}\" fill=\"#555\">on the front, cheapest bytes</text>",
        x + 6.0,
        x + 34.0,
        y + 4.0
    ));
    if published {
        x += 232.0;
        line(format_args!(
            "<path d=\"M{x} {} l5 5 -5 5 -5 -5 z\" fill=\"#aa3377\"/><path d=\"M{} {} l5 5 -5 5 -5 -5 z\" fill=\"none\" stroke=\"#999\"/>\
             <text x=\"{}\" y=\"{}\" fill=\"#555\">published: these, others</text>",
            y - 5.0,
            x + 16.0,
            y - 5.0,
            x + 28.0,
            y + 4.0
        ));
    }
}

/// Places of labels between two ends, so that none hides another or a point: boxes as middle, half width and half height.
struct Labels {
    left: f64,
    right: f64,
    taken: Vec<(f64, f64, f64, f64)>,
}

impl Labels {
    fn avoid(&mut self, (x, y): (f64, f64), radius: f64) {
        self.taken.push((x, y, radius, radius));
    }

    /// The first free place around a point; above it where none is.
    fn place(&mut self, at: (f64, f64), width: f64) -> (f64, f64) {
        self.try_place(at, width).unwrap_or((at.0, at.1 - 13.0))
    }

    fn try_place(&mut self, (x, y): (f64, f64), width: f64) -> Option<(f64, f64)> {
        let (half, tall) = (width / 2.0, 6.0);
        let around = [13.0, 22.0, 34.0].into_iter().flat_map(|far| {
            let side = far - 6.0 + half;
            [
                (0.0, -far),
                (side, -far / 2.0),
                (-side, -far / 2.0),
                (side, 0.0),
                (-side, 0.0),
                (0.0, far),
                (side, far),
                (-side, far),
            ]
        });
        let free = |&(cx, cy): &(f64, f64)| {
            (self.left..=self.right).contains(&(cx - half))
                && (self.left..=self.right).contains(&(cx + half))
                && self
                    .taken
                    .iter()
                    .all(|&(tx, ty, tw, th)| (cx - tx).abs() >= half + tw || (cy - ty).abs() >= tall + th)
        };
        let place = around.map(|(dx, dy)| (x + dx, y + dy)).find(free)?;
        self.taken.push((place.0, place.1, half, tall));
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(number: usize, bandwidth: f64, value: f64, on_front: bool) -> Point {
        Point {
            number,
            bandwidth,
            latency: bandwidth / 10.0,
            roc_auc: value,
            roc_auc_95: [value - 0.1, value + 0.1],
            accuracy: value,
            accuracy_95: [value, value],
            on_front,
        }
    }

    #[test]
    fn points_stand_where_they_cost_and_the_front_joins_them() {
        let points = vec![point(0, 0.0, 1.0, true), point(2, 3.0, 0.75, true), point(1, 1.0, 0.9, false)];
        let elsewhere =
            |same| Elsewhere { name: "a & b".into(), source: "paper".into(), bandwidth: 1.0, accuracy: 0.5, same };
        let panels = [Panels { attack: "kfp".into(), points, published: vec![elsewhere(true), elsewhere(false)] }];
        let svg = frontier("<t>", &panels, &[Entry { number: 2, text: "front & tamaraw".into() }], 0.1);
        // x of 300 %: 70 + 20 + 400; y of 0.75 between 0.5 and 1: half of 260 below 80.
        assert!(
            svg.contains("cx=\"490.0\" cy=\"210.0\"") && svg.contains("90.0,80.0 290.0,132.0 490.0,210.0\""),
            "{svg}"
        );
        // 100 % is half way to 300 %, since doubling is.
        assert!(svg.contains("cx=\"290.0\" cy=\"132.0\""), "{svg}");
        assert!(svg.contains("&lt;t&gt;") && svg.contains("front &amp; tamaraw") && svg.contains("a &amp; b: paper"));
        assert_eq!(svg.matches("<title>a &amp; b").count(), 2, "in the panel of accuracy alone");
        assert!(svg.ends_with("</svg>\n") && !svg.contains("NaN"));
        assert!(frontier("", &[], &[], 0.0).ends_with("</svg>\n"));
    }

    #[test]
    fn labels_do_not_hide_each_other() {
        let mut labels = Labels { left: 0.0, right: 200.0, taken: Vec::new() };
        let places: Vec<(f64, f64)> = (0..6).map(|_| labels.place((100.0, 100.0), 16.0)).collect();
        for (at, a) in places.iter().enumerate() {
            assert!(places[..at].iter().all(|b| (a.0 - b.0).abs() >= 16.0 || (a.1 - b.1).abs() >= 12.0), "{places:?}");
        }
    }
}
