//! What is wrong with attack files, found and named, and what is not.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use proptest::prelude::*;
use wfkit_competition::{
    AttackFileError, CheckReport, Checked, CompetitionError, CompetitionScore, Match, MatchScore, Prediction, Verif,
    capture_ids, check_attack, join_attacks, read_captures, score, write_attack,
};
use wfkit_datasets::formats::ReadLimits;
use wfkit_metrics::{ClassMap, Probabilities};

use crate::fixture::{Folder, RULES, SETS, Table, path, problems, verif, warnings};

const LIMITS: ReadLimits = ReadLimits::UPLOAD;

fn check(set: &str, table: &Table) -> CheckReport {
    check_attack(&Folder::new().csv(table), &[verif(set)], &RULES, &LIMITS).unwrap().report
}

/// A file, whose columns declare the classes.
fn declared(path: &Path, verifs: &[Verif]) -> Result<Checked<Vec<Match>>, CompetitionError> {
    check_attack(path, verifs, None, &LIMITS).unwrap().accepted()
}

fn score_of(path: &Path, verifs: &[Verif]) -> Result<CompetitionScore, CompetitionError> {
    score(Some(&declared(path, verifs)?), None)
}

fn scored(set: &str, table: &Table) -> CompetitionScore {
    score_of(&Folder::new().csv(table), &[verif(set)]).unwrap()
}

fn parsed(value: &str) -> f64 {
    value.parse().unwrap()
}

#[test]
fn shuffled_rows_and_reversed_columns_score_the_same() {
    for set in SETS {
        let sorted = scored(set, &Table::attack(set));
        let mut shuffled = Table::attack(set);
        shuffled.rows.reverse();
        shuffled.rows.swap(1, 5);
        assert_eq!(scored(set, &shuffled), sorted);

        let names: Vec<String> = Table::attack(set).header;
        let reversed: Vec<_> = names.iter().enumerate().rev().map(|(at, name)| (name.as_str(), Some(at))).collect();
        assert_eq!(scored(set, &Table::attack(set).columns(&reversed)), sorted);
    }
}

#[test]
fn pairs_are_what_is_scored_and_can_be_scored_in_part() {
    for set in SETS {
        let table = Table::attack(set);
        let attack =
            check_attack(&Folder::new().csv(&table), &[verif(set)], &RULES, &LIMITS).unwrap().accepted().unwrap();
        let [one] = attack.as_slice() else { panic!("one team is attacked") };
        assert!(one.capture_ids.is_sorted());
        assert_eq!([MatchScore::of(one).unwrap()].as_slice(), scored(set, &table).matches);
        let rows: Vec<usize> = (0..one.truth.len()).collect();
        assert_eq!(MatchScore::of(&one.select(&rows)).unwrap(), MatchScore::of(one).unwrap());
        let part = one.select(&rows[2..5]);
        assert_eq!((part.capture_ids.as_slice(), part.truth.as_slice()), (&one.capture_ids[2..5], &one.truth[2..5]));
        assert_eq!(part.probabilities.values().row(0), one.probabilities.values().row(2));

        let folder = Folder::new();
        let verdict =
            check_attack(&folder.csv(&table.keep(|row| row[1] != "0")), &[verif(set)], &RULES, &LIMITS).unwrap();
        assert_eq!(verdict.report.accepted, verdict.checked.is_some(), "what is refused has no pairs");
    }
}

#[test]
fn float32_and_rounded_probabilities_are_accepted_and_rescaled() {
    for set in SETS {
        let exact = scored(set, &Table::attack(set));
        let change = |to: fn(f64) -> String| {
            Table::attack(set).each(|row| row[2..].iter_mut().for_each(|value| *value = to(parsed(value))))
        };
        for table in [change(|p| (p as f32).to_string()), change(|p| format!("{p:.6}"))] {
            let off = table.rows.iter().map(|row| row[2..].iter().map(|p| parsed(p)).sum::<f64>() - 1.0);
            assert!(
                off.fold(0.0, |largest: f64, off| largest.max(off.abs())) > 1e-10,
                "refused by the first implementation"
            );
            assert!(check(set, &table).accepted);
            assert_eq!(scored(set, &table).accuracy, exact.accuracy);
            assert!((scored(set, &table).attack_score - exact.attack_score).abs() < 1e-9);
        }
    }
}

