//! A trace as a sequence of tokens: the sizes of its runs, in cells, in bins.

use serde::{Deserialize, Serialize};
use wfkit_datasets::Trace;
use wfkit_datasets::tor::{CELL_BYTES, RECORD_ADDS};

/// A bin of sizes, and in [`AlignmentView::Bursts`] a direction.
pub(super) type Token = u16;

/// Tokens of a trace beyond these are not looked at ..
pub(super) const MOST_TOKENS: usize = 500;

/// .. nor beyond the largest of these with which the mean square of the numbers of tokens is at most 200^2: a trace costs the product of its
/// tokens and of those of each class, and long traces without an order, as regulated ones, would cost more than they tell.
const LIMITS: [usize; 6] = [MOST_TOKENS, 350, 250, 200, 150, 100];
const MOST_SQUARE: usize = 200 * 200;

/// Cells from which on all runs are of one size.
const MOST_CELLS: u32 = 4000;

/// Which runs of a trace are aligned. A run is all packets of one direction between two of the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlignmentView {
    /// Incoming runs: what was answered. All runs of a trace without incoming packets.
    #[default]
    Answers,
    /// Runs of both directions, in finer bins.
    Bursts,
}

/// What a run's bytes are in cells: the nearest whole number to (bytes - record) / cell, at least 1 (halves are rounded up).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Unit {
    cell: u32,
    record: u32,
}

impl Unit {
    /// By the largest packet: where none is larger than a cell, packets are cells themselves, of that size; else what was captured are
    /// records that hold cells.
    fn of<'a>(traces: impl IntoIterator<Item = &'a Trace>) -> Self {
        let largest = traces.into_iter().flat_map(Trace::size).map(|size| size.unsigned_abs()).max();
        match largest {
            Some(largest) if largest <= CELL_BYTES => Self { cell: largest, record: 0 },
            _ => Self { cell: CELL_BYTES, record: RECORD_ADDS },
        }
    }

    fn cells(self, bytes: u64) -> u64 {
        let (cell, record) = (u64::from(self.cell), u64::from(self.record));
        ((2 * bytes.saturating_sub(record) + cell) / (2 * cell)).max(1)
    }
}

/// All tokens, and how a trace is written in them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Alphabet {
    view: AlignmentView,
    unit: Unit,
    /// Tokens that are looked at.
    most: u32,
    #[serde(skip)]
    bins: Bins,
}

/// The least number of cells of every bin; the last has no end.
#[derive(Debug, Clone, PartialEq, Default)]
struct Bins(Vec<u32>);

impl Bins {
    /// One size a bin up to `exact`, then each bin begins at `percent` % of where the one before began, rounded up.
    fn new(exact: u32, percent: u32) -> Self {
        let mut edges: Vec<u32> = (1..=exact).collect();
        let mut edge = exact + 1;
        while edge <= MOST_CELLS {
            edges.push(edge);
            edge = (edge * percent).div_ceil(100);
        }
        Self(edges)
    }

    fn of(view: AlignmentView) -> Self {
        match view {
            AlignmentView::Answers => Self::new(24, 110),
            AlignmentView::Bursts => Self::new(40, 105),
        }
    }

    fn bin(&self, cells: u64) -> usize {
        self.0.partition_point(|&edge| u64::from(edge) <= cells) - 1
    }

    /// The middle of the sizes of a bin; of the last one, where it begins.
    fn size(&self, bin: usize) -> f64 {
        let next = self.0.get(bin + 1).map_or(self.0[bin] + 1, |&next| next);
        f64::from(self.0[bin] + next - 1) / 2.0
    }
}

