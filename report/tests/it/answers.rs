use serde_json::json;
use wfkit_report::answer;

use crate::made_up::{predicted, stages};
use crate::snapshot;

#[test]
fn answers_fit_eighty_columns_and_begin_with_what_was_found() {
    let mut stages = stages(&predicted(10, 20));
    let evaluated = &mut stages[1].report;
    evaluated
        .privacy
        .extras
        .set("split", "5 stratified folds of a long description that does not fit into one line of a terminal at all");
    evaluated.privacy.extras.set(
        "leakage",
        json!({ "bayes_error": { "estimate": 0.2, "by": "kfp-size", "interval_95": { "low": 0.1, "high": 0.3 } } }),
    );
    evaluated.privacy.extras.set("shortcuts", json!({ "warning": "when traces were recorded tells as much" }));
    evaluated.problems.push("when traces were recorded tells as much; wfkit dataset audit says more".to_owned());
    for (name, answer) in [
        ("evaluate", answer::evaluated(&stages[1].report)),
        ("defend", answer::defended(&stages[3].report)),
        ("unmeasured", answer::evaluated(&stages[0].report)),
    ] {
        let text = answer.text();
        assert!(text.iter().all(|line| line.chars().count() <= 80), "{text:#?}");
        snapshot(&format!("{name}.txt"), &(text.join("\n") + "\n"));
    }
    let told = answer::evaluated(&stages[1].report).text().join(" ");
    assert_eq!(told.matches("tells as much").count(), 1, "a warning is told once");
    assert_eq!(answer::evaluated(&stages[0].report).headline, "what totals finds is not measured: one class only");
}
