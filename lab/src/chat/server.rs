//! The server: answers are events of a stream (text/event-stream), each a TLS record.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde::Deserialize;
use wfkit_metrics::seed::mix;

use super::model::{Model, gap};
use crate::Error;
use crate::http::{PATIENCE, Request, accept_each, read_request};
use crate::secretstroll::Defence;

pub(super) struct Server {
    model: Arc<Model>,
    session: Arc<AtomicU32>,
    defence: Defence,
    tls: Arc<ServerConfig>,
    randomness: Mutex<Xoshiro256PlusPlus>,
}

#[derive(Deserialize)]
struct Asked {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

/// Until the first token: the question is read.
const FIRST: Duration = Duration::from_millis(400);

/// What an event has around its text.
const HEAD: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"";
const FILL: &str = "\"}}],\"obfuscation\":\"";
const TAIL: &str = "\"}\n\n";

impl Server {
    pub(super) fn new(
        model: Arc<Model>,
        session: Arc<AtomicU32>,
        defence: Defence,
        tls: Arc<ServerConfig>,
        seed: u64,
    ) -> Self {
        let randomness = Mutex::new(Xoshiro256PlusPlus::seed_from_u64(mix(seed, 10)));
        Self { model, session, defence, tls, randomness }
    }

    pub(super) fn run(self, listener: &TcpListener, stop: &AtomicBool) -> Result<(), Error> {
        let server = Arc::new(self);
        // Whoever went away needs no answer.
        let talk = move |stream: TcpStream| drop(server.talk(stream));
        accept_each(listener, &Arc::new(talk), stop).map_err(Error::system("listening"))
    }

    fn talk(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let connection = ServerConnection::new(Arc::clone(&self.tls)).map_err(io::Error::other)?;
        let mut tls = StreamOwned::new(connection, stream);
        let request = read_request(&mut tls)?;
        match (request.method.as_str(), request.target.as_str(), question(&request)) {
            ("POST", "/v1/chat/completions", Some(question)) => self.stream(question, &mut tls)?,
            ("GET", "/", _) => whole(&mut tls, "200 OK", "a chat\n")?,
            _ => whole(&mut tls, "404 NOT FOUND", "there is nothing here\n")?,
        }
        tls.conn.send_close_notify();
        tls.flush()
    }

    /// The answer, at its pace: a piece goes off when its last token is there.
    fn stream(&self, question: (u32, u32), to: &mut impl Write) -> io::Result<()> {
        let mut randomness = {
            let mut all = self.randomness.lock().expect("nothing panics while it holds this");
            Xoshiro256PlusPlus::seed_from_u64(all.random())
        };
        let tokens = self.model.answer(question, self.session.load(Ordering::Relaxed), &mut randomness);
        to.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\
              Server: wfkit-lab/0.1\r\nConnection: close\r\n\r\n",
        )?;
        to.flush()?;
        let mut due = Instant::now() + FIRST;
        let Defence { tokens: batch, injection, .. } = self.defence;
        for piece in tokens.chunks(batch.max(1) as usize) {
            due += piece.iter().skip(1).map(|_| gap(&mut randomness)).sum::<Duration>();
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let text: String = piece.iter().map(|&bytes| token(bytes)).collect();
            self.event(&text, 0, to)?;
            let until_next = gap(&mut randomness);
            // One that carries nothing looks like one that does, and comes in between.
            if injection > 0 && randomness.random_range(0..100) < injection {
                let like = tokens[randomness.random_range(0..tokens.len())];
                thread::sleep((due + until_next / 2).saturating_duration_since(Instant::now()));
                self.event("", like, to)?;
            }
            due += until_next;
        }
        chunk(to, "data: [DONE]\n\n")?;
        to.write_all(b"0\r\n\r\n")?;
        to.flush()
    }

    /// An event with a text, longer by `fill`, and filled up to a multiple.
    fn event(&self, text: &str, fill: usize, to: &mut impl Write) -> io::Result<()> {
        let bare = HEAD.len() + text.len() + FILL.len() + fill + TAIL.len();
        let fill = match self.defence.padding as usize {
            0 => fill,
            multiple => fill + bare.next_multiple_of(multiple) - bare,
        };
        chunk(to, &format!("{HEAD}{text}{FILL}{}{TAIL}", "x".repeat(fill)))
    }
}

/// A token of so many bytes: longer ones begin with a blank.
fn token(bytes: usize) -> String {
    if bytes == 1 { ".".to_owned() } else { format!(" {}", "a".repeat(bytes - 1)) }
}

/// One record: nothing else is sent with it.
fn chunk(to: &mut impl Write, data: &str) -> io::Result<()> {
    to.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes())?;
    to.flush()
}

fn whole(to: &mut impl Write, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    to.write_all(format!("{head}{body}").as_bytes())
}

/// Topic and number of the question that a request brings.
fn question(request: &Request) -> Option<(u32, u32)> {
    let asked: Asked = serde_json::from_slice(&request.body).ok()?;
    Model::parse(&asked.messages.last()?.content)
}
