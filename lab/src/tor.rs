//! The system's `tor`: its configuration, keys, control port.

mod consensus;
mod control;
mod keys;
mod torrc;

pub(crate) use consensus::Consensus;
pub use control::{Circuit, ControlPort};
pub use keys::{AuthorityKeys, Identity, authority_keys, bandwidth_file, fingerprint};
pub(crate) use keys::{make_folder, stability_file};
pub(crate) use torrc::vote_soon;
pub use torrc::{DIRECTORY_PORT, OR_PORT, RoleOptions, SOCKS_PORT, Torrc};
