//! The daemons of nodes.

use std::fs::{self, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::Error;
use crate::namespace::Namespace;

/// Lines that are shown of a log.
const LAST_LINES: usize = 12;

/// A running tor, or arti.
#[derive(Debug)]
pub(crate) struct Daemon {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Starts a program in a namespace. Its output goes on at the end of `log`.
    pub(crate) fn start(name: &str, namespace: &Namespace, mut command: Command, log: &Path) -> Result<Self, Error> {
        let child = namespace.run(|| {
            let out = OpenOptions::new().create(true).append(true).open(log);
            let out = out.map_err(Error::system(log.display().to_string()))?;
            let err = out.try_clone().map_err(Error::system(log.display().to_string()))?;
            command.stdin(Stdio::null()).stdout(out).stderr(err);
            // Ctrl-C is for the laboratory, which then ends its daemons.
            command.process_group(0).spawn().map_err(Error::system(format!("starting the daemon of {name}")))
        })?;
        Ok(Self { name: name.to_owned(), child, log: log.to_owned() })
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.child.try_wait().map_err(Error::system(format!("the daemon of {}", self.name)))
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> Error {
        Error::Daemon { node: self.name.clone(), problem: problem.into(), last_lines: last_lines(&self.log) }
    }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| format!("  {line}\n")).collect()
}
