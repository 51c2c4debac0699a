//! The forward recursion of several classes at once, for scoring.
//!
//! The same sums as in [`super::forward`], without a band and without the rows that learning needs: the lanes of a vector are classes, so that
//! no column waits for the one before it, and all lanes read the same tokens. What leaves a cell for an insertion is kept in place of the three states,
//!
//! ```text
//! U(i, j) = t_MI M(i, j) + t_II I(i, j) + t_DI D(i, j),   I(i, j) = q(x_i) U(i-1, j)
//! ```

use pulp::{Arch, Simd, WithSimd};

use super::chain::{D, I, M};
use super::forward::{ROWS_A_SCALE, Shared};
use super::profile::{Emissions, MARGIN};
use super::tokens::Token;

/// Classes at a time: two vectors of most processors, so that one is computed while the other waits.
pub(super) const LANES: usize = 8;

type Lanes = [f64; LANES];

/// Emissions of at most [`LANES`] classes, entry by entry. Where a class has no more columns, nothing is emitted.
pub(super) struct Group {
    plain: Vec<Lanes>,
    merged: Vec<Lanes>,
    stride: usize,
    /// The entries of the last columns.
    ends: Vec<usize>,
    split_to_plain: f64,
}

impl Group {
    pub(super) fn new(emissions: &[Emissions]) -> Self {
        let stride = emissions.iter().map(Emissions::stride).max().unwrap_or(0);
        let side_by_side = |rows: &dyn Fn(&Emissions) -> &[f64]| -> Vec<Lanes> {
            let tokens = emissions.first().map_or(0, |of_class| rows(of_class).len() / of_class.stride());
            let mut table = vec![[0.0; LANES]; tokens * stride];
            for (lane, of_class) in emissions.iter().enumerate() {
                for (out, row) in table.chunks_exact_mut(stride).zip(rows(of_class).chunks_exact(of_class.stride())) {
                    out.iter_mut().zip(row).for_each(|(lanes, emission)| lanes[lane] = *emission);
                }
            }
            table
        };
        Self {
            plain: side_by_side(&|of_class| of_class.all_plain()),
            merged: side_by_side(&|of_class| of_class.all_merged()),
            stride,
            ends: emissions.iter().map(|of_class| MARGIN + of_class.columns()).collect(),
            split_to_plain: emissions.first().map_or(0.0, |of_class| of_class.split_to_plain),
        }
    }

    fn plain(&self, token: Token) -> &[Lanes] {
        &self.plain[token as usize * self.stride..][..self.stride]
    }

    fn merged(&self, token: Token) -> &[Lanes] {
        &self.merged[token as usize * self.stride..][..self.stride]
    }
}

/// A row: what leaves each column for a match move and for an insertion. Entry [`MARGIN`] + j is column j.
#[derive(Debug, Default)]
struct Row {
    c: Vec<Lanes>,
    u: Vec<Lanes>,
}

/// The recursion with its rows, which are used again for the next sequence.
#[derive(Debug, Default)]
pub(super) struct SideBySide {
    /// The row that is written, the one before, and the one before that.
    rows: [Row; 3],
}

/// All rows of a sequence, by the widest vectors that the processor has: no sum is in another order for that, so that all
/// processors find the same. The last row, and what it was divided by.
struct Run<'a> {
    rows: &'a mut SideBySide,
    x: &'a [Token],
    group: &'a Group,
    shared: &'a Shared<'a>,
}

impl WithSimd for Run<'_> {
    type Output = Lanes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Lanes {
        let Self { rows, x, group, shared } = self;
        rows.begin(shared);
        let mut scales = [0.0; LANES];
        for i in 1..=x.len() {
            rows.rows.rotate_right(1);
            rows.step(x, i, group, shared);
            if i.is_multiple_of(ROWS_A_SCALE) {
                rows.scale(&mut scales);
            }
        }
        scales
    }
}

impl SideBySide {
    /// The log likelihoods of a sequence in the classes of a group, in their order.
    pub(super) fn log_likelihoods(
        &mut self,
        x: &[Token],
        group: &Group,
        shared: &Shared<'_>,
    ) -> impl Iterator<Item = f64> {
        for row in &mut self.rows {
            for cells in [&mut row.c, &mut row.u] {
                cells.clear();
                cells.resize(group.stride, [0.0; LANES]);
            }
        }
        let scales = Arch::new().dispatch(Run { rows: &mut *self, x, group, shared });
        let row = &self.rows[0].c;
        group.ends.iter().enumerate().map(move |(lane, &end)| scales[lane] + row[end][lane].ln())
    }

