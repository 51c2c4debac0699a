//! Learning: rounds of expectation and maximisation over the traces of all classes.

use rayon::prelude::*;
use wfkit_metrics::Work;

use super::background::Background;
use super::chain::{Chain, MoveCounts};
use super::forward::{Forward, Shared};
use super::labelled::Labelled;
use super::medoid::{Substitutions, medoid};
use super::posterior::{Counts, Posterior};
use super::prior::{Column, Kernel, Prior};
use super::profile::{Emissions, Joins, Profile};
use super::tokens::{Alphabet, Token};
use super::{Alignment, AlignmentParams};

/// Expected counts below this are none.
const NEGLIGIBLE: f64 = 1e-6;
/// Weight of the frequencies of all tokens in those of insertions.
const INSERTED_PRIOR: f64 = 2.0;
/// Traces of one class that one thread works on at a time.
const CHUNK: usize = 256;

/// Learns from sequences with their classes, of which there must be one at least.
///
/// Every class in every round is a step of `work`.
pub(super) fn fit(
    params: &AlignmentParams,
    alphabet: &Alphabet,
    labelled: Labelled<'_>,
    seed: u64,
    work: &Work<'_>,
) -> Alignment {
    let Labelled { sequences, labels, n_classes } = labelled;
    let mut by_class: Vec<Vec<&[Token]>> = vec![Vec::new(); n_classes];
    for (&sequence, &label) in sequences.iter().zip(labels) {
        by_class[label].push(sequence);
    }
    let joins = Joins::new(alphabet);
    let frequencies = Prior::frequencies(sequences.iter().copied(), alphabet.len());
    let by_size = Kernel::by_size(alphabet);
    let substitutions = Substitutions::new(alphabet);
    let first = |traces: &Vec<&[Token]>| match traces.as_slice() {
        [] => Profile::default(),
        traces => {
            let backbone = traces[medoid(traces, &substitutions)];
            Profile { columns: backbone.iter().map(|&token| Prior::first_column(token)).collect() }
        }
    };
    let background = |class: usize| Background::new(class, &by_class[class], &frequencies);
    let mut model = Alignment {
        alphabet: alphabet.clone(),
        chain: Chain::start(joins.any()),
        inserted: frequencies.clone(),
        prior: Prior::start(&by_size, frequencies.clone()),
        profiles: by_class.par_iter().map(first).collect(),
        trained_on: by_class.iter().map(|traces| traces.len() as u32).collect(),
        background: params.background.filter(|&class| !by_class[class].is_empty()).map(background),
        sharpness: 1.0,
        joins,
    };
    // What a class varies by can be seen in two traces; one alone agrees with itself in everything.
    let teaches: Vec<bool> = by_class.iter().map(|traces| traces.len() > 1).collect();
    let rounds = if teaches.contains(&true) { params.rounds } else { 0 };
    let mut mixture = None;
    for _ in 0..rounds {
        let expect = |class: usize| {
            let counts = model.expect(class, &by_class[class]);
            work.step();
            counts
        };
        let counts: Vec<ClassCounts> = (0..n_classes).into_par_iter().map(expect).collect();

        let mut inserted: Vec<f64> = frequencies.iter().map(|p| INSERTED_PRIOR * p).collect();
        let mut moves = MoveCounts::default();
        for (of_class, _) in counts.iter().zip(&teaches).filter(|&(_, &teaches)| teaches) {
            inserted.iter_mut().zip(&of_class.inserted).for_each(|(sum, more)| *sum += more);
            moves.add(&of_class.moves);
        }
        let total: f64 = inserted.iter().sum();
        model.inserted = inserted.iter().map(|count| count / total).collect();
        model.chain = Chain::learn(&moves, model.joins.any());
        if let Some(background) = &mut model.background {
            background.weigh(&counts[background.class as usize].responsibilities);
        }
        for (profile, of_class) in model.profiles.iter_mut().zip(counts) {
            profile.columns = of_class.columns;
        }

        let teachers = || model.profiles.iter().zip(&teaches).filter(|&(_, &teaches)| teaches);
        let columns = || teachers().flat_map(|(profile, _)| &profile.columns);
        let kernel = by_size.counted(columns());
        let mut prior = mixture.take().unwrap_or_else(|| {
            Prior::draw(columns(), &kernel, frequencies.clone(), params.prototypes, params.concentration, seed)
        });
        let (mut teaching, mut others): (Vec<&mut Column>, Vec<&mut Column>) = (Vec::new(), Vec::new());
        for (profile, &teaches) in model.profiles.iter_mut().zip(&teaches) {
            if teaches { &mut teaching } else { &mut others }.extend(&mut profile.columns);
        }
        prior.learn(&mut teaching, &mut others, &kernel);
        model.prior = prior.clone();
        mixture = Some(prior);
    }
    model
}

/// What the traces of a class gave.
struct ClassCounts {
    columns: Vec<Column>,
    inserted: Vec<f64>,
    moves: MoveCounts,
    /// Of the profile for each trace, in the background class alone.
    responsibilities: Vec<f64>,
}

impl Alignment {
    /// The E step of a class.
    fn expect(&self, class: usize, sequences: &[&[Token]]) -> ClassCounts {
        let profile = &self.profiles[class];
        let emissions = self.emissions(class);
        let shared = self.shared();
        let background = self.background.as_ref().filter(|background| background.class as usize == class);
        let expect = |chunk: &[&[Token]]| {
            let mut counts = Counts::new(self.alphabet.len(), profile.columns.len());
            let mut posterior = Posterior::default();
            let mut forward = Forward::default();
            let mut responsibilities = Vec::new();
            for x in chunk {
                let weight = background.map_or(1.0, |background| {
                    let of_profile = forward.log_likelihood(x, &emissions, &shared);
                    let responsibility = background.responsibility(x, of_profile);
                    responsibilities.push(responsibility);
                    responsibility
                });
                posterior.add(x, &emissions, &shared, weight, &mut counts);
            }
            (counts, responsibilities)
        };
        let parts: Vec<(Counts, Vec<f64>)> = sequences.par_chunks(CHUNK).map(expect).collect();
        let mut counts = Counts::new(self.alphabet.len(), profile.columns.len());
        let mut responsibilities = Vec::new();
        for (part, of_part) in parts {
            counts.add(&part);
            responsibilities.extend(of_part);
        }
        let column = |j: usize| {
            let counts = (0..).zip(counts.column(j)).filter(|&(_, n)| n >= NEGLIGIBLE).collect();
            Column { counts, shares: Vec::new() }
        };
        ClassCounts {
            columns: (1..=profile.columns.len()).map(column).collect(),
            inserted: counts.inserted.clone(),
            moves: counts.moves,
            responsibilities,
        }
    }

    pub(super) fn emissions(&self, class: usize) -> Emissions {
        Emissions::new(&self.profiles[class], &self.prior, &self.chain, &self.joins)
    }

    pub(super) fn shared(&self) -> Shared<'_> {
        Shared { chain: &self.chain, inserted: &self.inserted, joins: &self.joins }
    }
}
