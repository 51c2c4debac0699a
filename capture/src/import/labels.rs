//! Which class, rep and session a capture file is.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use wfkit_datasets::{TraceKey, canonical_class};

use crate::files::listing::InputFile;
use crate::import::dates::date_in;
use crate::import::label::Label;
use crate::import::manifest::{Manifest, ManifestError};
use crate::import::names_read;
use crate::import::pattern::{LabelPattern, LabelPatternError, stem};

/// Where the labels of the files come from. Files that get none are not read.
///
/// The standard input has no name: its class is `stdin`.
///
/// A file without a rep gets one: the smallest number from 0 that its class (and session) has not used, in path order.
#[derive(Debug, Clone, Default)]
pub enum LabelSource {
    /// The `manifest.csv` in the folder that was given (of a file: in its folder) where there is one, else the default
    /// [`LabelPattern`]. A capture that comes alone, with a name that this does not match, has its name as its class.
    #[default]
    Auto,
    /// The path of the file, relative to the folder that was given; only its name where the file itself was given.
    Pattern(LabelPattern),
    /// The folder that a file is in is its class, and the folder around that, where there is one below the folder that was
    /// given, its session: `monday/news/1.pcap`.
    Folders,
    /// A CSV file with a header and the columns `path` and `class`, and maybe `rep`, `session` and `origin` (traces of one origin are never
    /// torn apart by a split), in any order and among others. Paths are relative to the folder of the CSV file. An empty rep, session or
    /// origin is none.
    Manifest(PathBuf),
}

impl FromStr for LabelSource {
    type Err = LabelPatternError;

    /// A pattern, or `folders`.
    fn from_str(text: &str) -> Result<Self, LabelPatternError> {
        if text == "folders" { Ok(Self::Folders) } else { text.parse().map(Self::Pattern) }
    }
}

/// The label of `session/class/file` or `class/file`, by the names of folders.
fn label_by_folders(name: &str) -> Result<Label, String> {
    let mut folders = name.rsplit('/').skip(1);
    let class =
        folders.next().ok_or("it is in no folder of its own below the one that was given, so it has no class")?;
    if date_in(class).is_some_and(|found| found.date == class) {
        return Err(
            "the folder that it is in is a date or a time, no class: where the folder around that is the class, \
                    say --label '(?<class>[^/]+)/(?<session>[^/]+)/[^/]+$'"
                .to_owned(),
        );
    }
    Ok(Label { class: class.to_owned(), rep: None, session: folders.next().map(str::to_owned), origin: None })
}

/// The labels of files.
#[derive(Debug, Default)]
pub(crate) struct Labels {
    /// For each file, in order, its key; where it has none the reason, under which it counts.
    pub(crate) keys: Vec<Result<TraceKey, &'static str>>,
    /// For each file what its trace comes of, where a manifest says so.
    pub(crate) origins: Vec<Option<String>>,
    /// One sentence about each file without a label, and about manifests.
    pub(crate) problems: Vec<String>,
    /// Number of labelled files by where their label comes from.
    pub(crate) sources: BTreeMap<String, u64>,
    /// How names were read that nobody said how to read.
    pub(crate) names_read: Vec<String>,
    /// See [`doubt`].
    pub(crate) doubt: Option<String>,
}

