//! The control port of a running tor: control-spec, over a Unix socket.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::Error;

/// A connection to the control port.
#[derive(Debug)]
pub struct ControlPort {
    stream: BufReader<UnixStream>,
    name: String,
}

/// A circuit that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circuit {
    /// What tor calls it.
    pub id: String,
    /// Fingerprints of its relays, in hexadecimal, guard first.
    pub path: Vec<String>,
    /// What it is for, such as `HS_CLIENT_REND`.
    pub purpose: String,
    /// The onion service that it leads to, without `.onion`.
    pub onion: Option<String>,
    /// The SOCKS user whose streams it carries, where streams of users are kept apart.
    pub user: Option<String>,
    /// When it was made, UTC, such as `2026-01-02T03:04:05.678900`.
    pub created: String,
    /// Whether it asks a relay itself, and leads nowhere.
    pub is_one_hop: bool,
}

impl ControlPort {
    /// Connects to the socket in the folder of a node.
    ///
    /// # Errors
    ///
    /// What the system or tor says.
    pub fn connect(folder: &Path) -> Result<Self, Error> {
        let path = folder.join("control");
        let name = path.display().to_string();
        let connect = || {
            let stream = UnixStream::connect(&path)?;
            stream.set_read_timeout(Some(Duration::from_secs(60)))?;
            Ok(BufReader::new(stream))
        };
        let mut port = Self { stream: connect().map_err(Error::system(name.clone()))?, name };
        port.command("AUTHENTICATE")?;
        Ok(port)
    }

    /// Sends a command; the lines of its answer without codes, and without the last, `OK`.
    ///
    /// # Errors
    ///
    /// If tor refuses the command or is gone.
    pub fn command(&mut self, command: &str) -> Result<Vec<String>, Error> {
        let answer = self.exchange(command).map_err(Error::system(self.name.clone()))?;
        answer.map_err(|said| Error::Wrong(format!("{}: `{command}` was answered by `{said}`", self.name)))
    }

