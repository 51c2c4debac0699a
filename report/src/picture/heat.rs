//! Transfer: a square of accuracies, trained on the row, tested on the column.

use std::fmt::Write as _;

use super::escaped;

/// Trained on one part, tested on another or on itself.
pub struct HeatCell {
    /// Accuracy; none where there is no score.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<(f64, f64)>,
    /// Trained and tested inside of one part, by folds.
    pub within: bool,
    /// Tested traces, ROC-AUC and log loss, for the table.
    pub columns: [String; 3],
}

/// Side of a cell, height of a line, and what is left around all, in pixels.
const SIDE: f64 = 74.0;
const LINE: f64 = 18.0;
const MARGIN: f64 = 24.0;
/// Above the square: title, finding and the headings.
const TOP: f64 = 100.0;
/// About the width of a letter.
const LETTER: f64 = 7.0;
/// The narrowest that a title and the legend fit in.
const NARROWEST: f64 = 760.0;
/// Rows of the table that are shown; all of them are in the description of the picture.
const ROWS: usize = 49;

/// Colours from 0 to 1, of even steps in lightness, so that they stay in order without colour.
const SCALE: [(u8, u8, u8); 5] = [(247, 251, 255), (198, 219, 239), (107, 174, 214), (33, 113, 181), (8, 48, 107)];

/// A square with a row and a column a part, `cells` row by row, each with its number and its 95 % interval; cells on the diagonal, within by
/// folds, have a frame. Title, finding, legend and the data as a table, which the description (`desc`) holds as a whole. All texts are escaped.
pub fn heat(title: &str, finding: &str, names: &[&str], cells: &[HeatCell]) -> String {
    let n = names.len();
    let longest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).min(30) as f64;
    let left = MARGIN + 22.0 + longest * LETTER + 34.0;
    let square = SIDE * n as f64;
    let letters = title.chars().count().max(finding.chars().count()) as f64;
    let width = (left + square + MARGIN).max(NARROWEST).max(letters * LETTER + 2.0 * MARGIN);
    let legend = TOP + square + 30.0;
    let table = legend + 64.0;
    let shown = cells.len().min(ROWS);
    let height = table + LINE * (shown as f64 + 2.0) + MARGIN;
    let mut svg = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(svg, "{text}"); // Writing to a string does not fail.
    };
    line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\">"
    ));
    line(format_args!(
        "<title>{}</title>\n<desc>{}\n{}</desc>",
        escaped(title),
        escaped(finding),
        escaped(&data(names, cells))
    ));
    line(format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>"));
    line(format_args!("<text x=\"{MARGIN}\" y=\"28\" font-size=\"16\">{}</text>", escaped(title)));
    line(format_args!("<text x=\"{MARGIN}\" y=\"48\" fill=\"#333\">{}</text>", escaped(finding)));
    line(format_args!("<text x=\"{left}\" y=\"{}\" fill=\"#555\">tested on</text>", TOP - 22.0));
    line(format_args!(
        "<text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\" fill=\"#555\">trained on</text>",
        MARGIN + 6.0,
        TOP + square / 2.0
    ));
    for (at, name) in names.iter().enumerate() {
        let middle = SIDE * (at as f64 + 0.5);
        let short: String = name.chars().take(30).collect();
        line(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-weight=\"bold\">{}</text>",
            left + middle,
            TOP - 4.0,
            at + 1
        ));
        line(format_args!(
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{} <tspan font-weight=\"bold\">{}</tspan></text>",
            left - 8.0,
            TOP + middle + 4.0,
            escaped(&short),
            at + 1
        ));
    }
    for (at, cell) in cells.iter().enumerate() {
        let (x, y) = (left + SIDE * (at % n) as f64, TOP + SIDE * (at / n) as f64);
        let fill = cell.value.map_or("#f4f4f4".to_owned(), colour);
        let ink = if cell.value.is_some_and(|value| value > 0.6) { "#fff" } else { "#000" };
        line(format_args!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{SIDE}\" height=\"{SIDE}\" fill=\"{fill}\" stroke=\"#fff\"/>"
        ));
        if cell.within {
            line(format_args!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"#d95f02\" stroke-width=\"3\"/>",
                x + 2.5,
                y + 2.5,
                SIDE - 5.0,
                SIDE - 5.0
            ));
        }
        let (middle, text) = (x + SIDE / 2.0, cell.value.map_or("none".to_owned(), |value| format!("{value:.2}")));
        line(format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"17\" fill=\"{ink}\">{text}</text>",
            y + SIDE / 2.0 + 2.0
        ));
        if let Some((low, high)) = cell.interval {
            line(format_args!(
                "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\" fill=\"{ink}\">{low:.2} to {high:.2}</text>",
                y + SIDE / 2.0 + 19.0
            ));
        }
    }
    line(format_args!("<text x=\"{MARGIN}\" y=\"{}\" fill=\"#555\">accuracy</text>", legend + 12.0));
    for tenth in 0..=10 {
        let share = f64::from(tenth) / 10.0;
        let x = MARGIN + 62.0 + 26.0 * f64::from(tenth);
        line(format_args!(
            "<rect x=\"{x}\" y=\"{legend}\" width=\"26\" height=\"16\" fill=\"{}\" stroke=\"#ccc\"/>",
            colour(share)
        ));
        if tenth % 5 == 0 {
            line(format_args!(
                "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#555\">{share:.1}</text>",
                x + 13.0,
                legend + 29.0
            ));
        }
    }
    let beside = MARGIN + 62.0 + 26.0 * 11.0 + 18.0;
    line(format_args!(
        "<rect x=\"{beside}\" y=\"{}\" width=\"14\" height=\"14\" fill=\"none\" stroke=\"#d95f02\" stroke-width=\"3\"/>\
         <text x=\"{}\" y=\"{}\" fill=\"#555\">within one, by folds; small: 95 % intervals</text>",
        legend + 1.0,
        beside + 22.0,
        legend + 13.0
    ));
    let columns: [f64; 6] = [90.0, 180.0, 254.0, 424.0, 520.0, 614.0].map(|x| MARGIN + x);
    let mut row = |y: f64, texts: [String; 6], weight: &str| {
        for (x, text) in columns.iter().zip(texts) {
            line(format_args!(
                "<text x=\"{x}\" y=\"{y:.0}\" text-anchor=\"end\" font-weight=\"{weight}\">{}</text>",
                escaped(&text)
            ));
        }
    };
    row(
        table,
        ["trained on", "tested on", "traces", "accuracy [95 %]", "ROC-AUC", "log loss"].map(str::to_owned),
        "bold",
    );
    for (at, cell) in cells.iter().take(shown).enumerate() {
        let [traces, area, loss] = cell.columns.clone();
        let texts = [(at / n + 1).to_string(), (at % n + 1).to_string(), traces, accuracy(cell), area, loss];
        row(table + LINE * (at as f64 + 1.0), texts, "normal");
    }
    if shown < cells.len() {
        let y = table + LINE * (shown as f64 + 1.0);
        line(format_args!(
            "<text x=\"{MARGIN}\" y=\"{y}\" fill=\"#555\">{} rows more are in the description of the picture</text>",
            cells.len() - shown
        ));
    }
    line(format_args!("</svg>"));
    svg
}

