//! One HTML file of a run: what was found in words, pictures with their data, all stages, and what repeats it.

#[cfg(feature = "results")]
mod folder;
mod html;
pub(crate) mod run;
mod sections;
mod summary;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use wfkit_datasets::TraceSet;
use wfkit_metrics::{Probabilities, StageReport};

use crate::canvas::{escaped, rules_of_a_page};

#[cfg(feature = "results")]
pub use folder::{FolderError, FolderPage, Stages, read_stages};
pub use run::defence_of;
pub use sections::{costs_of, curves, importances_of, matrix_of};

/// What a page is made from. All of it but the stages may be missing: what is not there has no picture.
#[derive(Debug, Default)]
pub struct Material<'a> {
    /// What was run on, such as the name of a folder.
    pub title: String,
    /// The stage reports, in the order in which the stages ran.
    pub stages: Vec<Stage>,
    /// The traces without a defence.
    pub traces: Option<&'a TraceSet>,
    /// The same traces under defences.
    pub defended: Vec<Defended<'a>>,
    /// What an attack said of traces that it had not learned from.
    pub predictions: Vec<Predicted>,
    /// What could not be used, one sentence each, for whoever reads the page.
    pub left_out: Vec<String>,
}

impl Material<'_> {
    /// What everybody should know who reads nothing else: what leaks, by what, what hiding it costs, and what to beware of.
    pub fn sentences(&self) -> Vec<String> {
        summary::sentences(self)
    }
}

/// A stage report and where it was found.
#[derive(Debug)]
pub struct Stage {
    /// Its file, below the folder.
    pub file: String,
    /// What it says.
    pub report: StageReport,
}

/// A set of traces under a defence.
#[derive(Debug)]
pub struct Defended<'a> {
    /// The defence, as it is written on the command line.
    pub spec: String,
    /// What an observer sees.
    pub set: &'a TraceSet,
    /// Of the first trace, how many bytes of each packet are padding; none where nobody knows.
    pub padding_of_first: Option<Vec<u32>>,
}

/// What an attack said.
#[derive(Debug)]
pub struct Predicted {
    /// Where it was found, or whose it is.
    pub name: String,
    /// The probabilities.
    pub probabilities: Probabilities,
    /// The column of the true class of each trace.
    pub truth: Vec<usize>,
}

/// Rows of a table that stand in the page; the rest is had with `wfkit plot`.
pub const ROWS: usize = 500;

/// The page: one file without any request to elsewhere, which can be read without its script. Text from the material is escaped, and a policy in
/// the page keeps all else from running. The same material gives the same bytes.
pub fn page(material: &Material<'_>) -> String {
    let sections = sections::all(material);
    let mut body = summary::head(material);
    let _ = write!(body, "<nav aria-label=\"Sections\"><ul>");
    for section in &sections {
        let _ = write!(body, "<li><a href=\"#{}\">{}</a></li>", section.id, escaped(section.heading));
    }
    body += "</ul></nav>\n";
    for section in &sections {
        let _ = write!(
            body,
            "<section id=\"{0}\" aria-labelledby=\"{0}-heading\"><h2 id=\"{0}-heading\">{1}</h2>\n{2}</section>\n",
            section.id,
            escaped(section.heading),
            section.html
        );
    }
    let (rules, light, dark) = rules_of_a_page();
    let style = format!(
        ":root{{color-scheme:light dark;{light}}}@media (prefers-color-scheme:dark){{:root{{{dark}}}}}@media print{{:root{{color-scheme:light;{light}}}}}{STYLE}{rules}"
    );
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        base64(&Sha256::digest(&style)),
        base64(&Sha256::digest(SCRIPT))
    );
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>{style}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">To the findings</a>\n<main id=\"main\">\n{body}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        escaped(&material.title)
    )
}

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = three.iter().chain(&[0, 0]).take(3).fold(0usize, |bits, &byte| bits << 8 | usize::from(byte));
        for at in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * at) & 63];
            text.push(if at <= three.len() { letter as char } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_as_rfc_4648_has_them() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(texts, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]);
    }

    #[test]
    fn a_page_of_nothing_says_so() {
        let page = page(&Material { title: "a <b> & \"c\"".to_owned(), ..Material::default() });
        assert!(
            page.contains("<title>a &lt;b&gt; &amp; &quot;c&quot;</title>") && page.contains("No stage report"),
            "{page}"
        );
    }
}
