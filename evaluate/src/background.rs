//! The background of an open world: how many pages it has, what was trained on, and what a larger one would change.

use std::collections::BTreeSet;

use serde::Serialize;
use wfkit_classify::{Attack, Samples, evaluate};
use wfkit_datasets::splits::Split;
use wfkit_metrics::seed::mix;
use wfkit_metrics::{Interval, OpenWorld, Transferred, Work, mean_interval_95};

use crate::observer::by_fold;
use crate::{ExperimentError, Measured, Setting};

/// False positive rates that thresholds are chosen for.
const RATES: [f64; 2] = [1e-2, 1e-3];

/// Backgrounds that are drawn for each size.
const DRAWS: u64 = 3;

/// What is known of the background that was tested.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Background {
    /// Its pages.
    pub pages: BackgroundPages,
    /// Thresholds that were chosen on the other folds; none where the class is not there.
    pub thresholds_from_other_folds: Option<OtherFolds>,
}

/// Pages of a background.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackgroundPages {
    /// Pages tested.
    pub tested: usize,
    /// Their traces.
    pub traces_tested: usize,
    /// Traces whose page was trained on.
    pub traces_of_pages_trained_on: usize,
    /// Traces that do not say which page they show.
    pub traces_without_page: usize,
}

/// Thresholds chosen on other folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum OtherFolds {
    /// What they do here.
    Transferred(Vec<Transferred>),
    /// There are no other folds.
    Missing {
        /// Why.
        reason: &'static str,
    },
}

/// The same test parts after training on fewer pages of the background: means over several draws, with Student's interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BackgroundSize {
    /// Pages asked for.
    pub pages_asked_for: u32,
    /// Pages there were.
    pub pages_trained_on: usize,
    /// How often they were drawn.
    pub draws: u64,
    /// See [`OpenWorld`].
    pub false_positive_rate: f64,
    /// Its 95 % interval.
    pub false_positive_rate_95: Option<Interval>,
    /// See [`OpenWorld`], at a ratio of 20.
    pub r_precision_wang_20: f64,
    /// Its 95 % interval.
    pub r_precision_wang_20_95: Option<Interval>,
    /// See [`OpenWorld`].
    pub roc_auc: f64,
    /// Its 95 % interval.
    pub roc_auc_95: Option<Interval>,
    /// See [`OpenWorld`].
    pub true_positive_rate: f64,
    /// Its 95 % interval.
    pub true_positive_rate_95: Option<Interval>,
}

/// Pages tested and trained on, and thresholds that were chosen on the other folds; `samples` are what was tested.
pub fn describe_background(samples: Samples<'_>, measured: &Measured, class: &str) -> Background {
    let rows = &measured.evaluation.rows;
    let tested: Vec<usize> = rows.iter().copied().filter(|&row| samples.key(row).class == class).collect();
    let pages: BTreeSet<&str> = tested.iter().filter_map(|&row| samples.page(row)).collect();
    let overlap = measured.overlap();
    let unknown = tested.iter().filter(|&&row| samples.page(row).is_none()).count();
    Background {
        pages: BackgroundPages {
            tested: pages.len(),
            traces_tested: tested.len(),
            traces_of_pages_trained_on: overlap.pages_trained_on,
            traces_without_page: unknown,
        },
        thresholds_from_other_folds: thresholds(samples, measured, class, pages.len() + unknown),
    }
}

fn thresholds(samples: Samples<'_>, measured: &Measured, class: &str, pages: usize) -> Option<OtherFolds> {
    let evaluation = &measured.evaluation;
    let column = evaluation.probabilities.classes().index_of(class)?;
    let scores: Vec<f64> = evaluation.probabilities.values().column(column).iter().map(|p| 1.0 - p).collect();
    let positive: Vec<bool> = evaluation.truth.iter().map(|&truth| truth != column).collect();
    let mut fold = vec![0; scores.len()];
    for (number, places) in evaluation.tested_in.iter().enumerate() {
        places.iter().for_each(|&place| fold[place] = number);
    }
    let origins = samples.origins();
    let loads = |watched: bool| {
        let rows = evaluation.rows.iter().zip(&positive).filter(|&(_, &positive)| positive == watched);
        rows.map(|(&row, _)| origins.of_row()[row]).collect::<BTreeSet<_>>().len()
    };
    // Visits of one page are no independent tries.
    let independent = (loads(true), loads(false).min(pages));
    let found: Option<Vec<Transferred>> =
        RATES.iter().map(|&rate| Transferred::of(&scores, &positive, &fold, rate, independent)).collect();
    let reason = "one split only: a threshold is chosen on other folds";
    Some(found.map_or(OtherFolds::Missing { reason }, OtherFolds::Transferred))
}

