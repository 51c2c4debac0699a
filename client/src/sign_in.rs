//! Who is signed in where: a small file that nobody else may read.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ClientError;

/// A server and the token of an account there.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The address, such as `https://race.example.org`.
    pub server: String,
    /// The name of the account.
    pub name: String,
    /// The secret that the API takes.
    pub token: String,
}

/// Without the token: it is not to get into a log.
impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("server", &self.server).field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where a sign-in is kept: `wfkit/competition.json` in the folder for settings that the system names, by `variable`, which reads
/// the environment. None where the environment names no home.
pub fn config_file(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let named = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(file) = named("WFKIT_COMPETITION_FILE") {
        return Some(file);
    }
    let folder = named("XDG_CONFIG_HOME")
        .or_else(|| named("APPDATA"))
        .or_else(|| Some(named("HOME").or_else(|| named("USERPROFILE"))?.join(".config")))?;
    Some(folder.join("wfkit").join("competition.json"))
}

impl SignIn {
    /// Reads what [`keep`](Self::keep) wrote.
    ///
    /// # Errors
    /// Nobody is signed in; a file that others may read, or that is no sign-in.
    pub fn read(path: &Path) -> Result<Self, ClientError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(ClientError::NotSignedIn(path.to_owned()));
            }
            Err(error) => return Err(ClientError::File { path: path.to_owned(), error }),
        };
        let wrong = |reason: String| ClientError::SignIn { path: path.to_owned(), reason };
        if others_may_read(path)? {
            let reason = format!("others may read the token in it: `chmod 600 {}`, or sign in again", path.display());
            return Err(wrong(reason));
        }
        serde_json::from_str(&text).map_err(|error| wrong(format!("not what a sign-in wrote ({error}): sign in again")))
    }

    /// Writes it for the owner alone, whole or not at all.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn keep(&self, path: &Path) -> Result<(), ClientError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(ClientError::file(folder))?;
        let text = serde_json::to_string_pretty(self).expect("three texts are JSON");
        let written = || {
            // Made for the owner alone, so that there is no instant at which others could read it.
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.write_all(b"\n")?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        written().map_err(ClientError::file(path))
    }

    /// Forgets a sign-in; it is no error if there is none.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn forget(path: &Path) -> Result<(), ClientError> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(ClientError::File { path: path.to_owned(), error })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn others_may_read(path: &Path) -> Result<bool, ClientError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_err(ClientError::file(path))?.permissions().mode();
    Ok(mode & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> Result<bool, ClientError> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in() -> SignIn {
        SignIn { server: "https://a.example".into(), name: "alice".into(), token: "secret".into() }
    }

    #[test]
    fn a_sign_in_is_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/competition.json");
        assert!(matches!(SignIn::read(&path), Err(ClientError::NotSignedIn(_))));
        sign_in().keep(&path).expect("kept");
        assert_eq!(SignIn::read(&path).expect("read"), sign_in());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
            let said = SignIn::read(&path).expect_err("for everybody to read").to_string();
            assert!(said.contains("chmod 600"), "{said}");
        }
        // Written over, it is private again.
        sign_in().keep(&path).expect("kept");
        SignIn::read(&path).expect("read");
        SignIn::forget(&path).expect("forgotten");
        SignIn::forget(&path).expect("forgotten already");
        assert!(!path.exists());
        assert!(!format!("{:?}", sign_in()).contains("secret"));
    }

    #[test]
    fn a_file_that_is_none_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("competition.json");
        sign_in().keep(&path).expect("kept");
        std::fs::write(&path, "{").expect("written");
        let said = SignIn::read(&path).expect_err("half of one").to_string();
        assert!(said.contains("sign in again"), "{said}");
    }

    #[test]
    fn the_place_is_where_the_system_keeps_settings() {
        let of = |pairs: &'static [(&'static str, &'static str)]| {
            config_file(|name| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1.into()))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("HOME", "/home/a")]), Some("/home/a/.config/wfkit/competition.json".into()));
        assert_eq!(of(&[("HOME", "/home/a"), ("XDG_CONFIG_HOME", "/x")]), Some("/x/wfkit/competition.json".into()));
        assert_eq!(of(&[("WFKIT_COMPETITION_FILE", "/y.json"), ("HOME", "/h")]), Some("/y.json".into()));
    }
}
