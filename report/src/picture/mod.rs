//! Pictures: title, finding in words, drawing and data of each, as SVG, CSV and Vega-Lite, or in a page.

#[cfg(feature = "results")]
mod alignment;
mod asked;
mod class_areas;
mod confusion;
mod costs;
mod cumulative;
mod curve;
mod frontier;
mod heat;
mod importance;
mod matrix;
mod ranges;
mod ranks;
mod reliability;
mod roc;
mod sizes;
mod strip;
#[cfg(feature = "results")]
mod sweep;
mod timeline;
mod tradeoff;
mod waterfall;

use serde_json::{Value, json};
use wfkit_datasets::Findings;
use wfkit_metrics::{PrivacyReport, Utility};

use crate::canvas::Canvas;
use crate::table::Table;

#[cfg(feature = "results")]
pub use alignment::{AlignedTrace, alignment, cells, word};
#[cfg(feature = "results")]
pub use asked::{ClassesError, cumulative_of, sizes_of, waterfall_of};
pub use asked::{PictureOfProbabilities, PictureOfReports};
pub use class_areas::class_areas;
pub use confusion::confusion;
pub use costs::{DefendedPoint, costs};
pub use cumulative::cumulative;
pub use curve::{CurvePoint, Series, curve};
pub use frontier::{Elsewhere, Entry, Panels, Point, frontier};
pub use heat::{HeatCell, heat};
#[cfg(feature = "results")]
pub use importance::explanation;
pub use importance::{Bar, Importances, importances};
pub use matrix::{Matrix, Tested, matrix};
pub use ranges::{Ranged, ranges};
pub use ranks::{Ranked, ranks};
pub use reliability::reliability;
pub use roc::roc;
pub use sizes::sizes;
pub use strip::{SpreadRow, strip};
#[cfg(feature = "results")]
pub use sweep::sweep;
pub use timeline::{Slot, timeline};
pub use tradeoff::{CostAxis, Mark, Placed, tradeoff};
pub use waterfall::{ShownTrace, waterfall};

/// A picture and all that is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// What it is about.
    pub title: String,
    /// What it shows, in words.
    pub finding: String,
    /// How it is read.
    pub reading: &'static str,
    /// What it shows, as numbers.
    pub table: Table,
    drawing: Drawing,
    /// Marks and encoding, over the columns of the table.
    vega: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum Drawing {
    /// Takes its colours from where it stands.
    Drawn(Canvas),
    /// A whole file, which says its title itself.
    Whole(String),
}

impl Picture {
    fn drawn(title: &str, finding: String, reading: &'static str, canvas: Canvas, table: Table, vega: Value) -> Self {
        Self { title: title.to_owned(), finding, reading, table, drawing: Drawing::Drawn(canvas), vega }
    }

    fn whole(title: &str, finding: String, reading: &'static str, svg: String, table: Table, vega: Value) -> Self {
        Self { title: title.to_owned(), finding, reading, table, drawing: Drawing::Whole(svg), vega }
    }

    /// What it says, for the report of a picture of traces that cost so much.
    pub fn findings(&self, cost: Utility) -> Findings {
        let privacy = PrivacyReport::unmeasured("none", "a picture shows what was measured, and measures nothing");
        let mut findings = Findings::new(cost, privacy);
        findings.privacy.extras.set("title", &self.title).set("finding", &self.finding);
        findings.count("rows of data", self.table.rows().len());
        findings
    }

    /// A file of its own, with title and finding in it, and the table in its description.
    pub fn svg(&self) -> String {
        match &self.drawing {
            Drawing::Drawn(canvas) => canvas.alone(&self.title, &self.finding, &self.table.csv()),
            Drawing::Whole(svg) => svg.clone(),
        }
    }

    /// For a page that shows the file as an image, and says title and finding itself: without them, and in the dark with colours for it, but
    /// not when it is printed. A picture that has a ground of its own keeps that.
    pub fn image(&self) -> String {
        match &self.drawing {
            Drawing::Drawn(canvas) => canvas.image(&self.title, &self.finding),
            Drawing::Whole(svg) => svg.clone(),
        }
    }

    /// The drawing for a page that says title and finding itself.
    pub(crate) fn inside_a_page(&self) -> String {
        match &self.drawing {
            Drawing::Drawn(canvas) => canvas.inside_a_page(&self.title),
            Drawing::Whole(svg) => svg.clone(),
        }
    }

    /// Whether it has a white ground of its own.
    pub(crate) fn is_on_paper(&self) -> bool {
        matches!(self.drawing, Drawing::Whole(_))
    }

    /// As a specification of Vega-Lite 6, the data in it.
    pub fn vega_lite(&self) -> String {
        let mut whole = json!({
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "title": { "text": self.title, "subtitle": self.finding, "anchor": "start" },
            "data": { "values": self.table.records() },
        });
        if let (Value::Object(whole), Value::Object(own)) = (&mut whole, &self.vega) {
            whole.extend(own.clone());
        }
        format!("{whole:#}\n")
    }
}

/// A field of the table in Vega-Lite, with what stands at its axis.
fn field(name: &str, kind: &str, title: &str) -> Value {
    json!({ "field": name, "type": kind, "title": title })
}

/// Bytes in the unit that people would use.
pub(crate) fn bytes(bytes: f64) -> String {
    match bytes {
        b if b >= 1e6 => format!("{:.1} MB", b / 1e6),
        b if b >= 1e3 => format!("{:.1} kB", b / 1e3),
        b => format!("{b:.0} bytes"),
    }
}

/// A share as a percentage without decimals.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// For files whose bytes are told: text between tags alone.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The beginning of a picture: a white ground and a title in the middle, which is escaped.
#[cfg(feature = "results")]
fn begun(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"{}\" y=\"30\" text-anchor=\"middle\" font-size=\"16\">{}</text>\n",
        width / 2.0,
        escaped(title)
    )
}

/// The largest of 1, 2 and 5 times a power of ten that goes into `largest` at least three times.
#[cfg(feature = "results")]
fn round_step(largest: f64) -> f64 {
    if largest <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf((largest / 3.0).log10().floor());
    [5.0, 2.0, 1.0].map(|times| times * ten).into_iter().find(|step| step * 3.0 <= largest).unwrap_or(ten)
}

#[cfg(all(test, feature = "results"))]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!([0.0, 0.35, 0.9, 6.1, 15.0].map(round_step), [1.0, 0.1, 0.2, 2.0, 5.0]);
    }
}
