//! Why the server was not asked, or did not do what it was asked.

use std::io;
use std::path::PathBuf;

use serde::Deserialize;

/// Why there is no answer but a reason, in words for whoever uses the program.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server refused, and said why (RFC 9457).
    #[error("{title}: {}", sentence(detail, *status))]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What it is called.
        title: String,
        /// What is wrong, field by field where there are fields.
        detail: String,
        /// When it may be tried again, in UTC, where the server says so.
        again_at: Option<String>,
    },
    /// Nothing answers.
    #[error("{server} does not answer ({reason}): is the address right, and the server running?")]
    Unreachable {
        /// The server that was asked.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// The connection broke off.
    #[error(
        "the connection to {server} broke off ({reason}); the same command again goes on: a file that did arrive is not taken twice"
    )]
    Broken {
        /// The server that was asked.
        server: String,
        /// What the system says.
        reason: String,
    },
    /// Something answers, but no competition server, or one of another version.
    #[error("{server} gave no answer of a competition server ({reason}); is the address right?")]
    Odd {
        /// The server that was asked.
        server: String,
        /// What is odd about it.
        reason: String,
    },
    /// An address that no request can be sent to.
    #[error("`{0}` is no address of a server: it begins with https://, or http:// on this machine, and a host follows")]
    Address(String),
    /// A password or a token would go over the network for everybody to read.
    #[error("`{0}` is not encrypted, and a password would go over it for everybody to read: use https://")]
    Plain(String),
    /// Nobody is signed in.
    #[error("nobody is signed in ({} is not there): `wfkit competition login --server URL --name NAME`", .0.display())]
    NotSignedIn(PathBuf),
    /// What is kept of a sign-in cannot be used.
    #[error("{}: {reason}", path.display())]
    SignIn {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        reason: String,
    },
    /// A file of this machine.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A path by the server that is not its own.
    #[error("the server names a file `{0}`, which is not of its API: nothing was fetched")]
    Foreign(String),
    /// What is no link of the server to set a password or confirm an address by.
    #[error("{0} is not the link of such a mail: it has /welcome/ or /confirm/ in it")]
    NotALink(String),
    /// What is no id of a submission.
    #[error("`{0}` is no id of a submission: `wfkit competition status` lists them")]
    NotAnId(String),
}

impl ClientError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |error| Self::File { path, error }
    }

    /// What a failed request says, of the server at `server`.
    pub(crate) fn of_request(server: &str, error: ureq::Error) -> Self {
        let (server, reason) = (server.to_owned(), error.to_string());
        match error {
            ureq::Error::Io(error) => match error.kind() {
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                    Self::Broken { server, reason }
                }
                _ => Self::Unreachable { server, reason },
            },
            ureq::Error::HostNotFound | ureq::Error::ConnectionFailed | ureq::Error::Timeout(_) => {
                Self::Unreachable { server, reason }
            }
            ureq::Error::BadUri(_) | ureq::Error::Http(_) => Self::Address(server),
            _ => Self::Odd { server, reason },
        }
    }

    /// What a refusal says: a problem document, or that it is none.
    pub(crate) fn of_refusal(server: &str, status: u16, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Document {
            title: String,
            detail: String,
            #[serde(default)]
            again_at: Option<String>,
        }
        match serde_json::from_slice::<Document>(body) {
            Ok(Document { title, detail, again_at }) => Self::Refused { status, title, detail, again_at },
            Err(_) => Self::Odd { server: server.to_owned(), reason: format!("status {status} without a reason") },
        }
    }
}

/// What is wrong, and the next step where the status alone says it.
fn sentence(detail: &str, status: u16) -> String {
    match status {
        401 => "the token does not work any more; `wfkit competition login` makes another".to_owned(),
        _ => detail.lines().collect::<Vec<_>>().join("; "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_said_in_the_words_of_the_server() {
        let body =
            br#"{"type":"about:blank","title":"Not now","status":409,"detail":"Round 1 is in its opening phase."}"#;
        let said = ClientError::of_refusal("https://a.example", 409, body).to_string();
        assert_eq!(said, "Not now: Round 1 is in its opening phase.");
        let fields = br#"{"title":"Something is not right yet","detail":"name: taken\nemail: no address"}"#;
        let said = ClientError::of_refusal("https://a.example", 422, fields).to_string();
        assert_eq!(said, "Something is not right yet: name: taken; email: no address");
        let said = ClientError::of_refusal("https://a.example", 502, b"<html>").to_string();
        assert!(said.contains("https://a.example gave no answer of a competition server (status 502"), "{said}");
    }
}
