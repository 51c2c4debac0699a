//! What the laboratory tells a client.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use arti_client::config::TorClientConfigBuilder;
use serde::Deserialize;

/// The configuration of one client.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where it takes SOCKS connections.
    pub(crate) socks: SocketAddr,
    /// The Unix socket where it tells about itself.
    pub(crate) control: PathBuf,
    /// The file that says which machines run, as words: there once it was told any.
    pub(crate) machines: PathBuf,
    /// What arti itself is told.
    pub(crate) arti: TorClientConfigBuilder,
}

impl Config {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_of_a_private_network_is_one_of_arti() {
        let text = "socks = \"127.0.0.1:9050\"\ncontrol = \"/run/lab/c/control\"\nmachines = \"/run/lab/c/machines\"\n[arti.storage]\ncache_dir = \"/run/lab/c/cache\"\n\
                    state_dir = \"/run/lab/c/state\"\n[arti.tor_network]\nfallback_caches = [{ rsa_identity = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", \
                    ed_identity = \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\", orports = [\"198.18.0.1:9001\"] }]\n\
                    [arti.tor_network.authorities]\nv3idents = [\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"]\n[arti.address_filter]\nallow_local_addrs = true\n";
        let config: Config = toml::from_str(text).unwrap();
        config.arti.build().unwrap();
        let unknown = toml::from_str::<Config>(&text.replace("socks", "sock")).unwrap_err().to_string();
        assert!(unknown.contains("unknown field `sock`"), "{unknown}");
    }
}
