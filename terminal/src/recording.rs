//! The system's clock and commands, for recording.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use wfkit_capture::live::{Clock, Process, Runner};

/// The clock of the system.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// One that starts now.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    fn unix_ns(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Runs commands in process groups of their own. What one says on standard error goes to a file, and its last line into
/// the message where it fails. The file is gone with this.
#[derive(Debug)]
pub struct SystemRunner {
    messages: PathBuf,
}

impl SystemRunner {
    /// One that keeps what the last command said in a file of this folder.
    pub fn within(folder: &Path) -> Self {
        Self { messages: folder.join("last-command.stderr") }
    }
}

impl Drop for SystemRunner {
    fn drop(&mut self) {
        // Where no command ran there is none.
        let _ = fs::remove_file(&self.messages);
    }
}

/// A command of the system.
#[derive(Debug)]
pub struct SystemProcess {
    child: Child,
    ended: bool,
    messages: PathBuf,
}

impl Runner for SystemRunner {
    type Process = SystemProcess;

    fn start(&mut self, command: &[String]) -> io::Result<SystemProcess> {
        let messages = File::create(&self.messages)?;
        let mut process = Command::new(&command[0]);
        process.args(&command[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(messages);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut process, 0);
        Ok(SystemProcess { child: process.spawn()?, ended: false, messages: self.messages.clone() })
    }
}

impl Process for SystemProcess {
    fn poll(&mut self) -> io::Result<Option<Result<(), String>>> {
        let Some(status) = self.child.try_wait()? else { return Ok(None) };
        self.ended = true;
        if status.success() {
            return Ok(Some(Ok(())));
        }
        let last = last_line(&self.messages).map(|line| format!(" ({line})")).unwrap_or_default();
        Ok(Some(Err(format!("{status}{last}"))))
    }

    fn kill(&mut self) {
        // Of a command that has ended the number may be another's by now.
        if self.ended {
            return;
        }
        #[cfg(unix)]
        let _ = rustix::process::kill_process_group(
            rustix::process::Pid::from_child(&self.child),
            rustix::process::Signal::KILL,
        );
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_line(messages: &Path) -> Option<String> {
    const MOST: u64 = 1 << 16;
    let mut bytes = Vec::new();
    File::open(messages).ok()?.take(MOST).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(line.chars().filter(|c| !c.is_control()).take(200).collect())
}

#[cfg(all(test, unix))]
#[allow(clippy::unwrap_used, reason = "a test that fails")]
mod tests {
    use super::*;

    fn ended(process: &mut SystemProcess) -> Result<(), String> {
        loop {
            match process.poll().unwrap() {
                Some(how) => return how,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    #[test]
    fn a_command_that_fails_tells_its_last_line() {
        let folder = tempfile::tempdir().unwrap();
        let mut runner = SystemRunner::within(folder.path());
        let mut run = |script: &str| runner.start(&["sh", "-c", script].map(str::to_owned)).unwrap();
        assert_eq!(ended(&mut run("exit 0")), Ok(()));
        assert_eq!(ended(&mut run("echo one >&2; echo two >&2; exit 3")), Err("exit status: 3 (two)".to_owned()));
        let mut endless = run("sleep 60");
        endless.kill();
        assert!(ended(&mut endless).unwrap_err().contains("signal: 9"));
        drop(runner);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
