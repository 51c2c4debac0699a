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
use super::forward::{Forward, Grid, Shared};
use super::lanes::{LANES, Lanes, add_products, add_up, carry_back, cells, padded, splat, total, vectors, vectors_mut};
use super::profile::{Emissions, MARGIN};
use super::tokens::Token;

/// Expected counts of one class.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Plain and split matches by token and column: entry [`MARGIN`] + j of row v, in rows as those of emissions.
    pub(super) matched: Vec<f64>,
    stride: usize,
    /// Insertions by token.
    pub(super) inserted: Vec<f64>,
    pub(super) moves: MoveCounts,
}

impl Counts {
    pub(super) fn new(n_tokens: usize, columns: usize) -> Self {
        let stride = MARGIN + padded(columns + 1) + MARGIN;
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

    /// Counts of a token from an entry on.
    fn of(&mut self, token: Token, at: usize, width: usize) -> &mut [f64] {
        &mut self.matched[token as usize * self.stride + at..][..width]
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
    /// weight / likelihood of the sequence.
    by: f64,
}

/// Values of moves from row i, by column, and sums over all rows.
#[derive(Debug, Default)]
struct Moves {
    plain: Vec<f64>,
    merged: Vec<f64>,
    split: Vec<f64>,
    matched: Vec<f64>,
    inserted: Vec<f64>,
    /// B_D of row i.
    lost: Vec<f64>,
    /// Forward times the value of a move, in parts: of the states M, I, D, of matches, insertions and losses; and of kinds of matches.
    transitions: [[Lanes; 3]; 3],
    matches: [Lanes; 3],
}

/// All rows from the last on, by the widest vectors that the processor has.
struct StepsBack<'a> {
    posterior: &'a mut Posterior,
    grid: Grid<'a>,
    counts: &'a mut Counts,
}

impl WithSimd for StepsBack<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { posterior, grid, counts } = self;
        for i in (0..=grid.x.len()).rev() {
            posterior.step_back(simd, grid, i);
            posterior.count(simd, grid, i, counts);
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
        self.by = weight / self.forward.row(n).c[MARGIN + emissions.columns()];
        self.begin(emissions.stride());
        let grid = Grid { x, emissions, shared, band };
        Arch::new().dispatch(StepsBack { posterior: &mut *self, grid, counts });
        self.count_moves(shared, counts);
    }

    fn begin(&mut self, stride: usize) {
        let Moves { plain, merged, split, matched, inserted, lost, transitions, matches } = &mut self.moves;
        let rows = self.match_rows.iter_mut().chain(&mut self.insert_rows);
        for row in rows.chain([plain, merged, split, matched, inserted, lost]) {
            row.clear();
            row.resize(stride, 0.0);
        }
        *transitions = Default::default();
        *matches = Default::default();
    }

    /// The backward values of row `i`, from those of the next two.
    #[inline(always)]
    fn step_back<S: Simd>(&mut self, simd: S, grid: Grid<'_>, i: usize) {
        let Grid { x, emissions, shared, band } = grid;
        let n = x.len();
        let (low, end) = band.at(i);
        let (at, width) = (MARGIN + low, end - low);
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
            matched[emissions.columns() - low] = 1.0;
        } else {
            let by = 1.0 / self.forward.scales[i + 1];
            let by_plain = simd.splat_f64s(by);
            let plain = &mut plain[at..][..width];
            let (e, b) = (&emissions.plain(x[i])[at + 1..][..width], &b_m1[at + 1..][..width]);
            if shared.joins.any() {
                let (merged, split) = (&mut merged[at..][..width], &mut split[at..][..width]);
                let (e_merged, b_merged) = (&emissions.merged(x[i])[at + 2..][..width], &b_m1[at + 2..][..width]);
                let (joined, by_split) = if i + 2 <= n {
                    let (joined, split) = self.forward.split(grid, i + 2);
                    (joined, split / self.forward.scales[i + 2])
                } else {
                    (x[i], 0.0)
                };
                let by_split = simd.splat_f64s(by_split);
                let (e_split, b_split) = (&emissions.plain(joined)[at + 1..][..width], &b_m2[at + 1..][..width]);
                let values = [e, b, e_merged, b_merged, e_split, b_split];
                cells::<S, 6, 4>(
                    values,
                    [plain, merged, split, matched],
                    |[e, b, e_merged, b_merged, e_split, b_split]| {
                        let plain = simd.mul_f64s(by_plain, simd.mul_f64s(e, b));
                        let merged = simd.mul_f64s(by_plain, simd.mul_f64s(e_merged, b_merged));
                        let split = simd.mul_f64s(by_split, simd.mul_f64s(e_split, b_split));
                        [plain, merged, split, simd.add_f64s(simd.add_f64s(plain, merged), split)]
                    },
                );
            } else {
                cells::<S, 2, 2>([e, b], [plain, matched], |[e, b]| {
                    let plain = simd.mul_f64s(by_plain, simd.mul_f64s(e, b));
                    [plain, plain]
                });
            }
            let by_inserted = simd.splat_f64s(by * shared.inserted[x[i] as usize]);
            cells::<S, 1, 1>([&b_i1[at..][..width]], [&mut *inserted], |[b]| [simd.mul_f64s(by_inserted, b)]);
        }

