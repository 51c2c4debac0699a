//! Queries made by all clients at once, each recorded on its client's link.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_capture::live::Query;
use wfkit_metrics::seed::mix;

use crate::Error;
use crate::flag::SetAtEnd;
use crate::journal::{Journal, Row};
use crate::network::{Network, SECOND_PORT, SERVER_PORT, stop_if};
use crate::pages::Pages;
use crate::plan::{Circuits, Plan, Route, Vantage};
use crate::queue::Queue;
use crate::record::{LINK, Pair, Tap, record_while};
use crate::socks;
use crate::topology::{Node, Role};
use crate::tor::{Circuit, SOCKS_PORT};
use crate::workload::{self, Visit};

/// How often daemons are looked after and progress is told.
const LOOK: Duration = Duration::from_millis(500);
const TELL: Duration = Duration::from_secs(5);

/// How long a client asks a service that does not answer, until it gives up. Relays that died are there again within a second, but
/// whoever asked them in vain stays away from them for minutes.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A client that got no answer for so long starts anew: it forgets which guards and introduction points it holds for dead.
const START_ANEW: Duration = Duration::from_secs(60);

/// So does the service, if no client at all got an answer for so long.
const SERVICE_STARTS_ANEW: Duration = Duration::from_secs(120);

/// After a try that failed: until daemons that died by it are seen to be dead.
const UNTIL_DEATHS_SHOW: Duration = Duration::from_secs(1);

/// How a collection stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Queries that are recorded, those of earlier runs included.
    pub done: usize,
    /// Queries of the plan.
    pub all: usize,
    /// Tries that failed.
    pub failed_tries: u32,
    /// Queries a second, of this run.
    pub rate: f64,
    /// Seconds that are left at this rate.
    pub seconds_left: f64,
}

/// What came of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Collected {
    /// Queries that are recorded.
    pub done: usize,
    /// Tries that failed.
    pub failed_tries: u32,
    /// Queries that were made as noise, of this run.
    pub noise: u64,
    /// Pages that second applications loaded, of this run.
    pub besides: u64,
    /// Queries that were given up.
    pub given_up: Vec<Query>,
}

/// Makes all queries of a plan that are not in `folder` yet.
///
/// # Errors
///
/// If files, links or the server fail, or `stop` was set; the set is good for going on.
pub fn collect(
    network: &Network,
    plan: &Plan,
    folder: &Path,
    tell: &(dyn Fn(CollectEvent<'_>) + Sync),
    stop: &AtomicBool,
) -> Result<Collected, Error> {
    let journal = Journal::open(folder, plan)?;
    let started_with = journal.done();
    let collection = Collection {
        network,
        plan,
        workload: workload::service(plan)?,
        drifted: Mutex::new(0.0),
        beside: (plan.beside > 0.0).then(|| Pages::beside(plan)).transpose()?,
        besides: AtomicU64::new(0),
        journal: Mutex::new(journal),
        queue: Queue::default(),
        noise: AtomicU64::new(0),
        answered: Mutex::new(Instant::now()),
        started: Instant::now(),
        started_with,
        tell,
        stop,
    };
    let server_stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let server = scope.spawn(|| collection.serve(&*collection.workload, SERVER_PORT, &server_stop));
        let beside = scope.spawn(|| {
            let pages = collection.beside.as_ref();
            pages.map_or(Ok(()), |pages| collection.serve(pages, SECOND_PORT, &server_stop))
        });
        let done = {
            let _end = SetAtEnd(&server_stop);
            (0..plan.sessions).try_for_each(|session| collection.session(session))
        };
        let served = [server, beside].map(|server| server.join().expect("a panic was told"));
        served.into_iter().fold(done, Result::and)
    })?;
    collection.journal().label_vantages()?;
    Ok(collection.collected())
}

