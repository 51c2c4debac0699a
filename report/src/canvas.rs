//! What pictures are drawn on: shapes and texts by class, whose colours a page or a file decides.

use std::fmt::Write as _;

/// Names and colours, on paper and in the dark. Those of series differ in lightness too, and each has a pattern of its own.
pub(crate) const COLOURS: [(&str, &str, &str); 13] = [
    ("ground", "#ffffff", "#15181c"),
    ("ink", "#222222", "#e8e8e8"),
    ("soft", "#555555", "#b4b8bd"),
    ("grid", "#dddddd", "#3a4047"),
    ("axis", "#777777", "#8f969e"),
    ("a", "#33658f", "#77aadd"),
    ("b", "#aa3377", "#ee88bb"),
    ("c", "#1d7530", "#66cc77"),
    ("d", "#8a6a00", "#d8bb4c"),
    ("e", "#b5431a", "#f0926c"),
    ("f", "#444444", "#cccccc"),
    ("pale", "#b9cfe3", "#34526e"),
    ("mark", "#cc3311", "#ff8066"),
];

/// How each class looks; colours by name.
const RULES: &str = "\
.wf text{font-family:sans-serif;font-size:13px;fill:$ink}\
.wf .soft{fill:$soft}.wf .small{font-size:11px}.wf .strong{font-weight:bold}.wf .title{font-size:16px}\
.wf .halo{paint-order:stroke;stroke:$ground;stroke-width:3}.wf .ground{fill:$ground}.wf .grid{stroke:$grid;fill:none}.wf .axis{stroke:$axis;fill:none}\
.wf .chance{stroke:$axis;fill:none;stroke-dasharray:6 4}.wf .line{fill:none;stroke-width:1.8}\
.wf .a{stroke:$a}.wf .b{stroke:$b;stroke-dasharray:7 3}.wf .c{stroke:$c;stroke-dasharray:2 2}\
.wf .d{stroke:$d;stroke-dasharray:9 3 2 3}.wf .e{stroke:$e;stroke-dasharray:4 4}.wf .f{stroke:$f;stroke-dasharray:1 3}\
.wf .fa{fill:$a}.wf .fb{fill:$b}.wf .fc{fill:$c}.wf .fd{fill:$d}.wf .fe{fill:$e}.wf .ff{fill:$f}\
.wf .pale{fill:$pale}.wf .band{fill:$pale;fill-opacity:.55}.wf .mark{fill:none;stroke:$mark;stroke-width:2}.wf .fmark{fill:$mark}\
.wf .whisker{stroke:$soft;fill:none}.wf .leader{stroke:$axis;fill:none;stroke-dasharray:1 3}.wf .onfull{fill:$ground}.wf .edge{fill:none;stroke:$a}";

/// The classes of series, in order.
pub(crate) const SERIES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// The rules with colours as variables of the page, and the variables on paper and in the dark.
pub(crate) fn rules_of_a_page() -> (String, String, String) {
    let named = |dark: bool| {
        let colour =
            |(name, light, night): &(&str, &str, &str)| format!("--{name}:{};", if dark { night } else { light });
        COLOURS.iter().map(colour).collect::<String>()
    };
    (coloured(|name| format!("var(--{name})")), named(false), named(true))
}

fn coloured(of: impl Fn(&str) -> String) -> String {
    let mut names: Vec<&str> = COLOURS.iter().map(|(name, ..)| *name).collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len())); // `$axis` before `$a`
    names.into_iter().fold(RULES.to_owned(), |rules, name| rules.replace(&format!("${name}"), &of(name)))
}

/// Where a text is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under way. Coordinates are in pixels from the upper left corner; texts are escaped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Canvas {
    pub(crate) width: f64,
    pub(crate) height: f64,
    body: String,
}

/// Height of a line of text.
pub(crate) const LINE: f64 = 18.0;
/// Left and right of all.
pub(crate) const MARGIN: f64 = 16.0;

impl Canvas {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    pub(crate) fn text(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        self.put(&format!("<text x=\"{}\" y=\"{}\"{anchor}{class}>{}</text>", px(at.0), px(at.1), escaped(text)));
    }

    /// A text that is shortened in its middle where it is wider than `room`.
    pub(crate) fn fitted(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str, room: f64) {
        let size = if class.contains("small") { 11.0 } else { 13.0 };
        self.text(at, anchor, class, &shortened(text, room, size));
    }

