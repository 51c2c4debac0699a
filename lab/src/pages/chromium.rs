//! Loads by a real browser: the system's Chromium without a window, a fresh one with a profile of its own for each load.
//!
//! It connects by a proxy of this program's that takes it to the service and nowhere else, so that it goes the way of the other clients, by the
//! same user of tor, and whoever else it asks for is known.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use crate::Error;
use crate::enclosure::PRIVATE;
use crate::flag::SetAtEnd;
use crate::http::accept_until;
use crate::workload::Connect;

/// What it is called on Debian.
pub(crate) const PROGRAM: &str = "chromium";

/// How long a load may take.
const PATIENCE: Duration = Duration::from_secs(120);

const LOOK: Duration = Duration::from_millis(10);

/// What Chromium does by itself, and is not to do: it asks its maker for updates, lists, accounts and the time. Inside of namespaces of one's
/// own its sandbox, which needs some more, is neither possible nor of use.
const OPTIONS: [&str; 23] = [
    "--headless",
    "--incognito",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--metrics-recording-only",
    "--password-store=basic",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-features=NetworkTimeServiceQuerying,Translate,MediaRouter,OptimizationHints,AutofillServerCommunication",
    // What it still wants of its maker is nowhere.
    "--gaia-url=http://127.0.0.1:9",
    "--google-apis-url=http://127.0.0.1:9",
    "--google-base-url=http://127.0.0.1:9",
    "--component-updater=url-source=http://127.0.0.1:9",
];

/// Loads a page from the service, called `host`; over TLS without asking who made its certificate. The page is loaded when all that it refers
/// to is.
pub(super) fn load(connect: &Connect<'_>, host: &str, url: &str) -> Result<(), String> {
    let problem = |error: io::Error| format!("browser: {error}");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(problem)?;
    let port = listener.local_addr().map_err(problem)?.port();
    // Whatever ends, a folder in memory ends with it.
    let folder =
        if Path::new(PRIVATE).join("lab").exists() { Path::new(PRIVATE).to_owned() } else { std::env::temp_dir() };
    let profile = tempfile::Builder::new().prefix("browser").tempdir_in(folder).map_err(problem)?;
    let (stop, others) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    let loaded = thread::scope(|scope| {
        let _end = SetAtEnd(&stop);
        let (others, stop) = (&others, &stop);
        scope.spawn(move || {
            let act = |stream| {
                scope.spawn(move || drop(pass_on(stream, connect, host, others)));
            };
            accept_until(&listener, act, stop)
        });
        run(url, port, profile.path())
    });
    let said = loaded.map_err(problem)?;
    if let Some(other) = others.into_inner().expect("a panic was told").first() {
        return Err(format!("browser: it asked for {other}, which is not the service"));
    }
    match said {
        (status, _) if status.success() => Ok(()),
        (status, log) => Err(format!("browser: it ended with {status}: {log}")),
    }
}

/// Runs the browser to its end; how it ended, and the last line that it said.
fn run(url: &str, port: u16, profile: &Path) -> io::Result<(ExitStatus, String)> {
    let log = profile.join("log");
    let mut command = Command::new(PROGRAM);
    command.args(OPTIONS).args([
        &format!("--proxy-server=socks5://127.0.0.1:{port}"),
        // No name is looked up, not even by mistake.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--ignore-certificate-errors",
        &format!("--user-data-dir={}", profile.display()),
        "--dump-dom",
        url,
    ]);
    for folder in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "TMPDIR"] {
        command.env(folder, profile);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(fs::File::create(&log)?);
    let mut browser = Kill(command.spawn()?);
    let started = Instant::now();
    loop {
        if let Some(status) = browser.0.try_wait()? {
            let log = fs::read_to_string(&log).unwrap_or_default();
            return Ok((status, log.lines().last().unwrap_or_default().to_owned()));
        }
        if started.elapsed() > PATIENCE {
            return Err(io::Error::other(format!("the page is not loaded after {} s", PATIENCE.as_secs())));
        }
        thread::sleep(LOOK);
    }
}

/// A process that ends with this.
struct Kill(Child);

impl Drop for Kill {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One connection of the browser's (SOCKS version 5, RFC 1928) to the service; whoever else is asked for is noted and refused.
fn pass_on(mut stream: TcpStream, connect: &Connect<'_>, host: &str, others: &Mutex<Vec<String>>) -> io::Result<()> {
    const REFUSED: [u8; 10] = [5, 2, 0, 1, 0, 0, 0, 0, 0, 0];
    const CONNECTED: [u8; 10] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    stream.set_nodelay(true)?;
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting)?;
    stream.read_exact(&mut vec![0; greeting[1].into()])?;
    stream.write_all(&[5, 0])?;
    let mut request = [0; 5];
    stream.read_exact(&mut request)?;
    // Addresses have no length in front: their first byte was read as one.
    let rest = match request[3] {
        1 => 3,
        4 => 15,
        _ => request[4].into(),
    };
    let mut name = vec![0; rest];
    stream.read_exact(&mut name)?;
    let mut port = [0; 2];
    stream.read_exact(&mut port)?;
    if request[3] != 3 || name != host.as_bytes() {
        others.lock().expect("nothing panics while it holds this").push(String::from_utf8_lossy(&name).into_owned());
        return stream.write_all(&REFUSED);
    }
    let mut service = match connect() {
        Ok(service) => service,
        Err(error) => return stream.write_all(&REFUSED).and(Err(error)),
    };
    // Between two bytes of a page minutes may pass, and an idle connection is the browser's to close.
    service.set_read_timeout(None)?;
    service.set_nodelay(true)?;
    stream.write_all(&CONNECTED)?;
    let (mut up_from, mut up_to) = (stream.try_clone()?, service.try_clone()?);
    thread::scope(|scope| {
        scope.spawn(move || {
            // However one direction ends, the other may go on.
            let _ = io::copy(&mut up_from, &mut up_to);
            let _ = up_to.shutdown(Shutdown::Write);
        });
        let copied = io::copy(&mut service, &mut stream);
        let _ = stream.shutdown(Shutdown::Both);
        copied.map(|_| ())
    })
}

/// Whether there is one.
pub(crate) fn version() -> Result<String, Error> {
    crate::namespace::output(PROGRAM, &["--version"], "").map(|said| said.trim().to_owned())
}
