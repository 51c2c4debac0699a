//! The server of a site: `/3` is a page, `/3/7` one of its resources, `/shown/5` what a slot may show. With a mark, such as `/3?a7`, all
//! that a page refers to has it, too, and is counted under it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustls::ServerConfig;
use wfkit_metrics::seed::mix;

use super::site::{Page, SHOWN_IN_SLOTS, Site};
use super::{MOST_PAGES, http2};
use crate::Error;
use crate::http::{Request, Response, accept_each, serve};
use crate::secretstroll::Defence;
use crate::workload::Visit;

/// A document is longer by up to this share of itself: news, names, dates.
const CHANGES: f64 = 0.02;

/// How often a slot shows something.
const SLOT_IS_USED: f64 = 0.5;

/// That of the last subpage of the last page.
const MOST_NUMBER: u32 = 100 * MOST_PAGES;

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

/// Which protocol it speaks.
#[derive(Clone)]
pub(super) enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 over TLS.
    Http2(Arc<ServerConfig>),
}

/// What was asked for and answered in the loads of browsers, by the mark of the load.
pub(super) type Counts = Arc<Mutex<HashMap<String, Visit>>>;

/// The server.
pub(super) struct Server {
    pub(super) shown: Shown,
    pub(super) speaks: Speaks,
    pub(super) defence: Defence,
    pub(super) counts: Counts,
    pub(super) seed: u64,
}

impl Server {
    pub(super) fn run(self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let Self { shown, speaks, defence, counts, seed } = self;
        let changes = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(mix(seed, 5)));
        let handler = Arc::new(move |target: &str| {
            let (path, load) = target.split_once('?').map_or((target, None), |(path, load)| (path, Some(load)));
            let mut response = answer(&shown, &changes, path, load);
            defence.pad(&mut response.body);
            if let Some(load) = load {
                let mut counts = counts.lock().expect("nothing panics while it holds this");
                let visit = counts.entry(load.to_owned()).or_default();
                visit.requests += 1;
                visit.answer_bytes += response.body.len() as u64;
            }
            response
        });
        match speaks {
            Speaks::Http1 => serve(listener, &Arc::new(move |request: &Request| handler(&request.target)), stop),
            Speaks::Http2(tls) => {
                // Whoever went away needs no answer.
                let talk = move |stream| drop(http2::answer(stream, Arc::clone(&tls), &handler));
                accept_each(listener, &Arc::new(talk), stop)
            }
        }
        .map_err(Error::system("listening"))
    }
}

fn answer(shown: &Shown, changes: &Mutex<Xoshiro256PlusPlus>, path: &str, load: Option<&str>) -> Response {
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    let number = |text: &str| text.parse::<u32>().ok();
    let page =
        |text: &str| number(text).filter(|number| (1..=MOST_NUMBER).contains(number)).map(|at| (at, shown.page(at)));
    let found = match parts[..] {
        [""] => Some(filled("text/html", "a site\n".to_owned(), 0)),
        ["shown", number] => number.parse().ok().map(|at| picture(shown.site.shown(at))),
        [number] => page(number).map(|(number, page)| document(number, &page, changes, load)),
        [of, at] => page(of).zip(number(at)).and_then(|((of, page), at)| resource(of, &page, at, load)),
        _ => None,
    };
    found.unwrap_or_else(|| Response { status: 404, ..filled("text/html", "there is nothing here\n".to_owned(), 0) })
}

/// How a load is told in what it refers to.
fn marked(load: Option<&str>) -> String {
    load.map_or(String::new(), |load| format!("?{load}"))
}

fn document(number: u32, page: &Page, changes: &Mutex<Xoshiro256PlusPlus>, load: Option<&str>) -> Response {
    let mark = marked(load);
    let at_hand = page.resources.iter().zip(0..).filter(|(resource, _)| resource.found_in.is_none());
    // Browsers would ask for an icon, too, now and then.
    let mut text = load.map_or(String::new(), |_| "<link rel=icon href=data:,>\n".to_owned());
    for (_, at) in at_hand {
        // What refers to others is a style sheet, of an element whose backgrounds they are.
        let _ = match page.resources.iter().any(|resource| resource.found_in == Some(at)) {
            true => writeln!(text, "<link rel=stylesheet href=\"/{number}/{at}{mark}\"><p id=r{at}>"),
            false => writeln!(text, "<img src=\"/{number}/{at}{mark}\">"),
        };
    }
    let mut changes = changes.lock().expect("nothing panics while it holds this");
    for _ in 0..page.slots {
        if changes.random_bool(SLOT_IS_USED) {
            let _ = writeln!(text, "<img src=\"/shown/{}{mark}\">", changes.random_range(0..SHOWN_IN_SLOTS));
        }
    }
    let more = changes.random_range(0.0..CHANGES) * f64::from(page.document);
    filled("text/html", text, page.document + more as u32)
}

fn resource(number: u32, page: &Page, at: u32, load: Option<&str>) -> Option<Response> {
    let resource = page.resources.get(at as usize)?;
    let mark = marked(load);
    let found = page.resources.iter().zip(0..).filter(|(resource, _)| resource.found_in == Some(at));
    let found: Vec<_> = found.map(|(_, found)| format!("url(\"/{number}/{found}{mark}\")")).collect();
    Some(match found.is_empty() {
        true => picture(resource.bytes),
        false => filled("text/css", format!("#r{at}{{background:{}}}\n", found.join(",")), resource.bytes),
    })
}

/// A picture of one point (GIF), which browsers would not go on to load if it were none.
fn picture(bytes: u32) -> Response {
    const POINT: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";
    filled("image/gif", POINT, bytes)
}

/// What it begins with, then blanks up to `bytes`.
fn filled(content_type: &'static str, begins: impl Into<Vec<u8>>, bytes: u32) -> Response {
    let mut body = begins.into();
    body.resize(body.len().max(bytes as usize), b' ');
    Response { status: 200, content_type, body }
}
