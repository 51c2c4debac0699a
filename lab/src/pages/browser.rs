//! Loading a page as browsers do.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

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
                // Only where they are can there be any: pictures are blanks here.
                references(&body).for_each(|target| wanted.want(target));
                wanted.done(Ok(body.len()));
            }
            Ok((status, _)) => wanted.done(Err(format!("refused: {target} was answered {status}"))),
            Err(error) => wanted.done(Err(format!("connection: {error}"))),
        }
    }
}

fn references(body: &[u8]) -> impl Iterator<Item = &str> {
    // References come first; what fills the body up has none.
    let text = body.split(|&byte| byte == b' ').filter_map(|word| std::str::from_utf8(word).ok());
    text.filter_map(|word| word.strip_prefix("src=\"")?.split('"').next())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use super::*;
    use crate::flag::SetAtEnd;
    use crate::pages::{Site, server};
    use crate::secretstroll::Defence;

    fn serving<T>(defence: Defence, act: impl FnOnce(&Site, u16) -> T) -> T {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (site, stop) = (Arc::new(Site::new(3, 0.2)), AtomicBool::new(false));
        thread::scope(|scope| {
            let _end = SetAtEnd(&stop);
            let (shown, stop) = (server::Shown { site: Arc::clone(&site), session: Arc::default() }, &stop);
            scope.spawn(move || server::run(shown, defence, 3, &listener, stop).unwrap());
            act(&site, port)
        })
    }

    #[test]
    fn a_load_gets_the_document_and_all_it_refers_to_over_six_connections_at_most() {
        serving(Defence::default(), |site, port| {
            for number in 1..=12 {
                let opened = AtomicUsize::new(0);
                let connect = || {
                    opened.fetch_add(1, Ordering::Relaxed);
                    TcpStream::connect(("127.0.0.1", port))
                };
                let page = site.page(number);
                let visit = load(&connect, "localhost", &format!("/{number}"), 0, 1).unwrap();
                let resources = page.resources.len() as u32;
                assert!((1 + resources..=1 + resources + page.slots).contains(&visit.requests), "{visit:?}, {page:?}");
                let least = page.resources.iter().map(|resource| u64::from(resource.bytes)).sum::<u64>();
                assert!(visit.answer_bytes >= least + u64::from(page.document));
                assert!(opened.load(Ordering::Relaxed) <= 6.min(visit.requests as usize));
            }
            let connect = || TcpStream::connect(("127.0.0.1", port));
            assert!(load(&connect, "localhost", "/0", 0, 1).unwrap_err().contains("answered 404"));
        });
    }

    #[test]
    fn padded_pages_move_multiples() {
        serving(Defence { padding: 4096, ..Defence::default() }, |_, port| {
            let connect = || TcpStream::connect(("127.0.0.1", port));
            let visit = load(&connect, "localhost", "/2", 0, 1).unwrap();
            assert!(visit.answer_bytes >= 4096 * u64::from(visit.requests));
            assert_eq!(visit.answer_bytes % 4096, 0);
        });
    }
}
