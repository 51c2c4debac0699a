//! What the reports of stages look like, as JSON Schema.

/// The schemas by stage. `tests/schemas/write` writes them from the reports that the tests make, and every test holds its reports against them.
const SCHEMAS: [(&str, &str); 40] = [
    ("capture", include_str!("schemas/capture.json")),
    ("capture collect", include_str!("schemas/capture-collect.json")),
    ("classify", include_str!("schemas/classify.json")),
    ("competition check attack", include_str!("schemas/competition-check-attack.json")),
    ("competition check defence", include_str!("schemas/competition-check-defence.json")),
    ("competition export", include_str!("schemas/competition-export.json")),
    ("competition kit", include_str!("schemas/competition-kit.json")),
    ("competition score", include_str!("schemas/competition-score.json")),
    ("competition split", include_str!("schemas/competition-split.json")),
    ("dataset", include_str!("schemas/dataset.json")),
    ("dataset audit", include_str!("schemas/dataset-audit.json")),
    ("dataset convert", include_str!("schemas/dataset-convert.json")),
    ("dataset filter", include_str!("schemas/dataset-filter.json")),
    ("dataset import", include_str!("schemas/dataset-import.json")),
    ("dataset info", include_str!("schemas/dataset-info.json")),
    ("dataset merge", include_str!("schemas/dataset-merge.json")),
    ("dataset relabel", include_str!("schemas/dataset-relabel.json")),
    ("dataset retime", include_str!("schemas/dataset-retime.json")),
    ("dataset sample", include_str!("schemas/dataset-sample.json")),
    ("dataset split", include_str!("schemas/dataset-split.json")),
    ("dataset validate", include_str!("schemas/dataset-validate.json")),
    ("defend", include_str!("schemas/defend.json")),
    ("defend cost", include_str!("schemas/defend-cost.json")),
    ("evaluate", include_str!("schemas/evaluate.json")),
    ("explain", include_str!("schemas/explain.json")),
    ("features", include_str!("schemas/features.json")),
    ("plot alignment", include_str!("schemas/plot-alignment.json")),
    ("plot confusion", include_str!("schemas/plot-confusion.json")),
    ("plot cumulative", include_str!("schemas/plot-cumulative.json")),
    ("plot frontier", include_str!("schemas/plot-frontier.json")),
    ("plot sizes", include_str!("schemas/plot-sizes.json")),
    ("plot waterfall", include_str!("schemas/plot-waterfall.json")),
    ("predict", include_str!("schemas/predict.json")),
    ("run", include_str!("schemas/run.json")),
    ("score", include_str!("schemas/score.json")),
    ("sessions attack", include_str!("schemas/sessions-attack.json")),
    ("sessions make", include_str!("schemas/sessions-make.json")),
    ("sweep", include_str!("schemas/sweep.json")),
    ("tensor", include_str!("schemas/tensor.json")),
    ("train", include_str!("schemas/train.json")),
];

/// Every stage with the schema of its report, by name.
pub fn schemas() -> &'static [(&'static str, &'static str)] {
    &SCHEMAS
}

/// The schema of the report of a stage; words of its name may be joined by `-`. None where no stage has this name.
pub fn schema_of(stage: &str) -> Option<&'static str> {
    let found = SCHEMAS.iter().find(|(known, _)| *known == stage || known.replace(' ', "-") == stage);
    found.map(|(_, schema)| *schema)
}