impl Labels {
    /// Labels `files`, which are in path order; `display` names a file in the problems.
    pub(crate) fn of(
        files: &[InputFile],
        source: &LabelSource,
        display: impl Fn(&InputFile) -> String,
    ) -> Result<Self, ManifestError> {
        let mut labels = Self::default();
        let mut labellers = Labellers::new(source)?;
        let mut found = Vec::with_capacity(files.len());
        // One capture, as of one's own traffic, needs no class to be told from others by: it is called what it is called.
        let is_alone = files.len() == 1 && matches!(source, LabelSource::Auto);
        for file in files {
            if file.path == Path::new("-") {
                *labels.sources.entry("standard input".to_owned()).or_default() += 1;
                found.push(Ok(Label { class: "stdin".to_owned(), rep: None, session: None, origin: None }));
                continue;
            }
            let labeller = labellers.of_folder(&file.folder)?;
            let label = match labeller {
                Labeller::Pattern(pattern) => match pattern.label(&file.name) {
                    Err(_) if is_alone => {
                        Ok(Label { class: stem(&file.name).to_owned(), rep: None, session: None, origin: None })
                    }
                    label => label.map_err(|problem| (problem, "no label in the name")),
                },
                Labeller::Folders => {
                    label_by_folders(&file.name).map_err(|problem| (problem, "no label in the folder names"))
                }
                Labeller::Manifest(manifest) => manifest
                    .label(&file.canonical)
                    .cloned()
                    .ok_or_else(|| (format!("not in {}", manifest.name()), "not in the manifest")),
            };
            // The files of one class may write it in several ways; those that are then the same trace are told from each other by name.
            let label = label.map(|label| Label { class: canonical_class(&label.class).into_owned(), ..label });
            if label.is_ok() {
                *labels.sources.entry(labeller.name()).or_default() += 1;
            }
            found.push(label.map_err(|(problem, reason)| {
                labels.problems.push(format!("{}: {problem}", display(file)));
                reason
            }));
        }
        labels.problems.extend(labellers.problems());
        labels.origins = found.iter().map(|label| label.as_ref().ok()?.origin.clone()).collect();
        labels.keys = with_reps(found);
        let labelled: Vec<(&str, &TraceKey)> = files
            .iter()
            .zip(&labels.keys)
            .filter(|(file, _)| file.path != Path::new("-"))
            .filter_map(|(file, key)| Some((file.name.as_str(), key.as_ref().ok()?)))
            .collect();
        let by_manifest = labellers.are_manifests();
        labels.names_read = names_read::examples(labelled.iter().copied());
        // Who gives a pattern says what is what.
        let is_guessed = !by_manifest && !matches!(source, LabelSource::Pattern(_));
        labels.doubt = if is_guessed { names_read::doubt(&labelled) } else { None };
        Ok(labels)
    }
}

