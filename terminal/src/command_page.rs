//! Every command with its arguments and options, as clap has them.

use std::fmt::Write as _;

use clap::{Arg, Command};
use wfkit_report::markdown::{code, list, prose, table};

/// What `--help` says of a program and all of its commands, as a page of Markdown.
pub fn command_page(mut program: Command) -> String {
    program.build();
    let mut text = String::from("# Commands\n\n");
    let everywhere: Vec<&Arg> = program.get_arguments().filter(|arg| arg.is_global_set() && !is_help(arg)).collect();
    let _ = write!(
        text,
        "What `{} COMMAND --help` says, of all of them. Every command takes:\n\n{}",
        program.get_name(),
        options(&everywhere)
    );
    if let Some(words) = program.get_after_help() {
        text.push_str(&list(words.to_string().lines()));
    }
    for command in program.get_subcommands().filter(|command| is_shown(command)) {
        describe(command, program.get_name(), &mut text);
    }
    text
}

fn is_shown(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn is_help(arg: &Arg) -> bool {
    ["help", "version"].contains(&arg.get_id().as_str())
}

fn describe(command: &Command, before: &str, text: &mut String) {
    let name = format!("{before} {}", command.get_name());
    let level = "#".repeat(name.split(' ').count());
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let _ = write!(text, "{level} {}\n\n{}\n\n", code(&name), prose(about.trim()));
    let own = |arg: &&Arg| !arg.is_global_set() && !arg.is_hide_set() && !is_help(arg);
    let (places, named): (Vec<&Arg>, Vec<&Arg>) =
        command.get_arguments().filter(own).partition(|arg| arg.is_positional());
    let commands: Vec<&Command> = command.get_subcommands().filter(|command| is_shown(command)).collect();
    if !(places.is_empty() && named.is_empty()) || commands.is_empty() {
        let usage = command.clone().render_usage().to_string();
        let usage: Vec<&str> = usage.trim_start_matches("Usage:").lines().map(str::trim).collect();
        let _ = write!(text, "```text\n{}\n```\n\n", usage.join("\n"));
    }
    text.push_str(&options(&[places, named].concat()));
    if let Some(words) = command.get_after_long_help().or(command.get_after_help()) {
        let _ = write!(text, "```text\n{}\n```\n\n", words.to_string().trim_end());
    }
    commands.into_iter().for_each(|command| describe(command, &name, text));
}

fn options(args: &[&Arg]) -> String {
    let row = |arg: &&Arg| {
        let values: Vec<String> = arg.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
        let values = if arg.get_action().takes_values() { format!("<{}>", values.join("> <")) } else { String::new() };
        let short = arg.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
        let name = match arg.get_long() {
            Some(long) => format!("{short}--{long} {values}"),
            None => values,
        };
        [code(name.trim()), explained(arg)]
    };
    table(["option", "what it does"], &args.iter().map(row).collect::<Vec<_>>())
}

fn explained(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut told = prose(help.trim());
    if !arg.is_hide_possible_values_set() && arg.get_action().takes_values() {
        let values = arg.get_possible_values();
        let values: Vec<String> = values
            .iter()
            .filter(|value| !value.is_hide_set())
            .map(|value| match value.get_help() {
                Some(help) => format!("{}: {}", code(value.get_name()), prose(&help.to_string())),
                None => code(value.get_name()),
            })
            .collect();
        if !values.is_empty() {
            let _ = write!(told, "<br>One of {}.", values.join("; "));
        }
    }
    let defaults: Vec<String> = arg.get_default_values().iter().map(|value| code(&value.to_string_lossy())).collect();
    if arg.get_action().takes_values() && !defaults.is_empty() {
        let _ = write!(told, "<br>Default: {}.", defaults.join(", "));
    }
    if arg.is_required_set() {
        told.push_str("<br>Required.");
    }
    told
}
