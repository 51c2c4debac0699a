//! Values of the command line that are checked before the work begins and kept as they were written, for reports.

use std::fmt::Display;
use std::fs;
use std::str::FromStr;

use wfkit_classify::{Attack, AttackOptions};
use wfkit_metrics::did_you_mean_one_of;

/// A text that is a `T`.
pub(crate) fn of<T: FromStr<Err: Display>>(text: &str) -> Result<String, String> {
    text.parse::<T>().map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// The name of an attack.
pub(crate) fn attack(text: &str) -> Result<String, String> {
    let attack = Attack::by_name(text, &AttackOptions::default());
    attack.map(|_| text.to_owned()).map_err(|error| error.to_string())
}

/// The name of a class, as all files have it: `01` is `1`.
pub(crate) fn class(text: &str) -> Result<String, String> {
    let name = wfkit_datasets::canonical_class(text);
    if name.is_empty() { Err("a class has a name".to_owned()) } else { Ok(name.into_owned()) }
}

/// The name of an attack, or all of them.
pub(crate) fn attack_or_all(text: &str) -> Result<String, String> {
    if text == crate::commands::ALL { Ok(text.to_owned()) } else { attack(text) }
}

/// The name of an attack; all of them are for comparing.
pub(crate) fn attack_to_train(text: &str) -> Result<String, String> {
    if text == crate::commands::ALL {
        return Err("`all` compares attacks, and a model file holds one: wfkit evaluate TRACES --attack all shows which to train".to_owned());
    }
    attack(text)
}

/// The name of a defence, simulated or not.
pub(crate) fn defence(text: &str) -> Result<String, String> {
    crate::commands::find_defence(text).map(|_| text.to_owned())
}

/// A pattern for file names, or `folders`.
pub(crate) fn label(text: &str) -> Result<String, String> {
    if text == "folders" { Ok(text.to_owned()) } else { of::<wfkit_capture::LabelPattern>(text) }
}

/// An attack of a sweep, by its full name.
pub(crate) fn attack_of_sweep(text: &str) -> Result<String, String> {
    crate::commands::attack_name(text).map_err(|error| error.to_string())
}

/// A defence with its layers; `@FILE` stands for the machines in the file.
pub(crate) fn layers(text: &str) -> Result<String, String> {
    of::<wfkit_defend::DefenseSpec>(&with_files(text)?)
}

/// One defence or several; `@FILE` as in [`layers`].
pub(crate) fn grid(text: &str) -> Result<String, String> {
    let text = with_files(text)?;
    wfkit_defend::grid(&text).map(|_| text).map_err(|error| error.to_string())
}

/// The specification with the machines of each file, one a line, in the place of its `=@FILE`: whatever is kept of it says everything, and
/// needs no file. A line that begins with # is a remark. What joins layers cannot stand in a text, so `-` stands for it.
fn with_files(text: &str) -> Result<String, String> {
    let mut parts = text.split("=@");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', '+', '|']).unwrap_or(part.len());
        let (file, rest) = part.split_at(end);
        let machines = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let machines = machines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let machines = machines.collect::<Vec<_>>().join(";").replace('+', "-");
        whole.extend(["=", &machines, rest]);
    }
    Ok(whole)
}

/// A defence that published code runs otherwise than its paper says, or `all`.
pub(crate) fn variants(text: &str) -> Result<String, String> {
    let mut names: Vec<&str> = wfkit_defend::variants().iter().map(|variants| variants.defense).collect();
    match text == "all" || names.contains(&text) {
        true => Ok(text.to_owned()),
        false => {
            names.insert(0, "all");
            let meant = did_you_mean_one_of(text, names.iter().copied());
            let names = names.join(", ");
            Err(format!("`{text}` is in no published code otherwise than in its paper{meant}; there are {names}"))
        }
    }
}

/// A data set of published numbers.
pub(crate) fn data_set(text: &str) -> Result<String, String> {
    crate::commands::data_set(text)
}