    /// A text that reads upwards.
    pub(crate) fn upright(&mut self, at: (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.put(&format!(
            "<text transform=\"translate({} {}) rotate(-90)\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
            px(at.0),
            px(at.1),
            escaped(text)
        ));
    }

    pub(crate) fn path(&mut self, class: &str, d: &str) {
        if !d.is_empty() {
            self.put(&format!("<path class=\"{class}\" d=\"{d}\"/>"));
        }
    }

    pub(crate) fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let (x, y, width, height) = (px(x), px(y), px(width), px(height));
        self.put(&format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"/>"));
    }

    /// A dot that tells itself to who points at it.
    pub(crate) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, told: &str) {
        let told = if told.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(told)) };
        self.put(&format!(
            "<circle class=\"{class}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{told}</circle>",
            px(x),
            px(y),
            px(radius)
        ));
    }

    /// A shape of any kind, as it is.
    pub(crate) fn put(&mut self, element: &str) {
        let _ = writeln!(self.body, "{element}"); // Writing to a string does not fail.
    }

    /// For a page that has the rules, and says title and finding itself.
    pub(crate) fn inside_a_page(&self, label: &str) -> String {
        format!(
            "<svg class=\"wf\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n",
            px(self.width),
            px(self.height),
            escaped(label),
            self.body
        )
    }

    /// A file to be shown by a page that says title and finding itself, in the colours of the reader's scheme; printed, in those of paper.
    pub(crate) fn image(&self, title: &str, finding: &str) -> String {
        let (rules, light, dark) = rules_of_a_page();
        let (width, height) = (px(self.width), px(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"wf\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
             <title>{}</title>\n<desc>{}</desc>\n\
             <style>:root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}{rules}</style>\n\
             <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n{}</svg>\n",
            escaped(title),
            escaped(finding),
            self.body
        )
    }

    /// A file of its own: title and finding above, `data` in its description.
    pub(crate) fn alone(&self, title: &str, finding: &str, data: &str) -> String {
        let room = self.width - 2.0 * MARGIN;
        let titles = lines_of(title, room, 16.0);
        let findings = lines_of(finding, room, 13.0);
        let head = 14.0 + 22.0 * titles.len() as f64 + LINE * findings.len() as f64 + 8.0;
        let mut above = Self::new(self.width, head);
        for (at, line) in titles.iter().enumerate() {
            above.text((MARGIN, 28.0 + 22.0 * at as f64), Anchor::Start, "title", line);
        }
        let under = 14.0 + 22.0 * titles.len() as f64;
        for (at, line) in findings.iter().enumerate() {
            above.text((MARGIN, under + 14.0 + LINE * at as f64), Anchor::Start, "soft", line);
        }
        let (width, height) = (px(self.width), px(self.height + head));
        let light = |name: &str| {
            COLOURS
                .iter()
                .find(|(other, ..)| *other == name)
                .map_or_else(String::new, |(_, light, _)| (*light).to_owned())
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"wf\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
             <title>{}</title>\n<desc>{}\n{}</desc>\n<style>{}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n\
             {}<g transform=\"translate(0 {})\">\n{}</g>\n</svg>\n",
            escaped(title),
            escaped(finding),
            escaped(data),
            coloured(light),
            above.body,
            px(head),
            self.body
        )
    }
}

/// A coordinate with one decimal at most.
pub(crate) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// For XML and HTML, also inside of attributes.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no other control characters.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// About how wide a text is, rather more than less: fonts differ.
pub(crate) fn width_of(text: &str, size: f64) -> f64 {
    let of = |c: char| match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' | ' ' => 0.36,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '-' => 0.44,
        'm' | 'w' | 'M' | 'W' | '%' | '@' => 1.0,
        'A'..='Z' => 0.74,
        c if c.is_ascii() => 0.64,
        c if (c as u32) < 0x1100 => 0.72,
        _ => 1.1,
    };
    size * text.chars().map(of).sum::<f64>()
}

/// The beginning and the end of a text that is wider than `room`.
pub(crate) fn shortened(text: &str, room: f64, size: f64) -> String {
    if width_of(text, size) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    for kept in (1..letters.len()).rev() {
        let (start, end) = (kept - kept / 2, kept / 2);
        let short: String = letters[..start].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect();
        if width_of(&short, size) <= room {
            return short;
        }
    }
    "…".to_owned()
}

/// A text in lines of `room` pixels at most; words that are longer are shortened.
pub(crate) fn lines_of(text: &str, room: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word = shortened(word, room, size);
        match lines.last_mut() {
            Some(line) if width_of(&format!("{line} {word}"), size) <= room => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_shortened_to_their_room() {
        let name = "a-class-with-a-name-that-nobody-would-give-but-somebody-does.example";
        let short = shortened(name, 100.0, 13.0);
        assert!(
            width_of(&short, 13.0) <= 100.0 && short.contains('…') && short.starts_with('a') && short.ends_with('e'),
            "{short}"
        );
        assert_eq!(shortened("short", 100.0, 13.0), "short");
        assert_eq!(shortened("anything", 0.0, 13.0), "…");
        let lines = lines_of(&format!("one two {name} three"), 120.0, 13.0);
        assert!(lines.iter().all(|line| width_of(line, 13.0) <= 120.0), "{lines:?}");
    }

    #[test]
    fn a_name_is_no_mark_up() {
        assert_eq!(escaped("<a b=\"c\">&\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp;\u{fffd}");
        let mut canvas = Canvas::new(10.0, 10.0);
        canvas.text((1.0, 2.25), Anchor::Middle, "", "<script>");
        let svg = canvas.alone("</title><script>", "a", "b");
        assert!(!svg.contains("<script>") && svg.contains("y=\"2.2\""), "{svg}");
    }

    #[test]
    fn every_colour_has_its_value() {
        assert!(!Canvas::new(1.0, 1.0).alone("", "", "").contains('$'));
        let (rules, ..) = rules_of_a_page();
        assert!(
            rules.contains("stroke:var(--axis)") && rules.contains("stroke:var(--a)") && !rules.contains('$'),
            "{rules}"
        );
    }
}
