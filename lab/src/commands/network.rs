//! Networks that run until they are ended.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use wfkit_lab::{Network, NetworkState, RunFolder, check_clients, enclosure};

use crate::cli::{Up, Which};
use crate::printer;

const LOOK: Duration = Duration::from_millis(100);

/// How often what is written about a network is renewed.
const RENEW: Duration = Duration::from_secs(2);

pub(crate) fn up(up: &Up) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::of(&up.which.name)?;
    up.network.config().nodes()?;
    check_clients(&up.network.config())?;
    enclosure::seen_from_both(folder.path())?;
    if up.foreground {
        // Whoever started this in the background has made the folder.
        if std::env::var_os(BACKGROUND).is_none() {
            folder.make()?;
        }
        let enclosure = super::again_inside()?;
        folder.write_process(enclosure.pid())?;
        return super::as_inside(enclosure);
    }
    folder.make()?;
    let log = folder.path().join("supervisor.log");
    let started = Instant::now();
    let mut supervisor = in_background(&log)?;
    let mut said = 0;
    loop {
        thread::sleep(LOOK);
        let text = fs::read_to_string(&log).unwrap_or_default();
        for line in text[said..].lines() {
            printer::note(line);
        }
        said = text.len();
        if folder.network()?.is_some() {
            break;
        }
        if let Some(status) = supervisor.try_wait()? {
            bail!("the network did not get ready ({status}); its logs are in {}", folder.logs().display());
        }
    }
    printer::note(&format!("ready after {:.1} s", started.elapsed().as_secs_f64()));
    status(&up.which)
}

const BACKGROUND: &str = "WFKIT_LAB_BACKGROUND";

/// This command again, in the foreground of a session of its own.
fn in_background(log: &Path) -> anyhow::Result<Child> {
    use std::os::unix::process::CommandExt as _;
    let out = File::create(log).with_context(|| log.display().to_string())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).arg("--foreground").env(BACKGROUND, "1");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out).process_group(0);
    command.spawn().context("starting the supervisor")
}

pub(crate) fn up_inside(up: &Up) -> anyhow::Result<ExitCode> {
    let stop = enclosure::settle()?;
    let folder = RunFolder::of(&up.which.name)?;
    let started = Instant::now();
    let network = Network::up(&up.network.config(), &folder.logs(), &|step| printer::note(step), &stop)?;
    let seconds = started.elapsed().as_secs_f64();
    let mut restarts = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        folder.write_network(&network.state(seconds, &restarts))?;
        let renewed = Instant::now();
        while renewed.elapsed() < RENEW && !stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
        }
        for restarted in network.mend()? {
            printer::note(&format!("{} ended ({}) and was started again", restarted.node, restarted.how));
            *restarts.entry(restarted.node).or_default() += 1;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn status(which: &Which) -> anyhow::Result<ExitCode> {
    let folder = RunFolder::of(&which.name)?;
    let Some(process) = folder.running()? else {
        let ended = if folder.path().exists() { " any more; `wfkit-lab down` takes away what it wrote" } else { "" };
        bail!("no network `{}` runs{ended}", which.name);
    };
    let Some(NetworkState { nodes, onion, seconds, restarts, packets, config, .. }) = folder.network()? else {
        printer::line(&format!("network `{}` is not ready yet; its log is {}", which.name, folder.path().display()));
        return Ok(ExitCode::SUCCESS);
    };
    printer::line(&format!("network `{}`, ready after {seconds:.1} s", which.name));
    for node in &nodes {
        let restarts = restarts.get(&node.name).map_or(String::new(), |times| format!(", started again {times} times"));
        printer::line(&format!("  {:<10} {:<9} {}{restarts}", node.name, node.role, node.address));
    }
    let [forwarded, lost, dropped, strays] = packets;
    printer::line(&format!(
        "links: {} ms + up to {} ms, {} kbit/s (0: no limit), loss {}",
        config.delay, config.jitter, config.rate, config.loss
    ));
    printer::line(&format!("packets: {forwarded} sent on, {lost} lost, {dropped} dropped, {strays} for nobody"));
    printer::line(&format!("onion service: {onion}, port 80 -> 127.0.0.1:8080 in `service0`"));
    printer::line(&format!("logs: {}", folder.logs().display()));
    let user = if rustix::process::getuid().is_root() { "" } else { " --user --preserve-credentials" };
    printer::line(&format!(
        "a shell in it: nsenter --target {}{user} --mount --net --pid ip netns exec client0 bash   (SOCKS: 127.0.0.1:9050)",
        process.inner
    ));
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn down(which: &Which) -> anyhow::Result<ExitCode> {
    let ended = RunFolder::of(&which.name)?.down()?;
    if !ended.left.is_empty() {
        bail!("processes {:?} are still in the network's namespaces", ended.left);
    }
    let was = if ended.was_running { "ended" } else { "was not running" };
    printer::line(&format!(
        "network `{}` {was}; no process is in any of its {} namespaces, which are gone with all their mounts and links",
        which.name, ended.namespaces
    ));
    Ok(ExitCode::SUCCESS)
}
