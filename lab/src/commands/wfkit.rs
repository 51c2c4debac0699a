//! The program wfkit, which imports, attacks and exports.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The one asked for, the one of the environment, the one beside this program, or the one on the path.
pub(super) fn find_wfkit(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let beside = std::env::current_exe()?.with_file_name("wfkit");
    let named = std::env::var_os("WFKIT").filter(|named| !named.is_empty()).map(PathBuf::from);
    let program = match (asked, named) {
        (Some(asked), _) => asked.to_owned(),
        (None, Some(named)) => named,
        (None, None) if beside.exists() => beside,
        (None, None) => PathBuf::from("wfkit"),
    };
    call(&program, &["--version"]).with_context(|| {
        format!(
            "this needs wfkit, and {} does not run; build it with `cargo build --release`, or say --wfkit PROGRAM",
            program.display()
        )
    })?;
    Ok(program)
}

/// What a command of it printed.
pub(super) fn call(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("{} {} ended with {}", program.display(), arguments.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}
