//! arti as the client of nodes: the program `wfkit-lab-arti`, built by itself (`lab/arti`), and what it is told.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::namespace::output;
use crate::topology::ConnectionPadding;
use crate::tor::{AuthorityKeys, OR_PORT, SOCKS_PORT};

/// The program's name.
pub(crate) const PROGRAM: &str = "wfkit-lab-arti";

/// The command that builds it.
pub(crate) const MEND: &str = "lab/setup --arti";

/// Machines of Maybenot on the circuits of clients, in what arti sends. Written in a plan as `[maybenot]`.
///
/// The relay to which the cells are sent, one of C tor's, drops them: nothing comes back, so padding is upstream only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Machines {
    /// Machines as Maybenot writes them (`02e..`); none is the default.
    pub machines: Vec<String>,
    /// To which relay of a circuit their padding goes: 0 is the guard, 1 the relay behind it.
    pub hop: u8,
}

/// The hops that every circuit has.
const HOPS: u8 = 3;

impl Default for Machines {
    fn default() -> Self {
        Self { machines: Vec::new(), hop: 1 }
    }
}

impl Machines {
    /// Whether it can be asked for. Whether they are machines is known to who runs them.
    ///
    /// # Errors
    ///
    /// If a text has what no machine has, or no circuit has the hop.
    pub fn check(&self) -> Result<(), Error> {
        let is_of_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
        if let Some(text) = self.machines.iter().find(|text| text.is_empty() || !text.bytes().all(is_of_base64)) {
            return Err(Error::Wrong(format!("maybenot.machines: `{text}` is no machine as Maybenot writes them")));
        }
        if self.hop >= HOPS {
            return Err(Error::Wrong(format!("maybenot.hop = {}: 0 (the guard) to {}", self.hop, HOPS - 1)));
        }
        Ok(())
    }

    /// The simulation of them in `wfkit defend`, which a plus would end; padding is as long as a cell of `size` bytes.
    pub fn simulation(&self, size: f64) -> String {
        let machines = self.machines.join(";").replace('+', "-");
        format!("maybenot:machines,client={machines},size={size}B")
    }

    /// As the program takes them: the hop, then all machines.
    pub(crate) fn words(&self) -> String {
        self.machines.iter().fold(self.hop.to_string(), |words, machine| format!("{words} {machine}"))
    }
}

/// The program: the one of the environment, the one beside this program, or the one on the path.
pub(crate) fn program() -> PathBuf {
    let named = env::var_os("WFKIT_LAB_ARTI").filter(|named| !named.is_empty()).map(PathBuf::from);
    let beside = || env::current_exe().ok().map(|this| this.with_file_name(PROGRAM)).filter(|path| path.exists());
    named.or_else(beside).unwrap_or_else(|| PathBuf::from(PROGRAM))
}

/// What the program says of itself.
pub(crate) fn version() -> Result<String, Error> {
    output(&program().display().to_string(), &["--version"], "").map(|said| said.trim().to_owned())
}

/// An authority as arti is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Authority {
    pub(crate) keys: AuthorityKeys,
    /// The other key of the relay that it also is, in base64.
    pub(crate) ed_identity: String,
}

impl Authority {
    /// The keys of one whose daemon has run in `folder`.
    pub(crate) fn of(keys: &AuthorityKeys, folder: &Path) -> Result<Self, Error> {
        let path = folder.join("fingerprint-ed25519");
        let text = fs::read_to_string(&path).map_err(Error::system(path.display().to_string()))?;
        let ed_identity = text.split_whitespace().nth(1).map(str::to_owned);
        let ed_identity = ed_identity.ok_or_else(|| Error::Wrong(format!("{}: no key", path.display())))?;
        Ok(Self { keys: keys.clone(), ed_identity })
    }
}

/// Where a client keeps which guards it has.
pub(crate) fn state(folder: &Path) -> PathBuf {
    folder.join("arti-state")
}

/// Where a client reads which machines it runs.
pub(crate) fn machines_file(folder: &Path) -> PathBuf {
    folder.join("machines")
}

