//! The server of a site: `/3` is a page, `/3/7` one of its resources, `/shown/5` what a slot may show.

use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_metrics::seed::mix;

use super::MOST_PAGES;
use super::site::{Page, SHOWN_IN_SLOTS, Site};
use crate::Error;
use crate::http::{Request, Response, serve};
use crate::secretstroll::Defence;

/// A document is longer by up to this share of itself: news, names, dates.
const CHANGES: f64 = 0.02;

/// How often a slot shows something.
const SLOT_IS_USED: f64 = 0.5;

/// What is shown: a site as it is in a session.
pub(super) struct Shown {
    pub(super) site: Arc<Site>,
    pub(super) session: Arc<AtomicU32>,
}

impl Shown {
    fn page(&self, number: u32) -> Page {
        self.site.page_in(number, self.session.load(Ordering::Relaxed))
    }
}

pub(super) fn run(
    shown: Shown,
    defence: Defence,
    seed: u64,
    listener: &TcpListener,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let changes = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(mix(seed, 5)));
    let handler = Arc::new(move |request: &Request| {
        let mut response = answer(&shown, &changes, request);
        defence.pad(&mut response.body);
        response
    });
    serve(listener, &handler, stop).map_err(Error::system("listening"))
}

fn answer(shown: &Shown, changes: &Mutex<Xoshiro256PlusPlus>, request: &Request) -> Response {
    let parts: Vec<_> = request.target.trim_start_matches('/').split('/').collect();
    let number = |text: &str| text.parse::<u32>().ok();
    let page =
        |text: &str| number(text).filter(|number| (1..=MOST_PAGES).contains(number)).map(|at| (at, shown.page(at)));
    let found = match parts[..] {
        [""] => Some(filled("text/html", "a site\n".to_owned(), 0)),
        ["shown", number] => number.parse().ok().map(|at| filled("image/webp", String::new(), shown.site.shown(at))),
        [number] => page(number).map(|(number, page)| document(number, &page, changes)),
        [of, at] => page(of).zip(number(at)).and_then(|((of, page), at)| resource(of, &page, at)),
        _ => None,
    };
    found.unwrap_or_else(|| Response { status: 404, ..filled("text/html", "there is nothing here\n".to_owned(), 0) })
}

fn document(number: u32, page: &Page, changes: &Mutex<Xoshiro256PlusPlus>) -> Response {
    let mut text = references(number, page, None);
    let mut changes = changes.lock().expect("nothing panics while it holds this");
    for _ in 0..page.slots {
        if changes.random_bool(SLOT_IS_USED) {
            let _ = writeln!(text, "<img src=\"/shown/{}\">", changes.random_range(0..SHOWN_IN_SLOTS));
        }
    }
    let more = changes.random_range(0.0..CHANGES) * f64::from(page.document);
    filled("text/html", text, page.document + more as u32)
}

fn resource(number: u32, page: &Page, at: u32) -> Option<Response> {
    let resource = page.resources.get(at as usize)?;
    let text = references(number, page, Some(at));
    let content_type = if text.is_empty() { "image/webp" } else { "text/css" };
    Some(filled(content_type, text, resource.bytes))
}

/// What the document (or a resource) refers to.
fn references(number: u32, page: &Page, found_in: Option<u32>) -> String {
    let found = page.resources.iter().enumerate().filter(|(_, resource)| resource.found_in == found_in);
    found.map(|(at, _)| format!("<link src=\"/{number}/{at}\">\n")).collect()
}

/// Text, then blanks up to `bytes`.
fn filled(content_type: &'static str, text: String, bytes: u32) -> Response {
    let mut body = text.into_bytes();
    body.resize(body.len().max(bytes as usize), b' ');
    Response { status: 200, content_type, body }
}
