//! A class as a row of match columns, and what tokens are worth there.

use serde::{Deserialize, Serialize};

use super::chain::{Chain, MERGE, PLAIN, SPLIT};
use super::lanes::padded;
use super::prior::{Column, Prior};
use super::tokens::{Alphabet, Token};

/// Pairs of tokens that are less probable are never one token.
const LEAST_PAIR: f64 = 1e-4;

/// Cells before column 0 and after the last cell that are read and always 0.
pub(super) const MARGIN: usize = 2;

/// The match columns of a class, 1 to L.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Profile {
    pub(super) columns: Vec<Column>,
}

/// Sums and ratios of sizes, by pairs of tokens.
#[derive(Debug, Clone)]
pub(super) struct Joins {
    /// The token of u and v as one, at u * n_tokens + v; empty where tokens never join.
    joined: Vec<Token>,
    /// 1 / max(1, s - 1): the ways to split a token are equally probable.
    split: Vec<f64>,
}

impl Joins {
    pub(super) fn new(alphabet: &Alphabet) -> Self {
        let n = if alphabet.joins() { alphabet.len() } else { 0 };
        Self {
            joined: (0..n * n).map(|pair| alphabet.joined(pair / n, pair % n) as Token).collect(),
            split: (0..n).map(|token| 1.0 / (alphabet.size(token) - 1.0).max(1.0)).collect(),
        }
    }

    /// Whether tokens ever join.
    pub(super) fn any(&self) -> bool {
        !self.split.is_empty()
    }

    /// The token that two tokens are parts of, and the probability that it is split so.
    pub(super) fn split(&self, first: Token, second: Token) -> (Token, f64) {
        let joined = self.joined[first as usize * self.split.len() + second as usize];
        (joined, self.split[joined as usize])
    }
}

/// Emissions of a profile times the probabilities of match moves, one row of columns a token, so that a step of the recursion reads them
/// in order. Entry [`MARGIN`] + j of a row is column j; there is none for j = 0.
pub(super) struct Emissions {
    /// plain * E_j(v).
    plain: Vec<f64>,
    /// merge * E2_j(v), E2_j(v) = sum of E_{j-1}(a) E_j(b) over a and b that are v together; empty where tokens never join.
    merged: Vec<f64>,
    stride: usize,
    columns: usize,
    /// split / plain, for what is read from `plain`.
    pub(super) split_to_plain: f64,
}

impl Emissions {
    pub(super) fn new(profile: &Profile, prior: &Prior, chain: &Chain, joins: &Joins) -> Self {
        let n_tokens = prior.background().len();
        let columns = profile.columns.len();
        let stride = MARGIN + padded(columns + 1) + MARGIN;
        let mut plain = vec![0.0; n_tokens * stride];
        let mut merged = vec![0.0; if joins.any() { n_tokens * stride } else { 0 }];
        let mut emissions = vec![0.0; n_tokens];
        let mut likely_before: Vec<(Token, f64)> = Vec::new();
        for (column, at) in profile.columns.iter().zip(MARGIN + 1..) {
            prior.emissions(column, &mut emissions);
            for (token, emission) in emissions.iter().enumerate() {
                plain[token * stride + at] = chain.matches[PLAIN] * emission;
            }
            if !joins.any() {
                continue;
            }
            let tokens = emissions.iter().enumerate().map(|(token, &emission)| (token as Token, emission));
            let likely: Vec<(Token, f64)> = tokens.filter(|&(_, emission)| emission >= LEAST_PAIR).collect();
            for &(a, p_a) in &likely_before {
                for &(b, p_b) in likely.iter().filter(|(_, p_b)| p_a * p_b >= LEAST_PAIR) {
                    let (joined, _) = joins.split(a, b);
                    merged[joined as usize * stride + at] += chain.matches[MERGE] * p_a * p_b;
                }
            }
            likely_before = likely;
        }
        Self { plain, merged, stride, columns, split_to_plain: chain.matches[SPLIT] / chain.matches[PLAIN] }
    }

    /// Entries of a row: [`MARGIN`], a column 0, L columns and zeros up to whole lanes, [`MARGIN`].
    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// All rows, by token.
    pub(super) fn all_plain(&self) -> &[f64] {
        &self.plain
    }

    /// All rows, by token; none where tokens never join.
    pub(super) fn all_merged(&self) -> &[f64] {
        &self.merged
    }

    /// L.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn plain(&self, token: Token) -> &[f64] {
        &self.plain[token as usize * self.stride..][..self.stride]
    }

    pub(super) fn merged(&self, token: Token) -> &[f64] {
        &self.merged[token as usize * self.stride..][..self.stride]
    }
}
