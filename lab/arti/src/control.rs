//! What the laboratory asks of a client, in the words of tor's control port (control-spec), as few as it uses; and `MACHINES`, which tor has not.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::Context as _;
use arti_client::TorClient;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tor_rtcompat::PreferredRuntime;

use crate::circuits::{Circuit, Circuits};
use crate::machines::Machines;

/// Listens at a Unix socket.
pub(crate) fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    match fs::remove_file(path) {
        // Of a client that was here before.
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    UnixListener::bind(path).with_context(|| path.display().to_string())
}

/// Answers until the process ends.
pub(crate) async fn serve(
    listener: UnixListener,
    client: Arc<TorClient<PreferredRuntime>>,
    circuits: Arc<Circuits>,
) -> anyhow::Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("taking a connection")?;
        let (client, circuits) = (Arc::clone(&client), Arc::clone(&circuits));
        tokio::spawn(async move {
            // Whoever asked may be gone before the answer.
            let _ = conversation(stream, &client, &circuits).await;
        });
    }
}

async fn conversation(
    mut stream: UnixStream,
    client: &TorClient<PreferredRuntime>,
    circuits: &Circuits,
) -> io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    while let Some(line) = lines.next_line().await? {
        let mut words = line.split_whitespace();
        let answer = match (words.next(), words.next()) {
            (Some("AUTHENTICATE"), None) => "250 OK\r\n".to_owned(),
            (Some("GETINFO"), Some("status/bootstrap-phase")) => {
                let status = client.bootstrap_status();
                // Ready is 100, nothing else.
                let percent = if status.ready_for_traffic() { 100 } else { (status.as_frac() * 99.0) as u8 };
                format!("250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS={percent} TAG=arti\r\n250 OK\r\n")
            }
            (Some("GETINFO"), Some("circuit-status")) => {
                let lines: String = circuits.alive().await.iter().map(|circuit| shown(circuit) + "\r\n").collect();
                format!("250+circuit-status=\r\n{lines}.\r\n250 OK\r\n")
            }
            (Some("MACHINES"), hop) => match Machines::parse(hop.into_iter().chain(words)) {
                Ok(machines) => match circuits.set_machines(machines).await {
                    Ok(()) => "250 OK\r\n".to_owned(),
                    Err(error) => format!("551 {error:#}\r\n"),
                },
                Err(error) => format!("513 {error:#}\r\n"),
            },
            _ => "510 Unrecognized command\r\n".to_owned(),
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

/// A circuit as tor writes it.
fn shown(circuit: &Circuit) -> String {
    let path: Vec<_> = circuit.path().into_iter().map(|relay| format!("${relay}")).collect();
    line(circuit.number, &path.join(","), &circuit.host, &circuit.user, circuit.since)
}

fn line(number: u64, path: &str, host: &str, user: &str, since: SystemTime) -> String {
    let since = jiff::Timestamp::try_from(since).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    let leads = host.strip_suffix(".onion").map_or("PURPOSE=GENERAL".to_owned(), |onion| {
        format!("PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_JOINED REND_QUERY={onion}")
    });
    let user: String = user.chars().filter(|letter| !letter.is_control() && !"\"\\ ".contains(*letter)).collect();
    format!("{number} BUILT {path} BUILD_FLAGS=NEED_CAPACITY {leads} TIME_CREATED={since} SOCKS_USERNAME=\"{user}\"")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn circuits_are_told_as_tor_tells_them() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_250_000);
        assert_eq!(
            line(3, "$AA,$BB", "abc.onion", "s0", since),
            "3 BUILT $AA,$BB BUILD_FLAGS=NEED_CAPACITY PURPOSE=HS_CLIENT_REND HS_STATE=HSCR_JOINED REND_QUERY=abc \
             TIME_CREATED=2023-11-14T22:13:20.250000 SOCKS_USERNAME=\"s0\""
        );
        assert!(
            line(3, "$AA", "198.18.0.9", "a \"b\r", since)
                .contains("PURPOSE=GENERAL TIME_CREATED=2023-11-14T22:13:20.250000 SOCKS_USERNAME=\"ab\"")
        );
    }
}
