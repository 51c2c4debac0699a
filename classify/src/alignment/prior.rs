//! What is believed of a column before its class is seen: a mixture of Dirichlet distributions, learned from the columns of all classes.
//!
//! K. Sjölander, K. Karplus, M. Brown, R. Hughey, A. Krogh, I. S. Mian, D. Haussler, "Dirichlet mixtures: a method for improved detection
//! of weak but significant protein sequence homology", CABIOS 12, 1996. Deviations:
//!
//! - All components have one concentration S, which is a parameter; only their means, the *prototypes*, and weights are learned.
//! - Responsibilities are those of a multinomial that is tempered by (1 + S)/(N + S), not of the Dirichlet-multinomial: N tokens of one
//!   column tell as much as 1 + S independent ones at most. On real traces both score the same.
//! - Prototypes are learned by averages of counts, not by gradients of concentrations, and smoothed by a kernel of substitutions that is
//!   itself counted in columns, as in S. Henikoff, J. G. Henikoff, "Amino acid substitution matrices from protein blocks", PNAS 89, 1992.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use wfkit_metrics::seed::mix;

use super::tokens::{Alphabet, Token};

/// Weight of the frequencies of all tokens, B.
const BACKGROUND: f64 = 0.1;
/// Weight of the kernel in the first round, A.
const KERNEL: f64 = 2.0;
/// Width of the kernel of substitutions before any were counted, in ln of sizes.
const WIDTH: f64 = 0.25;
/// Weight of that kernel against the counted substitutions, a row.
const KERNEL_ROW: f64 = 5.0;
/// Rounds of learning the mixture for each of the counts.
const ROUNDS: usize = 6;
/// Added to prototypes under the logarithm.
const LEAST: f64 = 1e-6;
/// Responsibilities below this part of the largest are none.
const NEGLIGIBLE: f64 = 1e-9;
/// Columns that prototypes are drawn from, at most; of more, so many are taken evenly.
const MOST_CANDIDATES: usize = 20_000;
/// Tokens that a prior weighs, at most.
pub(super) const MOST_CONCENTRATION: f64 = 1e9;
/// Columns that one thread works on at a time.
const CHUNK: usize = 1024;

/// A match column: what was counted there, and what it is like.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Column {
    /// Expected counts n(v) of tokens, by token.
    pub(super) counts: Vec<(Token, f64)>,
    /// Responsibilities of prototypes, by prototype; they sum to 1.
    pub(super) shares: Vec<(u16, f64)>,
}

impl Column {
    /// N, the expected count of all tokens.
    fn total(&self) -> f64 {
        self.counts.iter().map(|&(_, n)| n).sum()
    }
}

/// The mixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Prior {
    /// Shape `(n_prototypes, n_tokens)`.
    prototypes: Vec<f64>,
    /// Weights of the prototypes, pi.
    weights: Vec<f64>,
    /// S.
    concentration: f64,
    /// Frequencies of tokens in all traces, bg.
    background: Vec<f64>,
}

