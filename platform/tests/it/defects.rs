//! What was wrong with the first platform, one test each where no other test has it already. The README has the table.

use axum::body::Body;
use axum::http::Request;
use wfkit_competition::{Baseline, Implausible, Plausibility, check_defense, read_defense};
use wfkit_datasets::formats::{ReadLimits, Source};
use wfkit_platform::game::Profile;

use crate::boards::attack_by;
use crate::site::{Browser, DAY, HOUR, Site};
use crate::traffic::{attack, captures, defence, unzipped, zipped};

async fn two(site: &Site) -> (Browser<'_>, Browser<'_>) {
    let (al, bo) = (site.team("Al").await, site.team("Bo").await);
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    (al, bo)
}

/// Both defend, and the attack phase begins.
async fn attacking(site: &Site) -> (Browser<'_>, Browser<'_>) {
    let (mut al, mut bo) = two(site).await;
    al.uploaded("/rounds/1/defence", &[], defence(1, 100).as_bytes()).await;
    bo.uploaded("/rounds/1/defence", &[], defence(2, 100).as_bytes()).await;
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    (al, bo)
}

async fn files(browser: &mut Browser<'_>, team: i64) -> (String, String) {
    let train = browser.get(&format!("/rounds/1/targets/{team}/train.csv.zip")).await.ok();
    let test = browser.get(&format!("/rounds/1/targets/{team}/test.csv.zip")).await.ok();
    (unzipped(&train.bytes), unzipped(&test.bytes))
}

/// Traces of a file as lists of size and time, whatever they are called.
fn traces(text: &str, key_columns: usize) -> Vec<Vec<String>> {
    let mut traces: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let (key, packet) = (fields[..key_columns].join(","), fields[key_columns..].join(","));
        match traces.last_mut() {
            Some((last, packets)) if *last == key => packets.push(packet),
            _ => traces.push((key, vec![packet])),
        }
    }
    traces.into_iter().map(|(_, packets)| packets).collect()
}

#[tokio::test]
async fn defects_1_and_2_no_test_trace_is_in_the_train_set_and_the_count_is_exact() {
    let site = Site::new().await;
    let (mut al, _) = attacking(&site).await;
    let (train, test) = files(&mut al, 2).await;
    let (trained, tested) = (traces(&train, 2), traces(&test, 1));
    assert_eq!((trained.len(), tested.len()), (16, 8));
    assert!(tested.iter().all(|trace| !trained.contains(trace)));
    let classes: std::collections::BTreeSet<&str> =
        train.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(classes.len(), 4);
}

#[tokio::test]
async fn defects_3_4_and_20_rows_are_told_by_id_columns_by_name_and_sums_may_be_rounded() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = attacking(&site).await;
    let (_, test) = files(&mut al, 2).await;
    let text = attack(&[(2, captures(&test))], 4, |id, class| 1.0 + ((id as usize) * class % 7) as f64);
    let score = |text: String| {
        let site = &site;
        let mut browser = site.visitor();
        browser.cookie = al.cookie.clone();
        browser.csrf = al.csrf.clone();
        async move {
            let id = browser.uploaded("/rounds/1/attack", &[("against", "2")], text.as_bytes()).await;
            site.work().await;
            let submission = browser.submission(&id).await;
            assert_eq!(submission["state"], "done", "{submission}");
            submission["scores"][0]["roc_auc"].as_f64().unwrap()
        }
    };
    let plain = score(text.clone()).await;
    let (header, rows) = text.split_once('\n').unwrap();
    let shuffled: Vec<&str> = rows.lines().rev().collect();
    assert_eq!(score(format!("{header}\n{}\n", shuffled.join("\n"))).await, plain);
    let reversed = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        let classes: Vec<&str> = fields[2..].iter().rev().copied().collect();
        format!("{},{},{}", fields[0], fields[1], classes.join(","))
    };
    let turned: Vec<String> = text.lines().map(reversed).collect();
    assert_eq!(score(turned.join("\n")).await, plain);
    let rounded = rows.lines().map(|line| {
        let fields: Vec<&str> = line.split(',').collect();
        let values: Vec<String> =
            fields[2..].iter().map(|value| format!("{:.6}", value.parse::<f64>().unwrap())).collect();
        format!("{},{},{}", fields[0], fields[1], values.join(","))
    });
    let rounded: Vec<String> = rounded.collect();
    score(format!("{header}\n{}\n", rounded.join("\n"))).await;
}

