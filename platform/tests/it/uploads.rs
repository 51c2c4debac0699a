//! What is uploaded, and how often.

use axum::body::Body;
use axum::http::Request;
use futures_util::stream;
use wfkit_competition::Rules;
use wfkit_platform::game::Limits;
use wfkit_platform::route_table;

use crate::site::{Browser, DAY, HOUR, RULES, Site};
use crate::traffic::{coarse_defence_of, defence, zipped, zipped_fast};

async fn defending(site: &Site) -> Browser<'_> {
    let team = site.team("Own").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY + HOUR);
    team
}

#[tokio::test]
async fn limits_tell_what_is_left_and_when_the_next_place_is_free() {
    let site = Site::new().await;
    let mut team = site.team("Own").await;
    let limits = Limits { accepted: 2, total: 3, window_hours: 1 };
    site.round(1, |round| round.settings.limits = limits).await;
    site.at(site.now() + DAY);
    team.get("/account").await;
    team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    team.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    site.work().await;
    let page = team.get("/rounds/1/defence").await.ok().text;
    assert!(
        page.contains("Uploads left: 0 accepted, 1 in all, in any 1 hour.")
            && page.contains("The next place is free at")
    );
    let answer = team.upload("/rounds/1/defence", &[], defence(3, 9).as_bytes()).await.is(429);
    assert!(answer.text.contains("2026-03-02 01:00 UTC"), "{}", answer.text);
    assert_eq!(answer.header("retry-after"), "3600");

    let mut client = team.client().await;
    let request = Request::post("/api/v1/rounds/1/defences");
    let answer = client.send(request, Body::from(defence(3, 9))).await.is(429);
    assert_eq!(answer.json()["again_at"], "2026-03-02T01:00:00Z");
    assert_eq!(answer.header("retry-after"), "3600");
    let slots = client.get("/api/v1/rounds/1").await.ok().json()["defence_slots"].clone();
    assert_eq!((&slots["accepted_left"], &slots["total_left"]), (&0.into(), &1.into()));
    site.at(site.now() + HOUR);
    team.uploaded("/rounds/1/defence", &[], defence(3, 9).as_bytes()).await;

    // Refused ones count for the total.
    site.at(site.now() + HOUR);
    for junk in ["a", "b", "c"] {
        team.uploaded("/rounds/1/defence", &[], junk.as_bytes()).await;
        site.work().await;
    }
    team.upload("/rounds/1/defence", &[], b"d").await.is(429);
}

#[tokio::test]
async fn uploads_stop_where_the_limit_is() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    let mut client = team.client().await;
    let endless = |start: &'static [u8]| {
        let chunk = vec![0u8; 1 << 20];
        let chunks = std::iter::once(start.to_vec()).chain(std::iter::repeat_n(chunk, 300));
        Body::from_stream(stream::iter(chunks.map(Ok::<_, std::io::Error>)))
    };
    let post = || Request::post("/api/v1/rounds/1/defences");
    let answer = client.send(post(), endless(b"PK\x03\x04")).await.is(413);
    assert!(answer.text.contains("32 MiB"));
    client.send(post(), endless(b"cell")).await.is(413);
    client.send(post(), Body::empty()).await.is(422);
    let broken = stream::iter([Ok(b"cell_id".to_vec()), Err(std::io::Error::other("gone"))]);
    client.send(post(), Body::from_stream(broken)).await.is(400);
    let incoming = std::fs::read_dir(site.app.files.root().join("incoming")).unwrap().count();
    assert_eq!(incoming, 0, "nothing of what was not accepted stays");
    assert!(team.get("/submissions").await.ok().text.contains("nothing yet"));
}

#[tokio::test]
async fn the_same_file_again_is_the_same_submission() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    let mut client = team.client().await;
    let post = || Request::post("/api/v1/rounds/1/defences");
    let first = client.send(post(), Body::from(defence(1, 9))).await.is(201);
    let second = client.send(post(), Body::from(defence(1, 9))).await.is(200);
    assert_eq!(first.json()["id"], second.json()["id"]);
    assert!(first.header("location").starts_with("/api/v1/submissions/"));
    client.send(post(), Body::from(defence(2, 9))).await.is(201);
    client.send(post(), Body::from(defence(1, 9))).await.is(201);
}

#[tokio::test]
async fn hostile_files_are_refused_in_words() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    let zeros = vec![b'0'; 40 << 20];
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("a line is longer than the allowed", zipped("a.csv", &zeros)),
        ("", b"PK\x03\x04 and no more".to_vec()),
        ("", zipped("a.txt", b"x")),
        ("", b"\xff\xfe\x00\x01\x02".to_vec()),
        ("", b"cell_id,rep,direction_size,timestamp\n".to_vec()),
        ("", defence(1, 9).replace(",5", ",inf").into_bytes()),
    ];
    for (expected, file) in files {
        let id = team.uploaded("/rounds/1/defence", &[], &file).await;
        site.work().await;
        let submission = team.submission(&id).await;
        assert_eq!(submission["state"], "refused", "{submission}");
        let reason = submission["reason"].as_str().unwrap();
        assert!(reason.contains(expected) && !reason.contains('/'), "{reason}");
        team.get(&format!("/submissions/{id}")).await.ok();
        site.at(site.now() + DAY / 100);
    }
}