impl Alphabet {
    /// The tokens of `view`, of cells as large as in these traces, as many as these can be looked at.
    pub(super) fn fit<'a>(view: AlignmentView, traces: impl IntoIterator<Item = &'a Trace> + Clone) -> Self {
        let all = Self { view, unit: Unit::of(traces.clone()), most: MOST_TOKENS as u32, bins: Bins::of(view) };
        let lengths: Vec<usize> = traces.into_iter().map(|trace| all.runs(trace).count()).collect();
        let square = |limit: usize| lengths.iter().map(|&n| n.min(limit).pow(2)).sum::<usize>();
        let is_cheap = |&limit: &usize| square(limit) <= MOST_SQUARE * lengths.len();
        let most = LIMITS.into_iter().find(is_cheap).unwrap_or(LIMITS[LIMITS.len() - 1]);
        Self { most: most as u32, ..all }
    }

    /// How many tokens of a trace are looked at.
    pub(super) fn most(&self) -> usize {
        self.most as usize
    }

    /// What is not stored, after loading; `None` where what is stored cannot be.
    pub(super) fn restored(self) -> Option<Self> {
        let is_sound = self.unit.cell > 0 && (1..=MOST_TOKENS).contains(&self.most());
        is_sound.then(|| Self { bins: Bins::of(self.view), ..self })
    }

    pub(super) fn view(&self) -> AlignmentView {
        self.view
    }

    /// Number of tokens: incoming ones, then in [`AlignmentView::Bursts`] as many outgoing ones.
    pub(super) fn len(&self) -> usize {
        match self.view {
            AlignmentView::Answers => self.bins.0.len(),
            AlignmentView::Bursts => 2 * self.bins.0.len(),
        }
    }

    /// The tokens of a trace: at least one, at most [`most`](Self::most).
    pub(super) fn tokens(&self, trace: &Trace) -> Vec<Token> {
        let token = |run: &[i32]| {
            let bytes = run.iter().map(|size| u64::from(size.unsigned_abs())).sum();
            let bin = self.bins.bin(self.unit.cells(bytes));
            let direction = if self.view == AlignmentView::Bursts && run[0] > 0 { self.bins.0.len() } else { 0 };
            (direction + bin) as Token
        };
        self.runs(trace).take(self.most()).map(token).collect()
    }

    /// All runs that the view is of.
    pub(super) fn runs<'a>(&self, trace: &'a Trace) -> impl Iterator<Item = &'a [i32]> {
        let all = self.view == AlignmentView::Bursts || trace.in_packets() == 0;
        trace.size().chunk_by(|a, b| a.signum() == b.signum()).filter(move |run| all || run[0] < 0)
    }

    /// The size of a token, in cells.
    pub(super) fn size(&self, token: usize) -> f64 {
        self.bins.size(token % self.bins.0.len())
    }

    /// Whether a token is outgoing, as far as the view tells.
    pub(super) fn is_outgoing(&self, token: usize) -> bool {
        token >= self.bins.0.len()
    }

    /// |ln s(u) - ln s(v)|, infinite between directions.
    pub(super) fn distance(&self, u: usize, v: usize) -> f64 {
        if self.is_outgoing(u) == self.is_outgoing(v) {
            (self.size(u).ln() - self.size(v).ln()).abs()
        } else {
            f64::INFINITY
        }
    }

    /// Whether runs may have been one run, or one may have been two: not where directions take turns.
    pub(super) fn joins(&self) -> bool {
        self.view == AlignmentView::Answers
    }

    /// The token of two runs as one, in [`AlignmentView::Answers`].
    pub(super) fn joined(&self, u: usize, v: usize) -> usize {
        debug_assert!(self.joins(), "runs of one direction");
        // Sizes are multiples of one half: their sum, halves rounded up.
        self.bins.bin((self.size(u) + self.size(v) + 0.5).floor() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(sizes: &[i32]) -> Trace {
        Trace::new(vec![0; sizes.len()], sizes.to_vec()).unwrap()
    }

    #[test]
    fn bins_are_exact_and_then_a_tenth_wide() {
        let bins = Bins::of(AlignmentView::Answers);
        assert_eq!(bins.0[22..29], [23, 24, 25, 28, 31, 35, 39]);
        assert_eq!((bins.bin(1), bins.bin(24), bins.bin(27), bins.bin(28)), (0, 23, 24, 25));
        assert_eq!(bins.bin(u64::MAX), bins.0.len() - 1);
        assert_eq!((bins.size(0), bins.size(24), bins.size(25)), (1.0, 26.0, 29.0));
    }

    #[test]
    fn answers_are_runs_of_incoming_packets_in_cells() {
        let traces = [trace(&[536, -1448, -658, 536, -536, 543])];
        let alphabet = Alphabet::fit(AlignmentView::Answers, &traces);
        // 2106 bytes are 4 cells and 28 bytes.
        assert_eq!(alphabet.tokens(&traces[0]), [3, 0]);
        let bursts = Alphabet::fit(AlignmentView::Bursts, &traces);
        let outgoing = (bursts.len() / 2) as Token;
        assert_eq!(bursts.tokens(&traces[0]), [outgoing, 3, outgoing, 0, outgoing]);
    }

    #[test]
    fn packets_that_are_cells_are_counted() {
        for cell in [1, 512, 514] {
            let traces = [trace(&[cell, -cell, -cell, -cell, cell, -cell])];
            assert_eq!(Alphabet::fit(AlignmentView::Answers, &traces).tokens(&traces[0]), [2, 0]);
        }
    }

    #[test]
    fn traces_of_one_direction_and_of_one_packet_have_tokens() {
        let alphabet = Alphabet::fit(AlignmentView::Answers, &[]);
        assert_eq!(alphabet.tokens(&trace(&[1050, 1050])), [3]);
        assert_eq!(alphabet.tokens(&trace(&[-1])), [0]);
        assert_eq!(alphabet.tokens(&trace(&[i32::MIN])).len(), 1);
    }

    #[test]
    fn tokens_beyond_the_limit_are_left_out() {
        let long = |runs: usize| trace(&[536, -536].repeat(runs));
        for (runs, most) in [(180, 180), (230, 200), (900, 200)] {
            let traces = [long(runs)];
            assert_eq!(Alphabet::fit(AlignmentView::Answers, &traces).tokens(&traces[0]).len(), most);
        }
        // A few long ones among short ones are looked at to the end, at most 500.
        let mut traces = vec![long(20); 19];
        traces.push(long(700));
        assert_eq!(Alphabet::fit(AlignmentView::Answers, &traces).tokens(&traces[19]).len(), MOST_TOKENS);
        assert_eq!(Alphabet::fit(AlignmentView::Answers, &[]).most(), MOST_TOKENS);
    }

    #[test]
    fn joined_runs_are_as_large_as_both() {
        let alphabet = Alphabet::fit(AlignmentView::Answers, &[]);
        assert_eq!(alphabet.joined(0, 1), 2);
        // 25 to 27 cells twice are 52, which are 48 to 52.
        assert_eq!(alphabet.size(alphabet.joined(24, 24)), 50.0);
    }
}
