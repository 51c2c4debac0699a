//! The most probable alignment of a trace with a class, for people to look at.

use std::ops::Range;

use serde::Serialize;

use super::Alignment;
use super::chain::{D, I, M};
use super::profile::MARGIN;
use super::tokens::Token;

/// What happened to a column or to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepKind {
    /// A run is what a column expects.
    Match,
    /// Two runs are together what a column expects.
    Split,
    /// A run is what two columns expect together.
    Merge,
    /// A run belongs to no column.
    Insertion,
    /// A column has no run.
    Loss,
}

/// One step of an alignment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What happened.
    pub kind: StepKind,
    /// Columns of the class, from 0; empty, before the column that comes next, for an insertion.
    pub columns: Range<usize>,
    /// Runs of the trace, from 0; empty, before the run that comes next, for a loss.
    pub runs: Range<usize>,
    /// The size of each of these runs, in cells: the middle of its bin.
    pub cells: Vec<f64>,
    /// The most probable size of each of these columns, in cells.
    pub expected: Vec<f64>,
    /// Whether each of these runs is outgoing; in [`AlignmentView::Answers`](super::AlignmentView::Answers), which does not tell, none is.
    pub outgoing: Vec<bool>,
    /// Whether the most probable run of each of these columns is outgoing; as `outgoing`.
    pub expected_outgoing: Vec<bool>,
    /// ln of the probability of the step, from the state before it.
    pub nats: f64,
    /// `nats` less ln of the frequencies that its runs have in all traces: what speaks for the class, above 0, or against it. A loss has
    /// no run, so only speaks against it.
    pub evidence: f64,
}

/// The most probable alignment of a trace with a class: the path of Viterbi.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Path {
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// ln of the probability of the end after the last step.
    pub end: f64,
}

impl Path {
    /// ln of the probability of the path, the sum of all its steps and the end; at most the log likelihood, which is that of all paths.
    pub fn log_probability(&self) -> f64 {
        self.steps.iter().map(|step| step.nats).sum::<f64>() + self.end
    }
}

/// How a cell of the recursion was reached best: ln of its probability, and the cell before.
#[derive(Debug, Clone, Copy)]
struct Best {
    value: f64,
    kind: StepKind,
    /// The state before.
    from: usize,
}

const NOWHERE: Best = Best { value: f64::NEG_INFINITY, kind: StepKind::Loss, from: M };

impl Best {
    fn or(self, other: Self) -> Self {
        if other.value > self.value { other } else { self }
    }
}

impl StepKind {
    /// How many tokens and columns a step takes.
    fn takes(self) -> (usize, usize) {
        match self {
            Self::Match => (1, 1),
            Self::Split => (2, 1),
            Self::Merge => (1, 2),
            Self::Insertion => (1, 0),
            Self::Loss => (0, 1),
        }
    }
}

/// See [`Alignment::explain`].
pub(super) fn explain(model: &Alignment, class: usize, x: &[Token]) -> Path {
    let emissions = model.emissions(class);
    let (n, columns) = (x.len(), emissions.columns());
    let ln_t = model.chain.transitions.map(|row| row.map(f64::ln));
    // Shape (n + 1, columns + 1, 3): the best way into each state.
    let at = |i: usize, j: usize| i * (columns + 1) + j;
    let mut best = vec![[NOWHERE; 3]; at(n, columns) + 1];
    best[0][M].value = 0.0;
    // The best way out of a cell by a move of some kind.
    let leave = |cell: &[Best; 3], to: usize, kind: StepKind, ln_p: f64| {
        [M, I, D]
            .map(|from| Best { value: cell[from].value + ln_t[from][to] + ln_p, kind, from })
            .into_iter()
            .fold(NOWHERE, Best::or)
    };
    for i in 0..=n {
        for j in 0..=columns {
            let mut cell = best[at(i, j)];
            if i > 0 {
                let inserted = model.inserted[x[i - 1] as usize].ln();
                cell[I] = leave(&best[at(i - 1, j)], I, StepKind::Insertion, inserted);
            }
            if i > 0 && j > 0 {
                let plain = emissions.plain(x[i - 1])[MARGIN + j].ln();
                cell[M] = leave(&best[at(i - 1, j - 1)], M, StepKind::Match, plain);
                if model.joins.any() && i > 1 {
                    let (joined, ways) = model.joins.split(x[i - 2], x[i - 1]);
                    let split = (emissions.plain(joined)[MARGIN + j] * emissions.split_to_plain * ways).ln();
                    cell[M] = cell[M].or(leave(&best[at(i - 2, j - 1)], M, StepKind::Split, split));
                }
                if model.joins.any() && j > 1 {
                    let merged = emissions.merged(x[i - 1])[MARGIN + j].ln();
                    cell[M] = cell[M].or(leave(&best[at(i - 1, j - 2)], M, StepKind::Merge, merged));
                }
            }
            if j > 0 {
                cell[D] = leave(&best[at(i, j - 1)], D, StepKind::Loss, 0.0);
            }
            best[at(i, j)] = cell;
        }
    }

    let last = leave(&best[at(n, columns)], M, StepKind::Match, 0.0);
    let (mut i, mut j, mut state) = (n, columns, last.from);
    let end = last.value - best[at(n, columns)][state].value;
    let mut steps = Vec::new();
    while (i, j) != (0, 0) {
        let Best { value, kind, from } = best[at(i, j)][state];
        let (runs, taken) = kind.takes();
        let (runs, columns) = (i - runs..i, j - taken..j);
        (i, j, state) = (runs.start, columns.start, from);
        let nats = value - best[at(i, j)][state].value;
        steps.push(step(model, class, x, kind, runs, columns, nats));
    }
    steps.reverse();
    Path { steps, end }
}

fn step(
    model: &Alignment,
    class: usize,
    x: &[Token],
    kind: StepKind,
    runs: Range<usize>,
    columns: Range<usize>,
    nats: f64,
) -> Step {
    let frequency = |&token: &Token| model.prior.background()[token as usize].ln();
    let evidence = nats - x[runs.clone()].iter().map(frequency).sum::<f64>();
    let cells = x[runs.clone()].iter().map(|&token| model.alphabet.size(token as usize)).collect();
    let expects = |column: usize| {
        let mut emissions = vec![0.0; model.alphabet.len()];
        model.prior.emissions(&model.profiles[class].columns[column], &mut emissions);
        let most = (0..emissions.len()).max_by(|&a, &b| emissions[a].total_cmp(&emissions[b]));
        most.expect("there are tokens")
    };
    let expects: Vec<usize> = columns.clone().map(expects).collect();
    let expected = expects.iter().map(|&token| model.alphabet.size(token)).collect();
    let expected_outgoing = expects.iter().map(|&token| model.alphabet.is_outgoing(token)).collect();
    let outgoing = x[runs.clone()].iter().map(|&token| model.alphabet.is_outgoing(token as usize)).collect();
    Step { kind, columns, runs, cells, expected, outgoing, expected_outgoing, nats, evidence }
}
