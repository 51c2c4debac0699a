//! What the laboratory needs of a machine, and what brings it.

use std::fs;
use std::time::{Duration, Instant};

use wfkit_capture::live::{Filter, Interface, PacketSource as _};

use crate::Error;
use crate::arti;
use crate::link::{self, Hub};
use crate::namespace::output;
use crate::pages::chromium;
use crate::plan::{Plan, Workload};
use crate::topology::{ClientProgram, NetworkConfig, Role};

/// One thing that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub what: &'static str,
    /// What was found, or what is wrong with it.
    pub found: Result<String, String>,
    /// The command that mends it where something is wrong.
    pub mend: String,
    /// What alone needs it; nothing: all does.
    pub only_for: Option<&'static str>,
}

/// First series with everything that the configuration uses.
const OLDEST_TOR: [u32; 3] = [0, 4, 8];

/// The programs that are needed.
pub fn check_programs() -> Vec<Finding> {
    let program = |what, package: &str, version: Result<String, Error>| Finding {
        what,
        found: version.map_err(|error| error.to_string()),
        mend: format!("sudo apt-get install {package}   (or lab/setup)"),
        only_for: None,
    };
    vec![
        program("tor", "tor", output("tor", &["--version"], "").and_then(|said| tor_version(&said))),
        program(
            "tor-gencert",
            "tor",
            output("sh", &["-c", "command -v tor-gencert"], "").map(|path| path.trim().to_owned()),
        ),
        program("ip", "iproute2", output("ip", &["-V"], "").map(|said| said.trim().to_owned())),
        browser(),
        arti(),
    ]
}

fn browser() -> Finding {
    Finding {
        what: chromium::PROGRAM,
        found: chromium::version().map_err(|error| error.to_string()),
        mend: "sudo apt-get install chromium   (or lab/setup --browser)".to_owned(),
        only_for: Some("pages that a browser loads"),
    }
}

fn arti() -> Finding {
    Finding {
        what: arti::PROGRAM,
        found: arti::version().map_err(|error| error.to_string()),
        mend: arti::MEND.to_owned(),
        only_for: Some("clients of arti, with machines of Maybenot"),
    }
}

/// Whether all that a plan needs beside the network is there.
///
/// # Errors
///
/// If something is missing, with the command that brings it.
pub fn check_for(plan: &Plan) -> Result<(), Error> {
    if plan.workload == Workload::Pages && plan.pages.browser {
        needed("pages.browser", browser())?;
    }
    check_clients(&plan.network)
}

/// Whether the program is there that a network's clients are.
///
/// # Errors
///
/// If not, with the command that brings it.
pub fn check_clients(config: &NetworkConfig) -> Result<(), Error> {
    match config.client {
        ClientProgram::Tor => Ok(()),
        ClientProgram::Arti => needed("client = \"arti\"", arti()),
    }
}

fn needed(by: &str, Finding { what, found, mend, .. }: Finding) -> Result<(), Error> {
    found.map(|_| ()).map_err(|why| Error::Missing { what: format!("{by} needs {what}: {why}"), mend })
}

fn tor_version(said: &str) -> Result<String, Error> {
    let version = said.split_whitespace().nth(2).unwrap_or_default().trim_end_matches('.');
    let mut numbers = version.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let series = [(); 3].map(|()| numbers.next().unwrap_or(0));
    if series < OLDEST_TOR {
        let oldest = OLDEST_TOR.map(|number| number.to_string()).join(".");
        return Err(Error::Wrong(format!("version {version} is too old; {oldest} or later is needed")));
    }
    Ok(version.to_owned())
}

/// What can only be tried inside of an [`Enclosure`](crate::enclosure::Enclosure): links, the hub, recording.
pub fn check_inside() -> Vec<Finding> {
    let finding = |what, found: Result<String, Error>, mend: &str| Finding {
        what,
        found: found.map_err(|error| error.to_string()),
        mend: mend.to_owned(),
        only_for: None,
    };
    let rights = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let how = if rights.split_whitespace().nth(2) == Some("1") { "in a user namespace" } else { "as root" };
    vec![
        finding("namespaces", Ok(how.to_owned()), ""),
        finding("links and recording", try_a_link(), crate::enclosure::forbidden_namespaces()),
    ]
}

/// How long a packet may take over an idle link.
const PATIENCE: Duration = Duration::from_secs(60);

/// A client and a relay, a datagram from one to the other, and a look at it as a recording sees it.
fn try_a_link() -> Result<String, Error> {
    let config = NetworkConfig::default();
    let nodes: Vec<_> =
        config.nodes()?.into_iter().filter(|node| matches!(node.role, Role::Client | Role::Relay)).take(2).collect();
    let namespaces = link::make(&nodes)?;
    let hub = Hub::start(&nodes, config.link(), 0)?;
    let cannot_record = |error: &dyn std::fmt::Display| Error::Wrong(error.to_string());
    let mut recorder =
        namespaces[1].run(|| Interface::open("eth0", &Filter::default(), 96).map_err(|error| cannot_record(&error)))?;
    let socket = namespaces[0]
        .run(|| std::net::UdpSocket::bind((nodes[0].address, 0)).map_err(Error::system("a socket on a link")))?;
    // A machine may be busy.
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        socket.send_to(b"hello", (nodes[1].address, 9)).map_err(Error::system("sending over a link"))?;
        if recorder.next(Duration::from_secs(1)).map_err(Error::system("recording"))?.is_some() {
            return Ok("a packet crossed one and was recorded".to_owned());
        }
    }
    let seconds = PATIENCE.as_secs();
    Err(Error::Wrong(format!("no packet arrived within {seconds} s; the hub counted {:?}", hub.counters())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_versions_of_tor_are_refused() {
        assert_eq!(tor_version("Tor version 0.4.9.11.\nmore").unwrap(), "0.4.9.11");
        assert_eq!(tor_version("Tor version 0.4.8.1-alpha-dev.").unwrap(), "0.4.8.1-alpha-dev");
        assert!(tor_version("Tor version 0.4.7.16.").unwrap_err().to_string().contains("0.4.8 or later"));
        assert!(tor_version("nonsense").is_err());
    }
}
