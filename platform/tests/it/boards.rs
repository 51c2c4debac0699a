//! Who sees which scores: the same on every page, export and route of the API.

use wfkit_platform::game::Audience;

use crate::site::{Browser, DAY, HOUR, Site};
use crate::traffic::{attack, captures, defence, unzipped};

/// Two teams with defences in a round whose attack phase has begun.
pub(crate) async fn begun<'a>(
    site: &'a Site,
    change: impl FnOnce(&mut wfkit_platform::game::Round),
) -> (Browser<'a>, Browser<'a>) {
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    site.round(1, change).await;
    site.at(site.now() + DAY);
    al.uploaded("/rounds/1/defence", &[], defence(1, 100).as_bytes()).await;
    bo.uploaded("/rounds/1/defence", &[], defence(2, 100).as_bytes()).await;
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    (al, bo)
}

/// An attack that is right for the classes of captures as far as `right` says.
pub(crate) async fn attack_by(site: &Site, browser: &mut Browser<'_>, team: i64, right: f64) -> String {
    let mut organiser = site.visitor();
    organiser.sign_in("boss", crate::site::PASSWORD).await;
    let truth = unzipped(&organiser.get(&format!("/organise/rounds/1/truth/{team}")).await.ok().bytes);
    let class = |id: i64| -> usize {
        let row = truth.lines().find(|line| line.split(',').next() == Some(&id.to_string())).unwrap();
        row.split(',').nth(1).unwrap().parse().unwrap()
    };
    let test = browser.get(&format!("/rounds/1/targets/{team}/test.csv.zip")).await.ok();
    let file = attack(&[(team, captures(&unzipped(&test.bytes)))], 4, |id, one| {
        if one == class(id) { right } else { 1.0 - right + one as f64 / 100.0 }
    });
    browser.uploaded("/rounds/1/attack", &[("against", &team.to_string())], file.as_bytes()).await
}

const VIEWS: [&str; 8] = [
    "/rounds/1/leaderboard",
    "/rounds/1/leaderboard.csv",
    "/rounds/1/leaderboard.json",
    "/rounds/1/matrix",
    "/rounds/1/matrix.csv",
    "/rounds/1/matrix.json",
    "/api/v1/rounds/1/leaderboard",
    "/api/v1/rounds/1/matrix",
];

/// Pictures of what they show.
const PICTURES: [&str; 4] = [
    "/rounds/1/chart.svg",
    "/rounds/1/pictures/utility-privacy.svg",
    "/rounds/1/pictures/utility-privacy.csv",
    "/rounds/1/pictures/utility-privacy.json",
];

#[tokio::test]
async fn a_frozen_board_is_frozen_everywhere() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = begun(&site, |round| round.settings.freeze_at = Some(round.attack_at + 2 * HOUR)).await;
    attack_by(&site, &mut al, 2, 0.5).await;
    site.work().await;
    site.at(site.now() + 3 * HOUR);
    let mut visitor = site.visitor();
    let mut organiser = site.visitor();
    organiser.sign_in("boss", crate::site::PASSWORD).await;
    let paths = VIEWS.iter().copied().chain([
        "/leaderboard",
        "/leaderboard.csv",
        "/leaderboard.json",
        "/teams/1",
        "/rounds/1/chart.svg",
        "/rounds/1/pictures",
        "/rounds/1/pictures/utility-privacy.svg",
        "/rounds/1/pictures/utility-privacy.csv",
        "/leaderboard/pictures/ranks.csv",
    ]);
    let mut before = Vec::new();
    for path in paths {
        let live = organiser.get(path).await.ok().text;
        before.push((path, visitor.get(path).await.ok().text, live));
    }
    assert!(before[0].1.contains("frozen") && !before[0].2.contains("pill frozen"));
    attack_by(&site, &mut al, 2, 0.99).await;
    site.work().await;
    for (path, frozen, live) in &before {
        assert_eq!(visitor.get(path).await.ok().text, *frozen, "{path} moved");
        if path.contains("matrix") || path.ends_with("leaderboard.json") {
            assert_ne!(organiser.get(path).await.ok().text, *live, "{path} stands still for organisers");
        }
    }
    // At the end it thaws.
    site.at(site.now() + DAY);
    assert_ne!(visitor.get(before[2].0).await.ok().text, before[2].1);
}

