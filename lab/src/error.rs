//! Why the laboratory cannot do what it was asked for.

use std::io;

use thiserror::Error;

/// What went wrong, where, and what helps.
#[derive(Debug, Error)]
pub enum Error {
    /// Something of the machine is missing.
    #[error("{what}; {mend}")]
    Missing {
        /// What is missing.
        what: String,
        /// What brings it.
        mend: String,
    },
    /// The system refuses.
    #[error("{what}: {cause}")]
    System {
        /// What was tried.
        what: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A program that was run ended badly.
    #[error("`{command}` failed: {said}")]
    Command {
        /// Program and arguments.
        command: String,
        /// What it wrote to its standard error.
        said: String,
    },
    /// A daemon of the network ended, or never got ready.
    #[error("{node} {problem}; its last lines:\n{}", if last_lines.is_empty() { "(none)" } else { last_lines })]
    Daemon {
        /// The node.
        node: String,
        /// What became of it.
        problem: String,
        /// The end of its log.
        last_lines: String,
    },
    /// An option, a plan or an answer makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// Whoever started it wants it to end.
    #[error("stopped")]
    Stopped,
}

impl Error {
    /// For `map_err`: the system refused `what`.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |cause| Self::System { what, cause }
    }

    /// The same for rustix' errors.
    pub(crate) fn errno(what: impl Into<String>) -> impl FnOnce(rustix::io::Errno) -> Self {
        let what = what.into();
        move |cause| Self::System { what, cause: cause.into() }
    }
}
