#![doc = include_str!("../README.md")]

mod client;
mod documents;
mod failure;
mod http;
mod sign_in;

pub use client::{Against, Client, Competition};
pub use documents::{
    Account, Announcement, Board, BoardRow, FileProblem, MatchLine, Overall, OverallRow, Round, RoundRules, Score,
    Slots, Submission, Target, TeamLine, TeamOfAccount, TokenLine, UploadLimits,
};
pub use failure::ClientError;
pub use sign_in::{SignIn, config_file};
