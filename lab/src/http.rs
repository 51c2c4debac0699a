//! As much HTTP/1.1 as services of the laboratory need: one request a connection, as servers without threads answer it, or several, one
//! after the other, as browsers want it.

use std::io::{self, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Longest head that is read, in bytes.
const LONGEST_HEAD: usize = 16 << 10;
/// Longest body of a request that is read, in bytes.
const LONGEST_REQUEST: usize = 1 << 20;
/// Longest body of an answer that is read, in bytes.
const LONGEST_RESPONSE: usize = 64 << 20;
/// A peer that says nothing for so long is gone.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What Tor Browser says of itself with every request.
pub(crate) const OF_THE_BROWSER: [(&str, &str); 4] = [
    ("User-Agent", "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate"),
];

/// What servers of the laboratory call themselves.
pub(crate) const SERVER_NAME: &str = "wfkit-lab/0.1";

/// A request as a server sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
    /// Whether the client may ask for more over the same connection.
    pub(crate) is_kept: bool,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: "application/json", body: body.into() }
    }
}

/// Sends one request over a fresh connection and reads the answer: its status and body.
pub(crate) fn exchange(
    stream: TcpStream,
    host: &str,
    method: &str,
    target: &str,
    body: Option<(&str, &[u8])>,
) -> io::Result<(u16, Vec<u8>)> {
    let mut message = format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: wfkit-lab/0.1\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n\
         Connection: close\r\n"
    )
    .into_bytes();
    if let Some((content_type, body)) = body {
        message.extend(format!("Content-Length: {}\r\nContent-Type: {content_type}\r\n", body.len()).bytes());
    }
    message.extend(b"\r\n");
    message.extend(body.map_or(&[][..], |(_, body)| body));
    Connection::new(stream)?.ask(&message)
}

/// A connection that is kept for several requests, one after the other.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(stream))
    }

    /// Asks as Tor Browser does.
    pub(crate) fn get(&mut self, host: &str, target: &str) -> io::Result<(u16, Vec<u8>)> {
        let of_the_browser: String =
            OF_THE_BROWSER.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let message =
            format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{of_the_browser}Connection: keep-alive\r\n\r\n");
        self.ask(message.as_bytes())
    }

    fn ask(&mut self, message: &[u8]) -> io::Result<(u16, Vec<u8>)> {
        self.0.write_all(message)?;
        let (head, rest) = read_head(&mut self.0)?;
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        response.parse(&head).map_err(io::Error::other)?;
        let status = response.code.ok_or_else(|| io::Error::other("an answer without a status"))?;
        let length = content_length(response.headers)?.ok_or_else(|| io::Error::other("an answer without a length"))?;
        Ok((status, read_body(&mut self.0, rest, length, LONGEST_RESPONSE)?))
    }
}

/// Answers connections, each on a thread of its own, until `stop`.
pub(crate) fn serve<H>(listener: &TcpListener, handler: &Arc<H>, stop: &AtomicBool) -> io::Result<()>
where
    H: Fn(&Request) -> Response + Send + Sync + 'static,
{
    let handler = Arc::clone(handler);
    // Whoever went away needs no answer.
    accept_each(listener, &Arc::new(move |stream| drop(answer(stream, &*handler))), stop)
}

/// Takes connections, each on a thread of its own, until `stop`.
pub(crate) fn accept_each<A>(listener: &TcpListener, act: &Arc<A>, stop: &AtomicBool) -> io::Result<()>
where
    A: Fn(TcpStream) + Send + Sync + 'static,
{
    let each = |stream| {
        let act = Arc::clone(act);
        thread::spawn(move || act(stream));
    };
    accept_until(listener, each, stop)
}

/// Takes connections, one after the other, until `stop`.
pub(crate) fn accept_until(listener: &TcpListener, act: impl Fn(TcpStream), stop: &AtomicBool) -> io::Result<()> {
    const LOOK: Duration = Duration::from_millis(5);
    // There is no waiting for a connection or a flag: look often enough that nobody notices.
    listener.set_nonblocking(true)?;
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                act(stream);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(LOOK),
            // Whoever called has hung up already.
            Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer(mut stream: TcpStream, handler: &impl Fn(&Request) -> Response) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    loop {
        let (response, is_kept) = match read_request(&mut stream) {
            Ok(request) => (handler(&request), request.is_kept),
            Err(error) if error.kind() == io::ErrorKind::Other => {
                (Response::json(400, format!("{{\"error\": \"{error}\"}}\n")), false)
            }
            Err(error) => return Err(error),
        };
        stream.write_all(&written(&response, is_kept))?;
        if !is_kept {
            return Ok(());
        }
    }
}

fn written(response: &Response, is_kept: bool) -> Vec<u8> {
    let reason = match response.status {
        200 => "OK",
        400 => "BAD REQUEST",
        401 => "UNAUTHORIZED",
        404 => "NOT FOUND",
        405 => "METHOD NOT ALLOWED",
        _ => "INTERNAL SERVER ERROR",
    };
    let (version, connection) = if is_kept { ("1.1", "keep-alive") } else { ("1.0", "close") };
    let head = format!(
        "HTTP/{version} {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nServer: {SERVER_NAME}\r\nConnection: {connection}\r\n\r\n",
        response.status,
        response.content_type,
        response.body.len()
    );
    let mut message = head.into_bytes();
    message.extend(&response.body);
    message
}

