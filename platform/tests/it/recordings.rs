//! Defences that the laboratory records; a small program stands in for it, which knows its command line.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use wfkit_platform::game::Round;
use wfkit_platform::{Apart, Lab, Options};

use crate::site::{Browser, DAY, Site, options};
use crate::traffic::{defence, zipped};

/// A program that makes a file where the defence says `padding = 4096`, does not come to an end where it says `delay = 10000`, and
/// refuses all else. One that was broken off goes on.
fn stand_in(folder: &Path) -> PathBuf {
    let (program, file) = (folder.join("lab"), folder.join("defence.csv.zip"));
    std::fs::write(&file, zipped("defence.csv", defence(1, 50).as_bytes())).unwrap();
    let script = format!(
        r#"#!/bin/sh
[ "$1 $3 $5 $6 $7 $8" = "generate --out --classes 4 --reps 6" ] || {{ echo "Error: asked for $*" >&2; exit 2; }}
if grep -q "^delay = 10000$" "$2" && [ ! -e "$4/begun" ]; then touch "$4/begun"; exec sleep 1000; fi
grep -Eq "^(padding = 4096|delay = 10000)$" "$2" || {{ echo "a network" >&2; echo "Error: no such key" >&2; exit 1; }}
cp "{}" "$4/defence.csv.zip"
"#,
        file.display()
    );
    // Written by another process: a program that one of ours still had open could not be run.
    let make = r#"cat > "$0" && chmod 700 "$0""#;
    let mut child = Command::new("sh").args(["-c", make]).arg(&program).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    program
}

async fn site(folder: &Path, apart: bool) -> Site {
    let lab = Some(Lab { program: stand_in(folder), limit: Duration::from_secs(2) });
    let program = PathBuf::from(env!("CARGO_BIN_EXE_wfkit-platform"));
    let apart = apart.then_some(Apart { program, memory_mib: 2048, seconds: 900 });
    Site::with(Options { lab, apart, ..options() }).await
}

async fn defending<'a>(site: &'a Site, change: impl FnOnce(&mut Round)) -> Browser<'a> {
    let team = site.team("Own").await;
    site.round(1, |round| {
        round.settings.recordings = true;
        change(round);
    })
    .await;
    site.at(site.now() + DAY);
    team
}

async fn recorded(team: &mut Browser<'_>, text: &str) -> (String, serde_json::Value) {
    let answer = team.post("/rounds/1/recording", &[("recording", text)]).await.is(303);
    let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
    team.site.work().await;
    let submission = team.submission(&id).await;
    (id, submission)
}

#[tokio::test]
async fn a_defence_of_secretstroll_is_recorded_and_counts() {
    for apart in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path(), apart).await;
        let mut team = defending(&site, |_| ()).await;
        assert!(team.get("/rounds/1/defence").await.ok().text.contains("Or recorded by the laboratory"));
        let (id, submission) = recorded(&mut team, "padding = 4096\r\n").await;
        assert_eq!(submission["state"], "done", "{submission}");
        assert_eq!(submission["outcome"]["traces"], 24);
        let page = team.get(&format!("/submissions/{id}")).await.ok().text;
        assert!(page.contains("This defence counts") && page.contains("padding = 4096"), "{page}");
        assert!(!site.app.files.of_submission(&id).join("recording").exists(), "nothing is left of the recording");
        let (again, _) = recorded(&mut team, "padding = 4096").await;
        assert_eq!(again, id, "the same again is the same submission");
    }
}

#[tokio::test]
async fn what_the_laboratory_refuses_or_does_not_end_is_told_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path(), true).await;
    let mut team = defending(&site, |_| ()).await;
    let (_, refused) = recorded(&mut team, "paddin = 1").await;
    assert_eq!(refused["state"], "refused", "{refused}");
    assert!(refused["reason"].as_str().unwrap().ends_with("could not record it: no such key"), "{refused}");
    let (id, late) = recorded(&mut team, "delay = 10000").await;
    assert_eq!(late["state"], "refused", "{late}");
    assert!(late["reason"].as_str().unwrap().contains("had not recorded all of it"), "{late}");
    let mut organiser = site.organiser().await;
    organiser.get("/account").await;
    organiser.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(303);
    site.work().await;
    assert_eq!(team.submission(&id).await["state"], "done", "it goes on where it was");
}

#[tokio::test]
async fn rounds_take_recordings_where_there_is_a_laboratory() {
    let folder = tempfile::tempdir().unwrap();
    let with = site(folder.path(), false).await;
    let mut team = defending(&with, |round| round.settings.recordings = false).await;
    team.get("/account").await;
    team.post("/rounds/1/recording", &[("recording", "padding = 4096")]).await.is(409);
    let without = Site::new().await;
    let mut round = without.round(1, |_| ()).await;
    round.settings.recordings = true;
    let refused = wfkit_platform::acts::save_round(&without.app, "a test", &round).await.unwrap_err().to_string();
    assert!(refused.contains("--lab"), "{refused}");
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path(), false).await;
    let mut team = defending(&site, |_| ()).await;
    team.get("/account").await;
    for text in ["", "padding = 1\u{7}", &"x".repeat(3000)] {
        team.post("/rounds/1/recording", &[("recording", text)]).await.is(422);
    }
}
