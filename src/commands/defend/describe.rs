//! `wfkit defend list` and `describe`: the defences there are, and one of them in full.

use anyhow::Result;
use wfkit_defend::{DefenseInfo, DelayModel, NotSimulated, Variants, list, not_simulated, variants};

use crate::cli::NamedDefense;
use crate::context::Context;
use crate::printer::Entry;

pub(super) fn all(context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(&list());
    }
    let entry = |defence: &DefenseInfo| {
        let presets: Vec<String> =
            defence.presets.iter().map(|preset| format!("{}:{}", defence.name, preset.name)).collect();
        let said = [("what", defence.summary), ("use", defence.purpose), ("cost", defence.cost)];
        let mut said: Vec<(&str, String)> = said.map(|(label, said)| (label, said.to_owned())).into();
        said.insert(0, ("write", presets.join(" ")));
        Entry { name: defence.name.to_owned(), said }
    };
    context.printer.entries(&list().iter().map(entry).collect::<Vec<_>>())?;
    context
        .printer
        .line("\n`wfkit defend describe NAME`: source, parameters, overheads as published, what to know.")?;
    let names: Vec<&str> = not_simulated().iter().map(|defence| defence.name).collect();
    context.printer.line(&format!(
        "Not simulated: {}. `wfkit defend describe NAME` says why, and what it would take.",
        names.join(", ")
    ))
}

pub(super) fn one(named: NamedDefense, context: &Context<'_>) -> Result<()> {
    let defence = match named {
        NamedDefense::Simulated(defence) => defence,
        NamedDefense::NotSimulated(defence) => return absent(defence, context),
    };
    if context.printer.is_json() {
        return context.printer.document(defence);
    }
    let line = |text: &str| context.printer.line(text);
    line(&format!("{}: {}\n\nSource: {}", defence.name, defence.summary, defence.source))?;
    line(&format!("Use: {}\nCost: {}", defence.purpose, defence.cost))?;
    let needs = [
        (defence.needs.sizes, "sizes in bytes"),
        (defence.needs.times, "times"),
        (defence.needs.classes, "training traces with their classes (--fit-on)"),
    ];
    let needs: Vec<&str> = needs.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect();
    line(&format!("Needs: {}", if needs.is_empty() { "nothing".to_owned() } else { needs.join(" and ") }))?;
    for preset in defence.presets {
        line(&format!("\n{}:{}  {}", defence.name, preset.name, preset.summary))?;
        let row = |parameter: &wfkit_defend::Parameter| {
            let (kind, default) = (parameter.kind.to_string(), parameter.default.to_string());
            [parameter.key.to_owned(), kind, default, parameter.meaning.to_owned()]
        };
        let rows: Vec<_> = preset.parameters.iter().map(row).collect();
        if !rows.is_empty() {
            context.printer.table(["parameter", "values", "default", "meaning"], &rows)?;
        }
    }
    let listed = |title: &str, lines: &[&str]| -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        line(&format!("\n{title}"))?;
        lines.iter().try_for_each(|text| line(&format!("  - {text}")))
    };
    listed("Overheads as published:", defence.published)?;
    listed("What to know about its results:", defence.caveats)?;
    if let Some(Variants { paper, code, .. }) = variants().iter().find(|variants| variants.defense == defence.name) {
        let code: Vec<String> = code.iter().map(|code| format!("{}  {}", code.spec, code.what)).collect();
        let title = format!("As in the paper it is {paper}; published code has it otherwise:");
        listed(&title, &code.iter().map(String::as_str).collect::<Vec<_>>())?;
        line(&format!("\n`wfkit sweep TRACES --variants={} --out DIR` shows what that changes.", defence.name))?;
    }
    if defence.presets.iter().any(|preset| preset.parameters.iter().any(|parameter| parameter.key == "delays")) {
        let models = DelayModel::ALL.map(|model| model.to_string()).join(", ");
        line(&format!("\n`wfkit defend` reports its time overhead under every delay model ({models})."))?;
    }
    Ok(())
}

fn absent(defence: &NotSimulated, context: &Context<'_>) -> Result<()> {
    if context.printer.is_json() {
        return context.printer.document(defence);
    }
    let NotSimulated { name, summary, source, reason, needed } = defence;
    context
        .printer
        .line(&format!("{name}: {summary}\n\nSource: {source}\n\nNot simulated: {reason}.\n\nNeeded: {needed}."))
}
