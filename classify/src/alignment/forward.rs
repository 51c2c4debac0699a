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

/// The columns that are looked at, for each row: all within `width` of the diagonal from (0, 0) to (n, L).
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

    /// First and last column of row `i`.
    pub(super) fn at(self, i: usize) -> (usize, usize) {
        if self.width >= self.columns {
            return (0, self.columns);
        }
        let low = (i * self.columns / self.tokens).saturating_sub(self.width);
        let high = (i * self.columns).div_ceil(self.tokens) + self.width;
        (low, high.min(self.columns))
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

/// A row of the recursion: the states after so many tokens. Entry [`MARGIN`] + j is column j; outside of the band is 0.
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
        let band = Band::whole(x.len(), emissions.columns());
        self.begin(x.len(), emissions, shared, band, ROWS_READ);
        let mut scale = 0.0;
        let mut prefixes = vec![0.0];
        for i in 1..=x.len() {
            self.step(x, i, emissions, shared, band);
            scale += self.scales[i].ln();
            let row = &self.rows[i % self.kept];
            prefixes.push(scale + (sum(&row.m) + sum(&row.i)).ln());
        }
        prefixes
    }

    /// Row `i` of the last run, which must have been kept.
    pub(super) fn row(&self, i: usize) -> &Row {
        &self.rows[i % self.kept]
    }

    /// The log likelihood as far as alignments stay in a band, with so many rows kept.
    fn run(&mut self, x: &[Token], emissions: &Emissions, shared: &Shared<'_>, band: Band, kept: usize) -> f64 {
        self.begin(x.len(), emissions, shared, band, kept);
        Arch::new().dispatch(Steps { forward: &mut *self, x, emissions, shared, band });
        let scales: f64 = self.scales.iter().filter(|&&scale| scale != 1.0).map(|scale| scale.ln()).sum();
        scales + self.row(x.len()).c[MARGIN + emissions.columns()].ln()
    }

    fn begin(&mut self, tokens: usize, emissions: &Emissions, shared: &Shared<'_>, band: Band, kept: usize) {
        let stride = MARGIN + emissions.columns() + 1;
        self.kept = kept;
        self.rows.resize_with(self.rows.len().max(kept), Row::default);
        for row in &mut self.rows[..kept] {
            for states in [&mut row.m, &mut row.i, &mut row.d, &mut row.c] {
                // Whatever an earlier run left beyond the band is cleared as the band moves.
                states.resize(stride, 0.0);
            }
        }
        self.scales.clear();
        self.scales.resize(tokens + 1, 1.0);
        let (low, high) = band.at(0);
        let row = &mut self.rows[0];
        row.m[MARGIN + low..=MARGIN + high].fill(0.0);
        row.i[MARGIN + low..=MARGIN + high].fill(0.0);
        row.m[MARGIN] = 1.0;
        row.finish(low, high, shared.chain);
        row.clear_around(low, band.at(tokens.min(2)).1, high);
    }

    #[inline(always)]
    fn step(&mut self, x: &[Token], i: usize, emissions: &Emissions, shared: &Shared<'_>, band: Band) {
        let (low, high) = band.at(i);
        let (at, width) = (MARGIN + low, high + 1 - low);
        let mut row = std::mem::take(&mut self.rows[i % self.kept]);
        let one = &self.rows[(i - 1) % self.kept];
        let token = x[i - 1];

        let m = &mut row.m[at..][..width];
        let (c1, c1_before) = (&one.c[at - 1..][..width], &one.c[at - 2..][..width]);
        let plain = &emissions.plain(token)[at..][..width];
        if !shared.joins.any() {
            for j in 0..width {
                m[j] = plain[j] * c1[j];
            }
        } else {
            let merged = &emissions.merged(token)[at..][..width];
            let two = &self.rows[if i > 1 { i - 2 } else { 0 } % self.kept];
            let c2 = &two.c[at - 1..][..width];
            let (joined, split) = self.split(x, i, emissions, shared);
            let joined = &emissions.plain(joined)[at..][..width];
            for j in 0..width {
                m[j] = plain[j] * c1[j] + merged[j] * c1_before[j] + split * joined[j] * c2[j];
            }
        }

        let [t_mi, t_ii, t_di] =
            [M, I, D].map(|state| shared.chain.transitions[state][I] * shared.inserted[token as usize]);
        let inserted = &mut row.i[at..][..width];
        let (m1, i1, d1) = (&one.m[at..][..width], &one.i[at..][..width], &one.d[at..][..width]);
        for j in 0..width {
            inserted[j] = t_mi * m1[j] + t_ii * i1[j] + t_di * d1[j];
        }

        if i.is_multiple_of(ROWS_A_SCALE) {
            let scale = (sum(m) + sum(inserted)).max(1e-280);
            self.scales[i] = scale;
            let by = 1.0 / scale;
            m.iter_mut().for_each(|m| *m *= by);
            inserted.iter_mut().for_each(|i| *i *= by);
        }
        row.finish(low, high, shared.chain);
        row.clear_around(low, band.at((i + 2).min(x.len())).1, high);
        self.rows[i % self.kept] = row;
    }

    /// The token that x_{i-1} and x_i are parts of, and what makes its plain emission that of a split, which reads row i - 2.
    #[inline(always)]
    pub(super) fn split(&self, x: &[Token], i: usize, emissions: &Emissions, shared: &Shared<'_>) -> (Token, f64) {
        if i < 2 {
            return (x[i - 1], 0.0);
        }
        let (joined, ways) = shared.joins.split(x[i - 2], x[i - 1]);
        (joined, emissions.split_to_plain * ways / self.scales[i - 1])
    }
}

