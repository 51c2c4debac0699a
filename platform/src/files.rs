//! Uploads and what is made of them: objects of a store, and the folder in which this machine works on them.
//!
//! `incoming/` has uploads while they arrive, `submissions/ID/` those that were accepted. By default the folder is the store. With another
//! one, such as an S3-like service, whatever is accepted or made goes there before the database knows of it, and whatever is needed is
//! fetched from there where this machine does not have it. Objects never change, so copies are as good as they are.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::{StreamExt, TryStreamExt};
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::io::{AsyncRead, AsyncWriteExt};
use wfkit_datasets::files::all_files_below;

use crate::Millis;

/// Where uploads lie while they arrive.
const INCOMING: &str = "incoming";
/// Where those are that were accepted.
const SUBMISSIONS: &str = "submissions";
/// What a recording that is not whole yet is called in the folder of a submission.
const RECORDING: &str = "recording";
/// How often a store that is elsewhere is asked what it has.
const LOOK: Millis = 3_600_000;
/// A copy that nobody has needed for so long is removed here.
const UNUSED: Millis = 24 * 3_600_000;

/// Files of a competition; cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    store: Arc<dyn ObjectStore>,
    /// Whether the folder has copies of what is elsewhere.
    elsewhere: bool,
    looked_at: Arc<AtomicI64>,
}

