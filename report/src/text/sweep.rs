//! A sweep as text: CSV for other tools, Markdown to paste, a table for the terminal.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use wfkit_defend::list;
use wfkit_evaluate::published::Published;
use wfkit_evaluate::{MeanOfDraws, ScoreOfDraws, Sweep, SweepPlan, SweepRow, SweptAttack, TRIVIAL};
use wfkit_metrics::StageReport;

use super::{Text, variants};
use crate::picture;
use crate::words::{hanging, percent, score};

/// The files that a sweep leaves in its folder, each with its name.
pub fn sweep_files(
    (plan, sweep): (&SweepPlan, &Sweep),
    report: &StageReport,
    published: &[(Published, bool)],
) -> [(&'static str, String); 4] {
    [
        ("sweep.csv", sweep_csv(&sweep.rows)),
        ("sweep.json", report.to_json()),
        ("report.md", sweep_markdown(sweep, report, &plan.trained_and_tested(), published)),
        ("sweep.svg", picture::sweep(&sweep.rows, plan, published)),
    ]
}

/// One line a defence and attack, and a defence and view.
fn sweep_csv(rows: &[SweepRow]) -> String {
    let mut text = String::from(
        "number,defence,draws,bandwidth,bandwidth_sd,bandwidth_out,bandwidth_in,bandwidth_without_tail,latency,latency_sd,\
         latency_low,latency_high,mean_delay_s,utility,attack,view,tested,twins,chance_accuracy,accuracy,accuracy_sd,accuracy_low,\
         accuracy_high,roc_auc,roc_auc_sd,roc_auc_low,roc_auc_high,log_loss,log_loss_sd,log_loss_low,log_loss_high,on_front\n",
    );
    let some = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mean = |mean: &MeanOfDraws| format!("{},{}", mean.mean, some(mean.deviation));
    let score = |score: &ScoreOfDraws| {
        let ends = score.interval_95.map(|interval| format!("{},{}", interval.low, interval.high));
        format!("{},{}", mean(&score.over_draws), ends.unwrap_or_else(|| ",".to_owned()))
    };
    for row in rows {
        let end = |end: usize| some(row.latency_bracket.map(|bracket| bracket[end]));
        let cost = format!(
            "{},\"{}\",{},{},{},{},{},{},{},{},{},{}",
            row.number,
            row.defence,
            row.draws,
            mean(&row.bandwidth),
            some(row.bandwidth_out.map(|mean| mean.mean)),
            some(row.bandwidth_in.map(|mean| mean.mean)),
            row.bandwidth_without_tail.mean,
            mean(&row.latency),
            end(0),
            end(1),
            row.mean_delay_s.mean,
            some(row.utility.map(|mean| mean.mean)),
        );
        for (scored, is_view) in row.attacks.iter().map(|s| (s, false)).chain(row.views.iter().map(|s| (s, true))) {
            let view = match scored.view {
                Some(view) => view.to_string(),
                None => "all".to_owned(),
            };
            // A view stands on no front.
            let front = if is_view { String::new() } else { u8::from(scored.on_front).to_string() };
            let _ = writeln!(
                text,
                "{cost},{},{view},{},{},{},{},{},{},{front}",
                quoted(&scored.attack),
                scored.tested,
                scored.twins,
                scored.chance_accuracy,
                score(&scored.accuracy),
                score(&scored.roc_auc),
                score(&scored.log_loss),
            );
        }
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains(',') { format!("\"{text}\"") } else { text.to_owned() }
}

/// A defence and attack a row, so that no number comes to stand beside another attack where a name is broken into lines.
pub fn sweep(Sweep { rows, differences, .. }: &Sweep) -> Text {
    let cells = |row: &SweepRow| {
        let attacks = row.attacks.iter().chain(&row.views).enumerate();
        let one = |(at, scored): (usize, &SweptAttack)| {
            let once = |text: String| if at == 0 { text } else { String::new() };
            [
                once(row.number.to_string()),
                once(row.defence.clone()),
                once(share(&row.bandwidth)),
                once(latency(row)),
                format!("{}{}", name(scored), if scored.on_front { "*" } else { "" }),
                four(&scored.accuracy),
                four(&scored.roc_auc),
                format!("{:.3}", scored.log_loss.mean()),
            ]
        };
        attacks.map(one).collect::<Vec<_>>()
    };
    let header = ["", "defence", "bytes", "time", "attack", "accuracy", "ROC-AUC", "log loss"];
    let mut text = Text::new();
    text.table(header, rows.iter().flat_map(cells));
    let front = "*: on the front: no other costs no more and is surely found less, by the 95 % intervals of ROC-AUC";
    text.lines(hanging(front)).text(variants::text(differences));
    text
}

/// Tables to paste: attacks side by side, then what is left in each kind of information, then intervals.
fn sweep_markdown(
    Sweep { rows, differences, problems }: &Sweep,
    report: &StageReport,
    split: &str,
    published: &[(Published, bool)],
) -> String {
    let mut text = String::new();
    let mut say = |line: std::fmt::Arguments<'_>| {
        let _ = writeln!(text, "{line}"); // Writing to a string does not fail.
    };
    let Some(none) = rows.first() else { return text };
    let tested = none.attacks.first().map_or(0, |scored| scored.tested);
    let chance = none.attacks.first().map_or(0.0, |scored| scored.chance_accuracy);
    let counts = |name: &str| report.counts.get(name).copied().unwrap_or(0);
    say(format_args!("# Defences: cost against protection\n"));
    say(format_args!(
        "{}, seed {}: {} traces of {} classes, {split}; {tested} tested, guessing the commonest class is right in {}. Attacks are trained \
         again on the defended traces. Overheads are sums over sums; the latency overhead is under the delay model chosen, in brackets \
         the span of all models, tried on some 200 of the traces. Numbers are means over draws of the defence, ± their standard deviation.\n",
        report.tool,
        report.seed,
        counts("traces"),
        counts("classes"),
        percent(chance),
    ));
    for input in &report.inputs {
        say(format_args!("- `{}` sha256 {}", input.path, input.sha256));
    }
    let attacks: Vec<&str> = none.attacks.iter().map(|scored| scored.attack.as_str()).collect();
    say(format_args!(
        "\nAccuracy / ROC-AUC; **bold**: on the front of bandwidth, latency and the ROC-AUC of that attack, by its 95 % interval.\n"
    ));
    say(format_args!("| | defence | bandwidth | out | in | latency | utility | {} |", attacks.join(" | ")));
    say(format_args!("|---:|---|---:|---:|---:|---:|---:|{}", "---:|".repeat(attacks.len())));
    for row in rows {
        let one_way = |mean: Option<MeanOfDraws>| mean.map_or_else(|| "-".to_owned(), |mean| percent(mean.mean));
        let cells: Vec<String> = row.attacks.iter().map(cell).collect();
        say(format_args!(
            "| {} | `{}` | {} | {} | {} | {} | {} | {} |",
            row.number,
            row.defence,
            share(&row.bandwidth),
            one_way(row.bandwidth_out),
            one_way(row.bandwidth_in),
            latency(row),
            score(row.utility.map(|mean| mean.mean)),
            cells.join(" | ")
        ));
    }
    if !none.views.is_empty() {
        let shown: Vec<String> = views(none).iter().map(|scored| name(scored)).collect();
        say(format_args!("\nWhat is left in one kind of information alone, accuracy / ROC-AUC:\n"));
        say(format_args!("| | defence | {} |", shown.join(" | ")));
        say(format_args!("|---:|---|{}", "---:|".repeat(shown.len())));
        for row in rows {
            let cells: Vec<String> = views(row).iter().map(|scored| pair(scored)).collect();
            say(format_args!("| {} | `{}` | {} |", row.number, row.defence, cells.join(" | ")));
        }
    }
    say(format_args!("\nWith 95 % intervals of the tested traces:\n"));
    say(format_args!("| | attack | draws | accuracy | ROC-AUC | log loss |\n|---:|---|---:|---:|---:|---:|"));
    for row in rows {
        for scored in row.attacks.iter().chain(&row.views) {
            say(format_args!(
                "| {} | {} | {} | {} | {} | {} |",
                row.number,
                name(scored),
                row.draws,
                interval(&scored.accuracy),
                interval(&scored.roc_auc),
                interval(&scored.log_loss)
            ));
        }
    }
    let findings: Vec<String> = rows
        .iter()
        .flat_map(|row| {
            row.findings.iter().map(|found| format!("- {}: {}: {}", row.number, found.layer, found.message))
        })
        .collect();
    if !findings.is_empty() {
        say(format_args!("\nWhat speaks against a defence on these traces:\n\n{}", findings.join("\n")));
    }
    let costs = costs_as_published(rows);
    if !costs.is_empty() {
        say(format_args!("\nCosts as published, of other traces than these:\n"));
        costs.iter().for_each(|(name, cost)| say(format_args!("- `{name}`: {cost}")));
    }
    let of_traces: Vec<&String> = report.problems.iter().filter(|problem| !problems.contains(problem)).collect();
    for (head, listed) in [("Of the traces", of_traces), ("Not measured", problems.iter().collect())] {
        if !listed.is_empty() {
            say(format_args!("\n{head}:\n"));
            listed.iter().for_each(|problem| say(format_args!("- {problem}")));
        }
    }
    if !published.is_empty() {
        say(format_args!(
            "\nAs published, closed world (foreign: of other traces than these, not comparable number by number):\n"
        ));
        say(format_args!("| source | data set | defence | attack | accuracy | bandwidth | latency |"));
        say(format_args!("|---|---|---|---|---:|---:|---:|"));
        for (one, same) in published {
            let foreign = if *same { "" } else { " (foreign)" };
            say(format_args!(
                "| {} | {}{foreign}, {} | {} | {} | {} | {} | {} |",
                one.source,
                one.data_set,
                one.setting,
                one.defence,
                one.attack,
                percent(one.accuracy),
                percent(one.bandwidth),
                percent(one.latency)
            ));
        }
    }
    text + &variants::markdown(differences)
}

/// Of the defences in these rows, by name, what papers say that they cost.
fn costs_as_published(rows: &[SweepRow]) -> Vec<(&'static str, &'static str)> {
    let names: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.defence.split('+')).filter_map(|layer| layer.split([':', ',']).next()).collect();
    let known = list().iter().filter(|defense| names.contains(defense.name));
    known.flat_map(|defense| defense.published.iter().map(|&cost| (defense.name, cost))).collect()
}

