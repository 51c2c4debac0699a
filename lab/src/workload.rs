//! What a workload is: a service, and clients of it whose queries have classes.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;

use crate::Error;
use crate::chat::Chat;
use crate::pages::Pages;
use crate::plan::{Plan, Workload};
use crate::secretstroll::SecretStroll;

/// Opens a connection to the service, as a Tor stream of its own or without Tor.
pub(crate) type Connect<'a> = dyn Fn() -> io::Result<TcpStream> + Sync + 'a;

/// The service.
pub(crate) trait Service: Sync {
    /// Answers connections until `stop`.
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error>;

    /// From now on offers what a session has, from 0, the database having drifted; which share of it is other than in the first.
    fn change(&self, session: u32) -> Result<f64, Error>;

    /// What all queries are made of that are alike because they ask for the same: no split may tear them apart. None are, by default.
    fn origin(&self, class: u32, rep: u32) -> Option<String> {
        let _ = (class, rep);
        None
    }

    /// Somebody who makes queries.
    fn visitor(&self, name: &str) -> Box<dyn Visitor + '_>;
}

/// A client of the service. Errors are told in words, first the kind.
pub(crate) trait Visitor {
    /// Asks for something that is no query: does the service answer?
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String>;

    /// Makes a query of a class for the `rep`-th time. What is left to chance is drawn from `seed`.
    fn visit(&mut self, class: u32, rep: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String>;
}

/// What a query really did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Visit {
    /// Requests.
    pub(crate) requests: u32,
    /// Bytes of answers without their heads.
    pub(crate) answer_bytes: u64,
    /// Classes that were visited beside the one asked for.
    pub(crate) also: Vec<u32>,
}

/// The service of a plan.
pub(crate) fn service(plan: &Plan) -> Result<Box<dyn Service>, Error> {
    Ok(match plan.workload {
        Workload::Secretstroll => Box::new(SecretStroll::new(plan)?),
        Workload::Pages => Box::new(Pages::new(plan)?),
        Workload::Chat => Box::new(Chat::new(plan)?),
    })
}