/// A point of the curve for each of `sizes`, pages of the background `class` to train on.
///
/// # Errors
/// A class that is not there, and what attacks and scores refuse.
pub fn background_curve(
    sizes: &[u32],
    class: &str,
    samples: Samples<'_>,
    splits: &[Split],
    attack: &Attack,
    setting: Setting<'_>,
) -> Result<Vec<BackgroundSize>, ExperimentError> {
    let work = Work::begin(setting.observer, "backgrounds", sizes.len() * DRAWS as usize * splits.len());
    let of_size = |&size: &u32| {
        let mut drawn: [Vec<f64>; 4] = Default::default();
        let mut trained_on = 0;
        for draw in 0..DRAWS {
            setting.go_on()?;
            let seed = mix(mix(setting.seed, u64::from(size)), draw);
            let thinned: Vec<Split> = splits.iter().map(|split| thin(split, samples, class, size, seed)).collect();
            trained_on = thinned.iter().map(|split| pages_of(samples, class, &split.train).len()).max().unwrap_or(0);
            let judged = evaluate(attack, samples, &thinned, setting.seed, &by_fold(&work))?;
            let column = judged.probabilities.classes().index_of(class);
            let column = column.ok_or_else(|| ExperimentError::NoClass(class.to_owned()))?;
            let open = OpenWorld::compute(&judged.probabilities, &judged.truth, column, &[])?;
            let numbers =
                [open.false_positive_rate, open.r_precision_wang[0].precision, open.roc_auc, open.true_positive_rate];
            drawn.iter_mut().zip(numbers).for_each(|(drawn, number)| drawn.push(number));
        }
        let means = drawn.each_ref().map(|numbers| numbers.iter().sum::<f64>() / numbers.len() as f64);
        let [false_positive_rate, r_precision_wang_20, roc_auc, true_positive_rate] = means;
        let intervals = drawn.each_ref().map(|numbers| mean_interval_95(numbers));
        Ok(BackgroundSize {
            pages_asked_for: size,
            pages_trained_on: trained_on,
            draws: DRAWS,
            false_positive_rate,
            false_positive_rate_95: intervals[0],
            r_precision_wang_20,
            r_precision_wang_20_95: intervals[1],
            roc_auc,
            roc_auc_95: intervals[2],
            true_positive_rate,
            true_positive_rate_95: intervals[3],
        })
    };
    sizes.iter().map(of_size).collect()
}

/// What the rows of a class show; a row that does not say is a page of its own.
fn pages_of(samples: Samples<'_>, class: &str, rows: &[usize]) -> BTreeSet<String> {
    rows.iter().filter(|&&row| samples.key(row).class == class).map(|&row| page(samples, row)).collect()
}

fn page(samples: Samples<'_>, row: usize) -> String {
    samples.page(row).map_or_else(|| format!("row {row}"), str::to_owned)
}

/// The split with so many pages of the background to train on at most: those of the least hash of page and seed.
fn thin(split: &Split, samples: Samples<'_>, class: &str, pages: u32, seed: u64) -> Split {
    let mut order: Vec<(u64, String)> = pages_of(samples, class, &split.train)
        .into_iter()
        .zip(0..)
        .map(|(page, number)| (mix(seed, number), page))
        .collect();
    order.sort_unstable();
    let kept: BTreeSet<String> = order.into_iter().take(pages as usize).map(|(_, page)| page).collect();
    let stays = |row: &usize| samples.key(*row).class != class || kept.contains(&page(samples, *row));
    Split { train: split.train.iter().copied().filter(stays).collect(), ..split.clone() }
}