/// What whoever watches a collection is told.
#[derive(Debug, Clone, Copy)]
pub enum CollectEvent<'a> {
    /// Now and then.
    Progress(Progress),
    /// A try failed.
    Failed {
        /// The query.
        query: &'a Query,
        /// Why.
        why: &'a str,
    },
    /// A daemon ended and was started again.
    Restarted(&'a str),
    /// A node whose tor is started anew, since nothing came through for long.
    Anew(&'a str),
}

struct Collection<'a> {
    network: &'a Network,
    plan: &'a Plan,
    workload: Box<dyn workload::Service>,
    /// What a second application of clients loads, and how often it did.
    beside: Option<Pages>,
    besides: AtomicU64,
    /// Share of the workload's database that is other than in the first session.
    drifted: Mutex<f64>,
    journal: Mutex<Journal>,
    /// What is left of a session.
    queue: Queue,
    /// Queries that were made as noise.
    noise: AtomicU64,
    /// When any client got an answer for the last time, or the service started anew.
    answered: Mutex<Instant>,
    started: Instant,
    started_with: usize,
    tell: &'a (dyn Fn(CollectEvent<'_>) + Sync),
    stop: &'a AtomicBool,
}

impl Collection<'_> {
    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().expect("nothing panics while it holds this")
    }

    /// A connection of the calling thread's client to the service.
    fn connect(&self, user: &str) -> io::Result<TcpStream> {
        self.connect_to(user, 80, SERVER_PORT)
    }

    /// The same, to one of the servers.
    fn connect_to(&self, user: &str, onion_port: u16, server_port: u16) -> io::Result<TcpStream> {
        match self.plan.route {
            Route::Onion => socks::connect(self.network.onion(), onion_port, user),
            Route::Exit => socks::connect(&self.service().address.to_string(), server_port, user),
            Route::Direct => TcpStream::connect((self.service().address, server_port)),
        }
    }

    /// What clients call the service.
    fn host(&self) -> &str {
        match self.plan.route {
            Route::Onion => self.network.onion(),
            Route::Exit | Route::Direct => "service0",
        }
    }

    fn service(&self) -> &Node {
        self.network.nodes_of(Role::Service).next().expect("every network has one")
    }

    fn serve(&self, workload: &dyn workload::Service, port: u16, stop: &AtomicBool) -> Result<(), Error> {
        // Behind the onion service nobody else reaches it; else exits or clients do, and nobody else is in this network.
        let address = match self.plan.route {
            Route::Onion => Ipv4Addr::LOCALHOST,
            Route::Exit | Route::Direct => self.service().address,
        };
        self.network.namespace(self.service()).run(|| {
            let listener = TcpListener::bind((address, port));
            let listener = listener.map_err(Error::system(format!("listening on {address}:{port}")))?;
            workload.serve(&listener, stop)
        })
    }

    fn session(&self, session: u32) -> Result<(), Error> {
        let mut clients: Vec<_> = self.network.nodes_of(Role::Client).collect();
        let mut noisy = clients.split_off(clients.len().saturating_sub(self.plan.most_noise().into()));
        noisy.truncate(self.plan.noise_in(session).into());
        let left: Vec<Vec<_>> = {
            let journal = self.journal();
            let is_left = |query: &Query| !journal.is_done(query) && journal.failures(query) < self.plan.tries;
            let of_clients = self.plan.queries_by_client(session, clients.len()).into_iter();
            of_clients.map(|queries| queries.into_iter().filter(is_left).collect()).collect()
        };
        if left.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let delay = Duration::from_secs_f64(self.plan.delay_in(session) / 1000.0);
        self.network.set_delay(delay);
        *self.drifted.lock().expect("nothing panics while it holds this") = self.workload.change(session)?;
        self.queue.fill(left);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let workers = clients.iter().zip(0..);
            let workers = workers.map(|(client, at)| scope.spawn(move || Worker::new(self, client, at, session).run()));
            let workers: Vec<_> = workers.collect();
            let watch = scope.spawn(|| self.watch(&is_over));
            let noise = noisy.iter().zip(0..).map(|(client, at)| {
                let is_over = &is_over;
                scope.spawn(move || self.make_noise(client, mix(session.into(), at), is_over))
            });
            let noise: Vec<_> = noise.collect();
            let beside = clients.iter().zip(0..).map(|(client, at)| {
                let is_over = &is_over;
                scope.spawn(move || self.load_beside(client, mix(session.into(), at), is_over))
            });
            let beside: Vec<_> = beside.collect();
            let over = SetAtEnd(&is_over);
            let mut result = Ok(());
            for worker in workers {
                result = result.and(worker.join().expect("a panic was told"));
            }
            drop(over);
            // One client's trouble does not matter where others did its part.
            let result = if self.queue.is_over() && !self.stop.load(Ordering::Relaxed) { Ok(()) } else { result };
            let noise = noise.into_iter().chain(beside).try_for_each(|noise| noise.join().expect("a panic was told"));
            result.and(watch.join().expect("a panic was told")).and(noise)
        })?;
        (self.tell)(CollectEvent::Progress(self.progress()));
        Ok(())
    }

    /// Queries of random classes by a client that is not recorded, until `is_over`. Those that fail are noise as well.
    fn make_noise(&self, client: &Node, number: u64, is_over: &AtomicBool) -> Result<(), Error> {
        self.network.namespace(client).enter()?;
        let mut visitor = self.workload.visitor(&client.name);
        let host = self.host();
        let connect = || self.connect("noise");
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(mix(self.plan.seed, 6), number));
        let classes = [self.plan.classes(), self.plan.background()].concat();
        let mut is_known = false;
        while !is_over.load(Ordering::Relaxed) {
            is_known = is_known || visitor.greet(&connect, host).is_ok();
            let class = classes[randomness.random_range(0..classes.len())];
            if is_known && visitor.visit(class, randomness.random(), &connect, host, randomness.random()).is_ok() {
                self.noise.fetch_add(1, Ordering::Relaxed);
            } else {
                thread::sleep(LOOK);
            }
        }
        Ok(())
    }

    /// Page loads of a second application of a client, until `is_over`.
    fn load_beside(&self, client: &Node, number: u64, is_over: &AtomicBool) -> Result<(), Error> {
        let Some(pages) = &self.beside else { return Ok(()) };
        self.network.namespace(client).enter()?;
        let mut visitor = workload::Service::visitor(pages, &client.name);
        let connect = || self.connect_to("beside", 81, SECOND_PORT);
        let mut randomness = Xoshiro256PlusPlus::seed_from_u64(mix(mix(self.plan.seed, 11), number));
        while !is_over.load(Ordering::Relaxed) {
            let page = randomness.random_range(1..=100);
            if visitor.visit(page, 0, &connect, self.host(), randomness.random()).is_ok() {
                self.besides.fetch_add(1, Ordering::Relaxed);
            }
            let pause = Duration::from_secs_f64(randomness.random_range(0.0..=2.0 * self.plan.beside));
            let begun = Instant::now();
            while begun.elapsed() < pause && !is_over.load(Ordering::Relaxed) {
                thread::sleep(pause.saturating_sub(begun.elapsed()).min(LOOK));
            }
        }
        Ok(())
    }

    fn watch(&self, is_over: &AtomicBool) -> Result<(), Error> {
        let mut told = Instant::now();
        while !is_over.load(Ordering::Relaxed) {
            thread::sleep(LOOK);
            self.mend()?;
            if told.elapsed() > TELL {
                (self.tell)(CollectEvent::Progress(self.progress()));
                told = Instant::now();
            }
        }
        Ok(())
    }

    fn mend(&self) -> Result<(), Error> {
        for restarted in self.network.mend()? {
            (self.tell)(CollectEvent::Restarted(&restarted.node));
        }
        Ok(())
    }

    fn was_answered(&self) {
        *self.answered.lock().expect("nothing panics while it holds this") = Instant::now();
    }

    /// Starts the tor of the service anew if nobody got an answer for long: its introduction points may be gone, and tor looks for
    /// others only now and then.
    fn revive_service(&self) -> Result<(), Error> {
        let mut answered = self.answered.lock().expect("nothing panics while it holds this");
        if answered.elapsed() > SERVICE_STARTS_ANEW {
            (self.tell)(CollectEvent::Anew(&self.service().name));
            self.network.renew(self.service())?;
            *answered = Instant::now();
        }
        Ok(())
    }

    fn progress(&self) -> Progress {
        let journal = self.journal();
        let (done, all) = (journal.done(), self.plan.len());
        let rate = (done - self.started_with) as f64 / self.started.elapsed().as_secs_f64();
        Progress { done, all, failed_tries: journal.failed_tries(), rate, seconds_left: (all - done) as f64 / rate }
    }

    fn collected(&self) -> Collected {
        let journal = self.journal();
        let all = (0..self.plan.sessions).flat_map(|session| self.plan.queries(session));
        let given_up = all.filter(|query| !journal.is_done(query)).collect();
        let noise = self.noise.load(Ordering::Relaxed);
        let besides = self.besides.load(Ordering::Relaxed);
        Collected { done: journal.done(), failed_tries: journal.failed_tries(), noise, besides, given_up }
    }
}

