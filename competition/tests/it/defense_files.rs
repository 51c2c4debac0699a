//! What is wrong with defence files, found and named.

use std::path::Path;

use wfkit_competition::{Baseline, CheckReport, Implausible, Plausibility, Rules, check_defense, read_defense, score};
use wfkit_datasets::formats::ReadLimits;

use crate::fixture::{Folder, RULES, SETS, Table, path, problems, warnings};

const LIMITS: ReadLimits = ReadLimits::UPLOAD;
const CLASS: usize = 0;
const REP: usize = 1;
const SIZE: usize = 2;
const TIME: usize = 3;

fn check(table: &Table) -> CheckReport {
    check_defense(&Folder::new().csv(table), &RULES, &LIMITS, None).unwrap().report
}

/// A trace of six packets for each trace of the reference set: one byte out, all else as asked.
fn dummies(size_in: &str, last_time: &str) -> Table {
    let mut table = Table::defense();
    let mut keys: Vec<Vec<String>> = table.rows.iter().map(|row| row[..2].to_vec()).collect();
    keys.sort();
    keys.dedup();
    let packets = |key: Vec<String>| {
        let packet = move |size: &str, time: &str| [&key[..], &[size.to_owned(), time.to_owned()]].concat();
        [packet("1", "0.0"), packet(size_in, last_time)]
    };
    table.rows = keys.into_iter().flat_map(packets).collect();
    table
}

#[test]
fn bad_values_are_refused_with_row_column_and_value() {
    let defense = Table::defense;
    let cases = [
        ("infinite_size", defense().set(2, SIZE, "inf"), "1 x infinite in direction_size, row 4: inf"),
        ("one_nan_size", defense().set(2, SIZE, "nan"), "1 x not a number in direction_size, row 4: nan"),
        ("an empty size", defense().set(2, SIZE, ""), "1 x empty in direction_size, row 4: "),
        ("string_sizes", defense().each(|r| r[SIZE] = "a".into()), "397 x not a number in direction_size, row 2: a"),
        ("all_sizes_zero", defense().each(|r| r[SIZE] = "0".into()), "397 x zero size in direction_size, row 2: 0"),
        ("half a byte", defense().set(2, SIZE, "1.5"), "1 x not a whole number in direction_size, row 4: 1.5"),
        ("a nan time", defense().set(2, TIME, "NaN"), "1 x not a number in timestamp, row 4: NaN"),
        ("an infinite time", defense().set(2, TIME, "inf"), "1 x infinite in timestamp, row 4: inf"),
        ("negative_timestamps", defense().set(2, TIME, "-0.1"), "1 x negative time in timestamp, row 4: -0.1"),
        (
            "all_timestamps_zero",
            defense().each(|row| row[TIME] = "0.0".into()),
            "24 x all times of a trace are 0 in timestamp, row 2: class 1 rep 1",
        ),
        (
            "a late start",
            defense().set(0, TIME, "0.001"),
            "1 x first time of a trace is not 0 in timestamp, row 2: 0.001",
        ),
        ("a class as text", defense().set(2, CLASS, "a"), "1 x not a number in cell_id, row 4: a"),
        ("a rep as text", defense().set(2, REP, "a"), "1 x not a number in rep, row 4: a"),
    ];
    for (name, table, expected) in cases {
        let report = check(&table);
        assert_eq!(problems(&report), [expected], "{name}");
        assert_eq!(report.rows, 397);
    }
}

#[test]
fn shifted_class_ids_are_refused() {
    let shift = |row: &mut Vec<String>| row[CLASS] = (row[CLASS].parse::<u32>().unwrap() + 1000).to_string();
    let report = check(&Table::defense().each(shift));
    assert_eq!(
        problems(&report),
        ["24 x class is not one of 1 to 4 in cell_id, row 2: 1001", "4 x class without a trace in cell_id, row 0: 1"]
    );
}