/// What the table of views shows: the totals, each kind of information, everything.
fn views(row: &SweepRow) -> Vec<&SweptAttack> {
    let all = || row.attacks.iter().chain(&row.views);
    let parts: Vec<&SweptAttack> = row.views.iter().filter(|scored| scored.view.is_some()).collect();
    let shown = parts.first().map_or("", |scored| &scored.attack);
    let whole = |attack: &str| all().find(|scored| scored.view.is_none() && scored.attack == attack);
    whole(TRIVIAL).into_iter().chain(parts.iter().copied()).chain(whole(shown)).collect()
}

/// The attack, and what it is shown.
fn name(scored: &SweptAttack) -> String {
    match scored.view {
        Some(view) => format!("{}, {view} only", scored.attack),
        None => scored.attack.clone(),
    }
}

fn cell(scored: &SweptAttack) -> String {
    let pair = pair(scored);
    if scored.on_front { format!("**{pair}**") } else { pair }
}

fn pair(scored: &SweptAttack) -> String {
    format!("{:.3} / {:.4}", scored.accuracy.mean(), scored.roc_auc.mean())
}

fn four(score: &ScoreOfDraws) -> String {
    match score.over_draws.deviation {
        Some(deviation) => format!("{:.4} ±{deviation:.4}", score.mean()),
        None => format!("{:.4}", score.mean()),
    }
}

fn interval(score: &ScoreOfDraws) -> String {
    let ends = score.interval_95.map(|interval| format!(" [{:.4}, {:.4}]", interval.low, interval.high));
    four(score) + &ends.unwrap_or_default()
}

fn share(mean: &MeanOfDraws) -> String {
    match mean.deviation {
        Some(deviation) if deviation >= 0.0005 => format!("{} ±{:.1}", percent(mean.mean), deviation * 100.0),
        _ => percent(mean.mean),
    }
}

/// The latency overhead with its bracket.
fn latency(row: &SweepRow) -> String {
    match row.latency_bracket {
        Some([low, high]) if percent(low) != percent(high) => {
            format!("{} [{:.1}, {:.1}]", percent(row.latency.mean), low * 100.0, high * 100.0)
        }
        _ => percent(row.latency.mean),
    }
}
