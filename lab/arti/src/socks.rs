//! SOCKS connections of applications.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use arti_client::config::BoolOrAuto;
use arti_client::{StreamPrefs, TorClient};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tor_rtcompat::PreferredRuntime;
use tor_socksproto::{
    Buffer, Handshake as _, NextStep, SocksAuth, SocksCmd, SocksProxyHandshake, SocksRequest, SocksStatus,
};

use crate::circuits::Circuits;

/// Takes connections until the process ends.
pub(crate) async fn serve(
    address: SocketAddr,
    client: Arc<TorClient<PreferredRuntime>>,
    circuits: Arc<Circuits>,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    loop {
        let (stream, _) = listener.accept().await.context("taking a connection")?;
        let (client, circuits) = (Arc::clone(&client), Arc::clone(&circuits));
        tokio::spawn(async move {
            if let Err(error) = connection(stream, &client, &circuits).await {
                tracing::info!("a connection ended: {error:#}");
            }
        });
    }
}

async fn connection(
    mut stream: TcpStream,
    client: &TorClient<PreferredRuntime>,
    circuits: &Circuits,
) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let request = handshake(&mut stream).await?;
    if request.command() != SocksCmd::CONNECT {
        answer(&mut stream, &request, SocksStatus::COMMAND_NOT_SUPPORTED).await?;
        bail!("only CONNECT is understood");
    }
    let (user, host) = (user(request.auth())?, request.addr().to_string());
    let mut preferences = StreamPrefs::new();
    preferences.connect_to_onion_services(BoolOrAuto::Explicit(true)).set_isolation(circuits.isolation(&user).await);
    let connected = client.connect_with_prefs((host.as_str(), request.port()), &preferences).await;
    let mut through = match connected {
        Ok(through) => through,
        Err(error) => {
            answer(&mut stream, &request, SocksStatus::GENERAL_FAILURE).await?;
            return Err(error).context("connecting");
        }
    };
    // An application gets no circuit that machines should pad and do not.
    if let Err(error) = circuits.note(&through, &user, &host).await {
        answer(&mut stream, &request, SocksStatus::GENERAL_FAILURE).await?;
        return Err(error);
    }
    answer(&mut stream, &request, SocksStatus::SUCCEEDED).await?;
    copy_bidirectional(&mut stream, &mut through).await.context("passing on")?;
    Ok(())
}

async fn handshake(stream: &mut TcpStream) -> anyhow::Result<SocksRequest> {
    let (mut handshake, mut buffer) = (SocksProxyHandshake::new(), Buffer::new_precise());
    loop {
        match handshake.step(&mut buffer)? {
            NextStep::Send(bytes) => stream.write_all(&bytes).await?,
            NextStep::Recv(mut step) => {
                let got = stream.read(step.buf()).await?;
                step.note_received(got)?;
            }
            NextStep::Finished(finished) => return Ok(finished.into_output()?),
        }
    }
}

/// As whom an application connects; nobody is a user, too.
fn user(auth: &SocksAuth) -> anyhow::Result<String> {
    match auth {
        SocksAuth::NoAuth => Ok(String::new()),
        SocksAuth::Username(name, _) => Ok(String::from_utf8_lossy(name).into_owned()),
        _ => bail!("only user names tell applications apart"),
    }
}

async fn answer(stream: &mut TcpStream, request: &SocksRequest, status: SocksStatus) -> anyhow::Result<()> {
    Ok(stream.write_all(&request.reply(status, None)?).await?)
}
