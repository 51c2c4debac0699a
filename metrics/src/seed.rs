//! Seeds of independent random streams.
//!
//! Every random stream of wfkit is seeded by what the user gave and by what the stream is for, through the finaliser of SplitMix64 (G. L. Steele,
//! D. Lea, C. H. Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014), so that neighbouring seeds and indices
//! share nothing and no stream depends on which thread draws from it.

/// A seed for part `index` of what `seed` governs, such as a tree of a forest or a resample.
pub fn mix(seed: u64, index: u64) -> u64 {
    finalise(finalise(seed).wrapping_add(index))
}

/// One step of SplitMix64 from `state`: a bijection whose output bits all depend on all input bits.
pub fn finalise(state: u64) -> u64 {
    let z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finaliser_is_that_of_splitmix64() {
        // The first outputs of the published generator from state 0.
        assert_eq!(finalise(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(finalise(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn neighbours_share_nothing() {
        let mut seeds: Vec<u64> = (0..50).flat_map(|seed| (0..50).map(move |index| mix(seed, index))).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), 2500);
    }
}
