//! Data by recipe: the same numbers, to the bit, as `tests/vectors/make_forest.py` makes.

use ndarray::Array2;

/// Rows `first..first + rows` and their labels.
pub(crate) fn make(first: u64, rows: usize, features: usize, classes: usize) -> (Array2<f64>, Vec<usize>) {
    let labels: Vec<usize> = (0..rows).map(|i| (first as usize + i) % classes).collect();
    let x = Array2::from_shape_fn((rows, features), |(i, j)| {
        let (row, j) = (first + i as u64, j as u64);
        let centre = uniform(1, labels[i] as u64, j);
        let u: [f64; 4] = std::array::from_fn(|k| uniform(2 + k as u64, row, j));
        let noise = u[0] + u[1] + u[2] + u[3] - 2.0;
        match j % 5 {
            0 => (30.0 * centre + 24.0 * noise).floor().max(0.0),
            1 => {
                let up = 1.0 + 4.0 * centre + 8.0 * u[0];
                up / (up + 1.0 + 8.0 * u[1])
            }
            2 => (centre + noise) / (0.05 + u[2]),
            3 if u[3] < 0.85 => 0.0,
            3 => (20.0 * centre + 10.0 * noise).floor(),
            _ if j % 10 == 4 => 7.0,
            _ => (8.0 * u[1]).floor(),
        }
    });
    (x, labels)
}

fn uniform(a: u64, b: u64, c: u64) -> f64 {
    let mixed = finalise(finalise(finalise(a).wrapping_add(b)).wrapping_add(c));
    (mixed >> 11) as f64 * 2f64.powi(-53)
}

fn finalise(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
