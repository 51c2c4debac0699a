//! What is collected: a plan in TOML.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};
use wfkit_capture::live::Query;
use wfkit_metrics::seed::mix;

use crate::Error;
use crate::arti::Machines;
use crate::chat::{ChatConfig, MOST_TOPICS};
use crate::drift::Drift;
use crate::pages::{MOST_PAGES, PagesConfig};
use crate::secretstroll::{CELLS, Defence, Map};
use crate::topology::{ClientProgram, NetworkConfig};

/// Which queries are made and recorded. Every key has a default.
///
/// ```toml
/// workload = "secretstroll" # or "pages", "chat"
/// classes = 10             # grid cells (pages, topics) 1 to 10; or a list, [3, 14, 15]
/// reps = 20                # of each class in each session
/// unmonitored = 0          # other pages (topics), each loaded once, dealt out to sessions
/// sessions = 2             # each with other guards and circuits
/// route = "onion"          # or "exit": to the server itself; "direct": without Tor
/// circuits = "kept"        # or "fresh": another one for every query
/// noise = 0                # so many of the clients make queries that nobody records
/// beside = 0.0             # else every client also loads web pages, so many seconds apart: a second application
/// vantages = ["guard"]     # recorded there, too: guard, socks; of one client service, exit
/// tries = 4                # how often a query is made until it is given up
/// seed = 7                 # of the map, the order, and all else that is drawn
///
/// [network]                # as in `wfkit-lab up`
/// relays = 5
/// clients = 4
/// client = "tor"           # or "arti"
/// delay = 5.0
/// connection_padding = "auto" # or "on", "reduced", "off": Tor's own, while the connection is silent
/// circuit_padding = true   # Tor's own, while circuits to onion services are set up
///
/// [pages]
/// scale = 0.2              # requests and bytes, as a share of the web's
/// tabs = 1                 # pages that are loaded at once: others start while the first one loads
/// apart = 1.0              # most seconds between the starts of two
/// http = 1                 # HTTP/1.1, six connections; or 2: HTTP/2 over TLS, one connection
/// browser = false          # true: the system's Chromium loads the pages
/// subpages = 1             # pages of each class, which is then a site: loaded by turns
///
/// [chat]
/// prompts = 20             # questions on each topic, asked by turns
/// scale = 0.3              # tokens of answers, as a share of what is usual
///
/// [drift]                  # what changes from session to session; nothing is the default
/// database = 0.1           # share of points (or of a page's resources) that are others than in the session before
/// noise = [0, 2]           # clients that make noise, session by session
/// delay = [2.0, 20.0]      # of every node's link, in ms, session by session
///
/// [defence]                # of the application; none is the default
/// padding = 4096
/// count = 18
///
/// [maybenot]               # on the circuits of clients (client = "arti"); none is the default
/// machines = ["02e.."]     # as Maybenot writes them
/// hop = 1                  # to which relay their padding goes; 0 is the guard
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// What clients do.
    pub workload: Workload,
    /// What they ask for.
    pub classes: Classes,
    /// Repetitions of each class in each session.
    pub reps: u32,
    /// Pages (topics) that are loaded (asked about) once in all sessions together, each a class of its own, numbered behind the others. Not of SecretStroll.
    pub unmonitored: u32,
    /// Sessions, which share no guard state and no circuit.
    pub sessions: u32,
    /// How queries get to the service.
    pub route: Route,
    /// How long circuits are used.
    pub circuits: Circuits,
    /// How many of the network's clients, the last ones, only make noise: queries that nobody records, of random classes, one after the
    /// other.
    pub noise: u16,
    /// A second application of every recorded client: it loads web pages, each after a pause of up to twice so many seconds, by the same tor
    /// and so over the same link, in recordings, too. 0 is none.
    pub beside: f64,
    /// Where queries are recorded besides their client's link.
    pub vantages: Vec<Vantage>,
    /// How often a query is made until it is given up. Tries during which a daemon died do not count.
    pub tries: u32,
    /// Seed of all that is drawn.
    pub seed: u64,
    /// The network.
    pub network: NetworkConfig,
    /// What pages are like.
    pub pages: PagesConfig,
    /// What questions and answers are like.
    pub chat: ChatConfig,
    /// What changes from session to session.
    pub drift: Drift,
    /// What client and server do so that queries look alike.
    pub defence: Defence,
    /// Machines of Maybenot on the circuits of clients, which are arti's.
    pub maybenot: Machines,
}