#[test]
fn all_kinds_of_problems_are_listed_and_twenty_rows_of_each() {
    let table = Table::defense()
        .each(|row| row[SIZE] = if row[CLASS] == "1" { "0".into() } else { row[SIZE].clone() })
        .set(200, TIME, "soon")
        .keep(|row| row[CLASS] != "4");
    let report = check(&table);
    let kinds: Vec<&str> = report.problems.kinds().iter().map(|problem| problem.kind.as_ref()).collect();
    assert_eq!(kinds, ["zero size", "not a number", "class without a trace"]);
    let zeros = &report.problems.kinds()[0];
    assert!(zeros.count > 20);
    assert_eq!(zeros.examples.len(), 20);
    assert_eq!(report.cost.unwrap().utility.reason, None, "the sound traces still have a utility");
}

#[test]
fn repetitions_and_packets_are_counted_by_trace() {
    let few = Table::defense().keep(|row| row[CLASS] != "2" || row[REP] == "3");
    assert_eq!(
        problems(&check(&few)),
        ["1 x number of repetitions of a class is not in 4 to 8 in rep, row 0: 1 of class 2"]
    );
    let mut seen = 0;
    let short = Table::defense().keep(|row| {
        let third = row[..2] == ["3", "3"];
        seen += usize::from(third);
        !third || seen <= 5
    });
    let row = 2 + short.rows.iter().position(|row| row[..2] == ["3", "3"]).unwrap();
    assert_eq!(
        problems(&check(&short)),
        [format!("1 x no more than 5 packets in a trace, row {row}: 5 in class 3 rep 3")]
    );
}

#[test]
fn columns_are_named() {
    let mut table = Table::defense();
    table.header[REP] = "repetition".into();
    let report = check(&table);
    assert!(!report.accepted);
    assert!(report.problems.to_string().contains("column rep is missing"), "{}", report.problems);
}

#[test]
fn a_product_of_one_or_less_has_no_utility_and_says_why() {
    let rules = Rules { min_packets: 1, ..RULES };
    let utility = |table: &Table| {
        let file = Folder::new();
        let verdict = check_defense(&file.csv(table), &rules, &LIMITS, None).unwrap();
        let (report, defense) = (verdict.report.clone(), verdict.accepted().unwrap());
        // The same through the score, which then has no total.
        let score = score(None, Some(&defense)).unwrap();
        assert_eq!(score.total.is_some(), report.cost.as_ref().unwrap().utility.score.is_some());
        report.cost.unwrap().utility
    };
    for (table, product) in [(dummies("-1", "1.0"), "1"), (dummies("-1", "0.5"), "0.5"), (dummies("1", "0.5"), "0")] {
        let utility = utility(&table);
        assert_eq!(utility.score, None);
        assert!(utility.reason.unwrap().contains(&format!(" is {product}, ")));
    }
    let above = utility(&dummies("-1", "1.0001")).score.unwrap();
    assert!((above - 1_473_728.141_011_343_6).abs() < 1e-3, "{above}");
}

#[test]
fn a_dummy_trace_is_told_by_its_overhead() {
    let rules = Rules { min_packets: 1, ..RULES };
    let undefended = read_defense(&path(SETS[0], "defence_input.csv"), &LIMITS).unwrap();
    let flagged = Plausibility { verdict: Implausible::Flag, ..Plausibility::default() };
    let undefended = Baseline::of(&undefended, flagged).unwrap();
    let check =
        |table: &Table| check_defense(&Folder::new().csv(table), &rules, &LIMITS, Some(&undefended)).unwrap().report;

    let dummy = check(&dummies("-1", "1.0001"));
    assert!(dummy.accepted);
    let overhead = dummy.overhead.unwrap();
    assert_eq!(overhead.in_bytes, Some(1.0 / 11_450.0 - 1.0));
    assert_eq!(overhead.out_bytes, Some(1.0 / 7_565.0 - 1.0));
    let dummy_warnings = warnings(&dummy);
    assert!(
        dummy_warnings.contains(&"2 x less than undefended traffic, row 0: -100.0 % of median incoming bytes".into())
    );
    // All dummies are the same, too.
    assert!(dummy_warnings.iter().any(|line| line.starts_with("23 x trace is identical to another")));

    let honest = check(&Table::defense());
    let overhead = honest.overhead.unwrap();
    assert_eq!((overhead.in_bytes, overhead.out_bytes, overhead.seconds), (Some(0.0), Some(0.0), Some(0.0)));
    assert!(warnings(&honest).is_empty());
}

