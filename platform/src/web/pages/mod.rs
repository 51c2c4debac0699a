//! The pages.

pub(crate) mod account;
pub(crate) mod boards;
pub(crate) mod collected;
pub(crate) mod compare;
pub(crate) mod dashboard;
pub(crate) mod home;
pub(crate) mod matches;
pub(crate) mod organise;
pub(crate) mod pictures;
pub(crate) mod plots;
pub(crate) mod rejudgings;
pub(crate) mod rounds;
pub(crate) mod submissions;
pub(crate) mod teams;
