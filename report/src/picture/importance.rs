//! What gives traces away: bars of importance, of groups and of features.

use std::fmt::Write as _;

use serde::Deserialize;

use super::{begun, escaped, round_step};

/// What a feature, or a group of them, gives away: a part of the report of `wfkit features explain`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// What it tells: `volume`, `size`, `time` or `order`.
    pub tells: String,
    /// Probability that the true class loses once it is permuted.
    pub importance: f64,
    /// Standard deviation of that over repeats.
    pub deviation: f64,
    /// ROC-AUC of the value alone.
    pub auc: f64,
    /// Mutual information of value and class, in bits.
    pub bits: f64,
}

/// What gives classes away, by groups of features and by single ones, the most important first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Importances {
    /// Groups, by what they tell.
    pub groups: Vec<Bar>,
    /// Features.
    pub features: Vec<Bar>,
}

/// Where bars begin and end, where what is written beside them begins, and the width of all, in pixels.
const LEFT: f64 = 300.0;
const RIGHT: f64 = 700.0;
const BESIDE: f64 = 715.0;
const WIDTH: f64 = 960.0;
/// Height of a line with a bar, and of what a panel has above and below its lines.
const LINE: f64 = 22.0;
const HEAD: f64 = 40.0;
const FOOT: f64 = 30.0;
const TOP: f64 = 50.0;

/// A panel of the groups and one of the first `top` features, each with a scale of its own; a bar is coloured by what the feature
/// tells, with a whisker of one standard deviation to either side. `title` is escaped.
pub fn importance(of: &Importances, top: usize, title: &str) -> String {
    let features = &of.features[..top.min(of.features.len())];
    let height_of = |rows: &[Bar]| HEAD + rows.len() as f64 * LINE + FOOT;
    let second = TOP + height_of(&of.groups);
    let height = second + height_of(features) + 10.0;
    let mut svg = begun(WIDTH, height, title);
    panel(&mut svg, TOP, "What is told, permuted as one", &of.groups);
    panel(&mut svg, second, "Features, permuted one by one", features);
    svg.push_str("</svg>\n");
    svg
}

fn panel(svg: &mut String, top: f64, heading: &str, rows: &[Bar]) {
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(svg, "{text}"); // Writing to a string does not fail.
    };
    let (first, bottom) = (top + HEAD, top + HEAD + rows.len() as f64 * LINE);
    let largest = rows.iter().map(|row| row.importance + row.deviation).fold(0.0, f64::max);
    let step = round_step(largest);
    let ticks = (largest / step).ceil().max(1.0);
    let x = |importance: f64| LEFT + (RIGHT - LEFT) * (importance / (step * ticks)).clamp(0.0, 1.0);
    line(format_args!("<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{heading}</text>", top + 20.0));
    line(format_args!("<text x=\"{BESIDE}\" y=\"{}\" fill=\"#555\">alone: AUC, bits</text>", top + 20.0));
    for tick in 0..=ticks as usize {
        let value = tick as f64 * step;
        let at = x(value);
        line(format_args!("<path d=\"M{at:.1} {} V{bottom}\" stroke=\"#ddd\"/>", first - 6.0));
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        line(format_args!(
            "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{value:.decimals$}</text>",
            bottom + 16.0
        ));
    }
    for (at, row) in rows.iter().enumerate() {
        let y = first + at as f64 * LINE;
        let (middle, text) = (y + LINE / 2.0 - 3.0, y + LINE / 2.0 + 2.0);
        line(format_args!("<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>", LEFT - 8.0, escaped(&row.name)));
        line(format_args!(
            "<rect x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" fill=\"{}\"><title>{}: {:.4}</title></rect>",
            y,
            x(row.importance) - LEFT,
            LINE - 6.0,
            colour(&row.tells),
            row.tells,
            row.importance
        ));
        let (low, high) = (x(row.importance - row.deviation), x(row.importance + row.deviation));
        line(format_args!("<path d=\"M{low:.1} {middle} H{high:.1}\" stroke=\"#222\"/>"));
        line(format_args!(
            "<text x=\"{BESIDE}\" y=\"{text}\" fill=\"#555\">{:.3}, {:.2}  ({})</text>",
            row.auc, row.bits, row.tells
        ));
    }
    line(format_args!(
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#555\">probability lost</text>",
        LEFT - 24.0,
        bottom + 16.0
    ));
}

fn colour(tells: &str) -> &'static str {
    match tells {
        "volume" => "#4477aa",
        "size" => "#228833",
        "time" => "#ccbb44",
        _ => "#aa3377",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn importances(of: &[f64]) -> Importances {
        let row = |(at, &importance): (usize, &f64)| Bar {
            name: format!("set.a<{at}"),
            tells: "size".to_owned(),
            importance,
            deviation: 0.01,
            auc: 0.75,
            bits: 1.5,
        };
        let rows: Vec<Bar> = of.iter().enumerate().map(row).collect();
        Importances { groups: rows[..1].to_vec(), features: rows }
    }

    #[test]
    fn bars_are_as_long_as_features_are_important() {
        let svg = importance(&importances(&[0.29, 0.1, -0.02]), 3, "a & b");
        assert!(svg.contains("a &amp; b") && svg.contains("set.a&lt;2"), "{svg}");
        // The scale ends at 0.3: steps of 0.1, for the longest bar with its whisker is 0.3.
        assert!(
            svg.contains("width=\"386.7\"") && svg.contains("width=\"133.3\"") && svg.contains("width=\"0.0\""),
            "{svg}"
        );
        assert_eq!(importance(&importances(&[0.29, 0.1, 0.0]), 1, "").matches("<title>").count(), 2);
        assert!(importance(&importances(&[0.0]), 1, "").ends_with("</svg>\n"));
    }
}
