//! arti as a client of the laboratory: one node's client, as `tor` is one. It takes SOCKS connections, answers what the laboratory asks
//! of a control port, and runs machines of Maybenot on the circuits that carry streams.

mod circuits;
mod config;
mod control;
mod machines;
mod socks;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use arti_client::{BootstrapBehavior, TorClient};
use tor_rtcompat::PreferredRuntime;
use tracing_subscriber::filter::LevelFilter;

use crate::circuits::Circuits;
use crate::config::Config;
use crate::machines::Machines;

/// Between two tries to get the directory.
const AGAIN: Duration = Duration::from_secs(1);

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the only printer")]
fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let config = match &arguments[..] {
        [option] if option == "--version" => {
            println!("{} {} (arti-client {})", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), ARTI_CLIENT);
            return ExitCode::SUCCESS;
        }
        [command, numbers @ ..] if command == "echo" => {
            return match echo(numbers) {
                Ok(machine) => {
                    println!("{machine}");
                    ExitCode::SUCCESS
                }
                Err(error) => {
                    eprintln!("error: {error:#}");
                    ExitCode::from(2)
                }
            };
        }
        [config] if !config.starts_with('-') => config,
        _ => {
            eprintln!("usage: wfkit-lab-arti CONFIG.toml | --version | {ECHO}");
            return ExitCode::from(2);
        }
    };
    match run(Path::new(config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

const ECHO: &str = "echo LEAST_MS MOST_MS LEAST_CELLS MOST_CELLS";

/// The text of a machine.
fn echo(numbers: &[String]) -> anyhow::Result<String> {
    let numbers: Vec<f64> = numbers.iter().map(|number| number.parse()).collect::<Result<_, _>>().context(ECHO)?;
    let [least_ms, most_ms, least_cells, most_cells] = numbers[..] else { bail!("{ECHO}") };
    Ok(machines::echo([least_ms, most_ms], [least_cells, most_cells])?.serialize())
}

/// The series of arti that this is built with.
const ARTI_CLIENT: &str = "0.47";

fn run(path: &Path) -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_max_level(LevelFilter::INFO).with_ansi(false).init();
    if rustls::crypto::ring::default_provider().install_default().is_err() {
        bail!("another provider of cryptography is installed");
    }
    let config = Config::read(path)?;
    // Whoever gave the directory away closes the circuit a minute later, which would come over the link while something is recorded. So the client that
    // asked ends with its connections, and the one that stays finds the directory in its files.
    with_runtime(get_directory(&config))?;
    with_runtime(serve(config))
}

/// Runs in a runtime of its own; all that it began ends with it.
fn with_runtime(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.context("a runtime")?.block_on(work)
}

async fn new_client(config: &Config) -> anyhow::Result<Arc<TorClient<PreferredRuntime>>> {
    let runtime = PreferredRuntime::current().context("the runtime of arti")?;
    TorClient::with_runtime(runtime)
        .config(config.arti.build().context("the part [arti] of the configuration")?)
        .bootstrap_behavior(BootstrapBehavior::Manual)
        .create_unbootstrapped_async()
        .await
        .context("a client")
}

async fn get_directory(config: &Config) -> anyhow::Result<()> {
    bootstrap(&*new_client(config).await?).await;
    Ok(())
}

/// Tries until it is done: relays may not be ready yet.
async fn bootstrap(client: &TorClient<PreferredRuntime>) {
    while let Err(error) = client.bootstrap().await {
        tracing::warn!("no directory yet: {error}");
        tokio::time::sleep(AGAIN).await;
    }
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let client = new_client(&config).await?;
    let circuits = Arc::new(Circuits::default());
    let control = control::listen(&config.control)?;
    // Whoever writes the file tells us afterwards, too, if we listen: what is written later than this look is told.
    circuits.set_machines(Machines::read(&config.machines)?).await?;
    let answering = tokio::spawn(control::serve(control, Arc::clone(&client), Arc::clone(&circuits)));
    bootstrap(&client).await;
    tokio::select! {
        ended = answering => ended.context("the control port")?,
        ended = socks::serve(config.socks, client, circuits) => ended,
    }
}
