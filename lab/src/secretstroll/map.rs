//! Points of interest on a grid of 100 cells.

use std::collections::BTreeMap;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use wfkit_metrics::quantile_of_sorted;
use wfkit_metrics::seed::mix;

/// Grid cells, numbered from 1.
pub const CELLS: u32 = 100;

/// A point of interest, as the server answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Poi {
    /// Its number, from 1.
    pub poi_id: u32,
    /// What it is called.
    pub poi_name: String,
    /// Where it is.
    pub poi_address: String,
    /// The cell that it is in.
    pub grid_id: u32,
    /// What visitors gave, 0 to 5.
    pub poi_ratings: Vec<u8>,
}

/// All points, by cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Map {
    cells: BTreeMap<u32, Vec<u32>>,
    pois: BTreeMap<u32, Poi>,
}

/// Bytes that a query moves over the client's link, both ways: minimum, quartiles and maximum over cells, from the original.
const VOLUME_QUANTILES: [f64; 5] = [83e3, 372e3, 448e3, 550e3, 896e3];

/// What a query moves besides its answers, in bytes, and what each point adds to that: measured with this client over a v3 onion
/// service.
const BYTES_A_QUERY: f64 = 3.4e3;
const BYTES_A_POINT: f64 = 3.0e3;
/// What a byte of an answer moves: cells of 514 bytes carry 498, in records of TLS, in packets with headers.
const BYTES_A_BYTE: f64 = 1.074;

/// Points in a cell.
const POINTS: std::ops::RangeInclusive<u32> = 3..=Map::MOST_POINTS as u32;

/// Longest answer that is aimed at, in bytes, so that padding all to one length stays payable.
const LONGEST_ANSWER: f64 = 56e3;

/// A rating in an answer: a line of its own, as the original writes lists.
const BYTES_A_RATING: f64 = 7.0;

impl Map {
    /// Points that a cell has at most.
    pub const MOST_POINTS: usize = 18;

    /// A map from a seed, whose cells are as different as the original's.
    pub fn synthetic(seed: u64) -> Self {
        let mut map = Self { cells: BTreeMap::new(), pois: BTreeMap::new() };
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(seed, 0));
        // One cell for each hundredth, so that also the extremes are met, in random order.
        let mut order: Vec<u32> = (0..CELLS).collect();
        rand::seq::SliceRandom::shuffle(&mut order[..], &mut randomness);
        for (cell, rank) in (1..=CELLS).zip(order) {
            let volume = quantile(f64::from(rank) / f64::from(CELLS - 1));
            map.add_cell(cell, volume, &mut randomness);
        }
        map
    }

    fn add_cell(&mut self, cell: u32, volume: f64, randomness: &mut Xoshiro256PlusPlus) {
        let fewest = (volume / LONGEST_ANSWER / 0.85).ceil() as u32;
        let count = randomness.random_range(POINTS).clamp(fewest.min(*POINTS.end()), *POINTS.end());
        let answers = (volume - BYTES_A_QUERY - BYTES_A_POINT * f64::from(count)) / BYTES_A_BYTE;
        let weights: Vec<f64> = (0..count).map(|_| randomness.random_range(0.85..1.15)).collect();
        let total: f64 = weights.iter().sum();
        for weight in weights {
            let bytes = (answers * weight / total).max(200.0);
            let poi_id = self.pois.len() as u32 + 1;
            let poi = Poi {
                poi_id,
                poi_name: format!("{} {poi_id}", NAMES[poi_id as usize % NAMES.len()]),
                poi_address: format!("{} Lake Road, 10{cell:02} Lausanne", randomness.random_range(1..200)),
                grid_id: cell,
                poi_ratings: (0..(bytes / BYTES_A_RATING) as u32).map(|_| randomness.random_range(0..=5)).collect(),
            };
            self.cells.entry(cell).or_default().push(poi_id);
            self.pois.insert(poi_id, poi);
        }
    }

    /// Numbers of the points in a cell; none of a cell that is not there.
    pub fn cell(&self, cell: u32) -> &[u32] {
        self.cells.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// A point.
    pub fn poi(&self, poi_id: u32) -> Option<&Poi> {
        self.pois.get(&poi_id)
    }

    /// All points, by number.
    pub fn pois(&self) -> impl Iterator<Item = &Poi> {
        self.pois.values()
    }

    /// What it is some sessions later, in each of which about a share of the points changes: half of those get more ratings, up to a third
    /// more; a quarter close, unless the cell has few; for a quarter another one opens in the cell, unless it is full.
    #[must_use]
    pub fn later(&self, sessions: u32, share: f64, seed: u64) -> Self {
        let mut map = self.clone();
        for session in 1..=sessions {
            let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(mix(seed, 8), session.into()));
            let ids: Vec<u32> = map.pois.keys().copied().collect();
            for poi_id in ids {
                if randomness.random_bool(share) {
                    map.change(poi_id, &mut randomness);
                }
            }
        }
        map
    }

    fn change(&mut self, poi_id: u32, randomness: &mut Xoshiro256PlusPlus) {
        let Some(poi) = self.pois.get(&poi_id).cloned() else { return };
        let ids = self.cells.get_mut(&poi.grid_id).expect("the cell of a point");
        let kind = randomness.random_range(0..4);
        if kind == 0 && ids.len() > *POINTS.start() as usize {
            ids.retain(|&other| other != poi_id);
            self.pois.remove(&poi_id);
        } else if kind == 1 && ids.len() < *POINTS.end() as usize {
            let opened = self.pois.last_key_value().map_or(0, |(&last, _)| last) + 1;
            ids.push(opened);
            let poi_name = format!("{} {opened}", NAMES[opened as usize % NAMES.len()]);
            self.pois.insert(opened, Poi { poi_id: opened, poi_name, ..poi });
        } else {
            let more = randomness.random_range(0..=poi.poi_ratings.len() / 3);
            let ratings = &mut self.pois.get_mut(&poi_id).expect("it was found").poi_ratings;
            ratings.extend((0..more).map(|_| randomness.random_range(0..=5_u8)));
        }
    }

    /// Points that are other ones here, or here alone, or there alone, as a share of those there.
    pub fn differs_from(&self, other: &Self) -> f64 {
        let changed = self.pois.iter().filter(|(id, poi)| other.pois.get(id) != Some(poi)).count();
        let gone = other.pois.keys().filter(|id| !self.pois.contains_key(id)).count();
        (changed + gone) as f64 / other.pois.len().max(1) as f64
    }

    /// Points of the fullest cell.
    pub fn most_points(&self) -> usize {
        self.cells.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Points on the map.
    pub fn points(&self) -> usize {
        self.pois.len()
    }

    /// The cell of a place, 1 to 100: 46.5 to 46.57 degrees north, 6.55 to 6.65 east, ten by ten.
    pub fn cell_at(latitude: f64, longitude: f64) -> Option<u32> {
        let step = |value: f64, from: f64, to: f64| {
            let step = ((value - from) / (to - from) * 10.0).floor();
            (0.0..10.0).contains(&step).then_some(step as u32)
        };
        Some(step(longitude, 6.55, 6.65)? + 10 * step(latitude, 46.5, 46.57)? + 1)
    }
}

