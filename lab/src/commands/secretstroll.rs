//! SecretStroll by hand: a server, and a client of it.

use std::fs;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, bail};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use wfkit_lab::secretstroll::credentials::{Credential, IssuerKey, PublicKey};
use wfkit_lab::secretstroll::{Database, Defence, Map, Place, Poi, Query, Server, Subscriber, system_randomness};
use wfkit_lab::socks;

use crate::cli::{ClientAction, DefenceArgs, Peer, SecretStroll, ServerAction};
use crate::printer;

pub(crate) fn run(command: &SecretStroll) -> anyhow::Result<ExitCode> {
    match command {
        SecretStroll::Server { action } => server(action)?,
        SecretStroll::Client { action } => client(action)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn server(action: &ServerAction) -> anyhow::Result<()> {
    match action {
        ServerAction::Setup { subscriptions, key, database, seed } => {
            // Neither is made where the other cannot be.
            must_be_new(key)?;
            let map = Map::synthetic(*seed);
            Database::create(database, &map)?;
            let names: Vec<_> = subscriptions.iter().map(String::as_str).collect();
            write_secret(key, &IssuerKey::generate(&names, &mut system_randomness()).to_bytes())?;
            printer::line(&format!("{} has a key for {}", key.display(), names.join(", ")));
            printer::line(&format!("{} has {} points in 100 grid cells", database.display(), map.points()));
        }
        ServerAction::Run { key, database, address, port, seed, defence } => {
            let issuer = IssuerKey::from_bytes(&read(key)?).with_context(|| key.display().to_string())?;
            let database = Arc::new(Database::open(database)?);
            let (points, most) = database.counts()?;
            let defence = defence.defence();
            defence.check(most)?;
            let listener = TcpListener::bind((*address, *port)).with_context(|| format!("{address}:{port}"))?;
            printer::note(&format!("{points} points in 100 grid cells, on {}", listener.local_addr()?));
            let stop = Arc::new(AtomicBool::new(false));
            for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
                signal_hook::flag::register(signal, Arc::clone(&stop))?;
            }
            Server::new(database, issuer, defence, *seed).run(&listener, &stop)?;
        }
    }
    Ok(())
}

fn client(action: &ClientAction) -> anyhow::Result<()> {
    match action {
        ClientAction::GetPk { peer, key } => {
            let public = Subscriber::public_key(&|| connect(peer), &peer.server)?;
            write(key, &public.to_bytes())?;
            printer::line(&format!("subscriptions: {}", public.subscriptions().join(", ")));
        }
        ClientAction::Register { peer, key, username, subscriptions, credential } => {
            let types: Vec<_> = subscriptions.iter().map(String::as_str).collect();
            let public = read_public(key)?;
            let subscriber = Subscriber::register(&|| connect(peer), &peer.server, public, username, &types)?;
            write_secret(credential, &subscriber.credential.to_bytes())?;
            printer::line(&format!("{} is a credential for {}", credential.display(), types.join(", ")));
        }
        ClientAction::Grid { cell, ask } => query(Place::Cell(*cell), ask)?,
        ClientAction::Loc { latitude, longitude, ask } => query(Place::At(*latitude, *longitude), ask)?,
    }
    Ok(())
}

fn query(place: Place, ask: &crate::cli::Ask) -> anyhow::Result<()> {
    let key = read_public(&ask.key)?;
    let file = &ask.credential;
    let credential = Credential::from_bytes(&read(file)?, &key).with_context(|| file.display().to_string())?;
    let types: Vec<_> = ask.types.iter().map(String::as_str).collect();
    let subscriber = Subscriber { key, credential };
    let query =
        Query { place, host: &ask.peer.server, defence: ask.defence.defence(), subscriber: &subscriber, types: &types };
    let mut seed = [0; 8];
    system_randomness()(&mut seed);
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(u64::from_le_bytes(seed));
    let (truth, points) = query.run(&|| connect(&ask.peer), &mut randomness)?;
    for Poi { poi_name, poi_address, poi_ratings, .. } in &points {
        let sum: f64 = poi_ratings.iter().copied().map(f64::from).sum();
        let mean = sum / poi_ratings.len().max(1) as f64;
        printer::line(&format!("{poi_name:<16} {poi_address:<34} {mean:.1} of 5, {} ratings", poi_ratings.len()));
    }
    printer::note(&format!("{} points, {} requests, {} bytes", truth.points, truth.requests, truth.answer_bytes));
    Ok(())
}

fn connect(peer: &Peer) -> io::Result<TcpStream> {
    if peer.tor { socks::connect(&peer.server, 80, "secretstroll") } else { TcpStream::connect(&peer.server) }
}

impl DefenceArgs {
    fn defence(&self) -> Defence {
        let &Self { padding, count, dummies, batch, pir, delay } = self;
        Defence { padding, count, dummies, batch, pir, delay, ..Defence::default() }
    }
}

fn read_public(path: &Path) -> anyhow::Result<PublicKey> {
    PublicKey::from_bytes(&read(path)?).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| path.display().to_string())
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| path.display().to_string())
}

fn must_be_new(path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        bail!("{} is there already; take another name, or remove it", path.display());
    }
    Ok(())
}

/// Readable for its owner alone, and never over another.
fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    must_be_new(path)?;
    let file = fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(bytes)).with_context(|| path.display().to_string())
}
