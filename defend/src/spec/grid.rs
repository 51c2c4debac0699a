//! Many specifications written as one: lists and ranges of values.

use std::str::FromStr;

use thiserror::Error;

use crate::spec::specification::LayerText;
use crate::{DefenseSpec, DefenseSpecError, Kind, LayerSpec, Value};

/// Values of a range where no number is given.
const STEPS: usize = 5;

/// Specifications that one pattern may stand for.
const MOST: usize = 1_000;

/// Why a text stands for no specifications.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GridError {
    /// One of them is none.
    #[error(transparent)]
    Spec(#[from] DefenseSpecError),
    /// A range that cannot be walked.
    #[error("`{range}` is no range: {problem}")]
    Range {
        /// What was written.
        range: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The ranges multiply.
    #[error("`{pattern}` stands for more than {MOST} specifications")]
    TooMany {
        /// What was written.
        pattern: String,
    },
}

/// The specifications that `pattern` stands for: in place of a preset or value it may have a list, `a|b|c`, and in place of a value with a
/// number a range, `a..b` or `a..b/n`. All combinations are meant, the last value changing first.
///
/// A range has `n` values (5 where it does not say), both ends among them: at equal ratios, or at equal differences where an end is 0, those
/// between rounded to three digits. Values that rounding makes equal are there once.
///
/// ```
/// let specs = wfkit_defend::grid("front:ft-1,n-client=500..2000/3,w-max=7s|14s")?;
/// assert_eq!(specs.len(), 6);
/// assert_eq!(specs[3].to_string(), "front:ft-1,n-client=1000,w-max=14s");
/// # Ok::<(), wfkit_defend::GridError>(())
/// ```
///
/// # Errors
/// A specification that is none, also when only some combinations do not go together; a range that ends where it begins or before it; more
/// than a thousand specifications.
pub fn grid(pattern: &str) -> Result<Vec<DefenseSpec>, GridError> {
    let layers = pattern.split('+').map(layers).collect::<Result<Vec<_>, _>>()?;
    let texts = product(&layers, "+").ok_or_else(|| GridError::TooMany { pattern: pattern.to_owned() })?;
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, DefenseSpecError>>()?)
}

/// Several specifications that were written as one, on a command line or in a plan.
#[derive(Debug, Clone)]
pub struct DefenseGrid(pub Vec<DefenseSpec>);

impl FromStr for DefenseGrid {
    type Err = String;

    /// As [`grid`] has it; `@FILE` as in [`DefenseSpec::with_files`].
    fn from_str(text: &str) -> Result<Self, String> {
        grid(&with_machines_of_files(text)?).map(Self).map_err(|error| error.to_string())
    }
}

impl DefenseSpec {
    /// A specification in which `@FILE` stands for the machines in the file.
    ///
    /// # Errors
    /// A file that cannot be read; what is no specification.
    pub fn with_files(text: &str) -> Result<Self, String> {
        with_machines_of_files(text)?.parse().map_err(|error: DefenseSpecError| error.to_string())
    }

    /// A link as a layer: `10Mbit/s`, or `1Mbit/s,10Mbit/s` out and in.
    ///
    /// # Errors
    /// What is no rate.
    pub fn of_link(text: &str) -> Result<Self, String> {
        let spec = match text.split_once(',') {
            Some((out, inward)) => format!("link,rate-out={out},rate-in={inward}"),
            None => format!("link,rate={text}"),
        };
        spec.parse().map_err(|error: DefenseSpecError| error.to_string())
    }
}

/// The pattern with the machines of each file, one a line, in the place of its `=@FILE`: whatever is kept of it says everything, and
/// needs no file. A line that begins with # is a remark. What joins layers cannot stand in a text, so `-` stands for it.
///
/// # Errors
/// A file that cannot be read.
pub fn with_machines_of_files(pattern: &str) -> Result<String, String> {
    let mut parts = pattern.split("=@");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', '+', '|']).unwrap_or(part.len());
        let (file, rest) = part.split_at(end);
        let machines = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let machines = machines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let machines = machines.collect::<Vec<_>>().join(";").replace('+', "-");
        whole.extend(["=", &machines, rest]);
    }
    Ok(whole)
}

