//! How probable a sequence is: the sum over all its alignments with a profile.
//!
//! The forward recursion of R. Durbin, S. Eddy, A. Krogh, G. Mitchison, "Biological Sequence Analysis", 1998, section 5.4, scaled
//! (section 3.6) and in a band around the diagonal. With i tokens read and column j reached,
//!
//! ```text
//! C(i, j) = t_MM M(i, j) + t_IM I(i, j) + t_DM D(i, j)
//! M(i, j) = plain E_j(x_i) C(i-1, j-1) + split E_j(x_{i-1} + x_i) / max(1, s - 1) C(i-2, j-1) + merge E2_j(x_i) C(i-1, j-2)
//! I(i, j) = q(x_i) (t_MI M(i-1, j) + t_II I(i-1, j) + t_DI D(i-1, j))
//! D(i, j) = t_MD M(i, j-1) + t_ID I(i, j-1) + t_DD D(i, j-1)
//! ```
//!
//! from M(0, 0) = 1 to the likelihood C(n, L). Deviations: moves between insertions and losses are allowed, transitions are those of all
//! columns, and two tokens may stand for one column or one for two.

use pulp::{Arch, Simd, WithSimd};

use super::chain::{Chain, D, I, M};
use super::lanes::{LANES, add_up, carry, cells, padded, splat, sum};
use super::profile::{Emissions, Joins, MARGIN};
use super::tokens::Token;

/// Columns on either side of the diagonal that are looked at first, in profiles of more columns than `NO_BAND`.
const FIRST_WIDTH: usize = 16;
pub(super) const NO_BAND: usize = 128;

/// A band is widened until the log likelihood, which can only grow, grows by less than this part of itself.
const STABLE: f64 = 1e-9;

/// Rows that a step reads or writes.
const ROWS_READ: usize = 3;

/// Rows from one scaling to the next. A token's probability is above 1e-15, so what is between stays far from underflow.
pub(super) const ROWS_A_SCALE: usize = 8;

/// What all profiles of a model have in common.
pub(super) struct Shared<'a> {
    pub(super) chain: &'a Chain,
    /// q, shape `(n_tokens,)`.
    pub(super) inserted: &'a [f64],
    pub(super) joins: &'a Joins,
}

/// The cells that are looked at, for each row: all within `width` of the diagonal from (0, 0) to (n, L), and more up to whole lanes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Band {
    tokens: usize,
    columns: usize,
    width: usize,
}

impl Band {
    /// Everything.
    pub(super) fn whole(tokens: usize, columns: usize) -> Self {
        Self { tokens, columns, width: columns }
    }

    fn first(tokens: usize, columns: usize) -> Self {
        Self { tokens, columns, width: if columns > NO_BAND { FIRST_WIDTH } else { columns } }
    }

    /// The first cell of row `i` and the one after its last: whole lanes.
    pub(super) fn at(self, i: usize) -> (usize, usize) {
        if self.width >= self.columns {
            return (0, padded(self.columns + 1));
        }
        let low = (i * self.columns / self.tokens).saturating_sub(self.width);
        let high = (i * self.columns).div_ceil(self.tokens) + self.width;
        (low - low % LANES, padded(high.min(self.columns) + 1))
    }

    fn is_whole(self) -> bool {
        self.width >= self.columns
    }

    /// Twice as wide; everything, where that is not much more.
    fn widened(self) -> Self {
        let width = 2 * self.width;
        Self { width: if 3 * width >= self.columns { self.columns } else { width }, ..self }
    }
}

/// What a recursion goes over: a sequence beside a profile, and the cells that are looked at.
#[derive(Clone, Copy)]
pub(super) struct Grid<'a> {
    pub(super) x: &'a [Token],
    pub(super) emissions: &'a Emissions,
    pub(super) shared: &'a Shared<'a>,
    pub(super) band: Band,
}

/// A row of the recursion: the states after so many tokens. Entry [`MARGIN`] + j is column j; outside of the band is 0. Beyond the last column,
/// up to whole lanes, stands something that no column reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) m: Vec<f64>,
    pub(super) i: Vec<f64>,
    pub(super) d: Vec<f64>,
    /// What leaves for a match move.
    pub(super) c: Vec<f64>,
}

/// The recursion with its rows, which are used again for the next sequence.
#[derive(Debug, Default)]
pub(super) struct Forward {
    /// The last rows, at `i % kept`.
    rows: Vec<Row>,
    kept: usize,
    /// What row i was divided by.
    pub(super) scales: Vec<f64>,
}

