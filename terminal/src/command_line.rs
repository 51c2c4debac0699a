//! What a command line asks for, beyond the types that clap makes of it.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, Parser};
use serde_json::Value;
use wfkit_datasets::files::is_same_file;

use crate::Global;

/// Options by name, each with its value, or its values in a list.
pub type Options = BTreeMap<String, Value>;

/// The command line of a program whose reports tell its options, and which does not write over what it reads.
pub trait CommandLine: Parser {
    /// Ids of options that do not decide what comes out: how it is shown, by how many threads, in how many parts.
    const NO_MATTER: &[&str];

    /// The options of every command.
    fn global(&self) -> &Global;

    /// Whether the file of an option is written by a command; both by their ids.
    fn is_written(command: &str, option: &str) -> bool;

    /// Whether such a file may be one that is read.
    fn may_be_read(command: &str, option: &str) -> bool;
}

/// A command line that was understood.
#[derive(Debug)]
pub struct Asked<C> {
    /// What was asked for.
    pub cli: C,
    /// The options that decide what comes out.
    pub options: Options,
}

impl<C: CommandLine> Asked<C> {
    /// Reads a command line, its first word the program's name.
    ///
    /// # Errors
    /// What clap has to say: of wrong usage, of a file that is read and would be written over, or the help that was asked for.
    pub fn of(words: &[OsString]) -> Result<Self, clap::Error> {
        let mut command = C::command();
        let mut matches = command.try_get_matches_from_mut(words)?;
        let name = innermost(&command, &matches).0.get_name();
        let over = written_over(&command, &matches, |id| C::is_written(name, id), |id| C::may_be_read(name, id));
        if let Some((option, path)) = over {
            let (option, path) = (option.get_long().unwrap_or_default(), path.display());
            let mistake = format!("{path}: it is what is read, and would be lost; name another file for --{option}");
            return Err(command.error(ErrorKind::ValueValidation, mistake));
        }
        let options = options(&command, &matches, C::NO_MATTER);
        let cli = C::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { cli, options })
    }
}

/// Whether a value of `arg` is a path. Paths are no options: what is read is among the inputs of a report, and where things go does not matter.
pub fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

/// The command that was asked for, below all others, and what was said of it.
pub fn innermost<'a>(mut command: &'a Command, mut matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    while let Some((name, inner)) = matches.subcommand() {
        command = command.find_subcommand(name).expect("clap has found it");
        matches = inner;
    }
    (command, matches)
}

/// The options of the [`innermost`] command that are set, also by default, but for paths, flags that are off, and those whose ids are in `no_matter`.
pub fn options(command: &Command, matches: &ArgMatches, no_matter: &[&str]) -> Options {
    let (command, matches) = innermost(command, matches);
    let mut options = Options::new();
    for arg in command.get_arguments() {
        let id = arg.get_id().as_str();
        let Some(name) = arg.get_long().filter(|_| !no_matter.contains(&id) && !is_path(arg)) else { continue };
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

/// The words that ask for these options again.
pub fn words_of(options: &Options) -> Vec<OsString> {
    let word = |option: &str, value: &Value| match value {
        Value::Bool(_) => format!("--{option}").into(),
        Value::String(text) => format!("--{option}={text}").into(),
        other => format!("--{option}={other}").into(),
    };
    let words = |(option, value): (&String, &Value)| -> Vec<OsString> {
        match value {
            Value::Array(values) => values.iter().map(|value| word(option, value)).collect(),
            value => vec![word(option, value)],
        }
    };
    options.iter().flat_map(words).collect()
}

/// The option by which a file would be written that is read, too, and that file. `is_written` says of an id whether its files are written, `may` of
/// one of those whether it may be the same.
pub fn written_over<'a>(
    command: &'a Command,
    matches: &'a ArgMatches,
    is_written: impl Fn(&str) -> bool,
    may: impl Fn(&str) -> bool,
) -> Option<(&'a Arg, &'a Path)> {
    let (command, matches) = innermost(command, matches);
    let paths_of =
        |arg: &Arg| matches.try_get_many::<PathBuf>(arg.get_id().as_str()).ok().flatten().unwrap_or_default();
    let paths = |written: bool| {
        let is_written = &is_written;
        let of_kind = move |arg: &&Arg| is_path(arg) && is_written(arg.get_id().as_str()) == written;
        command.get_arguments().filter(of_kind).flat_map(move |arg| paths_of(arg).map(move |path| (arg, path)))
    };
    paths(true)
        .find(|(option, out)| !may(option.get_id().as_str()) && paths(false).any(|(_, path)| is_same_file(out, path)))
        .map(|(option, path)| (option, path.as_path()))
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
    use clap::value_parser;

    use super::*;

    fn asked(words: &str) -> (Command, ArgMatches) {
        let path = |id| Arg::new(id).long(id).value_parser(value_parser!(PathBuf));
        let copy = Command::new("copy").args([path("from"), path("out"), Arg::new("n").long("n").default_value("1")]);
        let mut program = Command::new("x").subcommand(copy.arg(Arg::new("bare").long("bare").num_args(0..)));
        let matches = program.try_get_matches_from_mut(words.split(' ')).unwrap();
        (program, matches)
    }

    #[test]
    fn options_are_those_of_the_innermost_command_without_paths() {
        let (program, matches) = asked("x copy --from a --bare 01 7 true");
        assert_eq!(
            Value::from_iter(options(&program, &matches, &[])),
            serde_json::json!({ "bare": ["01", 7, true], "n": 1 })
        );
        assert_eq!(options(&program, &matches, &["n", "bare"]), Options::new());
        let words = words_of(&options(&program, &matches, &[]));
        assert_eq!(words, ["--bare=01", "--bare=7", "--bare", "--n=1"].map(OsString::from));
    }

    #[test]
    fn what_is_read_is_found_where_it_would_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "").unwrap();
        let words = format!("x copy --from {0} --out {0}", file.display());
        let (program, matches) = asked(&words);
        let over = |may| written_over(&program, &matches, |id| id == "out", move |_| may);
        let (option, path) = over(false).unwrap();
        assert_eq!((option.get_long(), path), (Some("out"), file.as_path()));
        assert!(over(true).is_none());
    }
}
