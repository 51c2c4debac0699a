//! Work without the interpreter's lock, which tells how far it is and stops when asked to.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use wfkit_evaluate::{Moment, Observer, Setting};

use crate::error::WfkitWarning;

/// How often Python is asked whether somebody pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(50);

/// What work tells whoever waits for it.
enum Message {
    Begin(String, u64),
    About(String),
    Done(u64),
    Steps(u64),
    End,
    Warning(String),
}

/// What work is given: somebody to tell how far it is, and who says whether to go on.
pub(crate) struct Watch {
    tell: Sender<Message>,
    stopped: Arc<AtomicBool>,
    started: Instant,
}

/// What unwinds work that was stopped.
struct Stopped;

impl Watch {
    /// For experiments.
    pub(crate) fn setting(&self, seed: u64) -> Setting<'_> {
        Setting { seed, observer: self }
    }

    /// Unwinds the work where it was stopped. Nothing is left behind: it owns what it works on.
    pub(crate) fn go_on(&self) {
        if self.stopped.load(Ordering::Relaxed) {
            // Unlike a panic, this tells nobody.
            resume_unwind(Box::new(Stopped));
        }
    }

    /// So much of it is done.
    pub(crate) fn done(&self, steps: u64) {
        self.tell(Message::Done(steps));
    }

    fn tell(&self, told: Message) {
        self.go_on();
        let _ = self.tell.send(told); // Nobody listens any more where the work was stopped.
    }
}

impl Observer for Watch {
    fn begin(&self, work: &str, steps: u64) {
        self.tell(Message::Begin(work.to_owned(), steps));
    }

    fn about(&self, what: &str) {
        self.tell(Message::About(what.to_owned()));
    }

    fn steps(&self, n: u64) {
        self.tell(Message::Steps(n));
    }

    fn end(&self) {
        self.tell(Message::End);
    }

    fn warn(&self, message: &str) {
        self.tell(Message::Warning(message.to_owned()));
    }

    fn now(&self) -> Moment {
        Moment { wall: self.started.elapsed(), cpu: Duration::ZERO }
    }

    fn is_cancelled(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}

/// Does the work in a thread of its own, without the lock of the interpreter, and waits for it. `progress` is an object with the methods
/// `begin(work, steps)`, `about(what)`, `done(steps)`, `steps(n)` and `end()`, or none.
///
/// Ctrl-C raises `KeyboardInterrupt` at once; the work ends at the next step that it tells of.
pub(crate) fn run<T: Send + 'static>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(&Watch) -> PyResult<T> + Send + 'static,
) -> PyResult<T> {
    let (tell, mut told) = channel();
    let (give, given) = channel::<Result<PyResult<T>, Box<dyn Any + Send>>>();
    let stopped = Arc::new(AtomicBool::new(false));
    let watch = Watch { tell, stopped: Arc::clone(&stopped), started: Instant::now() };
    let thread = thread::Builder::new().name("wfkit".to_owned()).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| work(&watch)));
        let _ = give.send(result); // Nobody waits any more where it was stopped.
        drop(watch);
    });
    thread.map_err(|error| PyRuntimeError::new_err(format!("no thread to work in: {error}")))?;
    loop {
        // The receiver goes to where the lock is not held, and comes back.
        let (next, back) = py.detach(move || (told.recv_timeout(PATIENCE), told));
        told = back;
        let heard = match next {
            Ok(told) => hear(py, progress, told),
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => break,
        };
        if let Err(error) = heard.and_then(|()| py.check_signals()) {
            stopped.store(true, Ordering::Relaxed);
            return Err(error);
        }
    }
    match py.detach(move || given.recv()) {
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => Err(PyRuntimeError::new_err("the work ended without a result")),
    }
}

fn hear(py: Python<'_>, progress: Option<&Bound<'_, PyAny>>, told: Message) -> PyResult<()> {
    if let Message::Warning(text) = told {
        let warnings = py.import("warnings")?;
        // The level is that of whoever called the function of the package.
        return warnings.call_method1("warn", (text, py.get_type::<WfkitWarning>(), 2)).map(drop);
    }
    let Some(progress) = progress else { return Ok(()) };
    let heard = match told {
        Message::Begin(work, steps) => progress.call_method1("begin", (work, steps)),
        Message::About(what) => progress.call_method1("about", (what,)),
        Message::Done(steps) => progress.call_method1("done", (steps,)),
        Message::Steps(n) => progress.call_method1("steps", (n,)),
        Message::End => progress.call_method0("end"),
        Message::Warning(_) => unreachable!("it was told above"),
    };
    heard.map(drop)
}