/// All rows after the first, by the widest vectors that the processor has: no sum is in another order for that.
struct Steps<'a> {
    forward: &'a mut Forward,
    x: &'a [Token],
    emissions: &'a Emissions,
    shared: &'a Shared<'a>,
    band: Band,
}

impl WithSimd for Steps<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { forward, x, emissions, shared, band } = self;
        for i in 1..=x.len() {
            forward.step(x, i, emissions, shared, band);
        }
    }
}

impl Row {
    /// D and C, from M and I.
    #[inline(always)]
    fn finish(&mut self, low: usize, high: usize, chain: &Chain) {
        let t = &chain.transitions;
        let (at, width) = (MARGIN + low, high + 1 - low);
        let (m, i) = (&self.m[at..][..width], &self.i[at..][..width]);
        let d = &mut self.d[at..][..width];
        d[0] = 0.0;
        for j in 1..width {
            d[j] = t[M][D] * m[j - 1] + t[I][D] * i[j - 1];
        }
        accumulate(d, t[D][D]);
        let c = &mut self.c[at..][..width];
        for j in 0..width {
            c[j] = t[M][M] * m[j] + t[I][M] * i[j] + t[D][M] * d[j];
        }
    }

    /// Zeros where the next two rows read beyond this one's band: `MARGIN` before, up to their last column after.
    fn clear_around(&mut self, low: usize, high_of_readers: usize, high: usize) {
        for states in [&mut self.m, &mut self.i, &mut self.d, &mut self.c] {
            states[low..low + MARGIN].fill(0.0);
            states[MARGIN + high + 1..=MARGIN + high_of_readers].fill(0.0);
        }
    }
}

/// a_j becomes a_j + by * a_{j-1} + by^2 * a_{j-2} + ..., four at a time, so that one waits for one, not for four before it.
#[inline(always)]
fn accumulate(a: &mut [f64], by: f64) {
    let powers = [by, by * by, by * by * by, by * by * by * by];
    let mut before = 0.0;
    let (chunks, rest) = a.as_chunks_mut::<4>();
    for chunk in chunks {
        let first = chunk[0];
        let second = chunk[1] + by * first;
        let third = chunk[2] + by * second;
        let fourth = chunk[3] + by * third;
        *chunk = [
            first + powers[0] * before,
            second + powers[1] * before,
            third + powers[2] * before,
            fourth + powers[3] * before,
        ];
        before = chunk[3];
    }
    for a in rest {
        *a += by * before;
        before = *a;
    }
}

/// As [`accumulate`] from the end: a_j becomes a_j + by * a_{j+1} + ...
#[inline(always)]
pub(super) fn accumulate_back(a: &mut [f64], by: f64) {
    let powers = [by, by * by, by * by * by, by * by * by * by];
    let mut after = 0.0;
    let (rest, chunks) = a.as_rchunks_mut::<4>();
    for chunk in chunks.iter_mut().rev() {
        let fourth = chunk[3];
        let third = chunk[2] + by * fourth;
        let second = chunk[1] + by * third;
        let first = chunk[0] + by * second;
        *chunk = [
            first + powers[3] * after,
            second + powers[2] * after,
            third + powers[1] * after,
            fourth + powers[0] * after,
        ];
        after = chunk[0];
    }
    for a in rest.iter_mut().rev() {
        *a += by * after;
        after = *a;
    }
}

/// A sum in four parts, so that one addition need not wait for another.
#[inline(always)]
pub(super) fn sum(a: &[f64]) -> f64 {
    let (chunks, rest) = a.as_chunks::<4>();
    let mut parts = [0.0; 4];
    for chunk in chunks {
        for (part, a) in parts.iter_mut().zip(chunk) {
            *part += a;
        }
    }
    (parts[0] + parts[1]) + (parts[2] + parts[3]) + rest.iter().sum::<f64>()
}

/// The sums of products of a row with others, in four parts.
#[inline(always)]
pub(super) fn dots<const N: usize>(a: &[f64], others: [&[f64]; N]) -> [f64; N] {
    let (chunks, rest) = a.as_chunks::<4>();
    let others = others.map(|other| other.split_at(a.len() - rest.len()));
    let other_chunks = others.map(|(whole, _)| &whole.as_chunks::<4>().0[..chunks.len()]);
    let mut parts = [[0.0; 4]; N];
    for (at, chunk) in chunks.iter().enumerate() {
        for (parts, other) in parts.iter_mut().zip(other_chunks) {
            for lane in 0..4 {
                parts[lane] += chunk[lane] * other[at][lane];
            }
        }
    }
    std::array::from_fn(|k| {
        let of_rest: f64 = rest.iter().zip(others[k].1).map(|(a, b)| a * b).sum();
        (parts[k][0] + parts[k][1]) + (parts[k][2] + parts[k][3]) + of_rest
    })
}
