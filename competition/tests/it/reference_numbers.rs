//! What must equal the first implementation.

use serde_json::Value;
use wfkit_competition::{CompetitionScore, check_attack, check_defense, score};
use wfkit_datasets::formats::ReadLimits;

use crate::fixture::{Folder, RULES, SETS, Table, path, results, verif};

const LIMITS: ReadLimits = ReadLimits::UPLOAD;

#[track_caller]
fn close(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
}

fn scored(set: &str, attack: &Table) -> CompetitionScore {
    let file = Folder::new();
    let defense = path(set, "defence_input.csv");
    let attack = check_attack(&file.csv(attack), &[verif(set)], None, &LIMITS).unwrap().accepted().unwrap();
    let defense = check_defense(&defense, None, &LIMITS, None).unwrap().accepted().unwrap();
    score(Some(&attack), Some(&defense)).unwrap()
}

#[test]
fn utility_of_the_defense() {
    for set in SETS {
        let theirs = results(set);
        let report = check_defense(&path(set, "defence_input.csv"), &RULES, &LIMITS, None).unwrap().report;
        assert!(report.accepted);
        close(report.rows as f64, &theirs["rows"]);
        close(report.traces as f64, &theirs["captures"]);
        assert_eq!(report.classes, 4);
        let cost = report.cost.unwrap();
        close(cost.utility.score.unwrap(), &theirs["utility_score"]);
        let [volume, time] = [&cost.volumes, &cost.volumes];
        let theirs = &theirs["utility"];
        // Downloads are negative there.
        close(-volume.in_bytes.mean, &theirs["mean_in_volume"]);
        close(-volume.in_bytes.median, &theirs["med_in_volume"]);
        close(volume.out_bytes.maximum, &theirs["max_out_volume"]);
        close(volume.out_bytes.mean, &theirs["mean_out_volume"]);
        close(volume.out_bytes.median, &theirs["med_out_volume"]);
        close(time.seconds.maximum, &theirs["max_time"]);
        close(time.seconds.mean, &theirs["mean_time"]);
        close(time.seconds.median, &theirs["med_time"]);
        close(cost.utility.median_in_bytes.unwrap(), &Value::from(volume.in_bytes.median));
        close(cost.utility.median_seconds.unwrap(), &Value::from(time.seconds.median));
    }
}

#[test]
fn the_maximum_of_downloads_is_the_largest_magnitude() {
    for set in SETS {
        let report = check_defense(&path(set, "defence_input.csv"), &RULES, &LIMITS, None).unwrap().report;
        let in_bytes = report.cost.unwrap().volumes.in_bytes;
        assert_eq!(results(set)["utility"]["max_in_volume"], -in_bytes.minimum, "the smallest, there");
        assert_eq!(in_bytes.maximum, 16_130.0);
    }
}

#[test]
fn scores_of_the_attack() {
    for set in SETS {
        let theirs = results(set);
        let ours = scored(set, &Table::attack(set));
        let [one] = ours.matches.as_slice() else { panic!("one team is attacked") };
        assert_eq!((one.team_id, one.traces), (1, 8));
        close(one.accuracy, &theirs["attack"]["sorted_rows"]["accuracy"]);
        close(one.roc_auc_macro_ovr, &theirs["attack"]["sorted_rows"]["roc_auc"]);
        close(one.attack_score, &theirs["attack"]["sorted_rows"]["score"]);
        assert_eq!(one.per_class_auc.len(), 4);
        for class in &one.per_class_auc {
            close(class.roc_auc, &theirs["per_class_auc"][&class.class]);
        }
        assert!(one.skipped_classes.is_empty());
        close(ours.attack_score, &theirs["attack_performance"]);
        close(ours.total.unwrap(), &theirs["total_score"]);
        close(ours.total_without_attack.unwrap(), &theirs["total_without_attack"]);
        assert_eq!((ours.accuracy, ours.roc_auc_macro_ovr), (Some(one.accuracy), Some(one.roc_auc_macro_ovr)));
    }
}

#[test]
fn a_missing_attack_counts_one() {
    for set in SETS {
        let defense = check_defense(&path(set, "defence_input.csv"), None, &LIMITS, None).unwrap().accepted().unwrap();
        let ours = score(None, Some(&defense)).unwrap();
        assert_eq!((ours.attack_score, ours.accuracy, ours.matches.len()), (1.0, None, 0));
        assert_eq!(ours.total, ours.total_without_attack);
        close(ours.total.unwrap(), &results(set)["total_without_attack"]);
    }
}

#[test]
fn without_a_defense_there_is_no_total() {
    let attack = path(SETS[0], "attack_input.csv");
    let attack = check_attack(&attack, &[verif(SETS[0])], None, &LIMITS).unwrap().accepted().unwrap();
    let ours = score(Some(&attack), None).unwrap();
    assert_eq!((ours.total, ours.total_without_attack, ours.cost), (None, None, None));
    close(ours.attack_score, &results(SETS[0])["attack_performance"]);
}

