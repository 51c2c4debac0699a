//! Probabilities that mean what they say: learned from answers to traces that the attack had not learned from.
//!
//! A forest averages votes, which squeezes its probabilities away from 0 and 1 the more, the fewer traces a class has. What a
//! calibrator learns from are out-of-bag probabilities, or where a classifier has none, those of inner folds of the training part.

mod isotonic;
mod platt;
mod temperature;

use std::fmt;
use std::str::FromStr;

use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};
use thiserror::Error;
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

    /// Learns from probabilities, shape `(n_rows, n_classes)`, of rows with these labels, on which the classifier was not trained.
    /// `None` for [`Calibration::None`], and where there is no row.
    pub fn fit(self, probabilities: ArrayView2<'_, f64>, labels: &[usize]) -> Option<Calibrator> {
        assert_eq!(probabilities.nrows(), labels.len(), "rows and labels");
        if labels.is_empty() {
            return None;
        }
        let columns = || {
            probabilities.columns().into_iter().enumerate().map(|(class, scores)| {
                (scores.to_vec(), labels.iter().map(|&label| label == class).collect::<Vec<bool>>())
            })
        };
        match self {
            Self::None => None,
            Self::Temperature => Some(Calibrator(Kind::Temperature(Temperature::fit(probabilities, labels)))),
            Self::Platt => {
                let sigmoids = columns().map(|(scores, positive)| Sigmoid::fit(&scores, &positive)).collect();
                Some(Calibrator(Kind::Platt(sigmoids)))
            }
            Self::Isotonic => {
                let curves = columns().map(|(scores, positive)| Isotonic::fit(&scores, &positive)).collect();
                Some(Calibrator(Kind::Isotonic(curves)))
            }
        }
    }
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
#[serde(transparent)]
pub struct Calibrator(Kind);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Temperature(Temperature),
    Platt(Vec<Sigmoid>),
    Isotonic(Vec<Isotonic>),
}

impl Calibrator {
    /// Calibrates distributions, shape `(n_rows, n_classes)`. With [`Calibration::Platt`] and [`Calibration::Isotonic`], classes are
    /// calibrated apart and the row is brought to sum 1; where all are 0, all become equal, as in scikit-learn.
    ///
    /// # Panics
    /// If there are other classes than it was fitted to.
    pub fn apply(&self, mut probabilities: Array2<f64>) -> Array2<f64> {
        match &self.0 {
            Kind::Temperature(temperature) => temperature.apply(&mut probabilities),
            Kind::Platt(curves) => each_column(&mut probabilities, curves, |sigmoid, score| sigmoid.at(score)),
            Kind::Isotonic(curves) => each_column(&mut probabilities, curves, |curve, score| curve.at(score)),
        }
        probabilities
    }

    /// Whether it is one for so many classes, and all its numbers make sense: what a stored one must be.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        match &self.0 {
            Kind::Temperature(temperature) => temperature.is_sound(),
            Kind::Platt(curves) => curves.len() == classes && curves.iter().all(Sigmoid::is_sound),
            Kind::Isotonic(curves) => curves.len() == classes && curves.iter().all(Isotonic::is_sound),
        }
    }
}

impl fmt::Display for Calibrator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Temperature(temperature) => temperature.fmt(f),
            Kind::Platt(_) => f.write_str("a sigmoid a class"),
            Kind::Isotonic(_) => f.write_str("a rising step function a class"),
        }
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
            let Some(calibrator) = calibration.fit(train.view(), &labels) else {
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
    fn nothing_to_learn_from_calibrates_nothing() {
        for calibration in Calibration::ALL {
            assert_eq!(calibration.fit(Array2::zeros((0, 2)).view(), &[]), None);
        }
    }

    #[test]
    fn a_class_without_rows_and_rows_without_doubt_stay_distributions() {
        let certain = ndarray::array![[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]];
        for calibration in &Calibration::ALL[1..] {
            let calibrated = calibration.fit(certain.view(), &[0, 1, 0]).unwrap().apply(certain.clone());
            for row in calibrated.rows() {
                assert!((row.sum() - 1.0).abs() < 1e-12 && row.iter().all(|p| (0.0..=1.0).contains(p)), "{row}");
            }
        }
    }
}
