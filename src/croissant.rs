//! What a data set is, in the Croissant format of MLCommons (<https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html>), beside the file
//! that holds it, so that other tools load it without a word of ours.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use wfkit_datasets::{FileKind, Layer, Provenance, TraceParts, sample};
use wfkit_metrics::StageReport;

use crate::context::{file_digest, stem, write};

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

/// Where the description of `file` stands: `traces.parquet` has `traces.croissant.json`.
pub(crate) fn croissant_path(file: &Path) -> PathBuf {
    file.with_file_name(format!("{}.croissant.json", stem(file)))
}

/// Writes the description of the traces in `file` beside it; nothing where the file holds something else. Numbers of traces, classes and packets,
/// and the licence of what they were made of, are taken from the report.
pub(crate) fn write_beside(file: &Path, report: &StageReport) -> Result<()> {
    if !file.is_file() || FileKind::of(file)? != Some(FileKind::Traces) {
        return Ok(());
    }
    let description = describe(file, report).with_context(|| format!("{}: cannot describe", file.display()))?;
    write(&croissant_path(file), serde_json::to_string_pretty(&description)? + "\n")
}

fn describe(file: &Path, report: &StageReport) -> Result<Value> {
    let name = file.file_name().context("a file has a name")?.to_string_lossy().into_owned();
    let stem = stem(file);
    let packed = name.strip_suffix(".zip");
    let object = |id: &str, format: &str| json!({ "@type": "cr:FileObject", "@id": id, "name": id, "contentUrl": id, "encodingFormat": format });
    let mut whole = object(
        &name,
        match &*name {
            _ if packed.is_some() => "application/zip",
            text if text.to_ascii_lowercase().ends_with(".csv") => "text/csv",
            _ => "application/x-parquet",
        },
    );
    whole["contentSize"] = format!("{} B", file.metadata()?.len()).into();
    whole["sha256"] = file_digest(file)?.into();
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
    let (records, what) = match provenance {
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
        "description": in_words(provenance.as_ref(), report),
    });
    let public = report.utility.extras.get("public_set");
    if let Some(source) = public.and_then(|set| set["source"].as_str()) {
        description["citeAs"] = source.into();
    }
    if let Some(licence) = public.and_then(|set| set["licence"].as_str()).map(str::to_owned).or_else(|| licence(report))
    {
        description["license"] = licence.into();
    }
    description["distribution"] = distribution.into();
    description["recordSet"] = json!([{
        "@type": "cr:RecordSet", "@id": records, "name": records, "description": what,
        "field": columns.iter().map(field).collect::<Vec<_>>(),
    }]);
    Ok(description)
}

/// What the traces are, in a sentence or two.
fn in_words(provenance: Option<&Provenance>, report: &StageReport) -> String {
    let n = |name: &str| report.counts.get(name).copied().unwrap_or_default();
    let mut text = format!(
        "Traces of encrypted traffic for website fingerprinting: {} traces of {} classes, {} packets.",
        n("traces"),
        n("classes"),
        n("packets")
    );
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

/// The licence that all inputs have, as far as they say; none where one does not.
fn licence(report: &StageReport) -> Option<String> {
    let of_input = |path: &str| {
        let path = Path::new(path);
        if path.canonicalize().ok()? == sample().canonicalize().ok()? {
            return Some(CC0.to_owned());
        }
        let beside: Value = serde_json::from_slice(&std::fs::read(croissant_path(path)).ok()?).ok()?;
        beside["license"].as_str().map(str::to_owned)
    };
    let mut licences = report.inputs.iter().map(|input| of_input(&input.path));
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