    fn exchange(&mut self, command: &str) -> io::Result<Result<Vec<String>, String>> {
        self.stream.get_mut().write_all(format!("{command}\r\n").as_bytes())?;
        let mut lines = Vec::new();
        loop {
            let line = self.line()?;
            let (Some(code), Some(kind), Some(text)) = (line.get(..3), line.get(3..4), line.get(4..)) else {
                return Err(io::Error::other(format!("`{line}` is no answer")));
            };
            if !code.starts_with('2') {
                return Ok(Err(line));
            }
            match kind {
                "-" => lines.push(text.to_owned()),
                "+" => loop {
                    // Data until a lone dot; a dot in front of it was doubled.
                    match self.line()? {
                        end if end == "." => break,
                        data => lines.push(data.strip_prefix('.').map_or(data.clone(), str::to_owned)),
                    }
                },
                _ => return Ok(Ok(lines)),
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// How far the node is, in percent.
    ///
    /// # Errors
    ///
    /// If tor is gone.
    pub fn progress(&mut self) -> Result<u8, Error> {
        let lines = self.command("GETINFO status/bootstrap-phase")?;
        let value = lines.iter().find_map(|line| line.split("PROGRESS=").nth(1)?.split(' ').next()?.parse().ok());
        value.ok_or_else(|| Error::Wrong(format!("{}: no progress in {lines:?}", self.name)))
    }

    /// Whether the node knows enough relays to build circuits, and to tell others. (One that finds all it needs in its files after a
    /// start stays at 0 percent until it has to build one.)
    ///
    /// # Errors
    ///
    /// If tor is gone.
    pub fn has_directory(&mut self) -> Result<bool, Error> {
        Ok(self.command("GETINFO status/enough-dir-info")?.iter().any(|line| line.ends_with("=1")))
    }

    /// Closes circuits that only ask a relay for its directory: nothing of them is left to come over the link later.
    ///
    /// # Errors
    ///
    /// If tor is gone.
    pub fn close_directory_circuits(&mut self) -> Result<(), Error> {
        for circuit in self.circuits()?.iter().filter(|circuit| circuit.is_one_hop) {
            // It may have gone by itself.
            let _ = self.command(&format!("CLOSECIRCUIT {}", circuit.id));
        }
        Ok(())
    }

    /// How many relays an authority knows.
    ///
    /// # Errors
    ///
    /// If tor is gone.
    pub fn known_relays(&mut self) -> Result<usize, Error> {
        let lines = self.command("GETINFO desc/all-recent")?;
        Ok(lines.iter().filter(|line| line.starts_with("router ")).count())
    }

    /// The circuits that are built.
    ///
    /// # Errors
    ///
    /// If tor is gone.
    pub fn circuits(&mut self) -> Result<Vec<Circuit>, Error> {
        Ok(self.command("GETINFO circuit-status")?.iter().filter_map(|line| circuit(line)).collect())
    }
}

/// From a line such as `5 BUILT $AA..~relay1,$BB..~relay2 BUILD_FLAGS=.. PURPOSE=HS_CLIENT_REND .. TIME_CREATED=..`; `None` of a
/// circuit that is not built.
fn circuit(line: &str) -> Option<Circuit> {
    let line = line.strip_prefix("circuit-status=").unwrap_or(line);
    let mut words = line.split(' ');
    let id = words.next()?.to_owned();
    if words.next()? != "BUILT" {
        return None;
    }
    let path = words.next()?.split(',').map(|relay| {
        let relay = relay.trim_start_matches('$');
        relay.split(['~', '=']).next().unwrap_or(relay).to_owned()
    });
    let path = path.collect();
    let words: Vec<_> = words.collect();
    let value = |key: &str| words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    let is_one_hop = value("BUILD_FLAGS").is_some_and(|flags| flags.split(',').any(|flag| flag == "ONEHOP_TUNNEL"));
    Some(Circuit {
        id,
        path,
        purpose: value("PURPOSE").unwrap_or_default(),
        onion: value("REND_QUERY"),
        user: value("SOCKS_USERNAME").map(|user| user.trim_matches('"').to_owned()),
        created: value("TIME_CREATED").unwrap_or_default(),
        is_one_hop,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circuits_are_read_from_the_lines_of_tor() {
        let (a, b) = ("A".repeat(40), "B".repeat(40));
        let line = format!(
            "circuit-status=12 BUILT ${a}~relay0,${b}~relay1 BUILD_FLAGS=IS_INTERNAL,NEED_CAPACITY PURPOSE=HS_CLIENT_REND \
             HS_STATE=HSCR_JOINED REND_QUERY=abc TIME_CREATED=2026-01-02T03:04:05.678900"
        );
        let expected = Circuit {
            id: "12".to_owned(),
            path: vec![a.clone(), b],
            purpose: "HS_CLIENT_REND".to_owned(),
            onion: Some("abc".to_owned()),
            user: None,
            created: "2026-01-02T03:04:05.678900".to_owned(),
            is_one_hop: false,
        };
        assert_eq!(circuit(&line), Some(expected));
        let one_hop =
            circuit(&format!("3 BUILT ${a}~auth0 BUILD_FLAGS=ONEHOP_TUNNEL,NEED_CAPACITY PURPOSE=GENERAL")).unwrap();
        assert!(one_hop.is_one_hop);
        let of_user =
            format!("7 BUILT ${a}~relay0 PURPOSE=GENERAL TIME_CREATED=2026 SOCKS_USERNAME=\"s0\" SOCKS_PASSWORD=\"x\"");
        assert_eq!(circuit(&of_user).unwrap().user.as_deref(), Some("s0"));
        assert_eq!(circuit(&format!("4 EXTENDED ${a}~relay0 PURPOSE=GENERAL")), None);
        assert_eq!(circuit("circuit-status="), None);
    }
}
