//! The reliability picture: how often an attack is right against how sure it is.

use std::fmt::Write as _;

use wfkit_metrics::ReliabilityBin;

use super::escaped;

/// Side of the plotting square, and what is left around it, in pixels.
const SIDE: f64 = 400.0;
const MARGIN: f64 = 60.0;

/// A square with a dot a bin (its area grows with the number of traces), their line, and the diagonal of perfect
/// calibration. `title` is escaped.
pub fn reliability(bins: &[ReliabilityBin], title: &str) -> String {
    let x = |confidence: f64| MARGIN + SIDE * confidence;
    let y = |accuracy: f64| MARGIN + SIDE * (1.0 - accuracy);
    let size = SIDE + 2.0 * MARGIN;
    let mut svg = String::new();
    let mut line = |text: std::fmt::Arguments<'_>| {
        let _ = writeln!(svg, "{text}"); // Writing to a string does not fail.
    };
    line(format_args!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {size} {size}\" font-family=\"sans-serif\" font-size=\"14\">"
    ));
    line(format_args!("<rect width=\"{size}\" height=\"{size}\" fill=\"white\"/>"));
    line(format_args!("<text x=\"{}\" y=\"30\" text-anchor=\"middle\">{}</text>", size / 2.0, escaped(title)));
    for tenth in [0, 2, 4, 6, 8, 10] {
        let share = f64::from(tenth) / 10.0;
        let (left, top) = (x(share), y(share));
        line(format_args!(
            "<path d=\"M{left} {} V{} M{} {top} H{}\" stroke=\"#ddd\"/>",
            y(0.0),
            y(1.0),
            x(0.0),
            x(1.0)
        ));
        line(format_args!("<text x=\"{left}\" y=\"{}\" text-anchor=\"middle\">{share:.1}</text>", y(0.0) + 20.0));
        line(format_args!("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{share:.1}</text>", x(0.0) - 8.0, top + 5.0));
    }
    let (bottom, middle) = (y(0.0) + 45.0, size / 2.0);
    line(format_args!(
        "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">confidence: largest probability</text>"
    ));
    line(format_args!(
        "<text transform=\"translate(18 {middle}) rotate(-90)\" text-anchor=\"middle\">accuracy: share of right decisions</text>"
    ));
    line(format_args!(
        "<path d=\"M{} {} L{} {}\" stroke=\"#888\" stroke-dasharray=\"6 4\"/>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0)
    ));
    let all = bins.iter().map(|bin| bin.traces).sum::<u64>().max(1) as f64;
    let points: Vec<String> =
        bins.iter().map(|bin| format!("{:.1},{:.1}", x(bin.confidence), y(bin.accuracy))).collect();
    line(format_args!("<polyline points=\"{}\" fill=\"none\" stroke=\"#0b6\" stroke-width=\"2\"/>", points.join(" ")));
    for bin in bins {
        let radius = 3.0 + 15.0 * (bin.traces as f64 / all).sqrt();
        line(format_args!(
            "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\" fill=\"#0b6\" fill-opacity=\"0.6\"><title>{} traces</title></circle>",
            x(bin.confidence),
            y(bin.accuracy),
            bin.traces
        ));
    }
    line(format_args!("</svg>"));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_where_confidence_and_accuracy_say() {
        let bin = |confidence, accuracy, traces| ReliabilityBin { above: 0.0, to: 1.0, traces, confidence, accuracy };
        let svg = reliability(&[bin(0.5, 0.25, 3), bin(1.0, 1.0, 1)], "a < b & c");
        assert!(svg.contains("cx=\"260.0\" cy=\"360.0\"") && svg.contains("cx=\"460.0\" cy=\"60.0\""), "{svg}");
        assert!(svg.contains("a &lt; b &amp; c"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(reliability(&[], "").contains("polyline points=\"\""));
    }
}
