//! Loads of web pages: a document, then what it refers to, six connections at a time or all over one.
//!
//! Numbers of requests and bytes of pages are those of the web, made smaller by a factor. Every load is a little different, as pages
//! are: the document changes, and slots in it show something else each time.

pub(crate) mod chromium;
mod http1;
mod http2;
mod server;
mod site;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustls::{ClientConfig, ServerConfig};
use serde::{Deserialize, Serialize};
use wfkit_metrics::seed::mix;

pub use site::{Page, Resource, Site};

use self::server::{Counts, Server, Shown, Speaks};
use crate::Error;
use crate::plan::Plan;
use crate::secretstroll::Defence;
use crate::tls;
use crate::workload::{Connect, Service, Visit, Visitor};

/// Most pages of a site.
pub const MOST_PAGES: u32 = 10_000;

/// Pages of other tabs are drawn from the end of the site, where there are hardly any monitored ones.
const OTHER_TABS: std::ops::RangeInclusive<u32> = MOST_PAGES - 199..=MOST_PAGES;

/// What pages are like. Written in a plan as `[pages]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Requests and bytes of a page, as a share of those of the web.
    pub scale: f64,
    /// Pages that are loaded at once: the one that the class is of and, in other tabs, others that are drawn.
    pub tabs: u32,
    /// Most seconds between the starts of two tabs.
    pub apart: f64,
    /// Version of HTTP: 1 is HTTP/1.1, over six connections and without TLS; 2 is HTTP/2, over one connection and TLS.
    pub http: u32,
    /// Whether Chromium loads the pages, and not this program as browsers do.
    pub browser: bool,
    /// Pages of each class, which is then a site: loaded by turns, with half of what they refer to in common.
    pub subpages: u32,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self { scale: 0.2, tabs: 1, apart: 1.0, http: 1, browser: false, subpages: 1 }
    }
}

impl PagesConfig {
    /// Whether such pages can be made.
    ///
    /// # Errors
    ///
    /// If not, with the key; also under a defence that pages do not have.
    pub fn check(&self, defence: &Defence) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Wrong(text));
        if !(0.01..=1.0).contains(&self.scale) {
            return wrong(format!("pages.scale = {}: 0.01 to 1, as a share of the web's pages", self.scale));
        }
        if !(1..=20).contains(&self.tabs) {
            return wrong(format!("pages.tabs = {}: 1 to 20 pages at once", self.tabs));
        }
        if !(0.0..=60.0).contains(&self.apart) {
            return wrong(format!("pages.apart = {}: 0 to 60 seconds between the starts of two tabs", self.apart));
        }
        if !(1..=2).contains(&self.http) {
            return wrong(format!("pages.http = {}: 1 (HTTP/1.1) or 2 (HTTP/2 over TLS)", self.http));
        }
        if !(1..=100).contains(&self.subpages) {
            return wrong(format!("pages.subpages = {}: 1 to 100 pages of each class", self.subpages));
        }
        if self.browser && defence.delay > 0 {
            return wrong("pages.browser: Chromium does not wait before requests; leave out defence.delay".to_owned());
        }
        let Defence { padding, delay, .. } = *defence;
        if *defence != (Defence { padding, delay, ..Defence::default() }) {
            return wrong("defence: pages have padding and delay; others are of other workloads".to_owned());
        }
        defence.check_ranges()
    }
}

/// The workload; the class is the number of the page.
pub(crate) struct Pages {
    site: Arc<Site>,
    config: PagesConfig,
    /// Which session the site is as in.
    session: Arc<AtomicU32>,
    /// Both ends of TLS, where it is spoken.
    tls: Option<(Arc<ServerConfig>, Arc<ClientConfig>)>,
    counts: Counts,
    /// Loads by browsers until now, which are told apart by it.
    loads: AtomicU32,
    defence: Defence,
    seed: u64,
}

impl Pages {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Error> {
        let site = Site::new(plan.seed, plan.pages.scale).with_drift(plan.drift.database);
        Self::of(site, plan.pages, plan.defence, plan.seed)
    }

    /// What a second application loads: pages of another site.
    pub(crate) fn beside(plan: &Plan) -> Result<Self, Error> {
        let site = Site::new(plan.seed ^ 1 << 50, plan.pages.scale);
        let config = PagesConfig { tabs: 1, browser: false, ..plan.pages };
        Self::of(site, config, Defence::default(), plan.seed)
    }

    fn of(site: Site, config: PagesConfig, defence: Defence, seed: u64) -> Result<Self, Error> {
        let tls = (config.http == 2).then(|| tls::ends(http2::NAME, &[http2::PROTOCOL]));
        let tls = tls.transpose().map_err(Error::system("keys for TLS"))?;
        let (site, session, counts, loads) = (Arc::new(site), Arc::default(), Counts::default(), AtomicU32::default());
        Ok(Self { site, config, session, tls, counts, loads, defence, seed })
    }
}

