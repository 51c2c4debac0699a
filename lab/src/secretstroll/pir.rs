//! Asking for a cell without saying which: private information retrieval from two servers that do not talk to each other.
//!
//! The scheme is the first one (B. Chor, O. Goldreich, E. Kushilevitz and M. Sudan, Private Information Retrieval, FOCS 1995): each server
//! gets a random set of cells and answers the exclusive or of their records; the two sets differ in the cell that is meant, and so do the answers
//! in its record. For a hundred cells a set is 13 bytes, shorter than keys of distributed point functions, and neither server
//! learns anything at all. All records are of one length, so that all queries move the same.

use super::database::Database;
use super::map::{CELLS, Poi};
use crate::Error;

/// Bytes of a set of cells, one bit each.
pub(super) const SET_BYTES: usize = (CELLS as usize).div_ceil(8);

/// What servers answer from.
#[derive(Debug)]
pub(super) struct Records(Vec<Vec<u8>>);

impl Records {
    /// A record a cell: its points, and blanks up to the longest record.
    pub(super) fn of(database: &Database) -> Result<Self, Error> {
        let record = |cell| Ok(serde_json::to_vec(&database.pois_of(cell)?).expect("these types can be written"));
        let mut records = (1..=CELLS).map(record).collect::<Result<Vec<_>, Error>>()?;
        let longest = records.iter().map(Vec::len).max().unwrap_or(0);
        records.iter_mut().for_each(|record| record.resize(longest, b' '));
        Ok(Self(records))
    }

    /// The exclusive or of the records of a set.
    pub(super) fn answer(&self, set: &[u8; SET_BYTES]) -> Vec<u8> {
        let mut answer = vec![0; self.0.first().map_or(0, Vec::len)];
        for (record, at) in self.0.iter().zip(0..) {
            if set[at / 8] >> (at % 8) & 1 == 1 {
                answer.iter_mut().zip(record).for_each(|(sum, byte)| *sum ^= byte);
            }
        }
        answer
    }
}

/// A set for each of the servers. `cell` is 1 to [`CELLS`].
pub(super) fn sets(cell: u32, randomness: &mut impl FnMut(&mut [u8])) -> [[u8; SET_BYTES]; 2] {
    let mut one = [0; SET_BYTES];
    randomness(&mut one);
    // Behind the last cell there is nothing to choose.
    one[SET_BYTES - 1] &= (1 << (CELLS % 8)) - 1;
    let mut other = one;
    let at = cell as usize - 1;
    other[at / 8] ^= 1 << (at % 8);
    [one, other]
}

/// The points of the cell that two answers differ in.
pub(super) fn points(one: &[u8], other: &[u8]) -> Option<Vec<Poi>> {
    let record: Vec<u8> = one.iter().zip(other).map(|(one, other)| one ^ other).collect();
    serde_json::from_slice(&record).ok().filter(|_| one.len() == other.len())
}

/// A set as text, which a showing signs.
pub(super) fn to_text(set: &[u8; SET_BYTES]) -> String {
    set.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// From such a text.
pub(super) fn from_text(text: &str) -> Option<[u8; SET_BYTES]> {
    let byte = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..SET_BYTES).map(byte).collect();
    bytes.filter(|_| text.len() == 2 * SET_BYTES)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretstroll::{Map, system_randomness};

    #[test]
    fn two_answers_of_one_length_give_the_cell_and_nothing_else() {
        let map = Map::synthetic(1);
        let records = Records::of(&Database::in_memory(&map).unwrap()).unwrap();
        for cell in [1, 8, 9, 64, 100] {
            let [one, other] = sets(cell, &mut system_randomness());
            let answers = [records.answer(&one), records.answer(&other)];
            assert_eq!(answers[0].len(), answers[1].len());
            let got: Vec<u32> = points(&answers[0], &answers[1]).unwrap().iter().map(|poi| poi.poi_id).collect();
            assert_eq!(got, map.cell(cell));
            assert_eq!(from_text(&to_text(&one)), Some(one));
        }
        assert_eq!(records.answer(&[0; SET_BYTES]), vec![0; records.0[0].len()]);
        assert!(points(&[1, 2], &[3]).is_none() && from_text("ab").is_none() && from_text(&"g".repeat(26)).is_none());
    }

    /// To each server every cell is in the set half of the time, whichever is meant.
    #[test]
    fn a_set_says_nothing_of_the_cell() {
        let mut counts = [[0; CELLS as usize]; 2];
        for _ in 0..2000 {
            for (counts, set) in counts.iter_mut().zip(sets(42, &mut system_randomness())) {
                (0..CELLS as usize).for_each(|at| counts[at] += u32::from(set[at / 8] >> (at % 8) & 1));
                assert_eq!(set[SET_BYTES - 1] >> (CELLS % 8), 0);
            }
        }
        // Seven standard deviations: of 200 such counts one is outside in a billion runs.
        assert!(counts.iter().flatten().all(|count| count.abs_diff(1000) < 160), "{counts:?}");
    }
}
