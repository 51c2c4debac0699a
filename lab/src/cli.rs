//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use wfkit_lab::NetworkConfig;

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
}

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

const PLAN_HELP: &str = "\
A plan; every key has a default:

  workload = \"secretstroll\"
  classes = 10             # grid cells 1 to 10; or a list, [3, 14, 15]
  reps = 20                # of each class in each session
  sessions = 2             # each with other guards and circuits
  route = \"onion\"          # or \"direct\": without Tor, to compare with
  circuits = \"kept\"        # or \"fresh\": another one for every query
  tries = 4                # how often a query is made until it is given up
  seed = 7                 # of the map, the order, and all else that is drawn

  [network]                # as in `wfkit-lab up`
  clients = 4
  delay = 5.0

  [defence]                # of the application; none is the default
  padding = 4096           # fill every answer up to a multiple of bytes
  count = 18               # always so many requests
  dummies = 10             # up to so many more, in between
  batch = true             # all in one answer
  delay = 200              # wait up to so many ms before each request

The set: captures/ (pcapng), manifest.csv (class, rep, session, client, guard, circuit age, start, drops, truth), failures.csv,
plan.json. `wfkit capture import DIR --out traces.parquet` reads it.";

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
        let &Self { relays, exits, clients, delay, jitter, rate, loss, seed } = self;
        NetworkConfig { relays, exits, clients, delay, jitter, rate, loss, seed, ..NetworkConfig::default() }
    }
}
