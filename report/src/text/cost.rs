//! What a defence would cost whoever made traffic.

use wfkit_datasets::TraceSet;
use wfkit_evaluate::HourlyCost;

use super::Text;
use crate::words::percent;

/// What traffic costs with each defence; `what` it is stands in brackets, and costs are medians of so many draws.
pub fn hourly_costs(set: &TraceSet, what: &str, (costs, draws): (&[HourlyCost], u16)) -> Text {
    let mut text = Text::new();
    let seconds = set.traces().iter().map(|t| t.trace.duration_ns()).sum::<u64>() as f64 / 1e9;
    let bytes: u64 = set.traces().iter().map(|t| t.trace.in_bytes() + t.trace.out_bytes()).sum();
    let (n, s) = (set.len(), if set.len() == 1 { "" } else { "s" });
    text.line(format!("{n} trace{s}, {seconds:.1} s and {:.2} MB together ({what}), cost with:", bytes as f64 / 1e6));
    let whole = |value: f64| format!("{value:.0}");
    let tenths = |value: f64| format!("{value:.1}");
    let row = |cost: &HourlyCost| {
        let delays = [cost.delay_ms_median, cost.delay_ms_95, cost.delay_ms_longest];
        [
            cost.defence.clone(),
            cost.megabytes_an_hour.map_or_else(|| "-".to_owned(), |megabytes| megabytes.in_words(whole)),
            cost.bandwidth_overhead.in_words(percent),
            delays.map(|delay| whole(delay.median)).join(" / "),
            format!("{} s", cost.ends_later_s.in_words(tenths)),
            cost.peak_mbit_s.in_words(tenths),
            cost.only_padding_share.in_words(percent),
        ]
    };
    text.table(
        [
            "defence",
            "MB an hour",
            "more bytes",
            "ms of delay: median / 95 % / longest",
            "ends later",
            "peak Mbit/s",
            "seconds of padding alone",
        ],
        costs.iter().map(row),
    );
    text.line(format!(
        "Medians of {draws} draws where a defence leaves something to chance; in brackets the lowest and highest of them, for this very traffic. An hour is an \
         hour of what you do now: loads that take longer under a defence count as if they took no longer. Delays are of the simulation; a deployed defence waits \
         longer. What a defence hides: wfkit sweep."
    ));
    text
}
