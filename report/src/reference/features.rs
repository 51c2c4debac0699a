//! Every feature set and what its columns mean.

use std::fmt::Write as _;

use wfkit_datasets::{Trace, TraceSet};
use wfkit_features::{Column, FeatureInformation, FeatureSet, FeatureSpec, meaning};

use crate::markdown::{code, prose, table};
use crate::text::families;

/// Every feature set; what is learned is learned from the bundled sample, which `traces` are.
pub fn features(traces: &TraceSet) -> String {
    let training: Vec<&Trace> = traces.traces().iter().map(|labelled| &labelled.trace).collect();
    let mut text = String::from(
        "# Features\n\n\
         `wfkit features TRACES --set NAME[,NAME] --out FILE` makes a table of them, a row a trace. A column is called by its set, a dot \
         and the feature. `wfkit features describe NAME` prints what stands here, and `wfkit features explain` says which of them give \
         your traces away. Times are seconds, sizes bytes; + is outgoing, - incoming. Of an empty list every statistic is 0; percentiles interpolate \
         linearly, deviations divide by the number of values. Sources, and where a set differs from its paper, are in the crate's own \
         description, features/README.md.\n\n",
    );
    for set in FeatureSet::ALL {
        let spec = FeatureSpec::new(vec![set]).expect("one set is no set twice");
        let columns = spec.fit(&training).columns();
        let tells: Vec<String> = set.information().iter().map(FeatureInformation::to_string).collect();
        let learned =
            if set.learns() { " Learned from the training traces; here those of the bundled sample." } else { "" };
        let _ = write!(
            text,
            "## {}\n\n{} Tells: {}. {} columns, version {}.{learned}\n\n",
            code(set.name()),
            prose(set.summary()),
            tells.join(", "),
            columns.len(),
            set.version()
        );
        text.push_str(&table(
            ["feature", "columns", "unit", "tells", "what it is"],
            &families(&columns).map(row).collect::<Vec<_>>(),
        ));
    }
    text
}

fn row(family: &[Column]) -> [String; 5] {
    let (first, last) = (&family[0], &family[family.len() - 1]);
    let short = |column: &Column| column.name.split_once('.').map_or("", |(_, feature)| feature).to_owned();
    let names =
        if family.len() == 1 { code(&short(first)) } else { format!("`{}` .. `{}`", short(first), short(last)) };
    let meaning = meaning(&first.definition).unwrap_or_default();
    [names, family.len().to_string(), first.unit.to_string(), first.information.to_string(), prose(&meaning)]
}
