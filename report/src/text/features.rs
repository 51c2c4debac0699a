//! Feature sets, what their columns mean, and which of them give classes away.

use wfkit_classify::{Explained, Explanation};
use wfkit_features::{Column, FeatureInformation, FeatureSet, meaning};

use super::Text;
use crate::words::score;

/// Every set, and what it tells.
pub fn feature_sets() -> Text {
    let row = |set: FeatureSet| [set.name().to_owned(), listed(set.information()), set.summary().to_owned()];
    let mut text = Text::new();
    text.table(["set", "tells", "what"], FeatureSet::ALL.map(row));
    text
}

/// What columns mean, a family of numbered ones a row.
pub fn feature_columns(columns: &[Column]) -> Text {
    let mut text = Text::new();
    text.table(["feature", "columns", "unit", "tells", "what it is"], families(columns).map(row));
    text.line(format!("{} columns", columns.len()));
    text
}

/// Columns that one definition made: a family of numbered ones is one line.
pub(crate) fn families(columns: &[Column]) -> impl Iterator<Item = &[Column]> {
    columns.chunk_by(|a, b| (&a.definition, a.unit) == (&b.definition, b.unit))
}

fn row(family: &[Column]) -> [String; 5] {
    let (first, last) = (&family[0], &family[family.len() - 1]);
    let names = if family.len() == 1 {
        first.name.clone()
    } else {
        let last = last.name.split_once('.').map_or("", |(_, feature)| feature);
        format!("{} .. {last}", first.name)
    };
    let meaning = meaning(&first.definition).unwrap_or_default();
    [names, family.len().to_string(), first.unit.to_string(), first.information.to_string(), meaning]
}

fn listed(information: &[FeatureInformation]) -> String {
    information.iter().map(FeatureInformation::to_string).collect::<Vec<_>>().join(", ")
}

/// What tells classes apart, the first `top` of each level.
pub fn explanation(explanation: &Explanation, top: usize) -> Text {
    let mut text = Text::new();
    let of = explanation.class.as_ref().map_or("the classes".to_owned(), |class| format!("class {class}"));
    let sure = score(Some(explanation.probability_of_true_class));
    text.line(format!(
        "What gives {of} away: of {sure}, the mean probability of the true class out of bag, importance is lost"
    ));
    let row = |one: &Explained| {
        let name = if one.columns == 1 { one.name.clone() } else { format!("{} ({})", one.name, one.columns) };
        let importance = format!("{:.4} ± {:.4}", one.importance, one.deviation);
        let direction = one.direction.map(|direction| format!(", {direction}")).unwrap_or_default();
        let auc = format!("{}{direction}", score(Some(one.auc)));
        [name, one.tells.to_string(), importance, auc, format!("{:.3}", one.bits)]
    };
    text.line(match &explanation.class {
        Some(_) => "AUC: of the value alone, in the direction that tells more: the class has high values, or low ones".to_owned(),
        None => format!(
            "AUC: of the value alone, each class in the direction that tells more; {} is the most that one value can have",
            score(Some(explanation.auc_ceiling))
        ),
    });
    let levels = [
        ("what is told", &explanation.groups),
        ("definition", &explanation.definitions),
        ("feature", &explanation.features),
    ];
    for (name, level) in levels {
        text.table([name, "tells", "importance", "AUC", "bits"], level.iter().take(top).map(row));
        if level.len() > top {
            text.line(format!("{} more: --top, or all with --format json", level.len() - top));
        }
    }
    text
}
