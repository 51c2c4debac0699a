//! What members find on the start page and of their account: what to do, how far uploads have got, where they are signed in.

use axum::body::Body;
use axum::http::{Request, header};
use wfkit_platform::game::Limits;
use wfkit_platform::store::accounts;

use crate::boards::{attack_by, begun};
use crate::site::{DAY, HOUR, PASSWORD, Site};
use crate::traffic::defence;

#[tokio::test]
async fn the_start_page_says_what_to_do_and_how_far_all_has_got() {
    let site = Site::new().await;
    let mut lonely = site.player("lonely").await;
    assert!(lonely.get("/").await.ok().text.contains("You have no team yet."));
    let mut al = site.team("Al").await;
    site.round(1, |round| round.settings.limits = Limits { accepted: 1, total: 2, window_hours: 24 }).await;
    site.at(site.now() + DAY);
    let start = al.get("/").await.ok().text;
    assert!(start.contains("upload your defence: none counts yet. Uploads left: 1 accepted, 2 in all."), "{start}");
    assert!(!start.contains("Your uploads"));

    al.get("/rounds/1/defence").await.ok();
    al.uploaded("/rounds/1/defence", &[], b"cell_id,rep\n1,2\n").await;
    let start = al.get("/").await.ok().text;
    assert!(start.contains("queued</span> next in the queue") && start.contains("defence of round 1"), "{start}");
    site.work().await;
    let start = al.get("/").await.ok().text;
    let reason = start.split("refused</span> ").nth(1).expect("it is refused").split("</td>").next().unwrap();
    assert!(reason.len() > 10, "without a reason: {reason}");
    site.at(site.now() + HOUR);
    al.uploaded("/rounds/1/defence", &[], defence(1, 100).as_bytes()).await;
    let mut bo = site.team("Bo").await;
    bo.get("/rounds/1/defence").await.ok();
    bo.uploaded("/rounds/1/defence", &[], defence(2, 100).as_bytes()).await;
    assert!(bo.get("/").await.ok().text.contains("1 before it in the queue"));
    site.work().await;
    let start = al.get("/").await.ok().text;
    let told = "you have a defence that counts; a better one may take its place. No upload is left: the next place is free at \
                <time datetime=\"2026-03-03T01:00:00Z\">";
    assert!(start.contains(told), "{start}");
}

#[tokio::test]
async fn the_start_page_counts_attacks_and_shows_the_last_results() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = begun(&site, |_| ()).await;
    let start = al.get("/").await.ok().text;
    assert!(start.contains("attacked 0 of 1; still to attack: Bo. Uploads left: 10 accepted, 30 in all."), "{start}");
    attack_by(&site, &mut al, 2, 0.9).await;
    site.work().await;
    let start = al.get("/").await.ok().text;
    assert!(start.contains("attacked 1 of 1; a better attack may take the place of one."), "{start}");
    let board = al.get("/rounds/1/leaderboard.json").await.ok().json();
    let row = board["rows"].as_array().unwrap().iter().find(|row| row["name"] == "Al").unwrap().clone();
    let results = start.split("Your results").nth(1).unwrap();
    for number in [format!("{:.2}", row["total"].as_f64().unwrap()), format!("{:.4}", row["attack"].as_f64().unwrap())]
    {
        assert!(results.contains(&format!("<td class=\"n\">{number}</td>")), "{number}: {results}");
    }
    site.at(site.now() + DAY);
    site.work().await;
    assert!(!al.get("/").await.ok().text.contains("What to do now"), "nothing is left to do");
}

#[tokio::test]
async fn what_is_hidden_is_not_on_the_start_page_either() {
    let site = Site::new().await;
    let nobody = wfkit_platform::game::Audience::Nobody;
    let (mut al, _) = begun(&site, |round| round.settings.scores_during = nobody).await;
    assert!(!al.get("/").await.ok().text.contains("Your results"));
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let site = Site::new().await;
    let mut alice = site.player("alice").await;
    let mut mallory = site.player("mallory").await;
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let mut other = site.visitor();
    let body = format!("name=alice&password={}", PASSWORD.replace(' ', "+"));
    let request = Request::post("/sign-in")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, agent);
    other.send(request, Body::from(body)).await.is(303);
    let page = alice.get("/account").await.ok().text;
    let listed = page.split("id=\"sessions\"").nth(1).unwrap().split("</table>").next().unwrap();
    assert!(listed.contains("Firefox on Linux") && listed.matches("<small>this one</small>").count() == 1, "{listed}");
    assert!(!page.contains("Firefox/140"), "roughly is enough");

    let sessions = async || {
        let mut conn = site.app.store.read().await.unwrap();
        let account = accounts::by_name(&mut conn, "alice").await.unwrap().unwrap();
        accounts::sessions(&mut conn, &account.id, site.now()).await.unwrap()
    };
    site.at(site.now() + HOUR);
    alice.get("/account").await.ok();
    let seen: Vec<_> = sessions().await.iter().map(|one| site.now() - one.seen_at).collect();
    assert_eq!(seen, [0, HOUR], "the one that was used, and the other");

    let id = sessions().await.iter().find(|one| one.browser == "Firefox on Linux").unwrap().id.clone();
    let path = format!("/account/sessions/{id}/end");
    mallory.post(&path, &[]).await.is(404);
    alice.post_as_is(&path, &[]).await.is(403);
    other.get("/account").await.ok();
    alice.post(&path, &[]).await.is(303);
    assert!(alice.get("/account").await.ok().text.contains("That session has ended."));
    other.get("/account").await.is(303);
    alice.post(&path, &[]).await.is(404);

    let mut others = [site.visitor(), site.visitor()];
    for other in &mut others {
        other.sign_in("alice", PASSWORD).await.is(303);
    }
    alice.post("/account/sessions/end-others", &[]).await.is(303);
    assert!(alice.get("/account").await.ok().text.contains("2 other sessions ended."));
    for other in &mut others {
        other.get("/account").await.is(303);
    }
    let own = sessions().await;
    assert_eq!(own.len(), 1);
    let answer = alice.post(&format!("/account/sessions/{}/end", own[0].id), &[]).await.is(303);
    assert_eq!(answer.header("location"), "/");
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    alice.get("/account").await.is(303);
}

