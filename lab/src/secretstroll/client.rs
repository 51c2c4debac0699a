//! The client.

use std::io;
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rand::RngExt as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;
use thiserror::Error;

use super::credentials::{Credential, PublicKey, Signature};
use super::defence::Defence;
use super::map::{CELLS, Map, Poi};
use super::{pir, system_randomness};
use crate::http::{exchange, write_form};

/// Somebody with a credential.
#[derive(Debug, Clone)]
pub struct Subscriber {
    /// Of the server.
    pub key: PublicKey,
    /// What the server issued.
    pub credential: Credential,
}

type Connect<'a> = dyn Fn() -> io::Result<TcpStream> + 'a;

impl Subscriber {
    /// Gets the server's key.
    ///
    /// # Errors
    ///
    /// If a connection fails, the server refuses, or answers something that is no key.
    pub fn public_key(connect: &Connect<'_>, host: &str) -> Result<PublicKey, QueryError> {
        let key = accepted(exchange(connect()?, host, "GET", "/public-key", None)?)?;
        PublicKey::from_bytes(&key).map_err(|error| QueryError::Answer(error.to_string()))
    }

    /// Gets a credential for `types` from the server that has `key`.
    ///
    /// # Errors
    ///
    /// If a connection fails, the server refuses, or answers something that is no signature of this key.
    pub fn register(
        connect: &Connect<'_>,
        host: &str,
        key: PublicKey,
        user_name: &str,
        types: &[&str],
    ) -> Result<Self, QueryError> {
        let wrong = |error: &dyn std::fmt::Display| QueryError::Answer(error.to_string());
        let (pending, request) = key.request(user_name, &mut system_randomness());
        let list = serde_json::to_string(types).expect("names can be written");
        let parts: [(&str, &[u8]); 2] = [("types", list.as_bytes()), ("request", &request.to_bytes())];
        let (content_type, body) = write_form("registration-of-a-subscriber", &parts);
        let answer = accepted(exchange(connect()?, host, "POST", "/register", Some((&content_type, &body)))?)?;
        let signature = Signature::from_bytes(&answer).map_err(|error| wrong(&error))?;
        let credential = pending.finish(&key, &signature, types).map_err(|refusal| wrong(&refusal))?;
        Ok(Self { key, credential })
    }
}

fn accepted((status, body): (u16, Vec<u8>)) -> Result<Vec<u8>, QueryError> {
    match status {
        200 => Ok(body),
        status => Err(QueryError::Refused { status, said: String::from_utf8_lossy(&body).trim().to_owned() }),
    }
}

/// What a query asks about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Place {
    /// A grid cell, by number.
    Cell(u32),
    /// The cell of a place: degrees north and east.
    At(f64, f64),
}

impl Place {
    /// What is signed.
    fn message(self) -> String {
        match self {
            Self::Cell(cell) => cell.to_string(),
            Self::At(latitude, longitude) => format!("{latitude},{longitude}"),
        }
    }

    fn cell(self) -> Option<u32> {
        match self {
            Self::Cell(cell) => Some(cell),
            Self::At(latitude, longitude) => Map::cell_at(latitude, longitude),
        }
    }
}

/// A query for the points of a grid cell.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// What it asks about.
    pub place: Place,
    /// Name of the server, as requests say it.
    pub host: &'a str,
    /// What the client does so that queries look alike.
    pub defence: Defence,
    /// Who asks.
    pub subscriber: &'a Subscriber,
    /// The subscriptions that are shown.
    pub types: &'a [&'a str],
}

/// What a query really did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Truth {
    /// Points that it got.
    pub points: u32,
    /// Requests, the first one and those that only pretend included.
    pub requests: u32,
    /// Bytes of answers without their heads.
    pub answer_bytes: u64,
}

/// Why a query failed.
#[derive(Debug, Error)]
pub enum QueryError {
    /// No connection, or it broke.
    #[error("{0}")]
    Connection(#[from] io::Error),
    /// The server refused.
    #[error("the server answered {status}: {said}")]
    Refused {
        /// Its status.
        status: u16,
        /// What it said.
        said: String,
    },
    /// The answer is not what was asked for.
    #[error("{0}")]
    Answer(String),
}

impl QueryError {
    /// What kind of failure it is, in a word or two.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Refused { .. } => "refused",
            Self::Answer(_) => "wrong answer",
        }
    }
}

#[derive(Deserialize)]
struct PoiList {
    poi_list: Vec<u32>,
}

#[derive(Deserialize)]
struct GotPois {
    pois: Vec<Poi>,
}

