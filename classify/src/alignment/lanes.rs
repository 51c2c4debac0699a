//! Rows of cells, several cells at a time, by the widest vectors that the processor has.
//!
//! A product is added without being rounded before, and sums are in [`LANES`] parts, whatever the processor is: all find the same.

use pulp::Simd;

/// Cells at a time: two vectors of most processors, so that one is computed while the other waits. Rows are multiples of it long.
pub(super) const LANES: usize = 8;

/// Cells side by side.
pub(super) type Lanes = [f64; LANES];

/// So many cells, and what is missing to whole lanes.
pub(super) fn padded(cells: usize) -> usize {
    cells.next_multiple_of(LANES)
}

/// How many vectors the lanes are.
#[inline(always)]
pub(super) const fn vectors_of_lanes<S: Simd>() -> usize {
    const { assert!(LANES.is_multiple_of(S::F64_LANES)) }
    LANES / S::F64_LANES
}

/// Lanes as vectors.
#[inline(always)]
pub(super) fn vectors<S: Simd>(cells: &[f64]) -> &[S::f64s] {
    S::as_simd_f64s(cells).0
}

/// Lanes as vectors that are written.
#[inline(always)]
pub(super) fn vectors_mut<S: Simd>(cells: &mut [f64]) -> &mut [S::f64s] {
    S::as_mut_simd_f64s(cells).0
}

/// Each cell of the rows `outputs` becomes what `f` makes of that cell of the rows `inputs`; all are of one length.
#[inline(always)]
pub(super) fn cells<S: Simd, const N: usize, const M: usize>(
    inputs: [&[f64]; N],
    mut outputs: [&mut [f64]; M],
    f: impl Fn([S::f64s; N]) -> [S::f64s; M],
) {
    let n = inputs[0].len() / S::F64_LANES;
    let mut rows = [&[][..]; N];
    for (row, input) in rows.iter_mut().zip(inputs) {
        *row = &vectors::<S>(input)[..n];
    }
    for at in 0..n {
        let mut values = [rows[0][at]; N];
        for (value, row) in values.iter_mut().zip(rows) {
            *value = row[at];
        }
        for (row, found) in outputs.iter_mut().zip(f(values)) {
            vectors_mut::<S>(row)[at] = found;
        }
    }
}

/// Adds the products of the cells of a row with those of others to sums in parts.
#[inline(always)]
pub(super) fn add_products<S: Simd, const N: usize>(simd: S, row: &[f64], others: [&[f64]; N], sums: &mut [Lanes; N]) {
    let row = row.as_chunks::<LANES>().0;
    let mut rows = [&[][..]; N];
    for (row_of, other) in rows.iter_mut().zip(others) {
        *row_of = &other.as_chunks::<LANES>().0[..row.len()];
    }
    let mut parts = [[simd.splat_f64s(0.0); LANES]; N];
    for (parts, sum) in parts.iter_mut().zip(&*sums) {
        for (part, sum) in parts.iter_mut().zip(vectors::<S>(sum)) {
            *part = *sum;
        }
    }
    for (at, lanes) in row.iter().enumerate() {
        for part in 0..vectors_of_lanes::<S>() {
            let a = vectors::<S>(lanes)[part];
            for (parts, other) in parts.iter_mut().zip(rows) {
                parts[part] = simd.mul_add_f64s(a, vectors::<S>(&other[at])[part], parts[part]);
            }
        }
    }
    for (parts, sum) in parts.iter().zip(sums) {
        for (sum, part) in vectors_mut::<S>(sum).iter_mut().zip(parts) {
            *sum = *part;
        }
    }
}

/// w_0 v_0 + w_1 v_1 + w_2 v_2.
#[inline(always)]
pub(super) fn add_up<S: Simd>(simd: S, weights: [S::f64s; 3], values: [S::f64s; 3]) -> S::f64s {
    let sum = simd.mul_f64s(weights[0], values[0]);
    let sum = simd.mul_add_f64s(weights[1], values[1], sum);
    simd.mul_add_f64s(weights[2], values[2], sum)
}

/// Three numbers, each in all cells.
#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, [a, b, c]: [f64; 3]) -> [S::f64s; 3] {
    [simd.splat_f64s(a), simd.splat_f64s(b), simd.splat_f64s(c)]
}

