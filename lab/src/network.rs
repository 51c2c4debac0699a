//! A private Tor network, from nothing to answering.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::Error;
use crate::arti::{self, Authority, Machines};
use crate::daemon::Daemon;
use crate::enclosure::PRIVATE;
use crate::link::{self, Hub, HubCounters};
use crate::namespace::Namespace;
use crate::running::{NetworkState, namespaces};
use crate::topology::{ClientProgram, NetworkConfig, Node, Role};
use crate::tor::{
    AuthorityKeys, Consensus, ControlPort, Identity, RoleOptions, Torrc, authority_keys, bandwidth_file, fingerprint,
    make_folder, stability_file, vote_soon,
};

/// Where the server behind the onion service listens, in the namespace of the service.
pub const SERVER_PORT: u16 = 8080;

/// Where the server of a second application listens.
pub(crate) const SECOND_PORT: u16 = 8081;

/// Half a minute will do, several where the machine is slow and busy.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a node may stay where it is before it starts again.
const STUCK: Duration = Duration::from_secs(45);

const LOOK: Duration = Duration::from_millis(200);

/// A running network. It ends with the process, or when it is dropped.
#[derive(Debug)]
pub struct Network {
    config: NetworkConfig,
    nodes: Vec<Node>,
    namespaces: Vec<Namespace>,
    hub: Hub,
    daemons: Mutex<Vec<Daemon>>,
    deaths: AtomicU64,
    relays: HashMap<String, Ipv4Addr>,
    onion: String,
    logs: PathBuf,
}

/// Something that happened to a daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarted {
    /// The node.
    pub node: String,
    /// How its daemon ended.
    pub how: String,
}

