//! Pictures, as SVG.

mod importance;
mod reliability;

pub(crate) use importance::importance;
pub(crate) use reliability::reliability;

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