#[tokio::test]
async fn defects_5_and_25_no_upload_breaks_the_board() {
    let site = Site::new().await;
    let (mut al, mut bo) = two(&site).await;
    bo.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    let all_zero = defence(1, 9)
        .lines()
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            if fields[0] == "cell_id" { line.to_owned() } else { format!("{},0", fields[..3].join(",")) }
        })
        .collect::<Vec<_>>()
        .join("\n");
    let id = al.uploaded("/rounds/1/defence", &[], all_zero.as_bytes()).await;
    // No utility for nothing.
    let cheap = al.uploaded("/rounds/1/defence", &[], dummies().as_bytes()).await;
    site.work().await;
    let refused = al.submission(&id).await;
    assert_eq!(refused["state"], "refused");
    assert!(refused["reason"].as_str().unwrap().contains("all times of a trace are 0"));
    assert_eq!(al.submission(&cheap).await["state"], "done");
    site.at(site.now() + DAY);
    site.work().await;
    site.at(site.now() + DAY);
    let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
    for row in board["rows"].as_array().unwrap() {
        let utility = row["utility"].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&utility), "{row}");
        assert!((0.0..=100.0).contains(&row["total"].as_f64().unwrap()), "{row}");
    }
    // Bounds are the same in words and in fact: 4 to 8 traces of a class.
    assert!(al.get("/rounds/1").await.ok().text.contains("4 to 8"));
}

/// Six packets of a byte a trace, the same for all classes: it tells nothing, and costs nothing.
fn dummies() -> String {
    let mut dummy = "cell_id,rep,direction_size,timestamp\n".to_owned();
    for (class, rep) in (1..=4).flat_map(|class| (0..6).map(move |rep| (class, rep))) {
        for packet in 0..6 {
            let size = if packet % 2 == 0 { 1 } else { -1 };
            let seconds = f64::from(packet) * (0.2001 + f64::from(rep) * 0.0001);
            dummy += &format!("{class},{rep},{size},{seconds}\n");
        }
    }
    dummy
}

/// A round with undefended traffic, in its defence phase, in which one team uploads dummies and two others what they have: their submissions.
async fn with_dummies(
    site: &Site,
    profile: Profile,
    verdict: Implausible,
) -> (Browser<'_>, Browser<'_>, String, Vec<String>) {
    let mut organiser = site.organiser().await;
    let mut cheat = site.team("Cheat").await;
    let mut others = vec![site.team("Bo").await, site.team("Cy").await];
    site.round(1, |round| {
        round.settings.profile = profile;
        round.settings.plausibility.verdict = verdict;
    })
    .await;
    organiser.upload("/organise/rounds/1/baseline", &[], defence(40, 100).as_bytes()).await.is(303);
    site.at(site.now() + DAY);
    let mut ids = Vec::new();
    for (seed, team) in (1..).zip(&mut others) {
        ids.push(team.uploaded("/rounds/1/defence", &[], defence(seed, 100).as_bytes()).await);
    }
    let id = cheat.uploaded("/rounds/1/defence", &[], dummies().as_bytes()).await;
    site.work().await;
    for (team, id) in others.iter_mut().zip(&ids) {
        let honest = team.submission(id).await;
        assert_eq!(honest["state"], "done", "{honest}");
    }
    (organiser, cheat, id, ids)
}

/// The line of the team with the dummies, and the totals of all others.
async fn cheat_on_board(site: &Site) -> (serde_json::Value, Vec<serde_json::Value>) {
    let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
    let (cheat, others): (Vec<_>, Vec<_>) =
        board["rows"].as_array().unwrap().iter().cloned().partition(|row| row["name"] == "Cheat");
    (cheat[0].clone(), others)
}

