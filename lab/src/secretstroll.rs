//! SecretStroll: points of interest near where one is, without saying who asks.
//!
//! A client asks for the points of a grid cell with one POST, and then for each of them with a GET, each over a connection, and
//! so a stream of its circuit, of its own. How many there are and how long the answers are depends on the cell: that is the
//! leak that the laboratory is for.

mod client;
pub mod credentials;
mod database;
mod defence;
mod map;
mod pir;
mod server;
mod visitor;

pub use client::{Place, Query, QueryError, Subscriber, Truth};
pub use database::Database;
pub use defence::Defence;
pub use map::{CELLS, Map, Poi};
pub use server::Server;
pub(crate) use visitor::SecretStroll;

/// What the server's subscriptions are called where nobody says otherwise.
pub const SUBSCRIPTIONS: [&str; 3] = ["restaurant", "bar", "club"];

/// Randomness of the system, which nobody can guess.
pub fn system_randomness() -> impl FnMut(&mut [u8]) {
    move |bytes| {
        let read = std::fs::File::open("/dev/urandom").and_then(|mut file| std::io::Read::read_exact(&mut file, bytes));
        read.expect("Linux always has this file");
    }
}
