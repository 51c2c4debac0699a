//! The command line.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use wfkit_lab::{ClientProgram, NetworkConfig};

/// The laboratory: a private Tor network on this machine, services and clients on it, and recordings of what clients do.
///
/// Everything runs in namespaces of its own, as root or not: nothing reaches the network outside, and nothing is left behind,
/// however it ends.
#[derive(Debug, Parser)]
#[command(name = "wfkit-lab", version)]
pub(crate) struct Cli {
    /// What the program says to itself.
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell what this machine has and lacks, with the command that mends it
    Check,
    /// Start a network that runs until `down`
    Up(Up),
    /// Tell how a network is, and how to get into it
    Status(Which),
    /// End a network, and look for what is left of it
    Down(Which),
    /// Bring up a network, make the queries of a plan, and record each on its client's link
    #[command(after_help = PLAN_HELP)]
    Collect(Collect),
    /// Record a defence, simulate it on undefended recordings of the same queries, and tell where the simulator is off
    #[command(after_help = COMPARE_HELP)]
    Compare(Compare),
    /// Make and record the traces of a defence, as a file that the competition takes
    #[command(after_help = DEFENCE_HELP)]
    Generate(Generate),
    /// Draw the packets of one query at the client and at other vantage points of its set
    Picture(Picture),
    /// The system SecretStroll by hand
    #[command(subcommand)]
    Secretstroll(SecretStroll),
    /// Make, record and attack a small set, without a defence and under one, and compare
    Demo(Demo),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Name of the network, where several run beside each other
    #[arg(long, default_value = "default")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) which: Which,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Stay in the foreground; Ctrl-C ends the network
    #[arg(long)]
    pub(crate) foreground: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Collect {
    /// The plan, in TOML
    pub(crate) plan: PathBuf,
    /// Folder of the set; one that was begun with this plan goes on
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Also write its traces, as `wfkit capture import` does; pages that are loaded once become the class `unmonitored`
    #[arg(long, value_name = "FILE")]
    pub(crate) traces: Option<PathBuf>,
    /// Let Debian's Chromium load the plan's pages, as with `browser = true` under [pages]
    #[arg(long)]
    pub(crate) browser: bool,
    /// Let such clients make the queries, as with `client = "arti"` under [network]; default: what the plan says
    #[arg(long)]
    pub(crate) client: Option<Client>,
    /// The program wfkit, for --traces; default: $WFKIT, the one beside this program, or on the path
    #[arg(long)]
    pub(crate) wfkit: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Compare {
    /// The plan, in TOML, with its [defence]
    pub(crate) plan: PathBuf,
    /// Folder for the two sets, their traces and the simulated ones; what was begun there goes on
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The simulation, as `wfkit defend --defence` takes it; default: the one that is like the plan's defence
    #[arg(long, value_name = "SPEC")]
    pub(crate) simulate: Option<String>,
    /// Attacks, joined by commas
    #[arg(long, value_delimiter = ',', default_value = "totals,kfp")]
    pub(crate) attacks: Vec<String>,
    /// Folds of the cross-validation
    #[arg(long, default_value_t = 5)]
    pub(crate) folds: u32,
    /// The program wfkit; default: $WFKIT, the one beside this program, or on the path
    #[arg(long)]
    pub(crate) wfkit: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Picture {
    /// Folder of the set
    pub(crate) set: PathBuf,
    /// The class; default: that of the first query in the manifest
    #[arg(long)]
    pub(crate) class: Option<String>,
    /// The repetition
    #[arg(long)]
    pub(crate) rep: Option<u32>,
    /// The picture
    #[arg(long, value_name = "SVG", default_value = "query.svg")]
    pub(crate) out: PathBuf,
}

const COMPARE_HELP: &str = "\
The same queries are recorded twice, without the plan's defence and under it;
the simulation is then applied to the former. Where --simulate is not given:

  padding and count   fixed-shape:largest, with as many rounds as requests,
                      each with what a padded answer takes
  padding             answers filled up by cells, at the pace of the others
  count               requests for nothing at the end
  delay               a wait of up to as many ms where requests open streams;
                      of pages, and without Tor, jitter:uniform, which holds
                      every packet back
  [maybenot]          the same machines in Maybenot's own simulator

Overheads are means over queries, against the same queries without the
defence, with 95 % intervals (bootstrap over queries).";

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Folder for sets, traces and reports; must not be there
    #[arg(long, default_value = "lab-demo")]
    pub(crate) out: PathBuf,
    /// The program wfkit; default: the one beside this program, $WFKIT, or on the path
    #[arg(long)]
    pub(crate) wfkit: Option<PathBuf>,
    /// Grid cells
    #[arg(long, default_value_t = 5)]
    pub(crate) classes: u32,
    /// Repetitions of each, each way
    #[arg(long, default_value_t = 8)]
    pub(crate) reps: u32,
    /// Seed of map, order and attack
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Fail unless the attack is at least 3 times as good as chance without the defence, and at most twice under it
    #[arg(long)]
    pub(crate) check: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The defence, in TOML
    pub(crate) defence: PathBuf,
    /// Folder for the set, its traces and the defence file; what was begun there goes on
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// The program wfkit; default: $WFKIT, the one beside this program, or on the path
    #[arg(long)]
    pub(crate) wfkit: Option<PathBuf>,
    /// Grid cells
    #[arg(long, default_value_t = 100)]
    pub(crate) classes: u32,
    /// Repetitions of each
    #[arg(long, default_value_t = 32)]
    pub(crate) reps: u32,
    /// Clients that ask at once
    #[arg(long, default_value_t = 14)]
    pub(crate) clients: u16,
    /// Seed of the map and the order: the same for every team
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

const DEFENCE_HELP: &str = "\
A defence; every key may be left out:

  padding = 65536          # fill every answer up to a multiple of bytes
  count = 18               # always so many requests
  dummies = 10             # up to so many more, in between
  batch = true             # all in one answer
  pir = true               # private information retrieval from two servers
  delay = 200              # wait up to so many ms before each request";

#[derive(Debug, Subcommand)]
pub(crate) enum SecretStroll {
    /// The server of points of interest
    Server {
        #[command(subcommand)]
        action: ServerAction,
    },
    /// A subscriber
    Client {
        #[command(subcommand)]
        action: ClientAction,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerAction {
    /// Make the key that credentials are issued with, and the database of points
    Setup {
        /// What can be subscribed to, joined by commas
        #[arg(long, value_delimiter = ',', default_value = "restaurant,bar,club")]
        subscriptions: Vec<String>,
        /// File of the key; must not be there
        #[arg(long, default_value = "server.key")]
        key: PathBuf,
        /// SQLite file of the points; must not be there
        #[arg(long, default_value = "pois.sqlite")]
        database: PathBuf,
        /// Seed of the points
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Answer queries until Ctrl-C
    Run {
        /// File of the key
        #[arg(long, default_value = "server.key")]
        key: PathBuf,
        /// SQLite file of the points
        #[arg(long, default_value = "pois.sqlite")]
        database: PathBuf,
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1")]
        address: Ipv4Addr,
        /// Port to listen on
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Seed of what answers are longer by
        #[arg(long, default_value_t = 0)]
        seed: u64,
        #[command(flatten)]
        defence: DefenceArgs,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientAction {
    /// Get the server's public key
    GetPk {
        #[command(flatten)]
        peer: Peer,
        /// File to write it to
        #[arg(long, default_value = "server.pub")]
        key: PathBuf,
    },
    /// Get a credential
    Register {
        #[command(flatten)]
        peer: Peer,
        /// File of the server's public key
        #[arg(long, default_value = "server.pub")]
        key: PathBuf,
        /// Name of the user; the server does not get to know it
        #[arg(long)]
        username: String,
        /// What to subscribe to, joined by commas
        #[arg(long, value_delimiter = ',')]
        subscriptions: Vec<String>,
        /// File to write the credential to; must not be there
        #[arg(long, default_value = "user.credential")]
        credential: PathBuf,
    },
    /// Ask for the points of a grid cell
    Grid {
        /// The cell, 1 to 100
        cell: u32,
        #[command(flatten)]
        ask: Ask,
    },
    /// Ask for the points around a place
    Loc {
        /// Degrees north, 46.5 to 46.57
        latitude: f64,
        /// Degrees east, 6.55 to 6.65
        longitude: f64,
        #[command(flatten)]
        ask: Ask,
    },
}

/// Where the server is.
#[derive(Debug, Args)]
pub(crate) struct Peer {
    /// The server: ADDRESS:PORT, or with --tor the onion address
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) server: String,
    /// Ask through the Tor client on 127.0.0.1:9050
    #[arg(short, long)]
    pub(crate) tor: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    #[command(flatten)]
    pub(crate) peer: Peer,
    /// File of the server's public key
    #[arg(long, default_value = "server.pub")]
    pub(crate) key: PathBuf,
    /// File of the credential
    #[arg(long, default_value = "user.credential")]
    pub(crate) credential: PathBuf,
    /// Subscriptions to show, joined by commas
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) types: Vec<String>,
    #[command(flatten)]
    pub(crate) defence: DefenceArgs,
}

/// What client and server do so that queries look alike.
#[derive(Debug, Args)]
pub(crate) struct DefenceArgs {
    /// Fill every answer up to a multiple of so many bytes (server)
    #[arg(long, default_value_t = 0)]
    pub(crate) padding: u32,
    /// Make so many requests for points, also where a cell has fewer (client)
    #[arg(long, default_value_t = 0)]
    pub(crate) count: u32,
    /// Make up to so many more, in between (client)
    #[arg(long, default_value_t = 0)]
    pub(crate) dummies: u32,
    /// Ask for all points at once (client)
    #[arg(long)]
    pub(crate) batch: bool,
    /// Ask two servers for mixtures of cells that do not tell which is meant (client)
    #[arg(long)]
    pub(crate) pir: bool,
    /// Wait up to so many ms before each request (client)
    #[arg(long, default_value_t = 0)]
    pub(crate) delay: u32,
}

const PLAN_HELP: &str = "\
A plan; every key has a default:

  workload = \"secretstroll\" # or \"pages\", \"chat\"
  classes = 10             # cells (pages, topics) 1 to 10; or a list, [3, 14]
  reps = 20                # of each class in each session
  unmonitored = 0          # other pages (topics), each once in all sessions
  sessions = 2             # each with other guards and circuits
  route = \"onion\"          # or \"exit\": to the server; \"direct\": without Tor
  circuits = \"kept\"        # or \"fresh\": another one for every query
  noise = 0                # clients that make queries that nobody records
  beside = 0.0             # else clients also load web pages, a second
                           # application, so many seconds apart
  vantages = [\"guard\"]     # recorded there, too: guard, socks; with one
                           # client also service, exit
  tries = 4                # how often a query is made until it is given up
  seed = 7                 # of the map, the order, and all else that is drawn

  [network]                # as in `wfkit-lab up`
  clients = 4
  client = \"tor\"           # or \"arti\" (`lab/setup --arti` builds it)
  delay = 5.0
  connection_padding = \"auto\" # Tor's own: \"on\", \"reduced\", \"off\"
  circuit_padding = true   # Tor's own, while circuits are set up

  [pages]
  scale = 0.2              # requests and bytes, as a share of the web's
  tabs = 1                 # pages loaded at once: others start meanwhile
  apart = 1.0              # most seconds between the starts of two
  http = 1                 # HTTP/1.1; or 2: HTTP/2 over TLS
  browser = false          # true: the system's Chromium loads the pages
  subpages = 1             # pages of each class, then a site; by turns

  [chat]
  prompts = 20             # questions on each topic, asked by turns
  scale = 0.3              # tokens of answers, as a share of what is usual

  [drift]                  # what changes from session to session
  database = 0.1           # share of points (or of a page's resources) that
                           # are others than in the session before
  noise = [0, 2]           # clients that make noise, session by session
  delay = [2.0, 20.0]      # of every node's link, in ms, by session

  [defence]                # of the application; none is the default
  padding = 4096           # fill every answer up to a multiple of bytes
  count = 18               # always so many requests (SecretStroll)
  dummies = 10             # up to so many more, in between
  batch = true             # all in one answer
  pir = true               # private information retrieval from two servers
  delay = 200              # wait up to so many ms before each request
  tokens = 5               # so many tokens of an answer in one piece (chats)
  injection = 30           # percent of pieces that one without text follows

  [maybenot]               # on circuits of clients of arti; none is the default
  machines = [\"02e..\"]     # as Maybenot writes them
  hop = 1                  # to which relay padding goes; 0 is the guard

The set: captures/ (pcapng), manifest.csv (class, rep, session, client, guard,
circuit age, start, drops, truth), failures.csv, plan.json. `wfkit capture import DIR --out traces.parquet` reads it.";

#[derive(Debug, Args)]
pub(crate) struct NetworkArgs {
    /// Relays that are guards and middles
    #[arg(long, default_value_t = NetworkConfig::default().relays)]
    relays: u16,
    /// Relays that are exits
    #[arg(long, default_value_t = NetworkConfig::default().exits)]
    exits: u16,
    /// Clients
    #[arg(long, default_value_t = NetworkConfig::default().clients)]
    clients: u16,
    /// Which program clients are
    #[arg(long, value_enum, default_value = "tor")]
    client: Client,
    /// Delay of every node's link, one way, in ms (a packet crosses two links)
    #[arg(long, default_value_t = 0.0)]
    delay: f64,
    /// Most that is added to a packet's delay at random, in ms
    #[arg(long, default_value_t = 0.0)]
    jitter: f64,
    /// What a node can send, in kbit/s; 0 is all it can
    #[arg(long, default_value_t = 0)]
    rate: u32,
    /// Share of packets that are lost, such as 0.01
    #[arg(long, default_value_t = 0.0)]
    loss: f64,
    /// Seed of jitter and loss
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl NetworkArgs {
    pub(crate) fn config(&self) -> NetworkConfig {
        let &Self { relays, exits, clients, client, delay, jitter, rate, loss, seed } = self;
        let client = client.program();
        NetworkConfig { relays, exits, clients, client, delay, jitter, rate, loss, seed, ..NetworkConfig::default() }
    }
}

/// A program that is a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Client {
    /// The system's tor
    Tor,
    /// arti (`lab/setup --arti` builds it)
    Arti,
}

impl Client {
    pub(crate) fn program(self) -> ClientProgram {
        match self {
            Self::Tor => ClientProgram::Tor,
            Self::Arti => ClientProgram::Arti,
        }
    }
}
