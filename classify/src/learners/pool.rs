//! Forests and further members, joined.

use std::collections::HashSet;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use super::aligned::{Aligner, Effort, best_view, describe, judged};
use super::blend::Blend;
use super::stored::{Stored, as_postcard};
use super::{Kind, LearnError, Model, Shown, Training};
use crate::alignment::{Alignment, OutOfFold};
use crate::deep::Architecture;
#[cfg(feature = "deep")]
use crate::deep::{Deep, DeepModel};
use crate::forest::{ForestParams, OutOfBag, Values};
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
/// ln((f + floor) / (1 + C floor)), with f their probabilities of C classes, and w may be another where the next member knows nothing (`Doubt`).
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
    /// Where forests are to be trusted less, or more.
    doubt: Option<Doubt>,
}

/// The weight of forests for a trace is (1 - u) of their own and u of this one, u being what the next member leaves open.
///
/// Loads that failed look alike, whatever they were of. Forests that saw a few of them name the pages of these, and are as sure of it as of anything;
/// an alignment has nothing to align, so finds all classes alike. Mixtures of experts have such a gate: R. A. Jacobs, M. I. Jordan, S. J. Nowlan,
/// G. E. Hinton, "Adaptive mixtures of local experts", Neural Computation 3, 1991; here it has one weight, and the loss stays convex in all weights.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Doubt {
    weight: f64,
    /// What the next member's scores are times, to be logarithms of probabilities when it speaks alone.
    sharpness: f64,
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
        let joint = jury.doubted(joint);
        let judged = judged(training, &jury.rows, joint.probabilities(&jury.said));
        let learned = learners.into_iter().map(|learn| learn()).collect::<Result<Vec<Member>, LearnError>>()?;
        let members = std::iter::once(Member::Forests(forests)).chain(learned).collect();
        Ok(Box::new(Self { members, joint, judged: Some(judged) }))
    }

    fn forests(&self) -> Option<&Blend> {
        self.members.iter().find_map(|member| if let Member::Forests(forests) = member { Some(forests) } else { None })
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
    fn scores(&self, shown: Shown<'_>) -> Array2<f64> {
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
        let mut forests = logarithms(&said[0], self.floor);
        let mut weights = self.weights.clone();
        if let Some(doubt) = self.doubt {
            let own = std::mem::replace(&mut weights[0], 1.0);
            let weights = left_open(&said[1], doubt.sharpness).mapv(|open| (1.0 - open) * own + open * doubt.weight);
            forests *= &weights.insert_axis(Axis(1));
        }
        let scores: Vec<_> = std::iter::once(&forests).chain(&said[1..]).map(|scores| scores.view()).collect();
        log_linear::join(&scores, &weights)
    }
}

/// What scores leave open, for each row: 0 where one class is certain, 1 where all are alike; (e^H - 1) / (C - 1), with H the entropy of
/// p ~ exp(sharpness * score) over C classes in nats.
fn left_open(scores: &Array2<f64>, sharpness: f64) -> Array1<f64> {
    let others = (scores.ncols().max(2) - 1) as f64;
    let of_row = |row: ArrayView1<'_, f64>| {
        let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (mut sum, mut moment) = (0.0, 0.0);
        for below in row.iter().map(|score| sharpness * (score - largest)).filter(|below| below.is_finite()) {
            sum += below.exp();
            moment += below.exp() * below;
        }
        // H = ln(sum) - moment / sum.
        ((sum * (-moment / sum).exp() - 1.0) / others).clamp(0.0, 1.0)
    };
    scores.rows().into_iter().map(of_row).collect()
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
            (Joint { weights, floor, doubt: None }, loss)
        };
        first_least(FLOORS.map(fitted))
    }

    /// `joint`, or as good a one with a doubt, if that adds something, by the same rule as members.
    fn doubted(&self, joint: Joint) -> Joint {
        let next = &self.said[1];
        let sharpness = log_linear::fit(&[next.view()], &self.labels).weights[0];
        let open = left_open(next, sharpness).insert_axis(Axis(1));
        let fitted = |floor: f64| {
            let forests = logarithms(&self.said[0], floor);
            let unsure = &forests * &open;
            let sure = forests - &unsure;
            let scores: Vec<_> =
                [&unsure, &sure].into_iter().chain(&self.said[1..]).map(|scores| scores.view()).collect();
            let Fitted { mut weights, loss } = log_linear::fit(&scores, &self.labels);
            let weight = weights.remove(0);
            (Joint { weights, floor, doubt: Some(Doubt { weight, sharpness }) }, loss)
        };
        let (doubting, loss) = first_least(FLOORS.map(fitted));
        let n = self.labels.len() as f64;
        let gain = self.loss(&joint) - loss;
        if adds(n * gain, n.ln() / 2.0) { doubting } else { joint }
    }

    /// The mean log loss of a joint.
    fn loss(&self, joint: &Joint) -> f64 {
        let said = joint.probabilities(&self.said);
        let of_row = |(row, &label): (usize, &usize)| -said[(row, label)].max(f64::MIN_POSITIVE).ln();
        self.labels.iter().enumerate().map(of_row).sum::<f64>() / self.labels.len() as f64
    }
}

