//! Pipeline files: the options of `wfkit run` in TOML, written with what each does, read with the line of each mistake.
//!
//! A key is an option without its dashes. Keys, values and defaults are those of the command line, so that neither can say what the other cannot.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::builder::StyledStr;
use clap::parser::ValueSource;
use clap::{Arg, Command, CommandFactory as _};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use wfkit_metrics::did_you_mean_one_of;
use wfkit_report::words::wrapped;

use crate::TOOL;
use crate::asked::{Options, is_path};
use crate::cli::{self, Cli};

/// The table of the options that say how captures are read.
const CAPTURES: &str = "captures";

/// The file that a run leaves in its folder.
pub(crate) const PIPELINE: &str = "pipeline.toml";

/// Letters of a line of what is explained.
const WIDTH: usize = 98;

/// The key of what goes through the pipeline.
const INPUT: &str = "input";

/// The key of where everything goes.
const OUT: &str = "out";

/// The one option of every command that a pipeline file may set, too.
const SEED: &str = "seed";

/// The command line that `words` stand for: those of `wfkit run FILE.toml` with what the file says before what else they say; others as they are.
///
/// # Errors
/// A file that cannot be read, a key that is no option, a value that its option does not take; each with file and line.
pub(crate) fn unfolded(words: Vec<OsString>) -> Result<Vec<OsString>> {
    let Ok(matches) = Cli::command().try_get_matches_from(&words) else { return Ok(words) }; // Told by whoever reads them.
    let Some(run) = matches.subcommand_matches("run") else { return Ok(words) };
    let Some(file) = run.get_one::<PathBuf>("input").filter(|input| is_pipeline(input)) else { return Ok(words) };
    let is_said = |arg: &Arg| run.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let options = options_in(file)?.into_iter().filter(|option| option.key == INPUT || !is_said(&option.arg));
    let place = words.iter().rposition(|word| Path::new(word) == file).expect("clap has found it among them");
    let others = words.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, word)| word.clone());
    Ok(others.chain(options.flat_map(|option| option.words)).collect())
}

/// Whether `input` is a pipeline file, by its name.
pub(crate) fn is_pipeline(input: &Path) -> bool {
    input.extension().is_some_and(|ending| ending == "toml")
}

/// What one key of a file says.
struct Written {
    key: String,
    arg: Arg,
    words: Vec<OsString>,
}

/// What all keys of a file say.
fn options_in(file: &Path) -> Result<Vec<Written>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("{}: cannot read the pipeline file", file.display()))?;
    let at = |place: usize| format!("{}:{}", file.display(), line_of(&text, place));
    let table = DeTable::parse(&text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        anyhow::anyhow!("{}: {}", at(place), error.message())
    })?;
    let command = run_command();
    let (mut options, mut mistakes) = (Vec::new(), Vec::new());
    let mut take = |key: &Spanned<DeString<'_>>, of_captures, value: &Spanned<DeValue<'_>>| match option(
        &command,
        (key.get_ref(), of_captures),
        value.get_ref(),
        file,
    ) {
        Ok(option) => options.push(option),
        Err(mistake) => mistakes.push((key.span().start, format!("{}: {mistake}", at(key.span().start)))),
    };
    for (key, value) in table.get_ref() {
        match value.get_ref() {
            DeValue::Table(inner) if key.get_ref() == CAPTURES => {
                inner.iter().for_each(|(key, value)| take(key, true, value));
            }
            _ => take(key, false, value),
        }
    }
    mistakes.sort();
    match mistakes.is_empty() {
        true => Ok(options),
        false => bail!("{}", mistakes.into_iter().map(|(_, told)| told).collect::<Vec<_>>().join("\n")),
    }
}

/// What `key = value` says, above all tables or in that of the captures.
fn option(command: &Command, (key, of_captures): (&str, bool), value: &DeValue<'_>, file: &Path) -> Result<Written> {
    let known = || settable(command).filter(|arg| is_of_captures(arg) == of_captures);
    let Some(arg) = known().find(|arg| key_of(arg) == key) else {
        if let Some(elsewhere) = settable(command).find(|arg| key_of(arg) == key) {
            match is_of_captures(elsewhere) {
                true => bail!("`{key}` belongs below [{CAPTURES}]"),
                false => bail!("`{key}` belongs above [{CAPTURES}]"),
            }
        }
        let names: Vec<&str> = known().map(key_of).collect();
        bail!(
            "`{key}` is no option{}; there are {}",
            did_you_mean_one_of(key, names.iter().copied()),
            names.join(", ")
        );
    };
    let mut words = Vec::new();
    for text in texts(key, value)? {
        let text = match is_path(arg) {
            true => file.parent().unwrap_or(Path::new("")).join(text).into_os_string(),
            false => text.into(),
        };
        words.extend(as_words(arg, &text));
    }
    // Alone, so that what is wrong is wrong with this key.
    let alone = std::iter::once(OsString::from("wfkit run")).chain(words.iter().cloned());
    if let Err(error) = command.clone().no_binary_name(false).try_get_matches_from(alone) {
        let told = error.to_string();
        let told = told.trim_start_matches("error: ").lines().take_while(|line| !line.trim().is_empty());
        bail!("{}", told.map(str::trim).collect::<Vec<_>>().join(" "));
    }
    Ok(Written { key: key.to_owned(), arg: arg.clone(), words })
}

