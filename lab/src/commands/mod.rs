//! One file a command.

pub(crate) mod check;
pub(crate) mod collect;
pub(crate) mod compare;
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod network;
pub(crate) mod picture;
mod requests;
pub(crate) mod secretstroll;
mod wfkit;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use wfkit_lab::enclosure::Enclosure;

/// This command again, inside.
fn again_inside() -> anyhow::Result<Enclosure> {
    let arguments = std::iter::once(OsString::from("--inside")).chain(std::env::args_os().skip(1));
    Ok(Enclosure::start(&arguments.collect::<Vec<_>>())?)
}

/// Waits for the inside and ends as it does; asks it to end when this process is asked to.
fn as_inside(enclosure: Enclosure) -> anyhow::Result<ExitCode> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let code = enclosure.wait(&stop)?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
