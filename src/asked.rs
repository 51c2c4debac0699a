//! What was asked for: the command line, and every option with its value, for the reports.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use wfkit_terminal::command_line::{self, Options, innermost, written_over};

use crate::cli::Cli;

/// Options that do not decide what comes out: how it is shown, by how many threads, in how many parts. The seed has a field of its own.
const NO_MATTER: [&str; 9] =
    ["at_once", "format", "fresh", "full", "no_croissant", "quiet", "seed", "shard", "threads"];

/// Options whose files are written.
const WRITTEN: [&str; 3] = ["out", "picture", "sheet"];

/// Commands that may write over what they read, since all that they leave out is what was asked for; what else would be lost they look at
/// themselves ([`Context::keep`](crate::context::Context::keep)).
const IN_PLACE: [&str; 5] = ["convert", "filter", "relabel", "retime", "sample"];

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
        let options = command_line::options(&command, &matches, &NO_MATTER);
        let cli = Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
        Ok(Self { cli, options })
    }
}

/// What is wrong where a file that is read would be written over.
fn writes_over_input(command: &Command, matches: &ArgMatches) -> Option<String> {
    let name = innermost(command, matches).0.get_name();
    let is_written = |id: &str| WRITTEN.contains(&id) || (name, id) == ("train", "weights");
    let may = |id: &str| id == "out" && IN_PLACE.contains(&name);
    let (option, path) = written_over(command, matches, is_written, may)?;
    let option = option.get_long().unwrap_or_default();
    Some(format!("{}: it is what is read, and would be lost; name another file for --{option}", path.display()))
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