/// The sum of the parts of a sum.
#[inline(always)]
pub(super) fn total(parts: &Lanes) -> f64 {
    let [a, b, c, d, e, f, g, h] = parts;
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// The sum of a row.
#[inline(always)]
pub(super) fn sum<S: Simd>(simd: S, row: &[f64]) -> f64 {
    let mut parts = [simd.splat_f64s(0.0); LANES];
    for lanes in row.as_chunks::<LANES>().0 {
        for (part, lanes) in parts.iter_mut().zip(vectors::<S>(lanes)) {
            *part = simd.add_f64s(*part, *lanes);
        }
    }
    let mut sums = [0.0; LANES];
    for (sum, part) in vectors_mut::<S>(&mut sums).iter_mut().zip(parts) {
        *sum = part;
    }
    total(&sums)
}

/// a_j becomes a_{j-1} + by * a_{j-2} + by^2 * a_{j-3} + ..., and the first 0: four at a time, so that one waits for one, not for four before it.
#[inline(always)]
pub(super) fn carry(a: &mut [f64], by: f64) {
    let [one, two, three, four] = powers(by);
    let mut before = 0.0;
    for chunk in a.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *chunk;
        let ab = by.mul_add(a, b);
        let abc = by.mul_add(ab, c);
        let abcd = by.mul_add(abc, d);
        *chunk = [before, one.mul_add(before, a), two.mul_add(before, ab), three.mul_add(before, abc)];
        before = four.mul_add(before, abcd);
    }
}

/// As [`carry`] from the end, each with itself: a_j becomes a_j + by * a_{j+1} + ...
#[inline(always)]
pub(super) fn carry_back(a: &mut [f64], by: f64) {
    let [one, two, three, four] = powers(by);
    let mut after = 0.0;
    for chunk in a.as_chunks_mut::<4>().0.iter_mut().rev() {
        let [a, b, c, d] = *chunk;
        let dc = by.mul_add(d, c);
        let dcb = by.mul_add(dc, b);
        let dcba = by.mul_add(dcb, a);
        *chunk = [four.mul_add(after, dcba), three.mul_add(after, dcb), two.mul_add(after, dc), one.mul_add(after, d)];
        after = chunk[0];
    }
}

fn powers(by: f64) -> [f64; 4] {
    [by, by * by, by * by * by, by * by * by * by]
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, Scalar, WithSimd};

    use super::*;

    const ROW: [f64; 16] = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0, 9.0, 7.0, 9.0, 3.0];

    struct AllSums;

    impl WithSimd for AllSums {
        type Output = (f64, [Lanes; 2], Vec<f64>);

        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            let mut sums = [[0.5; LANES], [0.0; LANES]];
            let thirds = ROW.map(|a| a / 3.0);
            add_products(simd, &ROW, [&ROW, &thirds], &mut sums);
            let mut out = vec![0.0; ROW.len()];
            cells::<S, 2, 1>([&ROW, &thirds], [&mut out], |[a, b]| [simd.mul_add_f64s(a, b, b)]);
            (sum(simd, &ROW), sums, out)
        }
    }

    #[test]
    fn sums_and_products_are_those_of_numbers_one_by_one() {
        let (sum, sums, out) = AllSums.with_simd(Scalar);
        assert_eq!(sum, 80.0);
        assert_eq!(total(&sums[0]), 4.0 + ROW.iter().map(|a| a * a).sum::<f64>());
        assert!(out.iter().zip(ROW).all(|(&out, a)| out == a.mul_add(a / 3.0, a / 3.0)));
    }

    #[test]
    fn every_processor_finds_the_same() {
        assert_eq!(Arch::new().dispatch(AllSums), AllSums.with_simd(Scalar));
    }

    #[test]
    fn what_is_carried_shrinks_from_cell_to_cell() {
        let by = 0.5;
        let (mut on, mut back) = (ROW, ROW);
        carry(&mut on, by);
        carry_back(&mut back, by);
        for j in 0..ROW.len() {
            let before: f64 = (0..j).map(|k| ROW[k] * by.powi((j - 1 - k) as i32)).sum();
            let after: f64 = (j..ROW.len()).map(|k| ROW[k] * by.powi((k - j) as i32)).sum();
            assert!((on[j] - before).abs() < 1e-12 && (back[j] - after).abs() < 1e-12, "{j}: {on:?} {back:?}");
        }
    }
}
