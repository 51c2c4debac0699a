use serde::Deserialize;
use serde_json::json;
use wfkit_metrics::Interval;

use super::{HeatCell, Picture, field, heat};
use crate::table::Table;

/// Trained on some traces, tested on others: a part of the report of `wfkit evaluate --matrix`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Matrix {
    /// What was found, in words.
    pub told: String,
    /// What was trained and tested on.
    pub names: Vec<String>,
    /// Row by row: trained on the row, tested on the column.
    pub cells: Vec<Tested>,
}

/// What was learned from one, tested on another.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Tested {
    /// `within` one, by folds; or `across`.
    pub r#where: String,
    /// Traces tested.
    pub n: u64,
    /// Share of right decisions.
    pub accuracy: Option<f64>,
    /// Its 95 % interval.
    #[serde(default)]
    pub accuracy_95: Option<Interval>,
    /// ROC-AUC, one class against the rest.
    #[serde(default)]
    pub roc_auc_macro_ovr: Option<f64>,
    /// Mean log loss in nats.
    #[serde(default)]
    pub log_loss: Option<f64>,
}

/// A square of accuracies, see [`heat`].
///
/// # Errors
/// Where there is not a cell for every pair of names.
pub fn matrix(title: &str, of: &Matrix) -> Result<Picture, String> {
    let n = of.names.len();
    if n == 0 || of.cells.len() != n * n {
        return Err(format!("a matrix of {n} has {} cells", of.cells.len()));
    }
    let decimal = |value: Option<f64>| value.map_or("-".to_owned(), |number| format!("{number:.4}"));
    let cell = |cell: &Tested| HeatCell {
        value: cell.accuracy,
        interval: cell.accuracy_95.map(|ends| (ends.low, ends.high)),
        within: cell.r#where == "within",
        columns: [cell.n.to_string(), decimal(cell.roc_auc_macro_ovr), decimal(cell.log_loss)],
    };
    let names: Vec<&str> = of.names.iter().map(String::as_str).collect();
    let svg = heat(title, &of.told, &names, &of.cells.iter().map(cell).collect::<Vec<_>>());
    let mut table =
        Table::new(&["trained_on", "tested_on", "traces", "accuracy", "low_95", "high_95", "roc_auc", "log_loss"]);
    for (at, cell) in of.cells.iter().enumerate() {
        let ends = [cell.accuracy_95.map(|ends| ends.low), cell.accuracy_95.map(|ends| ends.high)];
        let numbers = [cell.accuracy, ends[0], ends[1], cell.roc_auc_macro_ovr, cell.log_loss];
        let [accuracy, low, high, auc, loss] = numbers.map(Into::into);
        table.push([
            (&of.names[at / n]).into(),
            (&of.names[at % n]).into(),
            cell.n.into(),
            accuracy,
            low,
            high,
            auc,
            loss,
        ]);
    }
    let reading = "Rows are what was trained on, columns what was tested; on the diagonal, by folds. Where the diagonal is much darker than the rest, what was learned does not last.";
    Ok(Picture::whole(
        title,
        of.told.clone(),
        reading,
        svg,
        table,
        json!({
            "mark": "rect",
            "encoding": {
                "y": { "field": "trained_on", "type": "nominal", "sort": null, "title": "trained on" },
                "x": { "field": "tested_on", "type": "nominal", "sort": null, "title": "tested on" },
                "color": { "field": "accuracy", "type": "quantitative", "scale": { "scheme": "blues", "domain": [0, 1] } },
                "tooltip": [field("trained_on", "nominal", "trained on"), field("tested_on", "nominal", "tested on"), field("accuracy", "quantitative", "accuracy")]
            }
        }),
    ))
}
