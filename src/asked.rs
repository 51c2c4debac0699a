//! What was asked for: the command line, and every option with its value, for the reports.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use serde_json::Value;
use wfkit_datasets::files::is_same_file;

use crate::cli::Cli;

/// Options that do not decide what comes out: how it is shown, by how many threads, in how many parts. The seed has a field of its own.
const NO_MATTER: [&str; 9] =
    ["at_once", "format", "fresh", "full", "no_croissant", "quiet", "seed", "shard", "threads"];

/// Options whose files are written.
const WRITTEN: [&str; 3] = ["out", "picture", "sheet"];

/// Commands that may write over what they read, since all that they leave out is what was asked for; what else would be lost they look at
/// themselves ([`Context::keep`](crate::context::Context::keep)).
const IN_PLACE: [&str; 5] = ["convert", "filter", "relabel", "retime", "sample"];

/// Options by name, each with its value, or its values in a list.
pub(crate) type Options = BTreeMap<String, Value>;

/// A command line that was understood.
pub(crate) struct Asked {
    pub(crate) cli: Cli,
    /// The options that decide what comes out.
    pub(crate) options: Options,
}

impl Asked {
    /// Reads a command line, its first word the program's name.
    ///
    /// # Errors
    /// What clap has to say: of wrong usage, or the help that was asked for.
    pub(crate) fn of(words: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = Cli::command();
        let mut matches = command.try_get_matches_from_mut(words)?;
        if let Some(mistake) = writes_over_input(&command, &matches) {
            return Err(command.error(ErrorKind::ValueValidation, mistake));
        }
        let options = options(&command, &matches);
        let cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { cli, options })
    }
}

/// Whether a value of `arg` is a path. Paths are no options: what is read is among the inputs of a report, and where things go does not matter.
pub(crate) fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

/// The command that was asked for, below all others.
fn innermost<'a>(mut command: &'a Command, mut matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        command = command.find_subcommand(name).expect("clap has found it");
        matches = inner;
    }
    (command, matches)
}

fn options(command: &Command, matches: &ArgMatches) -> Options {
    let (command, matches) = innermost(command, matches);
    let mut options = Options::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(name) = arg.get_long().filter(|_| !NO_MATTER.contains(&id) && !is_path(arg)) else { continue };
        let Ok(Some(written)) = matches.try_get_raw(id) else { continue };
        let mut values: Vec<Value> = written.map(|value| typed(&value.to_string_lossy())).collect();
        let one = match values.len() {
            1 => values.remove(0),
            _ => Value::Array(values),
        };
        if one != Value::Bool(false) {
            options.insert(name.to_owned(), one);
        }
    }
    options
}

/// What is wrong where a file that is read would be written over.
fn writes_over_input(command: &Command, matches: &ArgMatches) -> Option<String> {
    let (command, matches) = innermost(command, matches);
    let is_written = |id: &str| WRITTEN.contains(&id) || (command.get_name(), id) == ("train", "weights");
    let paths_of =
        |arg: &Arg| matches.try_get_many::<PathBuf>(arg.get_id().as_str()).ok().flatten().unwrap_or_default();
    let paths = |written: bool| {
        let of_kind = move |arg: &&Arg| is_path(arg) && is_written(arg.get_id().as_str()) == written;
        command.get_arguments().filter(of_kind).flat_map(|arg| paths_of(arg).map(move |path| (arg, path)))
    };
    let (option, path) = paths(true).find(|(option, out)| {
        let may = option.get_id() == "out" && IN_PLACE.contains(&command.get_name());
        !may && paths(false).any(|(_, path)| is_same_file(out, path))
    })?;
    let name = option.get_long().unwrap_or_default();
    Some(format!("{}: it is what is read, and would be lost; name another file for --{name}", path.display()))
}

/// A whole number, yes or no; else as it is written.
fn typed(written: &str) -> Value {
    // What has another spelling, as 01, is text.
    let number = written.parse::<i64>().ok().filter(|number| number.to_string() == written);
    match (number, written.parse::<bool>()) {
        (Some(number), _) => number.into(),
        (_, Ok(is)) => is.into(),
        _ => written.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Asked {
        Asked::of(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn options_have_their_values_and_defaults_and_no_paths() {
        let options =
            asked("wfkit evaluate t.parquet --attack best --few-shot 1,5 --out p.csv --threads 2 --seed 3").options;
        assert_eq!(options["attack"], "best");
        assert_eq!(options["few-shot"], serde_json::json!([1, 5]));
        assert_eq!(options["class-weight"], "equal", "by default");
        for absent in ["out", "threads", "seed", "full", "shuffle-labels", "input", "help"] {
            assert!(!options.contains_key(absent), "{absent} in {options:?}");
        }
        assert_eq!(asked("wfkit evaluate t.parquet --shuffle-labels").options["shuffle-labels"], true);
        assert_eq!(asked("wfkit capture import a --out b.csv").options["client"], "auto");
    }
}