#[test]
fn bad_values_are_refused_with_row_column_and_value() {
    let set = SETS[0];
    let attack = || Table::attack(set);
    let cases = [
        (attack().set(3, 2, "nan"), "1 x not a number in proba_class_1, row 5: nan"),
        (attack().set(3, 3, "inf"), "1 x infinite in proba_class_2, row 5: inf"),
        (attack().set(3, 4, "high"), "1 x not a number in proba_class_3, row 5: high"),
        (attack().set(3, 5, ""), "1 x empty in proba_class_4, row 5: "),
        (attack().set(3, 2, "-0.1"), "1 x below 0 in proba_class_1, row 5: -0.1"),
        (attack().set(3, 2, "1.5"), "1 x above 1 in proba_class_1, row 5: 1.5"),
    ];
    for (table, expected) in cases {
        assert_eq!(problems(&check(set, &table))[0], expected);
    }
    let mut off = attack();
    off.rows[2][2..].clone_from_slice(&["0.25", "0.25", "0.25", "0.25001"].map(String::from));
    assert_eq!(problems(&check(set, &off)), ["1 x probabilities do not sum to 1, row 4: 1.00001"]);
}

#[test]
fn missing_doubled_and_unknown_traces_are_named() {
    let set = SETS[0];
    let attack = || Table::attack(set);
    let cases = [
        (
            attack().keep(|row| row[1] != "932258"),
            vec!["1 x trace is missing in capture_id, row 0: team 1 capture 932258"],
        ),
        (
            attack().set(1, 1, "932258"),
            vec![
                "1 x trace occurs twice in capture_id, row 3: team 1 capture 932258",
                "1 x trace is missing in capture_id, row 0: team 1 capture 3127986",
            ],
        ),
        (
            attack().set(0, 1, "7"),
            vec![
                "1 x team has no such trace in capture_id, row 2: team 1 capture 7",
                "1 x trace is missing in capture_id, row 0: team 1 capture 932258",
            ],
        ),
        (
            attack().each(|row| row[0] = "2".into()),
            vec!["1 x team is missing in team_id, row 0: 1", "8 x team is not to be attacked in team_id, row 2: 2"],
        ),
        (
            attack().set(0, 1, "first"),
            vec![
                "1 x not a number in capture_id, row 2: first",
                "1 x trace is missing in capture_id, row 0: team 1 capture 932258",
            ],
        ),
        (attack().keep(|_| false), vec!["1 x team is missing in team_id, row 0: 1"]),
    ];
    for (table, expected) in cases {
        assert_eq!(problems(&check(set, &table)), expected);
        let refused = declared(&Folder::new().csv(&table), &[verif(set)]);
        assert!(matches!(refused, Err(CompetitionError::Refused(_))), "what is refused cannot be scored");
    }
}

#[test]
fn columns_are_those_of_the_rules() {
    let set = SETS[0];
    let table = Table::attack(set);
    let file = Folder::new();
    let rules = wfkit_competition::Rules { classes: 5, ..RULES };
    let report = check_attack(&file.csv(&table), &[verif(set)], &rules, &LIMITS).unwrap().report;
    assert_eq!(problems(&report), ["1 x column is missing, row 1: proba_class_5"]);
    let rules = wfkit_competition::Rules { classes: 3, ..RULES };
    let report = check_attack(&file.csv(&table), &[verif(set)], &rules, &LIMITS).unwrap().report;
    assert_eq!(problems(&report), ["1 x unknown column, row 1: proba_class_4"]);
    let mut renamed = table;
    renamed.header[3] = "proba_class_1".into();
    assert_eq!(
        problems(&check(set, &renamed)),
        ["1 x column occurs twice, row 1: proba_class_1", "1 x column is missing, row 1: proba_class_2"]
    );
}

