//! The system's `tor`: its configuration, keys, control port.

mod control;
mod keys;
mod torrc;

pub use control::{Circuit, ControlPort};
pub(crate) use keys::make_folder;
pub use keys::{AuthorityKeys, Identity, authority_keys, bandwidth_file, fingerprint};
pub(crate) use torrc::vote_soon;
pub use torrc::{DIRECTORY_PORT, OR_PORT, RoleOptions, SOCKS_PORT, Torrc};
