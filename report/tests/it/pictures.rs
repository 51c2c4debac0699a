use wfkit_datasets::Trace;
use wfkit_metrics::{ScoreOptions, Scores, reliability};
use wfkit_report::page;
use wfkit_report::picture::{
    self, Bar, CostAxis, Importances, Mark, Matrix, Picture, Placed, Ranged, Ranked, ShownTrace, Slot, SpreadRow,
};

use crate::made_up::{name, predicted, set, stages, trace};
use crate::snapshot;

fn classes(n: usize) -> Picture {
    let predicted = predicted(n, 3);
    let scoring = ScoreOptions { bootstrap: 0, ..ScoreOptions::default() };
    let scores = Scores::compute(&predicted.probabilities, &predicted.truth, &scoring).unwrap();
    picture::class_areas("ROC-AUC of each class", &scores.per_class).unwrap()
}

fn confusion(n: usize) -> Picture {
    let predicted = predicted(n, 3);
    picture::confusion("What is taken for what", &predicted.probabilities, &predicted.truth).unwrap()
}

/// All of them, by name.
fn all() -> Vec<(&'static str, Picture)> {
    let ((before, _), (after, padding)) = (trace(5, 0, false), trace(5, 0, true));
    let shown = [
        ShownTrace { name: "as it was", trace: &before, padding: None },
        ShownTrace { name: &name(1), trace: &after, padding: Some(&padding) },
    ];
    let names: Vec<String> = (0..9).map(name).collect();
    let traces: Vec<Trace> = (0..9).map(|class| trace(class * 4, 0, false).0).collect();
    let lines: Vec<(&str, &Trace)> = names.iter().map(String::as_str).zip(&traces).collect();
    let (plain, padded) = (set(6, 2, false), set(6, 2, true));
    let of = |set: &'static str, all: &'static [Trace]| (set, all.iter().collect::<Vec<_>>());
    let keep = |set: wfkit_datasets::TraceSet| -> &'static [Trace] {
        Vec::leak(set.traces().iter().map(|one| one.trace.clone()).collect())
    };
    let said = predicted(10, 20);
    let bins = reliability(&said.probabilities, &said.truth).unwrap();
    let bar = |(at, tells): (usize, &&str)| Bar {
        name: if at == 1 { name(1) } else { format!("set.feature_{at}") },
        tells: (*tells).to_owned(),
        importance: 0.3 / (at + 1) as f64,
        deviation: 0.01,
        auc: 0.9 - 0.05 * at as f64,
        bits: 2.0 / (at + 1) as f64,
    };
    let bars: Vec<Bar> = ["volume", "size", "time", "order"].iter().enumerate().map(bar).collect();
    let importances = Importances { groups: bars.clone(), features: bars };
    let cell = |at: usize| serde_json::json!({ "where": if at.is_multiple_of(4) { "within" } else { "across" }, "n": 20, "accuracy": 1.0 / (at + 1) as f64, "accuracy_95": { "low": 0.1, "high": 0.9 } });
    let matrix: Matrix = serde_json::from_value(serde_json::json!({
        "told": "within .93, across .40", "names": ["monday", name(1), "friday"], "cells": (0..9).map(cell).collect::<Vec<_>>()
    }))
    .unwrap();
    let stages = stages(&said);
    let ranked = |at: usize| Ranked {
        name: if at == 4 { name(1) } else { format!("team {at}") },
        own: at == 2,
        ranks: (0..4).map(|round| (at + round >= 3).then_some(1 + (at * 7 + round * round * 3) % 16)).collect(),
        totals: (0..4).map(|round| (at + round >= 3).then_some(90.0 - at as f64)).collect(),
    };
    let placed = |at: usize| Placed {
        name: if at == 3 { name(1) } else { format!("team {at}") },
        mark: [Mark::Team, Mark::Team, Mark::Own, Mark::Team, Mark::Reference][at % 5],
        costs: vec![Some(1.0 - 0.08 * at as f64), Some(0.1 * (at * at) as f64)],
        value: 0.1 + 0.09 * at as f64,
        interval: Some((0.05 + 0.09 * at as f64, 0.17 + 0.09 * at as f64)),
    };
    let costs = [
        CostAxis { label: "utility", more_is_better: true },
        CostAxis { label: "time overhead", more_is_better: false },
    ];
    let spread = |at: usize| SpreadRow {
        name: if at == 3 { name(1) } else { format!("team {at}") },
        own: at == 1,
        values: (1..=3)
            .map(|measure| (0..60).map(|of| (at * measure) as f64 * f64::from(of) / 30.0).collect())
            .collect(),
        medians: (1..=3).map(|measure| Some((at * measure) as f64)).collect(),
    };
    let ranged = |at: usize| Ranged {
        name: if at == 3 { name(1) } else { format!("team {at}") },
        own: at == 1,
        value: 0.5 + 0.1 * at as f64,
        interval: (at > 0).then_some((0.45 + 0.1 * at as f64, 0.55 + 0.1 * at as f64)),
    };
    let slot = |at: usize| Slot {
        from: format!("2026-03-{:02} 12:00", at + 1),
        taken: (at * at % 17) as u64,
        refused: (at % 3) as u64,
        waiting: (at % 7) as u64,
        longest_wait_seconds: (!at.is_multiple_of(4)).then_some(3.0 * at as f64),
    };
    let rounds: Vec<String> = (1..=4).map(|round| format!("round {round}")).collect();
    vec![
        ("ranks", picture::ranks("Ranks over rounds", &rounds, &(0..16).map(ranked).collect::<Vec<_>>()).unwrap()),
        (
            "tradeoff",
            picture::tradeoff("Utility against privacy", &costs, "privacy", &(0..8).map(placed).collect::<Vec<_>>())
                .unwrap(),
        ),
        (
            "strip",
            picture::strip(
                "What defences cost",
                &["bytes in", "bytes out", "time"],
                &(0..5).map(spread).collect::<Vec<_>>(),
            )
            .unwrap(),
        ),
        (
            "ranges",
            picture::ranges("What attacks find", "ROC-AUC", 0.5, &(0..5).map(ranged).collect::<Vec<_>>()).unwrap(),
        ),
        ("timeline", picture::timeline("Submissions over time", &(0..28).map(slot).collect::<Vec<_>>()).unwrap()),
        ("waterfall", picture::waterfall("When what was sent", &shown)),
        ("cumulative", picture::cumulative("Bytes over time", &lines)),
        (
            "sizes",
            picture::sizes("How large packets are", &[of("as they were", keep(plain)), of("padded", keep(padded))]),
        ),
        ("roc", picture::roc("Visits found against false alarms", &said.probabilities, &said.truth).unwrap()),
        ("classes-10", classes(10)),
        ("classes-100", classes(100)),
        ("confusion-10", confusion(10)),
        ("confusion-30", confusion(30)),
        ("confusion-100", confusion(100)),
        ("reliability", picture::reliability("Right against sure", &bins)),
        ("importance", picture::importances("What gives the classes away", &importances, 3)),
        ("matrix", picture::matrix("Trained here, tested there", &matrix).unwrap()),
        ("curve", page::curves(&stages[1].report).remove(0)),
        ("frontier", page::costs_of(stages.iter().map(|stage| &stage.report)).unwrap()),
    ]
}

