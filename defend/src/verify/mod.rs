//! What every defended trace must keep, and whether it did.

pub(crate) mod audit;
pub(crate) mod check;
pub(crate) mod diagnosis;
pub(crate) mod invariants;
pub(crate) mod left_alone;
pub(crate) mod lint;
pub(crate) mod verification;
pub(crate) mod written;
