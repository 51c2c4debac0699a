//! The server over HTTP, as browsers and programs use it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod accounts;
mod boards;
mod client;
mod copies;
mod defects;
mod errors;
mod house;
mod keeping;
mod killed;
mod kit;
mod looks;
mod mails;
mod members;
mod objects;
mod outgrown;
mod recordings;
mod roles;
mod round;
mod site;
mod specifications;
mod srs_2022;
mod tables;
mod traffic;
mod uploads;
