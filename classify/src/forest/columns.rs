//! Feature columns as small ranks.

use std::cmp::Ordering;

use super::sample::Sample;

/// Exact ranks of a column fit 16 bits, so that a node sorts small keys.
pub(super) const EXACT_RANKS: usize = 1 << 16;

/// A column of which less than one in so many is not 0 keeps the ranks of those alone: where it begins to cost less time, and well below
/// the third where it begins to take less memory.
const SPARSE: usize = 16;

/// One feature of all training rows.
///
/// Rows with equal values have equal ranks, and ranks are in the order of the values. Up to the most ranks allowed, each
/// distinct value has one of its own; beyond that, neighbouring values share a rank so that ranks hold about equally many
/// rows.
pub(super) struct Column {
    pub(super) ranks: Ranks,
    /// The smallest value of each rank.
    lows: Vec<f32>,
    /// The largest value of each rank; empty where each rank is one value.
    highs: Vec<f32>,
}

/// The rank of every row.
pub(super) enum Ranks {
    /// One a row; in a row of dense columns it has this place.
    Dense { ranks: Vec<u16>, place: usize },
    /// Those of rows that are not 0.
    Sparse(SparseRanks),
}

/// Ranks of a column that is mostly 0.
pub(super) struct SparseRanks {
    /// The rank of 0, which is that of all other rows.
    pub(super) zero: u16,
    /// Rows that are not 0, ascending.
    pub(super) rows: Vec<u32>,
    /// Their ranks.
    pub(super) ranks: Vec<u16>,
}

impl Column {
    /// The column of so many rows, of which these, ascending, may differ from 0.
    pub(super) fn new(n_rows: usize, mut entries: Vec<(u32, f32)>, most_ranks: usize) -> Self {
        entries.retain(|&(_, value)| value != 0.0);
        let zeros = n_rows - entries.len();
        let places = if zeros > 0 { Some((sortable(0.0), u32::MAX)) } else { None };
        let places = (0..).zip(&entries).map(|(place, &(_, value))| (sortable(value), place)).chain(places);
        let mut sorted: Vec<(u32, u32)> = places.collect();
        sorted.sort_unstable_by_key(|&(key, _)| key);
        let distinct = sorted.chunk_by(|a, b| a.0 == b.0);
        let exact = distinct.clone().count() <= most_ranks;
        let (mut ranks, mut zero) = (vec![0; entries.len()], 0);
        let (mut lows, mut highs) = (Vec::new(), Vec::new());
        let (mut seen, mut full) = (0, true);
        for equal in distinct {
            let (value, n_equal) = match equal[0].1 {
                u32::MAX => (0.0, zeros),
                place => (entries[place as usize].1, equal.len()),
            };
            if full {
                lows.push(value);
                highs.push(value);
            }
            let rank = lows.len() - 1;
            highs[rank] = value;
            for &(_, place) in equal {
                *ranks.get_mut(place as usize).unwrap_or(&mut zero) = rank as u16;
            }
            seen += n_equal;
            full = exact || seen * most_ranks / n_rows > rank;
        }
        if exact {
            highs = Vec::new();
        }
        lows.shrink_to_fit();
        let rows = entries.iter().map(|&(row, _)| row);
        let ranks = if entries.len() * SPARSE < n_rows {
            Ranks::Sparse(SparseRanks { zero, rows: rows.collect(), ranks })
        } else {
            let mut dense = vec![zero; n_rows];
            for (row, rank) in rows.zip(ranks) {
                dense[row as usize] = rank;
            }
            Ranks::Dense { ranks: dense, place: 0 }
        };
        Self { ranks, lows, highs }
    }

    /// Whether all rows have one rank.
    pub(super) fn is_constant(&self) -> bool {
        self.lows.len() == 1
    }

    /// The smallest value of a rank.
    pub(super) fn low(&self, rank: u16) -> f32 {
        self.lows[usize::from(rank)]
    }

    /// The largest value of a rank.
    pub(super) fn high(&self, rank: u16) -> f32 {
        *self.highs.get(usize::from(rank)).unwrap_or(&self.lows[usize::from(rank)])
    }

    /// The last rank that starts at or below `value`, which must not be below the smallest value.
    pub(super) fn rank_at(&self, value: f32) -> u16 {
        (self.lows.partition_point(|&low| low <= value) - 1) as u16
    }
}

impl SparseRanks {
    /// Calls `met` with the place of each sample that is not 0, and its rank. Samples are the rows of a node, ascending.
    ///
    /// Whichever is the shorter, the rows of the node or those that are not 0, is gone through, and the other one galloped through.
    pub(super) fn meet(&self, samples: &[Sample], mut met: impl FnMut(usize, u16)) {
        let (mut sample, mut own) = (0, 0);
        while let (Some(&Sample { row, .. }), Some(&other)) = (samples.get(sample), self.rows.get(own)) {
            match row.cmp(&other) {
                Ordering::Less => sample += gallop(&samples[sample..], |sample| sample.row < other),
                Ordering::Greater => own += gallop(&self.rows[own..], |&own| own < row),
                Ordering::Equal => {
                    met(sample, self.ranks[own]);
                    (sample, own) = (sample + 1, own + 1);
                }
            }
        }
    }
}

