//! What a team does on the pages of a competition server.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use wfkit_defend::DefenseSpec;

use super::UploadKind;

#[derive(Debug, Subcommand)]
pub(crate) enum Server {
    /// Make an account on a server, and sign in.
    Register {
        #[command(flatten)]
        who: Who,
        /// E-mail address.
        #[arg(long)]
        email: String,
        /// Invitation code, where the organisers ask for one.
        #[arg(long)]
        code: Option<String>,
    },
    /// Sign in: from then on this machine has a token, which nobody else on it may read.
    Login {
        #[command(flatten)]
        who: Who,
    },
    /// Have the server and this machine forget the token.
    Logout,
    /// Change the password; all other sign-ins end. Who forgot it sets a new one by a link: see `forgot`.
    Password {
        /// The link of a mail, or of an organiser, instead of the old password.
        #[arg(long, value_name = "URL")]
        link: Option<String>,
    },
    /// Have a link for a new password sent to the address of your account; `password --link` takes it.
    Forgot {
        /// Address of the server.
        #[arg(long, value_name = "URL")]
        server: String,
        /// Name of the account, or its e-mail address.
        #[arg(long)]
        name: String,
    },
    /// Confirm your address by the link that was sent there; without it, have it sent again.
    Confirm {
        /// The link of the mail.
        #[arg(value_name = "URL")]
        link: Option<String>,
    },
    /// The programs that are signed in as you; or make or end one of their tokens.
    Tokens {
        #[command(subcommand)]
        what: Option<Tokens>,
    },
    /// What the organisers announced.
    News,
    /// Your team; or make, join or leave one.
    Team {
        #[command(subcommand)]
        what: Option<Team>,
    },
    /// The rounds, or what one of them asks for and leaves you.
    Rounds {
        /// Number of one round.
        round: Option<u32>,
    },
    /// Upload a defence or an attack, and wait until it is checked and scored.
    Submit(Submit),
    /// Download what there is to attack in a round, or the file of a submission.
    Download {
        /// Round: train and test file of every team to attack.
        #[arg(long, value_name = "N", conflicts_with = "submission", required_unless_present = "submission")]
        round: Option<u32>,
        /// A submission of your team: its file.
        #[arg(long, value_name = "ID")]
        submission: Option<String>,
        /// Folder for the files of a round; file for that of a submission.
        #[arg(long, value_name = "PATH")]
        out: PathBuf,
    },
    /// What became of your submissions, or all about one of them.
    Status {
        /// One submission.
        #[arg(value_name = "ID")]
        submission: Option<String>,
    },
    /// Have an earlier defence be the one that counts, or an earlier attack where the round leaves that to teams.
    Choose {
        /// The submission.
        #[arg(value_name = "ID")]
        submission: String,
    },
    /// The board of a round, or over all rounds.
    Leaderboard {
        /// Number of one round.
        round: Option<u32>,
    },
}

/// What is uploaded.
#[derive(Debug, Clone, Args)]
pub(crate) struct Submit {
    /// What the file is.
    #[arg(value_enum)]
    pub(crate) kind: UploadKind,
    /// The file: .csv or .csv.zip.
    #[arg(value_name = "FILE", required_unless_present_any = ["spec", "secretstroll"])]
    pub(crate) file: Option<PathBuf>,
    /// Instead of a file: a defence that the server runs, such as front:ft-1, where the round takes specifications.
    #[arg(long, value_name = "DEFENCE", conflicts_with_all = ["file", "team"])]
    pub(crate) spec: Option<DefenseSpec>,
    /// Instead of a file: a defence of SecretStroll, in TOML, that the laboratory records, where the round takes them.
    #[arg(long, value_name = "TOML", conflicts_with_all = ["file", "team", "spec"])]
    pub(crate) secretstroll: Option<PathBuf>,
    /// Round.
    #[arg(long, value_name = "N")]
    pub(crate) round: u32,
    /// Of an attack: on this team only; on all opponents where it is not given.
    #[arg(long, value_name = "N")]
    pub(crate) team: Option<u32>,
    /// Do not wait; `status` tells later.
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// Where, and who.
#[derive(Debug, Clone, Args)]
pub(crate) struct Who {
    /// Address of the server, such as `https://race.example.org`; http:// for one on this machine.
    #[arg(long, value_name = "URL")]
    pub(crate) server: String,
    /// Name of the account. The password is asked for, or is the first line of standard input.
    #[arg(long)]
    pub(crate) name: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Tokens {
    /// Make one, which is shown once: for a notebook, or another machine.
    Create {
        /// What it is for.
        label: String,
    },
    /// Have one no longer work.
    Revoke {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Team {
    /// Make a team, with you in it.
    Create {
        /// Its name.
        name: String,
    },
    /// Join the team of a code.
    Join {
        /// The code, which its players see.
        code: String,
    },
    /// Leave the team.
    Leave,
    /// Give the team another code; the old one no longer works.
    Code,
}
