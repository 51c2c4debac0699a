//! Probabilities that mean what they say: learned from answers to traces that the attack had not learned from.
//!
//! A forest averages votes, which squeezes its probabilities away from 0 and 1 the more, the fewer traces a class has. What a
//! calibrator learns from are out-of-bag probabilities, or where a classifier has none, those of inner folds of the training part.
//!
//! However well an attack did on those, nothing was seen of what happens less often than once among them. So a calibrator never claims a
//! probability of error below 1/(n + 2), where n independent traces were judged: the rule of succession (P.-S. Laplace, Essai philosophique
//! sur les probabilités, 1814), which is what is to be expected after n right answers in a row. Where none was judged, that is one half.

mod isotonic;
mod platt;
mod temperature;

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wfkit_metrics::Probabilities;
use wfkit_metrics::did_you_mean_one_of;

use isotonic::Isotonic;
pub(crate) use platt::Sigmoid;
use temperature::Temperature;

/// How probabilities are calibrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Calibration {
    /// Left as the classifier gives them.
    #[default]
    None,
    /// One temperature for all classes, and a floor for classes that no tree voted for. The decision stays the same. The best choice
    /// where classes have few traces.
    Temperature,
    /// A sigmoid for each class against the rest. Needs some ten traces a class.
    Platt,
    /// A rising step function for each class against the rest. Needs many traces.
    Isotonic,
}

/// There is no such calibration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no calibration is named {:?}{}; there are none, temperature, platt, isotonic", .0, did_you_mean_one_of(.0, Calibration::ALL.map(Calibration::name)))]
pub struct UnknownCalibration(String);

impl Calibration {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::None, Self::Temperature, Self::Platt, Self::Isotonic];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Temperature => "temperature",
            Self::Platt => "platt",
            Self::Isotonic => "isotonic",
        }
    }

    /// Learns from probabilities, shape `(n_rows, n_classes)`, of rows with these labels, on which the classifier was not trained, of which
    /// `independent` are no copies of each other. `None` for [`Calibration::None`].
    ///
    /// Only rows of classes that the classifier could learn elsewhere, two rows at least, can be judged at all: leave others out. Without
    /// rows of two classes, probabilities keep their order and are brought half way to equality. A class without rows, or whose answers are
    /// no more often right where its probability is larger, has the curve of all classes together; if that falls too, it is as without rows.
    pub fn fit(self, probabilities: ArrayView2<'_, f64>, labels: &[usize], independent: usize) -> Option<Calibrator> {
        assert_eq!(probabilities.nrows(), labels.len(), "rows and labels");
        let kind = match self {
            Self::None => return None,
            _ if labels.iter().all(|label| Some(label) == labels.first()) => Kind::Unjudged,
            Self::Temperature => Kind::Temperature(Temperature::fit(probabilities, labels)),
            Self::Platt => {
                curves(probabilities, labels, Sigmoid::fit, Sigmoid::rises).map_or(Kind::Unjudged, Kind::Platt)
            }
            Self::Isotonic => {
                curves(probabilities, labels, Isotonic::fit, Isotonic::rises).map_or(Kind::Unjudged, Kind::Isotonic)
            }
        };
        let independent = if matches!(kind, Kind::Unjudged) { 0 } else { independent as u64 };
        Some(Calibrator { kind, independent })
    }

    /// Probabilities, shape `(n_rows, n_classes)`, of rows that were not learned from, calibrated on each other: those of each of `parts`,
    /// lists of rows, by what is learned from all other parts, and so fit to be scored. Where there is one part, that is its
    /// halves, row by row.
    pub fn across(self, probabilities: &Probabilities, labels: &[usize], parts: &[Vec<usize>]) -> Probabilities {
        let halves: Vec<Vec<usize>> = match parts {
            [only] => (0..2).map(|half| only.iter().copied().skip(half).step_by(2).collect()).collect(),
            _ => parts.to_vec(),
        };
        let mut values = probabilities.values().to_owned();
        for (place, part) in halves.iter().enumerate() {
            let others: Vec<usize> = halves
                .iter()
                .enumerate()
                .filter(|&(other, _)| other != place)
                .flat_map(|(_, rows)| rows.clone())
                .collect();
            let known: Vec<usize> = others.iter().map(|&row| labels[row]).collect();
            let learned = self.fit(probabilities.values().select(Axis(0), &others).view(), &known, known.len());
            let Some(calibrator) = learned else { continue };
            let calibrated = calibrator.apply(probabilities.values().select(Axis(0), part));
            for (&row, line) in part.iter().zip(calibrated.rows()) {
                values.row_mut(row).assign(&line);
            }
        }
        Probabilities::new(probabilities.classes().clone(), values).expect("calibrated rows are distributions")
    }
}

