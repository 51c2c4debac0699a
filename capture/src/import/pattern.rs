//! Labels in the names of files.

use std::fmt;
use std::str::FromStr;

use regex::Regex;
use thiserror::Error;

use crate::import::dates::date_in;
use crate::import::label::Label;

/// A regular expression that finds the label in the path of a file: by its group `class`, and its groups `rep` (a
/// whole number) and `session` where it has them. Parts of a path are separated by `/`; the expression may match
/// anywhere unless it is anchored.
///
/// The default finds `cell_CLASS_rep_REP.pcap`, `CLASS_rep_REP.pcap`, `CLASS_REP.pcap` and `CLASS-REP.pcap`, in
/// folders of any name, also with the endings `.pcapng` and `.cap`, and for texts `.csv`, `.tsv`, `.txt`, `.json` and `.log` (and `.gz`, `.zst`, `.xz` or
/// another of compression behind).
/// The last number is the rep: `example-2.com_13.pcap` is rep 13 of `example-2.com`. A name with a date or a time of day in
/// it (`example.net_2024-05-01.pcap`) has no label by default, so that no part of a date becomes a class or rep.
#[derive(Debug, Clone)]
pub struct LabelPattern {
    regex: Regex,
    is_default: bool,
}

impl Default for LabelPattern {
    fn default() -> Self {
        let default = r"(?:^|/)(?:cell_)?(?<class>[^/]+?)(?:_rep_|[_-])(?<rep>[0-9]+)\.(?:pcapng|pcap|cap|csv|tsv|txt|json|log)(?:\.(?:gz|zst|xz|bz2|lz4|lzma|lz|zip|7z|Z))?$";
        Self { regex: Regex::new(default).expect("it is tested"), is_default: true }
    }
}

/// Text that is no [`LabelPattern`].
#[derive(Debug, Clone, PartialEq, Error)]
pub enum LabelPatternError {
    /// It is no regular expression.
    #[error("not a regular expression: {0}")]
    Syntax(#[from] regex::Error),
    /// It does not tell the class.
    #[error("`{0}` has no group named class: write (?<class>...) around the part of the file name that is the class")]
    NoClass(String),
}

impl FromStr for LabelPattern {
    type Err = LabelPatternError;

    fn from_str(text: &str) -> Result<Self, LabelPatternError> {
        let regex = Regex::new(text)?;
        if regex.capture_names().flatten().any(|name| name == "class") {
            Ok(Self { regex, is_default: false })
        } else {
            Err(LabelPatternError::NoClass(text.to_owned()))
        }
    }
}

impl fmt::Display for LabelPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.regex.as_str())
    }
}

/// Why a name that nobody said how to read has no label, and what to say.
const NO_DEFAULT_LABEL: &str = concat!(
    "the name does not match the label pattern; say what of it is the class, for shop-monday.pcap such as ",
    r"--label '(?<class>[^/]+)-(?<session>[^/]+)\.', or --label folders"
);

impl LabelPattern {
    /// The label in `name`, or why there is none.
    pub(crate) fn label(&self, name: &str) -> Result<Label, String> {
        if self.is_default
            && let Some(found) = date_in(stem(name))
        {
            let pattern = found.pattern().map(|pattern| format!("--label '{pattern}', ")).unwrap_or_default();
            let date = found.date;
            return Err(format!(
                "`{date}` in the name is a date or a time, neither class nor rep: say what is what with {pattern}--label \
                 folders or --labels CSV"
            ));
        }
        let no_match = if self.is_default { NO_DEFAULT_LABEL } else { "the name does not match the label pattern" };
        let groups = self.regex.captures(name).ok_or(no_match)?;
        let group = |group| groups.name(group).map(|found| found.as_str()).filter(|text| !text.is_empty());
        let class = group("class").ok_or("the label pattern finds no class in the name")?;
        let rep = match group("rep") {
            None => None,
            Some(rep) => Some(rep.parse().map_err(|_| format!("the rep in the name, `{rep}`, is no whole number"))?),
        };
        Ok(Label { class: class.to_owned(), rep, session: group("session").map(str::to_owned), origin: None })
    }
}

/// The name of a file without its folder and endings.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let lower = file.to_ascii_lowercase();
    let texts = [".csv", ".tsv", ".txt", ".json", ".log"];
    let end = [".pcap", ".cap"].iter().chain(&texts).filter_map(|ending| lower.rfind(ending)).min();
    &file[..end.unwrap_or(file.len())]
}
