//! One name, one thing: what two libraries call the same is the same.

use std::collections::BTreeMap;
use std::path::Path;

const LIBRARIES: [&str; 11] = [
    "metrics",
    "datasets",
    "features",
    "classify",
    "defend",
    "capture",
    "report",
    "competition",
    "evaluate",
    "client",
    "terminal",
];

/// The types that a library shows at its root.
fn shown(library: &str) -> Vec<String> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(library).join("src/lib.rs"))
        .expect("every library has one");
    let exports = text.split("pub use ").skip(1).map(|export| export.split_once(';').expect("it ends").0);
    // What another library is the home of is shown, not made.
    let own = exports.filter(|export| !export.starts_with("wfkit_"));
    let names = own.flat_map(|export| {
        let list =
            export.rsplit_once('{').map_or_else(|| export.rsplit("::").next().unwrap_or(export), |(_, list)| list);
        list.split([',', '}'])
            .map(|name| name.rsplit(" as ").next().unwrap_or(name).trim().to_owned())
            .collect::<Vec<_>>()
    });
    let is_type = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().any(|c| c.is_ascii_lowercase())
    };
    names.filter(is_type).collect()
}

#[test]
fn no_two_libraries_give_one_name_to_two_types() {
    let mut homes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for library in LIBRARIES {
        for name in shown(library) {
            homes.entry(name).or_default().push(library);
        }
    }
    assert!(homes.len() > 300, "{} types were found", homes.len());
    // A trait and a struct of the standard library have such names, too; these mean one thing in all of them.
    let shared: Vec<_> = homes.iter().filter(|(_, libraries)| libraries.len() > 1).collect();
    assert!(shared.is_empty(), "two types of one name: {shared:?}");
}
