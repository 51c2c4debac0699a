//! Values of command lines that several programs, or several commands, take.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// One of several, each by its name, with its meaning as help.
pub fn one_of<T: Copy + Send + Sync + 'static>(
    all: impl IntoIterator<Item = T>,
    name: fn(T) -> &'static str,
    meaning: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let all: Vec<T> = all.into_iter().collect();
    let names = all.iter().map(|&one| PossibleValue::new(name(one)).help(meaning(one)));
    PossibleValuesParser::new(names.collect::<Vec<_>>()).map(move |written| {
        let meant = all.iter().find(|&&one| name(one) == written);
        *meant.expect("clap takes these names alone")
    })
}

/// On or off.
pub fn on_or_off() -> impl TypedValueParser<Value = bool> {
    PossibleValuesParser::new(["on", "off"]).map(|name| name == "on")
}

/// A share of something that is neither nothing nor all of it.
///
/// # Errors
/// No number, or another one.
pub fn share(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("not a share above 0 and below 1".to_owned()),
    }
}

/// Percentages, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Percents(pub Vec<u16>);

impl std::str::FromStr for Percents {
    type Err = String;

    /// `10..100`, which is by tens, or `20,50`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.trim().parse::<u16>() {
            Ok(percent) if (1..=1000).contains(&percent) => Ok(percent),
            _ => Err(format!("{text:?} is no percentage from 1 to 1000")),
        };
        let mut found: Vec<u16> = match text.split_once("..") {
            Some((from, to)) => (number(from)?..=number(to)?).step_by(10).collect(),
            None => text.split(',').map(number).collect::<Result<_, _>>()?,
        };
        found.sort_unstable();
        found.dedup();
        if found.is_empty() { Err(format!("{text:?} names no percentage")) } else { Ok(Self(found)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_a_list_or_a_range_by_tens() {
        let read = |text: &str| text.parse::<Percents>().map(|percents| percents.0);
        assert_eq!(read("10..35"), Ok(vec![10, 20, 30]));
        assert_eq!(read("50, 20,50"), Ok(vec![20, 50]));
        assert_eq!(read("30..10"), Err("\"30..10\" names no percentage".to_owned()));
        read("0").unwrap_err();
        assert_eq!(share("0.5"), Ok(0.5));
        share("1").unwrap_err();
    }
}