#[tokio::test]
async fn the_rules_have_an_example_and_a_sample_that_passes() {
    let site = Site::new().await;
    let mut visitor = site.visitor();
    let rules = visitor.get("/rules").await.ok().text;
    for profile in wfkit_platform::game::Profile::EACH {
        let example = profile.example();
        for number in
            [format!("{:.4}", example.utility), format!("{:.4}", example.attack), format!("{:.2}", example.total)]
        {
            assert!(rules.contains(&format!("<td class=\"n\">{number}</td>")), "{}: {number}", profile.name());
        }
    }
    let mut al = site.team("Al").await;
    site.round(1, |_| ()).await;
    let rules = visitor.get("/rules").await.ok().text;
    assert!(rules.contains("check defence FILE --classes 4 --reps 6 --deviation 3 --min-packets 5</code>"), "{rules}");
    assert!(rules.contains("example of balanced") && !rules.contains("example of srs-2022"), "only what is played");
    let sample = visitor.get("/rounds/1/sample.csv").await.ok();
    assert!(sample.header("content-disposition").contains("round_1_sample_defence.csv"));
    site.at(site.now() + DAY);
    al.get("/rounds/1/defence").await.ok();
    let id = al.uploaded("/rounds/1/defence", &[], &sample.bytes).await;
    site.work().await;
    let checked = al.submission(&id).await;
    assert_eq!(checked["state"], "done", "{checked}");
    visitor.get("/rounds/7/sample.csv").await.is(404);
}

#[tokio::test]
async fn what_is_wrong_with_an_archive_is_said_to_those_who_upload_it() {
    let site = Site::new().await;
    let mut al = site.team("Al").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let mut two = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in ["a.csv", "b.csv"] {
        two.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut two, b"cell_id\n").unwrap();
    }
    let two = two.finish().unwrap().into_inner();
    let whole = crate::traffic::zipped("a.csv", defence(1, 50).as_bytes());
    let cut = whole[..whole.len() / 2].to_vec();
    let files = [(two, "an archive of 2 files"), (cut, "the archive is cut off or damaged: pack it again")];
    for (file, told) in files {
        al.get("/rounds/1/defence").await.ok();
        let id = al.uploaded("/rounds/1/defence", &[], &file).await;
        site.work().await;
        let reason = al.submission(&id).await["reason"].as_str().unwrap().to_owned();
        assert!(reason.contains(told), "{reason}");
        for words in ["FOLDER", "folder", "EOCD", "unzip"] {
            assert!(!reason.contains(words), "{reason}");
        }
    }
}

#[tokio::test]
async fn a_file_is_tried_and_not_kept() {
    let site = Site::new().await;
    let mut alice = site.player("alice").await;
    site.round(1, |_| ()).await;
    let sample = alice.get("/rounds/1/sample.csv").await.ok().bytes;
    alice.get("/rounds/1/try").await.ok();
    let page = alice.upload("/rounds/1/try", &[], &sample).await.ok().text;
    assert!(
        page.contains("It would be accepted:") && page.contains("4 classes.") && page.contains("Median bytes in"),
        "{page}"
    );
    let wrong = defence(1, 50).replacen("1,0,", "9,0,", 3);
    let page = alice.upload("/rounds/1/try", &[], wrong.as_bytes()).await.ok().text;
    assert!(page.contains("It would be refused:") && page.contains("<caption>Each kind of problem once"), "{page}");
    alice.upload("/rounds/1/try", &[], b"").await.is(422);
    for _ in 0..7 {
        alice.upload("/rounds/1/try", &[], b"nonsense").await.ok();
    }
    let answer = alice.upload("/rounds/1/try", &[], &sample).await.is(429);
    assert!(answer.header("retry-after").parse::<i64>().unwrap() > 0);
    assert!(submissions_of(&site).await.is_empty());
    let left: Vec<_> = walk(site.app.files.root());
    assert!(left.is_empty(), "{left:?}");
}

async fn submissions_of(site: &Site) -> Vec<String> {
    let mut conn = site.app.store.read().await.unwrap();
    wfkit_platform::store::submissions::ids(&mut conn).await.unwrap()
}

/// All files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() { found.extend(walk(&entry)) } else { found.push(entry) }
    }
    found
}