/// One client of a session.
struct Worker<'a> {
    collection: &'a Collection<'a>,
    client: &'a Node,
    /// Which client it is, from 0.
    at: usize,
    session: u32,
    /// Makes of every try another draw, and under [`Circuits::Fresh`] another user of tor.
    tries: u64,
    visitor: Box<dyn workload::Visitor + 'a>,
}

/// Whom the client talks to.
#[derive(Debug, Clone)]
struct Peer {
    name: String,
    address: Ipv4Addr,
}

impl<'a> Worker<'a> {
    fn new(collection: &'a Collection<'a>, client: &'a Node, at: usize, session: u32) -> Self {
        let visitor = collection.workload.visitor(&client.name);
        Self { collection, client, at, session, tries: 0, visitor }
    }

    fn run(mut self) -> Result<(), Error> {
        let collection = self.collection;
        collection.network.namespace(self.client).enter()?;
        let mut peer = None;
        while !collection.queue.is_over() {
            stop_if(collection.stop)?;
            // What others are making may come back.
            if !collection.queue.has_waiting() {
                thread::sleep(LOOK);
                continue;
            }
            // A client that gets no answer holds no query back from others.
            let Some(known) = peer.take().map_or_else(|| self.first_contact(), |known| Ok(Some(known)))? else {
                continue;
            };
            // A circuit that is gone is built anew by another greeting, and not within a query.
            if self.circuits_to_keep().is_err() {
                continue;
            }
            let Some(query) = collection.queue.take(self.at) else {
                peer = Some(known);
                continue;
            };
            let deaths = collection.network.deaths();
            match self.attempt(query.get(), &known)? {
                Ok(()) => {
                    collection.was_answered();
                    query.settle();
                    peer = Some(known);
                }
                // Another guard may have been chosen: the next try begins with a look.
                Err(why) => {
                    thread::sleep(UNTIL_DEATHS_SHOW);
                    collection.mend()?;
                    let counts = collection.network.deaths() == deaths;
                    let mut journal = collection.journal();
                    journal.failed(query.get(), &self.client.name, &why, counts)?;
                    let is_left = journal.failures(query.get()) < collection.plan.tries;
                    drop(journal);
                    (collection.tell)(CollectEvent::Failed { query: query.get(), why: &why });
                    if !is_left {
                        query.settle();
                    }
                }
            }
        }
        Ok(())
    }

