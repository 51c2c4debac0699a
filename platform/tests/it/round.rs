//! A whole round, as a course would play it: once through pages, with the API for what programs do.

use axum::body::Body;
use axum::http::Request;

use crate::site::{DAY, HOUR, Site, table};
use crate::traffic::{attack, captures, defence, defence_of, unzipped, zipped};

/// A defence of 4 classes of 20 traces: of so many, no guess tells all classes by luck, whatever is drawn.
fn large(seed: u64, tell: u64) -> String {
    defence_of(4, 20, seed, tell)
}

#[tokio::test]
async fn a_whole_round_and_the_next() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let mut al = site.team("Al").await;
    let mut bo = site.team("Bo").await;
    let mut cy = site.team("Cy").await;
    let mut late = site.team("Late").await;

    // An organiser plans the round on the page.
    organiser.get("/organise/rounds/new").await.ok();
    let form = |closes: &'static str| {
        [
            ("name", "Opening night"),
            ("opens_at", "2026-03-01T00:00"),
            ("defence_at", "2026-03-02T00:00"),
            ("attack_at", "2026-03-03T00:00"),
            ("closes_at", closes),
            ("freeze_at", ""),
            ("seed", "7"),
            ("classes", "4"),
            ("reps_mean", "20"),
            ("deviation", "3"),
            ("min_packets", "5"),
            ("test_traces", "40"),
            ("matches_per_team", "1"),
            ("profile", "balanced"),
            ("implausible", "flag"),
            ("least_share", "0.9"),
            ("counting", "best"),
            ("incomplete", "play"),
            ("limit_accepted", "5"),
            ("limit_total", "10"),
            ("limit_window_hours", "24"),
            ("scores_during", "everyone"),
            ("scores_after", "everyone"),
        ]
    };
    let answer = organiser.post("/organise/rounds/1", &form("2026-03-02T00:00")).await.is(422);
    assert!(answer.text.contains("must be later than the begin of the attack phase"));
    organiser.post("/organise/rounds/1", &form("2026-03-04T00:00")).await.is(303);
    let undefended = large(0, 500);
    organiser.upload("/organise/rounds/1/baseline", &[], undefended.as_bytes()).await.is(303);

    // Opening: nothing can be uploaded yet.
    let answer = al.upload("/rounds/1/defence", &[], large(1, 500).as_bytes()).await.is(409);
    assert!(answer.text.contains("opening phase"));

    // Defence: Al as it is, whose classes are told by volume alone, Bo zipped, Cy telling nothing. Late is late.
    site.at(site.now() + DAY + HOUR);
    let refused = al.uploaded("/rounds/1/defence", &[], b"cell_id,rep\n1,2\n").await;
    site.at(site.now() + 1);
    let first = al.uploaded("/rounds/1/defence", &[], large(1, 500).as_bytes()).await;
    let page = al.get(&format!("/submissions/{first}")).await.ok().text;
    assert!(page.contains("1 before it in the queue") && page.contains("data-hx-get"), "{page}");
    // htmx says what it has seen, and hears that nothing is new.
    let again = || Request::get(format!("/submissions/{first}")).header("hx-request", "true");
    let page = al.get(&format!("/submissions/{first}")).await.ok();
    let (seen, page) = (page.header("x-seen").to_owned(), page.text);
    assert!(page.contains(&format!("\"X-Seen\": \"{seen}\"")), "{seen}: {page}");
    assert!(al.send(again().header("x-seen", &seen), Body::empty()).await.is(204).text.is_empty());
    assert!(al.send(again().header("x-seen", "other"), Body::empty()).await.ok().text.contains("data-hx-get"));
    let of_bo = large(2, 80);
    bo.uploaded("/rounds/1/defence", &[], &zipped("defence.csv", of_bo.as_bytes())).await;
    cy.uploaded("/rounds/1/defence", &[], large(3, 0).as_bytes()).await;
    assert_eq!(site.work().await, 4);
    let page = al.get(&format!("/submissions/{refused}")).await.ok().text;
    assert!(page.contains("refused") && page.contains("column"), "{page}");
    let page = al.get(&format!("/submissions/{first}")).await.ok().text;
    assert!(page.contains("This defence counts") && page.contains("house (totals)") && !page.contains("data-hx-get"));
    assert!(al.send(again().header("x-seen", &seen), Body::empty()).await.ok().text.contains("This defence counts"));
    let htmx = al.get("/assets/htmx-2.0.11.js").await.ok();
    assert!(htmx.header("content-type").starts_with("text/javascript") && htmx.text.contains("2.0.11"));
    let preview = organiser.get("/organise/rounds/1").await.ok().text;
    assert!(preview.contains("As they would be drawn now: 3") && preview.contains("Without a match: Late"));

    // Attack: matches are drawn, of those with a defence.
    site.at(site.now() + DAY);
    site.work().await;
    let answer = late.upload("/rounds/1/defence", &[], large(4, 100).as_bytes()).await.is(409);
    assert!(answer.text.contains("attack phase"));
    let page = al.get("/rounds/1").await.ok().text;
    assert!(page.contains("3 matches, drawn with seed 7") && !page.contains("Late"));

    let mut scored = Vec::new();
    for browser in [&mut al, &mut bo, &mut cy] {
        let mut client = browser.client().await;
        let targets = client.get("/api/v1/rounds/1/targets").await.ok().json();
        let [target] = targets.as_array().unwrap().as_slice() else { panic!("one match each") };
        let team = target["team_id"].as_i64().unwrap();
        let file = client.get(target["test"].as_str().unwrap()).await.ok();
        let test = unzipped(&file.bytes);
        let train = unzipped(&client.get(target["train"].as_str().unwrap()).await.ok().bytes);
        assert!(test.starts_with("capture_id,direction_size,timestamp\n") && train.starts_with("cell_id,rep,"));
        let ids = captures(&test);
        assert_eq!(ids.len(), 40);
        // By volume alone: eight packets of 500 to 900 bytes, and of Al 500 a class.
        let class = |id: i64| -> f64 {
            let rows = test.lines().skip(1).filter(|line| line.split(',').next() == Some(&id.to_string()));
            let bytes: f64 = rows.map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap().abs()).sum();
            (bytes / 8.0 - 700.0) / 500.0
        };
        let file = attack(&[(team, ids.clone())], 4, |id, one| (-(class(id) - one as f64).abs()).exp());
        let id = browser.uploaded("/rounds/1/attack", &[("against", "")], file.as_bytes()).await;
        scored.push((client, id));
    }
    site.work().await;
    for (client, id) in &mut scored {
        let submission = client.submission(id).await;
        assert_eq!(submission["state"], "done", "{submission}");
        let scores = submission["scores"].as_array().unwrap();
        assert_eq!(scores.len(), 1, "the public half only: {submission}");
        assert_eq!((&scores[0]["part"], &scores[0]["traces"]), (&"public".into(), &20.into()));
    }
    let before = organiser.get("/rounds/1/leaderboard.json").await.ok().json();
    assert_eq!(before["part"], "public");

    // The end: the private half counts, and the truth of ranks is the arithmetic of the rule.
    site.at(site.now() + DAY);
    site.work().await;
    let answer = al.upload("/rounds/1/attack", &[("against", "")], b"x").await.is(409);
    assert!(answer.text.contains("closed phase"));
    let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
    assert_eq!((&board["part"], &board["frozen"]), (&"private".into(), &false.into()));
    let rows = board["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    assert_eq!((&rows[3]["name"], &rows[3]["rank"], &rows[3]["total"]), (&"Late".into(), &().into(), &().into()));
    let totals: Vec<f64> = rows[..3].iter().map(|row| row["total"].as_f64().unwrap()).collect();
    assert!(totals.is_sorted_by(|a, b| a >= b));
    for row in &rows[..3] {
        let number = |name: &str| row[name].as_f64().unwrap();
        let total = 100.0 * number("utility") * (number("privacy") + number("attack")) / 2.0;
        assert!((total - number("total")).abs() < 1e-9, "{row}");
    }
    let cy_row = rows.iter().find(|row| row["name"] == "Cy").unwrap();
    let al_row = rows.iter().find(|row| row["name"] == "Al").unwrap();
    assert_eq!(al_row["privacy"].as_f64(), Some(0.0), "who tells all has none, whatever was drawn: {board}");
    assert!(cy_row["privacy"].as_f64() > Some(0.3), "who tells nothing has much: {board}");
    let text = site.visitor().get("/rounds/1/leaderboard.csv").await.ok().text;
    assert_eq!(table(&text).len(), 4);
    let page = site.visitor().get("/rounds/1/leaderboard").await.ok().text;
    // Bo and Cy send less than undefended traffic: it wins them nothing, and is no secret.
    assert!(page.contains("Opening night") && page.matches(": less than undefended").count() == 2, "{page}");
    let cheap =
        board["rows"].as_array().unwrap().iter().filter(|row| row["overheads"][0].as_f64().unwrap_or(0.0) < -0.05);
    assert!(cheap.map(|row| row["utility"].as_f64().unwrap()).all(|utility| utility <= 1.0));
    assert!(site.visitor().get("/rounds/1/chart.svg").await.ok().text.starts_with("<svg"));
    site.visitor().get("/rounds/1/matrix").await.ok();

    // The next round goes on top, and the files of the old one stay.
    site.round(2, |round| round.seed = 9).await;
    site.at(site.now() + DAY);
    for (browser, seed) in [(&mut al, 11), (&mut bo, 12), (&mut late, 13)] {
        browser.get("/account").await;
        browser.uploaded("/rounds/2/defence", &[], defence(seed, 60).as_bytes()).await;
    }
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    let (client, _) = &mut scored[0];
    let targets = client.get("/api/v1/rounds/1/targets").await.ok().json();
    client.get(targets[0]["train"].as_str().unwrap()).await.ok();
    assert_eq!(client.get("/api/v1/rounds/2/targets").await.ok().json().as_array().unwrap().len(), 2);
    let overall = site.visitor().get("/leaderboard.json").await.ok().json();
    assert_eq!(overall["rounds"], serde_json::json!([1, 2]));
    assert!(site.visitor().get("/leaderboard").await.ok().text.contains("Round 2"));
    let audit = organiser.get("/organise/audit").await.ok().text;
    for action in ["upload", "settle", "save round", "create team", "register"] {
        assert!(audit.contains(&format!("<td>{action}</td>")), "{action}");
    }
    organiser.get("/organise/rounds/1/truth/1").await.ok();
}
