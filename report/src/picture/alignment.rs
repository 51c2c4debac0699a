//! One trace beside what a class expects: columns above, runs below, the evidence of each step under them.

use std::fmt::{Arguments, Write as _};

use wfkit_classify::alignment::{Step, StepKind};

use super::{begun, escaped, round_step};
use crate::words::wrapped;

/// What is drawn.
pub struct AlignedTrace<'a> {
    /// Above the picture.
    pub title: &'a str,
    /// Sentences under the title.
    pub lines: &'a [&'a str],
    /// In the order of columns and runs.
    pub steps: &'a [Step],
    /// Whether the steps tell directions.
    pub signed: bool,
}

/// Where steps begin, how wide a column or run is, how many stand in a row, and the width of all, in pixels.
const LEFT: f64 = 130.0;
const SLOT: f64 = 42.0;
const SLOTS: usize = 20;
const WIDTH: f64 = LEFT + SLOT * SLOTS as f64 + 30.0;
/// Boxes of columns and runs.
const BOX: (f64, f64) = (36.0, 24.0);
/// From the top of a row: the boxes of columns, those of runs, the plot of evidence and its height, the row itself.
const COLUMNS: f64 = 20.0;
const RUNS: f64 = 82.0;
const EVIDENCE: f64 = 144.0;
const PLOT: f64 = 80.0;
const ROW: f64 = 262.0;
/// Height of a line of text, and characters that fit into it.
const LINE: f64 = 19.0;
const CHARACTERS: usize = 132;
/// Width of a bar.
const BAR: f64 = 24.0;

const FOR: &str = "#4477aa";
const AGAINST: &str = "#cc3311";

/// A size in cells; with + or - where it is known to be outgoing or not.
pub fn cells(cells: f64, outgoing: Option<bool>) -> String {
    match outgoing {
        None => format!("{cells}"),
        Some(true) => format!("+{cells}"),
        Some(false) => format!("-{cells}"),
    }
}

/// A step in a word that fits into a column.
pub fn word(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Match => "match",
        StepKind::Split => "split",
        StepKind::Merge => "merge",
        StepKind::Insertion => "extra",
        StepKind::Loss => "lost",
    }
}

/// Stroke and fill.
fn colours(kind: StepKind) -> (&'static str, &'static str) {
    match kind {
        StepKind::Match => ("#4477aa", "#e3ebf4"),
        StepKind::Split => ("#997700", "#f7f0cc"),
        StepKind::Merge => ("#aa3377", "#f6e0ec"),
        StepKind::Insertion => ("#228833", "#e0f2e3"),
        StepKind::Loss => ("#cc3311", "#ffffff"),
    }
}

/// Columns or runs of a step, whichever are more.
fn slots(step: &Step) -> usize {
    step.columns.len().max(step.runs.len()).max(1)
}

/// Rows of at most `SLOTS` columns or runs, each with the part of `steps` in it; all plots of evidence have one scale. Kinds of steps differ in
/// shape, word and colour. Texts are escaped.
pub fn alignment(of: &AlignedTrace<'_>) -> String {
    let lines: Vec<String> = of.lines.iter().flat_map(|line| wrapped(line, CHARACTERS)).collect();
    let rows = rows(of.steps);
    let top = 40.0 + LINE * lines.len() as f64 + 16.0;
    let foot = top + ROW * rows.len() as f64;
    let height = foot + 112.0;
    let mut svg = begun(WIDTH, height, of.title);
    for (at, line) in lines.iter().enumerate() {
        put(&mut svg, format_args!("<text x=\"{}\" y=\"{}\">{}</text>", 20.0, 54.0 + LINE * at as f64, escaped(line)));
    }
    let scale = Scale::of(of.steps);
    for (at, steps) in rows.iter().enumerate() {
        let row = Row { top: top + ROW * at as f64, scale, signed: of.signed };
        row.draw(&mut svg, steps);
    }
    legend(&mut svg, foot, of.signed);
    svg.push_str("</svg>\n");
    svg
}

fn put(svg: &mut String, line: Arguments<'_>) {
    let _ = writeln!(svg, "{line}"); // Writing to a string does not fail.
}

/// Steps in rows; a step is in one row.
fn rows(steps: &[Step]) -> Vec<&[Step]> {
    let mut rows = Vec::new();
    let (mut first, mut taken) = (0, 0);
    for (at, step) in steps.iter().enumerate() {
        if taken + slots(step) > SLOTS {
            rows.push(&steps[first..at]);
            (first, taken) = (at, 0);
        }
        taken += slots(step);
    }
    rows.push(&steps[first..]);
    rows
}