/// A curve for each class against the rest; that of all classes together where a class has no rows or its own does not rise; none if that
/// does not either.
fn curves<C: Clone>(
    probabilities: ArrayView2<'_, f64>,
    labels: &[usize],
    fit: impl Fn(&[f64], &[bool]) -> C,
    rises: impl Fn(&C) -> bool,
) -> Option<Vec<C>> {
    let is = |class: usize| labels.iter().map(move |&label| label == class);
    let of_class = |(class, scores): (usize, ndarray::ArrayView1<'_, f64>)| {
        let positive: Vec<bool> = is(class).collect();
        let curve = fit(&scores.to_vec(), &positive);
        (positive.contains(&true) && rises(&curve)).then_some(curve)
    };
    let own: Vec<Option<C>> = probabilities.columns().into_iter().enumerate().map(of_class).collect();
    if own.iter().all(Option::is_some) {
        return Some(own.into_iter().flatten().collect());
    }
    let scores: Vec<f64> = probabilities.columns().into_iter().flatten().copied().collect();
    let positive: Vec<bool> = (0..probabilities.ncols()).flat_map(is).collect();
    let of_all = fit(&scores, &positive);
    rises(&of_all).then(|| own.into_iter().map(|curve| curve.unwrap_or_else(|| of_all.clone())).collect())
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Calibration {
    type Err = UnknownCalibration;

    fn from_str(name: &str) -> Result<Self, UnknownCalibration> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownCalibration(name.to_owned()))
    }
}

/// What a calibration has learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibrator {
    kind: Kind,
    /// How many independent traces were judged.
    independent: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    /// Nothing could be judged.
    Unjudged,
    Temperature(Temperature),
    Platt(Vec<Sigmoid>),
    Isotonic(Vec<Isotonic>),
}

impl Calibrator {
    /// Calibrates distributions, shape `(n_rows, n_classes)`. With [`Calibration::Platt`] and [`Calibration::Isotonic`], classes are
    /// calibrated apart and the row is brought to sum 1; where all are 0, all become equal, as in scikit-learn. Then a share of every row, the
    /// same for all, is dealt out to all classes alike, so that [`least_error`](Self::least_error) is left; the order of classes stays.
    ///
    /// # Panics
    /// If there are other classes than it was fitted to.
    pub fn apply(&self, mut probabilities: Array2<f64>) -> Array2<f64> {
        match &self.kind {
            Kind::Unjudged => {}
            Kind::Temperature(temperature) => temperature.apply(&mut probabilities),
            Kind::Platt(curves) => each_column(&mut probabilities, curves, |sigmoid, score| sigmoid.at(score)),
            Kind::Isotonic(curves) => each_column(&mut probabilities, curves, |curve, score| curve.at(score)),
        }
        let classes = probabilities.ncols() as f64;
        if classes > 1.0 {
            // A class keeps 1/C of what all give, so they give a little more than the error that is to be left.
            let given = (self.least_error() * classes / (classes - 1.0)).min(1.0);
            probabilities.mapv_inplace(|p| (1.0 - given) * p + given / classes);
        }
        probabilities
    }

    /// The least probability of error that it ever claims: 1/(n + 2) after n independent judged traces.
    pub fn least_error(&self) -> f64 {
        1.0 / (self.independent as f64 + 2.0)
    }

