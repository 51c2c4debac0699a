#![doc = include_str!("../README.md")]

pub mod chat;
mod check;
mod collect;
mod daemon;
mod drift;
pub mod enclosure;
mod error;
mod flag;
mod http;
mod journal;
mod link;
mod namespace;
mod network;
pub mod pages;
mod plan;
mod queue;
mod record;
mod running;
pub mod secretstroll;
pub mod socks;
mod tls;
mod topology;
pub mod tor;
mod workload;

pub use check::{Finding, check_for, check_inside, check_programs};
pub use collect::{Collected, Progress, Told, collect};
pub use drift::Drift;
pub use error::Error;
pub use journal::{Journal, Row};
pub use link::HubCounters;
pub use namespace::Namespace;
pub use network::{Network, Restarted, SERVER_PORT};
pub use plan::{Circuits, Classes, Plan, Route, Vantage, Workload};
pub use record::{Pair, Recording, Tap, record_while};
pub use running::{Ended, NetworkState, ProcessState, RunFolder};
pub use topology::{ConnectionPadding, Link, NetworkConfig, Node, Role};