    /// Asks for something until the service answers; then the link that queries will use is known. `None` if meanwhile others made
    /// all that was left.
    fn first_contact(&mut self) -> Result<Option<Peer>, Error> {
        let Collection { network, plan, stop, queue, .. } = self.collection;
        if self.tries == 0 && self.session > 0 && plan.route != Route::Direct {
            network.renew(self.client)?;
        }
        let started = Instant::now();
        let mut anew = started;
        network.set_machines(self.client, &plan.maybenot)?;
        while !queue.is_over() {
            stop_if(stop)?;
            self.tries += 1;
            let user = self.user();
            let connect = || self.collection.connect(&user);
            let why = match self.visitor.greet(&connect, self.collection.host()) {
                Ok(()) => {
                    self.collection.was_answered();
                    match self.peer_alone() {
                        Ok(Some(peer)) => return Ok(Some(peer)),
                        Ok(None) => "no circuit to it is built".to_owned(),
                        Err(error) => error.to_string(),
                    }
                }
                Err(why) => why,
            };
            if started.elapsed() > PATIENCE {
                let (client, minutes) = (&self.client.name, PATIENCE.as_secs() / 60);
                return Err(Error::Wrong(format!(
                    "the service does not answer {client} after {minutes} minutes: {why}; the same command goes on with the set"
                )));
            }
            if plan.route == Route::Onion {
                self.collection.revive_service()?;
            }
            if plan.route != Route::Direct && anew.elapsed() > START_ANEW {
                (self.collection.tell)(CollectEvent::Anew(&self.client.name));
                network.renew(self.client)?;
                anew = Instant::now();
            }
            thread::sleep(Duration::from_secs(1));
        }
        Ok(None)
    }

