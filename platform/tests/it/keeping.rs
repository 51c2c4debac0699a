//! Restarts, lost workers, copies, the demo.

use sha2::{Digest, Sha256};
use wfkit_platform::backup::backup;
use wfkit_platform::store::{jobs, submissions};
use wfkit_platform::{App, Clock, Files, Store, World, demo, router, work};

use crate::site::{Browser, DAY, HOUR, Site, options};
use crate::traffic::{defence, zipped};

/// The same folder, opened by another process.
async fn reopened(site: &Site, folder: &std::path::Path) -> Site {
    let store = Store::open(&folder.join("platform.sqlite")).await.unwrap();
    let files = Files::open(folder.join("files")).unwrap();
    let world = World { clock: Clock::standing(site.now()), ..site.app.world.clone() };
    let app = App::new(store, files, world, options());
    Site { router: router(app.clone()), app, folder: tempfile::tempdir().unwrap() }
}

/// A team, and the defence that it uploaded in the first round; nobody has checked it.
async fn with_a_defence(site: &Site) -> (Browser<'_>, String) {
    let mut team = site.team("Own").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    (team, id)
}

#[tokio::test]
async fn the_work_of_a_lost_worker_is_done_by_another() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    let job = begun(&site, &id, "lost").await;
    assert_eq!(site.work().await, 0, "somebody has it");
    assert_eq!(team.submission(&id).await["state"], "running");
    // As the queue does when it hears no more of a worker.
    assert!(work::handed(&site.app, &job).await.unwrap());
    assert_eq!(team.submission(&id).await["state"], "done");
    // The lost one comes back, too late to count.
    let mut tx = site.app.store.write().await.unwrap();
    assert!(!jobs::end(&mut tx, &job, "lost").await.unwrap());
    drop(tx);
    assert!(!work::handed(&site.app, &job).await.unwrap(), "nothing is left to do");
}

/// A worker begins the check of a submission; the job.
async fn begun(site: &Site, id: &str, worker: &str) -> String {
    let mut tx = site.app.store.write().await.unwrap();
    let job = jobs::of_check(&mut tx, id).await.unwrap().unwrap().id;
    jobs::begin(&mut tx, &job, worker).await.unwrap().unwrap();
    assert!(submissions::begin(&mut tx, id, site.now()).await.unwrap());
    tx.commit().await.unwrap();
    job
}

#[tokio::test]
async fn of_two_that_work_at_the_same_time_the_last_to_begin_counts() {
    let site = Site::new().await;
    let (_, id) = with_a_defence(&site).await;
    let job = begun(&site, &id, "first").await;
    assert_eq!(begun(&site, &id, "second").await, job);
    let mut tx = site.app.store.write().await.unwrap();
    assert!(!jobs::end(&mut tx, &job, "first").await.unwrap());
    assert!(jobs::end(&mut tx, &job, "second").await.unwrap());
}

#[tokio::test]
async fn the_queue_is_told_again_of_what_it_has_lost() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    // As after a copy that was taken between: the database says that the queue was told, and the queue knows of nothing.
    let mut tx = site.app.store.write().await.unwrap();
    let job = jobs::of_check(&mut tx, &id).await.unwrap().unwrap().id;
    jobs::handed(&mut tx, &job).await.unwrap();
    tx.commit().await.unwrap();
    let served = site.serve().await;
    while team.submission(&id).await["state"] != "done" {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    served.end().await;
}

#[tokio::test]
async fn what_is_to_be_done_and_has_no_job_gets_one() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    let mut tx = site.app.store.write().await.unwrap();
    jobs::unwant(&mut tx, &[jobs::Kind::Check], &id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(site.work().await, 0);
    // That had a sweep.
    assert_eq!(site.work().await, 1);
    assert_eq!(team.submission(&id).await["state"], "done");
}

#[tokio::test]
async fn organisers_cancel_what_waits_or_is_worked_on() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    let mut boss = site.organiser().await;
    let job = begun(&site, &id, "somebody").await;
    let place = format!("/organise/submissions/{id}");
    assert!(boss.get(&place).await.ok().text.contains("Cancel it"));
    boss.post(&format!("{place}/cancel"), &[]).await.is(303);
    boss.post(&format!("{place}/cancel"), &[]).await.is(409);
    let told = team.submission(&id).await;
    assert_eq!((told["state"].as_str(), told["reason"].as_str()), (Some("failed"), Some("Organisers cancelled it.")));
    // Whoever worked on it comes too late.
    let mut tx = site.app.store.write().await.unwrap();
    assert!(!jobs::end(&mut tx, &job, "somebody").await.unwrap());
    drop(tx);
    boss.post(&format!("{place}/again"), &[]).await.is(303);
    site.work().await;
    assert_eq!(team.submission(&id).await["state"], "done");
    assert!(boss.get("/organise/audit").await.ok().text.contains("cancel"));
}

#[tokio::test]
async fn what_takes_every_worker_along_is_given_up() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    let mut job = String::new();
    for _ in 0..25 {
        job = begun(&site, &id, "lost").await;
    }
    assert_eq!(team.submission(&id).await["state"], "running");
    work::handed(&site.app, &job).await.unwrap();
    let submission = team.submission(&id).await;
    assert_eq!(submission["state"], "failed");
    assert!(submission["reason"].as_str().unwrap().contains("never came to an end"));
}

