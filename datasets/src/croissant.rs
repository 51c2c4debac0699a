//! What a data set is, in the Croissant format of MLCommons (<https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html>), beside the file
//! that holds it, so that other tools load it without a word of ours.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wfkit_metrics::StageReport;

use crate::files::{replace_with, sha256_of};
use crate::{FileKind, Layer, Provenance, ReadError, TraceParts, WriteError, sample};

/// The licence of the bundled captures.
const CC0: &str = "https://creativecommons.org/publicdomain/zero/1.0/";

/// A column: its name, its type, whether a record has many values of it, and what it is.
type Column = (&'static str, &'static str, bool, &'static str);

/// The columns that files of traces have.
const OF_TRACES: [Column; 12] = [
    ("class", "sc:Text", false, "What was loaded: the label that an attack is to find."),
    ("rep", "sc:Integer", false, "Which repetition of the class in its session."),
    (
        "session",
        "sc:Text",
        false,
        "What was captured together, such as a day or a circuit; null where it is not known.",
    ),
    ("origin", "sc:Text", false, "The load that this is a copy of, which splits must not part; null where it is none."),
    ("page", "sc:Text", false, "What a trace of the unmonitored class shows; null elsewhere."),
    (
        "start_ns",
        "sc:Integer",
        false,
        "When the first packet was captured, Unix time in ns UTC; null where it is not known.",
    ),
    ("time_ns", "sc:Integer", true, "Of each packet: ns since the first one, not decreasing."),
    (
        "size",
        "sc:Integer",
        true,
        "Of each packet: bytes, positive where it is outgoing, negative where it is incoming.",
    ),
    ("flow", "sc:Integer", true, "Of each packet: which flow of the trace it is of, counted from 0."),
    ("proto", "sc:Integer", true, "Of each packet: the number of its protocol, 6 for TCP and 17 for UDP."),
    ("cell_cmd", "sc:Integer", true, "Of each cell: the number of its command in Tor's protocol."),
    ("relay_cmd", "sc:Integer", true, "Of each cell: the number of its relay command in Tor's protocol."),
];

/// The columns of packets as text.
const OF_PACKETS: [Column; 4] = [
    ("cell_id", "sc:Text", false, "What was loaded: the label that an attack is to find."),
    ("rep", "sc:Integer", false, "Which repetition of the class."),
    (
        "direction_size",
        "sc:Integer",
        false,
        "Bytes of a packet, positive where it is outgoing, negative where it is incoming.",
    ),
    ("timestamp", "sc:Float", false, "Seconds since the first packet of the trace."),
];

/// What a description says besides what is in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// Number of traces.
    pub traces: u64,
    /// Number of classes.
    pub classes: u64,
    /// Number of packets.
    pub packets: u64,
    /// The licence, where it is known; see [`licence_of`].
    pub licence: Option<String>,
    /// What to cite, where that is known.
    pub cite_as: Option<String>,
}

impl Described {
    /// What the report of the stage says that wrote the data set: its counts, its source where it is a public set, the licence of its inputs.
    pub fn of(report: &StageReport) -> Self {
        let n = |name: &str| report.counts.get(name).copied().unwrap_or_default();
        let public = report.utility.extras.get("public_set");
        let of_public = |what: &str| public.and_then(|set| set[what].as_str()).map(str::to_owned);
        let licence = || licence_of(report.inputs.iter().map(|input| Path::new(&input.path)));
        Self {
            traces: n("traces"),
            classes: n("classes"),
            packets: n("packets"),
            licence: of_public("licence").or_else(licence),
            cite_as: of_public("source"),
        }
    }
}

/// Where the description of `file` stands: `traces.parquet` has `traces.croissant.json`. Where that is of another file that is there, such as
/// `traces.csv`, it has `traces.parquet.croissant.json`.
pub fn croissant_path(file: &Path) -> PathBuf {
    let path = file.with_file_name(format!("{}.croissant.json", stem(file)));
    let name = crate::formats::file_name(file);
    let described = urls(&path);
    let is_there = |url: &String| file.with_file_name(url).is_file();
    if described.contains(&name) || !described.iter().any(is_there) {
        return path;
    }
    file.with_file_name(format!("{name}.croissant.json"))
}

/// The files that a description is of; none where it is none.
fn urls(description: &Path) -> Vec<String> {
    let text = std::fs::read(description).unwrap_or_default();
    let description: Value = serde_json::from_slice(&text).unwrap_or_default();
    let parts = description["distribution"].as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter_map(|part| part["contentUrl"].as_str().map(str::to_owned)).collect()
}

/// The name of a file of traces without its ending.
fn stem(file: &Path) -> String {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let endings = [".csv.zip", ".parquet", ".csv"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name).to_owned()
}