const NAMES: [&str; 8] = ["Bakery", "Museum", "Harbour", "Library", "Cinema", "Garden", "Market", "Theatre"];

/// Between the quantiles of the original.
fn quantile(at: f64) -> f64 {
    quantile_of_sorted(&VOLUME_QUANTILES, at).expect("the table has numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_that_of_its_seed() {
        let map = Map::synthetic(7);
        assert_eq!(map, Map::synthetic(7));
        assert_ne!(map, Map::synthetic(8));
        assert!((1..=CELLS).all(|cell| POINTS.contains(&(map.cell(cell).len() as u32))));
        assert!(map.cell(0).is_empty() && map.cell(101).is_empty() && map.poi(0).is_none());
    }

    #[test]
    fn a_share_of_the_points_changes_from_session_to_session() {
        let map = Map::synthetic(7);
        assert_eq!((map.later(0, 0.5, 7), map.later(3, 0.0, 7)), (map.clone(), map.clone()));
        let later = [map.later(1, 0.1, 7), map.later(3, 0.1, 7)];
        assert_eq!(later[1], map.later(3, 0.1, 7), "the same seed, the same points");
        let differs = later.each_ref().map(|later| later.differs_from(&map));
        assert!((0.07..0.13).contains(&differs[0]) && (0.2..0.35).contains(&differs[1]), "{differs:?}");
        let ids = |map: &Map| map.pois.keys().copied().collect::<Vec<_>>();
        assert_ne!(ids(&later[1]), ids(&map), "some close, some open");
        for later in &later {
            assert!((1..=CELLS).all(|cell| POINTS.contains(&(later.cell(cell).len() as u32))));
            let of_cells: Vec<u32> = (1..=CELLS).flat_map(|cell| later.cell(cell).to_vec()).collect();
            assert_eq!(of_cells.len(), later.points());
            assert!(of_cells.iter().all(|&id| later.poi(id).is_some()));
        }
    }

    #[test]
    fn cells_differ_as_those_of_the_original() {
        let map = Map::synthetic(7);
        let volume = |cell| {
            let answers: usize = map.cell(cell).iter().map(|&id| map.poi(id).unwrap().poi_ratings.len() * 7).sum();
            BYTES_A_QUERY + BYTES_A_POINT * map.cell(cell).len() as f64 + BYTES_A_BYTE * answers as f64
        };
        let mut volumes: Vec<f64> = (1..=CELLS).map(volume).collect();
        volumes.sort_by(f64::total_cmp);
        for (at, expected) in [0, 25, 50, 74, 99].into_iter().zip(VOLUME_QUANTILES) {
            assert!((volumes[at] / expected - 1.0).abs() < 0.05, "{} is not {expected}", volumes[at]);
        }
    }

    #[test]
    fn places_have_cells_that_do_not_bleed() {
        assert_eq!(Map::cell_at(46.5, 6.55), Some(1));
        assert_eq!(Map::cell_at(46.5, 6.5599), Some(1));
        assert_eq!(Map::cell_at(46.5069, 6.55), Some(1));
        assert_eq!(Map::cell_at(46.5071, 6.55), Some(11));
        assert_eq!(Map::cell_at(46.5699, 6.6499), Some(100));
        assert_eq!(Map::cell_at(46.6, 6.6), None);
        assert_eq!(Map::cell_at(f64::NAN, 6.6), None);
    }
}
