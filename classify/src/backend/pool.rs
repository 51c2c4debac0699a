//! Forests and further members, joined.

use std::collections::HashSet;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use super::aligned::{Aligner, Effort, best_view, describe, judged};
use super::blend::Blend;
use super::{Kind, LearnError, Model, Shown, Training};
use crate::alignment::{Alignment, OutOfFold};
use crate::deep::Architecture;
#[cfg(feature = "deep")]
use crate::deep::{Deep, DeepModel};
use crate::forest::{OutOfBag, Values};
use crate::log_linear::{self, Fitted};

/// Floors below the forests' probabilities that are tried: a class that no tree voted for is not impossible.
const FLOORS: [f64; 3] = [1e-2, 1e-3, 1e-4];

/// What may join the forests.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Candidate {
    /// The order of answers, in the view that adds more.
    Alignment,
    /// A neural net.
    #[cfg(feature = "deep")]
    Net(Deep),
}

/// Probabilities in proportion to exp(sum of w z) over members, with z what each says and w its weight. Of forests, z is
/// ln((f + floor) / (1 + C floor)), with f their probabilities of C classes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// Forests first, and one other at least.
    members: Vec<Member>,
    joint: Joint,
    #[serde(skip)]
    judged: Option<OutOfBag>,
}

/// Who says something of every class.
#[derive(Debug, Serialize, Deserialize)]
enum Member {
    Forests(Blend),
    Alignment(Box<Alignment>),
    #[cfg(feature = "deep")]
    Net(Box<DeepModel>),
}

/// How members are joined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Joint {
    /// One a member.
    weights: Vec<f64>,
    floor: f64,
}

/// A member as it was judged. It is learned for good only if it stays.
struct Judged<'a> {
    /// Scores of training rows by what learned from no row of their group.
    said: OutOfFold,
    learn: Box<dyn FnOnce() -> Result<Member, LearnError> + 'a>,
}

impl Pool {
    /// Forests, which say `by_forests` of rows that they did not see, with those candidates that add something, tried in their order; forests
    /// alone where none does.
    ///
    /// Weights have the least log loss over rows that no member has learned from, and a candidate stays only if it makes the likelihood of these rows
    /// greater by more than ln(n) / 2, with n rows: G. Schwarz, "Estimating the dimension of a model", Annals of Statistics 6, 1978. One row of each
    /// group is judged at most, so they are independent.
    pub(crate) fn fit(
        forests: Blend,
        by_forests: OutOfFold,
        candidates: &[Candidate],
        training: &Training<'_>,
    ) -> Result<Box<dyn Model>, LearnError> {
        let (mut said, mut learners, mut last) = (vec![by_forests], Vec::new(), None);
        for candidate in candidates {
            let before: Vec<&OutOfFold> = said.iter().collect();
            let Some(Judged { said: by_candidate, learn }) = candidate.judge(training, &before)? else { continue };
            let jury = Jury::of(&[&before[..], &[&by_candidate]].concat(), training);
            let (joined, n) = (jury.joined(), jury.labels.len() as f64);
            if adds(n * joined.gain, n.ln() / 2.0) {
                said.push(by_candidate);
                learners.push(learn);
                last = Some((jury, joined.joint));
            }
        }
        let Some((jury, joint)) = last else { return Ok(Box::new(forests)) };
        let judged = judged(training, &jury.rows, joint.probabilities(&jury.said));
        let learned = learners.into_iter().map(|learn| learn()).collect::<Result<Vec<Member>, LearnError>>()?;
        let members = std::iter::once(Member::Forests(forests)).chain(learned).collect();
        Ok(Box::new(Self { members, joint, judged: Some(judged) }))
    }

    pub(crate) fn n_features(&self) -> usize {
        self.forests().map_or(0, Blend::n_features)
    }

    fn forests(&self) -> Option<&Blend> {
        self.members.iter().find_map(|member| if let Member::Forests(forests) = member { Some(forests) } else { None })
    }

    /// Whether it is one for so many classes: what a stored one must be.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        let Joint { weights, floor } = &self.joint;
        let is_first = |(at, member): (usize, &Member)| (at == 0) == matches!(member, Member::Forests(_));
        self.members.len() > 1
            && self.members.len() == weights.len()
            && self.members.iter().enumerate().all(is_first)
            && self.members.iter().all(|member| member.is_sound(classes))
            && weights.iter().all(|weight| (0.0..=log_linear::MOST).contains(weight))
            && (0.0..=1.0).contains(floor)
            && *floor > 0.0
    }
}

impl Candidate {
    /// A net of that architecture.
    pub(crate) fn net(architecture: Architecture, epochs: Option<usize>) -> Result<Self, LearnError> {
        #[cfg(feature = "deep")]
        return Ok(Self::Net(Deep::new(architecture, epochs)));
        #[cfg(not(feature = "deep"))]
        crate::deep::learner(architecture, epochs).map(|_| unreachable!("this build has no nets"))
    }

    /// Judged beside what the members before it said; none where a smaller trial shows already that it adds nothing.
    fn judge<'a>(&self, training: &Training<'a>, before: &[&OutOfFold]) -> Result<Option<Judged<'a>>, LearnError> {
        match self {
            Self::Alignment => judge_alignment(training, before),
            #[cfg(feature = "deep")]
            Self::Net(net) => {
                // What it held back judges it, so it learns once.
                let (model, said) = net.learn(training);
                Ok(Some(Judged { said, learn: Box::new(move || Ok(Member::Net(Box::new(model)))) }))
            }
        }
    }
}

