//! Utility against privacy: one mark a team, those on the Pareto front joined by steps.

use std::fmt::Write as _;

use crate::game::{Board, Row};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 420.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 24.0;
const RIGHT: f64 = 40.0;
const BOTTOM: f64 = 56.0;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The picture as SVG, with a title and a sentence on what it shows.
pub(crate) fn utility_against_privacy(board: &Board, own: Option<i64>) -> String {
    let points: Vec<(&Row, f64, f64)> =
        board.rows.iter().filter_map(|row| Some((row, row.utility?, row.privacy?))).collect();
    let (least, most) = range(points.iter().map(|point| point.1));
    let x = |utility: f64| LEFT + (utility - least) / (most - least) * (WIDTH - LEFT - RIGHT);
    let y = |privacy: f64| TOP + (1.0 - privacy) * (HEIGHT - TOP - BOTTOM);
    let mut front: Vec<&(&Row, f64, f64)> = points.iter().filter(|point| point.0.on_front).collect();
    front.sort_by(|a, b| a.1.total_cmp(&b.1));
    let names: Vec<&str> = front.iter().map(|point| point.0.name.as_str()).collect();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"13\"><title>Utility against privacy, round {}</title><desc>{} teams. No other team has more of both than: \
         {}.</desc><rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>",
        board.round,
        points.len(),
        escaped(&names.join(", "))
    );
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let (at, value) = (y(share), least + share * (most - least));
        let end = WIDTH - RIGHT;
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#444\">{share:.1}</text>",
            LEFT - 8.0,
            at + 4.0
        );
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#444\">{value:.2}</text>",
            x(value),
            HEIGHT - BOTTOM + 20.0
        );
    }
    let _ = write!(
        svg,
        "<text x=\"{:.0}\" y=\"{}\" text-anchor=\"middle\" fill=\"#222\">utility</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 12.0
    );
    let _ = write!(
        svg,
        "<text transform=\"translate(18 {:.0}) rotate(-90)\" text-anchor=\"middle\" fill=\"#222\">privacy</text>",
        (TOP + HEIGHT - BOTTOM) / 2.0
    );
    if let Some(first) = front.first() {
        let mut path = format!("M{LEFT} {:.1}H{:.1}", y(first.2), x(first.1));
        for pair in front.windows(2) {
            let _ = write!(path, "V{:.1}H{:.1}", y(pair[1].2), x(pair[1].1));
        }
        let _ = write!(path, "V{:.1}", y(0.0));
        let _ = write!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"#0072b2\" stroke-dasharray=\"5 4\"/>");
    }
    let mut places = Labels::default();
    for &(_, utility, privacy) in &points {
        places.keep_clear(x(utility), y(privacy));
    }
    for (row, utility, privacy) in &points {
        let (x, y) = (x(*utility), y(*privacy));
        if row.on_front {
            let _ = write!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"6\" fill=\"#0072b2\"/>");
        } else {
            let _ = write!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"#fff\" stroke=\"#555\" stroke-width=\"2\"/>"
            );
        }
        let (left, base) = places.place(x, y, &row.name);
        let weight = if own == Some(row.team) { "bold" } else { "normal" };
        let _ = write!(
            svg,
            "<text x=\"{left:.1}\" y=\"{base:.1}\" font-weight=\"{weight}\" fill=\"#222\" stroke=\"#fff\" stroke-width=\"3\" \
             paint-order=\"stroke\">{}</text>",
            escaped(&row.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Where names can stand without covering marks or each other: boxes as left, top, right, bottom.
#[derive(Default)]
struct Labels(Vec<[f64; 4]>);

impl Labels {
    fn keep_clear(&mut self, x: f64, y: f64) {
        self.0.push([x - 6.0, y - 6.0, x + 6.0, y + 6.0]);
    }

    /// Left end and base line of a name beside a mark: the first of eight places that is free and in the picture.
    fn place(&mut self, x: f64, y: f64, name: &str) -> (f64, f64) {
        let width = name.chars().count() as f64 * 7.4;
        let (right, left, middle) = (x + 10.0, x - 10.0 - width, x - width / 2.0);
        let places = [
            (right, y + 4.5),
            (left, y + 4.5),
            (middle, y - 11.0),
            (middle, y + 20.0),
            (right, y - 11.0),
            (left, y - 11.0),
            (right, y + 20.0),
            (left, y + 20.0),
        ];
        let space = |&(left, base): &(f64, f64)| [left, base - 11.0, left + width, base + 3.0];
        let free = |place: &&(f64, f64)| {
            let [left, top, right, bottom] = space(place);
            let inside = left >= 2.0 && right <= WIDTH && top >= 2.0 && bottom <= HEIGHT - BOTTOM + 4.0;
            let apart = |other: &[f64; 4]| right < other[0] || left > other[2] || bottom < other[1] || top > other[3];
            inside && self.0.iter().all(apart)
        };
        let place = *places.iter().find(free).unwrap_or(&places[0]);
        self.0.push(space(&place));
        place
    }
}

/// Ends of an axis that holds all values: 0 to 1 where they are shares, else with some air.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let ends = values.fold(None, |ends: Option<(f64, f64)>, value| {
        Some(ends.map_or((value, value), |(least, most)| (least.min(value), most.max(value))))
    });
    match ends {
        Some((least, most)) if least < 0.0 || most > 1.0 => {
            let air = ((most - least) * 0.1).max(0.05);
            (least - air, most + air)
        }
        _ => (0.0, 1.0),
    }
}
