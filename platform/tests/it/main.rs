//! The server over HTTP, as browsers and programs use it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod boards;
mod client;
mod copies;
mod defects;
mod house;
mod keeping;
mod killed;
mod kit;
mod looks;
mod mails;
mod objects;
mod outgrown;
mod recordings;
mod roles;
mod round;
mod site;
mod specifications;
mod srs_2022;
mod traffic;
mod uploads;