    /// As whom the client's tor knows this try.
    fn user(&self) -> String {
        match self.collection.plan.circuits {
            Circuits::Kept => format!("s{}", self.session),
            Circuits::Fresh => format!("s{}-{}", self.session, self.tries),
        }
    }

    /// Whom the client talks to, and for how many seconds: the guard of the newest circuit to the service, or the service.
    fn peer(&self) -> Result<Option<(Peer, f64)>, Error> {
        let network = self.collection.network;
        if self.collection.plan.route == Route::Direct {
            let service = self.collection.service();
            return Ok(Some((Peer { name: service.name.clone(), address: service.address }, 0.0)));
        }
        let Some(newest) = self.circuit()? else { return Ok(None) };
        let Some(address) = newest.path.first().and_then(|guard| network.relay(guard)) else { return Ok(None) };
        let Some(node) = network.nodes().iter().find(|node| node.address == address) else { return Ok(None) };
        Ok(Some((Peer { name: node.name.clone(), address }, age(&newest.created))))
    }

    /// The same, once nothing is left of what tor asked others when it started.
    fn peer_alone(&self) -> Result<Option<Peer>, Error> {
        let peer = self.peer()?.map(|(peer, _)| peer);
        if self.collection.plan.route != Route::Direct {
            self.collection.network.control(self.client)?.close_directory_circuits()?;
        }
        Ok(peer)
    }

    /// The newest circuit to the service.
    fn circuit(&self) -> Result<Option<Circuit>, Error> {
        Ok(self.circuits()?.into_iter().max_by(|a, b| a.created.cmp(&b.created)))
    }

    /// The circuits to the service: more than one where tor gave one up that it still has.
    fn circuits(&self) -> Result<Vec<Circuit>, Error> {
        let Collection { network, plan, .. } = self.collection;
        let (service, user) = (network.onion().trim_end_matches(".onion"), self.user());
        let leads_there = |circuit: &Circuit| match plan.route {
            // A second application has circuits of its own to the same place.
            Route::Onion => {
                let is_own = circuit.user.as_deref().is_none_or(|of| of == user);
                circuit.onion.as_deref() == Some(service) && circuit.purpose == "HS_CLIENT_REND" && is_own
            }
            Route::Exit | Route::Direct => circuit.user.as_deref() == Some(&user) && !circuit.is_one_hop,
        };
        let circuits = network.control(self.client)?.circuits()?;
        Ok(circuits.into_iter().filter(leads_there).collect())
    }

    /// What tor calls the circuits that a query must find and leave as they are; `None` where it may build its own. Their age does not
    /// tell: tor makes new circuits to a service of older ones that it keeps ready.
    fn kept_circuits(&self) -> Result<Option<BTreeSet<String>>, Error> {
        let Plan { route, circuits, .. } = self.collection.plan;
        if *route == Route::Direct || *circuits == Circuits::Fresh {
            return Ok(None);
        }
        Ok(Some(self.circuits()?.into_iter().map(|circuit| circuit.id).collect()))
    }