impl Service for Pages {
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let shown = Shown { site: Arc::clone(&self.site), session: Arc::clone(&self.session) };
        let speaks = self.tls.as_ref().map_or(Speaks::Http1, |(server, _)| Speaks::Http2(Arc::clone(server)));
        let Self { defence, seed, .. } = *self;
        Server { shown, speaks, defence, counts: Arc::clone(&self.counts), seed }.run(listener, stop)
    }

    fn change(&self, session: u32) -> Result<f64, Error> {
        self.session.store(session, Ordering::Relaxed);
        Ok(self.site.share_changed(session))
    }

    /// No subpage is both trained on and tested.
    fn origin(&self, class: u32, rep: u32) -> Option<String> {
        let PagesConfig { subpages, .. } = self.config;
        (subpages > 1).then(|| format!("page {class} subpage {}", rep % subpages))
    }

    fn visitor(&self, _: &str) -> Box<dyn Visitor + '_> {
        Box::new(Reader(self))
    }
}

struct Reader<'a>(&'a Pages);

impl Reader<'_> {
    fn load(&self, page: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String> {
        let Pages { config, tls, defence, .. } = self.0;
        let target = format!("/{page}");
        match tls {
            _ if config.browser => self.load_by_browser(page, connect, host),
            Some((_, tls)) => http2::load(connect, tls, host, &target, defence.delay, seed),
            None => http1::load(connect, host, &target, defence.delay, seed),
        }
    }

    /// What it asked for, the server knows.
    fn load_by_browser(&self, page: u32, connect: &Connect<'_>, host: &str) -> Result<Visit, String> {
        let Pages { tls, counts, loads, .. } = self.0;
        let load = format!("{:06x}", loads.fetch_add(1, Ordering::Relaxed));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let loaded = chromium::load(connect, host, &format!("{scheme}://{host}:80/{page}?{load}"));
        let visit = counts.lock().expect("nothing panics while it holds this").remove(&load);
        let visit = visit.ok_or_else(|| "browser: it did not ask for the page".to_owned());
        loaded.and(visit)
    }
}

impl Visitor for Reader<'_> {
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String> {
        if let Some((_, tls)) = &self.0.tls {
            return http2::load(connect, tls, host, "/", 0, 0).map(|_| ());
        }
        let greet = || crate::http::exchange(connect()?, host, "GET", "/", None);
        greet().map(|_| ()).map_err(|error| format!("connection: {error}"))
    }

    fn visit(&mut self, class: u32, rep: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String> {
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(seed, 12));
        let PagesConfig { tabs, apart, subpages, .. } = self.0.config;
        let asked = site::subpage(class, rep % subpages);
        thread::scope(|scope| {
            let mut starts = 0.0;
            let others: Vec<_> = (1..tabs)
                .map(|_| {
                    starts += randomness.random_range(0.0..=apart);
                    let (page, seed) = (randomness.random_range(OTHER_TABS), randomness.random());
                    let wait = Duration::from_secs_f64(starts);
                    let reader = Reader(self.0);
                    scope.spawn(move || {
                        thread::sleep(wait);
                        (page, reader.load(page, connect, host, seed))
                    })
                })
                .collect();
            let mut visit = self.load(asked, connect, host, seed)?;
            for other in others {
                let (page, loaded) = other.join().expect("a panic was told");
                let loaded = loaded?;
                visit.requests += loaded.requests;
                visit.answer_bytes += loaded.answer_bytes;
                visit.also.push(page);
            }
            Ok(visit)
        })
    }
}

