#![doc = include_str!("../README.md")]

mod check;
mod daemon;
pub mod enclosure;
mod error;
mod link;
mod namespace;
mod network;
mod running;
mod topology;
pub mod tor;

pub use check::{Finding, check_inside, check_programs};
pub use error::Error;
pub use link::HubCounters;
pub use namespace::Namespace;
pub use network::{Network, Restarted, SERVER_PORT};
pub use running::{Ended, NetworkState, ProcessState, RunFolder};
pub use topology::{Link, NetworkConfig, Node, Role};
