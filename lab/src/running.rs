//! Networks that run beside the program that started them: what is written about them in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::topology::{NetworkConfig, Node};
use crate::tor::make_folder;

/// The folder of one network.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

/// The processes of a network, as the machine numbers them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessState {
    /// The outer process.
    pub pid: u32,
    /// When it started, in ticks since the machine did: another process may get its number.
    pub started: u64,
    /// The inner process.
    pub inner: u32,
}

/// A network that is ready.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkState {
    /// As it was asked for.
    pub config: NetworkConfig,
    /// Its nodes.
    pub nodes: Vec<Node>,
    /// The onion service.
    pub onion: String,
    /// Seconds until it was ready.
    pub seconds: f64,
    /// How often daemons had to be started again, by node.
    pub restarts: BTreeMap<String, u32>,
    /// Packets that were sent on, lost as asked for, dropped, and for nobody.
    pub packets: [u64; 4],
    /// Its namespaces, such as `net:[4026532000]`.
    pub namespaces: Vec<String>,
}

/// What is left of a network that was ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Whether it ran until now.
    pub was_running: bool,
    /// Namespaces that were looked for.
    pub namespaces: usize,
    /// Processes that are still in one of them.
    pub left: Vec<u32>,
}

impl RunFolder {
    /// The folder of the network called `name`, of this user, on this machine.
    ///
    /// # Errors
    ///
    /// If the name is no file name.
    pub fn of(name: &str) -> Result<Self, Error> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 60 || !name.chars().all(is_plain) {
            return Err(Error::Wrong(format!("`{name}`: the name of a network has letters, digits, - and _")));
        }
        let user = user_outside();
        Ok(Self(std::env::temp_dir().join(format!("wfkit-lab-{user}")).join(name)))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where daemons log.
    pub fn logs(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Makes it, empty but for what others may not read.
    ///
    /// # Errors
    ///
    /// If a network of this name runs, or the folder is somebody else's.
    pub fn make(&self) -> Result<(), Error> {
        if self.running()?.is_some() {
            let name = self.0.file_name().unwrap_or_default().display();
            return Err(Error::Wrong(format!(
                "a network `{name}` runs; end it with `wfkit-lab down`, or take another --name"
            )));
        }
        self.remove()?;
        make_folder(&self.logs())?;
        let of_user = self.0.parent().expect("it is in the folder of a user");
        let owner = fs::metadata(of_user).map_err(Error::system(of_user.display().to_string()))?;
        if owner.uid() != rustix::process::getuid().as_raw() || owner.mode() & 0o022 != 0 {
            let what = format!("{} belongs to somebody else", of_user.display());
            return Err(Error::Missing { what, mend: "set TMPDIR to a folder of yours".to_owned() });
        }
        Ok(())
    }

    /// Takes it away.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn remove(&self) -> Result<(), Error> {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::system(self.0.display().to_string())(error))
            }
            _ => {
                // The folder of the user stays while other networks are in it.
                let _ = self.0.parent().map(fs::remove_dir);
                Ok(())
            }
        }
    }

    /// Writes down the processes.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write_process(&self, inner: u32) -> Result<(), Error> {
        let pid = std::process::id();
        let started = started(pid).ok_or_else(|| Error::Wrong("/proc does not show this process".to_owned()))?;
        self.write("process.json", &ProcessState { pid, started, inner })
    }

    /// Writes down the network.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn write_network(&self, state: &NetworkState) -> Result<(), Error> {
        self.write("network.json", state)
    }

    /// The network, once it is ready.
    ///
    /// # Errors
    ///
    /// If its file cannot be read.
    pub fn network(&self) -> Result<Option<NetworkState>, Error> {
        self.read("network.json")
    }

    /// The processes, while they run.
    ///
    /// # Errors
    ///
    /// If their file cannot be read.
    pub fn running(&self) -> Result<Option<ProcessState>, Error> {
        let state: Option<ProcessState> = self.read("process.json")?;
        Ok(state.filter(|state| started(state.pid) == Some(state.started)))
    }

    /// Ends the network and looks for what is left of it. The folder is taken away when nothing is.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn down(&self) -> Result<Ended, Error> {
        let namespaces = self.network()?.map(|state| state.namespaces).unwrap_or_default();
        let running = self.running()?;
        if let Some(state) = &running {
            end(state)?;
        }
        // A process that was just killed may take a moment to go.
        let patience = Instant::now();
        let mut left = processes_in(&namespaces);
        while !left.is_empty() && patience.elapsed() < Duration::from_secs(60) {
            thread::sleep(Duration::from_millis(50));
            left = processes_in(&namespaces);
        }
        if left.is_empty() {
            self.remove()?;
        }
        Ok(Ended { was_running: running.is_some(), namespaces: namespaces.len(), left })
    }

    fn write<T: Serialize>(&self, name: &str, value: &T) -> Result<(), Error> {
        let (path, part) = (self.0.join(name), self.0.join(format!("{name}.part")));
        let text = serde_json::to_string_pretty(value).expect("these types can be written");
        fs::write(&part, text)
            .and_then(|()| fs::rename(&part, &path))
            .map_err(Error::system(path.display().to_string()))
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            text => {
                let text = text.map_err(Error::system(path.display().to_string()))?;
                let value = serde_json::from_str(&text);
                value.map(Some).map_err(|error| Error::Wrong(format!("{}: {error}", path.display())))
            }
        }
    }
}

