//! Long work as bars.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use wfkit_metrics::{Moment, Observer};

use crate::Printer;

/// Shows long work as bars, warns on standard error, and tells the time by the clocks of the system, since it was made.
pub struct Watcher<'a> {
    printer: &'a Printer,
    started: Instant,
    /// How far the work is that is under way.
    bar: Mutex<Option<ProgressBar>>,
    /// What is being done where no part of it tells how far it is.
    between: Mutex<Option<&'static str>>,
}

impl<'a> Watcher<'a> {
    /// One whose clock starts now.
    pub fn new(printer: &'a Printer) -> Self {
        Self { printer, started: Instant::now(), bar: Mutex::default(), between: Mutex::default() }
    }

    /// The time since it was made.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Says what is being done until what is returned is dropped; bars of parts of it that tell how far they are take its place meanwhile.
    pub fn working(&self, what: &'static str) -> Working<'_> {
        *self.between.lock().expect(UNPOISONED) = Some(what);
        self.show(Some(self.printer.spinner(what)));
        Working(self)
    }

    fn show(&self, bar: Option<ProgressBar>) {
        let before = std::mem::replace(&mut *self.bar.lock().expect(UNPOISONED), bar);
        before.inspect(ProgressBar::finish_and_clear);
    }
}

impl fmt::Debug for Watcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher").field("started", &self.started).finish_non_exhaustive()
    }
}

const UNPOISONED: &str = "nobody panics while holding it";

/// What is being done; see [`Watcher::working`].
#[derive(Debug)]
pub struct Working<'a>(&'a Watcher<'a>);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *self.0.between.lock().expect(UNPOISONED) = None;
        self.0.show(None);
    }
}

impl Observer for Watcher<'_> {
    fn begin(&self, work: &str, steps: u64) {
        self.show(Some(self.printer.progress(work, steps)));
    }

    fn about(&self, what: &str) {
        if let Some(bar) = &*self.bar.lock().expect(UNPOISONED) {
            bar.set_message(what.to_owned());
        }
    }

    fn steps(&self, n: u64) {
        if let Some(bar) = &*self.bar.lock().expect(UNPOISONED) {
            bar.inc(n);
        }
    }

    fn end(&self) {
        let between = *self.between.lock().expect(UNPOISONED);
        self.show(between.map(|what| self.printer.spinner(what)));
    }

    fn warn(&self, message: &str) {
        match &*self.bar.lock().expect(UNPOISONED) {
            Some(bar) => bar.suspend(|| self.printer.warn(message)),
            None => self.printer.warn(message),
        }
    }

    fn now(&self) -> Moment {
        Moment { wall: self.started.elapsed(), cpu: cpu_time() }
    }
}

/// What all threads of this process have used of all cores.
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
