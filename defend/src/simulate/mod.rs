//! Traces -> defended traces: what a defence is given, what it makes, and what waits for what.

pub(crate) mod bracket;
pub(crate) mod causality;
pub(crate) mod copies;
pub(crate) mod defended_set;
pub(crate) mod defended_trace;
pub(crate) mod direction;
pub(crate) mod draws;
pub(crate) mod load;
pub(crate) mod pipeline;
pub(crate) mod profile;
pub(crate) mod replay;
pub(crate) mod retime;
pub(crate) mod transmission;