#[tokio::test]
async fn hidden_scores_are_hidden_everywhere() {
    for audience in [Audience::Nobody, Audience::OwnTeam, Audience::Accounts] {
        let site = Site::new().await;
        site.organiser().await;
        let (mut al, mut bo) = begun(&site, |round| round.settings.scores_during = audience).await;
        let id = attack_by(&site, &mut al, 2, 0.9).await;
        site.work().await;
        for path in VIEWS.iter().copied().chain(PICTURES) {
            assert_eq!(site.visitor().get(path).await.status, 403, "{audience:?} {path}");
            let answer = al.get(path).await;
            match audience {
                Audience::Nobody => assert_eq!(answer.status, 403, "{path}"),
                _ => assert_eq!(answer.status, 200, "{path}"),
            }
            if audience == Audience::OwnTeam && (path.contains("leaderboard.") || path.contains("/pictures/")) {
                // Names stand between tags in a drawing, whose frame is a viewBox.
                let other = if path.ends_with(".svg") { ">Bo<" } else { "Bo" };
                assert!(answer.text.contains("Al") && !answer.text.contains(other), "{path}: {}", answer.text);
            }
        }
        let scores = al.get(&format!("/api/v1/submissions/{id}")).await.ok().json()["scores"].as_array().unwrap().len();
        assert_eq!(scores, usize::from(audience != Audience::Nobody));
        // What one team did to the other is the business of both, and of nobody else.
        if audience == Audience::OwnTeam {
            assert!(bo.get("/rounds/1/matrix.csv").await.ok().text.contains("Al"));
            site.team("Cy").await.get("/rounds/1/matrix.csv").await.ok();
        }
        assert!(!site.visitor().get("/teams/1").await.ok().text.contains("Rounds</caption>"));
        let overall = site.visitor().get("/leaderboard.json").await.ok().json();
        assert_eq!(overall["rounds"], serde_json::json!([]), "{audience:?}");
        site.visitor().get("/leaderboard/pictures/ranks.csv").await.is(404);
    }
}

#[tokio::test]
async fn the_best_or_the_last_attack_counts_without_a_click() {
    for (counting, better) in
        [(wfkit_platform::game::Counting::Best, true), (wfkit_platform::game::Counting::Last, false)]
    {
        let site = Site::new().await;
        site.organiser().await;
        let (mut al, _) = begun(&site, |round| round.settings.counting = counting).await;
        attack_by(&site, &mut al, 2, 0.99).await;
        site.at(site.now() + HOUR);
        attack_by(&site, &mut al, 2, 0.01).await;
        site.at(site.now() + HOUR);
        let broken = al.uploaded("/rounds/1/attack", &[("against", "2")], b"team_id\n").await;
        site.work().await;
        assert_eq!(al.submission(&broken).await["state"], "refused", "failed ones never count");
        let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
        let row = board["rows"].as_array().unwrap().iter().find(|row| row["name"] == "Al").unwrap().clone();
        assert_eq!(row["attack"].as_f64().unwrap() > 0.5, better, "{row}");
    }
}

