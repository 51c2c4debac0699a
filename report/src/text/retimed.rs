//! A set with another round trip.

use wfkit_defend::RetimeReport;

use super::Text;
use crate::words::hanging;

/// The round trip before and after, and what became of the median trace.
pub fn retimed(report: &RetimeReport) -> Text {
    let seconds = |of: Option<f64>| of.map_or("?".to_owned(), |seconds| format!("{seconds:.3} s"));
    let how = if report.is_measured() { "measured" } else { "as given" };
    let told = format!(
        "round trip {} ({how}) -> {} ms; median trace {} -> {}",
        before(report),
        report.rtt_ms,
        seconds(report.median_seconds_before),
        seconds(report.median_seconds_after)
    );
    let mut text = Text::new();
    text.lines(hanging(&told));
    text
}

/// The round trip before, or the range that it has over sessions.
fn before(report: &RetimeReport) -> String {
    let known = || report.sessions.iter().filter_map(|one| one.from_rtt_ms);
    match (known().min_by(f64::total_cmp), known().max_by(f64::total_cmp)) {
        (Some(least), Some(most)) if least < most => {
            format!("{least:.1} to {most:.1} ms over {} sessions", known().count())
        }
        (Some(only), _) => format!("{only:.1} ms"),
        _ => "unknown".to_owned(),
    }
}