#[tokio::test]
async fn defect_6_dummy_traffic_does_not_win_by_either_rule() {
    for profile in [Profile::Balanced, Profile::Srs2022] {
        let site = Site::new().await;
        let (_, mut cheat, id, _) = with_dummies(&site, profile, Implausible::Refuse).await;
        let refused = cheat.submission(&id).await;
        assert_eq!(refused["state"], "refused", "{refused}");
        // The same words as beside one's own desk, where the same undefended traffic is.
        let undefended =
            read_defense(Source::bytes("a.csv", defence(40, 100).as_bytes()), &ReadLimits::UPLOAD).unwrap();
        let baseline = Baseline::of(&undefended, Plausibility::default()).unwrap();
        let dummies = dummies();
        let upload = Source::bytes("a.csv", dummies.as_bytes());
        let local = check_defense(upload, &crate::site::RULES, &ReadLimits::UPLOAD, Some(&baseline)).unwrap();
        let kinds: Vec<String> = local.report.problems.kinds().iter().map(|kind| kind.kind.to_string()).collect();
        assert_eq!(kinds.len(), 2, "{kinds:?}");
        let page = cheat.get(&format!("/submissions/{id}")).await.ok().text;
        for kind in &kinds {
            assert!(kind.ends_with("cannot have carried the answers: classes 1 to 4"), "{kind}");
            assert!(page.contains(kind.as_str()), "{kind}: {page}");
        }
        site.at(site.now() + DAY);
        site.work().await;
        let (cheat, others) = cheat_on_board(&site).await;
        assert!(cheat["rank"].is_null() && cheat["total"].is_null() && cheat["utility"].is_null(), "{cheat}");
        assert!(others.iter().all(|row| row["total"].is_number()), "{others:?}");
        let rules = site.visitor().get("/rounds/1").await.ok().text;
        assert!(
            rules.contains("what carries less than 0.8 of the undefended incoming bytes of each class is refused"),
            "{rules}"
        );
    }
}

#[tokio::test]
async fn defect_6_dummy_traffic_that_is_held_counts_when_organisers_accept_it_alone() {
    let site = Site::new().await;
    let (mut organiser, mut cheat, id, others) = with_dummies(&site, Profile::Balanced, Implausible::Hold).await;
    let held = cheat.submission(&id).await;
    assert_eq!(held["state"], "held", "{held}");
    assert!(held["reason"].as_str().unwrap().starts_with("Organisers have to accept it first"), "{held}");
    assert!(cheat_on_board(&site).await.0["utility"].is_null());
    cheat.post(&format!("/submissions/{id}/choose"), &[]).await.is(409);
    assert!(
        organiser.get("/organise/rounds/1").await.ok().text.contains(&format!("/organise/submissions/{id}\">Cheat"))
    );
    organiser.post(&format!("/organise/submissions/{}/accept", others[0]), &[]).await.is(409);
    organiser.post(&format!("/organise/submissions/{id}/accept"), &[]).await.is(303);
    site.work().await;
    assert_eq!(cheat.submission(&id).await["state"], "done");
    assert!(cheat_on_board(&site).await.0["utility"].as_f64().unwrap() > 0.8, "it costs next to nothing");
    assert!(organiser.get("/organise/audit?action=accept+defence").await.ok().text.contains(&id));
    // What was accepted stays so when it is checked again.
    organiser.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(303);
    site.work().await;
    assert_eq!(cheat.submission(&id).await["state"], "done");

    // Another one nobody accepts before matches are drawn: the team does not play with it, and too late is too late.
    let site = Site::new().await;
    let (mut organiser, mut cheat, id, _) = with_dummies(&site, Profile::Balanced, Implausible::Hold).await;
    site.at(site.now() + DAY);
    site.work().await;
    organiser.post(&format!("/organise/submissions/{id}/accept"), &[]).await.is(409);
    organiser.post(&format!("/organise/submissions/{id}/refuse"), &[]).await.is(303);
    assert_eq!(cheat.submission(&id).await["state"], "refused");
    assert!(organiser.get("/organise/audit?action=refuse+defence").await.ok().text.contains(&id));
    assert!(cheat_on_board(&site).await.0["rank"].is_null());
}