impl Prior {
    /// Frequencies of tokens, each counted a tenth more.
    pub(super) fn frequencies<'a>(sequences: impl Iterator<Item = &'a [Token]>, n_tokens: usize) -> Vec<f64> {
        let mut counts = vec![0.1; n_tokens];
        for &token in sequences.flatten() {
            counts[token as usize] += 1.0;
        }
        let sum: f64 = counts.iter().sum();
        counts.iter().map(|count| count / sum).collect()
    }

    /// The prior of the first round: the kernel. Its rows are the prototypes, so that a column's shares are its own frequencies.
    pub(super) fn start(kernel: &Kernel, background: Vec<f64>) -> Self {
        let n = background.len();
        Self { prototypes: kernel.rows.clone(), weights: vec![1.0 / n as f64; n], concentration: KERNEL, background }
    }

    /// A column of one token, under the prior of the first round.
    pub(super) fn first_column(token: Token) -> Column {
        Column { counts: vec![(token, 1.0)], shares: vec![(token, 1.0)] }
    }

    /// Prototypes as the k-means++ rule of D. Arthur and S. Vassilvitskii (SODA 2007) draws them from columns that are smoothed by the
    /// kernel, by the distances of their square roots. Fewer than `prototypes` where fewer columns differ.
    ///
    /// Candidates are columns with N above 2, with N above 0.5 where there are fewer than `prototypes` of them. Draw k falls on the
    /// first candidate at which the sum of squared distances so far is above u(k) times the whole sum (on candidate number u(0) times their number, for the first).
    pub(super) fn draw<'a>(
        columns: impl Iterator<Item = &'a Column> + Clone,
        kernel: &Kernel,
        background: Vec<f64>,
        prototypes: usize,
        concentration: f64,
        seed: u64,
    ) -> Self {
        let above = |least: f64| columns.clone().filter(move |column| column.total() > least).collect::<Vec<_>>();
        let mut candidates = above(2.0);
        if candidates.len() < prototypes {
            candidates = above(0.5);
        }
        let taken = candidates.len().min(MOST_CANDIDATES);
        let smooth = |index: usize| kernel.smoothed(candidates[index * candidates.len() / taken]);
        let smoothed: Vec<Vec<f64>> = (0..taken).into_par_iter().map(smooth).collect();

        let roots: Vec<Vec<f64>> = smoothed.iter().map(|column| column.iter().map(|p| p.sqrt()).collect()).collect();

        let mut drawn: Vec<usize> = Vec::new();
        let mut distances = vec![f64::INFINITY; taken];
        while drawn.len() < prototypes.min(taken) {
            let u = unit(seed, drawn.len());
            let next = if drawn.is_empty() {
                ((u * taken as f64) as usize).min(taken - 1)
            } else {
                let sum: f64 = distances.iter().sum();
                if sum <= 1e-9 {
                    break;
                }
                let mut so_far = 0.0;
                let is_beyond = |distance: &f64| {
                    so_far += distance;
                    so_far > u * sum
                };
                distances.iter().position(is_beyond).unwrap_or(taken - 1)
            };
            drawn.push(next);
            distances.par_iter_mut().zip(&roots).for_each(|(distance, column)| {
                let squares = column.iter().zip(&roots[next]).map(|(a, b)| (a - b).powi(2));
                *distance = distance.min(squares.sum());
            });
        }
        if drawn.is_empty() {
            // No column was seen by anyone.
            return Self { prototypes: background.clone(), weights: vec![1.0], concentration, background };
        }
        Self {
            prototypes: drawn.iter().flat_map(|&index| smoothed[index].clone()).collect(),
            weights: vec![1.0 / drawn.len() as f64; drawn.len()],
            concentration,
            background,
        }
    }

    fn n_tokens(&self) -> usize {
        self.background.len()
    }

    pub(super) fn background(&self) -> &[f64] {
        &self.background
    }

    /// Learns prototypes and weights from the counts of columns, and gives their shares to these and to others.
    pub(super) fn learn(&mut self, columns: &mut [&mut Column], others: &mut [&mut Column], kernel: &Kernel) {
        for _ in 0..ROUNDS {
            let logarithms = self.logarithms();
            others.par_chunks_mut(CHUNK).for_each(|chunk| {
                self.share_out(chunk, &logarithms);
            });
            let sums: Vec<Sums> =
                columns.par_chunks_mut(CHUNK).map(|chunk| self.share_out(chunk, &logarithms)).collect();
            let mut sum = Sums::new(self.weights.len(), self.n_tokens());
            for part in sums {
                sum.add(&part);
            }
            self.update(&sum, kernel);
        }
    }

    /// ln(p_k(v) + 1e-6), shape `(n_tokens, n_prototypes)`.
    fn logarithms(&self) -> Vec<f64> {
        let (k, v) = (self.weights.len(), self.n_tokens());
        (0..v * k).map(|at| (self.prototypes[(at % k) * v + at / k] + LEAST).ln()).collect()
    }

    /// r_k ~ pi_k exp( (1 + S)/(N + S) * sum over v of n(v) ln p_k(v) ) for every column, and what they sum to.
    fn share_out(&self, columns: &mut [&mut Column], logarithms: &[f64]) -> Sums {
        let prototypes = self.weights.len();
        let ln_weights: Vec<f64> = self.weights.iter().map(|weight| weight.ln()).collect();
        let mut sums = Sums::new(prototypes, self.n_tokens());
        let mut fits = vec![0.0; prototypes];
        for column in columns {
            let total = column.total();
            fits.fill(0.0);
            for &(token, n) in &column.counts {
                let row = &logarithms[token as usize * prototypes..][..prototypes];
                fits.iter_mut().zip(row).for_each(|(fit, logarithm)| *fit += n * logarithm);
            }
            let temper = (1.0 + self.concentration) / (total + self.concentration);
            fits.iter_mut().zip(&ln_weights).for_each(|(fit, ln_weight)| *fit = *fit * temper + ln_weight);
            column.shares = shares(&fits);
            for &(prototype, share) in &column.shares {
                let prototype = prototype as usize;
                for &(token, n) in &column.counts {
                    sums.counts[prototype * self.n_tokens() + token as usize] += share * n;
                }
                if total > 0.5 {
                    sums.weights[prototype] += share;
                }
            }
        }
        sums
    }

    /// p_k = (a_k + p_k K + .05 bg) / (sum of a_k + 1.05), pi_k ~ shares of columns + .5.
    fn update(&mut self, sums: &Sums, kernel: &Kernel) {
        let n = self.n_tokens();
        let background = &self.background;
        self.prototypes.par_chunks_exact_mut(n).zip(sums.counts.par_chunks_exact(n)).for_each(|(prototype, counts)| {
            let smoothed = kernel.applied(prototype.iter().copied().enumerate());
            let total: f64 = counts.iter().sum::<f64>() + 1.05;
            for v in 0..n {
                prototype[v] = (counts[v] + smoothed[v] + 0.05 * background[v]) / total;
            }
        });
        let total: f64 = sums.weights.iter().map(|weight| weight + 0.5).sum();
        self.weights = sums.weights.iter().map(|weight| (weight + 0.5) / total).collect();
    }

    /// E(v) = (n(v) + S * sum over k of r_k p_k(v) + B bg(v)) / (N + S + B), shape `(n_tokens,)`.
    pub(super) fn emissions(&self, column: &Column, emissions: &mut [f64]) {
        let n = self.n_tokens();
        let scale = 1.0 / (column.total() + self.concentration + BACKGROUND);
        for (emission, frequency) in emissions.iter_mut().zip(&self.background) {
            *emission = BACKGROUND * scale * frequency;
        }
        for &(prototype, share) in &column.shares {
            let weight = self.concentration * share * scale;
            let prototype = &self.prototypes[prototype as usize * n..][..n];
            emissions.iter_mut().zip(prototype).for_each(|(emission, p)| *emission += weight * p);
        }
        for &(token, n) in &column.counts {
            emissions[token as usize] += n * scale;
        }
    }

    /// Whether these are distributions over so many tokens.
    pub(super) fn is_sound(&self, n_tokens: usize) -> bool {
        self.n_tokens() == n_tokens
            && !self.weights.is_empty()
            && self.weights.len() <= usize::from(u16::MAX)
            && self.prototypes.len() == self.weights.len() * n_tokens
            && self.prototypes.iter().chain(&self.weights).all(|p| (0.0..=1.0 + 1e-9).contains(p))
            && self.background.iter().all(|&p| p > 0.0 && p <= 1.0)
            && self.concentration > 0.0
            && self.concentration <= MOST_CONCENTRATION
    }

    /// Whether a column is one of such tokens and prototypes.
    pub(super) fn fits(&self, column: &Column) -> bool {
        column.counts.iter().all(|&(token, n)| usize::from(token) < self.n_tokens() && (0.0..=1e12).contains(&n))
            && column.shares.iter().all(|&(prototype, share)| {
                usize::from(prototype) < self.weights.len() && (0.0..=1.0 + 1e-9).contains(&share)
            })
            && column.counts.is_sorted_by(|a, b| a.0 < b.0)
            && column.shares.is_sorted_by(|a, b| a.0 < b.0)
    }
}

