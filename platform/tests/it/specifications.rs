//! Defences that the server runs.

use wfkit_platform::game::Round;

use crate::site::{Browser, DAY, Site};
use crate::traffic::{defence_of, unzipped};

/// A round whose undefended traffic is enough for `teams`.
async fn defending(site: &Site, teams: u64, change: impl FnOnce(&mut Round)) -> Browser<'_> {
    let mut organiser = site.organiser().await;
    site.round(1, |round| {
        round.settings.specifications = true;
        change(round);
    })
    .await;
    organiser.get("/account").await;
    let traffic = defence_of(4, 6 * teams, 77, 100);
    organiser.upload("/organise/rounds/1/baseline", &[], traffic.as_bytes()).await.is(303);
    site.at(site.now() + DAY);
    organiser
}

/// Hands in a specification on the page; the submission.
async fn specified(browser: &mut Browser<'_>, text: &str) -> String {
    let answer = browser.post("/rounds/1/specification", &[("specification", text)]).await.is(303);
    answer.header("location").rsplit('/').next().unwrap().to_owned()
}

/// The times of each trace of a file.
fn times(text: &str, key_columns: usize) -> Vec<Vec<String>> {
    let mut traces: std::collections::BTreeMap<Vec<&str>, Vec<String>> = std::collections::BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        traces.entry(fields[..key_columns].to_vec()).or_default().push((*fields.last().unwrap()).to_owned());
    }
    traces.into_values().collect()
}