/// What one layer stands for.
fn layers(pattern: &str) -> Result<Vec<String>, GridError> {
    let LayerText { name, preset, parameters } = LayerText::new(pattern);
    let heads: Vec<String> = match preset {
        Some(presets) => presets.split('|').map(|preset| format!("{name}:{preset}")).collect(),
        None => vec![name.to_owned()],
    };
    let mut all = Vec::new();
    for head in heads {
        // The kind of a value is the preset's to say.
        let layer: LayerSpec = head.parse()?;
        let mut choices = vec![vec![head]];
        for part in &parameters {
            choices.push(assignments(&layer, part)?);
        }
        all.extend(product(&choices, ",").ok_or_else(|| GridError::TooMany { pattern: pattern.to_owned() })?);
    }
    Ok(all)
}

/// What one `key=values` stands for. What is no parameter of the layer is left for the specification to refuse.
fn assignments(layer: &LayerSpec, part: &str) -> Result<Vec<String>, GridError> {
    let Some((key, values)) = part.split_once('=') else { return Ok(vec![part.to_owned()]) };
    let (key, mut found) = (key.trim(), Vec::new());
    let kind = layer.preset().parameters.iter().find(|parameter| parameter.key == key).map(|parameter| parameter.kind);
    for value in values.split('|').map(str::trim) {
        match (kind, value.split_once("..")) {
            (Some(kind), Some((from, to))) if is_number(kind) => found.extend(range(kind, value, from, to)?),
            _ => found.push(value.to_owned()),
        }
    }
    let mut seen = Vec::new();
    found.retain(|value| {
        !seen.contains(value) && {
            seen.push(value.clone());
            true
        }
    });
    Ok(found.into_iter().map(|value| format!("{key}={value}")).collect())
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Duration | Kind::Size | Kind::Count | Kind::Ratio | Kind::Rate)
}

/// The values of `from..to` or `from..to/n`.
fn range(kind: Kind, text: &str, from: &str, to: &str) -> Result<Vec<String>, GridError> {
    let error = |problem: String| GridError::Range { range: text.to_owned(), problem };
    // A rate has a stroke of its own (`10Mbit/s`): only digits after the last one are a number of values.
    let (to, steps) = match to.rsplit_once('/') {
        Some((to, steps)) if !steps.is_empty() && steps.bytes().all(|byte| byte.is_ascii_digit()) => {
            let steps = steps.parse().ok().filter(|&steps| (2..=MOST).contains(&steps));
            (to, steps.ok_or_else(|| error(format!("it has 2 to {MOST} values")))?)
        }
        _ => (to, STEPS),
    };
    let first = kind.parse(from.trim()).map_err(&error)?;
    let last = kind.parse(to.trim()).map_err(&error)?;
    let (low, high) = (first.number() as f64, last.number() as f64);
    if high <= low {
        return Err(error("it has to go up".to_owned()));
    }
    let between = (1..steps - 1).map(|step| {
        let share = step as f64 / (steps - 1) as f64;
        let value = if low > 0.0 { low * (high / low).powf(share) } else { high * share };
        with_number(first, three_digits(value))
    });
    let mut values: Vec<String> =
        std::iter::once(first).chain(between).chain([last]).map(|value| value.to_string()).collect();
    values.dedup();
    Ok(values)
}

/// A whole number near `value`: its first three digits.
fn three_digits(value: f64) -> u64 {
    let unit = 10f64.powi((value.log10().floor() as i32 - 2).max(0));
    ((value / unit).round() * unit) as u64
}

/// A value of the same kind.
fn with_number(like: Value, number: u64) -> Value {
    match like {
        Value::Duration(_) => Value::Duration(number),
        Value::Size(_) => Value::Size(number as u32),
        Value::Count(_) => Value::Count(number),
        Value::Ratio(_) => Value::Ratio(number),
        Value::Rate(_) => Value::Rate(number),
        other => other,
    }
}