impl Files {
    /// Files that are in the folder `root`, which is made if need be.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        make(&root)?;
        let store = Arc::new(LocalFileSystem::new_with_prefix(&root)?);
        Ok(Self { root, store, elsewhere: false, looked_at: Arc::default() })
    }

    /// Files that are in a store; copies of them are in the folder `root`, of which each machine has its own.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn elsewhere(root: impl Into<PathBuf>, store: Arc<dyn ObjectStore>) -> io::Result<Self> {
        let root = root.into();
        make(&root)?;
        Ok(Self { root, store, elsewhere: true, looked_at: Arc::default() })
    }

    /// The store of an address: `file:///FOLDER`, or `s3://BUCKET/PREFIX` where this program was built with the feature `s3`. Keys, region
    /// and endpoint of a service like S3 are what `AWS_...` variables of `environment` say.
    ///
    /// # Errors
    /// An address that is none, or of a store that this program does not know.
    pub fn at_address(
        root: impl Into<PathBuf>,
        address: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> io::Result<Self> {
        let url = url::Url::parse(address).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        if !matches!(url.scheme(), "file" | "s3") {
            return Err(wrong(format!("{address}: file:///FOLDER and s3://BUCKET/PREFIX are known")));
        }
        if url.scheme() == "s3" && !cfg!(feature = "s3") {
            return Err(wrong(format!("{address}: this program was built without the feature `s3`")));
        }
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| wrong(format!("{address}: not a folder of this machine")))?;
            std::fs::create_dir_all(folder)?;
        }
        let options = environment.into_iter().filter(|(name, _)| name.starts_with("AWS_"));
        let options = options.map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, prefix) = object_store::parse_url_opts(&url, options)?;
        Self::elsewhere(root, Arc::new(object_store::prefix::PrefixStore::new(store, prefix)))
    }

    /// Where an upload is written while it arrives.
    pub(crate) fn incoming(&self, id: &str) -> PathBuf {
        self.root.join(INCOMING).join(id)
    }

    /// The folder of a submission.
    pub fn of_submission(&self, id: &str) -> PathBuf {
        self.root.join(SUBMISSIONS).join(id)
    }

    /// The upload of a submission, under the name that says what it is.
    pub fn upload(&self, id: &str, file_name: &str) -> PathBuf {
        self.of_submission(id).join(file_name)
    }

    /// What the server made of the specification of a defence.
    pub(crate) fn defended(&self, id: &str) -> PathBuf {
        self.of_submission(id).join("defended.csv.zip")
    }

    /// Where the laboratory records a defence; of this machine alone.
    pub(crate) fn recording(&self, id: &str) -> PathBuf {
        self.of_submission(id).join(RECORDING)
    }

    /// Train, test or truth file of a defence.
    pub(crate) fn part(&self, id: &str, team: i64, part: &str) -> PathBuf {
        self.of_submission(id).join("split").join(format!("team_{team}_{part}.csv.zip"))
    }

    /// Undefended traffic that a round compares with.
    pub(crate) fn baseline(&self, round_id: &str) -> PathBuf {
        self.root.join(format!("baseline-{round_id}.csv.zip"))
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Moves an upload that has arrived to its submission. It is kept when this returns.
    pub(crate) async fn accept(&self, incoming: &Path, id: &str, file_name: &str) -> io::Result<()> {
        let folder = self.of_submission(id);
        std::fs::create_dir_all(&folder)?;
        let place = folder.join(file_name);
        std::fs::rename(incoming, &place)?;
        for folder in [&folder, &self.root.join(SUBMISSIONS)] {
            std::fs::File::open(folder)?.sync_all()?;
        }
        self.keep(&place).await
    }

    fn key(&self, path: &Path) -> io::Result<Key> {
        let below =
            path.strip_prefix(&self.root).map_err(|_| wrong(format!("{} is not of these files", path.display())))?;
        let parts = below.iter().map(|part| part.to_string_lossy().into_owned());
        Ok(Key::from_iter(parts))
    }

    /// Keeps a file that was made here.
    pub(crate) async fn keep(&self, path: &Path) -> io::Result<()> {
        if !self.elsewhere {
            return Ok(());
        }
        let mut file = tokio::fs::File::open(path).await?;
        self.put(self.key(path)?, &mut file).await
    }

    async fn put(&self, key: Key, from: &mut (dyn AsyncRead + Unpin + Send)) -> io::Result<()> {
        let mut writer = BufWriter::new(self.store.clone(), key);
        let written = tokio::io::copy(from, &mut writer).await;
        if let Err(error) = written {
            // What is half there is nothing.
            let _ = writer.abort().await;
            return Err(error);
        }
        writer.shutdown().await
    }

    /// Keeps everything that was made of a submission.
    pub(crate) async fn keep_made(&self, id: &str, upload: &str) -> io::Result<()> {
        if !self.elsewhere {
            return Ok(());
        }
        let folder = self.of_submission(id);
        for path in all_files_below(&folder)? {
            if path != folder.join(upload) && !path.starts_with(self.recording(id)) {
                self.keep(&path).await?;
            }
        }
        Ok(())
    }

    /// Sees to it that files are on this machine; `unique` is a name that nobody else uses.
    pub(crate) async fn fetch(&self, paths: &[PathBuf], unique: &str) -> io::Result<()> {
        if !self.elsewhere {
            return Ok(());
        }
        for path in paths {
            let folder = path.parent().unwrap_or(&self.root);
            // Undefended traffic alone may be given anew.
            if path.exists() && folder != self.root {
                // It is in use: not to be swept.
                std::fs::File::open(path)?.set_modified(std::time::SystemTime::now())?;
                continue;
            }
            let mut stream = self.store.get(&self.key(path)?).await?.into_stream();
            let arriving = self.incoming(&format!("{unique}.fetched"));
            let mut file = tokio::fs::File::create(&arriving).await?;
            while let Some(chunk) = stream.next().await {
                file.write_all(&chunk?).await?;
            }
            file.flush().await?;
            std::fs::create_dir_all(folder)?;
            std::fs::rename(&arriving, path)?;
        }
        Ok(())
    }

    /// As [`fetch`](Self::fetch), for files that need not be anywhere.
    pub(crate) async fn fetch_if_there(&self, paths: &[PathBuf], unique: &str) -> io::Result<()> {
        for path in paths {
            match self.fetch(std::slice::from_ref(path), unique).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Whether a file is kept.
    pub(crate) async fn is_there(&self, path: &Path) -> io::Result<bool> {
        match self.store.head(&self.key(path)?).await {
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            found => Ok(found.map(|_| true)?),
        }
    }

    /// Keeps everything that is in the folder.
    pub(crate) async fn keep_all(&self) -> io::Result<()> {
        let incoming = self.root.join(INCOMING);
        for path in all_files_below(&self.root)? {
            if !path.starts_with(&incoming) {
                self.keep(&path).await?;
            }
        }
        Ok(())
    }

    /// Names of all that is kept, in order; what arrives at this moment is of no submission yet.
    pub(crate) async fn list(&self) -> io::Result<Vec<String>> {
        let mut names: Vec<String> =
            self.store.list(None).map_ok(|object| object.location.to_string()).try_collect().await?;
        names.retain(|name| !name.starts_with("incoming/") && name.split('/').nth(2) != Some(RECORDING));
        names.sort();
        Ok(names)
    }

    /// Reads what is kept under a name, in pieces; none where it is gone.
    pub(crate) async fn read(&self, name: &str, mut to: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<bool> {
        let object = match self.store.get(&Key::from(name)).await {
            Err(object_store::Error::NotFound { .. }) => return Ok(false),
            object => object?,
        };
        let mut stream = object.into_stream();
        while let Some(chunk) = stream.next().await {
            to(&chunk?)?;
        }
        Ok(true)
    }

    /// Removes what killed processes left: arrivals and folders that are `older_than` and of no submission that `known` has; and copies that
    /// nobody has needed for a day.
    pub(crate) async fn sweep(
        &self,
        now: Millis,
        older_than: Millis,
        known: impl Fn(&str) -> bool,
    ) -> io::Result<usize> {
        let mut removed = 0;
        for (folder, arrivals) in [(INCOMING, true), (SUBMISSIONS, false)] {
            for entry in std::fs::read_dir(self.root.join(folder))? {
                let entry = entry?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let changed = entry.metadata().and_then(|meta| meta.modified());
                let changed = changed.ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
                let Some(changed) = changed.map(|at| at.as_millis() as Millis) else { continue };
                let path = entry.path();
                let orphan = changed < older_than && (arrivals || !known(&name));
                if orphan || (self.elsewhere && !arrivals && last_used(&path)? < now - UNUSED) {
                    if path.is_dir() {
                        std::fs::remove_dir_all(path)?
                    } else {
                        std::fs::remove_file(path)?
                    }
                    removed += 1;
                }
            }
        }
        if self.elsewhere && now - self.looked_at.load(Ordering::Relaxed) >= LOOK {
            self.looked_at.store(now, Ordering::Relaxed);
            removed += self.sweep_elsewhere(older_than, known).await?;
        }
        Ok(removed)
    }

    /// Removes objects of submissions that never were.
    async fn sweep_elsewhere(&self, older_than: Millis, known: impl Fn(&str) -> bool) -> io::Result<usize> {
        let mut removed = 0;
        for folder in self.store.list_with_delimiter(Some(&Key::from(SUBMISSIONS))).await?.common_prefixes {
            if folder.filename().is_none_or(&known) {
                continue;
            }
            let objects: Vec<object_store::ObjectMeta> = self.store.list(Some(&folder)).try_collect().await?;
            if objects.iter().all(|object| object.last_modified.timestamp_millis() < older_than) {
                for object in objects {
                    self.store.delete(&object.location).await?;
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }
}

fn make(root: &Path) -> io::Result<()> {
    std::fs::create_dir_all(root.join(INCOMING))?;
    std::fs::create_dir_all(root.join(SUBMISSIONS))
}

fn wrong(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// When a file of a folder was made or needed last, or the folder itself was made.
fn last_used(folder: &Path) -> io::Result<Millis> {
    let mut last = 0;
    for path in all_files_below(folder)?.into_iter().chain([folder.to_owned()]) {
        let changed = std::fs::metadata(path)?.modified()?.duration_since(std::time::UNIX_EPOCH);
        last = last.max(changed.map_or(0, |at| at.as_millis() as Millis));
    }
    Ok(last)
}
