//! HTTP/2 over TLS, as browsers speak it: one connection, and everything over it at once.

use std::collections::BTreeSet;
use std::future::{Future, poll_fn};
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use http::{HeaderValue, Request as Head};
use rand::{RngExt as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::references;
use crate::http::{OF_THE_BROWSER, PATIENCE, Response, SERVER_NAME};
use crate::workload::{Connect, Visit};

/// What the certificate of the server is for.
pub(super) const NAME: &str = "pages.invalid";

/// How HTTP/2 is called in a TLS handshake.
pub(super) const PROTOCOL: &[u8] = b"h2";

/// What Firefox, and so Tor Browser, lets a server send before it says that it has read it: of one answer, and of all.
const WINDOW: u32 = 128 << 10;
const WINDOW_OF_ALL: u32 = 12 << 20;

/// One thread for a connection: threads of a runtime would outlive it.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

fn as_async(stream: TcpStream) -> io::Result<tokio::net::TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    tokio::net::TcpStream::from_std(stream)
}

/// Waits, but not for somebody who says nothing for long.
async fn patiently<T>(what: impl Future<Output = T>) -> io::Result<T> {
    timeout(PATIENCE, what).await.map_err(|_| io::ErrorKind::TimedOut.into())
}

/// Answers all requests of a connection, all at once.
pub(super) fn answer<H>(stream: TcpStream, tls: Arc<ServerConfig>, handler: &Arc<H>) -> io::Result<()>
where
    H: Fn(&str) -> Response + Send + Sync + 'static,
{
    runtime()?.block_on(async {
        let stream = patiently(TlsAcceptor::from(tls).accept(as_async(stream)?)).await??;
        let mut connection = patiently(h2::server::handshake(stream)).await?.map_err(io::Error::other)?;
        // This also sends what the tasks have to send.
        while let Some(asked) = patiently(connection.accept()).await? {
            let (request, respond) = asked.map_err(io::Error::other)?;
            let handler = Arc::clone(handler);
            let target = request.uri().path_and_query().map_or("/", |target| target.as_str()).to_owned();
            // Whoever went away needs no answer.
            tokio::spawn(async move { drop(send(respond, handler(&target)).await) });
        }
        Ok(())
    })
}

async fn send(mut respond: SendResponse<Bytes>, response: Response) -> Result<(), h2::Error> {
    let head = http::Response::builder()
        .status(response.status)
        .header("content-type", response.content_type)
        .header("content-length", response.body.len())
        .header("server", SERVER_NAME);
    let mut body = Bytes::from(response.body);
    let mut stream = respond.send_response(head.body(()).expect("these are headers"), body.is_empty())?;
    while !body.is_empty() {
        stream.reserve_capacity(body.len());
        let Some(room) = poll_fn(|context| stream.poll_capacity(context)).await else { return Ok(()) };
        let part = body.split_to(room?.min(body.len()));
        stream.send_data(part, body.is_empty())?;
    }
    Ok(())
}

/// Loads what is at `target` and all that it refers to; before each request up to `delay` ms are waited.
pub(super) fn load(
    connect: &Connect<'_>,
    tls: &Arc<ClientConfig>,
    host: &str,
    target: &str,
    delay: u32,
    seed: u64,
) -> Result<Visit, String> {
    let whole = || {
        let stream = connect()?;
        runtime()?.block_on(load_over(stream, tls, host, target, delay, seed))
    };
    whole().map_err(|error| format!("connection: {error}"))?
}

async fn load_over(
    stream: TcpStream,
    tls: &Arc<ClientConfig>,
    host: &str,
    target: &str,
    delay: u32,
    seed: u64,
) -> io::Result<Result<Visit, String>> {
    let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
    let stream = patiently(TlsConnector::from(Arc::clone(tls)).connect(name, as_async(stream)?)).await??;
    let mut settings = h2::client::Builder::new();
    settings.initial_window_size(WINDOW).initial_connection_window_size(WINDOW_OF_ALL).enable_push(false);
    let (requests, connection) = patiently(settings.handshake::<_, Bytes>(stream)).await?.map_err(io::Error::other)?;
    let connection = tokio::spawn(connection);
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut wait = move || Duration::from_millis(randomness.random_range(0..=delay).into());
    let (mut visit, mut known, mut under_way) = (Visit::default(), BTreeSet::from([target.to_owned()]), JoinSet::new());
    under_way.spawn(get(requests.clone(), host.to_owned(), target.to_owned(), wait()));
    while let Some(got) = under_way.join_next().await {
        let (target, status, body) = got.map_err(io::Error::other)??;
        if status != 200 {
            return Ok(Err(format!("refused: {target} was answered {status}")));
        }
        visit.requests += 1;
        visit.answer_bytes += body.len() as u64;
        for found in references(&body) {
            if known.insert(found.to_owned()) {
                under_way.spawn(get(requests.clone(), host.to_owned(), found.to_owned(), wait()));
            }
        }
    }
    // Nobody asks for more: the connection says good-bye and ends.
    drop(requests);
    patiently(connection).await?.map_err(io::Error::other)?.map_err(io::Error::other)?;
    Ok(Ok(visit))
}

type Got = (String, u16, Vec<u8>);

async fn get(requests: SendRequest<Bytes>, host: String, target: String, wait: Duration) -> io::Result<Got> {
    tokio::time::sleep(wait).await;
    let mut request = Head::get(format!("https://{host}{target}"));
    for (name, value) in OF_THE_BROWSER {
        request = request.header(name, HeaderValue::from_static(value));
    }
    let request = request.body(()).map_err(io::Error::other)?;
    let mut requests = patiently(requests.ready()).await?.map_err(io::Error::other)?;
    let (answer, _) = requests.send_request(request, true).map_err(io::Error::other)?;
    let answer = patiently(answer).await?.map_err(io::Error::other)?;
    let status = answer.status().as_u16();
    let (mut body, mut bytes) = (answer.into_body(), Vec::new());
    while let Some(part) = patiently(body.data()).await? {
        let part = part.map_err(io::Error::other)?;
        body.flow_control().release_capacity(part.len()).map_err(io::Error::other)?;
        bytes.extend(part);
    }
    Ok((target, status, bytes))
}
