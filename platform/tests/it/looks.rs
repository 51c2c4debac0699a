//! Comparison of submissions, and pictures.

use crate::site::{Browser, DAY, Site};
use crate::traffic::{attack, captures, defence, defence_of, unzipped};

/// Ids of the links to pictures on a page.
fn links(page: &str, kind: &str) -> Vec<String> {
    let ends = format!(".{kind}");
    page.split('"')
        .filter(|part| part.contains("/pictures/") && part.split('?').next().unwrap().ends_with(&ends))
        .map(str::to_owned)
        .collect()
}

async fn looked_at(browser: &mut Browser<'_>, page: &str) -> Vec<String> {
    let text = browser.get(page).await.ok().text;
    let svgs = links(&text, "svg");
    for link in &svgs {
        let answer = browser.get(link).await.ok();
        assert!(answer.text.starts_with("<svg") && !answer.text.contains("<script"), "{link}");
        assert_eq!(answer.header("content-type"), "image/svg+xml");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    }
    for link in links(&text, "csv") {
        let csv = browser.get(&link).await.ok().text;
        assert!(csv.lines().count() > 1 && !csv.contains("NaN"), "{link}: {csv}");
    }
    let specifications = links(&text, "json");
    assert_eq!(specifications.len(), svgs.len());
    for link in specifications {
        let vega = browser.get(&link).await.ok().json();
        assert!(vega["$schema"].as_str().unwrap().contains("vega-lite"), "{link}");
    }
    svgs
}

/// Two teams that defended, and the first's attack on the second; both, the ids of two defences of the first, and of the attack.
async fn played(site: &Site) -> (Browser<'_>, Browser<'_>, [String; 2], String) {
    let mut al = site.team("Al").await;
    let mut bo = site.team("Bo").await;
    site.round(1, |_| ()).await;
    site.at(site.now() + DAY);
    let first = al.uploaded("/rounds/1/defence", &[], defence(1, 300).as_bytes()).await;
    site.work().await;
    site.at(site.now() + 1000);
    let second = al.uploaded("/rounds/1/defence", &[], defence(2, 9).as_bytes()).await;
    bo.uploaded("/rounds/1/defence", &[], defence(3, 300).as_bytes()).await;
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    let test = al.get("/rounds/1/targets/2/test.csv.zip").await.ok();
    let ids = captures(&unzipped(&test.bytes));
    let file = attack(&[(2, ids)], 4, |capture, class| 1.0 + ((capture as usize + class) % 7) as f64);
    let id = al.uploaded("/rounds/1/attack", &[], file.as_bytes()).await;
    site.work().await;
    (al, bo, [first, second], id)
}

#[tokio::test]
async fn two_submissions_beside_each_other() {
    let site = Site::new().await;
    let (mut al, mut bo, [first, second], attack) = played(&site).await;
    let asks = al.get(&format!("/submissions/{first}/compare")).await.ok().text;
    assert!(asks.contains(&second) && !asks.contains("Difference"), "{asks}");
    assert!(!asks.contains(&format!("value=\"{attack}\"")), "an attack is nothing to compare a defence with");
    let page = al.get(&format!("/submissions/{first}/compare?with={second}")).await.ok().text;
    for word in ["Difference", "Median bytes in", "ROC-AUC, house (totals) on Al, public", "Hits over the control"] {
        assert!(page.contains(word), "{word}: {page}");
    }
    // The areas of the pages of both stand beside each other.
    for id in [&first, &second] {
        let scores = al.submission(id).await["scores"].clone();
        let area = scores[0]["roc_auc"].as_f64().unwrap();
        assert!(page.contains(&format!("<td class=\"n\">{area:.4}</td>")), "{area}: {page}");
    }
    al.get(&format!("/submissions/{first}/compare?with={attack}")).await.is(400);
    bo.get(&format!("/submissions/{first}/compare?with={second}")).await.is(404);
    let theirs = bo.get("/api/v1/submissions").await.ok().json()["items"][0]["id"].as_str().unwrap().to_owned();
    al.get(&format!("/submissions/{first}/compare?with={theirs}")).await.is(404);
}

