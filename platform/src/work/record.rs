//! A defence of SecretStroll, which the laboratory records live: `wfkit-lab generate` makes a private Tor network, runs server and clients
//! under the defence, and records every query.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::game::Round;
use crate::store::submissions::Submission;
use crate::{Failure, Files};

/// What the laboratory is given when it is told to end, to leave nothing behind.
const GRACE: Duration = Duration::from_secs(30);

/// The laboratory of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lab {
    /// Its program, `wfkit-lab`.
    pub program: PathBuf,
    /// How long one recording may take.
    pub limit: Duration,
}

impl Lab {
    /// Makes the file that an upload would have been, unless it is there already. What is wrong with the defence, in its words, or that
    /// time is over. One that was broken off goes on where it was.
    pub(super) fn record(
        &self,
        files: &Files,
        round: &Round,
        submission: &Submission,
    ) -> Result<Result<(), String>, Failure> {
        let place = files.defended(&submission.id);
        if place.exists() {
            return Ok(Ok(()));
        }
        let out = files.recording(&submission.id);
        std::fs::create_dir_all(&out)?;
        let rules = &round.settings.rules;
        let mut command = Command::new(&self.program);
        command.arg("generate").arg(files.upload(&submission.id, &submission.file_name));
        command.arg("--out").arg(&out);
        command.args(["--classes", &rules.classes.to_string(), "--reps", &rules.reps_mean.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| Failure::Broken(format!("{}: {error}", self.program.display())))?;
        let mut said = child.stderr.take();
        let listener = std::thread::spawn(move || {
            let mut text = Vec::new();
            // What it says last is why it ended.
            said.as_mut()
                .map(|said| said.read_to_end(&mut text))
                .transpose()
                .map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let Some(status) = ended(&mut child, self.limit)? else {
            return Ok(Err(format!(
                "the laboratory had not recorded all of it in {} minutes; organisers can have it go on",
                self.limit.as_secs().div_ceil(60)
            )));
        };
        let said = listener.join().ok().and_then(Result::ok).unwrap_or_default();
        if !status.success() {
            return Ok(Err(format!("the laboratory could not record it: {}", last_words(&said))));
        }
        std::fs::rename(out.join("defence.csv.zip"), &place)?;
        std::fs::remove_dir_all(&out)?;
        Ok(Ok(()))
    }
}

/// The line that says most: the last one, without the word that begins it.
fn last_words(said: &str) -> &str {
    let line = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it did not say why").trim();
    line.strip_prefix("error: ").or_else(|| line.strip_prefix("Error: ")).unwrap_or(line)
}

/// How a child ended, or none where it did not within a time and was ended.
fn ended(child: &mut Child, within: Duration) -> io::Result<Option<ExitStatus>> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((!told).then_some(status));
        }
        if !told && begun.elapsed() >= within {
            told = true;
            tell_to_end(child)?;
        }
        if begun.elapsed() >= within + GRACE {
            child.kill()?;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(unix)]
fn tell_to_end(child: &mut Child) -> io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return child.kill() };
    // It may have ended meanwhile.
    let _ = kill_process(pid, Signal::TERM);
    Ok(())
}

#[cfg(not(unix))]
fn tell_to_end(child: &mut Child) -> io::Result<()> {
    child.kill()
}

#[cfg(test)]
mod tests {
    use super::last_words;

    #[test]
    fn the_last_line_says_why() {
        assert_eq!(
            last_words("a network\nError: count = 3: a cell has 9 points\n\n"),
            "count = 3: a cell has 9 points"
        );
        assert_eq!(last_words("\n"), "it did not say why");
    }
}
