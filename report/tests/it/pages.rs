use wfkit_datasets::{TraceSet, canonical_class};
use wfkit_report::page::{Defended, Material, page};

use crate::made_up::{name, predicted, set, stages, trace};
use crate::snapshot;

fn page_of(classes: usize, reps: usize) -> String {
    let (plain, padded) = (set(classes, reps, false), set(classes, reps, true));
    let said = predicted(classes, reps);
    page(&Material {
        title: "Website fingerprinting report: <made up>".to_owned(),
        stages: stages(&said),
        traces: Some(&plain),
        defended: vec![defended("pad:mtu", &padded), defended("tamaraw:cell,<script>", &padded)],
        predictions: vec![said],
        left_out: vec!["x.report.json is left out, since it is no stage report: EOF.".to_owned()],
    })
}

fn defended<'a>(spec: &str, set: &'a TraceSet) -> Defended<'a> {
    let first = &set.traces()[0].key;
    let class = (0..1_000).find(|&class| canonical_class(&name(class)) == first.class).unwrap();
    Defended { spec: spec.to_owned(), set, padding_of_first: Some(trace(class, first.rep as usize, true).1) }
}

#[test]
fn the_page_is_as_it_was_looked_at() {
    snapshot("page.html", &page_of(10, 5));
}

#[test]
fn a_page_stays_within_its_size() {
    for (classes, most) in [(100, 2_000_000), (1_000, 5_000_000)] {
        let size = page_of(classes, 20).len();
        println!("{classes} classes: {} kB", size / 1000);
        assert!(size <= most, "{classes} classes: {size} bytes");
    }
}

#[test]
fn a_page_asks_nothing_of_anybody_and_runs_nothing_of_its_material() {
    let page = page_of(10, 5);
    // The one script is ours, and names of classes and defences are text.
    assert_eq!(page.matches("<script").count(), 1, "a name became a script");
    assert!(!page.contains("<b>0002"), "a name became mark-up");
    for request in ["src=", "url(", "@import", "<link", "<iframe", "fetch(", "XMLHttpRequest", "href=\"http"] {
        assert!(!page.contains(request), "{request}");
    }
    assert!(page.contains("default-src 'none'"));
    // Where things are from is said by the namespaces of SVG alone.
    let addresses = page.matches("://").count();
    assert_eq!(addresses, page.matches("http://www.w3.org/2000/svg").count(), "another address");
}

#[test]
fn the_run_is_told_in_words() {
    let page = page_of(10, 5);
    let text = page.replace("&quot;", "\"").replace("&lt;", "<").replace('\u{a0}', " ");
    for sentence in [
        "The traffic gives its classes away: the attack kfp-size names the class of",
        "totals, which sees packets, bytes and duration alone, is right in 50 %",
        "Of the defences tried, most is hidden by tamaraw:cell,<script",
        "for 41.0 times the bytes and 10.0 to 30.0 % more time, by how packets wait for each other.",
        "% of it padding, ",
        "With whole sessions kept apart, the same attack is right in 70 %.",
        "x.report.json is left out",
        "wfkit run 'my captures/' --seed 7 --attack kfp-size --defence pad:mtu --defence 'tamaraw:cell,<script",
    ] {
        assert!(text.contains(sentence), "{sentence}");
    }
}