/// Gives a rep to the labels without one.
fn with_reps(labels: Vec<Result<Label, &'static str>>) -> Vec<Result<TraceKey, &'static str>> {
    let mut used: HashMap<(String, Option<String>), BTreeSet<i64>> = HashMap::new();
    for label in labels.iter().flatten() {
        if let Some(rep) = label.rep {
            used.entry((label.class.clone(), label.session.clone())).or_default().insert(rep);
        }
    }
    let mut next: HashMap<(String, Option<String>), i64> = HashMap::new();
    let mut with_rep = |label: Label| {
        let Label { class, rep, session, .. } = label;
        let rep = rep.unwrap_or_else(|| {
            let group = (class.clone(), session.clone());
            let used = used.get(&group);
            let next = next.entry(group).or_default();
            while used.is_some_and(|used| used.contains(next)) {
                *next += 1;
            }
            *next += 1;
            *next - 1
        });
        TraceKey { class, rep, session }
    };
    labels.into_iter().map(|label| label.map(&mut with_rep)).collect()
}

/// What labels the files of a folder.
enum Labeller {
    Pattern(LabelPattern),
    Folders,
    Manifest(Manifest),
}

impl Labeller {
    fn name(&self) -> String {
        match self {
            Self::Pattern(_) => "file name".to_owned(),
            Self::Folders => "folder names".to_owned(),
            Self::Manifest(manifest) => manifest.name(),
        }
    }
}

/// The labellers of all folders, made when they are needed.
enum Labellers {
    One(Labeller),
    ByFolder(BTreeMap<PathBuf, Labeller>),
}

impl Labellers {
    fn new(source: &LabelSource) -> Result<Self, ManifestError> {
        Ok(match source {
            LabelSource::Auto => Self::ByFolder(BTreeMap::new()),
            LabelSource::Folders => Self::One(Labeller::Folders),
            LabelSource::Pattern(pattern) => Self::One(Labeller::Pattern(pattern.clone())),
            LabelSource::Manifest(path) => Self::One(Labeller::Manifest(Manifest::read(path)?)),
        })
    }

    fn of_folder(&mut self, folder: &Path) -> Result<&Labeller, ManifestError> {
        match self {
            Self::One(labeller) => Ok(labeller),
            Self::ByFolder(labellers) => {
                if !labellers.contains_key(folder) {
                    let manifest = folder.join("manifest.csv");
                    let labeller = match manifest.is_file() {
                        true => Labeller::Manifest(Manifest::read(&manifest)?),
                        false => Labeller::Pattern(LabelPattern::default()),
                    };
                    labellers.insert(folder.to_owned(), labeller);
                }
                Ok(&labellers[folder])
            }
        }
    }

    fn all(&self) -> Vec<&Labeller> {
        match self {
            Self::One(labeller) => vec![labeller],
            Self::ByFolder(labellers) => labellers.values().collect(),
        }
    }

    /// Whether labels are written down somewhere, for some of the files at least.
    fn are_manifests(&self) -> bool {
        self.all().iter().any(|labeller| matches!(labeller, Labeller::Manifest(_)))
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        self.all().into_iter().filter_map(|labeller| match labeller {
            Labeller::Manifest(manifest) => manifest.problem(),
            Labeller::Pattern(_) | Labeller::Folders => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(class: &str, rep: i64) -> Result<Label, String> {
        Ok(Label { class: class.to_owned(), rep: Some(rep), session: None, origin: None })
    }

    #[test]
    fn the_default_pattern_finds_what_it_promises() {
        let pattern = LabelPattern::default();
        assert_eq!(pattern.label("cell_12_rep_3.pcap"), label("12", 3));
        assert_eq!(pattern.label("day/cell_12_rep_3.pcapng"), label("12", 3));
        assert_eq!(pattern.label("news_rep_0.cap"), label("news", 0));
        assert_eq!(pattern.label("example.com_7.pcap"), label("example.com", 7));
        assert_eq!(pattern.label("example.com-7.pcapng"), label("example.com", 7));
        assert_eq!(pattern.label("example-2.com_13.pcap"), label("example-2.com", 13));
        assert_eq!(pattern.label("a_b-1_2.pcap"), label("a_b-1", 2));
        assert_eq!(pattern.label("a_1.pcapng.gz"), label("a", 1));
        assert_eq!(pattern.label("example.com_7.json"), label("example.com", 7));
        assert_eq!(pattern.label("cell_5.pcap"), label("cell", 5));
        assert_eq!(pattern.label("2024-05-01/a_1.pcap.zip"), label("a", 1));
        for name in ["12.pcap", "a_b.pcap", "a_1.doc", "a_1.pcap.txt", "_1.pcap", "dir_1/a.pcap"] {
            assert!(pattern.label(name).is_err(), "{name}");
        }
    }

    #[test]
    fn no_part_of_a_date_becomes_a_class_or_rep() {
        let pattern = LabelPattern::default();
        let names =
            ["trace_2024-05-01_12-00-03.pcap", "day/a_20240501.pcapng.gz", "a_1714564803.pcap", "a_1714564803.25.cap"];
        for name in names {
            let refusal = pattern.label(name).unwrap_err();
            assert!(
                refusal.contains("is a date or a time") && refusal.contains("--label '(?:^|/)(?<class>"),
                "{refusal}"
            );
        }
        assert!(label_by_folders("news/2024-05-01/1.pcap").is_err());
        assert_eq!(label_by_folders("2024-05-01/news/1.pcap").unwrap().session.as_deref(), Some("2024-05-01"));
        // Who gives a pattern says what is what.
        let given: LabelPattern = r"(?<class>.+)_(?<rep>\d+)\.".parse().unwrap();
        assert_eq!(given.label("a_1714564803.pcap"), label("a", 1_714_564_803));
    }

    #[test]
    fn a_pattern_needs_a_class_and_nothing_else() {
        assert!(matches!(r"(?<rep>\d+)".parse::<LabelPattern>(), Err(LabelPatternError::NoClass(_))));
        assert!(matches!("(".parse::<LabelPattern>(), Err(LabelPatternError::Syntax(_))));
        let pattern: LabelPattern = r"^(?<session>[^/]+)/(?<class>[^/]+)/(?:v(?<rep>\w+))?".parse().unwrap();
        let Label { class, rep, session, .. } = pattern.label("monday/news/1.pcap").unwrap();
        assert_eq!((class.as_str(), rep, session.as_deref()), ("news", None, Some("monday")));
        assert_eq!(pattern.label("monday/news/v12.pcap").unwrap().rep, Some(12));
        assert_eq!(pattern.label("monday/news/vx.pcap").unwrap_err(), "the rep in the name, `x`, is no whole number");
    }

    #[test]
    fn missing_reps_are_counted_from_zero_around_those_that_are_given() {
        let label = |class: &str, rep| Ok(Label { class: class.to_owned(), rep, session: None, origin: None });
        let labels = vec![label("a", None), label("b", None), label("a", Some(1)), Err("none"), label("a", None)];
        let reps: Vec<_> = with_reps(labels).into_iter().map(|key| key.map(|key| key.rep)).collect();
        assert_eq!(reps, [Ok(0), Ok(0), Ok(1), Err("none"), Ok(2)]);
    }
}