#[test]
fn scores_of_the_uniform_and_of_the_perfect_attack() {
    for set in SETS {
        let truth = Table::read(set, "split_intended_verif.csv");
        let class_of = |id: &String| truth.rows.iter().find(|row| row[0] == *id).unwrap()[1].clone();
        let uniform = Table::attack(set).each(|row| row[2..].fill("0.25".into()));
        let perfect = Table::attack(set).each(|row| {
            let class = class_of(&row[1]);
            for (number, value) in (1..).zip(&mut row[2..]) {
                *value = u8::from(class == i32::to_string(&number)).to_string();
            }
        });
        for (name, attack) in [("uniform", uniform), ("perfect_one_hot", perfect)] {
            let (ours, theirs) = (scored(set, &attack), &results(set)["attack"][name]);
            close(ours.accuracy.unwrap(), &theirs["accuracy"]);
            close(ours.roc_auc_macro_ovr.unwrap(), &theirs["roc_auc"]);
            close(ours.attack_score, &theirs["score"]);
        }
    }
}

/// The verdicts on changed defence files that are right; those on bad values are in `defense_files`.
#[test]
fn verdicts_on_defense_files() {
    let reps = |wanted: usize| {
        // Repetitions beyond those there are repeat the first one's packets.
        let class = |class: &str| Table::defense().keep(|row| row[0] == class);
        let first = class("1").keep(|row| row[1] == "1");
        let mut table = Table::defense().keep(|row| row[0] != "1");
        for rep in 1..=wanted {
            let own = class("1").keep(|row| row[1] == rep.to_string());
            let packets = if own.rows.is_empty() { first.clone() } else { own };
            table.rows.extend(packets.each(|row| row[1] = rep.to_string()).rows);
        }
        table
    };
    let packets = |wanted: usize| {
        let mut seen = 0;
        Table::defense().keep(|row| {
            let first = row[..2] == ["1", "1"];
            seen += usize::from(first);
            !first || seen <= wanted
        })
    };
    let [class, rep, size, time] =
        [("cell_id", Some(0)), ("rep", Some(1)), ("direction_size", Some(2)), ("timestamp", Some(3))];
    let cases = [
        ("ok", Table::defense()),
        ("columns_reordered", Table::defense().columns(&[time, rep, size, class])),
        ("missing_column", Table::defense().columns(&[class, rep, size])),
        ("extra_column", Table::defense().columns(&[class, rep, size, time, ("extra", None)])),
        ("missing_class", Table::defense().keep(|row| row[0] != "4")),
        ("class1_has_3_reps", reps(3)),
        ("class1_has_4_reps", reps(4)),
        ("class1_has_8_reps", reps(8)),
        ("class1_has_9_reps", reps(9)),
        ("capture_has_4_rows", packets(4)),
        ("capture_has_5_rows", packets(5)),
        ("capture_has_6_rows", packets(6)),
    ];
    for (name, table) in cases {
        let file = Folder::new();
        let report = check_defense(&file.csv(&table), &RULES, &LIMITS, None).unwrap().report;
        let theirs = &results(SETS[0])["verify_cases"][name][0];
        assert_eq!(if report.accepted { "True" } else { "False" }, theirs, "{name}: {}", report.problems);
    }
}

/// The verdicts on changed attack files that are right; the others are in `attack_files`.
#[test]
fn verdicts_on_attack_files() {
    for set in SETS {
        let attack = || Table::attack(set);
        let halved = |value: &mut String| *value = (value.parse::<f64>().unwrap() / 2.0).to_string();
        let mut with_extra = attack().each(|row| row.push("0".into()));
        with_extra.header.push("extra".into());
        let id = attack().rows[0][1].clone();
        let cases = [
            ("sorted_rows", attack()),
            ("sum_half", attack().each(|row| row[2..].iter_mut().for_each(halved))),
            ("one_row_missing", attack().keep(|row| row[1] != id)),
            ("duplicated_capture_id", attack().set(1, 1, &id)),
            ("wrong_team", attack().each(|row| row[0] = "2".into())),
            ("extra_column", with_extra),
            ("nan_probability", attack().set(0, 2, "nan")),
            ("uniform", attack().each(|row| row[2..].fill("0.25".into()))),
        ];
        for (name, table) in cases {
            let file = Folder::new();
            let report = check_attack(&file.csv(&table), &[verif(set)], &RULES, &LIMITS).unwrap().report;
            let theirs = &results(set)["attack"][name]["verify"][0];
            assert_eq!(&report.accepted, theirs, "{name}: {}", report.problems);
        }
    }
}
