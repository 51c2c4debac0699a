//! Asking for a cell without saying which: private information retrieval from two servers that do not talk to each other.
//!
//! Each server gets a key of a distributed point function (E. Boyle, N. Gilboa and Y. Ishai, Function Secret Sharing: Improvements and
//! Extensions, CCS 2016): evaluated at all cells, a key gives a bit for each, and the two differ in the cell that is meant alone. A server answers the
//! exclusive or of the records of its cells, so that the answers of both differ by the record that is meant. A key by itself looks random,
//! whatever the cell, as long as AES does. All records are of one length, so that all queries move the same.

use fss_rs::dpf::{Dpf as _, DpfImpl};
use fss_rs::group::Group as _;
use fss_rs::group::byte::ByteGroup;
use fss_rs::prg::Aes128MatyasMeyerOseasPrg;
use fss_rs::{Cw, PointFn, Share};

use super::database::Database;
use super::map::{CELLS, Poi};
use crate::Error;

/// Bits of a cell's number from 0.
const CELL_BITS: usize = 7;

/// Bytes of a seed, and of what the function gives at a cell.
const BLOCK: usize = 16;
type Block = [u8; BLOCK];

/// Bytes of a key: which of the two, its seed, a correction of each bit, and that of the last block.
const KEY_BYTES: usize = 1 + BLOCK + CELL_BITS * (BLOCK + 1) + BLOCK;

/// The generator expands seeds by AES under keys that all know; any two do.
const GENERATOR_KEYS: [&Block; 2] = [b"wfkit-lab pir, 0", b"wfkit-lab pir, 1"];

/// A bit of blocks, by which the cell that is meant is told apart; not the first one, which the crate takes out of blocks for its own use.
const AT: usize = 8;
const MEANT: Block = {
    let mut block = [0; BLOCK];
    block[AT] = 1;
    block
};

type Function = DpfImpl<1, BLOCK, Aes128MatyasMeyerOseasPrg<BLOCK, 1, 2>>;

fn function() -> Function {
    DpfImpl::new_with_filter(Aes128MatyasMeyerOseasPrg::new(&GENERATOR_KEYS), CELL_BITS)
}

/// What one of the servers gets.
pub(super) struct Key {
    is_second: bool,
    share: Share<BLOCK, ByteGroup<BLOCK>>,
}

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

    /// The exclusive or of the records of a key's cells.
    pub(super) fn answer(&self, key: &Key) -> Vec<u8> {
        let mut answer = vec![0; self.0.first().map_or(0, Vec::len)];
        for (record, is_in) in self.0.iter().zip(key.cells()) {
            if is_in {
                answer.iter_mut().zip(record).for_each(|(sum, byte)| *sum ^= byte);
            }
        }
        answer
    }
}

impl Key {
    /// A key for each of the servers. `cell` is 1 to [`CELLS`].
    pub(super) fn pair(cell: u32, randomness: &mut impl FnMut(&mut [u8])) -> [Self; 2] {
        let mut seeds = [[0; BLOCK]; 2];
        seeds.iter_mut().for_each(|seed| randomness(seed));
        // The crate takes the bits of a number from the front.
        let point = PointFn { alpha: [((cell - 1) as u8) << (8 - CELL_BITS)], beta: ByteGroup(MEANT) };
        let share = function().r#gen(&point, [&seeds[0], &seeds[1]]);
        [false, true].map(|is_second| {
            let seed = seeds[usize::from(is_second)];
            Self { is_second, share: Share { s0s: vec![seed], ..share.clone() } }
        })
    }

    /// Of every cell, whether its record is in the answer.
    fn cells(&self) -> Vec<bool> {
        let mut blocks = vec![ByteGroup::zero(); 1 << CELL_BITS];
        function().full_eval(self.is_second, &self.share, &mut blocks.iter_mut().collect::<Vec<_>>());
        blocks.iter().take(CELLS as usize).map(|block| block.0[AT] & MEANT[AT] == 1).collect()
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Self { is_second, share } = self;
        let mut bytes = vec![u8::from(*is_second)];
        bytes.extend(share.s0s[0]);
        for Cw { s, tl, tr, .. } in &share.cws {
            bytes.extend(s);
            bytes.push(u8::from(*tl) | u8::from(*tr) << 1);
        }
        bytes.extend(share.cw_np1.0);
        bytes
    }

    fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        let block = |at: usize| Block::try_from(&bytes[at..at + BLOCK]).expect("so many bytes");
        let correction = |bit: usize| {
            let at = 1 + BLOCK + bit * (BLOCK + 1);
            let bits = bytes[at + BLOCK];
            let correction = Cw { s: block(at), v: ByteGroup::zero(), tl: bits & 1 == 1, tr: bits & 2 == 2 };
            (bits < 4).then_some(correction)
        };
        let cws = (0..CELL_BITS).map(correction).collect::<Option<_>>()?;
        let share = Share { s0s: vec![block(1)], cws, cw_np1: ByteGroup(block(KEY_BYTES - BLOCK)) };
        (bytes[0] < 2).then_some(Self { is_second: bytes[0] == 1, share })
    }

    /// As text, which a showing signs.
    pub(super) fn to_text(&self) -> String {
        self.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// From such a text.
    pub(super) fn from_text(text: &str) -> Option<Self> {
        let byte = |at: usize| u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..KEY_BYTES).map(byte).collect();
        Self::from_bytes(&bytes.filter(|_| text.len() == 2 * KEY_BYTES)?.try_into().ok()?)
    }
}

/// The points of the cell that two answers differ in.
pub(super) fn points(one: &[u8], other: &[u8]) -> Option<Vec<Poi>> {
    let record: Vec<u8> = one.iter().zip(other).map(|(one, other)| one ^ other).collect();
    serde_json::from_slice(&record).ok().filter(|_| one.len() == other.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secretstroll::{Map, system_randomness};

    #[test]
    fn two_answers_of_one_length_give_the_cell_and_nothing_else() {
        let map = Map::synthetic(1);
        let records = Records::of(&Database::in_memory(&map).unwrap()).unwrap();
        for cell in 1..=CELLS {
            let keys = Key::pair(cell, &mut system_randomness());
            let [one, other] = keys.map(|key| Key::from_text(&key.to_text()).unwrap());
            let differ = one.cells().iter().zip(other.cells()).map(|(one, other)| *one != other).collect::<Vec<_>>();
            assert_eq!(differ.len(), CELLS as usize);
            assert!(differ.iter().zip(1..).all(|(differs, at)| *differs == (at == cell)), "{cell}: {differ:?}");
            let answers = [records.answer(&one), records.answer(&other)];
            assert_eq!(answers[0].len(), answers[1].len());
            let got: Vec<u32> = points(&answers[0], &answers[1]).unwrap().iter().map(|poi| poi.poi_id).collect();
            assert_eq!(got, map.cell(cell));
        }
        assert!(points(&[1, 2], &[3]).is_none());
    }

    #[test]
    fn keys_are_of_one_length_and_nothing_else_is_a_key() {
        let texts: Vec<_> =
            (1..=CELLS).flat_map(|cell| Key::pair(cell, &mut system_randomness())).map(|key| key.to_text()).collect();
        assert!(texts.iter().all(|text| text.len() == 2 * KEY_BYTES));
        let good = &texts[0];
        for bad in [&good[2..], &format!("{good}00"), &format!("02{}", &good[2..]), &"g".repeat(good.len()), ""] {
            assert!(Key::from_text(bad).is_none(), "{bad}");
        }
        let corrected = 2 * (1 + BLOCK + BLOCK);
        let bad = format!("{}07{}", &good[..corrected], &good[corrected + 2..]);
        assert!(Key::from_text(&bad).is_none(), "a correction has two bits");
    }

    /// To each server every cell is in the answer half of the time, whichever is meant. (Of the first bit of blocks it is a quarter for every other
    /// cell.)
    #[test]
    fn a_key_says_nothing_of_the_cell() {
        let mut randomness = {
            use rand::{Rng as _, SeedableRng as _};
            let mut drawn = rand_xoshiro::Xoshiro256PlusPlus::seed_from_u64(1);
            move |bytes: &mut [u8]| drawn.fill_bytes(bytes)
        };
        let mut counts = [[0_u32; CELLS as usize]; 2];
        for _ in 0..2000 {
            for (counts, key) in counts.iter_mut().zip(Key::pair(42, &mut randomness)) {
                counts.iter_mut().zip(key.cells()).for_each(|(count, is_in)| *count += u32::from(is_in));
            }
        }
        // Seven standard deviations; the seed is fixed.
        assert!(counts.iter().flatten().all(|count| count.abs_diff(1000) < 160), "{counts:?}");
    }
}