impl Network {
    /// Brings up a network inside of an [`Enclosure`](crate::enclosure::Enclosure). Daemons write to files in `logs`, all else is
    /// in memory. `say` is told what is being waited for.
    ///
    /// # Errors
    ///
    /// If a daemon ends or never gets ready (with its last lines), something is missing, or `stop` was set.
    pub fn up(config: &NetworkConfig, logs: &Path, say: &dyn Fn(&str), stop: &AtomicBool) -> Result<Self, Error> {
        let nodes = config.nodes()?;
        fs::create_dir_all(logs).map_err(Error::system(logs.display().to_string()))?;
        say("links");
        let namespaces = link::make(&nodes)?;
        let hub = Hub::start(&nodes, config.link(), config.seed)?;
        say("keys");
        let keys = make_keys(&nodes)?;
        stop_if(stop)?;
        let mut network = Self {
            config: config.clone(),
            nodes,
            namespaces,
            hub,
            daemons: Mutex::new(Vec::new()),
            deaths: AtomicU64::new(0),
            relays: keys.relays.iter().map(|(identity, address)| (identity.fingerprint.clone(), *address)).collect(),
            onion: String::new(),
            logs: logs.to_owned(),
        };
        network.configure(&keys)?;
        network.start(Role::is_relay)?;
        say("authorities to know all relays");
        network.wait(stop, "does not know all relays", &|network| network.authorities_know_all())?;
        for authority in network.nodes_of(Role::Authority) {
            network.control(authority)?.command(&vote_soon(unix_seconds()))?;
        }
        say("a consensus");
        network.wait(stop, "brought no consensus by which all relays can be used", &|network| {
            Ok(network.without_consensus())
        })?;
        // Whoever asks for a consensus before there is one waits longer and longer until it asks again; who starts anew
        // asks at once. So relays start twice, and clients only once relays can answer them.
        for relay in network.nodes_of(Role::Relay).chain(network.nodes_of(Role::Exit)) {
            network.restart(relay)?;
        }
        say("relays");
        network.reach(stop, &Role::is_relay)?;
        network.tell_arti(&keys)?;
        network.start(|role| !role.is_relay())?;
        say("clients and the service");
        network.reach(stop, &|role| !role.is_relay())?;
        let hostname = folder("service0").join("onion/hostname");
        let onion = fs::read_to_string(&hostname).map_err(Error::system(hostname.display().to_string()))?;
        network.onion = onion.trim().to_owned();
        Ok(network)
    }

    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes of a role.
    pub fn nodes_of(&self, role: Role) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.role == role)
    }

    /// The namespace of a node.
    ///
    /// # Panics
    ///
    /// If the node is of another network.
    pub fn namespace(&self, node: &Node) -> &Namespace {
        let at = self.nodes.iter().position(|other| other == node).expect("a node of this network");
        &self.namespaces[at]
    }

    /// Address of the onion service, with `.onion`.
    pub fn onion(&self) -> &str {
        &self.onion
    }

    /// The address of a relay by fingerprint.
    pub fn relay(&self, fingerprint: &str) -> Option<Ipv4Addr> {
        self.relays.get(fingerprint).copied()
    }

    /// The control port of a node's tor.
    ///
    /// # Errors
    ///
    /// If it is not running.
    pub fn control(&self, node: &Node) -> Result<ControlPort, Error> {
        ControlPort::connect(&folder(&node.name))
    }

    /// What is known about it, for those outside.
    pub fn state(&self, seconds: f64, restarts: &BTreeMap<String, u32>) -> NetworkState {
        let HubCounters { forwarded, lost, dropped, strays } = self.hub.counters();
        NetworkState {
            config: self.config.clone(),
            nodes: self.nodes.clone(),
            onion: self.onion.clone(),
            seconds,
            restarts: restarts.clone(),
            packets: [forwarded, lost, dropped, strays],
            namespaces: namespaces(&self.nodes),
        }
    }

    /// From now on packets take so long over every node's link, one way.
    pub fn set_delay(&self, delay: Duration) {
        self.hub.set_delay(delay);
    }

    /// What the hub counted.
    pub fn hub_counters(&self) -> HubCounters {
        self.hub.counters()
    }

    /// Starts daemons again that ended. To be called now and then.
    ///
    /// # Errors
    ///
    /// If one cannot be started.
    pub fn mend(&self) -> Result<Vec<Restarted>, Error> {
        let mut daemons = self.daemons.lock().expect("nothing panics while it holds this");
        let mut restarted = Vec::new();
        for (at, node) in self.started_order().into_iter().enumerate().take(daemons.len()) {
            if let Some(status) = daemons[at].ended()? {
                daemons[at] = self.daemon(node)?;
                self.deaths.fetch_add(1, Ordering::Relaxed);
                restarted.push(Restarted { node: node.name.clone(), how: status.to_string() });
            }
        }
        Ok(restarted)
    }

    /// How many daemons ended until now and were started again: where the number is another than before, who got no answer in
    /// between need not wonder.
    pub fn deaths(&self) -> u64 {
        self.deaths.load(Ordering::Relaxed)
    }

    /// Kills the daemon of a node, as a crash would; [`mend`](Self::mend) starts it again.
    pub fn crash(&self, node: &Node) {
        let mut daemons = self.daemons.lock().expect("nothing panics while it holds this");
        daemons[self.started_at(node)].kill();
    }

    /// Starts the tor of a client or service anew, without the guards and circuits that it had. It is ready some seconds later.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn renew(&self, node: &Node) -> Result<(), Error> {
        let mut daemons = self.daemons.lock().expect("nothing panics while it holds this");
        let daemon = &mut daemons[self.started_at(node)];
        daemon.kill();
        let folder = folder(&node.name);
        let (state, removed) = if self.is_arti(node) {
            let state = arti::state(&folder);
            (state.clone(), fs::remove_dir_all(state))
        } else {
            let state = folder.join("state");
            (state.clone(), fs::remove_file(state))
        };
        match removed {
            // It may have ended before it wrote one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed.map_err(Error::system(state.display().to_string()))?,
        }
        *daemon = self.daemon(node)?;
        Ok(())
    }

    /// From now on such machines run on the circuits of a client of arti, also after it started anew.
    ///
    /// # Errors
    ///
    /// If they are no machines, or the client runs none.
    pub fn set_machines(&self, node: &Node, machines: &Machines) -> Result<(), Error> {
        if !self.is_arti(node) {
            let is_none = machines.machines.is_empty();
            let why = || Error::Wrong(format!("{}: only arti runs machines of Maybenot", node.name));
            return if is_none { Ok(()) } else { Err(why()) };
        }
        let path = arti::machines_file(&folder(&node.name));
        let words = machines.words();
        fs::write(&path, &words).map_err(Error::system(path.display().to_string()))?;
        match self.control(node) {
            Ok(mut port) => port.command(&format!("MACHINES {words}")).map(|_| ()),
            // One that is not there yet reads the file once it is.
            Err(Error::System { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn is_arti(&self, node: &Node) -> bool {
        node.role == Role::Client && self.config.client == ClientProgram::Arti
    }

    /// Writes what clients of arti are told; authorities have run, and so have all their keys.
    fn tell_arti(&self, keys: &Keys) -> Result<(), Error> {
        if self.config.client != ClientProgram::Arti {
            return Ok(());
        }
        let of = |keys: &AuthorityKeys| Authority::of(keys, &folder(&keys.name));
        let authorities = keys.authorities.iter().map(of).collect::<Result<Vec<_>, _>>()?;
        for client in self.nodes_of(Role::Client) {
            let folder = folder(&client.name);
            let path = folder.join("arti.toml");
            let text = arti::config(&folder, &authorities, self.config.connection_padding);
            fs::write(&path, text).map_err(Error::system(path.display().to_string()))?;
        }
        Ok(())
    }

    fn started_order(&self) -> Vec<&Node> {
        let (relays, others): (Vec<_>, Vec<_>) = self.nodes.iter().partition(|node| node.role.is_relay());
        relays.into_iter().chain(others).collect()
    }

    fn configure(&self, keys: &Keys) -> Result<(), Error> {
        let write =
            |path: PathBuf, text: &str| fs::write(&path, text).map_err(Error::system(path.display().to_string()));
        let bandwidths = Path::new(PRIVATE).join("lab/bandwidths");
        let now = unix_seconds();
        let identities: Vec<_> = keys.relays.iter().map(|(identity, _)| identity.clone()).collect();
        write(bandwidths.clone(), &bandwidth_file(now, &identities))?;
        let addresses = |role| self.nodes_of(role).map(|node| node.address).collect::<Vec<_>>();
        let (guards, exits) = (addresses(Role::Relay), addresses(Role::Exit));
        for node in &self.nodes {
            let folder = folder(&node.name);
            make_folder(&folder)?;
            write(folder.join("resolv.conf"), "nameserver 127.0.0.1\n")?;
            let role = match node.role {
                Role::Authority => {
                    write(folder.join("router-stability"), &stability_file(now, &identities))?;
                    RoleOptions::Authority { guards: &guards, exits: &exits, bandwidth_file: &bandwidths, now }
                }
                Role::Relay => RoleOptions::Relay,
                Role::Exit => RoleOptions::Exit,
                Role::Service => RoleOptions::Service { server_ports: [SERVER_PORT, SECOND_PORT] },
                Role::Client => {
                    let NetworkConfig { connection_padding, circuit_padding, .. } = self.config;
                    RoleOptions::Client { connection_padding, circuit_padding }
                }
            };
            let scheduler_interval = self.config.scheduler_interval;
            let torrc = Torrc { node, folder: &folder, authorities: &keys.authorities, scheduler_interval, role };
            write(folder.join("torrc"), &torrc.to_string())?;
        }
        Ok(())
    }

    fn start(&self, which: impl Fn(Role) -> bool) -> Result<(), Error> {
        for node in self.nodes.iter().filter(|node| which(node.role)) {
            let daemon = self.daemon(node)?;
            self.daemons.lock().expect("nothing panics while it holds this").push(daemon);
        }
        Ok(())
    }

    fn restart(&self, node: &Node) -> Result<(), Error> {
        let mut daemons = self.daemons.lock().expect("nothing panics while it holds this");
        let daemon = &mut daemons[self.started_at(node)];
        daemon.kill();
        *daemon = self.daemon(node)?;
        Ok(())
    }

    /// Where the daemon of a node is among those that were started.
    fn started_at(&self, node: &Node) -> usize {
        self.started_order().iter().position(|other| *other == node).expect("a node of this network")
    }

    fn daemon(&self, node: &Node) -> Result<Daemon, Error> {
        let folder = folder(&node.name);
        let command = if self.is_arti(node) {
            let mut command = Command::new(arti::program());
            command.arg(folder.join("arti.toml"));
            command
        } else {
            let mut command = Command::new("tor");
            command.arg("-f").arg(folder.join("torrc"));
            command
        };
        let log = self.logs.join(format!("{}.log", node.name));
        Daemon::start(&node.name, self.namespace(node), command, &log)
    }

    /// Waits until all is `ready`, which says which node it still waits for.
    fn wait(
        &self,
        stop: &AtomicBool,
        problem: &str,
        ready: &dyn Fn(&Self) -> Result<Option<String>, Error>,
    ) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            stop_if(stop)?;
            for daemon in self.daemons.lock().expect("nothing panics while it holds this").iter_mut() {
                if let Some(status) = daemon.ended()? {
                    return Err(daemon.error(format!("ended ({status}) before the network was ready")));
                }
            }
            let Some(late) = ready(self)? else { return Ok(()) };
            if started.elapsed() > PATIENCE {
                let at =
                    self.started_order().iter().position(|node| node.name == late).expect("a node of this network");
                let daemons = self.daemons.lock().expect("nothing panics while it holds this");
                return Err(daemons[at].error(format!("{problem} after {} s", PATIENCE.as_secs())));
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until relays of such roles know the directory, and others can build circuits. One that gets no further starts again: it
    /// asked somebody who had no answer yet, and waits longer and longer until it asks again.
    fn reach(&self, stop: &AtomicBool, which: &dyn Fn(Role) -> bool) -> Result<(), Error> {
        let seen: RefCell<HashMap<String, (u8, Instant)>> = RefCell::default();
        self.wait(stop, "is not ready", &|network| {
            let mut late = None;
            for node in network.nodes.iter().filter(|node| which(node.role)) {
                let percent = network.percent(node);
                if percent >= 100 {
                    continue;
                }
                let mut seen = seen.borrow_mut();
                let (before, since) = seen.entry(node.name.clone()).or_insert((percent, Instant::now()));
                if *before != percent {
                    (*before, *since) = (percent, Instant::now());
                } else if since.elapsed() > STUCK {
                    network.restart(node)?;
                    *since = Instant::now();
                }
                late = Some(node.name.clone());
            }
            Ok(late)
        })
    }

    /// How ready a node is; right after its start a daemon has no socket yet.
    fn percent(&self, node: &Node) -> u8 {
        let asked = self.control(node).and_then(|mut port| match node.role.is_relay() {
            true => port.has_directory().map(|has| if has { 100 } else { 0 }),
            false => port.progress(),
        });
        asked.unwrap_or(0)
    }

    fn authorities_know_all(&self) -> Result<Option<String>, Error> {
        for node in self.nodes_of(Role::Authority) {
            // Right after its start a daemon has no socket yet.
            let known = self.control(node).and_then(|mut port| port.known_relays()).unwrap_or(0);
            if known < self.relays.len() {
                return Ok(Some(node.name.clone()));
            }
        }
        Ok(None)
    }

    /// An authority that has no consensus yet which names all relays, lets guards be guards, and is valid by now. Who asks it would go
    /// away empty, or find no way in.
    fn without_consensus(&self) -> Option<String> {
        let guards: Vec<_> = self.nodes_of(Role::Relay).map(|node| node.address).collect();
        let is_without = |node: &&Node| {
            let path = folder(&node.name).join("cached-microdesc-consensus");
            let Ok(text) = fs::read_to_string(path) else { return true };
            let Consensus { valid_from, relays, guards: found } = Consensus::read(&text);
            let is_valid = valid_from.is_some_and(|from| from <= unix_seconds() as i64);
            !is_valid || relays < self.relays.len() || guards.iter().any(|guard| !found.contains(guard))
        };
        self.nodes_of(Role::Authority).find(is_without).map(|node| node.name.clone())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for daemon in self.daemons.get_mut().expect("nothing panics while it holds this") {
            daemon.kill();
        }
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(PRIVATE).join("lab").join(name)
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

pub(crate) fn stop_if(stop: &AtomicBool) -> Result<(), Error> {
    if stop.load(Ordering::Relaxed) { Err(Error::Stopped) } else { Ok(()) }
}

struct Keys {
    authorities: Vec<AuthorityKeys>,
    relays: Vec<(Identity, Ipv4Addr)>,
}

/// Keys of authorities, then of relays; as many at once as there are processors.
fn make_keys(nodes: &[Node]) -> Result<Keys, Error> {
    let of = |role: Role| nodes.iter().filter(move |node| node.role == role);
    let authorities = in_parallel(of(Role::Authority).collect(), |node| authority_keys(node, &folder(&node.name)))?;
    let relays: Vec<_> = of(Role::Relay).chain(of(Role::Exit)).collect();
    let fingerprints =
        in_parallel(relays.clone(), |node| fingerprint(node, &folder(&node.name), &authorities))?.into_iter();
    let as_relays = of(Role::Authority).zip(authorities.iter().map(|keys| keys.fingerprint.clone()));
    let relays = as_relays.chain(relays.into_iter().zip(fingerprints));
    let relays = relays.map(|(node, fingerprint)| (Identity::of(node, fingerprint), node.address)).collect();
    Ok(Keys { authorities, relays })
}

/// Results in the order of `nodes`.
fn in_parallel<T: Send>(nodes: Vec<&Node>, act: impl Fn(&Node) -> Result<T, Error> + Sync) -> Result<Vec<T>, Error> {
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let mut done = Vec::new();
    for some in nodes.chunks(at_once) {
        let results: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = some.iter().map(|node| scope.spawn(|| act(node))).collect();
            threads.into_iter().map(|thread| thread.join().expect("a panic was told")).collect()
        });
        for result in results {
            done.push(result?);
        }
    }
    Ok(done)
}
