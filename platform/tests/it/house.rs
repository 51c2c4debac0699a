//! Attacks of the house that take long: jobs of their own beside the checks.

use wfkit_platform::store::jobs;
use wfkit_platform::{App, HouseAttacker, Options, router, work};

use crate::site::{DAY, Site, options};
use crate::traffic::defence;

fn with_house(house: &[HouseAttacker]) -> Options {
    Options { house: house.to_vec(), ..options() }
}

/// The same folder and database, opened with other options.
fn with_options(site: &Site, options: Options) -> Site {
    let app = App::new(site.app.store.clone(), site.app.files.clone(), site.app.world.clone(), options);
    Site { router: router(app.clone()), app, folder: tempfile::tempdir().unwrap() }
}

/// State by attacker, as the API tells it.
fn house_of(submission: &serde_json::Value) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    submission["house"].as_array().unwrap().iter().map(|one| (text(&one["attacker"]), text(&one["state"]))).collect()
}

#[tokio::test]
async fn kfp_and_best_attack_every_defence_and_privacy_is_that_of_the_best_attacker() {
    let site = Site::with(with_house(&HouseAttacker::EACH)).await;
    let mut team = site.team("Own").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 300).as_bytes()).await;
    assert_eq!(site.work().await, 3, "the check and two attacks");
    let submission = team.submission(&id).await;
    let done = |name: &str| (name.to_owned(), "done".to_owned());
    assert_eq!(house_of(&submission), [done("best"), done("kfp")]);
    let scores = submission["scores"].as_array().unwrap();
    let of = |attacker: &str| {
        let found =
            scores.iter().find(|one| one["attacker"] == format!("house ({attacker})") && one["part"] == "public");
        found.unwrap_or_else(|| panic!("{attacker}: {submission}")).clone()
    };
    let best = ["totals", "course", "kfp", "best"].map(|name| of(name)["roc_auc"].as_f64().unwrap());
    let best = best.into_iter().fold(0.0, f64::max);
    assert!(of("kfp")["gain_of_hits"].is_number() && of("kfp")["gain_of_area"].is_number(), "{submission}");
    assert_eq!(of("totals")["gain_of_hits"], 0.0, "the control over itself");
    let board = team.get("/rounds/1/leaderboard.json").await.ok().json();
    let privacy = board["rows"][0]["privacy"].as_f64().unwrap_or_else(|| panic!("{board}"));
    let expected = 1.0 - (2.0 * best - 1.0).max(0.0);
    assert!((privacy - expected).abs() < 1e-3, "{privacy}, {expected}");
    let page = team.get(&format!("/submissions/{id}")).await.ok().text;
    for word in ["Attacks of the house", "Hits over the control", "house (best)", "house (kfp)"] {
        assert!(page.contains(word), "{word}: {page}");
    }
}

#[tokio::test]
async fn a_defence_of_before_is_attacked_by_who_comes_later_and_again_after_another_check() {
    let site = Site::new().await;
    let mut team = site.team("Own").await;
    let mut boss = site.organiser().await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 300).as_bytes()).await;
    assert_eq!(site.work().await, 1, "no house attacker was chosen");
    assert_eq!(house_of(&team.submission(&id).await), []);

    let later = with_options(&site, with_house(&[HouseAttacker::Kfp]));
    work::sweep(&later.app).await.unwrap();
    assert_eq!(later.work().await, 1);
    let first = team.submission(&id).await;
    assert_eq!(house_of(&first), [("kfp".to_owned(), "done".to_owned())]);
    assert_eq!(later.work().await, 0, "once");

    let mut again = later.visitor();
    again.cookie.clone_from(&boss.cookie);
    again.get("/organise").await.ok();
    again.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(303);
    assert_eq!(later.work().await, 2);
    assert_eq!(team.submission(&id).await["scores"], first["scores"], "the same defence gives the same scores");
    let metrics = boss.get("/metrics").await.ok().text;
    assert!(metrics.contains("wfkit_house_attacks{state=\"done\"} 1\n"), "{metrics}");
}

#[tokio::test]
async fn the_attack_of_a_lost_worker_is_done_by_another() {
    let site = Site::with(with_house(&[HouseAttacker::Kfp])).await;
    let mut team = site.team("Own").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 300).as_bytes()).await;
    // The check alone, by a process without house attackers; the sweep of this one then asks for what is missing.
    let other = with_options(&site, options());
    other.work().await;
    work::sweep(&site.app).await.unwrap();
    let mut tx = site.app.store.write().await.unwrap();
    let job = jobs::of_house(&mut tx, &id, "kfp").await.unwrap().unwrap().id;
    jobs::begin(&mut tx, &job, "lost").await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(site.work().await, 0, "somebody has it");
    // As the queue does when it hears no more of a worker.
    assert!(work::handed(&site.app, &job).await.unwrap());
    assert_eq!(house_of(&team.submission(&id).await)[0].1, "done");
    let mut tx = site.app.store.write().await.unwrap();
    assert!(!jobs::end(&mut tx, &job, "lost").await.unwrap(), "too late to count");
}