    #[inline(always)]
    fn begin(&mut self, shared: &Shared<'_>) {
        let t = &shared.chain.transitions;
        let row = &mut self.rows[0];
        let (mut m, mut d) = (1.0, 0.0);
        for (c, u) in row.c[MARGIN..].iter_mut().zip(&mut row.u[MARGIN..]) {
            *c = [t[M][M] * m + t[D][M] * d; LANES];
            *u = [t[M][I] * m + t[D][I] * d; LANES];
            (m, d) = (0.0, t[M][D] * m + t[D][D] * d);
        }
    }

    /// Row `i`, from the two before.
    #[inline(always)]
    fn step(&mut self, x: &[Token], i: usize, group: &Group, shared: &Shared<'_>) {
        let t = shared.chain.transitions;
        let token = x[i - 1];
        let q = shared.inserted[token as usize];
        let [row, one, two] = &mut self.rows;
        let width = group.stride - 2 * MARGIN;
        let (c, u) = (&mut row.c[MARGIN..][..width], &mut row.u[MARGIN..][..width]);
        let (c1, c1_before) = (&one.c[MARGIN - 1..][..width], &one.c[MARGIN - 2..][..width]);
        let u1 = &one.u[MARGIN..][..width];
        let plain = &group.plain(token)[MARGIN..][..width];
        let mut d = [0.0; LANES];
        if !shared.joins.any() {
            for j in 0..width {
                let mut m = [0.0; LANES];
                for lane in 0..LANES {
                    m[lane] = plain[j][lane] * c1[j][lane];
                }
                leave(&t, q, m, &u1[j], &mut d, (&mut c[j], &mut u[j]));
            }
            return;
        }
        let merged = &group.merged(token)[MARGIN..][..width];
        let c2 = &two.c[MARGIN - 1..][..width];
        let (joined, split) = match i {
            1 => (token, 0.0),
            _ => shared.joins.split(x[i - 2], token),
        };
        let joined = &group.plain(joined)[MARGIN..][..width];
        let split = split * group.split_to_plain;
        for j in 0..width {
            let mut m = [0.0; LANES];
            for lane in 0..LANES {
                m[lane] = plain[j][lane] * c1[j][lane]
                    + merged[j][lane] * c1_before[j][lane]
                    + split * joined[j][lane] * c2[j][lane];
            }
            leave(&t, q, m, &u1[j], &mut d, (&mut c[j], &mut u[j]));
        }
    }

    /// Divides all that the next row reads by the sum of the last row.
    #[inline(always)]
    fn scale(&mut self, scales: &mut Lanes) {
        let mut sums = [1e-280; LANES];
        for (c, u) in self.rows[0].c.iter().zip(&self.rows[0].u) {
            for lane in 0..LANES {
                sums[lane] += c[lane] + u[lane];
            }
        }
        for (scale, sum) in scales.iter_mut().zip(sums) {
            *scale += sum.ln();
        }
        let by = sums.map(|sum| 1.0 / sum);
        let [last, before, _] = &mut self.rows;
        for cells in [&mut last.c, &mut last.u, &mut before.c] {
            for cell in cells {
                for lane in 0..LANES {
                    cell[lane] *= by[lane];
                }
            }
        }
    }
}

/// What leaves a cell for a match move and for an insertion, and the D of the next column.
///
/// A function of its own, since a closure would be compiled for the processors that have the least.
#[inline(always)]
fn leave(t: &[[f64; 3]; 3], q: f64, m: Lanes, u1: &Lanes, d: &mut Lanes, (c, u): (&mut Lanes, &mut Lanes)) {
    let mut i = [0.0; LANES];
    for lane in 0..LANES {
        i[lane] = q * u1[lane];
    }
    for lane in 0..LANES {
        c[lane] = t[M][M] * m[lane] + t[I][M] * i[lane] + t[D][M] * d[lane];
    }
    for lane in 0..LANES {
        u[lane] = t[M][I] * m[lane] + t[I][I] * i[lane] + t[D][I] * d[lane];
    }
    for lane in 0..LANES {
        d[lane] = t[M][D] * m[lane] + t[I][D] * i[lane] + t[D][D] * d[lane];
    }
}
