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
use super::lanes::{LANES, Lanes, add_up, splat, vectors, vectors_mut, vectors_of_lanes};
use super::profile::{Emissions, MARGIN};
use super::tokens::Token;

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

/// All rows of a sequence, by the widest vectors that the processor has; what the last row was divided by.
struct Run<'a> {
    rows: &'a mut SideBySide,
    x: &'a [Token],
    group: &'a Group,
    shared: &'a Shared<'a>,
}

impl WithSimd for Run<'_> {
    type Output = Lanes;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Lanes {
        let Self { rows, x, group, shared } = self;
        rows.begin(shared);
        let mut scales = [0.0; LANES];
        for i in 1..=x.len() {
            rows.rows.rotate_right(1);
            rows.step(simd, x, i, group, shared);
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
    fn step<S: Simd>(&mut self, simd: S, x: &[Token], i: usize, group: &Group, shared: &Shared<'_>) {
        let token = x[i - 1];
        let [row, one, two] = &mut self.rows;
        let width = group.stride - 2 * MARGIN;
        let (c, u) = (&mut row.c[MARGIN..][..width], &mut row.u[MARGIN..][..width]);
        let (c1, c1_before) = (&one.c[MARGIN - 1..][..width], &one.c[MARGIN - 2..][..width]);
        let u1 = &one.u[MARGIN..][..width];
        let plain = &group.plain(token)[MARGIN..][..width];
        let leave = Leave::new(simd, shared, token);
        let mut d = [simd.splat_f64s(0.0); LANES];
        if !shared.joins.any() {
            for j in 0..width {
                for (part, d) in d.iter_mut().enumerate().take(vectors_of_lanes::<S>()) {
                    let m = simd.mul_f64s(of::<S>(plain, j, part), of::<S>(c1, j, part));
                    let states = [m, of::<S>(u1, j, part), *d];
                    vectors_mut::<S>(&mut c[j])[part] = add_up(simd, leave.c, states);
                    vectors_mut::<S>(&mut u[j])[part] = add_up(simd, leave.u, states);
                    *d = add_up(simd, leave.d, states);
                }
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
        let split = simd.splat_f64s(split * group.split_to_plain);
        for j in 0..width {
            for (part, d) in d.iter_mut().enumerate().take(vectors_of_lanes::<S>()) {
                let m = simd.mul_f64s(of::<S>(plain, j, part), of::<S>(c1, j, part));
                let m = simd.mul_add_f64s(of::<S>(merged, j, part), of::<S>(c1_before, j, part), m);
                let by_split = simd.mul_f64s(split, of::<S>(joined, j, part));
                let m = simd.mul_add_f64s(by_split, of::<S>(c2, j, part), m);
                let states = [m, of::<S>(u1, j, part), *d];
                vectors_mut::<S>(&mut c[j])[part] = add_up(simd, leave.c, states);
                vectors_mut::<S>(&mut u[j])[part] = add_up(simd, leave.u, states);
                *d = add_up(simd, leave.d, states);
            }
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

/// A vector of a cell.
#[inline(always)]
fn of<S: Simd>(row: &[Lanes], j: usize, part: usize) -> S::f64s {
    vectors::<S>(&row[j])[part]
}

/// What leaves a cell for a match move and for an insertion, and the D of the next column: each of M, of U of the row before and of D of the cell.
struct Leave<V> {
    c: [V; 3],
    u: [V; 3],
    d: [V; 3],
}

impl<V: Copy> Leave<V> {
    #[inline(always)]
    fn new<S: Simd<f64s = V>>(simd: S, shared: &Shared<'_>, token: Token) -> Self {
        let [from_m, from_i, from_d] = &shared.chain.transitions;
        let q = shared.inserted[token as usize];
        Self {
            c: splat(simd, [from_m[M], from_i[M] * q, from_d[M]]),
            u: splat(simd, [from_m[I], from_i[I] * q, from_d[I]]),
            d: splat(simd, [from_m[D], from_i[D] * q, from_d[D]]),
        }
    }
}
