//! The server.

use std::net::TcpListener;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;
use wfkit_metrics::seed::mix;

use super::credentials::{IssuanceRequest, IssuerKey, Showing};
use super::database::Database;
use super::defence::Defence;
use super::map::{Map, Poi};
use super::pir::{self, Records};
use super::system_randomness;
use crate::Error;
use crate::http::{Request, Response, form, serve};

/// Answers queries about a map, of subscribers.
#[derive(Debug)]
pub struct Server {
    database: Arc<Database>,
    /// What private queries are answered from, and of which version of the database.
    records: Mutex<Option<(u64, Arc<Records>)>>,
    issuer: IssuerKey,
    defence: Defence,
    noise: Mutex<Xoshiro256PlusPlus>,
}

/// Most that an answer is longer by at random, in list items.
const MOST_NOISE: usize = 10;

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    poi: &'a Poi,
    padding: Vec<i8>,
}

#[derive(Serialize)]
struct Answers<'a> {
    pois: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct PoiList<'a> {
    poi_list: &'a [u32],
}

impl Server {
    /// For the points of a database and the subscribers of an issuer; `seed` is that of the noise in answers.
    pub fn new(database: Arc<Database>, issuer: IssuerKey, defence: Defence, seed: u64) -> Self {
        let records = Mutex::new(None);
        Self { database, records, issuer, defence, noise: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(mix(seed, 1))) }
    }

    /// Takes connections until `stop`.
    ///
    /// # Errors
    ///
    /// If it cannot listen.
    pub fn run(self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let handler = Arc::new(move |request: &Request| self.answer(request));
        serve(listener, &handler, stop).map_err(Error::system("listening"))
    }

    fn answer(&self, request: &Request) -> Response {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut response = match (request.method.as_str(), path) {
            ("POST", "/poi-grid") => self.points_of(request, "cell_id"),
            ("POST", "/poi-loc") => self.points_of(request, "lat_lon"),
            ("POST", "/pir") => self.of_key(request),
            ("GET", "/poi") => self.poi(query),
            ("GET", "/pois") => self.all_of(query),
            ("GET", "/public-key") => bytes(self.issuer.public().to_bytes()),
            ("POST", "/register") => self.register(request),
            (_, "/poi-grid" | "/poi-loc" | "/pir" | "/poi" | "/pois" | "/public-key" | "/register") => {
                refused(405, "another method is needed")
            }
            _ => refused(404, "there is nothing here"),
        };
        // Keys and signatures are the same for all.
        if response.content_type == "application/json" {
            self.defence.pad(&mut response.body);
        }
        response
    }

    /// Which points a cell has; the cell is named, or a place in it.
    fn points_of(&self, request: &Request, place: &str) -> Response {
        let Some(parts) = form(request) else { return refused(400, "a form is needed") };
        let part =
            |name| parts.iter().find(|(part, _)| part == name).and_then(|(_, value)| std::str::from_utf8(value).ok());
        let message = part(place).unwrap_or_default();
        let is_number = place == "cell_id";
        let cell = if is_number { message.parse().ok() } else { cell_of(message) };
        let Some(cell) = cell else { return refused(400, &format!("{place} is not a place")) };
        let Some(types) = part("types").and_then(names) else { return refused(400, "types is not a list of names") };
        let signature = parts.iter().find(|(name, _)| name == "signature").map(|(_, value)| value.as_slice());
        if let Err(why) = self.is_subscriber(signature, &types, message) {
            return refused(401, &why);
        }
        match self.database.cell(cell) {
            Ok(poi_list) if poi_list.is_empty() && is_number => refused(404, "there is nothing in this cell"),
            Ok(poi_list) => json(&PoiList { poi_list: &poi_list }),
            Err(error) => broken(&error),
        }
    }

    /// One server's answer to a key. The other server is another one: this program plays either, and would learn the cell from both
    /// keys.
    fn of_key(&self, request: &Request) -> Response {
        let Some(parts) = form(request) else { return refused(400, "a form is needed") };
        let part = |name| parts.iter().find(|(part, _)| part == name).map(|(_, value)| value.as_slice());
        let text = |name| part(name).and_then(|value| std::str::from_utf8(value).ok());
        let Some(types) = text("types").and_then(names) else { return refused(400, "types is not a list of names") };
        let message = text("key").unwrap_or_default();
        let Some(key) = pir::Key::from_text(message) else {
            return refused(400, "key is not a key of a point function");
        };
        match self.is_subscriber(part("signature"), &types, message) {
            Ok(()) => self.records().map_or_else(|error| broken(&error), |records| bytes(records.answer(&key))),
            Err(why) => refused(401, &why),
        }
    }

    /// Those of the database as it is now.
    fn records(&self) -> Result<Arc<Records>, Error> {
        let mut known = self.records.lock().expect("nothing panics while it holds this");
        let version = self.database.version();
        if let Some((of, records)) = &*known
            && *of == version
        {
            return Ok(Arc::clone(records));
        }
        let records = Arc::new(Records::of(&self.database)?);
        *known = Some((version, Arc::clone(&records)));
        Ok(records)
    }

    /// Whether a signature shows the subscriptions that it should, for this very message; else why not.
    fn is_subscriber(&self, signature: Option<&[u8]>, types: &[String], message: &str) -> Result<(), String> {
        let signature = signature.ok_or("there is no signature")?;
        let showing = Showing::from_bytes(signature).map_err(|error| error.to_string())?;
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        self.issuer.public().verify(&showing, &types, message.as_bytes()).map_err(|refusal| refusal.to_string())
    }

    /// Signs what a user asks for. Who may subscribe to what is decided elsewhere: here, everybody to everything.
    fn register(&self, request: &Request) -> Response {
        let Some(parts) = form(request) else { return refused(400, "a form is needed") };
        let part = |name| parts.iter().find(|(part, _)| part == name).map(|(_, value)| value.as_slice());
        let types = part("types").and_then(|value| std::str::from_utf8(value).ok()).and_then(names);
        let Some(types) = types else { return refused(400, "types is not a list of names") };
        let asked = match part("request").map(IssuanceRequest::from_bytes) {
            Some(Ok(asked)) => asked,
            Some(Err(error)) => return refused(400, &error.to_string()),
            None => return refused(400, "there is no request"),
        };
        let types: Vec<_> = types.iter().map(String::as_str).collect();
        match self.issuer.issue(&asked, &types, &mut system_randomness()) {
            Ok(signature) => bytes(signature.to_bytes()),
            Err(refusal) => refused(401, &refusal.to_string()),
        }
    }

    /// One point; number 0 is one that is not there, for those who only pretend to ask.
    fn poi(&self, query: &str) -> Response {
        let Some(poi_id) = query.strip_prefix("poi_id=").and_then(|text| text.parse().ok()) else {
            return refused(400, "poi_id is not a number");
        };
        let nobody =
            Poi { poi_id: 0, poi_name: String::new(), poi_address: String::new(), grid_id: 0, poi_ratings: Vec::new() };
        match if poi_id == 0 { Ok(Some(nobody)) } else { self.database.poi(poi_id) } {
            Ok(Some(poi)) => json(&self.with_noise(&poi)),
            Ok(None) => refused(404, "there is no such point"),
            Err(error) => broken(&error),
        }
    }

    /// All points of a list at once.
    fn all_of(&self, query: &str) -> Response {
        let ids = query.strip_prefix("poi_ids=").unwrap_or_default().split(',').map(|text| text.parse::<u32>().ok());
        let pois: Result<Option<Vec<Poi>>, Error> =
            ids.map(|id| id.map_or(Ok(None), |id| self.database.poi(id))).collect();
        match pois {
            Ok(Some(pois)) => json(&Answers { pois: pois.iter().map(|poi| self.with_noise(poi)).collect() }),
            Ok(None) => refused(404, "there is no such point"),
            Err(error) => broken(&error),
        }
    }

    fn with_noise<'a>(&self, poi: &'a Poi) -> Answer<'a> {
        let mut noise = self.noise.lock().expect("nothing panics while it holds this");
        Answer { poi, padding: vec![-1; noise.random_range(0..=MOST_NOISE)] }
    }
}

/// The cell of `LATITUDE,LONGITUDE`; 0, which is no cell, of a place off the map.
fn cell_of(text: &str) -> Option<u32> {
    let (latitude, longitude) = text.split_once(',')?;
    Some(Map::cell_at(latitude.parse().ok()?, longitude.parse().ok()?).unwrap_or(0))
}

/// From a JSON list.
fn names(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}

fn bytes(body: Vec<u8>) -> Response {
    Response { status: 200, content_type: "application/octet-stream", body }
}

fn json<T: Serialize>(value: &T) -> Response {
    let mut text = serde_json::to_string_pretty(value).expect("these types can be written");
    text.push('\n');
    Response::json(200, text)
}

/// The database cannot be read: whoever asks can do nothing about it.
fn broken(error: &Error) -> Response {
    refused(500, &error.to_string().replace(['"', '\\'], "'"))
}

fn refused(status: u16, why: &str) -> Response {
    Response::json(status, format!("{{\n  \"error\": \"{why}\"\n}}\n"))
}