#[test]
fn columns_that_declare_fewer_classes_than_the_truth_has_are_a_fault_of_the_attack() {
    let set = SETS[0];
    let table = Table::attack(set);
    let names = table.header.clone();
    let few: Vec<_> = names.iter().enumerate().take(4).map(|(at, name)| (name.as_str(), Some(at))).collect();
    let file = Folder::new();
    let report = check_attack(&file.csv(&table.columns(&few)), &[verif(set)], None, &LIMITS).unwrap().report;
    assert_eq!(problems(&report), ["2 x column is missing, row 1: proba_class_3"]);
}

#[test]
fn a_class_absent_from_the_truth_is_skipped_and_named() {
    let set = SETS[0];
    let folder = Folder::new();
    let truth = Table::read(set, "split_intended_verif.csv").keep(|row| row[1] != "4");
    let ids: Vec<String> = truth.rows.iter().map(|row| row[0].clone()).collect();
    let truth_path = folder.path().join("team_1_verif.csv");
    std::fs::write(&truth_path, truth.text()).unwrap();
    let attack = folder.csv(&Table::attack(set).keep(|row| ids.contains(&row[1])));
    let ours = score_of(&attack, &[Verif::named(&truth_path)]).unwrap();
    let [one] = ours.matches.as_slice() else { panic!("one team is attacked") };
    assert_eq!(one.skipped_classes, ["4"]);
    let areas: Vec<f64> = one.per_class_auc.iter().map(|class| class.roc_auc).collect();
    assert_eq!(areas.len(), 3);
    assert_eq!(one.roc_auc_macro_ovr, areas.iter().sum::<f64>() / 3.0);

    // With one class left nothing can be ranked.
    let truth = truth.keep(|row| row[1] == "1");
    std::fs::write(&truth_path, truth.text()).unwrap();
    let attack = folder.csv(&Table::attack(set).keep(|row| truth.rows.iter().any(|known| known[0] == row[1])));
    let error = score_of(&attack, &[Verif::named(&truth_path)]).unwrap_err();
    assert_eq!(error.to_string(), "team 1: all traces are of one class (`1`): nothing to rank against");
}

#[test]
fn several_teams_are_scored_by_their_own_truth() {
    // Teams of the same ids: only team and id together name a trace.
    let folder = Folder::new();
    let mut both = Table::attack(SETS[0]);
    both.rows.extend(Table::attack(SETS[1]).each(|row| row[0] = "2".into()).rows);
    let verifs = [
        Verif::of_team(2, path(SETS[1], "split_intended_verif.csv")),
        Verif::of_team(1, path(SETS[0], "split_intended_verif.csv")),
    ];
    let attack = folder.csv(&both);
    let report = check_attack(&attack, &verifs, &RULES, &LIMITS).unwrap().report;
    assert!(report.accepted, "{}", report.problems);
    assert_eq!((report.teams, report.traces), (vec![1, 2], 16));
    let ours = score_of(&attack, &verifs).unwrap();
    let alone = [scored(SETS[0], &Table::attack(SETS[0])), scored(SETS[1], &Table::attack(SETS[1]))];
    let scores: Vec<f64> = ours.matches.iter().map(|one| one.attack_score).collect();
    assert_eq!(scores, [alone[0].attack_score, alone[1].attack_score]);
    assert_eq!(ours.attack_score, (alone[0].attack_score + alone[1].attack_score) / 2.0);

    let unnamed = [0, 1].map(|at| Verif::named(path(SETS[at], "split_intended_verif.csv")));
    let error = check_attack(&attack, &unnamed, &RULES, &LIMITS).unwrap_err();
    assert!(error.to_string().ends_with("split_intended_verif.csv: which team is it about?"), "{error}");
}

