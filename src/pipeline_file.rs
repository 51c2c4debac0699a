//! Pipeline files: the options of `wfkit run` in TOML.

use std::collections::BTreeMap;
use std::path::Path;

use clap::CommandFactory as _;
use wfkit_terminal::captures::READING_CAPTURES;
use wfkit_terminal::command_line::Options;
use wfkit_terminal::{AboutFile, EVERYWHERE, OptionsFile, path_from, quoted};

use crate::TOOL;
use crate::cli::{self, Cli};

/// The file that a run leaves in its folder.
pub(crate) const PIPELINE: &str = "pipeline.toml";

/// The key of what goes through the pipeline.
const INPUT: &str = "input";

/// What pipeline files say.
pub(crate) fn pipeline_file() -> OptionsFile {
    let about = AboutFile {
        command: "run",
        place: INPUT,
        table: ("captures", READING_CAPTURES, "How captures are read; of no matter where the input is traces."),
        everywhere: EVERYWHERE,
        also: "seed",
        called: "pipeline file",
        kind: "a pipeline",
    };
    OptionsFile::new(Cli::command(), about)
}

/// A pipeline file with every option: what it does, and its default as a comment; `input` as given.
pub(crate) fn commented(input: Option<&Path>) -> String {
    let head = "# A pipeline of wfkit. `wfkit run` with the name of this file runs it; what is said on the command\n\
                # line besides takes precedence. Paths are relative to the folder of this file. What starts\n\
                # with # is the default.\n";
    let input = input.map(|input| (INPUT, quoted(&input.to_string_lossy())));
    pipeline_file().commented(head, &input.into_iter().collect())
}

/// A pipeline file that repeats what was asked for, to stand in `folder`, where it all goes.
pub(crate) fn repeating(asked: &cli::Run, options: &Options, seed: u64, folder: &Path) -> String {
    let relative = |path: &Path| quoted(&path_from(folder, path).to_string_lossy());
    let others = BTreeMap::from([
        (INPUT, asked.input.as_deref().map(relative)),
        ("labels", asked.import.labels.as_deref().map(relative)),
        ("out", Some(quoted("."))),
        ("seed", Some(seed.to_string())),
    ]);
    let head = format!(
        "# What made this folder, by {TOOL}: `wfkit rerun` with its name makes everything again and compares.\n"
    );
    pipeline_file().setting(&head, options, &others)
}
