//! All submissions of a round in one archive, for organisers: written while it is sent, and never whole in memory or on the disk.

use std::io::{self, Write};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::game::{Kind, Round};
use crate::store::submissions::Submission;
use crate::store::{Conn, audit, rounds, submissions, teams};
use crate::web::guard::Viewer;
use crate::web::show::csv_field;
use crate::world::iso;
use crate::{App, Failure};

/// Pieces that wait to be sent: whoever writes waits for whoever reads.
const WAITING: usize = 8;
/// The first entry, which names all others.
const MANIFEST: &str = "manifest.csv";

/// An entry of the archive.
struct Entry {
    name: String,
    submission: Submission,
    team: (i64, String),
    counts: bool,
}

/// All of a round, defences and then attacks, oldest first. Names stay the same from one download to the next.
async fn entries(conn: &mut Conn, round: &Round) -> Result<Vec<Entry>, Failure> {
    let teams = teams::all(conn).await?;
    let pins = rounds::pins(conn, &round.id).await?;
    let mut entries = Vec::new();
    for kind in [Kind::Defence, Kind::Attack] {
        for submission in submissions::of_round(conn, &round.id, kind).await? {
            let team = teams.iter().find(|team| team.id == submission.team_id);
            let team = team.map_or((0, String::new()), |team| (team.number, team.name.clone()));
            let at = iso(submission.received_at).replace(':', "-");
            let name = format!("{}/team-{}/{at}-{}/{}", kind.name(), team.0, submission.id, submission.file_name);
            let counts = pins.iter().any(|(_, pinned)| *pinned == submission.id);
            entries.push(Entry { name, submission, team, counts });
        }
    }
    Ok(entries)
}

fn manifest(entries: &[Entry]) -> String {
    let mut text = "file,sha256,bytes,kind,team_id,team,submission,received_at,state,pinned\n".to_owned();
    for Entry { name, submission, team, counts } in entries {
        let fields = [
            name.clone(),
            submission.sha256.clone(),
            submission.bytes.to_string(),
            submission.kind().name().to_owned(),
            team.0.to_string(),
            csv_field(&team.1),
            submission.id.clone(),
            iso(submission.received_at),
            submission.state().name().to_owned(),
            if *counts { "yes" } else { "no" }.to_owned(),
        ];
        text += &(fields.join(",") + "\n");
    }
    text
}

/// Hands what is written on to whoever sends it.
struct Sending(mpsc::Sender<io::Result<Vec<u8>>>);

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "nobody reads any more");
        self.0.blocking_send(Ok(bytes.to_vec())).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write(app: &App, handle: &Handle, entries: &[Entry], to: Sending) -> io::Result<()> {
    let mut archive = ZipWriter::new_stream(io::BufWriter::with_capacity(1 << 16, to));
    let packed = SimpleFileOptions::default().large_file(true);
    archive.start_file(MANIFEST, packed)?;
    archive.write_all(manifest(entries).as_bytes())?;
    for Entry { name, submission, .. } in entries {
        let path = app.files.upload(&submission.id, &submission.file_name);
        handle.block_on(app.files.fetch(std::slice::from_ref(&path), &app.world.id()))?;
        let method = if name.ends_with(".zip") { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        archive.start_file(name.as_str(), packed.compression_method(method))?;
        io::copy(&mut std::fs::File::open(&path)?, &mut archive)?;
    }
    archive.finish()?.flush()
}

pub(crate) async fn download(
    State(app): State<App>,
    viewer: Viewer,
    Path(number): Path<i64>,
) -> Result<Response, Failure> {
    let mut tx = app.store.write().await?;
    let round = rounds::by_number(&mut tx, number).await?.ok_or(Failure::NotFound)?;
    let entries = entries(&mut tx, &round).await?;
    let detail = format!("{} files", entries.len());
    let subject = format!("round {number}");
    audit::record(&mut tx, &app.world, viewer.name(), "download all submissions", &subject, &detail).await?;
    tx.commit().await?;
    let (sender, receiver) = mpsc::channel(WAITING);
    let handle = Handle::current();
    tokio::task::spawn_blocking(move || {
        let failed = sender.clone();
        if let Err(error) = write(&app, &handle, &entries, Sending(sender)) {
            tracing::error!("archive of submissions: {error}");
            // An archive that is not whole does not end as one that is.
            let _ = failed.blocking_send(Err(error));
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"round_{number}_submissions.zip\"")),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}
