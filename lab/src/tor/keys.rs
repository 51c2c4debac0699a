//! Keys that are made before anything starts, since all configurations name them.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use super::torrc::{DIRECTORY_PORT, RoleOptions, Torrc};
use crate::Error;
use crate::namespace::output;
use crate::topology::{Node, Role};

/// What others know an authority by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorityKeys {
    /// Its nickname.
    pub name: String,
    /// Where it is.
    pub address: Ipv4Addr,
    /// The key that signs votes, in hexadecimal.
    pub v3_identity: String,
    /// The key of the relay that it also is, in hexadecimal.
    pub fingerprint: String,
}

/// What others know a relay by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Fingerprint of the identity key, in hexadecimal.
    pub fingerprint: String,
    /// Whether it is an authority.
    pub is_authority: bool,
}

/// Makes all keys of an authority in `folder` (`keys` within).
///
/// # Errors
///
/// What `tor-gencert` or `tor` says.
pub fn authority_keys(node: &Node, folder: &Path) -> Result<AuthorityKeys, Error> {
    let keys = folder.join("keys");
    make_folder(&keys)?;
    let file = |name: &str| keys.join(name).display().to_string();
    let (identity, signing, certificate) =
        (file("authority_identity_key"), file("authority_signing_key"), file("authority_certificate"));
    let address = format!("{}:{DIRECTORY_PORT}", node.address);
    // The passphrase protects a key that lives in memory as long as the network.
    let arguments = [
        "--create-identity-key",
        "-m",
        "12",
        "-a",
        &address,
        "--passphrase-fd",
        "0",
        "-i",
        &identity,
        "-s",
        &signing,
        "-c",
        &certificate,
    ];
    output("tor-gencert", &arguments, "laboratory\n")?;
    let text = fs::read_to_string(&certificate).map_err(Error::system(certificate.clone()))?;
    let v3_identity = text.lines().find_map(|line| line.strip_prefix("fingerprint ")).map(str::to_owned);
    let v3_identity = v3_identity.ok_or_else(|| Error::Wrong(format!("{certificate} has no line `fingerprint`")))?;
    // Tor makes the other key only where a configuration names the authority, with whatever fingerprint.
    let unknown =
        AuthorityKeys { name: node.name.clone(), address: node.address, v3_identity, fingerprint: "F".repeat(40) };
    let fingerprint = fingerprint(node, folder, std::slice::from_ref(&unknown))?;
    Ok(AuthorityKeys { fingerprint, ..unknown })
}

/// Makes the identity key of a relay in `folder`; its fingerprint.
///
/// # Errors
///
/// What `tor` says.
pub fn fingerprint(node: &Node, folder: &Path, authorities: &[AuthorityKeys]) -> Result<String, Error> {
    make_folder(folder)?;
    let torrc = folder.join("torrc");
    let text = Torrc { node, folder, authorities, scheduler_interval: 10, role: RoleOptions::Relay }.to_string();
    fs::write(&torrc, text).map_err(Error::system(torrc.display().to_string()))?;
    let torrc = torrc.display().to_string();
    let said = output("tor", &["--list-fingerprint", "--quiet", "-f", &torrc], "")?;
    let digits: String = said.split_whitespace().skip(1).collect();
    if digits.len() != 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::Wrong(format!("tor --list-fingerprint said `{}` of {}", said.trim(), node.name)));
    }
    Ok(digits)
}

/// What relays carry, for authorities that measure nothing: all the same, authorities next to nothing.
pub fn bandwidth_file(unix_seconds: u64, relays: &[Identity]) -> String {
    let mut text = format!("{unix_seconds}\n");
    for Identity { fingerprint, is_authority } in relays {
        let bandwidth = if *is_authority { 1 } else { 10_000 };
        let _ = writeln!(text, "node_id=${fingerprint} bw={bandwidth}");
    }
    text
}

/// What an authority remembers of relays: that all ran for a hundred days. Without it, tor calls stable what has run for at least as long as
/// half of the relays have: seconds here, so that chance chooses who may be a guard, and nobody may where all authorities and exits are older.
pub(crate) fn stability_file(unix_seconds: u64, relays: &[Identity]) -> String {
    const RUN: u64 = 100 * 24 * 60 * 60;
    let time = |unix_seconds: u64| {
        let time = jiff::Timestamp::from_second(unix_seconds as i64).expect("a clock's time has a date");
        time.strftime("%Y-%m-%d %H:%M:%S").to_string()
    };
    let (stored, tracked) = (time(unix_seconds), time(unix_seconds.saturating_sub(RUN)));
    let mut text = format!("format 2\nstored-at {stored}\ntracked-since {tracked}\ndata\n");
    for Identity { fingerprint, .. } in relays {
        // Seconds of all runs and how many they were; seconds up and known.
        let _ = writeln!(text, "R {fingerprint}\n+MTBF {RUN} 1.00000\n+WFU {RUN} {RUN}");
    }
    text + ".\n"
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let shown = || folder.display().to_string();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::system(shown()))
}

impl Identity {
    pub(crate) fn of(node: &Node, fingerprint: String) -> Self {
        Self { fingerprint, is_authority: node.role == Role::Authority }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_are_said_to_carry_next_to_nothing() {
        let relay = |digit: &str, is_authority| Identity { fingerprint: digit.repeat(40), is_authority };
        let text = bandwidth_file(1_700_000_000, &[relay("A", true), relay("B", false)]);
        let expected = format!("1700000000\nnode_id=${} bw=1\nnode_id=${} bw=10000\n", "A".repeat(40), "B".repeat(40));
        assert_eq!(text, expected);
    }

    #[test]
    fn all_relays_are_said_to_have_run_for_long() {
        let relay = Identity { fingerprint: "A".repeat(40), is_authority: false };
        let expected = format!(
            "format 2\nstored-at 2023-11-14 22:13:20\ntracked-since 2023-08-06 22:13:20\ndata\nR {}\n+MTBF 8640000 1.00000\n+WFU 8640000 8640000\n.\n",
            "A".repeat(40)
        );
        assert_eq!(stability_file(1_700_000_000, &[relay]), expected);
    }
}
