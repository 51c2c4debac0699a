//! HTTP/1.1 as browsers speak it: six connections, each for one request after the other.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::references;
use crate::http::Connection;
use crate::workload::{Connect, Visit};

/// Connections to a server at a time, in every browser with HTTP/1.1.
const CONNECTIONS: u64 = 6;

/// Loads what is at `target` and all that it refers to, directly or not; before each request up to `delay` ms are waited.
pub(super) fn load(connect: &Connect<'_>, host: &str, target: &str, delay: u32, seed: u64) -> Result<Visit, String> {
    let wanted = Wanted::default();
    wanted.want(target);
    thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let randomness = Xoshiro256PlusPlus::seed_from_u64(seed ^ number);
            let wanted = &wanted;
            scope.spawn(move || fetch(connect, host, wanted, delay, randomness));
        }
    });
    let State { visit, failed, .. } = wanted.state.into_inner().expect("a panic was told");
    failed.map_or(Ok(visit), Err)
}

/// What is left of a load, shared by its connections.
#[derive(Default)]
struct Wanted {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    targets: VecDeque<String>,
    known: BTreeSet<String>,
    under_way: usize,
    /// Connections that are open and have nothing to do: they are used before others are opened.
    idle: usize,
    visit: Visit,
    failed: Option<String>,
}

impl Wanted {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this")
    }

    fn want(&self, target: &str) {
        let mut state = self.state();
        if state.known.insert(target.to_owned()) {
            state.targets.push_back(target.to_owned());
        }
    }

    /// The next target for a connection, once there is one; `None` when the page is loaded, or never will be.
    fn next(&self, is_open: bool) -> Option<String> {
        let mut state = self.state();
        state.idle += usize::from(is_open);
        loop {
            if state.failed.is_some() || (state.targets.is_empty() && state.under_way == 0) {
                return None;
            }
            let is_needed = is_open || state.targets.len() > state.idle;
            if let Some(target) = is_needed.then(|| state.targets.pop_front()).flatten() {
                state.idle -= usize::from(is_open);
                state.under_way += 1;
                return Some(target);
            }
            state = self.changed.wait(state).expect("as in state()");
        }
    }

    fn done(&self, got: Result<usize, String>) {
        let mut state = self.state();
        state.under_way -= 1;
        match got {
            Ok(bytes) => {
                state.visit.requests += 1;
                state.visit.answer_bytes += bytes as u64;
            }
            Err(why) => state.failed = Some(why),
        }
        self.changed.notify_all();
    }
}

/// One connection: opened for the first target, kept for all others.
fn fetch(connect: &Connect<'_>, host: &str, wanted: &Wanted, delay: u32, mut randomness: Xoshiro256PlusPlus) {
    let mut connection: Option<Connection> = None;
    while let Some(target) = wanted.next(connection.is_some()) {
        if delay > 0 {
            thread::sleep(Duration::from_millis(randomness.random_range(0..=delay).into()));
        }
        let mut get = || {
            let open = match connection.take() {
                Some(open) => open,
                None => Connection::new(connect()?)?,
            };
            connection.insert(open).get(host, &target)
        };
        match get() {
            Ok((200, body)) => {
                references(&body).for_each(|target| wanted.want(target));
                wanted.done(Ok(body.len()));
            }
            Ok((status, _)) => wanted.done(Err(format!("refused: {target} was answered {status}"))),
            Err(error) => wanted.done(Err(format!("connection: {error}"))),
        }
    }
}
