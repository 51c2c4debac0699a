//! Why a request has no answer but a reason.

use std::fmt;

use crate::Millis;

/// Why something was not done. Everything but [`Self::Broken`] and [`Self::Busy`] is for the one who asked.
#[derive(Debug)]
pub enum Failure {
    /// The request makes no sense.
    Bad(String),
    /// Nobody is signed in.
    SignIn,
    /// Not for this account.
    Forbidden(String),
    /// There is no such thing, or not for this account.
    NotFound,
    /// Not now: the phase, a lock, something that is there already.
    Conflict(String),
    /// More bytes than allowed.
    TooLarge(String),
    /// Sent in another form than this takes.
    Unsupported(String),
    /// Fields that are wrong, with their names.
    Invalid(Vec<(&'static str, String)>),
    /// Too often.
    TooMany {
        /// What, and when again.
        detail: String,
        /// When it may be tried again.
        again_at: Millis,
    },
    /// The server has too much to do, or cannot reach its database; why goes to the log only.
    Busy(String),
    /// The server's fault; what is wrong goes to the log only.
    Broken(String),
}

impl Failure {
    /// One field that is wrong.
    pub fn field(name: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid(vec![(name, message.into())])
    }

    /// The status code of HTTP.
    pub fn status(&self) -> u16 {
        match self {
            Self::Bad(_) => 400,
            Self::SignIn => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound => 404,
            Self::Conflict(_) => 409,
            Self::TooLarge(_) => 413,
            Self::Unsupported(_) => 415,
            Self::Invalid(_) => 422,
            Self::TooMany { .. } => 429,
            Self::Broken(_) => 500,
            Self::Busy(_) => 503,
        }
    }

    /// What it is called.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Bad(_) => "The request makes no sense",
            Self::SignIn => "Sign in first",
            Self::Forbidden(_) => "Not for this account",
            Self::NotFound => "There is nothing here",
            Self::Conflict(_) => "Not now",
            Self::TooLarge(_) => "Too large",
            Self::Unsupported(_) => "Not in this form",
            Self::Invalid(_) => "Something is not right yet",
            Self::TooMany { .. } => "Too often",
            Self::Broken(_) => "The server failed",
            Self::Busy(_) => "Too busy",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bad(detail)
            | Self::Forbidden(detail)
            | Self::Conflict(detail)
            | Self::TooLarge(detail)
            | Self::Unsupported(detail) => f.write_str(detail),
            Self::SignIn => f.write_str("This needs an account: sign in, or send an API token."),
            Self::NotFound => f.write_str("Either it does not exist, or it is not for you to see."),
            Self::Invalid(fields) => {
                let lines: Vec<String> = fields.iter().map(|(name, message)| format!("{name}: {message}")).collect();
                f.write_str(&lines.join("\n"))
            }
            Self::TooMany { detail, .. } => f.write_str(detail),
            Self::Busy(_) => f.write_str("The server cannot answer now. Try again in a moment."),
            Self::Broken(_) => f.write_str("It is not your fault, and it was written down. Try again in a minute."),
        }
    }
}

impl std::error::Error for Failure {}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match error {
            // Nobody's mistake, and over by itself.
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Busy(format!("database: {error}"))
            }
            error => Self::Broken(format!("database: {error}")),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Broken(format!("file: {error}"))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(format!("JSON: {error}"))
    }
}
