//! Pictures, as SVG.

mod frontier;
mod heat;
mod importance;
mod reliability;

pub(crate) use frontier::{Elsewhere, Entry, Panels, Point, frontier};
pub(crate) use heat::{HeatCell, heat};
pub(crate) use importance::importance;
pub(crate) use reliability::reliability;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