/// Number `index` of the uniform numbers in [0, 1) of a seed.
fn unit(seed: u64, index: usize) -> f64 {
    (mix(seed, index as u64) >> 11) as f64 / (1u64 << 53) as f64
}

/// Shares in proportion to exponentials.
fn shares(logarithms: &[f64]) -> Vec<(u16, f64)> {
    let largest = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = largest + NEGLIGIBLE.ln();
    let above = logarithms.iter().enumerate().filter(|&(_, &logarithm)| logarithm >= least);
    let mut shares: Vec<(u16, f64)> =
        above.map(|(prototype, logarithm)| (prototype as u16, (logarithm - largest).exp())).collect();
    let sum: f64 = shares.iter().map(|&(_, share)| share).sum();
    shares.iter_mut().for_each(|(_, share)| *share /= sum);
    shares
}

/// What columns gave to prototypes.
struct Sums {
    /// a, shape `(n_prototypes, n_tokens)`.
    counts: Vec<f64>,
    weights: Vec<f64>,
}

impl Sums {
    fn new(prototypes: usize, n_tokens: usize) -> Self {
        Self { counts: vec![0.0; prototypes * n_tokens], weights: vec![0.0; prototypes] }
    }

    fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, more)| *sum += more);
        self.weights.iter_mut().zip(&other.weights).for_each(|(sum, more)| *sum += more);
    }
}