#[tokio::test]
async fn where_the_round_says_so_the_attack_counts_that_was_chosen() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = begun(&site, |round| round.settings.counting = wfkit_platform::game::Counting::Chosen).await;
    let good = attack_by(&site, &mut al, 2, 0.99).await;
    site.at(site.now() + HOUR);
    attack_by(&site, &mut al, 2, 0.01).await;
    let share = async || {
        site.work().await;
        let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
        let rows = board["rows"].as_array().unwrap();
        rows.iter().find(|row| row["name"] == "Al").unwrap()["attack"].as_f64().unwrap()
    };
    assert!(share().await < 0.5, "without a choice the last counts");
    let page = al.get(&format!("/submissions/{good}")).await.ok().text;
    assert!(page.contains("Have this one count"), "{page}");
    site.at(site.now() + HOUR);
    al.post(&format!("/submissions/{good}/choose"), &[]).await.is(303);
    assert!(al.get(&format!("/submissions/{good}")).await.ok().text.contains("This attack counts now."));
    assert!(al.get("/rounds/1").await.ok().text.contains("the one that the team chose counts, or the last"));
    assert_eq!(al.get("/api/v1/rounds/1").await.ok().json()["counting"], "chosen");
    assert!(share().await > 0.5);
    assert!(site.visitor().get("/rounds/1/leaderboard").await.ok().text.contains("that the team chose counts"));
}

#[tokio::test]
async fn a_board_before_anything_is_there() {
    let site = Site::new().await;
    site.round(1, |_| ()).await;
    let mut visitor = site.visitor();
    assert!(visitor.get("/rounds/1/leaderboard").await.ok().text.contains("No results yet"));
    assert!(visitor.get("/leaderboard").await.ok().text.contains("No results yet"));
    visitor.get("/rounds/1/matrix").await.ok();
    visitor.get("/rounds/1/chart.svg").await.is(404);
    assert!(visitor.get("/rounds/1/pictures").await.ok().text.contains("nothing to draw yet"));
    visitor.get("/rounds/2/leaderboard").await.is(404);
}

#[tokio::test]
async fn a_rejudging_shows_what_would_change_before_it_does() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, _) = begun(&site, |_| ()).await;
    let id = attack_by(&site, &mut al, 2, 0.6).await;
    site.work().await;
    let right = al.submission(&id).await["scores"].clone();
    // As if a scorer of before had been wrong.
    let mut tx = site.app.store.write().await.unwrap();
    let mut rows = wfkit_platform::store::results::of_submission(&mut tx, &id).await.unwrap();
    rows.iter_mut().for_each(|row| row.roc_auc = 0.123_456);
    wfkit_platform::store::results::replace(&mut tx, &id, &rows).await.unwrap();
    tx.commit().await.unwrap();
    let wrong = al.submission(&id).await["scores"].clone();
    assert_ne!(wrong, right);

    let fields = [("round", "1"), ("kind", "attack"), ("reason", "the scorer was wrong")];
    organiser.post("/organise/rejudgings", &[("round", "1"), ("kind", "attack"), ("reason", "")]).await.is(422);
    let answer = organiser.post("/organise/rejudgings", &fields).await.is(303);
    let path = answer.header("location").to_owned();
    organiser.post("/organise/rejudgings", &fields).await.is(409);
    assert!(organiser.get(&path).await.ok().text.contains("0 of 1 judged"));
    organiser.post(&format!("{path}/apply"), &[]).await.is(409);
    site.work().await;
    let page = organiser.get(&path).await.ok().text;
    assert!(page.contains("1 of 1 judged, 1 would differ") && page.contains("0.123456 to "), "{page}");
    assert_eq!(al.submission(&id).await["scores"], wrong, "nothing counts yet");
    organiser.post(&format!("{path}/apply"), &[]).await.is(303);
    assert_eq!(al.submission(&id).await["scores"], right);
    organiser.post(&format!("{path}/drop"), &[]).await.is(409);

    // Again, with nothing to change, and dropped.
    let answer = organiser
        .post("/organise/rejudgings", &[("round", "1"), ("kind", "defence"), ("reason", "to see")])
        .await
        .is(303);
    let path = answer.header("location").to_owned();
    site.work().await;
    assert!(organiser.get(&path).await.ok().text.contains("2 of 2 judged, 0 would differ"));
    organiser.post(&format!("{path}/drop"), &[]).await.is(303);
    for action in ["begin rejudging", "apply rejudging", "drop rejudging"] {
        let query = action.replace(' ', "+");
        assert!(organiser.get(&format!("/organise/audit?action={query}")).await.ok().text.contains(action));
    }
}