#[tokio::test]
async fn defect_6_a_round_that_cannot_tell_dummies_says_so() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    two(&site).await;
    let words = "cannot be told from a defence: there is no undefended traffic to hold it against";
    assert!(site.visitor().get("/rounds/1").await.ok().text.contains(words));
    assert!(organiser.get("/organise/rounds/1").await.ok().text.contains(words));
}

#[tokio::test]
async fn defects_7_8_and_26_every_process_agrees_on_round_and_phase_also_after_a_restart() {
    let site = Site::new().await;
    let (mut al, _) = two(&site).await;
    let id = al.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    // Another process, such as a worker, over the same folder.
    let store = crate::site::database(site.folder.path()).await;
    let other = wfkit_platform::App::new(store, site.app.files.clone(), site.app.world.clone(), crate::site::options());
    assert_eq!(wfkit_platform::work::drain(&other).await.unwrap(), 1);
    assert_eq!(al.submission(&id).await["round"], 1);
    for _ in 0..2 {
        let mut there = Browser { site: &site, cookie: None, csrf: String::new(), token: None };
        let here = there.get("/api/v1/rounds").await.ok().text;
        let router = wfkit_platform::router(other.clone());
        let response = tower::ServiceExt::oneshot(router, Request::get("/api/v1/rounds").body(Body::empty()).unwrap());
        let bytes = axum::body::to_bytes(response.await.unwrap().into_body(), usize::MAX).await.unwrap();
        assert_eq!(here, String::from_utf8_lossy(&bytes));
        site.at(site.now() + DAY);
    }
}

#[tokio::test]
async fn defect_9_a_later_upload_changes_no_match() {
    let site = Site::new().await;
    let (mut al, mut bo) = attacking(&site).await;
    let before = files(&mut al, 2).await;
    bo.upload("/rounds/1/defence", &[], defence(3, 100).as_bytes()).await.is(409);
    site.work().await;
    assert_eq!(files(&mut al, 2).await, before);
    // Nor does another round.
    site.at(site.now() + DAY);
    site.round(2, |_| ()).await;
    site.at(site.now() + DAY);
    bo.uploaded("/rounds/2/defence", &[], defence(3, 100).as_bytes()).await;
    site.work().await;
    assert_eq!(files(&mut al, 2).await, before);
}

#[tokio::test]
async fn defect_10_own_privacy_is_scored() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = attacking(&site).await;
    let privacy = |board: &serde_json::Value| {
        let row = board["rows"].as_array().unwrap().iter().find(|row| row["name"] == "Bo").unwrap();
        (
            row["privacy"].as_f64().unwrap(),
            row["best_attacker"].as_str().unwrap().to_owned(),
            row["total"].as_f64().unwrap(),
        )
    };
    let before = privacy(&site.visitor().get("/rounds/1/leaderboard.json").await.ok().json());
    assert!(before.1.starts_with("house ("), "{before:?}");
    attack_by(&site, &mut al, 2, 0.99).await;
    site.work().await;
    let after = privacy(&site.visitor().get("/rounds/1/leaderboard.json").await.ok().json());
    assert_eq!((after.0, after.1.as_str()), (0.0, "Al"));
    assert!(after.2 <= before.2);
}

#[tokio::test]
async fn defect_13_bombs_are_refused_while_they_are_read() {
    let site = Site::new().await;
    let (mut al, _) = two(&site).await;
    let row = format!("1,1,1,0.{}\n", "0".repeat(900)).repeat(100_000);
    let bomb = zipped("a.csv", format!("cell_id,rep,direction_size,timestamp\n{row}").as_bytes());
    assert!(bomb.len() < 1 << 20);
    let id = al.uploaded("/rounds/1/defence", &[], &bomb).await;
    site.work().await;
    let submission = al.submission(&id).await;
    assert!(submission["reason"].as_str().unwrap().contains("times the size of the archive"), "{submission}");
}

#[tokio::test]
async fn defects_12_and_16_nobody_sits_down_in_a_team_uninvited() {
    let site = Site::new().await;
    site.team("Al").await;
    let mut bob = site.player("bob").await;
    for path in
        ["/join_team/?team_name=Al", "/team/join?code=x", "/set_phase/?phase=Attack", "/generate_matches/?round=2"]
    {
        let answer = bob.get(path).await;
        assert!([404, 405].contains(&answer.status.as_u16()), "{path}");
    }
    bob.post("/team/join", &[("code", "")]).await.is(422);
    assert!(bob.get("/teams/1").await.ok().text.contains("Number 1, al-player<"));
}

