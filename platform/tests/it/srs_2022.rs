//! The profile `srs-2022` gives what the first implementation gave, to 1e-9.

use std::path::{Path, PathBuf};

use wfkit_platform::game::Profile;
use wfkit_platform::store::{rounds, teams};

use crate::site::{DAY, Site};
use crate::traffic::zipped;

fn file(set: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/competition").join(set).join(name)
}

async fn played(set: &str) {
    let site = Site::new().await;
    let mut browsers = [site.team("Al").await, site.team("Bo").await];
    let round = site.round(1, |round| round.settings.profile = Profile::Srs2022).await;
    site.at(site.now() + DAY);
    let defence = std::fs::read(file(set, "defence_input.csv")).unwrap();
    for browser in &mut browsers {
        browser.uploaded("/rounds/1/defence", &[], &defence).await;
    }
    site.work().await;
    site.at(site.now() + DAY);
    site.work().await;
    // Its attack is on its own split: what is to be compared is how it is scored.
    let truth = zipped("truth.csv", &std::fs::read(file(set, "split_intended_verif.csv")).unwrap());
    let mut conn = site.app.store.read().await.unwrap();
    for (team, defence) in rounds::pins(&mut conn, &round.id).await.unwrap() {
        let team = teams::by_id(&mut conn, &team).await.unwrap().unwrap().number;
        let place = site.app.files.of_submission(&defence).join(format!("split/team_{team}_verif.csv.zip"));
        assert!(place.exists());
        std::fs::write(place, &truth).unwrap();
    }
    drop(conn);
    let theirs: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(file(set, "results.json")).unwrap()).unwrap();
    let totals = |board: &serde_json::Value, name: &str| -> Vec<f64> {
        board["rows"].as_array().unwrap().iter().map(|row| row[name].as_f64().unwrap()).collect()
    };
    // As many decimals as a board has while its round runs.
    let shown = |ours: f64, theirs: &serde_json::Value| {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours - theirs).abs() <= 0.5001e-4, "{ours} is not {theirs}");
    };
    let close = |ours: f64, theirs: &serde_json::Value| {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
    };
    let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
    for (total, utility) in totals(&board, "total").into_iter().zip(totals(&board, "utility")) {
        shown(total, &theirs["total_without_attack"]);
        shown(utility, &theirs["utility_score"]);
    }

    let attack = std::fs::read_to_string(file(set, "attack_input.csv")).unwrap();
    for (browser, on) in browsers.iter_mut().zip([2, 1]) {
        let (header, rows) = attack.split_once('\n').unwrap();
        let rows: Vec<String> = rows.lines().map(|row| format!("{on},{}", row.split_once(',').unwrap().1)).collect();
        let text = format!("{header}\n{}\n", rows.join("\n"));
        browser.uploaded("/rounds/1/attack", &[], text.as_bytes()).await;
    }
    site.work().await;
    site.at(site.now() + DAY);
    let board = site.visitor().get("/rounds/1/leaderboard.json").await.ok().json();
    assert_eq!((&board["part"], &board["profile"]), (&"all".into(), &"srs-2022".into()));
    for name in ["total", "attack"] {
        let expected = if name == "total" { &theirs["total_score"] } else { &theirs["attack_performance"] };
        for ours in totals(&board, name) {
            close(ours, expected);
        }
    }
    let ranks: Vec<i64> = totals(&board, "rank").into_iter().map(|rank| rank as i64).collect();
    assert_eq!(ranks, [1, 1], "equals share a rank");
    let matrix = site.visitor().get("/rounds/1/matrix.json").await.ok().json();
    let one = matrix["matches"].as_array().unwrap().iter().find(|one| one["attacker"] == 1).unwrap();
    close(one["accuracy"].as_f64().unwrap(), &theirs["attack"]["sorted_rows"]["accuracy"]);
    close(one["roc_auc"].as_f64().unwrap(), &theirs["attack"]["sorted_rows"]["roc_auc"]);
}

#[tokio::test]
async fn rounds_of_the_reference_sets() {
    played("small-rep-major").await;
    played("small-class-major").await;
}