/// Writes the description of the traces in `file` beside it, and says whether it did: not where the file holds something else.
///
/// The same file gives the same bytes, whoever writes it.
///
/// # Errors
/// A file that cannot be read, and a description that cannot be written.
pub fn write_croissant(file: &Path, what: &Described) -> Result<bool, WriteError> {
    let unread = |error: ReadError| WriteError::table(file, format!("cannot describe: {error}"));
    if !file.is_file() || FileKind::of(file).map_err(unread)? != Some(FileKind::Traces) {
        return Ok(false);
    }
    let description = describe(file, what).map_err(unread)?;
    let text = serde_json::to_string_pretty(&description).expect("texts and lists of them have a JSON form") + "\n";
    let path = croissant_path(file);
    replace_with(&path, text).map_err(|source| WriteError::io(&path, source))?;
    Ok(true)
}

/// Takes the description beside `file` away where it is of a file that was there before, as it is where one is written without a description; and
/// gives its path where it stays although it is, since somebody else wrote it or added to it.
///
/// # Errors
/// A description that cannot be read or removed, a file that cannot be read.
pub fn remove_old_croissant(file: &Path) -> Result<Option<PathBuf>, WriteError> {
    let path = croissant_path(file);
    if !file.is_file() || !path.is_file() {
        return Ok(None);
    }
    let text = std::fs::read(&path).map_err(|source| WriteError::io(&path, source))?;
    let description: Value = serde_json::from_slice(&text).unwrap_or_default();
    let name = crate::formats::file_name(file);
    let parts = description["distribution"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(part) = parts.iter().find(|part| part["contentUrl"] == *name) else { return Ok(None) };
    let digest = sha256_of(file).map_err(|source| WriteError::io(file, source))?;
    if part["sha256"] == *digest {
        return Ok(None);
    }
    if !is_as_written(&description) {
        return Ok(Some(path));
    }
    std::fs::remove_file(&path).map_err(|source| WriteError::io(&path, source))?;
    Ok(None)
}

/// Whether there is nothing in a description but what [`describe`] writes.
fn is_as_written(description: &Value) -> bool {
    const KEYS: [&str; 9] =
        ["@context", "@type", "conformsTo", "name", "description", "citeAs", "license", "distribution", "recordSet"];
    let has_ours_alone = |all: &serde_json::Map<String, Value>| all.keys().all(|key| KEYS.contains(&key.as_str()));
    description.as_object().is_some_and(has_ours_alone)
        && description["description"].as_str().is_some_and(|text| text.starts_with(WORDS))
        && description["@context"] == context()
}

fn describe(file: &Path, what: &Described) -> Result<Value, ReadError> {
    let name = crate::formats::file_name(file);
    let stem = stem(file);
    let packed = name.strip_suffix(".zip");
    let object = |id: &str, format: &str| json!({ "@type": "cr:FileObject", "@id": id, "name": id, "contentUrl": id, "encodingFormat": format });
    let io = |error| ReadError::io(file, error);
    let mut whole = object(
        &name,
        match &*name {
            _ if packed.is_some() => "application/zip",
            text if text.to_ascii_lowercase().ends_with(".csv") => "text/csv",
            _ => "application/x-parquet",
        },
    );
    whole["contentSize"] = format!("{} B", file.metadata().map_err(io)?.len()).into();
    whole["sha256"] = sha256_of(file).map_err(io)?.into();
    let mut distribution = vec![whole];
    if let Some(member) = packed {
        let mut inside = object(member, "text/csv");
        inside["containedIn"] = json!({ "@id": name });
        distribution.push(inside);
    }
    let (provenance, columns) = match TraceParts::open(file)? {
        Some(parts) => {
            let known = |name: &str| OF_TRACES.iter().find(|column| column.0 == name);
            (Some(parts.provenance().clone()), parts.columns().filter_map(known).copied().collect())
        }
        None => (None, OF_PACKETS.to_vec()),
    };
    let (records, record) = match provenance {
        Some(_) => ("traces", "One record a trace."),
        None => ("packets", "One record a packet, those of a trace in the order of time."),
    };
    let table = packed.unwrap_or(&name);
    let field = |&(column, data_type, repeated, what): &Column| {
        let mut field = json!({
            "@type": "cr:Field", "@id": format!("{records}/{column}"), "name": column, "description": what, "dataType": data_type,
        });
        if repeated {
            field["repeated"] = true.into();
        }
        field["source"] = json!({ "fileObject": { "@id": table }, "extract": { "column": column } });
        field
    };
    let mut description = json!({
        "@context": context(),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": stem,
        "description": in_words(provenance.as_ref(), what),
    });
    if let Some(source) = &what.cite_as {
        description["citeAs"] = source.as_str().into();
    }
    if let Some(licence) = &what.licence {
        description["license"] = licence.as_str().into();
    }
    description["distribution"] = distribution.into();
    description["recordSet"] = json!([{
        "@type": "cr:RecordSet", "@id": records, "name": records, "description": record,
        "field": columns.iter().map(field).collect::<Vec<_>>(),
    }]);
    Ok(description)
}

const WORDS: &str = "Traces of encrypted traffic for website fingerprinting:";

/// What the traces are, in a sentence or two.
fn in_words(provenance: Option<&Provenance>, what: &Described) -> String {
    let mut text = format!("{WORDS} {} traces of {} classes, {} packets.", what.traces, what.classes, what.packets);
    let Some(Provenance { layer, vantage, defenses, tool, .. }) = provenance else { return text };
    let sizes = match layer {
        Layer::Frame => "lengths of link-layer frames",
        Layer::Ip => "lengths of IP packets",
        Layer::Tcp => "TCP payloads",
        Layer::Tls => "lengths of TLS records",
        Layer::Cell => "Tor cells",
        Layer::Udp => "UDP payloads",
        Layer::Unknown => "not said of what",
    };
    text += &format!(" Sizes are {sizes}, seen at the {vantage}.");
    if !defenses.is_empty() {
        text += &format!(" Defended by {}.", defenses.join(", then "));
    }
    text + &format!(" Made by {tool}.")
}

/// The licence that all of these have, the bundled captures or data sets with descriptions beside them; none where one says nothing, or something else.
pub fn licence_of<'a>(inputs: impl IntoIterator<Item = &'a Path>) -> Option<String> {
    let of_input = |path: &Path| {
        if path.canonicalize().ok()? == sample().canonicalize().ok()? {
            return Some(CC0.to_owned());
        }
        let beside: Value = serde_json::from_slice(&std::fs::read(croissant_path(path)).ok()?).ok()?;
        beside["license"].as_str().map(str::to_owned)
    };
    let mut licences = inputs.into_iter().map(of_input);
    let first = licences.next()??;
    licences.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// The context of Croissant 1.0, as its specification has it.
fn context() -> Value {
    let own = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), format!("cr:{name}").into())).collect();
    let mut context: serde_json::Map<String, Value> = own(&[
        "citeAs",
        "column",
        "equivalentProperty",
        "extract",
        "field",
        "fileProperty",
        "fileObject",
        "fileSet",
        "format",
        "includes",
        "isLiveDataset",
        "jsonPath",
        "key",
        "md5",
        "parentField",
        "path",
        "recordSet",
        "references",
        "regex",
        "repeated",
        "replace",
        "samplingRate",
        "separator",
        "source",
        "subField",
        "transform",
    ]);
    for (name, meaning) in [
        ("@language", json!("en")),
        ("@vocab", json!("https://schema.org/")),
        ("conformsTo", json!("dct:conformsTo")),
        ("cr", json!("http://mlcommons.org/croissant/")),
        ("rai", json!("http://mlcommons.org/croissant/RAI/")),
        ("dct", json!("http://purl.org/dc/terms/")),
        ("sc", json!("https://schema.org/")),
        ("data", json!({ "@id": "cr:data", "@type": "@json" })),
        ("examples", json!({ "@id": "cr:examples", "@type": "@json" })),
        ("dataType", json!({ "@id": "cr:dataType", "@type": "@vocab" })),
    ] {
        context.insert(name.to_owned(), meaning);
    }
    context.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_description_goes_where_it_is_ours_and_no_longer_true() {
        let folder = tempfile::tempdir().unwrap();
        let (file, beside) = (folder.path().join("x.csv"), folder.path().join("x.croissant.json"));
        let write = |text: &str| std::fs::write(&file, text).unwrap();
        let described = || {
            write("cell_id,rep,direction_size,timestamp\na,1,5,0\n");
            assert!(write_croissant(&file, &Described::default()).unwrap());
            std::fs::read_to_string(&beside).unwrap()
        };
        let text = described();
        assert_eq!(remove_old_croissant(&file).unwrap(), None);
        assert!(beside.exists(), "it is true");
        write("cell_id,rep,direction_size,timestamp\na,1,6,0\n");
        assert_eq!(remove_old_croissant(&folder.path().join("x.parquet")).unwrap(), None);
        assert!(beside.exists(), "no file, nothing to describe");
        let csv = |name: &str| folder.path().join(name);
        std::fs::copy(&file, csv("x.csv.zip")).unwrap();
        assert_eq!(croissant_path(&csv("x.csv.zip")), csv("x.csv.zip.croissant.json"), "the other is of x.csv");
        assert_eq!(croissant_path(&file), beside);
        std::fs::write(folder.path().join("x.parquet"), "another").unwrap();
        assert_eq!(remove_old_croissant(&folder.path().join("x.parquet")).unwrap(), None);
        assert!(beside.exists(), "it is of x.csv");
        assert_eq!(remove_old_croissant(&file).unwrap(), None);
        assert!(!beside.exists());
        for theirs in [
            text.replacen("\"name\"", "\"creator\": \"me\", \"name\"", 1),
            text.replacen("Traces of encrypted", "My traces of encrypted", 1),
        ] {
            assert_ne!(theirs, text);
            std::fs::write(&beside, &theirs).unwrap();
            assert_eq!(remove_old_croissant(&file).unwrap().as_deref(), Some(&*beside));
            assert_eq!(std::fs::read_to_string(&beside).unwrap(), theirs);
        }
        std::fs::write(&beside, "no description").unwrap();
        assert_eq!(remove_old_croissant(&file).unwrap(), None);
        assert!(beside.exists());
    }
}