/// What a document, or a resource, refers to: whatever stands in quotes and begins with a slash.
fn references(body: &[u8]) -> impl Iterator<Item = &str> {
    let quoted = body.split(|&byte| byte == b'"').filter(|part| part.starts_with(b"/"));
    quoted.filter_map(|part| std::str::from_utf8(part).ok())
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::flag::SetAtEnd;

    /// What a plan's pages are, and its visits of pages, repetition by repetition; with how many connections each took.
    fn visits(plan: &str, pages: &[u32]) -> (Arc<Site>, Vec<(Visit, usize)>) {
        let plan = Plan::parse(&format!("workload = \"pages\"\nseed = 3\n{plan}")).unwrap();
        let service = Pages::new(&plan).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = AtomicBool::new(false);
        let visits = thread::scope(|scope| {
            let _end = SetAtEnd(&stop);
            scope.spawn(|| service.serve(&listener, &stop).unwrap());
            let opened = AtomicUsize::new(0);
            let connect = || {
                opened.fetch_add(1, Ordering::Relaxed);
                TcpStream::connect(address)
            };
            let mut visitor = service.visitor("client0");
            visitor.greet(&connect, "a.invalid").unwrap();
            let missing = (!service.config.browser).then(|| visitor.visit(0, 0, &connect, "a.invalid", 1));
            assert!(missing.is_none_or(|missing| missing.unwrap_err().contains("answered 404")));
            let visit = |(&page, rep)| {
                opened.store(0, Ordering::Relaxed);
                let visit = visitor.visit(page, rep, &connect, "a.invalid", rep.into()).unwrap();
                (visit, opened.load(Ordering::Relaxed))
            };
            pages.iter().zip(0..).map(visit).collect()
        });
        (service.site, visits)
    }

    fn is_whole(visit: &Visit, page: &Page) {
        let resources = page.resources.len() as u32;
        assert!((1 + resources..=1 + resources + page.slots).contains(&visit.requests), "{visit:?}, {page:?}");
        let least = page.resources.iter().map(|resource| u64::from(resource.bytes)).sum::<u64>();
        assert!(visit.answer_bytes >= least + u64::from(page.document), "{visit:?}, {page:?}");
    }

    #[test]
    fn a_load_gets_the_document_and_all_it_refers_to_over_six_connections_or_over_one() {
        let numbers: Vec<u32> = (1..=12).collect();
        for (plan, most) in [("", 6), ("pages.http = 2", 1)] {
            let (site, visits) = visits(plan, &numbers);
            for (&number, (visit, opened)) in numbers.iter().zip(&visits) {
                is_whole(visit, &site.page(number));
                assert!(*opened <= most.min(visit.requests as usize), "{opened} connections for {visit:?}");
            }
            assert!(visits.iter().any(|(_, opened)| *opened == most));
        }
    }

    #[test]
    fn subpages_are_loaded_by_turns_and_each_is_an_origin() {
        let (site, visits) = visits("pages.subpages = 2", &[4, 4, 4]);
        for ((visit, _), at) in visits.iter().zip([0, 1, 0]) {
            is_whole(visit, &site.page(site::subpage(4, at)));
        }
        let of = |plan: &str| {
            let pages = Pages::new(&Plan::parse(&format!("workload = \"pages\"\n{plan}")).unwrap()).unwrap();
            [0, 1, 2].map(|rep| pages.origin(4, rep))
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("pages.subpages = 2"), ["page 4 subpage 0", "page 4 subpage 1", "page 4 subpage 0"].map(some));
        assert_eq!(of(""), [None, None, None]);
    }

    #[test]
    fn padded_pages_move_multiples() {
        for plan in ["defence.padding = 4096", "defence.padding = 4096\npages.http = 2\ndefence.delay = 5"] {
            let (_, visits) = visits(plan, &[2]);
            let (visit, _) = &visits[0];
            assert!(visit.answer_bytes >= 4096 * u64::from(visit.requests));
            assert_eq!(visit.answer_bytes % 4096, 0);
        }
    }

    #[test]
    fn tabs_load_other_pages_meanwhile_and_say_which() {
        for plan in ["", "pages.http = 2\n"] {
            let (site, visits) = visits(&format!("{plan}pages.tabs = 3\npages.apart = 0.1"), &[2]);
            let (visit, _) = &visits[0];
            assert_eq!(visit.also.len(), 2);
            let all: Vec<Page> = std::iter::once(2).chain(visit.also.clone()).map(|page| site.page(page)).collect();
            let least: u32 = all.iter().map(|page| 1 + page.resources.len() as u32).sum();
            let slots: u32 = all.iter().map(|page| page.slots).sum();
            assert!((least..=least + slots).contains(&visit.requests), "{visit:?}, {all:?}");
            assert!(visit.also.iter().all(|page| OTHER_TABS.contains(page)));
        }
    }

    #[test]
    fn a_browser_gets_the_same_and_asks_nobody_else() {
        use std::io::Write as _;
        if chromium::version().is_err() {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED pages by a browser: there is no chromium; lab/setup --browser installs it"
            );
            return;
        }
        for plan in ["pages.browser = true", "pages.browser = true\npages.http = 2"] {
            // A page in which resources are found late.
            let late = |page: &u32| Site::new(3, 0.2).page(*page).resources.iter().any(|part| part.found_in.is_some());
            let number = (1..).find(late).unwrap();
            let (site, visits) = visits(plan, &[number]);
            is_whole(&visits[0].0, &site.page(number));
        }
    }

    #[test]
    fn references_are_found_in_documents_and_in_style_sheets() {
        let found = |text: &'static str| references(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("<link rel=stylesheet href=\"/3/0\"><p id=r0>\n<img src=\"/3/1\">  "), ["/3/0", "/3/1"]);
        assert_eq!(found("#r0{background:url(\"/3/4\"),url(\"/3/5\")}"), ["/3/4", "/3/5"]);
        assert!(found("     ").is_empty());
    }
}
