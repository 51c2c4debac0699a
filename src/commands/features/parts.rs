//! Features of a set that is read in parts.

use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use wfkit_datasets::{Observed, TraceParts};
use wfkit_evaluate::trivial_privacy_of;
use wfkit_features::{FeatureExtractor, FeatureMatrix, FeatureReport};
use wfkit_metrics::Utility;

use super::describe_columns;
use crate::cli::FeaturesExtract;
use crate::context::{Context, FOLDS, count};
use wfkit_datasets::digests;
use wfkit_evaluate::PartsSeen;

pub(super) fn write(
    options: &FeaturesExtract,
    mut parts: TraceParts<'_>,
    rows: Range<usize>,
    context: &Context<'_>,
) -> Result<()> {
    let mut kept = PartsSeen::of(&parts.labels()?[rows.clone()], context.setting());
    let extractor = fitted(options, &mut parts, context)?;
    parts.only(rows);
    let provenance = parts.provenance().clone();
    let unknown_columns = parts.unknown_columns();
    let mut columns = Constant::default();
    let mut seconds = 0.0;
    let bar = context.printer.progress("features", parts.len() as u64);
    extractor.write_in_parts(&options.out, Some(&Observed::from(&provenance)), |sink| {
        for part in &mut parts {
            let part = part?;
            let started = Instant::now();
            let matrix = extractor.transform(&part);
            seconds += started.elapsed().as_secs_f64();
            sink.add(matrix.rows(), matrix.values())?;
            columns.see(&matrix);
            kept.see(&part);
            bar.inc(1);
        }
        anyhow::Ok(())
    })?;
    bar.finish_and_clear();

    let some = kept.some(&provenance)?;
    let mut found = FeatureReport::of(&extractor.transform(&some));
    found.rows = kept.volumes.len();
    found.constant = columns.names(&extractor);
    let privacy = trivial_privacy_of(&some, &kept.drawn, FOLDS, context.setting())?;
    let mut report = context.stage("features", digests(&options.traces)?, Utility::of(&kept.volumes), privacy);
    count(&mut report.counts, "traces", kept.volumes.len());
    count(&mut report.counts, "classes", kept.classes);
    count(&mut report.counts, "packets", kept.packets);
    describe_columns(&mut report, found, seconds);
    if let Some(told) = kept.drawn.told() {
        report.privacy.extras.set("feature_auc_of", told);
    }
    if let Some(shard) = options.shard {
        report.utility.extras.set("shard", shard.to_string());
    }
    if unknown_columns > 0 {
        report.dropped.insert("unknown column".to_owned(), unknown_columns);
    }
    context.finish_and_print(report, Some(&options.out))
}

/// Goes through all traces where there is something to learn, as often as that takes.
fn fitted(options: &FeaturesExtract, parts: &mut TraceParts<'_>, context: &Context<'_>) -> Result<FeatureExtractor> {
    options.set.fit_in_parts(|see| {
        let bar = context.printer.progress("learning", parts.len() as u64);
        for part in parts.by_ref() {
            see(&part?);
            bar.inc(1);
        }
        bar.finish_and_clear();
        parts.rewind();
        Ok(())
    })
}

/// Which columns have had one value so far.
#[derive(Default)]
struct Constant {
    first: Option<Vec<f64>>,
    is_other: Vec<bool>,
}

impl Constant {
    fn see(&mut self, matrix: &FeatureMatrix) {
        for row in matrix.values().rows() {
            let first = self.first.get_or_insert_with(|| row.to_vec());
            self.is_other.resize(first.len(), false);
            for ((is_other, value), first) in self.is_other.iter_mut().zip(row).zip(first) {
                *is_other |= value != first;
            }
        }
    }

    fn names(&self, extractor: &FeatureExtractor) -> Vec<String> {
        let names = extractor.names().into_iter().zip(&self.is_other);
        names.filter(|(_, is_other)| !**is_other).map(|(name, _)| name).collect()
    }
}
