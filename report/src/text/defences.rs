//! The defences there are, and one of them in full; and what speaks against one.

use std::fmt::Write as _;

use wfkit_defend::{
    DefenseInfo, DelayModel, Finding, NotSimulated, Parameter, Variants, list, not_simulated as left_out, variants,
};

use super::{Entry, Text};

/// Those that are simulated in a few words each, and the names of the others.
pub fn defences() -> Text {
    let mut text = Text::new();
    let entry = |defence: &DefenseInfo| {
        let presets: Vec<String> =
            defence.presets.iter().map(|preset| format!("{}:{}", defence.name, preset.name)).collect();
        let said = [("what", defence.summary), ("use", defence.purpose), ("cost", defence.cost)];
        let mut said: Vec<(&str, String)> = said.map(|(label, said)| (label, said.to_owned())).into();
        said.insert(0, ("write", presets.join(" ")));
        Entry { name: defence.name.to_owned(), said }
    };
    text.entries(list().iter().map(entry));
    text.line("\n`wfkit defend describe NAME`: source, parameters, overheads as published, what to know.");
    let names: Vec<&str> = left_out().iter().map(|defence| defence.name).collect();
    text.line(format!(
        "Not simulated: {}. `wfkit defend describe NAME` says why, and what it would take.",
        names.join(", ")
    ));
    text
}

/// Their names and presets with a few words each, and how one is written.
pub fn defence_names() -> String {
    let mut text = String::from(
        "Defences, written name[:preset][,key=value], layers joined by + (front:ft-1,w-max=7s+pad:mtu); `wfkit defend describe NAME` \
         tells the parameters, source, published overheads and caveats of one:\n",
    );
    for defence in list() {
        let _ = writeln!(text, "  {}: {}", defence.name, defence.summary); // Writing to a string does not fail.
        for preset in defence.presets {
            let name = format!("{}:{}", defence.name, preset.name);
            let _ = writeln!(text, "      {name:<24} {}", preset.summary);
        }
    }
    text.push_str("A trace file that is called like a command is written ./list.");
    text
}

/// All that is known of one.
pub fn defence(defence: &DefenseInfo) -> Text {
    let mut text = Text::new();
    text.line(format!("{}: {}\n\nSource: {}", defence.name, defence.summary, defence.source));
    text.line(format!("Use: {}\nCost: {}", defence.purpose, defence.cost));
    let needs = [
        (defence.needs.sizes, "sizes in bytes"),
        (defence.needs.times, "times"),
        (defence.needs.classes, "training traces with their classes (--fit-on)"),
    ];
    let needs: Vec<&str> = needs.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    text.line(format!("Needs: {}", if needs.is_empty() { "nothing".to_owned() } else { needs.join(" and ") }));
    for preset in defence.presets {
        text.line(format!("\n{}:{}  {}", defence.name, preset.name, preset.summary));
        let row = |parameter: &Parameter| {
            let (kind, default) = (parameter.kind.to_string(), parameter.default.to_string());
            [parameter.key.to_owned(), kind, default, parameter.meaning.to_owned()]
        };
        let rows: Vec<_> = preset.parameters.iter().map(row).collect();
        if !rows.is_empty() {
            text.table(["parameter", "values", "default", "meaning"], rows);
        }
    }
    listed(&mut text, "Overheads as published:", defence.published);
    listed(&mut text, "What to know about its results:", defence.caveats);
    if let Some(Variants { paper, code, .. }) = variants().iter().find(|variants| variants.defense == defence.name) {
        let code: Vec<String> = code.iter().map(|code| format!("{}  {}", code.spec, code.what)).collect();
        let title = format!("As in the paper it is {paper}; published code has it otherwise:");
        listed(&mut text, &title, &code.iter().map(String::as_str).collect::<Vec<_>>());
        text.line(format!("\n`wfkit sweep TRACES --variants={} --out DIR` shows what that changes.", defence.name));
    }
    if defence.presets.iter().any(|preset| preset.parameters.iter().any(|parameter| parameter.key == "delays")) {
        let models = DelayModel::ALL.map(|model| model.to_string()).join(", ");
        text.line(format!("\n`wfkit defend` reports its time overhead under every delay model ({models})."));
    }
    text
}

fn listed(text: &mut Text, title: &str, lines: &[&str]) {
    if !lines.is_empty() {
        text.line(format!("\n{title}")).lines(lines.iter().map(|line| format!("  - {line}")));
    }
}

/// Why one is left out, and what it would take.
pub fn not_simulated(defence: &NotSimulated) -> Text {
    let NotSimulated { name, summary, source, reason, needed } = defence;
    let mut text = Text::new();
    text.line(format!("{name}: {summary}\n\nSource: {source}\n\nNot simulated: {reason}.\n\nNeeded: {needed}."));
    text
}

/// What speaks against a defence on traces, `traces` of them.
pub fn findings(spec: &str, findings: &[Finding], traces: usize) -> Text {
    let mut text = Text::new();
    if findings.is_empty() {
        text.line(format!("{spec}: nothing to say against it on {traces} traces"));
        return text;
    }
    let row = |finding: &Finding| [finding.severity.to_string(), finding.layer.clone(), finding.message.clone()];
    text.table(["", "layer", "what"], findings.iter().map(row));
    text
}