    /// The same, or why a query would have to build one.
    fn circuits_to_keep(&self) -> Result<Option<BTreeSet<String>>, String> {
        match self.kept_circuits() {
            Ok(Some(kept)) if kept.is_empty() => Err("the circuit was gone before the query".to_owned()),
            Ok(kept) => Ok(kept),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Makes and records a query; why that failed, if it did.
    fn attempt(&mut self, query: &Query, peer: &Peer) -> Result<Result<(), String>, Error> {
        self.tries += 1;
        let plan = self.collection.plan;
        let parts = self.collection.journal().parts(query)?;
        let kept = match self.circuits_to_keep() {
            Ok(kept) => kept,
            Err(why) => return Ok(Err(why)),
        };
        let taps = self.taps(peer)?.into_iter().zip(parts).collect();
        let started = Instant::now();
        let (answer, recordings) = record_while(taps, || {
            let started = Instant::now();
            (self.ask(query), started.elapsed())
        })?;
        let recording = recordings[0];
        let (visit, took) = match answer {
            (Ok(visit), took) => (visit, took),
            (Err(why), _) => return Ok(Err(why)),
        };
        if recording.strangers > 0 {
            return Ok(Err(format!("{} packets were not with {}", recording.strangers, peer.name)));
        }
        let dropped: u64 = recordings.iter().map(|recording| recording.dropped).sum();
        if dropped > 0 {
            return Ok(Err(format!("the kernel dropped {dropped} packets")));
        }
        if recordings.iter().any(|recording| recording.packets == 0) {
            return Ok(Err("nothing was recorded".to_owned()));
        }
        let after = started.elapsed().saturating_sub(took).as_secs_f64();
        let circuit_seconds = match self.peer() {
            Ok(Some((now, age))) if now.address == peer.address => (age - after).max(0.0),
            Err(error) => return Ok(Err(error.to_string())),
            Ok(_) => return Ok(Err(format!("{} is not the guard any more", peer.name))),
        };
        // What building another took is none of the query: introductions, padding around them, descriptors that tor asks for again.
        match self.kept_circuits() {
            Ok(now) if now == kept => {}
            Ok(_) => return Ok(Err("the circuit was built anew during the query".to_owned())),
            Err(error) => return Ok(Err(error.to_string())),
        }
        let Collection { drifted, workload, .. } = self.collection;
        let origin = query.class.parse().ok().and_then(|class| workload.origin(class, query.rep));
        let mut journal = self.collection.journal();
        let row = Row {
            path: String::new(),
            class: query.class.clone(),
            rep: query.rep,
            session: query.session.clone().unwrap_or_default(),
            origin,
            start_ns: recording.start_ns,
            packets: recording.packets,
            dropped: recording.dropped,
            client: self.client.name.clone(),
            guard: peer.name.clone(),
            circuit_seconds,
            tries: journal.tries(query) + 1,
            seconds: took.as_secs_f64(),
            requests: visit.requests,
            answer_bytes: visit.answer_bytes,
            also: visit.also.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            database: *drifted.lock().expect("nothing panics while it holds this"),
            noise: plan.noise_in(self.session),
            delay_ms: plan.delay_in(self.session),
        };
        journal.finish(query, row)?;
        Ok(Ok(()))
    }

    /// The client's link, then other vantage points in the order of the plan.
    fn taps(&self, peer: &Peer) -> Result<Vec<Tap>, Error> {
        let Collection { network, plan, .. } = self.collection;
        let pair = Pair { client: self.client.address, peer: peer.address };
        let between = format!("tcp and host {} and host {}", pair.client, pair.peer);
        let mut taps = vec![match plan.route {
            Route::Onion | Route::Exit => Tap::of_pair(pair)?,
            // The client's tor is there, too, and what it does by itself is none of a query that goes without it.
            Route::Direct => Tap::open(LINK, between.clone())?,
        }];
        for vantage in &plan.vantages {
            let on_link = |node: &Node, filter: String| network.namespace(node).run(|| Tap::open(LINK, filter));
            taps.push(match vantage {
                Vantage::Socks => Tap::open("lo", format!("tcp and port {SOCKS_PORT}"))?,
                Vantage::Service => on_link(self.collection.service(), "tcp".to_owned())?,
                Vantage::Exit => {
                    let circuit = self.circuit()?;
                    let exit = circuit.as_ref().and_then(|circuit| network.relay(circuit.path.last()?));
                    // None of a circuit that is gone: nothing is recorded there, and the query is made again.
                    let exit = network.nodes().iter().find(|node| Some(node.address) == exit);
                    let exit = exit.or_else(|| network.nodes_of(Role::Exit).next()).expect("every network has one");
                    let server = self.collection.service().address;
                    on_link(exit, format!("tcp and host {server} and port {SERVER_PORT}"))?
                }
                Vantage::Guard => {
                    let guard = network.nodes().iter().find(|node| node.address == peer.address);
                    on_link(guard.expect("a guard is a node"), between.clone())?
                }
            });
        }
        Ok(taps)
    }

    fn ask(&mut self, query: &Query) -> Result<Visit, String> {
        let seed = mix(mix(self.collection.plan.seed, 3), mix(query.rep.into(), self.tries));
        let class = query.class.parse().map_err(|_| "the class is no number")?;
        let (user, host) = (self.user(), self.collection.host());
        self.visitor.visit(class, query.rep, &|| self.collection.connect(&user), host, seed)
    }
}

/// Seconds since a time of tor's, in UTC.
fn age(created: &str) -> f64 {
    let Ok(created) = format!("{created}Z").parse::<jiff::Timestamp>() else { return 0.0 };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (now.as_secs_f64() - created.as_nanosecond() as f64 / 1e9).max(0.0)
}