#[test]
fn traffic_in_one_direction_is_warned_of() {
    let outgoing = Table::defense().each(|row| row[SIZE] = row[SIZE].trim_start_matches('-').to_owned());
    let report = check(&outgoing);
    assert!(report.accepted);
    assert_eq!(
        warnings(&report),
        ["24 x all packets of a trace in one direction in direction_size, row 2: class 1 rep 1"]
    );
    let utility = report.cost.unwrap().utility;
    assert_eq!((utility.score, utility.median_in_bytes), (None, Some(0.0)));
}

#[test]
fn identical_traces_are_found_by_content() {
    let copied = Table::defense().keep(|row| row[..2] == ["2", "1"]).each(|row| row[1] = "99".into());
    let mut table = Table::defense();
    let row = table.rows.len() + 2;
    table.rows.extend(copied.rows);
    let report = check(&table);
    assert!(report.accepted);
    assert_eq!(
        warnings(&report),
        [format!("1 x trace is identical to another, row {row}: class 2 rep 99 = class 2 rep 1")]
    );
}

#[test]
fn an_archive_holds_one_csv_file() {
    let folder = Folder::new();
    let text = Table::defense().text();
    let check = |members: &[(&str, &[u8])]| check_defense(&folder.zip(members), &RULES, &LIMITS, None).unwrap().report;
    assert!(check(&[("defence.csv", text.as_bytes())]).accepted);
    for members in [
        &[("defence.csv", text.as_bytes()), ("more.csv", text.as_bytes())][..],
        &[("defence.txt", text.as_bytes())],
        &[],
    ] {
        let report = check(members);
        assert!(!report.accepted);
        assert!(report.problems.to_string().contains("expected exactly one .csv file"), "{}", report.problems);
    }
}

#[test]
fn zip_bombs_are_refused_while_they_unpack() {
    let folder = Folder::new();
    let mut lines = Table::defense().text();
    let line = format!("1,1,1,0.{}\n", "0".repeat(1 << 16));
    lines.extend(std::iter::repeat_n(line.as_str(), 1 << 10));
    let bomb = folder.zip(&[("defence.csv", lines.as_bytes())]);
    let refused = |limits: ReadLimits| check_defense(&bomb, &RULES, &limits, None).unwrap().report.problems.to_string();
    assert_eq!(refused(LIMITS), "1 x unpacks to more than the allowed 200 times the size of the archive");
    let any_ratio = ReadLimits { ratio: u64::MAX, ..LIMITS };
    assert_eq!(
        refused(ReadLimits { uncompressed_bytes: 1 << 20, ..any_ratio }),
        "1 x more than the allowed 1048576 bytes of text"
    );
    assert_eq!(refused(ReadLimits { rows: 1000, ..any_ratio }), "1 x more than the allowed 1000 rows");
    assert_eq!(refused(ReadLimits { traces: 20, ..any_ratio }), "1 x more than the allowed 20 traces");
    let packed = std::fs::metadata(&bomb).unwrap().len();
    assert_eq!(
        refused(ReadLimits { compressed_bytes: packed - 1, ..LIMITS }),
        format!("1 x the archive has {packed} bytes, allowed are {}", packed - 1)
    );
}

#[test]
fn a_file_that_is_not_there_is_no_verdict() {
    let error = check_defense(Path::new("no such file.csv"), &RULES, &LIMITS, None).unwrap_err();
    assert!(matches!(error, wfkit_datasets::formats::ReadError::Io { .. }));
    let of = |share| Baseline::of_file(Path::new("no such file.csv"), share).unwrap_err().to_string();
    assert!(of(0.8).starts_with("no such file.csv: "), "{}", of(0.8));
    for wrong in [0.0, -1.0, 1.1, f64::NAN] {
        assert!(of(wrong).ends_with("a share is above 0 and 1 at most"), "{}", of(wrong));
    }
}