impl Forward {
    /// The log likelihood of a sequence.
    pub(super) fn log_likelihood(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>) -> f64 {
        self.run_in_band(x, emissions, shared, ROWS_READ).1
    }

    /// The log likelihood of a sequence, all rows kept, and the band that they were computed in.
    pub(super) fn run_all(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>) -> (Band, f64) {
        self.run_in_band(x, emissions, shared, x.len() + 1)
    }

    #[cfg(test)]
    pub(super) fn whole(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>) -> f64 {
        self.run(x, emissions, shared, Band::whole(x.len(), emissions.columns()), ROWS_READ)
    }

    /// The log likelihood in a band that holds all of it that matters, with so many rows kept.
    fn run_in_band(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>, kept: usize) -> (Band, f64) {
        let mut band = Band::first(x.len(), emissions.columns());
        let mut found = self.run(x, emissions, shared, band, kept);
        while !band.is_whole() {
            let wider = band.widened();
            let more = self.run(x, emissions, shared, wider, kept);
            let is_stable = more - found <= STABLE * more.abs();
            (band, found) = (wider, more);
            if is_stable {
                break;
            }
        }
        (band, found)
    }

    /// The log likelihoods of the first 0, 1, ... n tokens, without the move to the end: of all sequences that begin so.
    pub(super) fn prefixes(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>) -> Vec<f64> {
        let mut prefixes = vec![0.0];
        let mut scale = 0.0;
        let columns = MARGIN..=MARGIN + emissions.columns();
        let band = Band::whole(x.len(), emissions.columns());
        self.kept = ROWS_READ;
        Arch::new().dispatch(Steps {
            forward: self,
            grid: Grid { x, emissions, shared, band },
            after: |row: &Row, by: f64| {
                scale += by.ln();
                let reached: f64 = row.m[columns.clone()].iter().chain(&row.i[columns.clone()]).sum();
                prefixes.push(scale + reached.ln());
            },
        });
        prefixes
    }

    /// Row `i` of the last run, which must have been kept.
    pub(super) fn row(&self, i: usize) -> &Row {
        &self.rows[i % self.kept]
    }

    /// The log likelihood as far as alignments stay in a band, with so many rows kept.
    fn run(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>, band: Band, kept: usize) -> f64 {
        self.kept = kept;
        Arch::new().dispatch(Steps {
            forward: &mut *self,
            grid: Grid { x, emissions, shared, band },
            after: |_: &Row, _: f64| {},
        });
        let scales: f64 = self.scales.iter().filter(|&&scale| scale != 1.0).map(|scale| scale.ln()).sum();
        scales + self.row(x.len()).c[MARGIN + emissions.columns()].ln()
    }

    #[inline(always)]
    fn begin<S: Simd>(&mut self, simd: S, Grid { x, emissions, shared, band }: Grid<'_>) {
        self.rows.resize_with(self.rows.len().max(self.kept), Row::default);
        for row in &mut self.rows[..self.kept] {
            for states in [&mut row.m, &mut row.i, &mut row.d, &mut row.c] {
                // Whatever an earlier run left beyond the band is cleared as the band moves.
                states.resize(emissions.stride(), 0.0);
            }
        }
        self.scales.clear();
        self.scales.resize(x.len() + 1, 1.0);
        let (low, end) = band.at(0);
        let row = &mut self.rows[0];
        row.m[MARGIN + low..MARGIN + end].fill(0.0);
        row.i[MARGIN + low..MARGIN + end].fill(0.0);
        row.m[MARGIN] = 1.0;
        row.finish(simd, low, end, shared.chain);
        row.clear_around(low, end, band.at(x.len().min(2)).1);
    }