/// Evidence to pixels below the top of a plot.
#[derive(Debug, Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    step: f64,
    /// The strongest for and against.
    strongest: [f64; 2],
}

impl Scale {
    fn of(steps: &[Step]) -> Self {
        let evidence = || steps.iter().map(|step| step.evidence);
        let strongest = [evidence().fold(0.0, f64::max), evidence().fold(0.0, f64::min)];
        let step = round_step(strongest[0] - strongest[1]);
        let high = (strongest[0] / step).ceil() * step;
        let low = (strongest[1] / step).floor() * step;
        Self { low, high: if high > low { high } else { low + step }, step, strongest }
    }

    fn y(&self, evidence: f64) -> f64 {
        PLOT * (self.high - evidence) / (self.high - self.low)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (first, last) = ((self.low / self.step).round() as i64, (self.high / self.step).round() as i64);
        let step = self.step;
        (first..=last).map(move |tick| tick as f64 * step)
    }
}

/// A row of steps.
struct Row {
    top: f64,
    scale: Scale,
    signed: bool,
}

impl Row {
    fn draw(&self, svg: &mut String, steps: &[Step]) {
        let top = self.top;
        let taken: usize = steps.iter().map(slots).sum();
        let right = LEFT + SLOT * taken as f64;
        for (y, size, colour, label) in [
            (top + COLUMNS - 5.0, 11, "#555", "column"),
            (top + COLUMNS + 16.0, 13, "#000", "class expects"),
            (top + RUNS + 16.0, 13, "#000", "trace has"),
            (top + RUNS + BOX.1 + 14.0, 11, "#555", "run"),
        ] {
            put(
                svg,
                format_args!(
                    "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\" font-size=\"{size}\" fill=\"{colour}\">{label}</text>",
                    LEFT - 12.0
                ),
            );
        }
        let plot = top + EVIDENCE;
        put(
            svg,
            format_args!(
                "<text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"middle\">evidence, nats</text>",
                LEFT - 62.0,
                plot + PLOT / 2.0
            ),
        );
        let decimals = (-self.scale.step.log10().floor()).max(0.0) as usize;
        for tick in self.scale.ticks() {
            let y = plot + self.scale.y(tick);
            let stroke = if tick == 0.0 { "#555" } else { "#ddd" };
            put(svg, format_args!("<path d=\"M{LEFT} {y:.1} H{right}\" stroke=\"{stroke}\"/>"));
            put(
                svg,
                format_args!(
                    "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\" fill=\"#555\">{tick:.decimals$}</text>",
                    LEFT - 12.0,
                    y + 4.0
                ),
            );
        }
        let mut left = LEFT;
        for step in steps {
            self.step(svg, left, step);
            left += SLOT * slots(step) as f64;
        }
    }

    /// A step whose slots begin at `left`.
    fn step(&self, svg: &mut String, left: f64, step: &Step) {
        let width = SLOT * slots(step) as f64;
        let middle = left + width / 2.0;
        let middles = |n: usize| (0..n).map(move |at| middle + SLOT * (at as f64 - (n as f64 - 1.0) / 2.0));
        let (stroke, _) = colours(step.kind);
        put(svg, format_args!("<g><title>{}</title>", escaped(&self.in_words(step))));

        let (above, below) = (self.top + COLUMNS + BOX.1, self.top + RUNS);
        let (columns, runs): (Vec<f64>, Vec<f64>) =
            (middles(step.columns.len()).collect(), middles(step.runs.len()).collect());
        for &from in &columns {
            for &to in &runs {
                put(
                    svg,
                    format_args!(
                        "<path d=\"M{from} {above} L{to} {below}\" stroke=\"{stroke}\" stroke-width=\"1.5\"/>"
                    ),
                );
            }
        }
        if step.kind == StepKind::Loss {
            let y = below + BOX.1 / 2.0;
            put(
                svg,
                format_args!(
                    "<path d=\"M{} {} l12 12 m0 -12 l-12 12\" stroke=\"{stroke}\" stroke-width=\"2\"/>",
                    middle - 6.0,
                    y - 6.0
                ),
            );
        }
        let same = (&step.cells, &step.outgoing) == (&step.expected, &step.expected_outgoing);
        if step.kind != StepKind::Match || !same {
            let word = if step.kind == StepKind::Match { "\u{2248}" } else { word(step.kind) };
            let y = (above + below) / 2.0;
            put(
                svg,
                format_args!(
                    "<rect x=\"{}\" y=\"{}\" width=\"28\" height=\"14\" fill=\"white\"/>",
                    middle - 14.0,
                    y - 7.0
                ),
            );
            put(
                svg,
                format_args!(
                    "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"{stroke}\">{word}</text>",
                    y + 4.0
                ),
            );
        }
        let size =
            |cells: &[f64], outgoing: &[bool], at: usize| self::cells(cells[at], self.signed.then_some(outgoing[at]));
        for (at, &x) in columns.iter().enumerate() {
            put(
                svg,
                format_args!(
                    "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#555\">{}</text>",
                    self.top + COLUMNS - 5.0,
                    step.columns.start + at + 1
                ),
            );
            let text = size(&step.expected, &step.expected_outgoing, at);
            filled(svg, step.kind, x, self.top + COLUMNS, &text, step.kind == StepKind::Loss);
        }
        for (at, &x) in runs.iter().enumerate() {
            let text = size(&step.cells, &step.outgoing, at);
            filled(svg, step.kind, x, below, &text, false);
            put(
                svg,
                format_args!(
                    "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" font-size=\"11\" fill=\"#555\">{}</text>",
                    below + BOX.1 + 14.0,
                    step.runs.start + at + 1
                ),
            );
        }
        self.bar(svg, middle, step.evidence);
        svg.push_str("</g>\n");
    }

