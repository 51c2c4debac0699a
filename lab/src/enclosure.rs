//! Namespaces of the laboratory's own, from which nothing leaves and of which nothing stays.
//!
//! The laboratory runs in two processes. The outer one leaves the machine's namespaces and starts the inner one, which is
//! thereby the first process (PID 1) of a new PID namespace: whenever it ends, however it ends, the kernel ends every process
//! of that namespace, and with the last process go the network and mount namespaces and all in them. Should the outer process
//! end first, the kernel kills the inner one. So no order of kills leaves anything behind, and no clean-up need be right.

use std::ffi::OsString;
use std::io::Read as _;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_change};
use rustix::process::{Pid, Signal, getgid, getuid, kill_process, set_parent_process_death_signal};
use rustix::thread::UnshareFlags;

use crate::Error;

/// A folder in memory that only the inside sees; everything secret or short-lived is in it.
pub const PRIVATE: &str = "/run";

/// How long the inside may take to end by itself once it was asked to.
const GRACE: Duration = Duration::from_secs(15);

/// How often the outer process looks whether it should end.
const LOOK: Duration = Duration::from_millis(50);

/// The inner process, seen from outside.
#[derive(Debug)]
pub struct Enclosure {
    inner: Child,
    /// While this end is open, the inside goes on.
    lifeline: Option<ChildStdin>,
}

impl Enclosure {
    /// Leaves the machine's namespaces for good and starts this very program again, inside, with `arguments`. To be called
    /// while the process has one thread.
    ///
    /// # Errors
    ///
    /// If namespaces are forbidden here, with what would allow them.
    pub fn start(arguments: &[OsString]) -> Result<Self, Error> {
        let program = std::env::current_exe().map_err(Error::system("the path of this program"))?;
        leave_the_machine()?;
        let mut inner = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(Error::system("starting the inner process"))?;
        let lifeline = inner.stdin.take();
        Ok(Self { inner, lifeline })
    }

    /// The inner process as the machine numbers it.
    pub fn pid(&self) -> u32 {
        self.inner.id()
    }

    /// Waits until the inside has ended. Once `stop` is set, it is asked to; after a grace period it is killed.
    ///
    /// # Errors
    ///
    /// What the system says of waiting.
    pub fn wait(mut self, stop: &AtomicBool) -> Result<ExitStatus, Error> {
        let mut asked: Option<Instant> = None;
        loop {
            if let Some(status) = self.inner.try_wait().map_err(Error::system("waiting for the inner process"))? {
                return Ok(status);
            }
            if stop.load(Ordering::Relaxed) {
                drop(self.lifeline.take());
                if asked.get_or_insert_with(Instant::now).elapsed() > GRACE {
                    let pid = Pid::from_raw(self.inner.id() as i32).expect("a child has a number");
                    kill_process(pid, Signal::KILL).map_err(Error::errno("killing the inner process"))?;
                }
            }
            std::thread::sleep(LOOK);
        }
    }
}

/// Namespaces for users, where root's rights do not do; processes, mounts, network, and the rest that processes share.
fn leave_the_machine() -> Result<(), Error> {
    let apart = UnshareFlags::NEWPID | UnshareFlags::NEWNS | UnshareFlags::NEWNET | UnshareFlags::NEWIPC;
    let (user, group) = (getuid(), getgid());
    if user.is_root() && unshare(apart).is_ok() {
        return Ok(());
    }
    unshare(apart | UnshareFlags::NEWUSER).map_err(|source| Error::Missing {
        what: format!("namespaces are forbidden here ({source})"),
        mend: forbidden_namespaces().to_owned(),
    })?;
    let map = |file: &str, text: String| {
        std::fs::write(file, text).map_err(Error::system(format!("{file}: becoming root of the new user namespace")))
    };
    map("/proc/self/setgroups", "deny".to_owned())?;
    map("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    map("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}

/// What allows namespaces, as far as the machine says what forbids them.
pub(crate) fn forbidden_namespaces() -> &'static str {
    let switched = |file: &str, value: &str| std::fs::read_to_string(file).is_ok_and(|text| text.trim() == value);
    if switched("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        "run as root, or once `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
    } else if switched("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "run as root, or once `sudo sysctl kernel.unprivileged_userns_clone=1`"
    } else if switched("/proc/sys/user/max_user_namespaces", "0") {
        "run as root, or once `sudo sysctl user.max_user_namespaces=10000`"
    } else {
        "run as root; in a container, start it with `--security-opt seccomp=unconfined` or `--privileged`"
    }
}

#[expect(deprecated, reason = "unsafe is only UnshareFlags::FILES, which is not passed")]
pub(crate) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

/// The first thing that the inner process does: ends when the outer one does, keeps its mounts to itself, and gets a
/// [`PRIVATE`] folder. The flag that comes back is set when the inside should end.
///
/// # Errors
///
/// If the process is not inside, or the system refuses.
pub fn settle() -> Result<Arc<AtomicBool>, Error> {
    if std::process::id() != 1 {
        return Err(Error::Wrong("--inside is what the program says to itself; leave it out".to_owned()));
    }
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Error::errno("asking to end with the outer process"))?;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .map_err(Error::errno("keeping mounts private"))?;
    mount("wfkit-lab", PRIVATE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, c"mode=0700")
        .map_err(Error::errno(format!("a private {PRIVATE}")))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop)).map_err(Error::system("watching for signals"))?;
    }
    let asked = Arc::clone(&stop);
    std::thread::spawn(move || {
        // Nothing is ever written: this returns when the outer process lets go, or is gone.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        asked.store(true, Ordering::Relaxed);
        std::thread::sleep(GRACE);
        std::process::exit(1);
    });
    Ok(stop)
}

/// Whether a file can be seen both inside and outside.
///
/// # Errors
///
/// If it lies in the folder that the inside has for itself.
pub fn seen_from_both(path: &std::path::Path) -> Result<(), Error> {
    let whole = std::path::absolute(path).map_err(Error::system(path.display().to_string()))?;
    // What does not exist yet has a parent that does.
    let real = whole.ancestors().find_map(|part| part.canonicalize().ok()).unwrap_or(whole);
    if real.starts_with(PRIVATE) {
        let why = format!("{}: {PRIVATE} is the laboratory's own while it runs; choose another folder", path.display());
        return Err(Error::Wrong(why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_inside_hides_is_refused() {
        assert!(seen_from_both("/run/x/y".as_ref()).unwrap_err().to_string().contains("choose another folder"));
        assert!(seen_from_both("/var/run/x".as_ref()).is_err());
        seen_from_both("/tmp/x/y".as_ref()).unwrap();
    }

    #[test]
    fn nobody_is_inside_by_saying_so() {
        assert!(settle().unwrap_err().to_string().contains("leave it out"));
    }
}
