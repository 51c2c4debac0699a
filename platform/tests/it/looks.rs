//! Comparison of submissions, and pictures.

use crate::site::{Browser, DAY, Site};
use crate::traffic::{attack, captures, defence, unzipped};

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
    assert_eq!(names(&of_attack), ["roc-2", "classes-2", "confusion-2"]);
    let confusion = al.get(&format!("/submissions/{attack}/pictures/confusion-2.csv")).await.ok().text;
    let traces = |csv: &str| {
        csv.lines().skip(1).map(|line| line.split(',').nth(2).unwrap().parse::<u64>().unwrap()).sum::<u64>()
    };
    assert_eq!(traces(&confusion), 4, "the public half of 8 test traces");
    let of_defence = looked_at(&mut al, &format!("/submissions/{second}/pictures?class=3")).await;
    assert_eq!(names(&of_defence), ["waterfall", "classes-course", "classes-totals"]);
    let page = al.get(&format!("/submissions/{second}/pictures?class=3")).await.ok().text;
    assert!(page.contains("Class 3: when what is sent"), "{page}");
    bo.get(&format!("/submissions/{attack}/pictures")).await.is(404);
    bo.get(&format!("/submissions/{attack}/pictures/roc-2.svg")).await.is(404);
    al.get(&format!("/submissions/{attack}/pictures/roc-1.svg")).await.is(404);
    al.get(&format!("/submissions/{attack}/pictures/roc-2.exe")).await.is(404);
    // When the round is over all traces are shown.
    site.at(site.now() + DAY);
    let confusion = al.get(&format!("/submissions/{attack}/pictures/confusion-2.csv")).await.ok().text;
    assert_eq!(traces(&confusion), 8);
}