    fn bar(&self, svg: &mut String, middle: f64, evidence: f64) {
        let plot = self.top + EVIDENCE;
        let (zero, end) = (plot + self.scale.y(0.0), plot + self.scale.y(evidence));
        let colour = if evidence >= 0.0 { FOR } else { AGAINST };
        put(
            svg,
            format_args!(
                "<rect x=\"{}\" y=\"{:.1}\" width=\"{BAR}\" height=\"{:.1}\" fill=\"{colour}\"/>",
                middle - BAR / 2.0,
                zero.min(end),
                (zero - end).abs()
            ),
        );
        let y = if evidence >= 0.0 { end - 4.0 } else { end + 12.0 };
        let weight =
            if evidence != 0.0 && self.scale.strongest.contains(&evidence) { " font-weight=\"bold\"" } else { "" };
        put(
            svg,
            format_args!(
                "<text x=\"{middle}\" y=\"{y:.1}\" text-anchor=\"middle\" font-size=\"11\" fill=\"{colour}\"{weight}>{evidence:+.1}</text>"
            ),
        );
    }

    /// A step in words, for who points at it.
    fn in_words(&self, step: &Step) -> String {
        let list = |numbers: Vec<String>| numbers.join(" and ");
        let sizes = |cells: &[f64], outgoing: &[bool]| {
            list(
                cells
                    .iter()
                    .zip(outgoing)
                    .map(|(&cells, &out)| self::cells(cells, self.signed.then_some(out)))
                    .collect(),
            )
        };
        let places = |range: &std::ops::Range<usize>| list(range.clone().map(|at| (at + 1).to_string()).collect());
        let mut text = format!("{}: ", word(step.kind));
        if !step.columns.is_empty() {
            let _ = write!(
                text,
                "column {} expects {} cells, ",
                places(&step.columns),
                sizes(&step.expected, &step.expected_outgoing)
            );
        }
        if !step.runs.is_empty() {
            let _ = write!(text, "run {} has {} cells, ", places(&step.runs), sizes(&step.cells, &step.outgoing));
        }
        let _ = write!(text, "evidence {:+.2} nats", step.evidence);
        text
    }
}

/// A box with a text in the colours of its kind: round for what is extra, dashed where `empty`.
fn filled(svg: &mut String, kind: StepKind, middle: f64, top: f64, text: &str, empty: bool) {
    let (stroke, fill) = colours(kind);
    let (left, round) = (middle - BOX.0 / 2.0, if kind == StepKind::Insertion { BOX.1 / 2.0 } else { 2.0 });
    let dashes = if empty { " stroke-dasharray=\"4 3\"" } else { "" };
    put(
        svg,
        format_args!(
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" rx=\"{round}\" fill=\"{fill}\" stroke=\"{stroke}\" stroke-width=\"1.5\"{dashes}/>",
            BOX.0, BOX.1
        ),
    );
    put(
        svg,
        format_args!(
            "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\" font-size=\"{}\">{text}</text>",
            top + 16.5,
            if text.len() > 5 { 10 } else { 12 }
        ),
    );
}

