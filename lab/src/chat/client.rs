//! The client: asks, and reads what streams back.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use serde::Deserialize;

use super::NAME;
use crate::http::PATIENCE;
use crate::workload::Visit;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Answer {
    /// Bytes of every event but the last.
    pub(super) pieces: Vec<usize>,
    /// Bytes of text.
    pub(super) text: usize,
    /// Tokens of text.
    pub(super) tokens: usize,
}

#[derive(Deserialize)]
struct Event {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Delta,
}

#[derive(Deserialize)]
struct Delta {
    content: String,
}

fn connected(tls: &Arc<ClientConfig>, stream: TcpStream) -> io::Result<Tls> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
    let connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

/// Whether the server is there.
pub(super) fn greet(tls: &Arc<ClientConfig>, stream: TcpStream, host: &str) -> io::Result<()> {
    let mut tls = connected(tls, stream)?;
    tls.write_all(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())?;
    let mut reader = BufReader::new(tls);
    expect_ok(&mut reader)
}

/// Asks a question and reads all of the answer.
pub(super) fn ask(tls: &Arc<ClientConfig>, stream: TcpStream, host: &str, question: &str) -> io::Result<Visit> {
    let answer = answer(tls, stream, host, question)?;
    Ok(Visit { requests: 1, answer_bytes: answer.pieces.iter().sum::<usize>() as u64, ..Visit::default() })
}

pub(super) fn answer(tls: &Arc<ClientConfig>, stream: TcpStream, host: &str, question: &str) -> io::Result<Answer> {
    let mut tls = connected(tls, stream)?;
    let body = format!(
        "{{\"model\":\"lab\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"{question}\"}}]}}"
    );
    let length = body.len();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: text/event-stream\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    tls.write_all(format!("{head}{body}").as_bytes())?;
    tls.flush()?;
    let mut reader = BufReader::new(tls);
    expect_ok(&mut reader)?;
    let mut answer = Answer::default();
    loop {
        let event = chunk(&mut reader)?;
        match event.strip_prefix("data: ") {
            Some("[DONE]\n\n") => break,
            Some(data) => {
                let event: Event = serde_json::from_str(data).map_err(io::Error::other)?;
                let text = event.choices.first().map_or("", |choice| &choice.delta.content);
                answer.text += text.len();
                answer.tokens += text.matches([' ', '.']).count();
            }
            None => return Err(io::Error::other("an event without data")),
        }
        answer.pieces.push(event.len());
    }
    if !chunk(&mut reader)?.is_empty() {
        return Err(io::Error::other("an answer that goes on behind its end"));
    }
    let mut tls = reader.into_inner();
    tls.conn.send_close_notify();
    // The server may have closed before us; what was asked for is there.
    let _ = tls.flush();
    Ok(answer)
}

/// Reads the head of an answer.
fn expect_ok(reader: &mut impl BufRead) -> io::Result<()> {
    let status = line(reader)?;
    while !line(reader)?.is_empty() {}
    match status.split(' ').nth(1) {
        Some("200") => Ok(()),
        _ => Err(io::Error::other(format!("the server answered `{status}`"))),
    }
}

/// A chunk of an answer; the last one is empty.
fn chunk(reader: &mut impl BufRead) -> io::Result<String> {
    const LONGEST: u64 = 8 << 20;
    let head = line(reader)?;
    let length = u64::from_str_radix(&head, 16).map_err(io::Error::other)?;
    if length > LONGEST {
        return Err(io::Error::other("the answer is too long"));
    }
    let mut data = String::new();
    reader.take(length).read_to_string(&mut data)?;
    if (data.len() as u64) < length || !line(reader)?.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(data)
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.take(16 << 10).read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
