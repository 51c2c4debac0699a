//! The attacks, the defences, and what every defended trace keeps.

use std::fmt::Write as _;

use wfkit_classify::every_attack;
use wfkit_defend::{DefenseInfo, Invariant, Parameter, list, not_simulated, variants};

use crate::markdown::{self, code, prose, table};

/// Every attack.
pub fn attacks() -> String {
    let rows = every_attack().iter().map(|attack| {
        let aliases = attack.aliases.iter().map(|alias| format!(" ({})", code(alias))).collect::<String>();
        let features = attack
            .features
            .map_or_else(|| "-".to_owned(), |sets| sets.split(',').map(code).collect::<Vec<_>>().join(", "));
        [
            code(attack.name) + &aliases,
            prose(attack.description),
            prose(attack.purpose),
            features,
            attack.cost.to_owned(),
            prose(attack.source),
        ]
    });
    format!(
        "# Attacks\n\nWhat `wfkit attacks` lists. Cost is beside the forest of `kfp-175` over the same traces. Sets of features joined by commas, \
         `kfp-size,cumul`, are attacks too: a forest of 100 trees over all of them.\n\n{}",
        table(["attack", "what it does", "use it for", "features", "cost", "source"], &rows.collect::<Vec<_>>())
    )
}

/// Every defence, and what is left out.
pub fn defences() -> String {
    let mut text = String::from(
        "# Defences\n\nWritten `name:preset,key=value`, layers joined by `+`, the first applied first: `front:ft-1,w-max=7s+pad:mtu`. Durations, \
         sizes and rates need their unit (`40ms`, `750B`, `10Mbit/s`), counts and ratios have none. A preset with the parameters of the one above it is not \
         listed twice.\n\n",
    );
    list().iter().for_each(|defence| defended_by(defence, &mut text));
    text.push_str("## Not simulated\n\nKnown, and left out, with what it would take.\n\n");
    let rows = not_simulated()
        .iter()
        .map(|one| [code(one.name), prose(one.summary), prose(one.reason), prose(one.needed), prose(one.source)]);
    text + &table(["defence", "what it does", "why it is not here", "needed", "source"], &rows.collect::<Vec<_>>())
}

fn defended_by(defence: &DefenseInfo, text: &mut String) {
    let needs = [
        (defence.needs.sizes, "sizes in bytes"),
        (defence.needs.times, "times"),
        (defence.needs.classes, "training traces with their classes (`--fit-on`)"),
    ];
    let needs: Vec<&str> = needs.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    let needs = if needs.is_empty() { "nothing".to_owned() } else { needs.join(" and ") };
    let (name, summary, source) = (defence.name, prose(defence.summary), prose(defence.source));
    let _ = write!(text, "## {}\n\n{summary}. Source: {source}. Needs {needs}.\n\n", code(name));
    let presets =
        defence.presets.iter().map(|preset| [code(&format!("{name}:{}", preset.name)), prose(preset.summary)]);
    text.push_str(&table(["preset", "what it is"], &presets.collect::<Vec<_>>()));
    let mut above = String::new();
    for preset in defence.presets {
        let of = |parameter: &Parameter| {
            let (kind, default) = (parameter.kind.to_string(), parameter.default.to_string());
            [code(parameter.key), prose(&kind), prose(&default), prose(parameter.meaning)]
        };
        let rows: Vec<_> = preset.parameters.iter().map(of).collect();
        let table = table(["parameter", "values", "default", "meaning"], &rows);
        if !table.is_empty() && table != above {
            let _ = write!(text, "Parameters of `{name}:{}`:\n\n{table}", preset.name);
        }
        above = table;
    }
    let listed = |title: &str, lines: &[&str]| match lines {
        [] => String::new(),
        lines => format!("{title}\n\n{}", markdown::list(lines.iter().copied())),
    };
    text.push_str(&listed("Overheads as published:", defence.published));
    text.push_str(&listed("What to know about its results:", defence.caveats));
    if let Some(found) = variants().iter().find(|variants| variants.defense == name) {
        let _ = write!(text, "As in the paper it is `{}`; published code has it otherwise:\n\n", found.paper);
        let rows: Vec<_> = found.code.iter().map(|code| [self::code(code.spec), prose(code.what)]).collect();
        text.push_str(&table(["specification", "whose code, and what it changes"], &rows));
    }
}

/// What every defended trace keeps.
pub fn invariants() -> String {
    let rows = Invariant::ALL.map(|invariant| {
        let name = invariant.to_string();
        let (number, name) = name.split_once(' ').unwrap_or((&name, ""));
        [number.to_owned(), code(name), invariant.meaning().to_owned()]
    });
    format!(
        "# What every defended trace keeps\n\nEvery defended trace is checked after every layer, and `wfkit defend verify ORIGINAL DEFENDED` checks a file, \
         whoever wrote it. An invariant that a defence does not promise is not checked: nobody expects a defence that delays to keep \
         times.\n\n{}",
        table(["number", "name", "what it says"], &rows)
    )
}
