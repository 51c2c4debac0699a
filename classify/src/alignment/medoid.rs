//! The trace of a class that is nearest to all others, by edit distance.

use pulp::{Arch, Simd, WithSimd};

use super::lanes::{LANES, Lanes, vectors, vectors_mut, vectors_of_lanes};
use super::tokens::{Alphabet, Token};

/// Cost of a token that one sequence has and the other has not.
const GAP: f64 = 0.7;

/// Traces of a class that are compared with each other; of more, so many are taken evenly.
const MOST_TRACES: usize = 50;

/// Sums that differ by less are equal: who adds in another order gets other last digits.
const EQUAL: f64 = 1e-9;

/// What it costs to take one token for another: min(1, |ln s(u) - ln s(v)|), shape `(n_tokens, n_tokens)`.
pub(super) struct Substitutions {
    costs: Vec<f64>,
    tokens: usize,
}

impl Substitutions {
    pub(super) fn new(alphabet: &Alphabet) -> Self {
        let tokens = alphabet.len();
        let cost = |pair: usize| alphabet.distance(pair / tokens, pair % tokens).min(1.0);
        Self { costs: (0..tokens * tokens).map(cost).collect(), tokens }
    }

    fn of(&self, token: Token) -> &[f64] {
        &self.costs[token as usize * self.tokens..][..self.tokens]
    }
}

/// The place in `sequences` of the one with the least sum of square roots of distances to the others, the first of equals.
pub(super) fn medoid(sequences: &[&[Token]], substitutions: &Substitutions) -> usize {
    let compared = sequences.len().min(MOST_TRACES);
    let place = |index: usize| index * sequences.len() / compared;
    let chosen: Vec<&[Token]> = (0..compared).map(|index| sequences[place(index)]).collect();
    let mut sums = vec![0.0; compared];
    for (a, sequence) in chosen.iter().enumerate() {
        for (chunk, others) in chosen[a + 1..].chunks(LANES).enumerate() {
            let distances = edit_distances(sequence, others, substitutions);
            for (lane, distance) in distances.iter().take(others.len()).enumerate() {
                let b = a + 1 + chunk * LANES + lane;
                sums[a] += distance.sqrt();
                sums[b] += distance.sqrt();
            }
        }
    }
    let least = sums.iter().copied().fold(f64::INFINITY, f64::min) + EQUAL;
    place(sums.iter().position(|&sum| sum <= least).expect("a class has traces"))
}

/// Edit distances of one sequence to at most [`LANES`] others, which are computed side by side.
fn edit_distances(one: &[Token], others: &[&[Token]], substitutions: &Substitutions) -> [f64; LANES] {
    Arch::new().dispatch(Distances { one, others, substitutions })
}

/// See [`edit_distances`], by the widest vectors that the processor has.
struct Distances<'a> {
    one: &'a [Token],
    others: &'a [&'a [Token]],
    substitutions: &'a Substitutions,
}

impl WithSimd for Distances<'_> {
    type Output = [f64; LANES];

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> [f64; LANES] {
        let Self { one, others, substitutions } = self;
        let longest = others.iter().map(|other| other.len()).max().unwrap_or(0);
        // Beyond the end of a sequence any token does: nothing before the end depends on it.
        let mut others_at: Vec<[Token; LANES]> = vec![[0; LANES]; longest];
        for (lane, other) in others.iter().enumerate() {
            for (tokens, &token) in others_at.iter_mut().zip(*other) {
                tokens[lane] = token;
            }
        }

        let mut row: Vec<Lanes> = (0..=longest).map(|place| [GAP * place as f64; LANES]).collect();
        let gap = simd.splat_f64s(GAP);
        for (place, &token) in one.iter().enumerate() {
            let costs = substitutions.of(token);
            let mut diagonal = row[0];
            row[0] = [GAP * (place + 1) as f64; LANES];
            let mut left = row[0];
            for (cell, tokens) in row[1..].iter_mut().zip(&others_at) {
                let mut substituted = [0.0; LANES];
                for (cost, &token) in substituted.iter_mut().zip(tokens) {
                    *cost = costs[token as usize];
                }
                for part in 0..vectors_of_lanes::<S>() {
                    let of = [&diagonal, cell, &left];
                    let substituted = simd.add_f64s(vectors::<S>(of[0])[part], vectors::<S>(&substituted)[part]);
                    let nearer = simd.min_f64s(vectors::<S>(of[1])[part], vectors::<S>(of[2])[part]);
                    let least = simd.min_f64s(substituted, simd.add_f64s(gap, nearer));
                    vectors_mut::<S>(&mut left)[part] = least;
                }
                diagonal = *cell;
                *cell = left;
            }
        }
        let mut distances = [0.0; LANES];
        for (lane, other) in others.iter().enumerate() {
            distances[lane] = row[other.len()][lane];
        }
        distances
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alignment::tokens::AlignmentView;

    fn substitutions() -> Substitutions {
        Substitutions::new(&Alphabet::fit(AlignmentView::Answers, &[]))
    }

    #[test]
    fn distances_count_gaps_and_logarithms_of_sizes() {
        let others: [&[Token]; 4] = [&[], &[3, 4, 5], &[3, 5], &[4, 4, 5, 5]];
        let found = edit_distances(&[3, 4, 5], &others, &substitutions());
        let expected = [3.0 * GAP, 0.0, GAP, GAP + (5.0f64 / 4.0).ln()];
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found} for {expected}");
        }
    }

    #[test]
    fn the_medoid_is_in_the_middle_and_the_first_of_equals() {
        let sequences: [&[Token]; 4] = [&[9, 9, 9], &[1, 2, 3], &[1, 2], &[1, 2, 3]];
        assert_eq!(medoid(&sequences, &substitutions()), 1);
        assert_eq!(medoid(&[&[5u16][..]; 3], &substitutions()), 0);
    }

    #[test]
    fn of_many_traces_some_are_compared() {
        let sequences: Vec<Vec<Token>> = (0..1000).map(|i| vec![(i % 60) as Token; 3]).collect();
        let sequences: Vec<&[Token]> = sequences.iter().map(Vec::as_slice).collect();
        assert_eq!(medoid(&sequences, &substitutions()) % (1000 / MOST_TRACES), 0);
    }
}
