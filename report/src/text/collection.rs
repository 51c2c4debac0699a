//! What a collection of captures would do.

use std::time::Duration;

use wfkit_capture::live::{DryRun, Progress};

use super::Text;

/// The plan, how far it is, and how long the rest may take.
pub fn dry_run(plan: &DryRun) -> Text {
    let Progress { done, given_up, left } = plan.progress;
    let filter = if plan.filter.is_empty() { "none" } else { &plan.filter };
    let mut rows = vec![
        ["folder".to_owned(), plan.out.display().to_string()],
        ["interface".to_owned(), plan.interface.clone()],
        ["filter".to_owned(), filter.to_owned()],
        ["queries".to_owned(), format!("{} ({} classes x {} reps)", plan.queries, plan.classes, plan.reps)],
        ["done, given up, left".to_owned(), format!("{done}, {given_up}, {left}")],
        ["time, at least".to_owned(), format!("{} (quiet times alone)", shown(plan.at_least))],
        ["time, at most".to_owned(), format!("{} (every try ends by timeout)", shown(plan.at_most))],
    ];
    rows.extend(plan.at_pace.map(|time| ["time, at the pace so far".to_owned(), shown(time)]));
    rows.extend(plan.next.iter().map(|command| ["next".to_owned(), command.join(" ")]));
    let mut text = Text::new();
    text.table(["", "plan"], rows);
    text
}

fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
