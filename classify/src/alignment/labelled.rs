//! What is learned from.

use super::tokens::Token;

/// Sequences with their classes.
#[derive(Clone, Copy)]
pub(super) struct Labelled<'a> {
    pub(super) sequences: &'a [&'a [Token]],
    pub(super) labels: &'a [usize],
    pub(super) n_classes: usize,
}
