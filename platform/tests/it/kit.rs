//! The kit against a server: what its README says, step by step.

use std::path::Path;
use std::process::{Command, Output};

use wfkit_competition::{Verif, check_attack, score};
use wfkit_datasets::formats::ReadLimits;
use wfkit_platform::store::results;
use wfkit_platform::work;

use crate::site::{DAY, Site, aside};
use crate::traffic::{defence, unzipped};

fn python(folder: &Path, url: &str, token: &str, arguments: &[&str]) -> Output {
    Command::new("python3")
        .args(arguments)
        .current_dir(folder)
        .env("COMPETITION_URL", url)
        .env("COMPETITION_TOKEN", token)
        .output()
        .expect("Python 3 is there: the kit is for it")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_by_the_kit() {
    let site = Site::new().await;
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    let token = al.client().await.token.unwrap();
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    bo.uploaded("/rounds/1/defence", &[], defence(2, 100).as_bytes()).await;
    let archive = site.visitor().get("/kit.zip").await.ok();
    assert!(unzipped(&archive.bytes).starts_with("# The first twenty minutes"));

    let folder = site.folder.path().join("kit");
    std::fs::create_dir(&folder).unwrap();
    let mut kit = zip::ZipArchive::new(std::io::Cursor::new(archive.bytes)).unwrap();
    kit.extract(site.folder.path()).unwrap();
    std::fs::write(folder.join("traces.csv"), defence(1, 100)).unwrap();

    let served = site.serve().await;
    let run = |arguments: &'static [&'static str]| {
        let (folder, url, token) = (folder.clone(), served.url.clone(), token.clone());
        async move {
            let output = aside(move || python(&folder, &url, &token, arguments)).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            (output.status.success(), text, String::from_utf8_lossy(&output.stderr).into_owned())
        }
    };
    let (ok, text, error) = run(&["competition.py", "rounds"]).await;
    assert!(ok && text.contains("1: Round 1, defence until 2026-03-03"), "{text}{error}");
    let (ok, _, error) = run(&["competition.py", "attack", "1", "traces.csv"]).await;
    assert!(!ok && error.contains("it takes attacks in its attack phase"), "{error}");
    for arguments in
        [["competition.py", "attack", "1", "nowhere"].as_slice(), &["competition.py", "--url", "x", "rounds"]]
    {
        let (ok, _, error) = run(arguments).await;
        assert!(!ok && error.lines().count() == 1, "in a line: {error}");
    }
    let (ok, _, error) = run(&["defence.py", "traces.csv", "defence.csv.zip", "1500"]).await;
    assert!(ok, "{error}");
    let (ok, text, error) = run(&["competition.py", "defend", "1", "defence.csv.zip"]).await;
    assert!(ok && text.contains("done") && text.contains("house (totals) on Al"), "{text}{error}");
    let (ok, text, _) = run(&["competition.py", "defend", "1", "attack.py"]).await;
    assert!(!ok && text.contains("refused"), "{text}");

    site.at(site.now() + DAY);
    work::sweep(&site.app).await.unwrap();
    let (ok, text, error) = run(&["competition.py", "targets", "1", "targets"]).await;
    assert!(ok && text.contains("team_2_train.csv.zip"), "{text}{error}");
    let (ok, _, error) = run(&["attack.py", "targets", "attack.csv.zip"]).await;
    assert!(ok, "{error}");
    let (ok, text, error) = run(&["competition.py", "attack", "1", "attack.csv.zip"]).await;
    assert!(ok && text.contains("your team on Bo, public: ROC-AUC"), "{text}{error}");
    // What a team scores at home is what the server scores.
    let mut boss = site.organiser().await;
    let truth = boss.get("/organise/rounds/1/truth/2").await.ok().bytes;
    let verif = [Verif::of_bytes(2, "truth.csv.zip", truth)];
    let file = folder.join("attack.csv.zip");
    let attack = check_attack(&file, &verif, None, &ReadLimits::UPLOAD).unwrap().accepted().unwrap();
    let home = score(Some(&attack), None).unwrap();
    let id = al.get("/api/v1/submissions").await.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
    let rows = results::of_submission(&mut site.app.store.read().await.unwrap(), &id).await.unwrap();
    let there = rows.iter().find(|row| row.part == "all").unwrap();
    assert_eq!((Some(there.roc_auc), Some(there.accuracy)), (home.roc_auc_macro_ovr, home.accuracy));
    let (ok, text, error) = run(&["competition.py", "status"]).await;
    assert!(ok && text.lines().filter(|line| line.contains("round 1")).count() == 3, "{text}{error}");
    let (ok, text, error) = run(&["competition.py", "leaderboard", "1"]).await;
    assert!(ok && text.contains("Al") && text.contains("Bo"), "{text}{error}");
    served.end().await;
}
