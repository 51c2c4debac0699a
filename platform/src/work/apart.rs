//! Work in a process of its own: the same program, with limits that the system keeps. A file that needs more than one check may have is
//! refused in words, and the server lives.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use super::{Done, Job, on_thread};
use crate::{Failure, Files};

/// The command that computes a job; for nobody to type.
const COMMAND: &str = "job";
/// What waits for a disk or for its turn takes longer than its processor time, but not for ever.
const PATIENCE: u32 = 20;
/// The status of one that took longer.
const OUT_OF_PATIENCE: i32 = 75;

/// How jobs run in processes of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Apart {
    /// This program.
    pub program: PathBuf,
    /// Memory that a job may have, in MiB.
    pub memory_mib: u64,
    /// Processor time that a job may have, in seconds, over all cores.
    pub seconds: u64,
}

impl Apart {
    /// The program that runs, with limits that only what is hostile, or very large, comes to.
    pub fn of_this_program() -> Self {
        // On Linux also after the file was replaced: a server does not mix versions.
        let own = PathBuf::from("/proc/self/exe");
        let program = if own.exists() { own } else { std::env::current_exe().unwrap_or(own) };
        Self { program, memory_mib: 2048, seconds: 900 }
    }

    /// Computes a job.
    ///
    /// # Errors
    /// [`Failure::TooLarge`], in words for a team, where it outgrew a limit.
    pub(super) async fn run(&self, job: &Job, files: &Files, unique: &str) -> Result<Done, Failure> {
        let mut command = Command::new(&self.program);
        command.args([COMMAND, "--memory", &self.memory_mib.to_string(), "--seconds", &self.seconds.to_string()]);
        command.args(["--unique", unique, "--files"]).arg(files.root());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // Ctrl-C on a terminal is for the server, which lets its jobs come to an end.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut text = serde_json::to_vec(job)?;
        text.push(b'\n');
        let output = on_thread(move || Ok(answered(command, &text)?)).await?;
        if output.status.success() {
            let answer: Result<Done, String> = serde_json::from_slice(&output.stdout)?;
            return answer.map_err(Failure::Broken);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(self.outgrown(&output.status, &said).map_or_else(
            || Failure::Broken(format!("a job ended with {}: {}", output.status, said.trim_end())),
            Failure::TooLarge,
        ))
    }

    /// Which limit ended a job, in words.
    fn outgrown(&self, status: &ExitStatus, said: &str) -> Option<String> {
        // What the standard library says before it gives up, and what a thread says that gets no stack.
        let refused =
            ["memory allocation of", "capacity overflow", "Cannot allocate memory", "Resource temporarily unavailable"];
        if refused.iter().any(|words| said.contains(words)) {
            return Some(format!(
                "The check needs more than {} MiB of memory, which is all that it may have.",
                self.memory_mib
            ));
        }
        #[cfg(unix)]
        {
            use std::os::unix::process::ExitStatusExt;
            let out_of_time = rustix::process::Signal::XCPU.as_raw();
            if status.signal() == Some(out_of_time) {
                return Some(format!(
                    "The check needs more than {} s of processor time, which is all that it may have.",
                    self.seconds
                ));
            }
        }
        (status.code() == Some(OUT_OF_PATIENCE)).then(|| "The check did not come to an end.".to_owned())
    }
}

/// Runs a command that is given a text, and told that nobody waits any more by the end of its standard input.
fn answered(mut command: Command, text: &[u8]) -> io::Result<Output> {
    let mut child = command.spawn()?;
    let stdin = child.stdin.take();
    if let Some(mut stdin) = stdin.as_ref() {
        // One that ends before it has read all says why below.
        let _ = stdin.write_all(text);
    }
    let output = child.wait_with_output();
    drop(stdin);
    output
}

/// Computes the job on the standard input, within limits, and writes what it came to: what `wfkit-platform job` does.
///
/// # Errors
/// What the system refuses, an input that is no job.
pub fn run_job(files: &Path, unique: &str, memory_mib: u64, seconds: u64) -> io::Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line)?;
    drop(line);
    std::thread::spawn(|| {
        // The server holds the other end: when it is gone, nobody waits for this work, nor for what it has begun.
        let _ = io::stdin().lock().read(&mut [0]);
        end_all();
        std::process::exit(1);
    });
    let done = Files::open(files).map_err(Failure::from).and_then(|files| {
        if let Some(refused) = job.prepare(&files)? {
            return Ok(refused);
        }
        limit(memory_mib, seconds)?;
        let most = Duration::from_secs(seconds) * PATIENCE;
        std::thread::spawn(move || {
            std::thread::sleep(most);
            std::process::exit(OUT_OF_PATIENCE);
        });
        job.run(&files, unique)
    });
    let answer = done.map_err(|failure| format!("{failure:?}"));
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &answer)?;
    out.flush()
}

/// Ends this process and all that it started, where it leads a group of its own.
#[cfg(unix)]
fn end_all() {
    use rustix::process::{Signal, getpgrp, getpid, kill_process_group};
    if getpgrp() == getpid() {
        let _ = kill_process_group(getpgrp(), Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end_all() {}

/// Limits on this process, for good. Memory is what it writes to: reserved addresses cost nothing.
#[cfg(unix)]
fn limit(memory_mib: u64, seconds: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};
    let set = |resource, most| setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) });
    set(Resource::Core, 0)?;
    set(Resource::Data, memory_mib << 20)?;
    // The signal comes at the first, the end without a word at the second.
    let rlimit = Rlimit { current: Some(seconds), maximum: Some(seconds + 5) };
    setrlimit(Resource::Cpu, rlimit)?;
    // Pages go first.
    nice(5)?;
    Ok(())
}

#[cfg(not(unix))]
fn limit(_: u64, _: u64) -> io::Result<()> {
    Ok(())
}