#[tokio::test]
async fn orphans_of_killed_processes_are_swept_and_submissions_are_not() {
    let site = Site::new().await;
    let (_, id) = with_a_defence(&site).await;
    let root = site.app.files.root().to_owned();
    std::fs::write(root.join("incoming/half"), b"x").unwrap();
    std::fs::create_dir(root.join("submissions/never-accepted")).unwrap();
    site.work().await;
    assert!(root.join("incoming/half").exists(), "it may still be arriving");
    // Files have the system's time.
    site.at(World::system().clock.now() + 2 * HOUR);
    work::sweep(&site.app).await.unwrap();
    assert!(!root.join("incoming/half").exists() && !root.join("submissions/never-accepted").exists());
    assert!(site.app.files.of_submission(&id).exists());
}

#[tokio::test]
async fn a_backup_is_a_data_folder() {
    let site = Site::new().await;
    let (mut team, id) = with_a_defence(&site).await;
    site.work().await;
    let to = site.folder.path().join("copy");
    backup(&site.app.store, &site.app.files, &to).await.unwrap();
    assert!(backup(&site.app.store, &site.app.files, &to).await.is_err(), "nothing is written over");
    let later = team.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    let copy = reopened(&site, &to).await;
    let mut there = copy.visitor();
    there.cookie = team.cookie.clone();
    assert_eq!(there.submission(&id).await, team.submission(&id).await);
    assert_eq!(there.get(&format!("/submissions/{id}/file")).await.ok().text, defence(1, 9));
    there.get(&format!("/submissions/{later}")).await.is(404);
}

/// One text of every object in a list.
fn texts(list: &serde_json::Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one[field].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_demo_is_a_competition() {
    let site = Site::new().await;
    let sign_ins = demo::fill(&site.app).await.unwrap();
    assert!(demo::fill(&site.app).await.is_err(), "once");
    let mut visitor = site.visitor();
    let phases = texts(&visitor.get("/api/v1/rounds").await.ok().json(), "phase");
    assert_eq!(phases, ["closed", "closed", "attack"]);
    for round in 1..=3 {
        let board = visitor.get(&format!("/rounds/{round}/leaderboard.json")).await.ok().json();
        let rows = board["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 6);
        assert!(rows.iter().all(|row| row["total"].is_number()), "{board}");
        visitor.get(&format!("/rounds/{round}/leaderboard")).await.ok();
        visitor.get(&format!("/rounds/{round}/matrix")).await.ok();
    }
    let link = format!("/welcome/{}", sign_ins.organiser.1);
    visitor.post(&link, &[("password", crate::site::PASSWORD), ("again", crate::site::PASSWORD)]).await.is(303);
    visitor.sign_in("organiser", crate::site::PASSWORD).await.is(303);
    visitor.get("/organise").await.ok();
    let (name, password) = &sign_ins.players[0];
    let mut player = site.visitor();
    player.sign_in(name, password).await.is(303);
    assert!(player.get("/").await.ok().text.contains("Download and attack"));
    let states = texts(&player.get("/api/v1/submissions").await.ok().json()["items"], "state");
    assert!(states.len() >= 5 && states.iter().all(|state| state == "done"), "{states:?}");
}

#[tokio::test]
async fn organisers_have_all_submissions_of_a_round_in_one_archive() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let plain = defence(1, 100);
    let packed = zipped("defence.csv", defence(2, 100).as_bytes());
    let first = al.uploaded("/rounds/1/defence", &[], plain.as_bytes()).await;
    let wrong = al.uploaded("/rounds/1/defence", &[], b"cell_id,rep\n1,2\n").await;
    let other = bo.uploaded("/rounds/1/defence", &[], &packed).await;
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    let path = "/organise/rounds/1/submissions.zip";
    al.get(path).await.is(404);
    site.visitor().get(path).await.is(303);
    organiser.get("/organise/rounds/9/submissions.zip").await.is(404);
    let answer = organiser.get(path).await.ok();
    assert_eq!(answer.header("content-type"), "application/zip");
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(answer.bytes.clone())).unwrap();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut archive.by_name(name).unwrap(), &mut bytes).unwrap();
        bytes
    };
    let manifest = String::from_utf8(read("manifest.csv")).unwrap();
    let rows: Vec<Vec<&str>> = manifest.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 3, "{manifest}");
    for (id, bytes, state, pinned) in [
        (&first, plain.as_bytes(), "done", "yes"),
        (&wrong, b"cell_id,rep\n1,2\n".as_slice(), "refused", "no"),
        (&other, packed.as_slice(), "done", "yes"),
    ] {
        let row = rows.iter().find(|row| row[6] == id).unwrap_or_else(|| panic!("{id}: {manifest}"));
        assert_eq!((row[8], row[9]), (state, pinned), "{manifest}");
        assert!(row[0].starts_with("defence/team-") && row[0].contains(id.as_str()), "{manifest}");
        let kept = read(row[0]);
        assert_eq!(kept, bytes, "{id}");
        let digest: String = Sha256::digest(&kept).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, row[1], "{manifest}");
    }
    // The same again is the same, and the log knows of it.
    assert_eq!(organiser.get(path).await.ok().bytes, answer.bytes);
    let log = organiser.get("/organise/audit?action=download+all+submissions").await.ok().text;
    assert_eq!(log.matches("3 files").count(), 2, "{log}");
}