#[test]
fn truth_that_is_wrong_is_the_hosts_error() {
    let folder = Folder::new();
    let attack = path(SETS[0], "attack_input.csv");
    let truth = folder.path().join("team_1_verif.csv");
    let refused = |table: &Table| {
        std::fs::write(&truth, table.text()).unwrap();
        check_attack(&attack, &[Verif::named(&truth)], &RULES, &LIMITS).unwrap_err().to_string()
    };
    let table = || Table::read(SETS[0], "split_intended_verif.csv");
    assert!(refused(&table().set(1, 0, "932258")).contains("occurs twice in column capture_id: row 3 `932258`"));
    assert!(refused(&table().set(1, 1, "9")).contains("class 9 is not one of 1 to 4"));
    assert!(refused(&table().set(1, 1, "0")).contains("class is not a whole number from 1"));
    let twice = [verif(SETS[0]), verif(SETS[0])];
    let error = check_attack(&attack, &twice, &RULES, &LIMITS).unwrap_err().to_string();
    assert!(error.contains("a second file about team 1"));
}

#[test]
fn attackers_check_their_file_without_the_truth() {
    let folder = Folder::new();
    let check = |table: &Table| check_attack(&folder.csv(table), &[], &RULES, &LIMITS).unwrap().report;
    let report = check(&Table::attack(SETS[0]));
    assert!(report.accepted);
    assert_eq!(warnings(&report), ["1 x teams and traces not compared: no verification file"]);
    let report = check(&Table::attack(SETS[0]).set(1, 1, "932258").set(4, 2, "nan"));
    assert_eq!(
        problems(&report),
        [
            "1 x trace occurs twice in capture_id, row 3: team 1 capture 932258",
            "1 x not a number in proba_class_1, row 6: nan"
        ]
    );
    let unscored = score_of(&path(SETS[0], "attack_input.csv"), &[]);
    assert!(matches!(unscored, Err(CompetitionError::NoTruth)));
}

fn probabilities(classes: &[&str], rows: &[f64]) -> Probabilities {
    let values = Array2::from_shape_vec((rows.len() / classes.len(), classes.len()), rows.to_vec()).unwrap();
    Probabilities::new(ClassMap::from_labels(classes), values).unwrap()
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn every_declared_class_has_a_column_and_rows_are_in_order() {
    let folder = Folder::new();
    let file = folder.path().join("attack.csv");
    let p = probabilities(&["2", "10"], &[0.25, 0.75, 1e-7, 1.0 - 1e-7]);
    let prediction = |team_id, capture_ids| Prediction { team_id, capture_ids, probabilities: &p };
    write_attack(&[prediction(9, &[5, 3]), prediction(2, &[8, 6])], 10, &file).unwrap();
    let zeros = ",0.0".repeat(7);
    let header: String = (1..=10).map(|class| format!(",proba_class_{class}")).collect();
    let expected = [
        format!("team_id,capture_id{header}"),
        format!("2,6,0.0,1e-7{zeros},0.9999999"),
        format!("2,8,0.0,0.25{zeros},0.75"),
        format!("9,3,0.0,1e-7{zeros},0.9999999"),
        format!("9,5,0.0,0.25{zeros},0.75"),
    ];
    assert_eq!(lines(&file), expected);

    let refused = |predictions: &[Prediction<'_>], classes| write_attack(predictions, classes, &file).unwrap_err();
    assert_eq!(refused(&[prediction(1, &[1, 2])], 9).to_string(), "team 1: class `10` is not one of 1 to 9");
    assert!(matches!(refused(&[prediction(1, &[4, 4])], 10), AttackFileError::Twice { team_id: 1, capture_id: 4 }));
    assert!(matches!(refused(&[prediction(1, &[4])], 10), AttackFileError::Rows { ids: 1, rows: 2, .. }));
    let named = probabilities(&["a", "b"], &[0.5, 0.5]);
    let prediction = Prediction { team_id: 1, capture_ids: &[1], probabilities: &named };
    assert!(matches!(refused(&[prediction], 10), AttackFileError::Class { ref class, .. } if class == "a"));
}

#[test]
fn an_attack_on_a_test_file_is_accepted_and_scored() {
    for set in SETS {
        let test = read_captures(&path(set, "split_intended_test.csv"), &LIMITS).unwrap();
        let p = probabilities(&["1", "2", "3", "4"], &[0.25; 32]);
        let file = Folder::new();
        let attack = file.path().join("attack.csv.zip");
        let prediction = Prediction { team_id: 1, capture_ids: &capture_ids(&test), probabilities: &p };
        write_attack(&[prediction], 4, &attack).unwrap();
        // One verification file need not say whose it is.
        let verif = Verif::named(path(set, "split_intended_verif.csv"));
        let report = check_attack(&attack, &[verif], &RULES, &LIMITS).unwrap().report;
        assert!(report.accepted, "{}", report.problems);
        assert_eq!((report.rows, report.classes, report.teams), (8, 4, vec![1]));
    }
}

#[test]
fn attacks_on_several_teams_join_into_one_file() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name);
    let p = probabilities(&["1", "2"], &[0.1, 0.9]);
    let parts: Vec<PathBuf> = [("a.csv", 2), ("b.csv.zip", 1)]
        .map(|(name, team_id)| {
            write_attack(&[Prediction { team_id, capture_ids: &[5], probabilities: &p }], 2, &file(name)).unwrap();
            file(name)
        })
        .into();
    join_attacks(&parts, &file("all.csv")).unwrap();
    assert_eq!(
        lines(&file("all.csv")),
        ["team_id,capture_id,proba_class_1,proba_class_2", "1,5,0.1,0.9", "2,5,0.1,0.9"]
    );
    std::fs::write(file("f32.csv"), "team_id,capture_id,proba_class_1,proba_class_2\n3,1,0.3333333,0.6666666\n")
        .unwrap();
    join_attacks(&[file("f32.csv")], &file("all.csv")).unwrap();
    let row: Vec<f64> = lines(&file("all.csv"))[1].split(',').skip(2).map(parsed).collect();
    assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-10);
    let twice = join_attacks(&[parts[0].clone(), parts[0].clone()], &file("all.csv"));
    assert!(matches!(twice, Err(AttackFileError::Twice { team_id: 2, capture_id: 5 })));
}

