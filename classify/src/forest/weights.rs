//! What rows of each class count.

use serde::{Deserialize, Serialize};

use super::ForestError;

/// What a row counts, by its class: in impurities, and in the class fractions of leaves.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Every row the same.
    #[default]
    Equal,
    /// Every class the same: a row counts as the inverse of the number of rows of its class, over all rows and not those a tree
    /// has drawn; scikit-learn's `balanced`.
    Balanced,
    /// Rows of each class so much, shape `(n_classes,)`; positive and finite. Only their ratios matter.
    Each(Vec<f64>),
}

/// The largest whole weight: so that 16 draws of a row fit 16 bits.
const MOST: usize = 4095;

impl ClassWeights {
    pub(super) fn check(&self) -> Result<(), ForestError> {
        let Self::Each(weights) = self else { return Ok(()) };
        let wrong = weights.iter().position(|weight| !(weight.is_finite() && *weight > 0.0));
        wrong.map_or(Ok(()), |class| Err(ForestError::Weight { class, weight: weights[class] }))
    }

    /// Whole weights of the classes, in the ratios asked for; none where all are equal.
    ///
    /// The least whole numbers up to 4,095 are taken that are exact; if there are none, those whose largest relative error is least. With more than
    /// 524,416 rows they are smaller, so that all of them sum to less than 2^31.
    pub(super) fn whole(&self, classes: &[u16], n_classes: usize) -> Result<Option<Vec<u16>>, ForestError> {
        let mut rows = vec![0usize; n_classes];
        for &class in classes {
            rows[usize::from(class)] += 1;
        }
        let weights: Vec<f64> = match self {
            Self::Equal => return Ok(None),
            Self::Balanced => rows.iter().map(|&rows| if rows > 0 { 1.0 / rows as f64 } else { 0.0 }).collect(),
            Self::Each(weights) if weights.len() == n_classes => weights.clone(),
            Self::Each(weights) => return Err(ForestError::Weights { weights: weights.len(), classes: n_classes }),
        };
        // What no row has does not count.
        let present: Vec<f64> =
            weights.iter().zip(&rows).filter(|&(_, &rows)| rows > 0).map(|(&weight, _)| weight).collect();
        let ratios = Ratios::of(&present, classes.len());
        let of_class = |(&weight, &rows): (&f64, &usize)| if rows > 0 { ratios.whole(weight) } else { 1 };
        Ok(Some(weights.iter().zip(&rows).map(of_class).collect()))
    }
}

/// Whole weights of rows, in the ratios asked for, as those of classes are.
pub(super) fn whole_of_rows(weights: &[f64], n_rows: usize) -> Result<Vec<u16>, ForestError> {
    if weights.len() != n_rows {
        return Err(ForestError::RowWeights { weights: weights.len(), rows: n_rows });
    }
    if let Some(row) = weights.iter().position(|weight| !(weight.is_finite() && *weight > 0.0)) {
        return Err(ForestError::RowWeight { row, weight: weights[row] });
    }
    let mut distinct = weights.to_vec();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let ratios = Ratios::of(&distinct, n_rows);
    Ok(weights.iter().map(|&weight| ratios.whole(weight)).collect())
}

/// How positive numbers become whole ones in about their ratios.
struct Ratios {
    largest: f64,
    scale: usize,
}

impl Ratios {
    /// The least scale up to 4,095 that is exact; if there is none, that of the least relative error. Weights of `rows` rows sum to less
    /// than 2^31.
    fn of(weights: &[f64], rows: usize) -> Self {
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let error_of = |scale: usize| {
            let ratios = Self { largest, scale };
            let error =
                |&weight: &f64| (f64::from(ratios.whole(weight)) * largest / (weight * scale as f64) - 1.0).abs();
            weights.iter().map(error).fold(0.0, f64::max)
        };
        let mut best = (f64::INFINITY, 1);
        for scale in 1..=MOST.min((i32::MAX as usize / rows).max(1)) {
            let error = error_of(scale);
            if error < best.0 {
                best = (error, scale);
            }
            if error < 1e-9 {
                break;
            }
        }
        Self { largest, scale: best.1 }
    }

    fn whole(&self, weight: f64) -> u16 {
        (weight / self.largest * self.scale as f64).round().max(1.0) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_weigh_in_the_ratios_asked_for() {
        assert_eq!(whole_of_rows(&[0.5, 1.0, 1.5], 3).unwrap(), [1, 2, 3]);
        assert_eq!(whole_of_rows(&[7.0, 7.0], 2).unwrap(), [1, 1]);
        assert_eq!(whole_of_rows(&[1.0], 2).unwrap_err(), ForestError::RowWeights { weights: 1, rows: 2 });
        assert_eq!(whole_of_rows(&[1.0, 0.0], 2).unwrap_err(), ForestError::RowWeight { row: 1, weight: 0.0 });
    }

    fn classes(sizes: &[usize]) -> Vec<u16> {
        (0..).zip(sizes).flat_map(|(class, &size)| std::iter::repeat_n(class, size)).collect()
    }

    fn whole(weights: &ClassWeights, sizes: &[usize]) -> Option<Vec<u16>> {
        weights.whole(&classes(sizes), sizes.len()).unwrap()
    }

    #[test]
    fn whole_weights_are_exact_where_they_can_be() {
        assert_eq!(whole(&ClassWeights::Equal, &[1, 5]), None);
        assert_eq!(whole(&ClassWeights::Balanced, &[60, 40, 30, 20]), Some(vec![2, 3, 4, 6]));
        assert_eq!(whole(&ClassWeights::Balanced, &[7, 7, 0]), Some(vec![1, 1, 1]));
        assert_eq!(whole(&ClassWeights::Each(vec![0.5, 1.0, 4.0, 2.5]), &[1; 4]), Some(vec![1, 2, 8, 5]));
        // 1 to 10,000 does not fit: the least weight is 1.
        assert_eq!(whole(&ClassWeights::Balanced, &[10_000, 1]).unwrap()[0], 1);
        let close = whole(&ClassWeights::Each(vec![1.0, std::f64::consts::PI]), &[1, 1]).unwrap();
        assert!((f64::from(close[1]) / f64::from(close[0]) / std::f64::consts::PI - 1.0).abs() < 1e-6, "{close:?}");
    }

    #[test]
    fn weights_that_are_none_are_refused() {
        let weight = |weight| ClassWeights::Each(vec![1.0, weight]).check();
        assert_eq!(weight(0.0), Err(ForestError::Weight { class: 1, weight: 0.0 }));
        assert!(weight(f64::NAN).is_err() && weight(f64::INFINITY).is_err() && weight(1e-300).is_ok());
        let error = ClassWeights::Each(vec![1.0]).whole(&[0, 1], 2).unwrap_err().to_string();
        assert_eq!(error, "1 class weights for 2 classes");
    }
}