pub(crate) fn read_request(stream: &mut impl Read) -> io::Result<Request> {
    let (head, rest) = read_head(stream)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    request.parse(&head).map_err(io::Error::other)?;
    let content_type = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-type"));
    let content_type = content_type.map_or(String::new(), |header| String::from_utf8_lossy(header.value).into_owned());
    let length = content_length(request.headers)?.unwrap_or(0);
    let is_kept = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("connection") && header.value.eq_ignore_ascii_case(b"keep-alive")
    });
    let (method, target) = (request.method.unwrap_or_default().to_owned(), request.path.unwrap_or_default().to_owned());
    let body = read_body(stream, rest, length, LONGEST_REQUEST)?;
    Ok(Request { method, target, content_type, body, is_kept })
}

/// The head, and what came with it of the body.
fn read_head(stream: &mut impl Read) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((bytes, rest));
        }
        if bytes.len() > LONGEST_HEAD {
            return Err(io::Error::other("the head is too long"));
        }
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend(&part[..read]),
        }
    }
}

fn read_body(stream: &mut impl Read, mut body: Vec<u8>, length: usize, longest: usize) -> io::Result<Vec<u8>> {
    if length > longest {
        return Err(io::Error::other("the body is too long"));
    }
    body.truncate(length);
    let left = (length - body.len()) as u64;
    stream.take(left).read_to_end(&mut body)?;
    if body.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(body) }
}

fn content_length(headers: &[httparse::Header<'_>]) -> io::Result<Option<usize>> {
    let Some(header) = headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length")) else {
        return Ok(None);
    };
    let length = std::str::from_utf8(header.value).ok().and_then(|text| text.trim().parse().ok());
    length.map(Some).ok_or_else(|| io::Error::other("the length is no number"))
}

/// The parts of a form (multipart/form-data, RFC 7578) by name.
pub(crate) fn form(request: &Request) -> Option<Vec<(String, Vec<u8>)>> {
    let boundary = request.content_type.strip_prefix("multipart/form-data; boundary=")?.trim_matches('"');
    let marker = format!("--{boundary}");
    let mut rest = request.body.strip_prefix(marker.as_bytes())?.strip_prefix(b"\r\n")?;
    let (between, mut parts) = (format!("\r\n{marker}"), Vec::new());
    loop {
        let head_end = find(rest, b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..head_end]).ok()?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?.to_owned();
        let value = &rest[head_end + 4..];
        let end = find(value, between.as_bytes())?;
        parts.push((name, value[..end].to_vec()));
        match value[end + between.len()..].strip_prefix(b"\r\n") {
            Some(next) => rest = next,
            None => return value[end + between.len()..].starts_with(b"--").then_some(parts),
        }
    }
}

/// Writes a form: content type and body.
pub(crate) fn write_form(boundary: &str, parts: &[(&str, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, value) in parts {
        body.extend(format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n").bytes());
        body.extend(*value);
        body.extend(b"\r\n");
    }
    body.extend(format!("--{boundary}--\r\n").bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

fn find(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_is_written_is_read() {
        let parts: [(&str, &[u8]); 3] =
            [("cell_id", b"42"), ("types", b"[\"a\"]"), ("signature", &[0, 13, 10, 45, 45, 255])];
        let (content_type, body) = write_form("0123456789abcdef", &parts);
        let request = Request { method: "POST".to_owned(), target: "/".to_owned(), content_type, body, is_kept: false };
        let read = form(&request).unwrap();
        assert_eq!(read.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect::<Vec<_>>(), parts);
        for length in 0..request.body.len() - 4 {
            let cut = Request { body: request.body[..length].to_vec(), ..request.clone() };
            assert_eq!(form(&cut), None, "cut to {length} bytes");
        }
    }

    #[test]
    fn requests_are_answered_and_nonsense_is_not_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = AtomicBool::new(false);
        let handler = Arc::new(|request: &Request| {
            let mut said = format!("{} {} ", request.method, request.target).into_bytes();
            said.extend(&request.body);
            Response::json(200, said)
        });
        thread::scope(|scope| {
            let _end = crate::flag::SetAtEnd(&stop);
            scope.spawn(|| serve(&listener, &handler, &stop).unwrap());
            let connect = || TcpStream::connect(address).unwrap();
            let (status, body) = exchange(connect(), "h", "POST", "/a?b=1", Some(("text/plain", b"hello"))).unwrap();
            assert_eq!((status, body.as_slice()), (200, &b"POST /a?b=1 hello"[..]));
            let (status, body) = exchange(connect(), "h", "GET", "/c", None).unwrap();
            assert_eq!((status, body.as_slice()), (200, &b"GET /c "[..]));
            let mut stream = connect();
            stream.write_all(b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            assert!(text.starts_with("HTTP/1.0 400"), "{text}");
        });
    }
}