/// The configuration of a client that keeps its files in `folder`.
pub(crate) fn config(folder: &Path, authorities: &[Authority], padding: ConnectionPadding) -> String {
    let mut text = format!(
        "socks = \"{}:{SOCKS_PORT}\"\ncontrol = \"{}\"\nmachines = \"{}\"\n",
        Ipv4Addr::LOCALHOST,
        folder.join("control").display(),
        machines_file(folder).display()
    );
    let write = |text: &mut String, part: &str| text.write_str(part).expect("a string takes everything");
    write(&mut text, "[arti.tor_network]\nfallback_caches = [");
    for Authority { keys, ed_identity } in authorities {
        let AuthorityKeys { fingerprint, address, .. } = keys;
        let orport = format!("{address}:{OR_PORT}");
        let cache = format!(
            "{{ rsa_identity = \"{fingerprint}\", ed_identity = \"{ed_identity}\", orports = [\"{orport}\"] }}, "
        );
        write(&mut text, &cache);
    }
    let identities: Vec<_> =
        authorities.iter().map(|authority| format!("\"{}\"", authority.keys.v3_identity)).collect();
    write(&mut text, &format!("]\n[arti.tor_network.authorities]\nv3idents = [{}]\n", identities.join(", ")));
    let (cache, state) = (folder.join("arti-cache"), state(folder));
    write(
        &mut text,
        &format!(
            "[arti.storage]\ncache_dir = \"{}\"\nstate_dir = \"{}\"\n[arti.storage.permissions]\ndangerously_trust_everyone = true\n",
            cache.display(),
            state.display()
        ),
    );
    // All relays are in one network.
    write(&mut text, "[arti.path_rules]\nipv4_subnet_family_prefix = 33\nipv6_subnet_family_prefix = 129\n");
    write(&mut text, "[arti.address_filter]\nallow_local_addrs = true\nallow_onion_addrs = true\n");
    // No circuits for ports that nobody asks for: they would be built while others are recorded.
    write(&mut text, "[arti.preemptive_circuits]\ninitial_predicted_ports = []\n");
    // One guard, as tor's clients have here: its link carries everything. A sample of as many as every network has, since arti looks for more every
    // second where there are none.
    write(
        &mut text,
        "[arti.override_net_params]\nguard-n-primary-guards = 1\nguard-n-primary-guards-to-use = 1\n\
         guard-n-primary-dir-guards-to-use = 1\nguard-min-filtered-sample-size = 3\n",
    );
    // By itself arti would pad all its connections: also the one to a second guard, which it needs for circuits to a relay that is its first one,
    // and that would be in recordings. Those of a guard in use are never silent for long enough.
    let level = match padding {
        ConnectionPadding::On => "normal",
        ConnectionPadding::Reduced => "reduced",
        ConnectionPadding::Auto | ConnectionPadding::Off => "none",
    };
    write(&mut text, &format!("[arti.channel]\npadding = \"{level}\"\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_told_of_authorities_and_has_one_guard() {
        let keys = AuthorityKeys {
            name: "auth0".to_owned(),
            address: Ipv4Addr::new(198, 18, 0, 1),
            v3_identity: "A".repeat(40),
            fingerprint: "B".repeat(40),
        };
        let authority = Authority { keys, ed_identity: "c".repeat(43) };
        let text = config(Path::new("/run/lab/client0"), &[authority], ConnectionPadding::Reduced);
        let read: toml::Table = text.parse().unwrap();
        assert_eq!(read["socks"].as_str(), Some("127.0.0.1:9050"));
        let arti = &read["arti"];
        let cache = &arti["tor_network"]["fallback_caches"][0];
        assert_eq!(cache["orports"][0].as_str(), Some("198.18.0.1:9001"));
        assert_eq!(cache["ed_identity"].as_str(), Some(&*"c".repeat(43)));
        assert_eq!(arti["tor_network"]["authorities"]["v3idents"][0].as_str(), Some(&*"A".repeat(40)));
        assert_eq!(arti["override_net_params"]["guard-n-primary-guards"].as_integer(), Some(1));
        assert_eq!(arti["channel"]["padding"].as_str(), Some("reduced"));
    }

    #[test]
    fn machines_are_words_for_arti_and_a_specification_for_the_simulator() {
        let machines = Machines { machines: vec!["02eA+b/=".to_owned(), "02eC".to_owned()], hop: 0 };
        machines.check().unwrap();
        assert_eq!(machines.words(), "0 02eA+b/= 02eC");
        assert_eq!(machines.simulation(536.0), "maybenot:machines,client=02eA-b/=;02eC,size=536B");
        assert_eq!(Machines::default().words(), "1");
        let wrong = |machines: Machines| machines.check().unwrap_err().to_string();
        assert!(wrong(Machines { machines: vec!["02e\n".to_owned()], hop: 0 }).contains("is no machine"));
        assert!(wrong(Machines { hop: 3, ..Machines::default() }).contains("maybenot.hop = 3: 0 (the guard) to 2"));
    }
}
