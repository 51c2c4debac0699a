//! Whether when or where traces were recorded tells as much as the attack found.

use serde_json::{Value, json};
use wfkit_classify::Samples;
use wfkit_datasets::splits::Split;

use crate::context::Context;
use crate::measure;
use crate::shortcuts::{Measured, Standing, of_recording};

/// Trees that see a shortcut, at little cost.
const TREES: usize = 25;

/// Above so many traces, `wfkit dataset audit` is to be asked.
const MOST_TRACES: usize = 20_000;

/// For the report; warns of shortcuts of the recording that are above chance and not below the attack.
pub(super) fn of(samples: Samples<'_>, splits: &[Split], attack: &measure::Measured, context: &Context<'_>) -> Value {
    if samples.len() > MOST_TRACES {
        return json!({ "trees": TREES, "reason": format!("not looked for above {MOST_TRACES} traces: wfkit dataset audit does") });
    }
    let (name, beside) = (&attack.attack, attack.accuracy_95());
    let shortcuts = of_recording(samples, context.seed);
    let measured = Measured::all(&shortcuts, samples, splits, (TREES, context.seed), beside);
    let told: Vec<Value> = measured.iter().map(Measured::told).collect();
    let mut report = json!({ "trees": TREES, "of_recording": told });
    let loud = measured.iter().filter(|one| one.is_recording_at(Standing::AsGoodAsTheAttack));
    let sentences: Vec<String> = loud.filter_map(|one| one.sentence(name, beside)).collect();
    if !sentences.is_empty() {
        let warning = format!("a shortcut beats the attack or is as good: {}", sentences.join("; "));
        context.warn_of_input(&format!("{warning}; wfkit dataset audit says more"));
        report["warning"] = json!(warning);
    }
    report
}
