//! Loads of web pages: a document, then what it refers to, six connections at a time.
//!
//! Numbers of requests and bytes of pages are those of the web, made smaller by a factor. Every load is a little different, as pages
//! are: the document changes, and slots in it show something else each time.

mod browser;
mod server;
mod site;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use wfkit_metrics::seed::mix;

pub use site::{Page, Resource, Site};

use crate::Error;
use crate::plan::Plan;
use crate::secretstroll::Defence;
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
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self { scale: 0.2, tabs: 1, apart: 1.0 }
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
    defence: Defence,
    seed: u64,
}

impl Pages {
    pub(crate) fn new(plan: &Plan) -> Self {
        let site = Arc::new(Site::new(plan.seed, plan.pages.scale).with_drift(plan.drift.database));
        Self { site, config: plan.pages, session: Arc::default(), defence: plan.defence, seed: plan.seed }
    }
}

impl Pages {
    /// What a second application loads: pages of another site.
    pub(crate) fn beside(plan: &Plan) -> Self {
        let site = Arc::new(Site::new(plan.seed ^ 1 << 50, plan.pages.scale));
        let config = PagesConfig { tabs: 1, ..plan.pages };
        Self { site, config, session: Arc::default(), defence: Defence::default(), seed: plan.seed }
    }
}

impl Service for Pages {
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let (site, session) = (Arc::clone(&self.site), Arc::clone(&self.session));
        server::run(server::Shown { site, session }, self.defence, self.seed, listener, stop)
    }

    fn change(&self, session: u32) -> Result<f64, Error> {
        self.session.store(session, Ordering::Relaxed);
        Ok(self.site.share_changed(session))
    }

    fn visitor(&self, _: &str) -> Box<dyn Visitor + '_> {
        Box::new(Reader { delay: self.defence.delay, config: self.config })
    }
}

struct Reader {
    delay: u32,
    config: PagesConfig,
}

impl Visitor for Reader {
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String> {
        let greet = || crate::http::exchange(connect()?, host, "GET", "/", None);
        greet().map(|_| ()).map_err(|error| format!("connection: {error}"))
    }

    fn visit(&mut self, class: u32, _: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String> {
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(seed, 12));
        let PagesConfig { tabs, apart, .. } = self.config;
        let delay = self.delay;
        let load = |page: u32, seed| browser::load(connect, host, &format!("/{page}"), delay, seed);
        thread::scope(|scope| {
            let mut starts = 0.0;
            let others: Vec<_> = (1..tabs)
                .map(|_| {
                    starts += randomness.random_range(0.0..=apart);
                    let (page, seed) = (randomness.random_range(OTHER_TABS), randomness.random());
                    let wait = Duration::from_secs_f64(starts);
                    scope.spawn(move || {
                        thread::sleep(wait);
                        (page, load(page, seed))
                    })
                })
                .collect();
            let mut visit = load(class, seed)?;
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

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::flag::SetAtEnd;

    #[test]
    fn tabs_load_other_pages_meanwhile_and_say_which() {
        let plan = Plan::parse("workload = \"pages\"\nseed = 3\npages.tabs = 3\npages.apart = 0.1").unwrap();
        let pages = Pages::new(&plan);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let _end = SetAtEnd(&stop);
            scope.spawn(|| pages.serve(&listener, &stop).unwrap());
            let connect = || TcpStream::connect(address);
            let visit = pages.visitor("client0").visit(2, 0, &connect, "localhost", 1).unwrap();
            assert_eq!(visit.also.len(), 2);
            let all: Vec<Page> =
                std::iter::once(2).chain(visit.also.clone()).map(|page| pages.site.page(page)).collect();
            let least: u32 = all.iter().map(|page| 1 + page.resources.len() as u32).sum();
            let slots: u32 = all.iter().map(|page| page.slots).sum();
            assert!((least..=least + slots).contains(&visit.requests), "{visit:?}, {all:?}");
            assert!(visit.also.iter().all(|page| OTHER_TABS.contains(page)));
        });
    }
}