#[test]
fn every_picture_is_as_it_was_looked_at() {
    for (kind, picture) in all() {
        snapshot(&format!("{kind}.svg"), &picture.svg());
    }
}

#[test]
fn every_picture_says_what_it_shows_and_has_its_data() {
    for (kind, picture) in all() {
        assert!(picture.finding.ends_with('.') || kind == "matrix", "{kind}: {}", picture.finding);
        assert!(!picture.title.is_empty() && !picture.reading.is_empty() && !picture.table.rows().is_empty(), "{kind}");
        let svg = picture.svg();
        assert!(svg.contains("<title>") && svg.contains("<desc>"), "{kind} has neither name nor description");
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{kind}: {svg}");
        let csv = picture.table.csv();
        assert_eq!(csv.lines().count(), 1 + picture.table.rows().len(), "{kind}");
        let vega: serde_json::Value = serde_json::from_str(&picture.vega_lite()).unwrap();
        assert_eq!(vega["data"]["values"].as_array().unwrap().len(), picture.table.rows().len(), "{kind}");
    }
}

/// Fields that Vega-Lite is told to draw are columns, or computed from them.
#[test]
fn specifications_name_columns_that_there_are() {
    fn fields(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(all) => {
                for (name, value) in all {
                    match (name.as_str(), value.as_str()) {
                        ("field", Some(field)) => found.push(field.to_owned()),
                        ("values", _) => {}
                        _ => fields(value, found),
                    }
                }
            }
            serde_json::Value::Array(all) => all.iter().for_each(|value| fields(value, found)),
            _ => {}
        }
    }
    for (kind, picture) in all() {
        let vega: serde_json::Value = serde_json::from_str(&picture.vega_lite()).unwrap();
        let mut found = Vec::new();
        fields(&vega, &mut found);
        let computed = ["signed", "out", "times"];
        assert!(!found.is_empty(), "{kind}");
        for field in found {
            assert!(picture.table.columns().contains(&&*field) || computed.contains(&&*field), "{kind}: {field}");
        }
    }
}