#[tokio::test]
async fn pictures_of_attacks_and_defences_with_their_tables() {
    let site = Site::new().await;
    let (mut al, mut bo, [_, second], attack) = played(&site).await;
    let names = |links: &[String]| -> Vec<String> {
        links.iter().map(|link| link.rsplit('/').next().unwrap().split('.').next().unwrap().to_owned()).collect()
    };
    let of_attack = looked_at(&mut al, &format!("/submissions/{attack}/pictures")).await;
    assert_eq!(names(&of_attack), ["areas-2", "roc-2", "top-2", "classes-2", "confusion-2"]);
    let areas = al.get(&format!("/submissions/{attack}/pictures/areas-2.csv")).await.ok().text;
    for name in ["Al,", "house (totals),", "house (course),"] {
        assert_eq!(areas.matches(name).count(), 1, "{areas}");
    }
    let top = al.get(&format!("/submissions/{attack}/pictures/top-2.csv")).await.ok().text;
    assert!(top.contains("attack,4,1,") && top.contains("guessing,2,0.5,"), "of four classes one is right: {top}");
    let page = al.get(&format!("/submissions/{attack}/pictures")).await.ok().text;
    assert!(page.contains("Most often taken for another") && page.contains("% of the class"), "{page}");
    // Which classes are in the public half is drawn.
    assert!(page.contains("n is 1 ") && page.contains(" traces a class"), "{page}");
    let confusion = al.get(&format!("/submissions/{attack}/pictures/confusion-2.csv")).await.ok().text;
    let traces = |csv: &str| {
        csv.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    assert_eq!(traces(&confusion), 4, "the public half of 8 test traces");
    let of_defence = looked_at(&mut al, &format!("/submissions/{second}/pictures?class=3")).await;
    let of_house = ["roc", "top", "classes", "confusion"];
    let of_house = ["totals", "course"].into_iter().flat_map(|by| of_house.map(|kind| format!("{kind}-{by}")));
    let of_traces = ["waterfall", "cumulative", "sizes", "house"].map(str::to_owned);
    assert_eq!(names(&of_defence), of_traces.into_iter().chain(of_house).collect::<Vec<_>>());
    let page = al.get(&format!("/submissions/{second}/pictures?class=3")).await.ok().text;
    assert!(page.contains("Class 3: when what is sent") && !page.contains("undefended"), "{page}");
    // What is drawn of an attacker of the house is what was scored.
    let area = al.submission(&second).await["scores"][0].clone();
    let csv = al.get(&format!("/submissions/{second}/pictures/house.csv")).await.ok().text;
    let drawn =
        |name: &str| csv.lines().find(|line| line.starts_with(name)).unwrap().split(',').nth(1).unwrap().to_owned();
    let (name, scored) = (area["attacker"].as_str().unwrap(), area["roc_auc"].as_f64().unwrap());
    assert!((drawn(name).parse::<f64>().unwrap() - scored).abs() < 1e-4, "{csv}, {area}");
    bo.get(&format!("/submissions/{attack}/pictures")).await.is(404);
    bo.get(&format!("/submissions/{attack}/pictures/roc-2.svg")).await.is(404);
    al.get(&format!("/submissions/{attack}/pictures/roc-1.svg")).await.is(404);
    al.get(&format!("/submissions/{attack}/pictures/roc-2.exe")).await.is(404);
    // When the round is over all traces are shown.
    site.at(site.now() + DAY);
    let confusion = al.get(&format!("/submissions/{attack}/pictures/confusion-2.csv")).await.ok().text;
    assert_eq!(traces(&confusion), 8);
}

/// Undefended traces beside one's own; where specifications run on them, not before the end, since all but the own share is secret.
#[tokio::test]
async fn undefended_traces_are_drawn_where_they_may_be_seen() {
    for specifications in [false, true] {
        let site = Site::new().await;
        let mut organiser = site.organiser().await;
        let mut al = site.team("Al").await;
        site.round(1, |round| round.settings.specifications = specifications).await;
        organiser.upload("/organise/rounds/1/baseline", &[], defence(40, 300).as_bytes()).await.is(303);
        site.at(site.now() + DAY);
        let id = al.uploaded("/rounds/1/defence", &[], defence(1, 300).as_bytes()).await;
        site.work().await;
        let csv = format!("/submissions/{id}/pictures/waterfall.csv?class=2");
        let before = al.get(&csv).await.ok().text;
        assert!(before.contains("\"defended, rep 0\"") || before.contains("defended, rep 0"), "{before}");
        assert_eq!(before.contains("undefended, rep"), !specifications, "{before}");
        site.at(site.now() + 3 * DAY);
        assert!(al.get(&csv).await.ok().text.contains("undefended, rep"));
        looked_at(&mut al, &format!("/submissions/{id}/pictures?class=2")).await;
    }
}

#[tokio::test]
async fn pictures_of_rounds_have_references_intervals_and_the_spread() {
    let site = Site::new().await;
    let mut organiser = site.organiser().await;
    let (mut al, mut bo) = (site.team("Al").await, site.team("Bo").await);
    for number in [1, 2] {
        site.round(number, |round| {
            // So many that an interval can be told.
            round.settings.rules.reps_mean = 20;
            round.settings.test_traces = 40;
        })
        .await;
        let path = format!("/organise/rounds/{number}/baseline");
        organiser.upload(&path, &[], defence_of(4, 20, 40, 60).as_bytes()).await.is(303);
        site.at(site.now() + DAY);
        let path = format!("/rounds/{number}/defence");
        al.uploaded(&path, &[], defence_of(4, 20, number as u64, 40).as_bytes()).await;
        bo.uploaded(&path, &[], defence_of(4, 20, 10 + number as u64, 60).as_bytes()).await;
        site.work().await;
        // Of others the medians alone before matches are drawn, of the own team all.
        let spread = al.get(&format!("/rounds/{number}/pictures/overheads.csv")).await.ok().text;
        let lowest = |team: &str| {
            let row = spread.lines().find(|line| line.starts_with(team)).unwrap_or_else(|| panic!("{spread}"));
            row.split(',').nth(3).unwrap().to_owned()
        };
        assert!(!lowest("Al,").is_empty() && lowest("Bo,").is_empty(), "{spread}");
        site.at(site.now() + DAY);
        site.work().await;
        site.at(site.now() + DAY);
    }
    let mut visitor = site.visitor();
    let svgs = looked_at(&mut visitor, "/rounds/2/pictures").await;
    assert_eq!(svgs, ["/rounds/2/pictures/utility-privacy.svg", "/rounds/2/pictures/overheads.svg"]);
    let csv = visitor.get("/rounds/2/pictures/utility-privacy.csv").await.ok().text;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    for name in ["undefended", "pad:mtu", "front:ft-1", "Al", "Bo"] {
        let own: Vec<_> = rows.iter().filter(|row| row[0] == name).collect();
        assert_eq!(own.len(), if csv.contains("time overhead") { 2 } else { 1 }, "{name}: {csv}");
        let number = |at: usize| own[0][at].parse::<f64>().unwrap_or_else(|_| panic!("{csv}"));
        let of_name = name == "undefended" || name.contains(':');
        assert_eq!(own[0][1] == "reference", of_name, "{csv}");
        let at = own[0].len() - 4;
        // Where all traces look alike nothing varies: there is no interval.
        if name == "pad:mtu" {
            assert_eq!((own[0][at], own[0][at + 1]), ("1", ""), "{csv}");
            continue;
        }
        assert!(number(at + 1) <= number(at) && number(at) <= number(at + 2), "an interval holds its value: {csv}");
    }
    let spread = visitor.get("/rounds/2/pictures/overheads.csv").await.ok().text;
    assert!(spread.lines().skip(1).all(|line| line.split(',').all(|cell| !cell.is_empty())), "{spread}");

    let ranks = looked_at(&mut al, "/leaderboard").await;
    assert_eq!(ranks, ["/leaderboard/pictures/ranks.svg"]);
    let svg = al.get("/leaderboard/pictures/ranks.svg").await.ok().text;
    assert!(svg.contains("class=\"strong\">Al<") && !svg.contains("class=\"strong\">Bo<"), "{svg}");
    assert!(svg.contains("prefers-color-scheme:dark") && svg.contains("<desc>"), "{svg}");

    // What came and what waited is for organisers.
    visitor.get("/organise/pictures").await.is(303);
    al.get("/organise/pictures/queue.csv").await.is(404);
    looked_at(&mut organiser, "/organise/pictures").await;
    let queue = organiser.get("/organise/pictures/queue.csv").await.ok().text;
    let came: u64 = queue.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(came, 4, "{queue}");
}