/// How often one token stands where another is expected: rows sum to 1, shape `(n_tokens, n_tokens)`.
pub(super) struct Kernel {
    rows: Vec<f64>,
    n_tokens: usize,
}

impl Kernel {
    /// K0(u, v) ~ exp(-|ln s(u) - ln s(v)| / 0.25).
    pub(super) fn by_size(alphabet: &Alphabet) -> Self {
        let n_tokens = alphabet.len();
        let mut rows: Vec<f64> = (0..n_tokens * n_tokens)
            .map(|pair| (-alphabet.distance(pair / n_tokens, pair % n_tokens) / WIDTH).exp())
            .collect();
        for row in rows.chunks_exact_mut(n_tokens) {
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|k| *k /= sum);
        }
        Self { rows, n_tokens }
    }

    /// Tokens that stand in one column substitute each other: co(u, v) = sum over columns with N above 1.5 of
    /// (n(u) n(v) - [u = v] n(u)) / (N - 1), at least 0, beside 5 of this kernel a row.
    pub(super) fn counted<'a>(&self, columns: impl Iterator<Item = &'a Column>) -> Self {
        let n = self.n_tokens;
        let mut together = vec![0.0; n * n];
        for column in columns {
            let total = column.total();
            if total <= 1.5 {
                continue;
            }
            for &(u, n_u) in &column.counts {
                for &(v, n_v) in &column.counts {
                    let own = if u == v { n_u } else { 0.0 };
                    together[u as usize * n + v as usize] += (n_u * n_v - own) / (total - 1.0);
                }
            }
        }
        for (together, before) in together.chunks_exact_mut(n).zip(self.rows.chunks_exact(n)) {
            together.iter_mut().for_each(|co| *co = co.max(0.0));
            let total = together.iter().sum::<f64>() + KERNEL_ROW;
            together.iter_mut().zip(before).for_each(|(co, k)| *co = (*co + KERNEL_ROW * k) / total);
        }
        Self { rows: together, n_tokens: n }
    }

    /// A distribution, given as tokens and probabilities, after substitutions.
    fn applied(&self, distribution: impl Iterator<Item = (usize, f64)>) -> Vec<f64> {
        let mut applied = vec![0.0; self.n_tokens];
        for (u, p) in distribution {
            let row = &self.rows[u * self.n_tokens..][..self.n_tokens];
            applied.iter_mut().zip(row).for_each(|(applied, k)| *applied += p * k);
        }
        applied
    }

    fn smoothed(&self, column: &Column) -> Vec<f64> {
        let total = column.total();
        self.applied(column.counts.iter().map(|&(token, n)| (token as usize, n / total)))
    }
}