/// One of each, joined, in all combinations; none where there are more than [`MOST`].
fn product(choices: &[Vec<String>], joint: &str) -> Option<Vec<String>> {
    let mut all = vec![String::new()];
    for (place, choice) in choices.iter().enumerate() {
        if all.len() * choice.len() > MOST {
            return None;
        }
        let joint = if place == 0 { "" } else { joint };
        all = all.iter().flat_map(|start| choice.iter().map(move |next| format!("{start}{joint}{next}"))).collect();
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(pattern: &str) -> Vec<String> {
        grid(pattern).unwrap().iter().map(ToString::to_string).collect()
    }

    fn values(pattern: &str) -> Vec<String> {
        texts(pattern).iter().map(|text| text.rsplit_once('=').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn a_specification_stands_for_itself() {
        for text in ["front:ft-1", "tamaraw:ccs14,rho-out=40ms,stop=soft:4s+pad:mtu", "link:fifo,rate=10Mbit/s"] {
            let spec: DefenseSpec = text.parse().unwrap();
            assert_eq!(grid(text), Ok(vec![spec]));
        }
    }

    #[test]
    fn files_stand_for_their_machines_and_links_are_layers() {
        let named = "maybenot:machines,client=@no such file";
        for told in [DefenseSpec::with_files(named).unwrap_err(), named.parse::<DefenseGrid>().unwrap_err()] {
            assert!(told.starts_with("no such file: "), "{told}");
        }
        assert_eq!("front:n=500..5000/2".parse::<DefenseGrid>().unwrap().0.len(), 2);
        assert!("front:n=5..1".parse::<DefenseGrid>().unwrap_err().contains("go up"));
        let both = DefenseSpec::of_link("1Mbit/s,10Mbit/s").unwrap().to_string();
        assert_eq!(both, "link:fifo,rate-out=1Mbit/s,rate-in=10Mbit/s");
        assert_eq!(DefenseSpec::of_link("10Mbit/s").unwrap().to_string(), "link:fifo,rate=10Mbit/s");
        assert!(DefenseSpec::of_link("fast").unwrap_err().contains("fast"));
    }

    #[test]
    fn ranges_have_equal_ratios_and_round_values() {
        assert_eq!(values("front:n=500..5000"), ["500", "889", "1580", "2810", "5000"]);
        assert_eq!(values("front,n-client=500..5000"), ["500", "889", "1580", "2810", "5000"]);
        assert_eq!(values("front,n-client=500..5000/4"), ["500", "1080", "2320", "5000"]);
        assert_eq!(values("front,n-client=0..1000"), ["0", "250", "500", "750", "1000"]);
        assert_eq!(values("tamaraw,rho-out=10ms..40ms/3"), ["10ms", "20ms", "40ms"]);
        assert_eq!(values("jitter,max=0s..1s/2"), ["0s", "1s"]);
        assert_eq!(values("regulator:light,decay=0.5..0.9/3"), ["0.5", "0.671", "0.9"]);
        assert_eq!(values("link,rate-out=1Mbit/s..4Mbit/s/3"), ["1Mbit/s", "2Mbit/s", "4Mbit/s"]);
        assert_eq!(values("pad,to=64B..256B/3"), ["64B", "128B", "256B"]);
        assert_eq!(values("front,n-client=1..3"), ["1", "2", "3"], "rounded values are there once");
    }

    #[test]
    fn lists_and_ranges_multiply_over_layers_and_presets() {
        assert_eq!(texts("front:ft-1|ft-2"), ["front:ft-1", "front:ft-2"]);
        assert_eq!(
            texts("front:ft-1|ft-2,n-client=1|5+jitter,max=1ms|2ms").len(),
            8,
            "presets, values and layers in all combinations"
        );
        assert_eq!(values("tamaraw,delays=none|inferred"), ["none", "inferred"]);
        assert_eq!(values("front,n-client=7|1..2/2|7"), ["7", "1", "2"]);
    }

    #[test]
    fn what_is_no_grid_is_told() {
        let error = |pattern: &str| grid(pattern).unwrap_err().to_string();
        assert_eq!(error("front,n-client=5..2"), "`5..2` is no range: it has to go up");
        assert_eq!(error("front,n-client=1..2/1"), "`1..2/1` is no range: it has 2 to 1000 values");
        assert!(error("front,w-max=1..2s").contains("needs the unit of a duration"));
        assert!(error("front,m=1..2").contains("front:ft-1 has no parameter `m`"));
        assert!(error("frost").starts_with("there is no defence"));
        assert!(error("front,n-client=1..900/40,n-server=1..900/40").contains("more than 1000 specifications"));
        assert!(error("front,w-min=1s|20s,w-max=5s").contains("w-min"), "combinations have to go together");
    }
}
