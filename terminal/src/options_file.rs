//! Files of options: those of one command in TOML, written with what each does, read with the line of each mistake.
//!
//! A key is an option without its dashes. Keys, values and defaults are those of the command line, so that neither can say what the other cannot.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::builder::StyledStr;
use clap::parser::ValueSource;
use clap::{Arg, Command};
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use wfkit_metrics::did_you_mean_one_of;
use wfkit_report::words::wrapped;

use crate::command_line::is_path;

/// Letters of a line of what is explained.
const WIDTH: usize = 98;

/// The files that say what a command is asked for.
#[derive(Debug)]
pub struct OptionsFile {
    program: Command,
    /// The command, with the options of every command.
    command: Command,
    about: AboutFile,
}

/// What a file of options is called, and what it says.
#[derive(Debug, Clone, Copy)]
pub struct AboutFile {
    /// Name of the command.
    pub command: &'static str,
    /// Its place, not an option, where the name of the file is given; as a key it says what the command works on.
    pub place: &'static str,
    /// A table of its own for the options below this heading: its key, the heading, and what is said of it.
    pub table: (&'static str, &'static str, &'static str),
    /// The heading of the options of every command, which no file says.
    pub everywhere: &'static str,
    /// But for this one.
    pub also: &'static str,
    /// What such a file is called.
    pub called: &'static str,
    /// What it says.
    pub kind: &'static str,
}

/// What one key of a file says.
struct Written {
    key: String,
    arg: Arg,
    words: Vec<OsString>,
}

impl OptionsFile {
    /// The files of a command of this program.
    ///
    /// # Panics
    /// If the program has no such command.
    pub fn new(program: Command, about: AboutFile) -> Self {
        let mut all = program.clone();
        all.build();
        let command = all.find_subcommand(about.command).expect("the program has this command").clone();
        Self { program, command, about }
    }

    /// Writes a new file, not over one that is there.
    ///
    /// # Errors
    /// A name that is none of such a file, a file that is there already, and what the system refuses.
    pub fn create(&self, path: &Path, text: &str) -> Result<()> {
        if !is_options_file(path) {
            bail!("{}: a {} ends in .toml", path.display(), self.about.called);
        }
        let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
        let written = match file {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{}: it is there already, and stays as it is; name another with --out", path.display());
            }
            file => file.and_then(|mut file| file.write_all(text.as_bytes())),
        };
        written.with_context(|| format!("{}: cannot write", path.display()))
    }

    /// The command line that `words` stand for: those of the command and a file with what the file says before what else they say; others as they are.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is no option, a value that its option does not take; each with file and line.
    pub fn unfolded(&self, words: Vec<OsString>) -> Result<Vec<OsString>> {
        // Read once where there is no such file: what values name may be a pipe, which is empty the second time.
        if !words.iter().any(|word| is_options_file(Path::new(word))) {
            return Ok(words);
        }
        // What is wrong with them is told by whoever reads them.
        let Ok(matches) = self.program.clone().try_get_matches_from(&words) else { return Ok(words) };
        let Some(asked) = matches.subcommand_matches(self.about.command) else { return Ok(words) };
        let file = asked.get_one::<PathBuf>(self.about.place).filter(|input| is_options_file(input));
        let Some(file) = file else { return Ok(words) };
        let is_said = |arg: &Arg| asked.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
        let options = self.options_in(file)?.into_iter();
        let options = options.filter(|option| option.key == self.about.place || !is_said(&option.arg));
        let place = words.iter().rposition(|word| Path::new(word) == file).expect("clap has found it among them");
        let others = words.iter().enumerate().filter(|(at, _)| *at != place).map(|(_, word)| word.clone());
        Ok(others.chain(options.flat_map(|option| option.words)).collect())
    }