    #[inline(always)]
    fn step<S: Simd>(&mut self, simd: S, grid: Grid<'_>, i: usize) {
        let Grid { x, emissions, shared, band } = grid;
        let (low, end) = band.at(i);
        let (at, width) = (MARGIN + low, end - low);
        let mut row = std::mem::take(&mut self.rows[i % self.kept]);
        let one = &self.rows[(i - 1) % self.kept];
        let token = x[i - 1];

        let m = &mut row.m[at..][..width];
        let c1 = &one.c[at - 1..][..width];
        let plain = &emissions.plain(token)[at..][..width];
        if !shared.joins.any() {
            cells::<S, 2, 1>([plain, c1], [m], |[plain, c1]| [simd.mul_f64s(plain, c1)]);
        } else {
            let c1_before = &one.c[at - 2..][..width];
            let merged = &emissions.merged(token)[at..][..width];
            let two = &self.rows[if i > 1 { i - 2 } else { 0 } % self.kept];
            let c2 = &two.c[at - 1..][..width];
            let (joined, split) = self.split(grid, i);
            let joined = &emissions.plain(joined)[at..][..width];
            let split = simd.splat_f64s(split);
            let values = [plain, c1, merged, c1_before, joined, c2];
            cells::<S, 6, 1>(values, [m], |[plain, c1, merged, c1_before, joined, c2]| {
                let m = simd.mul_f64s(plain, c1);
                let m = simd.mul_add_f64s(merged, c1_before, m);
                [simd.mul_add_f64s(simd.mul_f64s(split, joined), c2, m)]
            });
        }

        let q = shared.inserted[token as usize];
        let [from_m, from_i, from_d] = &shared.chain.transitions;
        let t = splat(simd, [from_m[I] * q, from_i[I] * q, from_d[I] * q]);
        let states = [&one.m[at..][..width], &one.i[at..][..width], &one.d[at..][..width]];
        cells::<S, 3, 1>(states, [&mut row.i[at..][..width]], |before| [add_up(simd, t, before)]);

        if i.is_multiple_of(ROWS_A_SCALE) {
            let (m, inserted) = (&mut row.m[at..][..width], &mut row.i[at..][..width]);
            let scale = (sum(simd, m) + sum(simd, inserted)).max(1e-280);
            self.scales[i] = scale;
            let by = 1.0 / scale;
            m.iter_mut().for_each(|m| *m *= by);
            inserted.iter_mut().for_each(|i| *i *= by);
        }
        row.finish(simd, low, end, shared.chain);
        row.clear_around(low, end, band.at((i + 2).min(x.len())).1);
        self.rows[i % self.kept] = row;
    }

    /// The token that x_{i-1} and x_i are parts of, and what makes its plain emission that of a split, which reads row i - 2.
    #[inline(always)]
    pub(super) fn split(&self, Grid { x, emissions, shared, .. }: Grid<'_>, i: usize) -> (Token, f64) {
        if i < 2 {
            return (x[i - 1], 0.0);
        }
        let (joined, ways) = shared.joins.split(x[i - 2], x[i - 1]);
        (joined, emissions.split_to_plain * ways / self.scales[i - 1])
    }
}

/// All rows, by the widest vectors that the processor has, and what is done after each but the first, with the row and what it was divided by.
struct Steps<'a, F> {
    forward: &'a mut Forward,
    grid: Grid<'a>,
    after: F,
}

impl<F: FnMut(&Row, f64)> WithSimd for Steps<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { forward, grid, mut after } = self;
        forward.begin(simd, grid);
        for i in 1..=grid.x.len() {
            forward.step(simd, grid, i);
            after(forward.row(i), forward.scales[i]);
        }
    }
}

impl Row {
    /// D and C, from M and I.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, simd: S, low: usize, end: usize, chain: &Chain) {
        let [from_m, from_i, from_d] = &chain.transitions;
        let to_m = splat(simd, [from_m[M], from_i[M], from_d[M]]);
        let [from_m_to_d, from_i_to_d] = [simd.splat_f64s(from_m[D]), simd.splat_f64s(from_i[D])];
        let (at, width) = (MARGIN + low, end - low);
        let (m, i) = (&self.m[at..][..width], &self.i[at..][..width]);
        let d = &mut self.d[at..][..width];
        cells::<S, 2, 1>([m, i], [d], |[m, i]| [simd.mul_add_f64s(from_i_to_d, i, simd.mul_f64s(from_m_to_d, m))]);
        carry(d, chain.transitions[D][D]);
        cells::<S, 3, 1>([m, i, d], [&mut self.c[at..][..width]], |states| [add_up(simd, to_m, states)]);
    }

    /// Zeros where the next two rows read beyond this one's band: `MARGIN` before, up to their last cell after.
    #[inline(always)]
    fn clear_around(&mut self, low: usize, end: usize, end_of_readers: usize) {
        for states in [&mut self.m, &mut self.i, &mut self.d, &mut self.c] {
            states[low..low + MARGIN].fill(0.0);
            states[MARGIN + end..MARGIN + end_of_readers].fill(0.0);
        }
    }
}
