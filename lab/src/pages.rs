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

use serde::{Deserialize, Serialize};

pub use site::{Page, Resource, Site};

use crate::Error;
use crate::plan::Plan;
use crate::secretstroll::Defence;
use crate::workload::{Connect, Service, Visit, Visitor};

/// Most pages of a site.
pub const MOST_PAGES: u32 = 10_000;

/// What pages are like. Written in a plan as `[pages]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PagesConfig {
    /// Requests and bytes of a page, as a share of those of the web.
    pub scale: f64,
}

impl Default for PagesConfig {
    fn default() -> Self {
        Self { scale: 0.2 }
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
        let Defence { padding, delay, .. } = *defence;
        if *defence != (Defence { padding, delay, ..Defence::default() }) {
            return wrong(
                "defence: pages have padding and delay; count, dummies, batch and pir are SecretStroll's".to_owned(),
            );
        }
        defence.check_ranges()
    }
}

/// The workload; the class is the number of the page.
pub(crate) struct Pages {
    site: Arc<Site>,
    /// Which session the site is as in.
    session: Arc<AtomicU32>,
    defence: Defence,
    seed: u64,
}

impl Pages {
    pub(crate) fn new(plan: &Plan) -> Self {
        let site = Arc::new(Site::new(plan.seed, plan.pages.scale).with_drift(plan.drift.database));
        Self { site, session: Arc::default(), defence: plan.defence, seed: plan.seed }
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
        Box::new(Reader { delay: self.defence.delay })
    }
}

struct Reader {
    delay: u32,
}

impl Visitor for Reader {
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String> {
        let greet = || crate::http::exchange(connect()?, host, "GET", "/", None);
        greet().map(|_| ()).map_err(|error| format!("connection: {error}"))
    }

    fn visit(&mut self, class: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String> {
        browser::load(connect, host, &format!("/{class}"), self.delay, seed)
    }
}