/// The place, anchor and text of every text element that lies flat, and the size of the picture.
#[test]
fn no_text_leaves_its_frame_or_lies_on_another() {
    for (kind, picture) in all() {
        let svg = picture.svg();
        let attribute = |element: &str, name: &str| -> Option<String> {
            let from = element.find(&format!(" {name}=\""))? + name.len() + 3;
            Some(element[from..].split('"').next()?.to_owned())
        };
        let number = |element: &str, name: &str| attribute(element, name).and_then(|text| text.parse::<f64>().ok());
        let width: f64 = attribute(&svg, "viewBox").unwrap().split(' ').nth(2).unwrap().parse().unwrap();
        let mut boxes: Vec<(f64, f64, f64, String)> = Vec::new();
        let (head, body) = svg.split_once("<g transform").unwrap_or(("", &svg));
        for (part, element) in [head, body]
            .iter()
            .enumerate()
            .flat_map(|(part, text)| text.split("<text").skip(1).map(move |one| (part, one)))
        {
            if element.contains("rotate(") {
                continue;
            }
            let (open, rest) = element.split_once('>').unwrap();
            let text: String = rest.split("</text>").next().unwrap().split('<').next().unwrap().to_owned();
            let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            let small = open.contains("small") || open.contains("font-size=\"1");
            let wide: f64 = text.chars().map(|c| if (c as u32) < 0x1100 { 0.55 } else { 1.0 }).sum::<f64>()
                * if small { 11.0 } else { 13.0 };
            let x = number(open, "x").unwrap();
            let y = number(open, "y").unwrap() + 10_000.0 * part as f64;
            let left = match attribute(open, "text-anchor").as_deref() {
                Some("middle") => x - wide / 2.0,
                Some("end") => x - wide,
                _ => x,
            };
            assert!(
                left >= -2.0 && left + wide <= width + 2.0,
                "{kind}: {text:?} from {left} to {} of {width}",
                left + wide
            );
            boxes.push((left, left + wide, y, text));
        }
        for (at, a) in boxes.iter().enumerate() {
            for b in &boxes[..at] {
                let apart = a.0 >= b.1 - 1.0 || b.0 >= a.1 - 1.0 || (a.2 - b.2).abs() >= 9.0;
                assert!(apart, "{kind}: {a:?} lies on {b:?}");
            }
        }
    }
}