#[tokio::test]
async fn an_earlier_defence_can_be_chosen() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    let first = team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.at(site.now() + HOUR);
    let second = team.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    site.work().await;
    assert!(team.get(&format!("/submissions/{second}")).await.ok().text.contains("This defence counts"));
    site.at(site.now() + HOUR);
    team.post(&format!("/submissions/{first}/choose"), &[]).await.is(303);
    assert!(team.get(&format!("/submissions/{first}")).await.ok().text.contains("This defence counts"));
    assert!(!team.get(&format!("/submissions/{second}")).await.ok().text.contains("This defence counts"));
    let copy = team.get(&format!("/submissions/{first}/file")).await.ok();
    assert_eq!(copy.text, defence(1, 9));
}

#[tokio::test]
async fn the_api_takes_no_cookies_for_uploads_and_describes_itself() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    team.send(Request::post("/api/v1/rounds/1/defences"), Body::from(defence(1, 9))).await.is(403);
    let posts = route_table().into_iter().filter(|route| route.method == "POST" && route.path.starts_with("/api/"));
    for path in posts.map(|route| route.path.replace("{round}", "1").replace("{id}", "none")) {
        let request = Request::post(&path).header("content-type", "application/json");
        let answer = team.send(request, Body::from(r#"{"name":"Stolen","code":"x"}"#)).await.is(403);
        assert!(answer.text.contains("take a token"), "{path}");
    }
    let document = site.visitor().get("/api/v1/openapi.json").await.ok().json();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/v1/rounds/{round}/defences"]["post"]["responses"]["429"].is_object());
}

#[tokio::test]
async fn organisers_have_work_done_again() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut team = defending(&site).await;
    let id = team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    let before = team.submission(&id).await;
    organiser.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(303);
    organiser.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(409);
    assert_eq!(team.submission(&id).await["state"], "queued");
    assert_eq!(site.work().await, 1);
    let after = team.submission(&id).await;
    assert_eq!((&before["scores"], &before["outcome"]), (&after["scores"], &after["outcome"]));
    let health = site.visitor().get("/healthz").await.ok().json();
    assert_eq!(health["well"], true);
    let metrics = organiser.get("/metrics").await.ok().text;
    assert!(metrics.contains("wfkit_submissions{state=\"done\"} 1"), "{metrics}");
    // A file that is gone is the server's fault: failed, said, and not the team's upload.
    let other = team.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    std::fs::remove_file(site.app.files.upload(&other, "defence.csv")).unwrap();
    site.work().await;
    let failed = team.submission(&other).await;
    assert_eq!(failed["state"], "failed");
    assert!(failed["reason"].as_str().unwrap().contains("Organisers see why"));
    assert_eq!(team.get("/api/v1/rounds/1").await.ok().json()["defence_slots"]["total_left"], 29);
}

#[tokio::test]
async fn a_queue_that_stands_still_is_ill() {
    let site = Site::new().await;
    let mut team = defending(&site).await;
    team.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.at(site.now() + HOUR);
    assert_eq!(site.visitor().get("/healthz").await.is(503).json()["well"], false);
}

#[tokio::test]
async fn traces_that_were_seen_before_are_found() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut own, mut other) = (site.team("Own").await, site.team("Other").await);
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    own.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    let copied = other.uploaded("/rounds/1/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    assert!(
        other.submission(&copied).await["outcome"]["shared_with"].as_array().unwrap().is_empty(),
        "not theirs to know"
    );
    assert!(!other.get(&format!("/submissions/{copied}")).await.ok().text.contains("Shared with others"));
    let page = organiser.get(&format!("/organise/submissions/{copied}")).await.ok().text;
    assert!(page.contains("24 traces are those of") && page.contains("team Own in round 1"), "{page}");
    site.at(site.now() + DAY);
    site.work().await;
    site.round(2, |_| ()).await;
    site.at(site.now() + DAY);
    let again = own.uploaded("/rounds/2/defence", &[], defence(1, 9).as_bytes()).await;
    site.work().await;
    let page = own.get(&format!("/submissions/{again}")).await.ok().text;
    assert!(page.contains("24 x traces that your defence of round 1 has too"), "{page}");
}

/// Prints what the check of a full upload takes of the processor: reading, checks, split, house attacks.
#[tokio::test]
#[ignore = "a measurement, some seconds: platform/ci runs it with --ignored"]
async fn the_check_of_a_full_upload() {
    let site = Site::new().await;
    let mut team = site.team("Own").await;
    let rules = Rules { classes: 100, reps_mean: 32, ..RULES };
    site.round(1, |round| {
        round.settings.rules = rules;
        round.settings.test_traces = 300;
    })
    .await;
    site.at(site.now() + DAY);
    let text = coarse_defence_of(100, 32, 700, 1, 50, [50, 10_000]);
    let id = team.uploaded("/rounds/1/defence", &[], &zipped_fast("defence.csv", text.as_bytes())).await;
    let (begun, before) = (std::time::Instant::now(), processor_seconds());
    assert_eq!(site.work().await, 1);
    let (passed, took) = (begun.elapsed().as_secs_f64(), processor_seconds() - before);
    assert_eq!(team.submission(&id).await["state"], "done");
    #[allow(clippy::print_stderr, reason = "a measurement")]
    {
        eprintln!("{:.0} MB: {took:.2} s of processor time, {passed:.2} s on the clock", text.len() as f64 / 1e6);
    }
}

/// Seconds of processor time that this process has had, in hundredths, where the system tells.
fn processor_seconds() -> f64 {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = told.rsplit(')').next().unwrap_or_default().split_whitespace();
    // Of itself and of the system for it, fields 14 and 15.
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
