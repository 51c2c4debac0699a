//! What happened in the alignments of a sequence, in expectation: the E step of learning.
//!
//! Forward and backward, as in Durbin et al., sections 3.2 and 3.6. With R the value of a match move from (i, j),
//!
//! ```text
//! R(i, j) = plain E_{j+1}(x_{i+1}) B_M(i+1, j+1) + merge E2_{j+2}(x_{i+1}) B_M(i+1, j+2)
//!           + split E_{j+1}(x_{i+1} + x_{i+2}) / max(1, s - 1) B_M(i+2, j+1)
//! B_X(i, j) = t_XM R(i, j) + t_XI q(x_{i+1}) B_I(i+1, j) + t_XD B_D(i, j+1)
//! ```
//!
//! and R(n, L) = 1. What a move adds to the counts is (forward before it) * (the move) * (backward after it) / likelihood.

use pulp::{Arch, Simd, WithSimd};

use super::chain::{D, I, M, MERGE, MoveCounts, PLAIN, SPLIT};
use super::forward::{Band, Forward, Shared, accumulate_back, dots, sum};
use super::profile::{Emissions, MARGIN};
use super::tokens::Token;

/// Expected counts of one class.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Plain and split matches by token and column: entry [`MARGIN`] + j of row v, shape `(n_tokens, MARGIN + L + 1)`.
    pub(super) matched: Vec<f64>,
    stride: usize,
    /// Insertions by token.
    pub(super) inserted: Vec<f64>,
    pub(super) moves: MoveCounts,
}

impl Counts {
    pub(super) fn new(n_tokens: usize, columns: usize) -> Self {
        let stride = MARGIN + columns + 1;
        Self {
            matched: vec![0.0; n_tokens * stride],
            stride,
            inserted: vec![0.0; n_tokens],
            moves: MoveCounts::default(),
        }
    }

    /// The counts of column `j`, by token.
    pub(super) fn column(&self, j: usize) -> impl Iterator<Item = f64> + '_ {
        self.matched.chunks_exact(self.stride).map(move |row| row[MARGIN + j])
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.matched.iter_mut().zip(&other.matched).for_each(|(sum, more)| *sum += more);
        self.inserted.iter_mut().zip(&other.inserted).for_each(|(sum, more)| *sum += more);
        self.moves.add(&other.moves);
    }
}

/// Forward and backward with their rows, which are used again for the next sequence.
#[derive(Debug, Default)]
pub(super) struct Posterior {
    forward: Forward,
    /// B_M of rows i, i + 1 and i + 2, and B_I of rows i and i + 1.
    match_rows: [Vec<f64>; 3],
    insert_rows: [Vec<f64>; 2],
    moves: Moves,
}

/// Values of moves from row i, by column.
#[derive(Debug, Default)]
struct Moves {
    plain: Vec<f64>,
    merged: Vec<f64>,
    split: Vec<f64>,
    matched: Vec<f64>,
    inserted: Vec<f64>,
    /// B_D of row i.
    lost: Vec<f64>,
    /// What a row adds to the counts of one token.
    added: Vec<f64>,
}

/// All rows from the last on, by the widest vectors that the processor has: no sum is in another order for that.
struct StepsBack<'a> {
    posterior: &'a mut Posterior,
    x: &'a [Token],
    emissions: &'a Emissions,
    shared: &'a Shared<'a>,
    band: Band,
    by: f64,
    counts: &'a mut Counts,
}

impl WithSimd for StepsBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { posterior, x, emissions, shared, band, by, counts } = self;
        for i in (0..=x.len()).rev() {
            posterior.step_back(x, i, emissions, shared, band);
            posterior.count(x, i, shared, band, by, counts);
        }
    }
}

impl Posterior {
    /// Adds what happened in a sequence, times `weight`.
    pub(super) fn add(
        &mut self,
        x: &[Token],
        emissions: &Emissions,
        shared: &Shared<'_>,
        weight: f64,
        counts: &mut Counts,
    ) {
        let n = x.len();
        let (band, log_likelihood) = self.forward.run_all(x, emissions, shared);
        if log_likelihood == f64::NEG_INFINITY {
            return; // Probabilities beyond the range of numbers: there is nothing to learn from.
        }
        let columns = emissions.columns();
        let by = weight / self.forward.row(n).c[MARGIN + columns];
        self.begin(columns);
        Arch::new().dispatch(StepsBack { posterior: &mut *self, x, emissions, shared, band, by, counts });
    }

    fn begin(&mut self, columns: usize) {
        // Two cells more than forward: a merge reads two columns on.
        let stride = MARGIN + columns + 1 + MARGIN;
        let Moves { plain, merged, split, matched, inserted, lost, added } = &mut self.moves;
        let rows = self.match_rows.iter_mut().chain(&mut self.insert_rows);
        for row in rows.chain([plain, merged, split, matched, inserted, lost, added]) {
            row.clear();
            row.resize(stride, 0.0);
        }
    }