fn accuracy(cell: &HeatCell) -> String {
    match (cell.value, cell.interval) {
        (Some(value), Some((low, high))) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "none".to_owned(),
    }
}

/// A line a cell, separated by tabs.
fn data(names: &[&str], cells: &[HeatCell]) -> String {
    let mut text = "trained on\ttested on\ttraces\taccuracy\tROC-AUC\tlog loss".to_owned();
    for (at, cell) in cells.iter().enumerate() {
        let [traces, area, loss] = &cell.columns;
        let (train, test) = (names[at / names.len()], names[at % names.len()]);
        let _ = write!(text, "\n{train}\t{test}\t{traces}\t{}\t{area}\t{loss}", accuracy(cell));
    }
    text
}

/// Between the colours of the scale.
fn colour(share: f64) -> String {
    let place = share.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    let below = (place as usize).min(SCALE.len() - 2);
    let (a, b, part) = (SCALE[below], SCALE[below + 1], place - below as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + part * (f64::from(b) - f64::from(a))).round() as u8;
    format!("#{:02x}{:02x}{:02x}", mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_can_be_read_without_colour() {
        let cell = |value, within| HeatCell {
            value,
            interval: Some((0.1, 0.9)),
            within,
            columns: ["7", "0.9", "1.5"].map(str::to_owned),
        };
        let cells = [cell(Some(0.93), true), cell(Some(0.5), false), cell(None, false), cell(Some(1.0), true)];
        let svg = heat("a & b", "within .93", &["x<y", "z"], &cells);
        assert!(
            ["0.93", "0.50", "none", "1.00", "a &amp; b", "x&lt;y", "within .93"].iter().all(|text| svg.contains(text)),
            "{svg}"
        );
        assert!(svg.contains("x&lt;y\tz\t7\t0.500 [0.100, 0.900]\t0.9\t1.5"), "{svg}");
        assert_eq!(svg.matches("stroke=\"#d95f02\"").count(), 3, "two cells and the legend");
        assert_eq!([0.0, 0.5, 1.0].map(colour), ["#f7fbff", "#6baed6", "#08306b"]);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
    }
}
