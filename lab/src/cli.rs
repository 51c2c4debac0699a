//! The command line.

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