/// What clients do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Workload {
    /// Ask for points of interest in a grid cell; the class is the cell.
    Secretstroll,
    /// Load a web page; the class is its number.
    Pages,
    /// Ask a language model; the class is the topic.
    Chat,
}

/// Classes of a workload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Classes {
    /// The first so many.
    First(u32),
    /// These.
    These(Vec<u32>),
}

/// How queries get to the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// Through Tor, to an onion service.
    Onion,
    /// Through Tor, out of an exit, to the server itself.
    Exit,
    /// Without Tor.
    Direct,
}

/// Where a query can be recorded besides its client's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Vantage {
    /// On the link of the client's guard: what the client and the guard say to each other, as it gets there.
    Guard,
    /// Between the application and the client's tor, without Tor's cells.
    Socks,
    /// On the link of the onion service, to its own guard: with one client only, since those of several cannot be told apart there.
    Service,
    /// On the link of the exit: what it and the server say to each other, without Tor's cells; with one client only.
    Exit,
}

impl Vantage {
    /// The folder of its recordings, in that of the set.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Socks => "socks",
            Self::Service => "service",
            Self::Exit => "exit",
        }
    }
}

/// How long circuits are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Circuits {
    /// As long as tor uses them.
    Kept,
    /// For one query.
    Fresh,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            workload: Workload::Secretstroll,
            classes: Classes::First(10),
            reps: 20,
            unmonitored: 0,
            sessions: 1,
            route: Route::Onion,
            circuits: Circuits::Kept,
            noise: 0,
            beside: 0.0,
            vantages: Vec::new(),
            tries: 4,
            seed: 0,
            network: NetworkConfig { clients: 4, ..NetworkConfig::default() },
            pages: PagesConfig::default(),
            chat: ChatConfig::default(),
            drift: Drift::default(),
            defence: Defence::default(),
            maybenot: Machines::default(),
        }
    }
}