fn legend(svg: &mut String, top: f64, signed: bool) {
    let words = [
        (StepKind::Match, "match; \u{2248} of another size"),
        (StepKind::Split, "split: one column, two runs"),
        (StepKind::Merge, "merge: two columns, one run"),
        (StepKind::Insertion, "extra: a run of no column"),
        (StepKind::Loss, "lost: a column without run"),
    ];
    for (at, (kind, text)) in words.into_iter().enumerate() {
        let (x, y) = (20.0 + 320.0 * (at % 3) as f64, top + 30.0 * (at / 3) as f64);
        filled(svg, kind, x + BOX.0 / 2.0, y, "9", kind == StepKind::Loss);
        put(svg, format_args!("<text x=\"{}\" y=\"{}\" fill=\"#333\">{text}</text>", x + BOX.0 + 8.0, y + 16.5));
    }
    let sizes = if signed { "sizes in cells, + outgoing, - incoming" } else { "sizes in cells, of what comes in" };
    put(svg, format_args!("<text x=\"660\" y=\"{}\" fill=\"#333\">{sizes}</text>", top + 46.5));
    put(
        svg,
        format_args!(
            "<text x=\"20\" y=\"{}\" fill=\"#333\">Evidence: ln of how much more probable a step is in the class than its runs are in all \
         traces. Bars up speak for the class, bars down against it.</text>",
            top + 80.0
        ),
    );
    put(
        svg,
        format_args!(
            "<text x=\"20\" y=\"{}\" fill=\"#333\">The strongest of either are bold. 0.7 nats are twice, 2.3 ten times, 4.6 a hundred times as probable.</text>",
            top + 99.0
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: StepKind, columns: std::ops::Range<usize>, runs: std::ops::Range<usize>, evidence: f64) -> Step {
        Step {
            kind,
            cells: vec![9.0; runs.len()],
            expected: vec![8.0; columns.len()],
            outgoing: vec![true; runs.len()],
            expected_outgoing: vec![false; columns.len()],
            columns,
            runs,
            nats: -1.0,
            evidence,
        }
    }

    fn of(steps: &[Step], signed: bool) -> String {
        alignment(&AlignedTrace { title: "a & b", lines: &["x < y", "z"], steps, signed })
    }

    #[test]
    fn kinds_differ_in_shape_and_word() {
        let steps = [
            step(StepKind::Match, 0..1, 0..1, 2.0),
            step(StepKind::Split, 1..2, 1..3, 3.1),
            step(StepKind::Merge, 2..4, 3..4, 1.0),
            step(StepKind::Insertion, 4..4, 4..5, -0.5),
            step(StepKind::Loss, 4..5, 5..5, -1.5),
        ];
        let svg = of(&steps, false);
        assert!(svg.contains("a &amp; b") && svg.contains("x &lt; y") && svg.ends_with("</svg>\n"), "{svg}");
        assert_eq!(svg.matches("<title>").count(), 5);
        for word in ["split", "merge", "extra", "lost"] {
            assert!(svg.contains(&format!(">{word}</text>")), "{word}");
        }
        // A match joins one to one, a split one to two, a merge two to one; dashes and the cross are those of the loss, and of its key.
        assert_eq!(svg.matches(" L").count(), 1 + 2 + 2);
        assert_eq!((svg.matches("stroke-dasharray").count(), svg.matches("l12 12").count()), (2, 1));
        assert_eq!(svg.matches("font-weight=\"bold\"").count(), 2);
        assert!(svg.contains("bold\">+3.1<") && svg.contains("bold\">-1.5<"), "{svg}");
        assert!(svg.contains("split: column 2 expects 8 cells, run 2 and 3 has 9 and 9 cells, evidence +3.10 nats"));
        assert!(of(&steps, true).contains("column 1 expects -8 cells, run 1 has +9 cells"));
    }

    #[test]
    fn bars_are_as_long_as_the_evidence() {
        // The scale goes from -2 to 3: 80 pixels for 5 nats.
        let svg = of(&[step(StepKind::Match, 0..1, 0..1, 3.0), step(StepKind::Loss, 1..2, 1..1, -1.5)], false);
        assert!(svg.contains("height=\"48.0\"") && svg.contains("height=\"24.0\""), "{svg}");
    }

    #[test]
    fn long_alignments_are_wrapped_and_nothing_is_torn_apart() {
        let steps: Vec<Step> = (0..500)
            .map(|at| match at % 20 {
                19 => step(StepKind::Merge, at..at + 2, at..at + 1, 1.0),
                _ => step(StepKind::Match, at..at + 1, at..at + 1, 1.0),
            })
            .collect();
        let rows = rows(&steps);
        assert!(rows.iter().all(|row| row.iter().map(slots).sum::<usize>() <= SLOTS));
        assert_eq!(rows.concat(), steps);
        assert_eq!(of(&steps, false).matches("evidence, nats").count(), rows.len());
        assert!(of(&[], false).ends_with("</svg>\n") && !of(&[], false).contains("NaN"));
    }
}
