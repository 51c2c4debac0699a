//! The trace of a class that is nearest to all others, by edit distance.

use super::tokens::{Alphabet, Token};

/// Cost of a token that one sequence has and the other has not.
const GAP: f64 = 0.7;

/// Traces of a class that are compared with each other; of more, so many are taken evenly.
const MOST_TRACES: usize = 50;

/// Sums that differ by less are equal: who adds in another order gets other last digits.
const EQUAL: f64 = 1e-9;

/// Sequences that are compared with one at a time: as many chains of minima as a processor can keep going.
const LANES: usize = 8;

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
    let longest = others.iter().map(|other| other.len()).max().unwrap_or(0);
    // Beyond the end of a sequence any token does: nothing before the end depends on it.
    let token = |place: usize, lane: usize| others.get(lane).and_then(|other| other.get(place)).copied().unwrap_or(0);
    let others_at: Vec<[Token; LANES]> =
        (0..longest).map(|place| std::array::from_fn(|lane| token(place, lane))).collect();

    let mut row: Vec<[f64; LANES]> = (0..=longest).map(|place| [GAP * place as f64; LANES]).collect();
    for (place, &token) in one.iter().enumerate() {
        let costs = substitutions.of(token);
        let mut diagonal = row[0];
        let mut left = [GAP * (place + 1) as f64; LANES];
        row[0] = left;
        for (cell, tokens) in row[1..].iter_mut().zip(&others_at) {
            let above = *cell;
            for lane in 0..LANES {
                let substituted = diagonal[lane] + costs[tokens[lane] as usize];
                let gap = GAP + if above[lane] < left[lane] { above[lane] } else { left[lane] };
                left[lane] = if substituted < gap { substituted } else { gap };
            }
            *cell = left;
            diagonal = above;
        }
    }
    std::array::from_fn(|lane| others.get(lane).map_or(0.0, |other| row[other.len()][lane]))
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
