//! Tables that are sorted and lists that go on, as pages and over the API; boards that know what they are.

use axum::body::Body;
use axum::http::Request;
use wfkit_metrics::{Volume, VolumeSummary};
use wfkit_platform::game::Kind;
use wfkit_platform::store::submissions::{self, New};
use wfkit_platform::store::{audit, mail, results};

use crate::boards::{attack_by, begun};
use crate::site::{Answer, Browser, DAY, HOUR, Site};

/// As many uploads of a team as if it had sent them, a second apart, two at each instant.
async fn uploads(site: &Site, team: &str, account: &str, count: i64) {
    let mut tx = site.app.store.write().await.unwrap();
    for number in 0..count {
        let new = New {
            id: &format!("upload{number:010}"),
            round_id: "round-1",
            team_id: team,
            account_id: account,
            kind: if number % 3 == 0 { Kind::Attack } else { Kind::Defence },
            against: None,
            file_name: "defence.csv",
            bytes: (number * 7919) % 11,
            sha256: "0",
            seed: 1,
            received_at: site.now() + number / 2 * 1000,
        };
        submissions::insert(&mut tx, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Ids of what a page of submissions links to, in its order.
fn ids(page: &str) -> Vec<String> {
    let links = page.split("submissions/upload").skip(1);
    links.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Where the next page is, by the link on this one.
fn next(page: &str) -> Option<String> {
    let (before, _) = page.split_once("\" rel=\"next\"")?;
    Some(before.rsplit("href=\"").next().unwrap().replace("&amp;", "&").replace("&#38;", "&"))
}

/// Ids of all pages of a list, from one on.
async fn all(browser: &mut Browser<'_>, from: &str) -> Vec<String> {
    let (mut all, mut path) = (Vec::new(), Some(from.to_owned()));
    while let Some(there) = path {
        let text = browser.get(&there).await.ok().text;
        all.extend(ids(&text));
        path = next(&text);
    }
    all
}

/// A site with a round, a team of 120 uploads and an organiser.
async fn filled<'a>(site: &'a Site) -> (Browser<'a>, Browser<'a>) {
    let organiser = site.organiser().await;
    let team = site.team("Al").await;
    site.round(1, |_| ()).await;
    let row: (String, String) = {
        let mut conn = site.app.store.read().await.unwrap();
        let account = wfkit_platform::store::accounts::by_name(&mut conn, "al-player").await.unwrap().unwrap();
        (wfkit_platform::store::teams::by_number(&mut conn, 1).await.unwrap().unwrap().id, account.id)
    };
    uploads(site, &row.0, &row.1, 120).await;
    (organiser, team)
}

#[tokio::test]
async fn lists_go_on_and_have_every_row_once_whatever_they_are_sorted_by() {
    let site = Site::new().await;
    let (mut organiser, mut team) = filled(&site).await;
    let mut newest_first = Vec::new();
    for (base, browser) in [("/submissions", &mut team), ("/organise/submissions", &mut organiser)] {
        assert_eq!(ids(&browser.get(base).await.ok().text).len(), 50, "{base}");
        for query in [
            "limit=7",
            "limit=200",
            "sort=size&limit=13",
            "sort=size&order=asc&limit=13",
            "sort=kind",
            "sort=state&order=desc",
        ] {
            let found = all(browser, &format!("{base}?{query}")).await;
            let mut once = found.clone();
            once.sort();
            once.dedup();
            assert_eq!((found.len(), once.len()), (120, 120), "{base}?{query}");
            if query == "limit=7" {
                newest_first = found;
            }
        }
    }
    assert!(newest_first.iter().rev().is_sorted(), "{newest_first:?}");

    // Of what arrives meanwhile nothing is shown twice, and what was there is not left out.
    let first = team.get("/submissions?limit=50").await.ok().text;
    let mut seen = ids(&first);
    let mut tx = site.app.store.write().await.unwrap();
    sqlx_touch(&mut tx).await;
    tx.commit().await.unwrap();
    seen.extend(all(&mut team, &next(&first).unwrap()).await);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

/// One more upload, later than all.
async fn sqlx_touch(conn: &mut wfkit_platform::store::Conn) {
    let last = submissions::by_id(conn, "upload0000000119").await.unwrap().unwrap();
    let new = New {
        id: "upload0000009999",
        round_id: &last.round_id,
        team_id: &last.team_id,
        account_id: &last.account_id,
        kind: Kind::Defence,
        against: None,
        file_name: "defence.csv",
        bytes: 1,
        sha256: "0",
        seed: 1,
        received_at: last.received_at + DAY,
    };
    submissions::insert(conn, &new).await.unwrap();
}

#[tokio::test]
async fn lists_of_the_api_say_where_they_go_on() {
    let site = Site::new().await;
    let (_, mut team) = filled(&site).await;
    let mut client = team.client().await;
    let (mut found, mut path) = (Vec::new(), Some("/api/v1/submissions?sort=size&limit=50".to_owned()));
    let mut pages = 0;
    while let Some(there) = path {
        let answer = client.get(&there).await.ok();
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|one| (one["bytes"].as_i64().unwrap(), one["id"].as_str().unwrap().to_owned())));
        path = page["next"].as_str().map(str::to_owned);
        match &path {
            Some(next) => assert_eq!(answer.header("link"), format!("<{next}>; rel=\"next\"")),
            None => assert_eq!(answer.header("link"), ""),
        }
        pages += 1;
    }
    assert_eq!((pages, found.len()), (3, 120));
    assert!(found.is_sorted_by(|a, b| a >= b), "{found:?}");

    // A cursor is of one list in one order, and of nobody who makes one.
    let next = client.get("/api/v1/submissions?limit=1").await.ok().json()["next"].as_str().unwrap().to_owned();
    let cursor = next.split("after=").nth(1).unwrap().to_owned();
    for (query, field) in [
        ("limit=0".to_owned(), "limit"),
        ("limit=x".to_owned(), "limit"),
        ("limit=201".to_owned(), "limit"),
        ("sort=sha256".to_owned(), "sort"),
        ("order=down".to_owned(), "order"),
        ("after=forged".to_owned(), "after"),
        (format!("after={cursor}0"), "after"),
        (format!("sort=size&after={cursor}"), "after"),
        (format!("order=asc&after={cursor}"), "after"),
    ] {
        let answer = client.get(&format!("/api/v1/submissions?{query}")).await.is(400);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with(&format!("{field}: ")), "{query}: {detail}");
        let page = team.get(&format!("/submissions?{query}")).await.is(400).text;
        assert!(page.contains(&format!("{field}: ")), "{query}: {page}");
    }
    let sort = client.get("/api/v1/submissions?sort=x").await.json();
    assert_eq!(sort["detail"], "sort: “x” is none of received, round, kind, state, size");
}

/// Links in the head of the table on a page, with what is told to readers of the screen.
fn heads(page: &str) -> Vec<(String, String)> {
    let head = page.split("<thead>").skip(1).filter_map(|rest| rest.split("</thead>").next());
    let head = head.filter(|head| head.contains("class=\"sort\"")).collect::<Vec<_>>().join("");
    let cells = head.split("<th ").skip(1).filter(|cell| cell.contains("class=\"sort\""));
    cells
        .map(|cell| {
            let sorted = cell.split("aria-sort=\"").nth(1).map_or("", |rest| rest.split('"').next().unwrap());
            let link = cell.split("href=\"").nth(1).unwrap().split('"').next().unwrap();
            (link.replace("&amp;", "&").replace("&#38;", "&"), sorted.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn every_table_is_sorted_by_links_and_says_how() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, _) = begun(&site, |_| ()).await;
    attack_by(&site, &mut al, 2, 0.9).await;
    let mut tx = site.app.store.write().await.unwrap();
    for (id, to) in [("a", "x@example.org"), ("b", "y@example.org")] {
        mail::insert(&mut tx, id, to, "Hello", "text", site.now()).await.unwrap();
        audit::record(&mut tx, &site.app.world, to, "write", "mail", "").await.unwrap();
    }
    wfkit_platform::store::jobs::want(&mut tx, &site.app.world).await.unwrap();
    tx.commit().await.unwrap();
    let tables = [
        ("/rounds/1/leaderboard", 6),
        ("/leaderboard", 3),
        ("/rounds/1/matches", 6),
        ("/teams", 3),
        ("/submissions", 5),
        ("/organise/submissions", 6),
        ("/organise/people", 4),
        ("/organise/audit", 4),
        ("/organise/mail", 5),
        ("/organise/jobs", 5),
    ];
    for (path, columns) in tables {
        let browser = if path.starts_with("/organise") { &mut organiser } else { &mut al };
        let page = browser.get(path).await.ok().text;
        let links = heads(&page);
        assert_eq!(links.len(), columns, "{path}: {links:?}");
        assert_eq!(links.iter().filter(|(_, sorted)| !sorted.is_empty()).count(), 1, "{path}: {links:?}");
        let table = page.split("class=\"sort\"").next().unwrap().rsplit("<table").next().unwrap();
        assert!(table.contains("<caption>"), "{path} has no caption");
        for (link, _) in links {
            let sorted = heads(&browser.get(&link).await.ok().text);
            let (turned, way) = sorted.iter().find(|(_, sorted)| !sorted.is_empty()).unwrap().clone();
            let asked = if link.ends_with("asc") { "ascending" } else { "descending" };
            assert_eq!(way, asked, "{link}");
            let other = heads(&browser.get(&turned).await.ok().text);
            let way = other.iter().find(|(_, sorted)| !sorted.is_empty()).unwrap().1.clone();
            assert_ne!(way, asked, "{turned} is not turned");
        }
        let refused = browser.get(&format!("{path}?sort=password")).await.is(400).text;
        assert!(refused.contains("“password” is none of"), "{refused}");
    }
    let by_name = |page: &str| page.find(">Al</a>").unwrap() < page.find(">Bo</a>").unwrap();
    assert!(by_name(&al.get("/teams?sort=team&order=asc").await.ok().text));
    assert!(!by_name(&al.get("/teams?sort=team&order=desc").await.ok().text));
    let some = organiser.get("/organise/people?search=BO-").await.ok().text;
    assert!(some.contains("bo-player") && !some.contains("al-player"), "{some}");
    let mut log = organiser.get("/organise/audit?account=y@example.org").await.ok().text;
    log = log.split("<tbody>").nth(1).unwrap().to_owned();
    assert!(log.contains("y@example.org") && !log.contains("x@example.org"), "{log}");
}

async fn again(browser: &mut Browser<'_>, path: &str, tag: &str) -> Answer {
    browser.send(Request::get(path).header("if-none-match", tag), Body::empty()).await
}

#[tokio::test]
async fn boards_tell_whether_they_are_new_and_nothing_more() {
    let site = Site::new().await;
    site.organiser().await;
    let (mut al, _) = begun(&site, |round| round.settings.freeze_at = Some(round.attack_at + 2 * HOUR)).await;
    attack_by(&site, &mut al, 2, 0.5).await;
    site.work().await;
    let mut organiser = site.visitor();
    organiser.sign_in("boss", crate::site::PASSWORD).await;
    let mut visitor = site.visitor();
    let paths = [
        "/rounds/1/leaderboard",
        "/rounds/1/leaderboard.csv",
        "/rounds/1/leaderboard.json",
        "/rounds/1/matches",
        "/rounds/1/matrix",
        "/rounds/1/matrix.csv",
        "/rounds/1/matrix.json",
        "/leaderboard",
        "/leaderboard.csv",
        "/leaderboard.json",
        "/api/v1/rounds/1/leaderboard",
        "/api/v1/rounds/1/matches",
        "/api/v1/rounds/1/matrix",
        "/api/v1/leaderboard",
    ];
    let mut tags = Vec::new();
    for path in paths {
        let answer = visitor.get(path).await.ok();
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        assert_eq!(answer.header("cache-control"), "private, no-cache", "{path}");
        assert_eq!(answer.header("vary"), "Cookie, Authorization", "{path}");
        tags.push((path, tag));
    }
    // Time alone is no news.
    site.at(site.now() + HOUR);
    for (path, tag) in &tags {
        let answer = again(&mut visitor, path, tag).await.is(304);
        assert_eq!((answer.text.as_str(), answer.header("etag")), ("", tag.as_str()), "{path}");
        again(&mut visitor, path, &format!("\"other\", {tag}")).await.is(304);
        again(&mut visitor, path, "\"other\"").await.ok();
    }
    // What happens behind a freeze is told to organisers alone, by tags too.
    site.at(site.now() + 2 * HOUR);
    let mut frozen = Vec::new();
    for (path, _) in &tags {
        let [theirs, ours] = [&mut visitor, &mut organiser].map(|browser| browser.get(path));
        frozen.push((*path, theirs.await.header("etag").to_owned(), ours.await.header("etag").to_owned()));
    }
    attack_by(&site, &mut al, 2, 0.99).await;
    site.work().await;
    for (path, theirs, ours) in &frozen {
        again(&mut visitor, path, theirs).await.is(304);
        if path.contains("matrix") || path.contains("matches") {
            again(&mut organiser, path, ours).await.ok();
        }
    }
    // What is not for somebody has no tag.
    let answer = visitor.get("/rounds/9/leaderboard").await.is(404);
    assert_eq!((answer.header("etag"), answer.header("cache-control")), ("", "no-store"));
}

#[tokio::test]
async fn matches_tell_how_they_stand_and_only_who_may_sees_scores() {
    for own_only in [false, true] {
        let site = Site::new().await;
        site.organiser().await;
        let (mut al, mut bo) = begun(&site, |round| {
            if own_only {
                round.settings.scores_during = wfkit_platform::game::Audience::OwnTeam;
            }
        })
        .await;
        attack_by(&site, &mut al, 2, 0.99).await;
        site.work().await;
        let list = async |browser: &mut Browser<'_>, query: &str| {
            let found = browser.get(&format!("/api/v1/rounds/1/matches{query}")).await.ok().json()["items"].clone();
            let line = |one: &serde_json::Value| {
                (one["attacker"].as_i64().unwrap(), one["state"].as_str().unwrap().to_owned(), one["roc_auc"].as_f64())
            };
            let mut lines: Vec<_> = found.as_array().unwrap().iter().map(line).collect();
            lines.sort_by_key(|line| line.0);
            lines
        };
        let mine = list(&mut al, "").await;
        assert_eq!((mine[0].1.as_str(), mine[1].1.as_str()), ("attacked", "open"));
        let area = mine[0].2.unwrap();
        assert_eq!(area, (area * 1e4).round() / 1e4, "four decimals while the round runs");
        assert_eq!(list(&mut bo, "").await, mine, "both sides see it");
        assert_eq!(list(&mut al, "?team=1").await.len(), 2);
        let seen = list(&mut site.visitor(), "").await;
        match own_only {
            true => assert!(seen.iter().all(|line| line.1 == "hidden" && line.2.is_none()), "{seen:?}"),
            false => assert_eq!(seen, mine),
        }
        let page = al.get("/rounds/1/matches?team=2").await.ok().text;
        assert!(page.contains("attacked, and scored") && page.contains("no scored attack yet"), "{page}");
        for team in ["x", "7"] {
            let refused = al.get(&format!("/rounds/1/matches?team={team}")).await.is(400).text;
            assert!(refused.contains("team: not the number of a team"), "{refused}");
        }
        site.at(site.now() + DAY);
        site.work().await;
        assert!(al.get("/rounds/1/matches").await.ok().text.contains("never attacked"));
    }
}

#[tokio::test]
async fn an_attack_of_the_house_behind_the_freeze_does_not_move_the_board() {
    let mut options = crate::site::options();
    options.house = vec![wfkit_platform::work::HouseAttacker::Kfp];
    let site = Site::with(options).await;
    site.organiser().await;
    let (_, _) = begun(&site, |round| round.settings.freeze_at = Some(round.attack_at + 2 * HOUR)).await;
    // As if it had not come to it before.
    let mut tx = site.app.store.write().await.unwrap();
    let defences = submissions::of_round(&mut tx, "round-1", Kind::Defence).await.unwrap();
    for defence in &defences {
        let of = (defence.id.clone(), "kfp".to_owned());
        results::replace_house(&mut tx, &of, &[]).await.unwrap();
        wfkit_platform::store::house::forget(&mut tx, &defence.id).await.unwrap();
        wfkit_platform::store::house::queue(&mut tx, &defence.id, "kfp", site.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    site.at(site.now() + 3 * HOUR);
    let mut organiser = site.visitor();
    organiser.sign_in("boss", crate::site::PASSWORD).await;
    let paths = ["/rounds/1/leaderboard.csv", "/rounds/1/matrix.csv", "/leaderboard.csv"];
    let mut before = Vec::new();
    for path in paths {
        before.push(site.visitor().get(path).await.ok().text);
    }
    assert!(!before[1].contains("house (kfp)"));
    let mut tx = site.app.store.write().await.unwrap();
    wfkit_platform::store::jobs::want(&mut tx, &site.app.world).await.unwrap();
    tx.commit().await.unwrap();
    site.work().await;
    for (path, frozen) in paths.iter().zip(&before) {
        assert_eq!(site.visitor().get(path).await.ok().text, *frozen, "{path} moved");
    }
    assert!(organiser.get(paths[1]).await.ok().text.contains("house (kfp)"), "organisers see it");
    site.at(site.now() + DAY);
    site.work().await;
    assert!(site.visitor().get(paths[1]).await.ok().text.contains("house (kfp)"), "at the end it thaws");
}

#[tokio::test]
async fn exports_have_four_decimals_until_the_end() {
    let site = Site::new().await;
    site.organiser().await;
    let undefended = Volume { in_bytes: 3331.0, out_bytes: 1777.0, seconds: 0.31 };
    let (mut al, _) = begun(&site, |round| round.settings.baseline = VolumeSummary::of(&[undefended])).await;
    attack_by(&site, &mut al, 2, 0.6).await;
    site.work().await;
    let longest = |text: &str| {
        let decimals = |field: &str| {
            field.trim().parse::<f64>().ok().and(field.trim().split_once('.')).map_or(0, |(_, rest)| rest.len())
        };
        text.split([',', '\n', ':', '[', ']', '}']).map(decimals).max().unwrap()
    };
    let paths =
        ["/rounds/1/leaderboard.csv", "/rounds/1/leaderboard.json", "/rounds/1/matrix.csv", "/rounds/1/matrix.json"];
    for path in paths.iter().chain(&["/leaderboard.csv", "/leaderboard.json"]) {
        let text = site.visitor().get(path).await.ok().text;
        assert!(longest(&text) <= 4, "{path}: {text}");
    }
    site.at(site.now() + DAY);
    site.work().await;
    let text = site.visitor().get(paths[1]).await.ok().text;
    assert!(longest(&text) > 4, "{text}");
}