    /// The backward values of row `i`, from those of the next two.
    #[inline(always)]
    fn step_back(&mut self, x: &[Token], i: usize, emissions: &Emissions, shared: &Shared<'_>, band: Band) {
        let n = x.len();
        let t = &shared.chain.transitions;
        let (low, high) = band.at(i);
        let (at, width) = (MARGIN + low, high + 1 - low);
        self.match_rows.rotate_right(1);
        self.insert_rows.rotate_right(1);
        let [b_m, b_m1, b_m2] = &mut self.match_rows;
        let [b_i, b_i1] = &mut self.insert_rows;
        let Moves { plain, merged, split, matched, inserted, lost, .. } = &mut self.moves;
        let matched = &mut matched[at..][..width];
        let inserted = &mut inserted[at..][..width];

        if i == n {
            matched.fill(0.0);
            inserted.fill(0.0);
            matched[width - 1] = 1.0;
        } else {
            let by = 1.0 / self.forward.scales[i + 1];
            let plain = &mut plain[at..][..width];
            let (e, b) = (&emissions.plain(x[i])[at + 1..][..width], &b_m1[at + 1..][..width]);
            if shared.joins.any() {
                let (merged, split) = (&mut merged[at..][..width], &mut split[at..][..width]);
                let (e_merged, b_merged) = (&emissions.merged(x[i])[at + 2..][..width], &b_m1[at + 2..][..width]);
                let (joined, by_split) = if i + 2 <= n {
                    let (joined, split) = self.forward.split(x, i + 2, emissions, shared);
                    (joined, split / self.forward.scales[i + 2])
                } else {
                    (x[i], 0.0)
                };
                let (e_split, b_split) = (&emissions.plain(joined)[at + 1..][..width], &b_m2[at + 1..][..width]);
                for j in 0..width {
                    plain[j] = by * e[j] * b[j];
                    merged[j] = by * e_merged[j] * b_merged[j];
                    split[j] = by_split * e_split[j] * b_split[j];
                    matched[j] = plain[j] + merged[j] + split[j];
                }
            } else {
                for j in 0..width {
                    plain[j] = by * e[j] * b[j];
                    matched[j] = plain[j];
                }
            }
            let by = by * shared.inserted[x[i] as usize];
            inserted.iter_mut().zip(&b_i1[at..][..width]).for_each(|(value, after)| *value = after * by);
        }

        let lost = &mut lost[at..][..width + 1];
        for j in 0..width {
            lost[j] = t[D][M] * matched[j] + t[D][I] * inserted[j];
        }
        lost[width] = 0.0;
        accumulate_back(lost, t[D][D]);
        let lost_after = &lost[1..];
        clear_around(b_m, at, width);
        clear_around(b_i, at, width);
        let (b_m, b_i) = (&mut b_m[at..][..width], &mut b_i[at..][..width]);
        for j in 0..width {
            b_m[j] = t[M][M] * matched[j] + t[M][I] * inserted[j] + t[M][D] * lost_after[j];
            b_i[j] = t[I][M] * matched[j] + t[I][I] * inserted[j] + t[I][D] * lost_after[j];
        }
    }

    /// Counts the moves from row `i`; `by` is weight / likelihood.
    #[inline(always)]
    fn count(&mut self, x: &[Token], i: usize, shared: &Shared<'_>, band: Band, by: f64, counts: &mut Counts) {
        let n = x.len();
        let (low, high) = band.at(i);
        let (at, width) = (MARGIN + low, high + 1 - low);
        let row = self.forward.row(i);
        let moves = &mut self.moves;
        let states = [&row.m[at..][..width], &row.i[at..][..width], &row.d[at..][..width]];
        let values = [&moves.matched[at..][..width], &moves.inserted[at..][..width], &moves.lost[at + 1..][..width]];
        let c = &row.c[at..][..width];
        let mut inserted = 0.0;
        for (state, counts) in counts.moves.transitions.iter_mut().enumerate() {
            let found = dots(states[state], values);
            for to in [M, I, D] {
                counts[to] += by * shared.chain.transitions[state][to] * found[to];
            }
            inserted += by * shared.chain.transitions[state][I] * found[I];
        }
        if i == n {
            return;
        }
        counts.inserted[x[i] as usize] += inserted;
        counts.moves.matches[PLAIN] +=
            add_matches(&moves.plain[at..][..width], c, by, x[i], at + 1, &mut moves.added, counts);
        if shared.joins.any() {
            let [merged] = dots(c, [&moves.merged[at..][..width]]);
            counts.moves.matches[MERGE] += by * merged;
            if i + 2 <= n {
                let (joined, _) = shared.joins.split(x[i], x[i + 1]);
                counts.moves.matches[SPLIT] +=
                    add_matches(&moves.split[at..][..width], c, by, joined, at + 1, &mut moves.added, counts);
            }
        }
    }
}

/// Adds matches of a token, whose columns begin at entry `at`; returns their sum.
#[inline(always)]
fn add_matches(
    values: &[f64],
    c: &[f64],
    by: f64,
    token: Token,
    at: usize,
    added: &mut [f64],
    counts: &mut Counts,
) -> f64 {
    // What leaves the last column is the end, not a match.
    let row = &mut counts.matched[token as usize * counts.stride..][..counts.stride][at..];
    let width = row.len().min(values.len());
    let (row, added, values, c) = (&mut row[..width], &mut added[..width], &values[..width], &c[..width]);
    for j in 0..width {
        added[j] = values[j] * c[j] * by;
        row[j] += added[j];
    }
    sum(added)
}

/// Zeros where the rows before read beyond this one's band.
fn clear_around(row: &mut [f64], at: usize, width: usize) {
    row[..at].fill(0.0);
    row[at + width..].fill(0.0);
}
