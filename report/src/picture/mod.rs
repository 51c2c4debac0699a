//! Pictures, as SVG.

#[cfg(feature = "alignment")]
mod alignment;
mod frontier;
mod heat;
mod importance;
mod reliability;

#[cfg(feature = "alignment")]
pub use alignment::{AlignedTrace, alignment, cells, word};
pub use frontier::{Elsewhere, Entry, Panels, Point, frontier};
pub use heat::{HeatCell, heat};
pub use importance::{Bar, Importances, importance};
pub use reliability::reliability;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The beginning of a picture: a white ground and a title in the middle, which is escaped.
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
fn round_step(largest: f64) -> f64 {
    if largest <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf((largest / 3.0).log10().floor());
    [5.0, 2.0, 1.0].map(|times| times * ten).into_iter().find(|step| step * 3.0 <= largest).unwrap_or(ten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!([0.0, 0.35, 0.9, 6.1, 15.0].map(round_step), [1.0, 0.1, 0.2, 2.0, 5.0]);
    }
}
