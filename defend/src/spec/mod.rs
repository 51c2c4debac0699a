//! Which defence, with which parameters: specifications as texts and as types, and what there is to choose from.

pub(crate) mod grid;
pub(crate) mod info;
pub(crate) mod limit;
pub(crate) mod named;
pub(crate) mod not_simulated;
pub(crate) mod specification;
pub(crate) mod stop;
mod units;
pub(crate) mod value;
pub(crate) mod variants;
