//! The server.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Serialize;
use wfkit_metrics::seed::mix;

use super::defence::Defence;
use super::map::{Map, Poi};
use crate::Error;
use crate::http::{Request, Response, form, serve};

/// Answers queries about a map.
#[derive(Debug)]
pub struct Server {
    map: Arc<Map>,
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
    /// For a map; `seed` is that of the noise in answers.
    pub fn new(map: Arc<Map>, defence: Defence, seed: u64) -> Self {
        Self { map, defence, noise: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(mix(seed, 1))) }
    }

    /// Takes connections until `stop`.
    ///
    /// # Errors
    ///
    /// If it cannot listen.
    pub fn run(self, address: Ipv4Addr, port: u16, stop: &AtomicBool) -> Result<(), Error> {
        let what = format!("listening on {address}:{port}");
        let listener = TcpListener::bind((address, port)).map_err(Error::system(what.clone()))?;
        let handler = Arc::new(move |request: &Request| self.answer(request));
        serve(&listener, &handler, stop).map_err(Error::system(what))
    }

    fn answer(&self, request: &Request) -> Response {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let mut response = match (request.method.as_str(), path) {
            ("POST", "/poi-grid") => self.of_cell(request),
            ("GET", "/poi") => self.poi(query),
            ("GET", "/pois") => self.all_of(query),
            (_, "/poi-grid" | "/poi" | "/pois") => refused(405, "another method is needed"),
            _ => refused(404, "there is nothing here"),
        };
        self.defence.pad(&mut response.body);
        response
    }

    /// Which points a cell has.
    fn of_cell(&self, request: &Request) -> Response {
        let Some(parts) = form(request) else { return refused(400, "a form is needed") };
        let part =
            |name| parts.iter().find(|(part, _)| part == name).and_then(|(_, value)| std::str::from_utf8(value).ok());
        let Some(cell) = part("cell_id").and_then(|text| text.parse().ok()) else {
            return refused(400, "cell_id is not the number of a cell");
        };
        match self.map.cell(cell) {
            [] => refused(404, "there is nothing in this cell"),
            poi_list => json(&PoiList { poi_list }),
        }
    }

    /// One point; number 0 is one that is not there, for those who only pretend to ask.
    fn poi(&self, query: &str) -> Response {
        let Some(poi_id) = query.strip_prefix("poi_id=").and_then(|text| text.parse().ok()) else {
            return refused(400, "poi_id is not a number");
        };
        let nobody =
            Poi { poi_id: 0, poi_name: String::new(), poi_address: String::new(), grid_id: 0, poi_ratings: Vec::new() };
        let poi = if poi_id == 0 { Some(&nobody) } else { self.map.poi(poi_id) };
        poi.map_or_else(|| refused(404, "there is no such point"), |poi| json(&self.with_noise(poi)))
    }

    /// All points of a list at once.
    fn all_of(&self, query: &str) -> Response {
        let ids = query.strip_prefix("poi_ids=").unwrap_or_default().split(',').map(|text| text.parse().ok());
        let pois: Option<Vec<_>> = ids.map(|id| self.map.poi(id?).map(|poi| self.with_noise(poi))).collect();
        pois.map_or_else(|| refused(404, "there is no such point"), |pois| json(&Answers { pois }))
    }

    fn with_noise<'a>(&self, poi: &'a Poi) -> Answer<'a> {
        let mut noise = self.noise.lock().expect("nothing panics while it holds this");
        Answer { poi, padding: vec![-1; noise.random_range(0..=MOST_NOISE)] }
    }
}

fn json<T: Serialize>(value: &T) -> Response {
    let mut text = serde_json::to_string_pretty(value).expect("these types can be written");
    text.push('\n');
    Response::json(200, text)
}

fn refused(status: u16, why: &str) -> Response {
    Response::json(status, format!("{{\n  \"error\": \"{why}\"\n}}\n"))
}