        let [from_m, from_i, from_d] = shared.chain.transitions;
        let t = [splat(simd, from_m), splat(simd, from_i), splat(simd, from_d)];
        let lost = &mut lost[at..][..width + 1];
        lost[width] = 0.0;
        let losses = &mut lost[..width];
        cells::<S, 2, 1>([matched, inserted], [&mut *losses], |[matched, inserted]| {
            [simd.mul_add_f64s(t[D][I], inserted, simd.mul_f64s(t[D][M], matched))]
        });
        carry_back(losses, shared.chain.transitions[D][D]);
        let lost_after = &lost[1..];
        clear_around(b_m, at, width);
        clear_around(b_i, at, width);
        let values = [&*matched, &*inserted, lost_after];
        cells::<S, 3, 2>(values, [&mut b_m[at..][..width], &mut b_i[at..][..width]], |values| {
            [add_up(simd, t[M], values), add_up(simd, t[I], values)]
        });
    }

    /// Adds the moves from row `i` to their sums.
    #[inline(always)]
    fn count<S: Simd>(&mut self, simd: S, Grid { x, shared, band, .. }: Grid<'_>, i: usize, counts: &mut Counts) {
        let (n, by) = (x.len(), self.by);
        let (low, end) = band.at(i);
        let (at, width) = (MARGIN + low, end - low);
        let row = self.forward.row(i);
        let Moves { plain, merged, split, matched, inserted, lost, transitions, matches } = &mut self.moves;
        let values = [&matched[at..][..width], &inserted[at..][..width], &lost[at + 1..][..width]];
        for (states, sums) in [&row.m, &row.i, &row.d].into_iter().zip(transitions) {
            add_products(simd, &states[at..][..width], values, sums);
        }
        if i > 0 {
            // What row i was reached with by an insertion, and goes on from there.
            let mut inserted = [[0.0; LANES]];
            add_products(simd, &row.i[at..][..width], [&self.insert_rows[0][at..][..width]], &mut inserted);
            counts.inserted[x[i - 1] as usize] += by * total(&inserted[0]);
        }
        if i == n {
            return;
        }
        let c = &row.c[at..][..width];
        add_matches(simd, &plain[at..][..width], c, by, counts.of(x[i], at + 1, width));
        let [of_plain, of_split, of_merged] = matches;
        add_products(simd, c, [&plain[at..][..width]], std::array::from_mut(of_plain));
        if shared.joins.any() {
            add_products(simd, c, [&merged[at..][..width]], std::array::from_mut(of_merged));
            if i + 2 <= n {
                let (joined, _) = shared.joins.split(x[i], x[i + 1]);
                add_matches(simd, &split[at..][..width], c, by, counts.of(joined, at + 1, width));
                add_products(simd, c, [&split[at..][..width]], std::array::from_mut(of_split));
            }
        }
    }

    /// Counts moves from their sums.
    fn count_moves(&self, shared: &Shared<'_>, counts: &mut Counts) {
        let by = self.by;
        let Moves { transitions, matches: [plain, split, merged], .. } = &self.moves;
        for state in [M, I, D] {
            for to in [M, I, D] {
                let found = total(&transitions[state][to]);
                counts.moves.transitions[state][to] += by * shared.chain.transitions[state][to] * found;
            }
        }
        counts.moves.matches[PLAIN] += by * total(plain);
        counts.moves.matches[SPLIT] += by * total(split);
        counts.moves.matches[MERGE] += by * total(merged);
    }
}

/// Adds forward times the values of matches to the counts of their token, which begin a column later.
#[inline(always)]
fn add_matches<S: Simd>(simd: S, values: &[f64], c: &[f64], by: f64, counts: &mut [f64]) {
    let by = simd.splat_f64s(by);
    let (values, c) = (vectors::<S>(values), &vectors::<S>(c)[..values.len() / S::F64_LANES]);
    for ((count, &value), &c) in vectors_mut::<S>(counts).iter_mut().zip(values).zip(c) {
        *count = simd.mul_add_f64s(simd.mul_f64s(value, c), by, *count);
    }
}

/// Zeros where the rows before read beyond this one's band.
#[inline(always)]
fn clear_around(row: &mut [f64], at: usize, width: usize) {
    row[..at].fill(0.0);
    row[at + width..].fill(0.0);
}