/// Traffic of which there is less than would carry the answers is no defence, however little it tells.
#[test]
fn what_cannot_have_carried_the_answers_is_refused_with_every_class() {
    let rules = Rules { min_packets: 1, ..RULES };
    let set = read_defense(&path(SETS[0], "defence_input.csv"), &LIMITS).unwrap();
    let check = |table: &Table, verdict, least_share| {
        let baseline = Baseline::of(&set, Plausibility { verdict, least_share }).unwrap();
        check_defense(&Folder::new().csv(table), &rules, &LIMITS, Some(&baseline)).unwrap().report
    };
    let share = Plausibility::default().least_share;
    let kinds = |report: &CheckReport| {
        let kinds = report.problems.kinds().iter().chain(report.held.kinds());
        kinds.map(|kind| (kind.kind.to_string(), kind.count)).collect::<Vec<_>>()
    };
    let median = "median of incoming bytes below 0.8 of undefended traffic, which cannot have carried the answers: classes 1 to 4";
    let least = "more than a tenth of the traces with incoming bytes below 0.8 of the smallest undefended one, which cannot have carried \
                 the answers: classes 1 to 4";

    let dummy = dummies("-1", "1.0001");
    let refused = check(&dummy, Implausible::Refuse, share);
    assert!(!refused.accepted && refused.held.is_empty());
    assert_eq!(kinds(&refused), [(median.to_owned(), 4), (least.to_owned(), 4)]);
    let held = check(&dummy, Implausible::Hold, share);
    assert!(held.accepted);
    assert_eq!(kinds(&held), kinds(&refused));
    let flagged = check(&dummy, Implausible::Flag, share);
    assert!(flagged.accepted && flagged.held.is_empty());
    assert!(warnings(&flagged).iter().any(|line| line.contains(median)), "{:?}", warnings(&flagged));

    // One shape for all that is as large as the largest of all tells nothing, costs what it costs, and is a defence.
    let largest = set.volumes().iter().map(|volume| volume.in_bytes.abs()).fold(0.0, f64::max);
    assert!(check(&dummies(&format!("-{largest}"), "9.0"), Implausible::Refuse, 1.0).accepted);
    // So is undefended traffic itself, and what is a little less.
    assert!(check(&Table::defense(), Implausible::Refuse, 1.0).accepted);
    let lighter = Table::defense().each(|row| {
        let size: f64 = row[SIZE].parse().unwrap();
        row[SIZE] = format!("{}", if size < 0.0 { (size * 0.85).floor() } else { size });
    });
    assert!(check(&lighter, Implausible::Refuse, share).accepted);
    assert!(!check(&lighter, Implausible::Refuse, 0.9).accepted);

    // One class alone; and the smaller half of the traces of another, which leaves the medians as they were.
    let no_class = Table::defense().each(|row| {
        if row[CLASS] == "3" && row[SIZE].starts_with('-') {
            row[SIZE] = "-1".into();
        }
    });
    let told = kinds(&check(&no_class, Implausible::Refuse, share));
    assert!(told.len() == 2 && told.iter().all(|(kind, count)| kind.ends_with(": class 3") && *count == 1), "{told:?}");
    let of_class_2 = set.traces().iter().filter(|labelled| labelled.key.class == "2");
    let mut bytes: Vec<(f64, i64)> =
        of_class_2.map(|labelled| (wfkit_datasets::volume(&labelled.trace).in_bytes.abs(), labelled.key.rep)).collect();
    bytes.sort_by(|a, b| a.0.total_cmp(&b.0));
    let smaller: Vec<String> = bytes[..(bytes.len() - 1) / 2].iter().map(|(_, rep)| rep.to_string()).collect();
    let half = Table::defense().each(|row| {
        if row[CLASS] == "2" && smaller.contains(&row[REP]) && row[SIZE].starts_with('-') {
            row[SIZE] = "-1".into();
        }
    });
    let told = kinds(&check(&half, Implausible::Refuse, share));
    assert!(
        told.iter().any(|(kind, _)| kind.starts_with("more than a tenth") && kind.ends_with(": class 2")),
        "{told:?}"
    );
}