/// How many items are `before`, which is true of the first and never after it was false: in steps that double, then halve.
fn gallop<T>(items: &[T], before: impl Fn(&T) -> bool) -> usize {
    let mut step = 1;
    while items.get(step).is_some_and(&before) {
        step *= 2;
    }
    let known = step / 2;
    known + items[known..items.len().min(step)].partition_point(before)
}

/// Maps finite floats to integers in the same order; both zeros are one.
fn sortable(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits(); // -0.0 + 0.0 is 0.0
    let sign = 1 << 31;
    if bits & sign == 0 { bits | sign } else { !bits }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forest::values::rounded;

    fn column(values: impl IntoIterator<Item = f64>, most_ranks: usize) -> Column {
        let entries: Vec<_> = (0..).zip(values).map(|(row, value)| (row, rounded(value))).collect();
        Column::new(entries.len(), entries, most_ranks)
    }

    impl Column {
        fn all(&self) -> Vec<u16> {
            match &self.ranks {
                Ranks::Dense { ranks, .. } => ranks.clone(),
                Ranks::Sparse(_) => panic!("sparse"),
            }
        }

        /// The same column with a rank for each of its rows.
        pub(in crate::forest) fn with_every_rank(&self, n_rows: usize) -> Self {
            let ranks = match &self.ranks {
                Ranks::Dense { ranks, .. } => ranks.clone(),
                Ranks::Sparse(sparse) => {
                    let mut ranks = vec![sparse.zero; n_rows];
                    sparse.rows.iter().zip(&sparse.ranks).for_each(|(&row, &rank)| ranks[row as usize] = rank);
                    ranks
                }
            };
            let (lows, highs) = (self.lows.clone(), self.highs.clone());
            Self { ranks: Ranks::Dense { ranks, place: 0 }, lows, highs }
        }
    }

    #[test]
    fn ranks_follow_the_values() {
        let column = column([3.0, -1.0, 0.0, 3.0, -0.0, -1e30], EXACT_RANKS);
        assert_eq!(column.all(), [3, 1, 2, 3, 2, 0]);
        assert_eq!((column.low(3), column.high(1), column.low(0)), (3.0, -1.0, -1e30));
        assert_eq!((column.rank_at(2.9), column.rank_at(3.0)), (2, 3));
    }

    #[test]
    fn what_f32_cannot_tell_apart_has_one_rank() {
        let column = column([1.0, 1.0 + f64::EPSILON, f64::MAX, 1e39, f64::MIN], EXACT_RANKS);
        assert_eq!(column.all(), [1, 1, 2, 2, 0]);
        assert_eq!((column.low(0), column.high(2)), (f32::MIN, f32::MAX));
    }

    #[test]
    fn more_values_than_ranks_share_them_evenly() {
        let column = column((0..1000).map(f64::from), 256);
        let mut rows = [0; 256];
        for &rank in &column.all() {
            rows[usize::from(rank)] += 1;
        }
        assert!(rows.iter().all(|n| (3..=4).contains(n)), "{rows:?}");
        assert!(column.all().is_sorted());
        assert_eq!((column.low(0), column.high(0), column.low(1), column.high(255)), (0.0, 3.0, 4.0, 999.0));
        assert_eq!((column.rank_at(3.5), column.rank_at(4.0)), (0, 1));
    }

    #[test]
    fn a_frequent_value_leaves_the_ranks_to_the_others() {
        let column = column((0..900).map(|i| if i < 800 { 0.0 } else { f64::from(i) }), 64).with_every_rank(900);
        assert_eq!(column.all()[..801], [&[0; 800][..], &[1]].concat());
        assert!(!column.is_constant() && column.all()[899] >= 56 && column.all()[899] < 64);
    }

    #[test]
    fn exactly_as_many_values_as_ranks_stay_apart() {
        let column = column((0..EXACT_RANKS).map(|i| i as f64), EXACT_RANKS);
        assert_eq!(column.all()[EXACT_RANKS - 1], u16::MAX);
        assert!(column.all().iter().zip(0..).all(|(&rank, row)| rank == row));
    }

    #[test]
    fn a_column_of_few_values_keeps_these() {
        let entries = vec![(3, 2.5), (7, -1.0), (11, 0.0), (31, 2.5)];
        let column = Column::new(64, entries, EXACT_RANKS);
        let Ranks::Sparse(sparse) = &column.ranks else { panic!("dense") };
        assert_eq!((sparse.zero, &*sparse.rows, &*sparse.ranks), (1, &[3, 7, 31][..], &[2, 0, 2][..]));
        assert_eq!((column.low(0), column.low(1), column.high(2)), (-1.0, 0.0, 2.5));
        for rows in
            [&[0, 1, 2][..], &[3], &[0, 3, 5, 6, 7, 8, 9, 30], &[31], &[7, 31], &(0..64).collect::<Vec<_>>(), &[]]
        {
            let samples: Vec<_> = rows.iter().map(|&row| Sample { row, tag: 0 }).collect();
            let mut met = Vec::new();
            sparse.meet(&samples, |place, rank| met.push((rows[place], rank)));
            let expected = [(3, 2), (7, 0), (31, 2)].into_iter().filter(|(row, _)| rows.contains(row));
            assert_eq!(met, expected.collect::<Vec<_>>());
        }
        assert!(Column::new(9, vec![], 256).is_constant());
    }
}