/// Who this user is outside, as seen from inside, where everybody is root.
fn user_outside() -> u64 {
    let user = u64::from(rustix::process::getuid().as_raw());
    let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let mut ranges = map.lines().filter_map(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        <[u64; 3]>::try_from(numbers).ok()
    });
    let of_user = ranges.find(|[inside, _, count]| (*inside..inside + count).contains(&user));
    of_user.map_or(user, |[inside, outside, _]| outside + (user - inside))
}

/// Asks the outer process to end, and kills it if it does not.
fn end(state: &ProcessState) -> Result<(), Error> {
    let pid = Pid::from_raw(state.pid as i32).expect("a process has a number");
    // The descriptor stays that of this process even if its number is given away.
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return Ok(()) };
    if started(state.pid) != Some(state.started) {
        return Ok(());
    }
    for (signal, patience) in [(Signal::TERM, 30), (Signal::KILL, 60)] {
        if pidfd_send_signal(&process, signal).is_err() {
            return Ok(());
        }
        let asked = Instant::now();
        while asked.elapsed() < Duration::from_secs(patience) {
            if started(state.pid) != Some(state.started) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    Err(Error::Wrong(format!("process {} does not end", state.pid)))
}

/// Field 22 of /proc/PID/stat; `None` of a process that is gone, or only waits to be taken notice of.
fn started(pid: u32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may have anything in it.
    let mut fields = text.get(text.rfind(')')? + 2..)?.split(' ');
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

fn processes_in(namespaces: &[String]) -> Vec<u32> {
    let is_in = |pid: &u32| {
        let of = |kind| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
        let found = ["net", "mnt", "pid", "ipc"].into_iter().filter_map(of);
        found.into_iter().any(|link| namespaces.iter().any(|namespace| link.as_os_str() == namespace.as_str()))
    };
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(is_in).collect()
}

/// The namespaces of the calling process and of nodes; to be called inside.
pub(crate) fn namespaces(nodes: &[Node]) -> Vec<String> {
    let own = ["net", "mnt", "pid", "ipc"].into_iter().filter_map(|kind| {
        let link = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
        link.to_str().map(str::to_owned)
    });
    let of_nodes = nodes.iter().filter_map(|node| {
        let inode = fs::metadata(format!("/run/netns/{}", node.name)).ok()?.ino();
        Some(format!("net:[{inode}]"))
    });
    own.chain(of_nodes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_networks_are_names_of_files() {
        RunFolder::of("a-B_9").unwrap();
        for name in ["", "..", "a/b", "a b", &"x".repeat(61)] {
            assert!(RunFolder::of(name).is_err(), "{name}");
        }
    }

    #[test]
    fn this_process_runs_and_is_found_by_its_namespaces() {
        let pid = std::process::id();
        assert!(started(pid).unwrap() > 0);
        assert_eq!(started(u32::MAX), None);
        let own = fs::read_link("/proc/self/ns/net").unwrap().to_str().unwrap().to_owned();
        assert!(processes_in(&[own]).contains(&pid));
        assert!(processes_in(&["net:[1]".to_owned()]).is_empty());
    }
}
