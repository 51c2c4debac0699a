//! SecretStroll as a workload: the class is the cell that is asked for.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::credentials::IssuerKey;
use super::{Database, Defence, Map, Place, Query, QueryError, SUBSCRIPTIONS, Server, Subscriber, system_randomness};
use crate::Error;
use crate::http::exchange;
use crate::plan::Plan;
use crate::workload::{Connect, Service, Visit, Visitor};

/// What clients show of their subscriptions.
const SHOWN: [&str; 1] = [SUBSCRIPTIONS[0]];

pub(crate) struct SecretStroll {
    /// As it is in the first session.
    map: Map,
    database: Arc<Database>,
    drift: f64,
    defence: Defence,
    seed: u64,
}

impl SecretStroll {
    pub(crate) fn new(plan: &Plan) -> Result<Self, Error> {
        let map = Map::synthetic(plan.seed);
        let database = Arc::new(Database::in_memory(&map)?);
        Ok(Self { map, database, drift: plan.drift.database, defence: plan.defence, seed: plan.seed })
    }
}

impl Service for SecretStroll {
    fn serve(&self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let issuer = IssuerKey::generate(&SUBSCRIPTIONS, &mut system_randomness());
        Server::new(Arc::clone(&self.database), issuer, self.defence, self.seed).run(listener, stop)
    }

    fn change(&self, session: u32) -> Result<f64, Error> {
        if self.drift == 0.0 {
            return Ok(0.0);
        }
        let map = self.map.later(session, self.drift, self.seed);
        self.database.replace(&map)?;
        Ok(map.differs_from(&self.map))
    }

    fn visitor(&self, name: &str) -> Box<dyn Visitor + '_> {
        Box::new(Stroller { name: name.to_owned(), defence: self.defence, subscriber: None })
    }
}

struct Stroller {
    name: String,
    defence: Defence,
    subscriber: Option<Subscriber>,
}

fn in_words(error: &QueryError) -> String {
    format!("{}: {error}", error.kind())
}

impl Visitor for Stroller {
    /// Becomes a subscriber; who is one already asks for a point that is not there.
    fn greet(&mut self, connect: &Connect<'_>, host: &str) -> Result<(), String> {
        let mut greet = || -> Result<(), QueryError> {
            if self.subscriber.is_some() {
                exchange(connect()?, host, "GET", "/poi?poi_id=0", None)?;
            } else {
                let key = Subscriber::public_key(connect, host)?;
                self.subscriber = Some(Subscriber::register(connect, host, key, &self.name, &SHOWN)?);
            }
            Ok(())
        };
        greet().map_err(|error| in_words(&error))
    }

    fn visit(&mut self, class: u32, _: u32, connect: &Connect<'_>, host: &str, seed: u64) -> Result<Visit, String> {
        let subscriber = self.subscriber.as_ref().ok_or("no credential")?;
        let query = Query { place: Place::Cell(class), host, defence: self.defence, subscriber, types: &SHOWN };
        let answer = query.run(connect, &mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let (truth, _) = answer.map_err(|error| in_words(&error))?;
        Ok(Visit { requests: truth.requests, answer_bytes: truth.answer_bytes, ..Visit::default() })
    }
}