impl Plan {
    /// Reads a plan and checks it.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no plan, or a value makes no sense; names the file and the key.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::system(path.display().to_string()))?;
        Self::parse(&text).map_err(|problem| Error::Wrong(format!("{}: {problem}", path.display())))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let plan: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        plan.check().map_err(|error| error.to_string())?;
        Ok(plan)
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is something else.
    pub fn read_json(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::system(path.display().to_string()))?;
        let plan: Self =
            serde_json::from_str(&text).map_err(|error| Error::Wrong(format!("{}: {error}", path.display())))?;
        plan.check()?;
        Ok(plan)
    }

    /// With all defaults, as sets keep it.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("these types can be written")
    }

    /// Whether it makes sense.
    ///
    /// # Errors
    ///
    /// If not, with the key.
    pub fn check(&self) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Wrong(text));
        let mut classes = self.classes();
        let (what, most) = match self.workload {
            Workload::Secretstroll => ("grid cell", CELLS),
            Workload::Pages => ("page", MOST_PAGES),
            Workload::Chat => ("topic", MOST_TOPICS),
        };
        if let Some(class) = classes.iter().chain(&self.background()).find(|class| !(1..=most).contains(*class)) {
            return wrong(format!("classes: {class} is no {what}; they are 1 to {most}"));
        }
        let all = classes.len();
        classes.sort_unstable();
        classes.dedup();
        if classes.len() < all || classes.is_empty() {
            return wrong("classes: each is named once, and there is at least one".to_owned());
        }
        for (key, value, most) in
            [("reps", self.reps, 100_000), ("sessions", self.sessions, 1000), ("tries", self.tries, 100)]
        {
            if !(1..=most).contains(&value) {
                return wrong(format!("{key} = {value}: 1 to {most}"));
            }
        }
        self.drift.check(self.sessions, self.noise, self.network.delay)?;
        if self.most_noise() >= self.network.clients {
            let (noise, clients) = (self.most_noise(), self.network.clients);
            return wrong(format!("noise = {noise}: of {clients} clients one at least is to be recorded"));
        }
        if !(0.0..=3600.0).contains(&self.beside) {
            return wrong(format!("beside = {}: seconds between page loads, up to 3600", self.beside));
        }
        for (at, vantage) in self.vantages.iter().enumerate() {
            let name = vantage.folder();
            if self.vantages[..at].contains(vantage) {
                return wrong(format!("vantages: {name} is named twice"));
            }
            if self.route == Route::Direct {
                return wrong(format!("vantages: without Tor there is no {name}"));
            }
            let behind = match vantage {
                Vantage::Guard | Vantage::Socks => None,
                Vantage::Service => Some(Route::Onion),
                Vantage::Exit => Some(Route::Exit),
            };
            if behind.is_some_and(|route| route != self.route) {
                let route = if *vantage == Vantage::Exit { "exit" } else { "onion" };
                return wrong(format!("vantages: {name} is where queries pass with route = \"{route}\""));
            }
            if behind.is_some() && self.network.clients > 1 {
                let clients = self.network.clients;
                return wrong(format!(
                    "vantages: on the link of the {name} {clients} clients cannot be told apart; network.clients = 1"
                ));
            }
        }
        if self.pages.browser && self.workload != Workload::Pages {
            return wrong("pages.browser: only pages are loaded by a browser; workload = \"pages\"".to_owned());
        }
        match self.workload {
            Workload::Secretstroll if self.unmonitored > 0 => {
                return wrong(format!("unmonitored = {}: only pages and chats have a background", self.unmonitored));
            }
            Workload::Secretstroll => self.check_points()?,
            Workload::Pages => self.pages.check(&self.defence)?,
            Workload::Chat => self.chat.check(&self.defence)?,
        }
        self.check_maybenot()?;
        self.network.nodes().map(|_| ())
    }

    fn check_maybenot(&self) -> Result<(), Error> {
        self.maybenot.check()?;
        let why = match (self.network.client, self.route) {
            _ if self.maybenot.machines.is_empty() => return Ok(()),
            (ClientProgram::Arti, Route::Onion | Route::Exit) => return Ok(()),
            (ClientProgram::Tor, _) => "tor runs none; network.client = \"arti\"",
            (_, Route::Direct) => "without Tor there are no circuits",
        };
        Err(Error::Wrong(format!("maybenot.machines: {why}")))
    }

    /// Whether all points of every cell are asked for, also of those that open later.
    fn check_points(&self) -> Result<(), Error> {
        let map = Map::synthetic(self.seed);
        self.defence.check(if self.drift.database > 0.0 { Map::MOST_POINTS } else { map.most_points() })
    }

    /// Clients that make noise in a session, from 0.
    pub fn noise_in(&self, session: u32) -> u16 {
        self.drift.noise.get(session as usize).copied().unwrap_or(self.noise)
    }

    /// Clients that make noise in some session: they are recorded in none.
    pub fn most_noise(&self) -> u16 {
        self.drift.noise.iter().copied().max().unwrap_or(self.noise)
    }

    /// Delay of every node's link in a session, from 0, one way, in ms.
    pub fn delay_in(&self, session: u32) -> f64 {
        self.drift.delay.get(session as usize).copied().unwrap_or(self.network.delay)
    }

    /// The pages that are loaded once, behind all classes.
    pub fn background(&self) -> Vec<u32> {
        let from = self.classes().into_iter().max().unwrap_or(0).min(MOST_TOPICS) + 1;
        (from..from + self.unmonitored.min(MOST_TOPICS)).collect()
    }

    /// The classes.
    pub fn classes(&self) -> Vec<u32> {
        match &self.classes {
            Classes::First(count) => (1..=*count).collect(),
            Classes::These(classes) => classes.clone(),
        }
    }

    /// The queries of a session, from 0, in the order in which they are made. Repetitions count on over sessions.
    pub fn queries(&self, session: u32) -> Vec<Query> {
        let reps = session * self.reps..(session + 1) * self.reps;
        let all = reps.flat_map(|rep| self.classes().into_iter().map(move |class| (class, rep)));
        // Each page of the background in one session, as many in each.
        let background = self.background().into_iter().zip(0..).filter(|(_, at)| at % self.sessions == session);
        let all = all.chain(background.map(|(class, _)| (class, 0)));
        let session_name = Some(format!("s{session}"));
        let mut queries: Vec<_> =
            all.map(|(class, rep)| Query { class: class.to_string(), rep, session: session_name.clone() }).collect();
        queries.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(mix(self.seed, 2), session.into())));
        queries
    }

    /// The queries of a session for each of so many clients, who get every class equally often: else a client's path through the
    /// network would tell something of the class.
    pub fn queries_by_client(&self, session: u32, clients: usize) -> Vec<Vec<Query>> {
        let mut of_clients = vec![Vec::new(); clients];
        let classes = [self.classes(), self.background()].concat();
        // Each class goes around, from another client on.
        let mut next: BTreeMap<String, usize> = classes.iter().map(ToString::to_string).zip(0..).collect();
        for query in self.queries(session) {
            let client = next.get_mut(&query.class).expect("a class of this plan");
            of_clients[*client % clients].push(query);
            *client += 1;
        }
        of_clients
    }

    /// How many queries it has.
    pub fn len(&self) -> usize {
        self.classes().len() * self.reps as usize * self.sessions as usize + self.unmonitored as usize
    }

    /// Never: a plan that is checked has queries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_that_is_written_is_read() {
        let plan = Plan { classes: Classes::These(vec![3, 1]), route: Route::Direct, ..Plan::default() };
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), plan.to_json()).unwrap();
        assert_eq!(Plan::read_json(file.path()).unwrap(), plan);
        assert_eq!(Plan::parse("classes = [3, 1]\nroute = \"direct\"\nnetwork.clients = 4").unwrap(), plan);
        assert_eq!(Plan::parse("").unwrap(), Plan::default());
    }

    #[test]
    fn every_query_is_made_once_in_an_order_of_the_seed() {
        let plan = Plan { classes: Classes::First(5), reps: 4, sessions: 3, ..Plan::default() };
        let sessions: Vec<_> = (0..3).map(|session| plan.queries(session)).collect();
        let mut all = sessions.concat();
        all.sort();
        all.dedup();
        assert_eq!((all.len(), plan.len()), (60, 60));
        assert_eq!(plan.queries(1), sessions[1]);
        assert_ne!(Plan { seed: 1, ..plan.clone() }.queries(1), sessions[1]);
        let classes = |queries: &[Query]| queries.iter().map(|query| query.class.clone()).collect::<Vec<_>>();
        assert_ne!(classes(&sessions[0]), classes(&sessions[1]));
        assert_eq!(sessions[2].iter().map(|query| query.rep).max(), Some(11));
    }

    #[test]
    fn sessions_drift_as_the_plan_says() {
        let plan = Plan::parse("sessions = 3\ndrift.noise = [0, 2, 1]\ndrift.delay = [1, 2, 30.5]").unwrap();
        assert_eq!([0, 1, 2].map(|session| plan.noise_in(session)), [0, 2, 1]);
        assert_eq!([0, 1, 2].map(|session| plan.delay_in(session)), [1.0, 2.0, 30.5]);
        assert_eq!(plan.most_noise(), 2);
        let plan = Plan::parse("sessions = 3\nnoise = 1\nnetwork.delay = 4").unwrap();
        assert_eq!((plan.noise_in(2), plan.delay_in(2), plan.most_noise()), (1, 4.0, 1));
    }

    #[test]
    fn a_background_is_loaded_once_in_as_many_pages_a_session() {
        let plan =
            Plan::parse("workload = \"pages\"\nclasses = [2, 5]\nreps = 3\nsessions = 2\nunmonitored = 10").unwrap();
        assert_eq!((plan.len(), plan.background()), (22, (6..=15).collect()));
        let sessions: Vec<_> = (0..2).map(|session| plan.queries(session)).collect();
        assert_eq!(sessions.iter().map(Vec::len).collect::<Vec<_>>(), [11, 11]);
        let mut seen: Vec<u32> = sessions.concat().iter().map(|query| query.class.parse().unwrap()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [vec![2, 5], (6..=15).collect()].concat());
        assert_eq!(plan.queries_by_client(0, 4).iter().map(Vec::len).sum::<usize>(), 11);
    }

    #[test]
    fn every_client_gets_every_class_equally_often() {
        let plan = Plan { classes: Classes::First(5), reps: 8, ..Plan::default() };
        let of_clients = plan.queries_by_client(0, 4);
        let mut all = of_clients.concat();
        all.sort();
        let mut expected = plan.queries(0);
        expected.sort();
        assert_eq!(all, expected);
        for queries in &of_clients {
            assert_eq!(queries.len(), 10);
            for class in 1..=5 {
                let class = class.to_string();
                assert_eq!(queries.iter().filter(|query| query.class == class).count(), 2);
            }
        }
        assert_eq!(plan.queries_by_client(0, 3).iter().map(Vec::len).sum::<usize>(), 40);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_its_key() {
        for (text, said) in [
            ("classes = 101", "classes: 101"),
            ("classes = [1, 1]", "classes: each"),
            ("classes = []", "classes: each"),
            ("reps = 0", "reps = 0"),
            ("beside = -1", "beside = -1: seconds"),
            ("noise = 4", "noise = 4: of 4 clients"),
            ("sessions = 2\ndrift.noise = [0, 4]", "noise = 4: of 4 clients"),
            ("sessions = 2\ndrift.delay = [1]", "drift.delay: 1 values for 2 sessions"),
            ("drift.databse = 1", "unknown field `databse`"),
            ("drift.database = 0.1\ndefence.count = 17", "count = 17: a cell has 18 points"),
            ("vantages = [\"service\"]", "vantages: on the link of the service 4 clients"),
            ("route = \"exit\"\nvantages = [\"exit\"]", "vantages: on the link of the exit 4 clients"),
            ("vantages = [\"exit\"]", "vantages: exit is where queries pass with route = \"exit\""),
            ("route = \"exit\"\nvantages = [\"service\"]", "vantages: service is where"),
            ("vantages = [\"guard\", \"guard\"]", "vantages: guard is named twice"),
            ("vantages = [\"socks\"]\nroute = \"direct\"", "vantages: without Tor there is no socks"),
            ("unmonitored = 3", "unmonitored = 3: only pages and chats"),
            ("workload = \"pages\"\nunmonitored = 10000", "classes: 10001 is no page"),
            ("workload = \"pages\"\npages.scale = 2", "pages.scale = 2"),
            ("workload = \"pages\"\npages.tabs = 0", "pages.tabs = 0"),
            ("workload = \"pages\"\npages.apart = -1", "pages.apart = -1"),
            ("pages.browser = true", "pages.browser: only pages"),
            ("workload = \"pages\"\npages.subpages = 0", "pages.subpages = 0"),
            ("workload = \"pages\"\npages.http = 3", "pages.http = 3: 1 (HTTP/1.1) or 2"),
            ("workload = \"pages\"\npages.browser = true\ndefence.delay = 5", "pages.browser: Chromium"),
            ("workload = \"pages\"\ndefence.count = 20", "defence: pages have padding and delay"),
            ("[defence]\ncount = 2", "count = 2: a cell has"),
            ("[defence]\ntokens = 2", "tokens and injection: only chats"),
            ("workload = \"chat\"\ndefence.count = 20", "defence: chats have padding, tokens and injection"),
            ("workload = \"chat\"\ndefence.injection = 101", "injection (in percent) = 101"),
            ("workload = \"chat\"\nchat.prompts = 0", "chat.prompts = 0"),
            ("[network]\nrelays = 1", "relays = 1"),
            ("clases = 3", "unknown field `clases`"),
            ("route = \"tor\"", "unknown variant `tor`"),
            ("maybenot.machines = [\"02e\"]", "maybenot.machines: tor runs none"),
            (
                "network.client = \"arti\"\nroute = \"direct\"\nmaybenot.machines = [\"02e\"]",
                "without Tor there are no circuits",
            ),
            ("maybenot.hop = 4", "maybenot.hop = 4"),
            ("network.client = \"arty\"", "unknown variant `arty`"),
            ("[defence]\npading = 3", "unknown field `pading`"),
        ] {
            let error = Plan::parse(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