#[tokio::test]
async fn defect_17_results_are_json() {
    let site = Site::new().await;
    let (mut al, _) = two(&site).await;
    al.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    let mut conn = site.app.store.read().await.unwrap();
    let rows = wfkit_platform::store::results::of_round(&mut conn, "round-1").await.unwrap();
    assert_eq!(rows.len(), 6, "two house attackers, three parts");
    for row in rows {
        serde_json::from_str::<wfkit_platform::work::AttackDetail>(&row.detail).unwrap();
        assert!(row.scorer.starts_with("wfkit "));
    }
}

#[tokio::test]
async fn defect_21_uploads_at_the_same_instant_are_three() {
    let site = Site::new().await;
    let (al, _) = two(&site).await;
    let uploads = (0..3).map(|seed| {
        let mut browser = site.visitor();
        browser.cookie = al.cookie.clone();
        browser.csrf = al.csrf.clone();
        async move {
            let text = defence(seed, 9);
            let id = browser.uploaded("/rounds/1/defence", &[], text.as_bytes()).await;
            assert_eq!(browser.get(&format!("/submissions/{id}/file")).await.ok().text, text);
            id
        }
    });
    let ids: std::collections::BTreeSet<String> = futures_util::future::join_all(uploads).await.into_iter().collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(site.work().await, 3);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn defect_22_downloads_leak_nothing() {
    let site = Site::new().await;
    let (mut al, _) = attacking(&site).await;
    let open = || {
        let root = site.app.files.root().to_owned();
        let links =
            std::fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
        links.filter(|link| link.starts_with(&root)).count()
    };
    for _ in 0..5 {
        files(&mut al, 2).await;
    }
    // What streams a file ends a little after its last byte.
    let begun = std::time::Instant::now();
    while open() > 0 {
        assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{} files are still open", open());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(std::fs::read_dir(site.app.files.root().join("incoming")).unwrap().count(), 0);
}

#[tokio::test]
async fn defect_23_ids_are_different_and_tell_nothing() {
    let site = Site::new().await;
    let (mut al, _) = attacking(&site).await;
    let (train, test) = files(&mut al, 2).await;
    let mut ids = captures(&test);
    assert!(ids.is_sorted());
    for line in train.lines().skip(1) {
        ids.push(line.split(',').nth(1).unwrap().parse().unwrap());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 24);
    assert!(ids.iter().filter(|id| **id < 1_000_000).count() < 3, "not those of the upload");
}

#[tokio::test]
async fn defect_24_names_that_register_can_sign_in_and_have_pages() {
    let site = Site::new().await;
    let mut visitor = site.visitor();
    let long = "x".repeat(70);
    let fields = [
        ("name", long.as_str()),
        ("email", "x@example.org"),
        ("password", "correct horse"),
        ("again", "correct horse"),
    ];
    visitor.post("/register", &fields).await.is(422);
    let mut alice = site.player("alice").await;
    alice.post("/team/create", &[("name", "a/b")]).await.is(422);
    alice.post("/team/create", &[("name", "Ünï 'cöde' 1.0")]).await.is(303);
    assert!(alice.get("/teams/1").await.ok().text.contains("cöde"));
}

#[tokio::test]
async fn defect_27_there_are_states_limits_history_exports_and_an_audit_log() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, _) = two(&site).await;
    let id = al.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    assert_eq!(al.submission(&id).await["state"], "queued");
    assert_eq!(al.submission(&id).await["ahead"], 0);
    site.work().await;
    assert!(al.get("/submissions").await.ok().text.contains(&id));
    assert!(al.get("/rounds/1/defence").await.ok().text.contains("in all, in any 24 hours."));
    assert!(organiser.get("/organise/audit?action=upload").await.ok().text.contains(&id));
    assert!(organiser.get("/organise/submissions?state=done").await.ok().text.contains(&id));
    site.at(site.now() + HOUR);
    organiser.get("/leaderboard.csv").await.ok();
}
