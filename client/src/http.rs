//! Requests and answers: one agent, the token, problem documents.

use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use ureq::http::{Response, Uri};
use ureq::{Agent, Body, SendBody};

use crate::ClientError;

/// Answers other than files are smaller.
const DOCUMENT_BYTES: u64 = 64 << 20;
/// Files are not larger than what the server takes.
const FILE_BYTES: u64 = 256 << 20;

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// A server, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    agent: Agent,
    /// Without a slash at its end.
    server: String,
    token: Option<String>,
}

impl Http {
    /// # Errors
    /// An address that is none, or over which a password would go for everybody to read.
    pub(crate) fn new(server: &str, token: Option<String>) -> Result<Self, ClientError> {
        let server = server.trim().trim_end_matches('/').to_owned();
        let uri: Uri = server.parse().map_err(|_| ClientError::Address(server.clone()))?;
        let host = uri.host().unwrap_or_default();
        match uri.scheme_str() {
            Some("https") if !host.is_empty() => {}
            Some("http") if ["localhost", "127.0.0.1", "[::1]"].contains(&host) => {}
            Some("http") if !host.is_empty() => return Err(ClientError::Plain(server)),
            _ => return Err(ClientError::Address(server)),
        }
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            // An API does not move; a token does not go where something points.
            .max_redirects(0)
            // A connection for each request: one that was kept may just have been closed by the server, and what is sent over
            // it then is lost, or sent twice.
            .max_idle_connections(0)
            .timeout_connect(Some(Duration::from_secs(30)))
            // A refusal comes before the file is sent, where nothing between here and the server forgets to pass it on.
            .timeout_await_100(Some(Duration::from_secs(10)))
            .timeout_recv_response(Some(Duration::from_secs(600)))
            .user_agent(concat!("wfkit-client/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: agent.into(), server, token })
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn with_token(self, token: String) -> Self {
        Self { token: Some(token), ..self }
    }

    fn bearer(&self) -> String {
        format!("Bearer {}", self.token.as_deref().unwrap_or_default())
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        document(&self.server, self.begin_get(path)?)
    }

    /// All items of a list, which comes page by page.
    pub(crate) fn get_all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ClientError> {
        let mut page: Page<T> = self.get(path)?;
        let mut all = page.items;
        while let Some(next) = page.next {
            // A path of this server, and no other place.
            if !next.starts_with("/api/v1/") {
                return Err(ClientError::Foreign(next));
            }
            page = self.get(&next)?;
            if page.items.is_empty() {
                break;
            }
            all.append(&mut page.items);
        }
        Ok(all)
    }

    fn begin_get(&self, path: &str) -> Result<Response<Body>, ClientError> {
        let mut request = self.agent.get(format!("{}{path}", self.server));
        if self.token.is_some() {
            request = request.header("authorization", self.bearer());
        }
        self.heard(request.call())
    }

    /// Sends a document, or nothing.
    pub(crate) fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        let text = serde_json::to_vec(body).expect("what is sent are texts and numbers");
        let mut request = self.agent.post(format!("{}{path}", self.server)).header("content-type", "application/json");
        if self.token.is_some() {
            request = request.header("authorization", self.bearer());
        }
        document(&self.server, self.heard(request.send(text))?)
    }

    /// Sends a file; `sent` hears how many bytes of it have gone, after each piece.
    pub(crate) fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        file: &Path,
        sent: &mut dyn FnMut(u64),
    ) -> Result<T, ClientError> {
        let opened = std::fs::File::open(file).map_err(ClientError::file(file))?;
        let length = opened.metadata().map_err(ClientError::file(file))?.len();
        let mut body = Counted { inner: opened.take(length), done: 0, sent };
        let request = self
            .agent
            .post(format!("{}{path}", self.server))
            .header("authorization", self.bearer())
            .header("content-type", "application/octet-stream")
            .header("content-length", length)
            .header("expect", "100-continue");
        document(&self.server, self.heard(request.send(SendBody::from_reader(&mut body)))?)
    }

    /// Fetches a file to `place`, whole or not at all.
    pub(crate) fn download(&self, path: &str, place: &Path) -> Result<(), ClientError> {
        let mut response = self.begin_get(path)?;
        let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(ClientError::file(folder))?;
        let mut reader = response.body_mut().with_config().limit(FILE_BYTES).reader();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = reader
                .read(&mut buffer)
                .map_err(|error| ClientError::Broken { server: self.server.clone(), reason: error.to_string() })?;
            if count == 0 {
                break;
            }
            io::Write::write_all(&mut file, &buffer[..count]).map_err(ClientError::file(place))?;
        }
        readable_as_others(file.as_file()).map_err(ClientError::file(place))?;
        file.persist(place).map_err(|error| error.error).map_err(ClientError::file(place))?;
        Ok(())
    }

    /// An answer that is no refusal.
    fn heard(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, ClientError> {
        let mut response = answer.map_err(|error| ClientError::of_request(&self.server, error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Err(ClientError::Odd { server: self.server.clone(), reason: format!("it points to {to}") });
        }
        let body = response.body_mut().with_config().limit(DOCUMENT_BYTES).read_to_vec().unwrap_or_default();
        Err(ClientError::of_refusal(&self.server, status.as_u16(), &body))
    }
}

fn document<T: DeserializeOwned>(server: &str, mut response: Response<Body>) -> Result<T, ClientError> {
    let odd = |reason: String| ClientError::Odd { server: server.to_owned(), reason };
    let body = response.body_mut().with_config().limit(DOCUMENT_BYTES).read_to_vec();
    let body = body.map_err(|error| ClientError::of_request(server, error))?;
    serde_json::from_slice(&body).map_err(|error| odd(format!("its answer cannot be read: {error}")))
}

/// Temporary files are for their owner alone; a download is as every other file.
#[cfg(unix)]
fn readable_as_others(file: &std::fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_as_others(_: &std::fs::File) -> io::Result<()> {
    Ok(())
}

/// A reader that tells how much of it was read.
struct Counted<'a, R> {
    inner: R,
    done: u64,
    sent: &'a mut dyn FnMut(u64),
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        (self.sent)(self.done);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_go_over_tls_or_stay_on_this_machine() {
        for good in ["https://a.example", "https://a.example:8443/", "http://127.0.0.1:8080", "http://localhost"] {
            assert_eq!(Http::new(good, None).expect(good).server(), good.trim_end_matches('/'));
        }
        assert!(matches!(Http::new("http://a.example", None), Err(ClientError::Plain(_))));
        for bad in ["", "a.example", "ftp://a.example", "https://", "http:// x"] {
            assert!(matches!(Http::new(bad, None), Err(ClientError::Address(_))), "{bad}");
        }
    }

    #[test]
    fn whoever_does_not_answer_is_named() {
        // A port that nothing listens on: it was free a moment ago, and is not told to anybody.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = format!("http://{}", listener.local_addr().expect("its address"));
        drop(listener);
        let said = Http::new(&server, None).expect("an address").get::<()>("/").expect_err("nobody").to_string();
        assert!(said.starts_with(&format!("{server} does not answer")), "{said}");
    }
}