#[tokio::test]
async fn a_defence_by_specification_is_run_on_traces_of_its_own() {
    let site = Site::new().await;
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    let mut organiser = defending(&site, 2, |_| ()).await;
    let page = al.get("/rounds/1/defence").await.ok().text;
    assert!(page.contains("Or by specification"), "{page}");
    // Sizes alone change, so that traces are known by their times.
    let of_al = specified(&mut al, "pad:mtu,to=1500B").await;
    let of_bo = specified(&mut bo, "pad:mtu,to=1500B").await;
    let again = specified(&mut al, "pad:mtu,to=1500B").await;
    assert_eq!(again, of_al, "the same again is the same submission");
    assert_eq!(site.work().await, 2);
    let submission = al.submission(&of_al).await;
    assert_eq!(submission["state"], "done", "{submission}");
    assert_eq!(submission["outcome"]["traces"], 24);
    assert!(submission["outcome"]["overhead"][0].as_f64().unwrap() > 0.0, "{submission}");
    let page = al.get(&format!("/submissions/{of_al}")).await.ok().text;
    assert!(page.contains("This defence counts") && page.contains("<code>pad:mtu"), "{page}");

    site.at(site.now() + DAY);
    site.work().await;
    let mut seen = Vec::new();
    for (browser, team) in [(&mut bo, 1), (&mut al, 2)] {
        for (part, keys) in [("train", 2), ("test", 1)] {
            let file = browser.get(&format!("/rounds/1/targets/{team}/{part}.csv.zip")).await.ok();
            let text = unzipped(&file.bytes);
            assert!(text.lines().skip(1).all(|line| line.contains(",1500,") || line.contains(",-1500,")), "{text}");
            seen.extend(times(&text, keys));
        }
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((all, seen.len()), (48, 48), "no two teams share a trace");

    // Done again it is the same.
    let fields = [("round", "1"), ("kind", "defence"), ("reason", "to see")];
    let answer = organiser.post("/organise/rejudgings", &fields).await.is(303);
    site.work().await;
    let page = organiser.get(answer.header("location")).await.ok().text;
    assert!(page.contains("2 of 2 judged, 0 would differ"), "{page}");
    assert!(of_bo != of_al);
}

#[tokio::test]
async fn specifications_that_cannot_be_run_are_refused_in_words() {
    let site = Site::new().await;
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    let mut organiser = defending(&site, 1, |_| ()).await;
    let unknown = al.post("/rounds/1/specification", &[("specification", "tamarow")]).await.is(422);
    assert!(unknown.text.contains("there is no defence `tamarow`"), "{}", unknown.text);
    al.post("/rounds/1/specification", &[("specification", "")]).await.is(422);
    // One that makes more packets than anybody may upload.
    let endless = specified(&mut al, "tamaraw,l=1000000").await;
    site.work().await;
    let submission = al.submission(&endless).await;
    assert_eq!(submission["state"], "refused", "{submission}");
    // Of two of one instant an id would decide who was earlier.
    site.at(site.now() + 1000);
    let late = specified(&mut bo, "pad:mtu,to=1500B").await;
    site.work().await;
    let submission = bo.submission(&late).await;
    assert!(submission["reason"].as_str().unwrap().contains("is enough for 1 team,"), "{submission}");
    // The traffic that defences were run on stands.
    let other = defence_of(4, 12, 78, 100);
    let answer = organiser.upload("/organise/rounds/1/baseline", &[], other.as_bytes()).await.is(409);
    assert!(answer.text.contains("were run on the undefended traffic"), "{}", answer.text);
    let mine = specified(&mut al, "pad:mtu,to=1500B").await;
    site.work().await;
    assert_eq!(al.submission(&mine).await["state"], "done");
}

#[tokio::test]
async fn rounds_take_specifications_where_organisers_say_so() {
    let site = Site::new().await;
    let mut al = site.team("Al").await;
    defending(&site, 1, |round| round.settings.specifications = false).await;
    assert!(!al.get("/rounds/1/defence").await.ok().text.contains("Or by specification"));
    al.post("/rounds/1/specification", &[("specification", "pad:mtu")]).await.is(409);
    let mut client = al.client().await;
    let request =
        axum::http::Request::post("/api/v1/rounds/1/specifications").header("content-type", "application/json");
    client.send(request, axum::body::Body::from(r#"{"specification":"pad:mtu"}"#)).await.is(409);
}

#[tokio::test]
async fn every_round_has_its_own_traffic_to_run_specifications_on() {
    let site = Site::new().await;
    let mut al = site.team("Al").await;
    let mut organiser = defending(&site, 1, |_| ()).await;
    // The next round is like the last, but for what teams have seen a part of with labels.
    let page = organiser.get("/organise/rounds/new").await.ok().text;
    assert!(!page.contains("Medians:"), "{page}");
    // Medians without their traffic are not enough, however they came there.
    let first = wfkit_platform::store::rounds::by_number(&mut site.app.store.read().await.unwrap(), 1).await.unwrap();
    let baseline = first.unwrap().settings.baseline;
    assert!(baseline.is_some());
    let now = site.now();
    site.round(2, |round| {
        round.settings.specifications = true;
        round.settings.baseline = baseline;
        (round.opens_at, round.defence_at) = (now - DAY, now);
    })
    .await;
    assert!(!al.get("/rounds/2").await.ok().text.contains("or a specification"));
    assert!(!al.get("/rounds/2/defence").await.ok().text.contains("Or by specification"));
    al.post("/rounds/2/specification", &[("specification", "pad:mtu")]).await.is(409);
    let page = organiser.get("/organise/rounds/2").await.ok().text;
    assert!(page.contains("specifications are taken once there is some"), "{page}");
    let traffic = defence_of(4, 6, 79, 100);
    organiser.upload("/organise/rounds/2/baseline", &[], traffic.as_bytes()).await.is(303);
    assert!(al.get("/rounds/2").await.ok().text.contains("or a specification"));
    let answer = al.post("/rounds/2/specification", &[("specification", "pad:mtu")]).await.is(303);
    let id = answer.header("location").rsplit('/').next().unwrap().to_owned();
    site.work().await;
    assert_eq!(al.submission(&id).await["state"], "done");
}

#[tokio::test]
async fn organisers_see_why_the_server_could_not_check_and_can_mend_it() {
    let site = Site::new().await;
    let mut al = site.team("Al").await;
    let mut organiser = defending(&site, 1, |_| ()).await;
    std::fs::remove_file(site.app.files.root().join("baseline-round-1.csv.zip")).unwrap();
    let id = specified(&mut al, "pad:mtu,to=1500B").await;
    site.work().await;
    let submission = al.submission(&id).await;
    assert_eq!(submission["state"], "failed", "{submission}");
    assert!(submission["outcome"]["trouble"].is_null(), "{submission}");
    assert!(!al.get(&format!("/submissions/{id}")).await.ok().text.contains("No such file"));
    let page = organiser.get(&format!("/organise/submissions/{id}")).await.ok().text;
    assert!(page.contains("No such file"), "{page}");
    // Nothing was run on the old traffic, so that another may be given.
    let traffic = defence_of(4, 6, 80, 100);
    organiser.upload("/organise/rounds/1/baseline", &[], traffic.as_bytes()).await.is(303);
    organiser.post(&format!("/organise/submissions/{id}/again"), &[]).await.is(303);
    site.work().await;
    assert_eq!(al.submission(&id).await["state"], "done");
}