/// The first with the least loss.
fn first_least<T, const N: usize>(found: [(T, f64); N]) -> (T, f64) {
    found.into_iter().reduce(|a, b| if b.1 < a.1 { b } else { a }).expect("something was tried")
}

impl Model for Pool {
    fn predict(&self, shown: Shown<'_>) -> Array2<f64> {
        let said: Vec<Array2<f64>> = self.members.iter().map(|member| member.scores(shown)).collect();
        self.joint.probabilities(&said)
    }

    fn describe(&self) -> String {
        let member = |(member, weight): (&Member, &f64)| format!("{}, weight {weight:.2}", member.describe());
        let members: Vec<String> = self.members.iter().zip(&self.joint.weights).rev().map(member).collect();
        let doubt = match (self.joint.doubt, &self.members[1]) {
            (None, _) => String::new(),
            (Some(Doubt { weight, .. }), Member::Alignment(_)) => {
                format!(", {weight:.2} where the alignment leaves every class open")
            }
            #[cfg(feature = "deep")]
            (Some(Doubt { weight, .. }), _) => format!(", {weight:.2} where the net leaves every class open"),
            #[cfg(not(feature = "deep"))]
            (Some(_), Member::Forests(_)) => unreachable!("forests are first alone"),
        };
        format!("pool: {}{doubt}", members.join("; "))
    }

    fn forest_params(&self) -> Option<&ForestParams> {
        self.forests().and_then(Model::forest_params)
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
        as_postcard(Kind::Pool, self)
    }
}

impl Stored for Pool {
    fn is_sound(&self, classes: usize) -> bool {
        let Joint { weights, floor, doubt } = &self.joint;
        let is_weight = |weight: &f64| (0.0..=log_linear::MOST).contains(weight);
        let is_first = |(at, member): (usize, &Member)| (at == 0) == matches!(member, Member::Forests(_));
        self.members.len() > 1
            && self.members.len() == weights.len()
            && self.members.iter().enumerate().all(is_first)
            && self.members.iter().all(|member| member.is_sound(classes))
            && weights.iter().all(is_weight)
            && doubt.is_none_or(|doubt| is_weight(&doubt.weight) && is_weight(&doubt.sharpness))
            && (0.0..=1.0).contains(floor)
            && *floor > 0.0
    }

    fn n_features(&self) -> usize {
        self.forests().map_or(0, Blend::n_features)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four rows of each of 100 classes. Forests and the next member are mostly right on the first three of a class, each on its own; of the last one
    /// the next member knows nothing, and forests name class 0, surely.
    fn failed_loads() -> Jury {
        let classes = 100;
        let label = |row: usize| row % classes;
        let is_failed = |row: usize| row >= 3 * classes;
        let other_than = |row: usize| (label(row) + 1) % classes;
        let by_forests = |row: usize| match row {
            row if is_failed(row) => 0,
            row if row.is_multiple_of(17) => other_than(row),
            row => label(row),
        };
        let by_next = |row: usize| if row.is_multiple_of(5) { other_than(row) } else { label(row) };
        let rows: Vec<usize> = (0..4 * classes).collect();
        let said = vec![
            Array2::from_shape_fn((rows.len(), classes), |(row, class)| {
                if by_forests(row) == class { 0.9 } else { 0.1 / (classes - 1) as f64 }
            }),
            Array2::from_shape_fn((rows.len(), classes), |(row, class)| {
                if is_failed(row) || by_next(row) == class { 0.0 } else { -5.0 }
            }),
        ];
        Jury { labels: rows.iter().map(|&row| label(row)).collect(), said, rows }
    }

    #[test]
    fn forests_are_not_trusted_where_the_next_member_knows_nothing() {
        let jury = failed_loads();
        let plain = jury.joined().joint;
        let doubting = jury.doubted(plain.clone());
        let Joint { weights, doubt: Some(doubt), .. } = &doubting else { panic!("no doubt: {doubting:?}") };
        assert!(doubt.weight < 0.1 && doubt.weight < weights[0] / 5.0, "{doubting:?}");
        assert!(jury.loss(&doubting) < jury.loss(&plain) - 0.1);
        let said = doubting.probabilities(&jury.said);
        assert!(said.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
        // Nothing is known of a failed load: all classes are about alike.
        assert!(said[(399, 0)] < 0.05, "{}", said[(399, 0)]);
    }

    #[test]
    fn without_failed_loads_there_is_no_doubt() {
        let Jury { rows, labels, said } = failed_loads();
        let rows = rows[..300].to_vec();
        let said = said.iter().map(|said| said.select(Axis(0), &rows)).collect();
        let jury = Jury { labels: labels[..300].to_vec(), said, rows };
        let plain = jury.joined().joint;
        assert_eq!(jury.doubted(plain.clone()), plain);
    }

    #[test]
    fn what_is_left_open_is_between_nothing_and_all() {
        let scores =
            ndarray::array![[0.0, -60.0, -60.0], [0.0, 0.0, 0.0], [0.0, 0.0, -60.0], [f64::NEG_INFINITY, 0.0, 0.0]];
        let open = left_open(&scores, 1.0);
        for (found, expected) in open.iter().zip([0.0, 1.0, 0.5, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{open}");
        }
        assert_eq!(left_open(&scores, 0.0)[0], 1.0);
        assert_eq!(left_open(&Array2::zeros((1, 1)), 1.0)[0], 0.0);
    }
}