impl Query<'_> {
    /// Makes the query: what it did, and the points. Each request has a connection of its own, from `connect`.
    ///
    /// # Errors
    ///
    /// If a connection fails, the server refuses, or answers something else.
    pub fn run(
        &self,
        connect: &Connect<'_>,
        randomness: &mut Xoshiro256PlusPlus,
    ) -> Result<(Truth, Vec<Poi>), QueryError> {
        let mut run = Run { query: self, connect, randomness, truth: Truth::default(), points: Vec::new() };
        if self.defence.pir {
            run.privately()?;
            return Ok((run.truth, run.points));
        }
        let (target, place) = match self.place {
            Place::Cell(_) => ("/poi-grid", "cell_id"),
            Place::At(..) => ("/poi-loc", "lat_lon"),
        };
        let (content_type, body) = run.signed(place, &self.place.message())?;
        let PoiList { poi_list } = run.ask("POST", target, Some((&content_type, &body)))?;
        if self.defence.batch {
            run.all_at_once(&poi_list)?;
        } else {
            run.one_by_one(&poi_list)?;
        }
        Ok((run.truth, run.points))
    }
}

struct Run<'a> {
    query: &'a Query<'a>,
    connect: &'a Connect<'a>,
    randomness: &'a mut Xoshiro256PlusPlus,
    truth: Truth,
    points: Vec<Poi>,
}

impl Run<'_> {
    fn ask<T: for<'de> Deserialize<'de>>(
        &mut self,
        method: &str,
        target: &str,
        body: Option<(&str, &[u8])>,
    ) -> Result<T, QueryError> {
        let body = self.ask_bytes(method, target, body)?;
        serde_json::from_slice(&body).map_err(|error| QueryError::Answer(format!("{target}: {error}")))
    }

    fn ask_bytes(&mut self, method: &str, target: &str, body: Option<(&str, &[u8])>) -> Result<Vec<u8>, QueryError> {
        let delay = self.query.defence.delay;
        if delay > 0 {
            thread::sleep(Duration::from_millis(self.randomness.random_range(0..=delay).into()));
        }
        let answer = exchange((self.connect)()?, self.query.host, method, target, body)?;
        self.truth.requests += 1;
        self.truth.answer_bytes += answer.1.len() as u64;
        accepted(answer)
    }

    /// A form with a message and what shows that one may ask: its type and itself.
    fn signed(&mut self, part: &str, message: &str) -> Result<(String, Vec<u8>), QueryError> {
        let boundary: String =
            (0..32).map(|_| char::from(b"0123456789abcdef"[self.randomness.random_range(0..16)])).collect();
        let Subscriber { key, credential } = self.query.subscriber;
        let types = self.query.types;
        let showing = credential.show(key, types, message.as_bytes(), &mut system_randomness());
        let showing = showing.map_err(|refusal| QueryError::Answer(refusal.to_string()))?.to_bytes();
        let types = serde_json::to_string(types).expect("names can be written");
        let parts: [(&str, &[u8]); 3] =
            [(part, message.as_bytes()), ("types", types.as_bytes()), ("signature", &showing)];
        Ok(write_form(&boundary, &parts))
    }

    /// A key for each of two servers; their answers differ in the cell that is meant.
    fn privately(&mut self) -> Result<(), QueryError> {
        let wrong = |what: &str| QueryError::Answer(what.to_owned());
        let cell = self.query.place.cell().filter(|cell| (1..=CELLS).contains(cell));
        let keys = pir::Key::pair(cell.ok_or_else(|| wrong("there is no such cell"))?, &mut system_randomness());
        let mut answers = Vec::new();
        for key in &keys {
            let (content_type, body) = self.signed("key", &key.to_text())?;
            answers.push(self.ask_bytes("POST", "/pir", Some((&content_type, &body)))?);
        }
        let points = pir::points(&answers[0], &answers[1]).ok_or_else(|| wrong("the answers give no cell"))?;
        points.into_iter().try_for_each(|point| self.took(point.poi_id, point))
    }

    fn all_at_once(&mut self, points: &[u32]) -> Result<(), QueryError> {
        let list = points.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let GotPois { pois } = self.ask("GET", &format!("/pois?poi_ids={list}"), None)?;
        pois.into_iter().zip(points).try_for_each(|(got, &asked)| self.took(asked, got))
    }

    /// The points, then what is missing of `count`, with `dummies` in between.
    fn one_by_one(&mut self, points: &[u32]) -> Result<(), QueryError> {
        const NOBODY: u32 = 0;
        let Defence { count, dummies, .. } = self.query.defence;
        let mut asked = points.to_vec();
        asked.resize(points.len().max(count as usize), NOBODY);
        for _ in 0..self.randomness.random_range(0..=dummies) {
            asked.insert(self.randomness.random_range(0..=asked.len()), NOBODY);
        }
        for poi_id in asked {
            let got: Poi = self.ask("GET", &format!("/poi?poi_id={poi_id}"), None)?;
            if poi_id != NOBODY {
                self.took(poi_id, got)?;
            }
        }
        Ok(())
    }

    fn took(&mut self, asked: u32, got: Poi) -> Result<(), QueryError> {
        let cell = self.query.place.cell();
        if got.poi_id != asked || Some(got.grid_id) != cell {
            let Poi { poi_id, grid_id, .. } = got;
            let cell = cell.unwrap_or(0);
            let why = format!("point {poi_id} of cell {grid_id} for point {asked} of cell {cell}");
            return Err(QueryError::Answer(why));
        }
        self.truth.points += 1;
        self.points.push(got);
        Ok(())
    }
}
