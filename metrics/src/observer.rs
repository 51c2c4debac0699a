//! Who watches long work.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Watches work that may take long. Every method may be called from any thread.
pub trait Observer: Sync {
    /// A piece of work of so many steps begins; another begins only after its [`end`](Self::end).
    fn begin(&self, _work: &str, _steps: u64) {}

    /// What of it is done now.
    fn about(&self, _what: &str) {}

    /// So many steps of it are done since this was last told.
    fn steps(&self, _n: u64) {}

    /// One step of it is done.
    fn step(&self) {
        self.steps(1);
    }

    /// It is done.
    fn end(&self) {}

    /// Something that whoever reads the result should know.
    fn warn(&self, _message: &str) {}

    /// The time, for what is said of costs; nothing else depends on it.
    fn now(&self) -> Moment {
        Moment::default()
    }

    /// Whether to give up, asked before each attack, draw and fold that is looked at for itself.
    fn is_cancelled(&self) -> bool {
        false
    }
}

impl fmt::Debug for dyn Observer + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Nobody watches, no time passes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {}

/// What work is given besides its data.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// Seed of everything random.
    pub seed: u64,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

impl Setting<'_> {
    /// Nobody watches.
    pub fn silent(seed: u64) -> Self {
        Self { seed, observer: &Silent }
    }

    /// Gives up where the observer says so.
    ///
    /// # Errors
    /// That it does.
    pub fn go_on(&self) -> Result<(), Cancelled> {
        if self.observer.is_cancelled() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The observer gave up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A point in time, since a beginning of the observer's choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moment {
    /// On the wall.
    pub wall: Duration,
    /// Used by all threads on all cores.
    pub cpu: Duration,
}

/// How often an observer is told of many short steps: by so many parts of the whole.
const TOLD: u64 = 500;

/// A piece of work of many short steps, done by many threads. It ends when this is dropped.
#[derive(Debug)]
pub struct Work<'a> {
    observer: &'a dyn Observer,
    at_once: u64,
    done: AtomicU64,
}

impl<'a> Work<'a> {
    /// It begins.
    pub fn begin(observer: &'a dyn Observer, work: &str, steps: usize) -> Self {
        observer.begin(work, steps as u64);
        Self { observer, at_once: (steps as u64 / TOLD).max(1), done: AtomicU64::new(0) }
    }

    /// One step is done. Not every step is told, but that so many are.
    pub fn step(&self) {
        self.steps(1);
    }

    /// So many more are done.
    pub fn steps(&self, n: u64) {
        let before = self.done.fetch_add(n, Ordering::Relaxed);
        let told = (before + n) / self.at_once - before / self.at_once;
        if told > 0 {
            self.observer.steps(told * self.at_once);
        }
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.observer.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Counting {
        begun: AtomicU64,
        steps: AtomicU64,
        calls: AtomicU64,
        ended: AtomicU64,
    }

    impl Observer for Counting {
        fn begin(&self, work: &str, steps: u64) {
            assert_eq!(work, "cakes");
            self.begun.store(steps, Ordering::Relaxed);
        }

        fn steps(&self, n: u64) {
            self.steps.fetch_add(n, Ordering::Relaxed);
            self.calls.fetch_add(1, Ordering::Relaxed);
        }

        fn end(&self) {
            self.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn many_steps_are_told_in_some_parts_from_any_thread() {
        for (steps, calls, told) in [(7, 7, 7), (500, 500, 500), (10_000, 500, 10_000), (1_005, 502, 1_004)] {
            let counting = Counting::default();
            let work = Work::begin(&counting, "cakes", steps);
            std::thread::scope(|scope| {
                scope.spawn(|| (0..steps / 2).for_each(|_| work.step()));
                scope.spawn(|| (steps / 2..steps).for_each(|_| work.step()));
            });
            assert_eq!(counting.ended.load(Ordering::Relaxed), 0);
            drop(work);
            let found = [&counting.begun, &counting.calls, &counting.steps, &counting.ended];
            assert_eq!(found.map(|count| count.load(Ordering::Relaxed)), [steps as u64, calls, told, 1], "{steps}");
        }
    }
}