    /// Whether it is one for so many classes, and all its numbers make sense: what a stored one must be.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        match &self.kind {
            Kind::Unjudged => true,
            Kind::Temperature(temperature) => temperature.is_sound(),
            Kind::Platt(curves) => curves.len() == classes && curves.iter().all(Sigmoid::is_sound),
            Kind::Isotonic(curves) => curves.len() == classes && curves.iter().all(Isotonic::is_sound),
        }
    }
}

impl fmt::Display for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Unjudged => f.write_str("nothing judged")?,
            Kind::Temperature(temperature) => temperature.fmt(f)?,
            Kind::Platt(_) => f.write_str("a sigmoid a class")?,
            Kind::Isotonic(_) => f.write_str("a rising step function a class")?,
        }
        write!(f, ", error at least {:.1e} after {} judged traces", self.least_error(), self.independent)
    }
}

fn each_column<C>(probabilities: &mut Array2<f64>, curves: &[C], at: impl Fn(&C, f64) -> f64) {
    assert_eq!(probabilities.ncols(), curves.len(), "classes of the rows and of the calibrator");
    for (mut column, curve) in probabilities.columns_mut().into_iter().zip(curves) {
        column.mapv_inplace(|score| at(curve, score));
    }
    let equal = 1.0 / curves.len() as f64;
    for mut row in probabilities.rows_mut() {
        let sum = row.sum();
        row.mapv_inplace(|p| if sum > 0.0 { p / sum } else { equal });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::{stream, unit};

    /// Rows over three classes whose probabilities are squeezed towards equality, and labels drawn from the unsqueezed ones.
    pub(super) fn squeezed(rows: usize) -> (Array2<f64>, Vec<usize>) {
        let mut rng = stream(3, 0);
        let mut labels = Vec::new();
        let mut squeezed = Array2::zeros((rows, 3));
        for mut row in squeezed.rows_mut() {
            let mut truth: Vec<f64> = (0..3).map(|_| unit(&mut rng).powi(4)).collect();
            let sum: f64 = truth.iter().sum();
            truth.iter_mut().for_each(|p| *p /= sum);
            let drawn = unit(&mut rng);
            labels.push(if drawn < truth[0] {
                0
            } else if drawn < truth[0] + truth[1] {
                1
            } else {
                2
            });
            let roots: Vec<f64> = truth.iter().map(|p| p.sqrt()).collect();
            row.iter_mut().zip(&roots).for_each(|(p, root)| *p = root / roots.iter().sum::<f64>());
        }
        (squeezed, labels)
    }

    pub(super) fn loss(probabilities: &Array2<f64>, labels: &[usize]) -> f64 {
        labels.iter().enumerate().map(|(row, &label)| -probabilities[(row, label)].max(1e-16).ln()).sum::<f64>()
            / labels.len() as f64
    }

    #[test]
    fn every_calibration_improves_what_was_squeezed_and_survives_storage() {
        let ((train, labels), (test, truth)) = (squeezed(2000), {
            let (rows, labels) = squeezed(4000);
            (rows.slice_axis(ndarray::Axis(0), ndarray::Slice::from(2000..)).to_owned(), labels[2000..].to_vec())
        });
        for calibration in Calibration::ALL {
            assert_eq!(calibration.name().parse(), Ok(calibration));
            let Some(calibrator) = calibration.fit(train.view(), &labels, 2000) else {
                assert_eq!(calibration, Calibration::None);
                continue;
            };
            let calibrated = calibrator.apply(test.clone());
            assert!(calibrated.rows().into_iter().all(|row| (row.sum() - 1.0).abs() < 1e-12));
            assert!(loss(&calibrated, &truth) < loss(&test, &truth) - 0.02, "{calibration}");
            assert!(calibrator.is_sound(3), "{calibration}");
            let json = serde_json::to_string(&calibrator).unwrap();
            assert_eq!(serde_json::from_str::<Calibrator>(&json).unwrap(), calibrator);
        }
        assert!("sigmoid".parse::<Calibration>().is_err());
    }

    #[test]
    fn what_was_not_judged_keeps_its_order_and_claims_half() {
        let rows = ndarray::array![[0.7, 0.2, 0.1], [0.0, 0.0, 1.0]];
        for calibration in &Calibration::ALL[1..] {
            let unjudged = calibration.fit(Array2::zeros((0, 3)).view(), &[], 0).unwrap().apply(rows.clone());
            assert!(unjudged[(0, 0)] > unjudged[(0, 1)] && unjudged[(0, 1)] > unjudged[(0, 2)], "{unjudged}");
            assert!((unjudged[(1, 2)] - 0.5).abs() < 1e-12, "{unjudged}");
        }
        assert_eq!(Calibration::None.fit(Array2::zeros((0, 2)).view(), &[], 0), None);
    }

    #[test]
    fn certainty_is_bounded_by_what_was_judged() {
        let labels: Vec<usize> = (0..900).map(|row| row % 3).collect();
        let certain = Array2::from_shape_fn((900, 3), |(row, class)| f64::from(u8::from(labels[row] == class)));
        for calibration in &Calibration::ALL[1..] {
            for independent in [900, 90] {
                let calibrator = calibration.fit(certain.view(), &labels, independent).unwrap();
                let calibrated = calibrator.apply(certain.clone());
                let bar = 1.0 / (independent as f64 + 2.0);
                assert_eq!(calibrator.least_error(), bar);
                for (row, &label) in calibrated.rows().into_iter().zip(&labels) {
                    assert!(1.0 - row[label] >= bar - 1e-12 && 1.0 - row[label] < 5.0 * bar, "{calibration}: {row}");
                    assert!(row.iter().all(|&p| p >= bar / 2.0 - 1e-12), "{calibration}: {row}");
                    assert!((row.sum() - 1.0).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn what_is_right_where_it_is_least_sure_is_not_turned_round() {
        // Each class alone in its fold: its own probability is the least where it is true.
        let labels: Vec<usize> = (0..8).collect();
        let never = Array2::from_shape_fn((8, 8), |(row, class)| if row == class { 0.0 } else { 1.0 / 7.0 });
        let asked = Array2::from_shape_fn((8, 8), |(row, class)| if row == class { 0.3 } else { 0.1 });
        for calibration in &Calibration::ALL[1..] {
            let calibrated = calibration.fit(never.view(), &labels, 8).unwrap().apply(asked.clone());
            for (row, line) in calibrated.rows().into_iter().enumerate() {
                assert!(line.iter().all(|&p| p <= line[row] + 1e-12), "{calibration}: {line}");
            }
        }
    }

    #[test]
    fn parts_are_calibrated_by_the_others() {
        let (rows, labels) = squeezed(1000);
        let names = wfkit_metrics::ClassMap::from_labels(["a", "b", "c"]);
        let rows = Probabilities::new(names, rows).unwrap();
        let parts: Vec<Vec<usize>> = (0..5).map(|part| (0..1000).filter(|row| row % 5 == part).collect()).collect();
        let across = Calibration::Temperature.across(&rows, &labels, &parts);
        assert!(loss(&across.values().to_owned(), &labels) < loss(&rows.values().to_owned(), &labels) - 0.02);
        // Whatever the labels of a part, its own probabilities are the same.
        let mut others = labels.clone();
        parts[0].iter().for_each(|&row| others[row] = 2 - others[row]);
        let again = Calibration::Temperature.across(&rows, &others, &parts);
        assert_eq!(across.select(&parts[0]), again.select(&parts[0]));
        assert_ne!(across.select(&parts[1]), again.select(&parts[1]));
        let halves = Calibration::Temperature.across(&rows, &labels, &[(0..1000).collect()]);
        assert!(loss(&halves.values().to_owned(), &labels) < loss(&rows.values().to_owned(), &labels) - 0.02);
        assert_eq!(Calibration::None.across(&rows, &labels, &parts), rows);
    }

    #[test]
    fn a_class_without_rows_and_rows_without_doubt_stay_distributions() {
        let certain = ndarray::array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
        for calibration in &Calibration::ALL[1..] {
            let calibrated = calibration.fit(certain.view(), &[0, 1, 0], 3).unwrap().apply(certain.clone());
            for row in calibrated.rows() {
                assert!((row.sum() - 1.0).abs() < 1e-12 && row.iter().all(|p| (0.0..=1.0).contains(p)), "{row}");
            }
        }
    }
}
