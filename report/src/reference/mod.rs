//! What the crates know of themselves, as pages of Markdown.

mod experiments;
mod features;

pub use experiments::{attacks, defences, invariants};
pub use features::features;
