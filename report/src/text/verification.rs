//! Whether a defended set is what it says.

use wfkit_defend::{HeldToBy, Invariant, LeftAlone};
use wfkit_evaluate::Verification;

use super::Text;

/// What was looked at, what holds, and what is broken, the first twenty.
pub fn verification(verified: &Verification) -> Text {
    let mut rows = Vec::new();
    if let Some(audit) = &verified.audit {
        rows.extend([
            ["pairs of traces".to_owned(), audit.pairs.to_string()],
            ["originals without a defended trace".to_owned(), audit.missing.len().to_string()],
            ["defended traces without an original".to_owned(), audit.unexpected.len().to_string()],
        ]);
        for (kept, count) in &audit.kinds {
            rows.push([format!("pairs that keep {}", in_words(*kept)), count.to_string()]);
        }
        let held_to = match audit.held_to_by {
            HeldToBy::Layers => format!("{}: the layers that the file names promise it", in_words(audit.held_to)),
            HeldToBy::OtherPairs => format!("{}: nine in ten pairs do", in_words(audit.held_to)),
            HeldToBy::Nothing => "nothing: neither layers nor other pairs tell what is left alone".to_owned(),
        };
        if !verified.cannot_show.is_empty() {
            rows.push(["every pair is held to keeping".to_owned(), held_to]);
        }
        if audit.starts_unknown > 0 {
            let least = audit.least_start_delay_ns as f64 / 1e9;
            rows.push(["traces without a start time".to_owned(), audit.starts_unknown.to_string()]);
            rows.push([
                "if nothing left early, one of them started late by at least".to_owned(),
                format!("{least:.6} s"),
            ]);
        }
    }
    match &verified.manifest {
        Some(manifest) => {
            rows.push(["manifest".to_owned(), format!("{}, definition {}", manifest.file, manifest.definition)]);
            for (name, test) in manifest.tests() {
                let verdict = match test.passed {
                    Some(true) => "yes",
                    Some(false) => "NO",
                    None => "not tested",
                };
                rows.push([format!("manifest: {name}"), format!("{verdict}: {}", test.detail)]);
            }
        }
        None => rows.push(["manifest".to_owned(), "none".to_owned()]),
    }
    rows.push(["broken".to_owned(), verified.broken.len().to_string()]);
    let passed = match verified.passed {
        true if verified.cannot_show.is_empty() => "yes",
        true => "as far as these files can show",
        false => "NO",
    };
    rows.push(["passed".to_owned(), passed.to_owned()]);
    let mut text = Text::new();
    text.table(["verify", ""], rows);
    invariants(verified, &mut text);
    if !verified.cannot_show.is_empty() {
        text.line("Without the set made again by its manifest nobody would see:");
        text.lines(verified.cannot_show.iter().map(|fault| format!("  - {fault}")));
    }
    text.lines(verified.broken.iter().take(20).map(ToString::to_string));
    text
}

/// What every defended set has to keep, and whether it was looked at here.
fn invariants(verified: &Verification, text: &mut Text) {
    let Verification { tested, not_promised, untestable, .. } = verified;
    let states = [(tested, "tested"), (not_promised, "not promised"), (untestable, "not told by these files")];
    let row = |(invariant, state): (&Invariant, &str)| {
        [invariant.to_string(), state.to_owned(), invariant.meaning().to_owned()]
    };
    let mut all: Vec<(&Invariant, &str)> =
        states.into_iter().flat_map(|(some, state)| some.iter().map(move |one| (one, state))).collect();
    all.sort_by_key(|(invariant, _)| invariant.number());
    if !all.is_empty() {
        text.table(["invariant", "here", "what it says"], all.into_iter().map(row));
    }
}

fn in_words(kept: LeftAlone) -> &'static str {
    match kept {
        LeftAlone::Everything => "everything (no defence)",
        LeftAlone::Packets => "every packet among others (padding only)",
        LeftAlone::Times => "times and directions (sizes only)",
        LeftAlone::Sizes => "sizes each way (delays only)",
        LeftAlone::Nothing => "none of times, sizes, packets",
    }
}
