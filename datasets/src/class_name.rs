//! Which classes are one, however they are written.

use std::borrow::Cow;

use wfkit_metrics::ClassMap;

/// The name of a class as all files have it: without blanks around it, and a whole number by its shortest digits.
///
/// `1`, `1.0`, `01`, `+1`, `1e0` and ` 1 ` are one class, as pandas writes `1.0` where it read `1` beside an empty field. Whole numbers
/// beyond 2^53 are only one where their digits are, since a float would not tell them apart. All else stands as it is: `1.5`, `v1`, `1a`.
pub fn canonical(name: &str) -> Cow<'_, str> {
    let trimmed = name.trim();
    match whole_digits(trimmed) {
        Some(digits) if digits == trimmed => Cow::Borrowed(trimmed),
        Some(digits) => Cow::Owned(digits),
        None => Cow::Borrowed(trimmed),
    }
}

/// The shortest digits of a whole number written in decimals, with or without a fraction of zeros or an exponent.
fn whole_digits(text: &str) -> Option<String> {
    // Nothing else begins a number; this keeps names such as `inf` and `nan` what they are, and is quick.
    if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
        return None;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !whole.is_empty() && is_digits(whole) && rest.bytes().all(|byte| byte == b'0') {
        let shortest = whole.trim_start_matches('0');
        return Some(if shortest.is_empty() { "0".to_owned() } else { format!("{sign}{shortest}") });
    }
    let has_exponent = digits.contains(['e', 'E']);
    let number: f64 = if has_exponent { text.parse().ok()? } else { return None };
    (number.fract() == 0.0 && number.abs() <= (1u64 << 53) as f64).then(|| format!("{}", number as i64))
}

/// A class that is written in more than one way in one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MixedClass {
    /// Its canonical name.
    pub class: String,
    /// How it is written, in the order of bytes.
    pub spellings: Vec<String>,
}

/// Spellings of classes that were taken for one, each with what it was taken for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spellings(std::collections::BTreeMap<String, std::collections::BTreeSet<String>>);

impl Spellings {
    /// Notes a spelling, and gives the name of its class.
    pub fn canonical(&mut self, spelling: &str) -> String {
        let name = canonical(spelling).into_owned();
        let known = self.0.entry(name.clone()).or_default();
        if !known.contains(spelling) {
            known.insert(spelling.to_owned());
        }
        name
    }

    /// Classes that were written in more than one way.
    pub fn into_mixed(self) -> Vec<MixedClass> {
        let mixed = self.0.into_iter().filter(|(_, spellings)| spellings.len() > 1);
        mixed.map(|(class, spellings)| MixedClass { class, spellings: spellings.into_iter().collect() }).collect()
    }
}

/// What is wrong with testing on classes that were not trained on: none where every tested class was.
///
/// Names of both sides are given, some of them where they are many.
pub fn unknown_classes(trained: &ClassMap, tested: &ClassMap) -> Option<String> {
    let unknown: Vec<&str> =
        tested.names().iter().map(String::as_str).filter(|name| trained.index_of(name).is_none()).collect();
    if unknown.is_empty() {
        return None;
    }
    let some = |names: &[&str]| {
        let more = if names.len() > 5 { ", ..." } else { "" };
        names.iter().take(5).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ") + more
    };
    let known: Vec<&str> = trained.names().iter().map(String::as_str).collect();
    let how_many = match unknown.len() == tested.len() {
        true => "no tested class was trained on".to_owned(),
        false => format!("{} of {} tested classes were not trained on", unknown.len(), tested.len()),
    };
    Some(format!("{how_many}: tested {}, trained {}", some(&unknown), some(&known)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_one_class_in_any_spelling() {
        for one in ["1", "1.0", "01", "+1", " 1", "1 ", "1.", "001.000", "1e0", "10e-1", "\t1.0\n"] {
            assert_eq!(canonical(one), "1", "{one:?}");
        }
        for (spelling, name) in
            [("-3.0", "-3"), ("-0", "0"), ("0.0", "0"), ("1e3", "1000"), ("9007199254740993.0", "9007199254740993")]
        {
            assert_eq!(canonical(spelling), name);
        }
    }

    #[test]
    fn all_else_stands_as_it_is() {
        for name in [
            "", "1.5", "v1", "1a", "1,0", ".", "-", "+", "e", "1e", "inf", "nan", "-inf", "1e400", "0x1", "1_000", "é",
            "a b", "1.2.0",
        ] {
            assert_eq!(canonical(name), name);
        }
        assert_eq!(canonical(" a b "), "a b");
    }

    #[test]
    fn mixed_spellings_are_told() {
        let mut spellings = Spellings::default();
        for spelling in ["1", "2", "1.0", "1", " 2", "x"] {
            spellings.canonical(spelling);
        }
        let mixed = |class: &str, spellings: [&str; 2]| MixedClass {
            class: class.to_owned(),
            spellings: spellings.map(str::to_owned).to_vec(),
        };
        assert_eq!(spellings.into_mixed(), [mixed("1", ["1", "1.0"]), mixed("2", [" 2", "2"])]);
    }

    #[test]
    fn classes_that_nobody_trained_on_are_told() {
        let classes = |names: &[&str]| ClassMap::from_labels(names);
        assert_eq!(unknown_classes(&classes(&["1", "2"]), &classes(&["2"])), None);
        assert_eq!(
            unknown_classes(&classes(&["1", "2"]), &classes(&["2", "a"])).unwrap(),
            "1 of 2 tested classes were not trained on: tested `a`, trained `1`, `2`"
        );
        let none = unknown_classes(&classes(&["1", "2"]), &classes(&["a", "b"])).unwrap();
        assert!(none.starts_with("no tested class was trained on: tested `a`, `b`"), "{none}");
    }
}