fn judge_alignment<'a>(training: &Training<'a>, before: &[&OutOfFold]) -> Result<Option<Judged<'a>>, LearnError> {
    let (view, gain) = best_view(training, |scores| {
        let joined = Jury::of(&[before, &[scores]].concat(), training).joined();
        (joined.loss, joined.gain)
    })?;
    if !adds(gain, 0.0) {
        return Ok(None);
    }
    let aligner = Aligner::new(training, view);
    let said = aligner.judge(Effort::LEARNING)?;
    Ok(Some(Judged { said, learn: Box::new(move || Ok(Member::Alignment(Box::new(aligner.learn()?)))) }))
}

/// Whether a gain is above the least; not so where nothing could be judged, and the gain is no number.
fn adds(gain: f64, least: f64) -> bool {
    gain > least
}

impl Member {
    /// Shape `(n_rows, n_classes)`: of forests probabilities, of others scores.
    fn said(&self, shown: Shown<'_>) -> Array2<f64> {
        match self {
            Self::Forests(forests) => forests.predict(shown),
            Self::Alignment(alignment) => alignment.scores(shown.traces),
            #[cfg(feature = "deep")]
            Self::Net(net) => net.net.log_probabilities(shown.traces),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Forests(forests) => forests.describe(),
            Self::Alignment(alignment) => describe(alignment),
            #[cfg(feature = "deep")]
            Self::Net(net) => net.describe(),
        }
    }

    fn is_sound(&self, classes: usize) -> bool {
        match self {
            Self::Forests(forests) => forests.is_sound(classes),
            Self::Alignment(alignment) => alignment.n_classes() == classes,
            #[cfg(feature = "deep")]
            Self::Net(net) => net.is_sound(classes),
        }
    }
}

impl Joint {
    /// What all members say together, from what each says; the first are forests.
    fn probabilities(&self, said: &[Array2<f64>]) -> Array2<f64> {
        let forests = logarithms(&said[0], self.floor);
        let scores: Vec<_> = std::iter::once(&forests).chain(&said[1..]).map(|scores| scores.view()).collect();
        log_linear::join(&scores, &self.weights)
    }
}

fn logarithms(probabilities: &Array2<f64>, floor: f64) -> Array2<f64> {
    let sum = 1.0 + probabilities.ncols() as f64 * floor;
    probabilities.mapv(|p| ((p + floor) / sum).ln())
}

/// What members say of the same rows, none of which any of them learned from.
struct Jury {
    rows: Vec<usize>,
    labels: Vec<usize>,
    /// One a member, forests first.
    said: Vec<Array2<f64>>,
}

/// How to join all members of a jury.
struct Joined {
    joint: Joint,
    /// The mean log loss of that.
    loss: f64,
    /// By how much the last member makes it less, all calibrated by the same rule.
    gain: f64,
}

impl Jury {
    /// Of the rows of all members, one a group.
    fn of(members: &[&OutOfFold], training: &Training<'_>) -> Self {
        let (first, others) = members.split_first().expect("forests are a member");
        let by_all = |row: &usize| others.iter().all(|other| other.rows.binary_search(row).is_ok());
        // Of copies one is judged: they say the same, and would seem to be more than they are.
        let mut seen = HashSet::new();
        let group = |row: usize| training.groups.map_or(row, |groups| groups.of_row()[row]);
        let rows: Vec<usize> =
            first.rows.iter().copied().filter(by_all).filter(|&row| seen.insert(group(row))).collect();
        let places = |member: &OutOfFold| -> Vec<usize> {
            rows.iter().filter_map(|row| member.rows.binary_search(row).ok()).collect()
        };
        Self {
            labels: rows.iter().map(|&row| training.labels[row]).collect(),
            said: members.iter().map(|member| member.scores.select(Axis(0), &places(member))).collect(),
            rows,
        }
    }

    fn joined(&self) -> Joined {
        let (joint, loss) = self.joined_first(self.said.len());
        Joined { joint, loss, gain: self.joined_first(self.said.len() - 1).1 - loss }
    }

    /// How to join the first members, one at least, and the mean log loss of that.
    fn joined_first(&self, members: usize) -> (Joint, f64) {
        let fitted = |floor: f64| {
            let forests = logarithms(&self.said[0], floor);
            let scores: Vec<_> =
                std::iter::once(&forests).chain(&self.said[1..members]).map(|scores| scores.view()).collect();
            let Fitted { weights, loss } = log_linear::fit(&scores, &self.labels);
            (Joint { weights, floor }, loss)
        };
        // The first with the least loss.
        FLOORS.map(fitted).into_iter().reduce(|a, b| if b.1 < a.1 { b } else { a }).expect("there are floors")
    }
}

impl Model for Pool {
    fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
        let said: Vec<Array2<f64>> = self.members.iter().map(|member| member.said(shown)).collect();
        self.joint.probabilities(&said)
    }

    fn describe(&self) -> String {
        let member = |(member, weight): (&Member, &f64)| format!("{}, weight {weight:.2}", member.describe());
        let members: Vec<String> = self.members.iter().zip(&self.joint.weights).rev().map(member).collect();
        format!("pool: {}", members.join("; "))
    }

    fn n_nodes(&self) -> Option<usize> {
        self.forests().and_then(Model::n_nodes)
    }

    fn out_of_bag(&self, _: Values<'_>) -> Option<OutOfBag> {
        self.judged.clone()
    }

    fn reads_traces(&self) -> bool {
        true
    }

    fn alignment(&self) -> Option<&Alignment> {
        self.members
            .iter()
            .find_map(|member| if let Member::Alignment(found) = member { Some(found.as_ref()) } else { None })
    }

    fn stored(&self) -> Option<(Kind, Vec<u8>)> {
        Some((Kind::Pool, postcard::to_stdvec(self).expect("numbers and lists of them are postcard")))
    }
}
