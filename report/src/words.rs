//! Texts for people.

/// Columns that every terminal has.
pub const NARROW: usize = 80;

/// A text in lines of so many characters at most, but for words that are longer.
pub fn wrapped(text: &str, most: usize) -> Vec<String> {
    lines(text, most, "")
}

/// A text in lines that every terminal has room for; all but the first are indented.
pub fn hanging(text: &str) -> Vec<String> {
    lines(text, NARROW, "  ")
}

fn lines(text: &str, most: usize, indent: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= most => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("{indent}{word}")),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The beginning and the end of a name that is longer than `width` characters, of which there are three at least.
pub fn abbreviated(name: &str, width: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= width {
        return name.to_owned();
    }
    let (start, end) = ((width - 1) / 2, width - 1 - (width - 1) / 2);
    letters[..start].iter().chain(&['…']).chain(&letters[letters.len() - end..]).collect()
}

/// A number and what it counts.
pub fn number(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Numbers as a row of bars, each a share of the largest; nothing for what is 0, and for NaN.
pub fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let largest = values.iter().copied().fold(0.0, f64::max);
    let bar = |&value: &f64| match value > 0.0 && largest.is_finite() {
        true => BARS[((value / largest * 8.0).ceil() as usize).clamp(1, 8) - 1],
        false => ' ',
    };
    values.iter().map(bar).collect()
}

/// A score between 0 and 1 with four decimals, or a dash.
pub fn score(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

/// A share as a percentage with one decimal.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_no_longer_than_asked_for() {
        assert_eq!(wrapped("a bc def ghijklm n", 6), ["a bc", "def", "ghijklm", "n"]);
        assert_eq!(wrapped("", 6), [""]);
        assert_eq!(lines("a bc def ghijk", 6, "  "), ["a bc", "  def", "  ghijk"]);
    }

    #[test]
    fn long_names_keep_their_ends() {
        assert_eq!(abbreviated("a-session-with-a-very-long-name-12", 11), "a-ses…me-12");
        assert_eq!(abbreviated("short", 11), "short");
    }

    #[test]
    fn numbers_agree() {
        assert_eq!([number(1, "split", "splits"), number(0, "split", "splits")], ["1 split", "0 splits"]);
    }

    #[test]
    fn a_sparkline_has_a_bar_for_what_is_there() {
        assert_eq!(sparkline(&[0.0, 1.0, 4.0, 8.0, f64::NAN, -1.0]), " ▁▄█  ");
        assert_eq!((sparkline(&[]), sparkline(&[0.0])), (String::new(), " ".to_owned()));
    }
}