    /// What all keys of a file say.
    fn options_in(&self, file: &Path) -> Result<Vec<Written>> {
        let called = self.about.called;
        let text = fs::read_to_string(file).with_context(|| format!("{}: cannot read the {called}", file.display()))?;
        let at = |place: usize| format!("{}:{}", file.display(), line_of(&text, place));
        let table = DeTable::parse(&text).map_err(|error| {
            let place = error.span().map_or(0, |span| span.start);
            anyhow::anyhow!("{}: {}", at(place), error.message())
        })?;
        let (mut options, mut mistakes) = (Vec::new(), Vec::new());
        let mut take = |key: &Spanned<DeString<'_>>, of_table, value: &Spanned<DeValue<'_>>| match self.option(
            (key.get_ref(), of_table),
            value.get_ref(),
            file,
        ) {
            Ok(option) => options.push(option),
            Err(mistake) => mistakes.push((key.span().start, format!("{}: {mistake}", at(key.span().start)))),
        };
        for (key, value) in table.get_ref() {
            match value.get_ref() {
                DeValue::Table(inner) if key.get_ref() == self.about.table.0 => {
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

    /// What `key = value` says, above all tables or in the one that there is.
    fn option(&self, (key, of_table): (&str, bool), value: &DeValue<'_>, file: &Path) -> Result<Written> {
        let table = self.about.table.0;
        let known = || self.settable().filter(|arg| self.is_of_table(arg) == of_table);
        let Some(arg) = known().find(|arg| key_of(arg) == key) else {
            if let Some(elsewhere) = self.settable().find(|arg| key_of(arg) == key) {
                match self.is_of_table(elsewhere) {
                    true => bail!("`{key}` belongs below [{table}]"),
                    false => bail!("`{key}` belongs above [{table}]"),
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
        for text in texts(key, &self.about, value)? {
            let text = match is_path(arg) {
                true => file.parent().unwrap_or(Path::new("")).join(text).into_os_string(),
                false => text.into(),
            };
            words.extend(as_words(arg, &text));
        }
        // Alone, so that what is wrong is wrong with this key.
        let name = format!("{} {}", self.program.get_name(), self.about.command);
        let alone = std::iter::once(OsString::from(name)).chain(words.iter().cloned());
        if let Err(error) = self.command.clone().no_binary_name(false).try_get_matches_from(alone) {
            let told = error.to_string();
            let told = told.trim_start_matches("error: ").lines().take_while(|line| !line.trim().is_empty());
            bail!("{}", told.map(str::trim).collect::<Vec<_>>().join(" "));
        }
        Ok(Written { key: key.to_owned(), arg: arg.clone(), words })
    }

    /// A file with every option: what it does, and its default as a comment; `head` above all, and the `set` ones, by key, as they are given.
    pub fn commented(&self, head: &str, set: &BTreeMap<&str, String>) -> String {
        let (key, _, said) = self.about.table;
        let mut text = head.to_owned();
        let (of_table, others): (Vec<_>, Vec<_>) = self.settable().partition(|arg| self.is_of_table(arg));
        for arg in others {
            match set.get(key_of(arg)) {
                Some(value) => {
                    text += &explained(arg);
                    text += &format!("{} = {value}\n", key_of(arg));
                }
                None => text += &with_default(arg),
            }
        }
        text += &format!("\n# {said}\n[{key}]\n");
        of_table.into_iter().for_each(|arg| text += &with_default(arg));
        text
    }

    /// A file that sets these `options`, and the `others` that are given as TOML, by key; `head` above all.
    pub fn setting(
        &self,
        head: &str,
        options: &BTreeMap<String, Value>,
        others: &BTreeMap<&str, Option<String>>,
    ) -> String {
        let value_of = |arg: &Arg| match others.get(key_of(arg)) {
            Some(other) => other.clone(),
            None => options.get(key_of(arg)).map(|value| match value {
                Value::Array(values) => {
                    format!("[{}]", values.iter().map(|value| written(arg, value)).collect::<Vec<_>>().join(", "))
                }
                one => written(arg, one),
            }),
        };
        let lines = |of_table: bool| -> String {
            let args = self.settable().filter(|arg| self.is_of_table(arg) == of_table);
            args.filter_map(|arg| Some(format!("{} = {}\n", key_of(arg), value_of(arg)?))).collect()
        };
        format!("{head}{}\n[{}]\n{}", lines(false), self.about.table.0, lines(true))
    }

    /// What a file may set.
    fn settable(&self) -> impl Iterator<Item = &Arg> {
        self.command.get_arguments().filter(|arg| {
            let is_own = arg.get_help_heading() != Some(self.about.everywhere) && arg.get_id() != "help";
            is_own || key_of(arg) == self.about.also
        })
    }

    fn is_of_table(&self, arg: &Arg) -> bool {
        arg.get_help_heading() == Some(self.about.table.1)
    }
}

/// Whether a path is that of a file of options, by its name.
pub fn is_options_file(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "toml")
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
fn texts(key: &str, about: &AboutFile, value: &DeValue<'_>) -> Result<Vec<String>> {
    let AboutFile { kind, table: (table, ..), .. } = about;
    Ok(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Float(number) => vec![number.to_string()],
        DeValue::Boolean(is) => vec![is.to_string()],
        DeValue::Array(values) => {
            let each: Result<Vec<_>> = values.iter().map(|value| texts(key, about, value.get_ref())).collect();
            each?.concat()
        }
        DeValue::Datetime(_) => bail!("`{key}` is no moment; write it in quotes if it is a name"),
        DeValue::Table(_) => bail!("[{key}] is no table of {kind}; there is [{table}]"),
    })
}

fn line_of(text: &str, place: usize) -> usize {
    text.as_bytes()[..place.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn key_of(arg: &Arg) -> &str {
    arg.get_long().unwrap_or(arg.get_id().as_str())
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

/// A path as it is called from a folder; as it is where one of them is not there.
pub fn path_from(folder: &Path, path: &Path) -> PathBuf {
    let both = path.canonicalize().ok().zip(folder.canonicalize().ok());
    both.and_then(|(path, folder)| pathdiff::diff_paths(path, folder)).unwrap_or_else(|| path.to_owned())
}

/// A string of TOML, whose escapes are JSON's.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_as_it_is_called_from_a_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("a/b")).unwrap();
        fs::write(at("x"), "").unwrap();
        assert_eq!(path_from(&at("a/b"), &at("x")), Path::new("../../x"));
        assert_eq!(path_from(&at("a/b"), &at("a/../x")), Path::new("../../x"));
        for (from, path) in [("a", "missing"), ("missing", "x")] {
            assert_eq!(path_from(&at(from), &at(path)), at(path));
        }
    }
}