/// The words that set `arg` to `text`.
fn as_words(arg: &Arg, text: &OsString) -> Vec<OsString> {
    let Some(long) = arg.get_long() else { return vec![text.clone()] };
    let mut word = OsString::from(format!("--{long}"));
    if arg.get_action().takes_values() {
        word.push("=");
        word.push(text);
    } else if text != "true" {
        return Vec::new();
    }
    vec![word]
}

/// A value, or those of a list, as they would be on a command line.
fn texts(key: &str, value: &DeValue<'_>) -> Result<Vec<String>> {
    Ok(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Float(number) => vec![number.to_string()],
        DeValue::Boolean(is) => vec![is.to_string()],
        DeValue::Array(values) => {
            let each: Result<Vec<_>> = values.iter().map(|value| texts(key, value.get_ref())).collect();
            each?.concat()
        }
        DeValue::Datetime(_) => bail!("`{key}` is no moment; write it in quotes if it is a name"),
        DeValue::Table(_) => bail!("[{key}] is no table of a pipeline; there is [{CAPTURES}]"),
    })
}

fn line_of(text: &str, place: usize) -> usize {
    text.as_bytes()[..place.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

/// `wfkit run`, with the options of every command.
fn run_command() -> Command {
    let mut all = Cli::command();
    all.build();
    all.find_subcommand("run").expect("it is one of ours").clone()
}

/// What a pipeline file may set.
fn settable(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        let is_of_run = arg.get_help_heading() != Some(cli::EVERYWHERE) && arg.get_id() != "help";
        is_of_run || key_of(arg) == SEED
    })
}

fn is_of_captures(arg: &Arg) -> bool {
    arg.get_help_heading() == Some(cli::READING_CAPTURES)
}

fn key_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or(arg.get_id().as_str())
}

/// A pipeline file with every option: what it does, and its default as a comment; `input` as given.
pub(crate) fn commented(input: Option<&Path>) -> String {
    let command = run_command();
    let mut text =
        "# A pipeline of wfkit. `wfkit run` with the name of this file runs it; what is said on the command\n\
                    # line besides takes precedence. Paths are relative to the folder of this file. What starts\n\
                    # with # is the default.\n"
            .to_owned();
    let (captures, others): (Vec<_>, Vec<_>) = settable(&command).partition(|arg| is_of_captures(arg));
    for arg in others {
        match input {
            Some(input) if key_of(arg) == INPUT => {
                text += &explained(arg);
                text += &format!("input = {}\n", quoted(&input.to_string_lossy()));
            }
            _ => text += &with_default(arg),
        }
    }
    text += &format!("\n# How captures are read; of no matter where the input is traces.\n[{CAPTURES}]\n");
    captures.into_iter().for_each(|arg| text += &with_default(arg));
    text
}

fn with_default(arg: &Arg) -> String {
    let mut text = explained(arg);
    let defaults: Vec<String> =
        arg.get_default_values().iter().map(|value| typed(arg, &value.to_string_lossy())).collect();
    let named = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    text += &match defaults.as_slice() {
        [] if !arg.get_action().takes_values() => format!("# {} = false\n", key_of(arg)),
        [] => format!("# {} = {}  # not set\n", key_of(arg), quoted(named)),
        [one] => format!("# {} = {one}\n", key_of(arg)),
        several => format!("# {} = [{}]\n", key_of(arg), several.join(", ")),
    };
    text
}

/// The help of an option, as comments.
fn explained(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(StyledStr::to_string).unwrap_or_default();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ") + ".";
    let mut text = "\n".to_owned();
    wrapped(&words, WIDTH).iter().for_each(|line| text += &format!("# {line}\n"));
    let values: Vec<String> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    if arg.get_action().takes_values() && !values.is_empty() {
        text += &format!("# One of: {}.\n", values.join(", "));
    }
    text
}

/// A pipeline file that repeats what was asked for, to stand in `folder`, where it all goes.
pub(crate) fn repeating(asked: &cli::Run, options: &Options, seed: u64, folder: &Path) -> String {
    let relative = |path: &Path| {
        let absolute = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let between = pathdiff::diff_paths(absolute(path), absolute(folder));
        quoted(&between.unwrap_or_else(|| path.to_owned()).to_string_lossy())
    };
    let value_of = |arg: &Arg| match key_of(arg) {
        INPUT => asked.input.as_deref().map(relative),
        "labels" => asked.import.labels.as_deref().map(relative),
        OUT => Some(quoted(".")),
        SEED => Some(seed.to_string()),
        key => options.get(key).map(|value| match value {
            Value::Array(values) => {
                format!("[{}]", values.iter().map(|value| written(arg, value)).collect::<Vec<_>>().join(", "))
            }
            one => written(arg, one),
        }),
    };
    let command = run_command();
    let lines = |of_captures: bool| -> String {
        let args = settable(&command).filter(|arg| is_of_captures(arg) == of_captures);
        args.filter_map(|arg| Some(format!("{} = {}\n", key_of(arg), value_of(arg)?))).collect()
    };
    format!(
        "# What made this folder, by {TOOL}: `wfkit rerun` with its name makes everything again and compares.\n{}\n[{CAPTURES}]\n{}",
        lines(false),
        lines(true)
    )
}

fn written(arg: &Arg, value: &Value) -> String {
    match value {
        Value::String(text) => typed(arg, text),
        other => typed(arg, &other.to_string()),
    }
}

/// A value as TOML: numbers and flags bare, all else in quotes.
fn typed(arg: &Arg, text: &str) -> String {
    let is_bare = text.parse::<i64>().is_ok() || !arg.get_action().takes_values();
    if is_bare { text.to_owned() } else { quoted(text) }
}

/// A string of TOML, whose escapes are JSON's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
