//! Several defended copies of each trace: which row is which.

use std::num::NonZeroU32;
use std::ops::Range;

use wfkit_datasets::TraceKey;
use wfkit_datasets::splits::Split;

use crate::DefendError;

/// As many copies of each load, load by load: copy r of load i is row `i * n + r`, in a [`DefendedSet`](crate::DefendedSet) and in what is
/// observed of it.
///
/// An attack on a defence that leaves something to chance is trained on several draws of each load, and tested on one that it has not seen any draw of:
/// [`split`](Self::split) makes such a split of one of the loads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copies(NonZeroU32);

impl Copies {
    /// Each trace once.
    pub const ONE: Self = Self(NonZeroU32::MIN);

    /// As many of each load.
    pub fn of_each(copies: NonZeroU32) -> Self {
        Self(copies)
    }

    /// How many there are of each.
    pub fn each(self) -> u32 {
        self.0.get()
    }

    fn count(self) -> usize {
        self.0.get() as usize
    }

    /// The rows of a load.
    pub fn rows_of(self, load: usize) -> Range<usize> {
        load * self.count()..(load + 1) * self.count()
    }

    /// The load that a row is a copy of.
    pub fn load_of(self, row: usize) -> usize {
        row / self.count()
    }

    /// Which copy of its load a row is, from 0.
    pub fn replica_of(self, row: usize) -> u32 {
        (row % self.count()) as u32
    }

    /// A split of the loads as one of their copies: trained on all of them, tested on the first alone, so that nothing is learned from any copy of a
    /// tested load.
    pub fn split(self, of_loads: &Split) -> Split {
        Split {
            name: of_loads.name.clone(),
            train: of_loads.train.iter().flat_map(|&load| self.rows_of(load)).collect(),
            test: of_loads.test.iter().map(|&load| self.rows_of(load).start).collect(),
        }
    }

    /// The key of a copy. A single copy keeps the key; of n, copy r of rep k is rep k n + r, class and session being as they were.
    ///
    /// A rep that leaves 64 bits is an error.
    pub fn key(self, of_load: &TraceKey, replica: u32) -> Result<TraceKey, DefendError> {
        let copies = i64::from(self.each());
        let rep = of_load.rep.checked_mul(copies).and_then(|rep| rep.checked_add(i64::from(replica)));
        let rep = rep.ok_or_else(|| DefendError::Rep { trace: of_load.clone(), replicas: self.each() })?;
        Ok(TraceKey { rep, ..of_load.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_load_by_load() {
        let copies = Copies::of_each(NonZeroU32::new(3).unwrap());
        assert_eq!(copies.rows_of(2), 6..9);
        let told: Vec<_> = copies.rows_of(2).map(|row| (copies.load_of(row), copies.replica_of(row))).collect();
        assert_eq!(told, [(2, 0), (2, 1), (2, 2)]);
        let split = copies.split(&Split { name: "fold 1".to_owned(), train: vec![0, 2], test: vec![1] });
        assert_eq!((split.train, split.test), (vec![0, 1, 2, 6, 7, 8], vec![3]));
        let one = Copies::of_each(NonZeroU32::MIN);
        let of_loads = Split { name: String::new(), train: vec![1], test: vec![0, 2] };
        assert_eq!(one.split(&of_loads), of_loads);
    }

    #[test]
    fn keys_of_copies_are_in_the_order_of_the_rows() {
        let copies = Copies::of_each(NonZeroU32::new(2).unwrap());
        let key = |rep| TraceKey { class: "a".into(), rep, session: None };
        let reps: Vec<i64> =
            [-1, 0, 1].into_iter().flat_map(|rep| [0, 1].map(|r| copies.key(&key(rep), r).unwrap().rep)).collect();
        assert_eq!(reps, [-2, -1, 0, 1, 2, 3]);
        assert!(copies.key(&key(i64::MAX), 0).is_err());
    }
}