#[test]
fn zip_bombs_are_refused_while_they_unpack() {
    let folder = Folder::new();
    let mut text = Table::attack(SETS[0]).text();
    let line = format!("1,932258,0.{},0,0,1\n", "0".repeat(1 << 16));
    text.extend(std::iter::repeat_n(line.as_str(), 1 << 10));
    let bomb = folder.zip(&[("attack.csv", text.as_bytes())]);
    let report = check_attack(&bomb, &[verif(SETS[0])], &RULES, &LIMITS).unwrap().report;
    assert_eq!(problems(&report), ["1 x unpacks to more than the allowed 200 times the size of the archive"]);

    let few = ReadLimits { traces: 7, ..LIMITS };
    let report = check_attack(&path(SETS[0], "attack_input.csv"), &[verif(SETS[0])], &RULES, &few).unwrap().report;
    assert_eq!(problems(&report), ["1 x more than the allowed 7 traces"]);
}

proptest! {
    #[test]
    fn rows_sum_to_one_within_the_strict_tolerance_after_printing(
        weights in proptest::collection::vec(proptest::collection::vec(1e-12..1.0f64, 100), 1..5),
        float32: bool,
    ) {
        let classes: Vec<String> = (1..=100).map(|class| class.to_string()).collect();
        let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
        let rows: Vec<f64> = weights.iter().flat_map(|row| {
            let sum: f64 = row.iter().sum();
            row.iter().map(move |weight| if float32 { f64::from((weight / sum) as f32) } else { weight / sum })
        }).collect();
        let p = probabilities(&classes, &rows);
        let folder = Folder::new();
        let file = folder.path().join("attack.csv");
        let ids: Vec<i64> = (0..weights.len() as i64).collect();
        write_attack(&[Prediction { team_id: 1, capture_ids: &ids, probabilities: &p }], 100, &file).unwrap();
        for (line, written) in lines(&file)[1..].iter().zip(p.values().rows()) {
            let read: Vec<f64> = line.split(',').skip(2).map(parsed).collect();
            prop_assert!((read.iter().sum::<f64>() - 1.0).abs() < 1e-10);
            prop_assert_eq!(read, written.to_vec());
        }
    }
}
