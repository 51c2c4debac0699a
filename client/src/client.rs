//! What a team does.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::documents::{
    Account, Announcement, Board, MatchLine, Overall, Round, Submission, Target, TeamLine, TeamOfAccount, TokenLine,
};
use crate::http::Http;
use crate::{ClientError, SignIn};

/// A competition server, before anybody is signed in.
#[derive(Debug, Clone)]
pub struct Competition(Http);

/// What a sign-in answers.
#[derive(Deserialize)]
struct SignedIn {
    name: String,
    token: String,
}

impl Competition {
    /// The server at an address, which is not asked yet.
    ///
    /// # Errors
    /// An address that is none, and one that is not encrypted and not of this machine.
    pub fn at(server: &str) -> Result<Self, ClientError> {
        Http::new(server, None).map(Self)
    }

    /// The server that a link is of, as one comes by mail or from an organiser.
    ///
    /// # Errors
    /// Another link; as [`at`](Self::at).
    pub fn of_link(link: &str) -> Result<Self, ClientError> {
        let end = link.find("/welcome/").or_else(|| link.find("/confirm/"));
        Self::at(&link[..end.ok_or_else(|| ClientError::NotALink(link.to_owned()))?])
    }

    /// Makes an account and signs in; `code` is the invitation, where one is asked for.
    ///
    /// # Errors
    /// Fields that are wrong, all at once; registration that is closed; no connection.
    pub fn register(self, name: &str, email: &str, password: &str, code: Option<&str>) -> Result<Client, ClientError> {
        let newcomer = json!({
            "name": name,
            "email": email,
            "password": password,
            "code": code.unwrap_or_default(),
        });
        self.signed_in("/api/v1/register", &newcomer)
    }

    /// Signs in: the server makes a token for this machine, by which it is known from then on.
    ///
    /// # Errors
    /// A name without an account or a wrong password, without saying which; too many of them; no connection.
    pub fn sign_in(self, name: &str, password: &str) -> Result<Client, ClientError> {
        self.signed_in("/api/v1/sign-in", &json!({ "name": name, "password": password }))
    }

    /// Has a link that sets a new password sent to the address of an account, which is named by its name or address. What the server says
    /// to it, which is the same whether there is such an account or not.
    ///
    /// # Errors
    /// A server that sends no mail; too many of them; no connection.
    pub fn forgot(&self, who: &str) -> Result<String, ClientError> {
        self.0.post::<Reply>("/api/v1/forgot", &json!({ "who": who })).map(|told| told.told)
    }

    /// Sets a password by the link of such a mail, or by that of an organiser: the whole link, or the secret at its end.
    ///
    /// # Errors
    /// A link that was used or is too old, a password that is no good; no connection.
    pub fn set_password(&self, link: &str, password: &str) -> Result<String, ClientError> {
        let body = json!({ "secret": secret_of(link), "password": password });
        self.0.post::<Reply>("/api/v1/welcome", &body).map(|told| told.told)
    }

    /// Confirms an address by the link that went there, or the secret at its end.
    ///
    /// # Errors
    /// A link that was used or is too old; no connection.
    pub fn confirm(&self, link: &str) -> Result<String, ClientError> {
        self.0.post::<Reply>("/api/v1/confirm", &json!({ "secret": secret_of(link) })).map(|told| told.told)
    }

    /// What the organisers announced, newest first.
    ///
    /// # Errors
    /// No connection; an answer that cannot be understood.
    pub fn announcements(&self) -> Result<Vec<Announcement>, ClientError> {
        self.0.get("/api/v1/announcements")
    }

    fn signed_in(self, path: &str, body: &Value) -> Result<Client, ClientError> {
        let SignedIn { name, token } = self.0.post(path, body)?;
        Ok(Client { http: self.0.with_token(token), name })
    }
}

/// What was done, in the words of the server.
#[derive(Deserialize)]
struct Reply {
    told: String,
}

/// The end of a link, which is all that the server needs of it.
fn secret_of(link: &str) -> &str {
    let link = link.trim().trim_end_matches('/');
    link.rsplit('/').next().unwrap_or(link)
}

/// Whom an attack is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// All opponents, in one file.
    All,
    /// The team of this number.
    Team(i64),
}

/// A token that was just made.
#[derive(Deserialize)]
struct NewToken {
    token: String,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Client {
    http: Http,
    name: String,
}

impl Client {
    /// Whoever a sign-in is of; the server is not asked yet.
    ///
    /// # Errors
    /// As [`Competition::at`].
    pub fn of(sign_in: &SignIn) -> Result<Self, ClientError> {
        let http = Http::new(&sign_in.server, Some(sign_in.token.clone()))?;
        Ok(Self { http, name: sign_in.name.clone() })
    }

    /// What to keep for the next time.
    pub fn to_keep(&self) -> SignIn {
        let token = self.http.token().unwrap_or_default().to_owned();
        SignIn { server: self.http.server().to_owned(), name: self.name.clone(), token }
    }

    /// Has the server forget the token.
    ///
    /// # Errors
    /// As all that follow: what the server refuses, in its words; no connection; an answer that cannot be understood.
    pub fn sign_out(&self) -> Result<(), ClientError> {
        self.http.post::<Value>("/api/v1/sign-out", &json!({})).map(drop)
    }

    /// The account and its team.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn account(&self) -> Result<Account, ClientError> {
        self.http.get("/api/v1/me")
    }

    /// Changes the password. All sessions and tokens of the account end; this client goes on with a new one, which is to be kept.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn change_password(self, old: &str, new: &str) -> Result<Self, ClientError> {
        let SignedIn { name, token } = self.http.post("/api/v1/password", &json!({ "old": old, "password": new }))?;
        Ok(Self { http: self.http.with_token(token), name })
    }

    /// Has the link that confirms the address of the account sent again.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn confirm_again(&self) -> Result<String, ClientError> {
        self.http.post::<Reply>("/api/v1/confirm-again", &json!({})).map(|told| told.told)
    }

    /// The tokens of the account; this client has one of them.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn tokens(&self) -> Result<Vec<TokenLine>, ClientError> {
        self.http.get("/api/v1/tokens")
    }

    /// Makes a token for another program: the secret, which nothing shows again.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn new_token(&self, label: &str) -> Result<String, ClientError> {
        self.http.post::<NewToken>("/api/v1/tokens", &json!({ "label": label })).map(|made| made.token)
    }

    /// Has a token no longer work.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn revoke_token(&self, id: &str) -> Result<String, ClientError> {
        let path = format!("/api/v1/tokens/{}/revoke", plain(id)?);
        self.http.post::<Reply>(&path, &json!({})).map(|told| told.told)
    }

    /// All teams.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn teams(&self) -> Result<Vec<TeamLine>, ClientError> {
        self.http.get("/api/v1/teams")
    }

    /// The own team, with the code that lets others in.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn team(&self) -> Result<TeamOfAccount, ClientError> {
        self.http.get("/api/v1/team")
    }

    /// Makes a team, with the account in it.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn create_team(&self, name: &str) -> Result<TeamOfAccount, ClientError> {
        self.http.post("/api/v1/team/create", &json!({ "name": name }))
    }

    /// Joins the team of a code.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn join_team(&self, code: &str) -> Result<TeamOfAccount, ClientError> {
        self.http.post("/api/v1/team/join", &json!({ "code": code }))
    }

    /// Leaves the team.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn leave_team(&self) -> Result<(), ClientError> {
        self.http.post::<Value>("/api/v1/team/leave", &json!({})).map(drop)
    }

    /// Gives the team another code; the old one no longer works.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn renew_code(&self) -> Result<TeamOfAccount, ClientError> {
        self.http.post("/api/v1/team/code", &json!({}))
    }

    /// All rounds.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn rounds(&self) -> Result<Vec<Round>, ClientError> {
        self.http.get("/api/v1/rounds")
    }

    /// One of them, with the uploads that are left.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn round(&self, number: i64) -> Result<Round, ClientError> {
        self.http.get(&format!("/api/v1/rounds/{number}"))
    }

    /// Uploads a defence. `sent` hears how many bytes of the file have gone. The same file again is the submission that it already
    /// is.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out), and a file that cannot be read.
    pub fn defend(&self, round: i64, file: &Path, sent: &mut dyn FnMut(u64)) -> Result<Submission, ClientError> {
        self.http.upload(&format!("/api/v1/rounds/{round}/defences"), file, sent)
    }

    /// Has the server run a defence, such as `front:ft-1`, on undefended traffic, where the round takes specifications.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn defend_by(&self, round: i64, specification: &str) -> Result<Submission, ClientError> {
        self.http.post(&format!("/api/v1/rounds/{round}/specifications"), &json!({ "specification": specification }))
    }

    /// Has the laboratory of the server record a defence of SecretStroll, in TOML, where the round takes them.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn defend_live(&self, round: i64, defence: &str) -> Result<Submission, ClientError> {
        self.http.post(&format!("/api/v1/rounds/{round}/recordings"), &json!({ "recording": defence }))
    }

    /// Uploads an attack, as [`defend`](Self::defend) a defence.
    ///
    /// # Errors
    /// As [`defend`](Self::defend).
    pub fn attack(
        &self,
        round: i64,
        against: Against,
        file: &Path,
        sent: &mut dyn FnMut(u64),
    ) -> Result<Submission, ClientError> {
        let query = match against {
            Against::All => String::new(),
            Against::Team(number) => format!("?team={number}"),
        };
        self.http.upload(&format!("/api/v1/rounds/{round}/attacks{query}"), file, sent)
    }

    /// The submissions of the team, newest first.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn submissions(&self) -> Result<Vec<Submission>, ClientError> {
        self.http.get_all("/api/v1/submissions?limit=200")
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn submission(&self, id: &str) -> Result<Submission, ClientError> {
        self.http.get(&format!("/api/v1/submissions/{}", plain(id)?))
    }

    /// Asks every second until a submission is checked; `waiting` hears how it stands each time.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn wait_for(
        &self,
        mut submission: Submission,
        waiting: &mut dyn FnMut(&Submission),
    ) -> Result<Submission, ClientError> {
        while submission.is_open() {
            waiting(&submission);
            std::thread::sleep(Duration::from_secs(1));
            submission = self.submission(&submission.id)?;
        }
        Ok(submission)
    }

    /// Has an earlier defence be the one that counts, or an earlier attack where the round leaves that to teams.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn choose(&self, id: &str) -> Result<Submission, ClientError> {
        self.http.post(&format!("/api/v1/submissions/{}/choose", plain(id)?), &json!({}))
    }

    /// The teams to attack.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn targets(&self, round: i64) -> Result<Vec<Target>, ClientError> {
        self.http.get(&format!("/api/v1/rounds/{round}/targets"))
    }

    /// Downloads what a team is attacked by to `folder`, which is made: `team_N_train.csv.zip` and `team_N_test.csv.zip`. The files.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out), and a folder that cannot be written to.
    pub fn download_target(&self, target: &Target, folder: &Path) -> Result<[PathBuf; 2], ClientError> {
        std::fs::create_dir_all(folder).map_err(ClientError::file(folder))?;
        let file = |part: &str| folder.join(format!("team_{}_{part}.csv.zip", target.team_id));
        let files = [file("train"), file("test")];
        for (path, file) in [&target.train, &target.test].into_iter().zip(&files) {
            // A path of this server, and no other place.
            if !path.starts_with("/api/v1/") {
                return Err(ClientError::Foreign(path.clone()));
            }
            self.http.download(path, file)?;
        }
        Ok(files)
    }

    /// Downloads what every team of a round is attacked by; see [`download_target`](Self::download_target).
    ///
    /// # Errors
    /// As there.
    pub fn download_targets(&self, round: i64, folder: &Path) -> Result<Vec<(Target, [PathBuf; 2])>, ClientError> {
        let targets = self.targets(round)?.into_iter();
        targets.map(|target| self.download_target(&target, folder).map(|files| (target, files))).collect()
    }

    /// Downloads the file of a submission.
    ///
    /// # Errors
    /// As [`download_target`](Self::download_target).
    pub fn download_submission(&self, id: &str, file: &Path) -> Result<(), ClientError> {
        self.http.download(&format!("/api/v1/submissions/{}/file", plain(id)?), file)
    }

    /// The board of a round, as the account may see it.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn board(&self, round: i64) -> Result<Board, ClientError> {
        self.http.get(&format!("/api/v1/rounds/{round}/leaderboard"))
    }

    /// The matches of a round: how each stands, and the score that counts, as the account may see it.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn matches(&self, round: i64) -> Result<Vec<MatchLine>, ClientError> {
        self.http.get_all(&format!("/api/v1/rounds/{round}/matches?limit=200"))
    }

    /// Who did how well against whom, as the account may see it.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn matrix(&self, round: i64) -> Result<Value, ClientError> {
        self.http.get(&format!("/api/v1/rounds/{round}/matrix"))
    }

    /// The board over all rounds.
    ///
    /// # Errors
    /// As [`sign_out`](Self::sign_out).
    pub fn overall(&self) -> Result<Overall, ClientError> {
        self.http.get("/api/v1/leaderboard")
    }
}

/// An id is letters and digits: nothing else gets into a path.
fn plain(id: &str) -> Result<&str, ClientError> {
    let plain = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { Ok(id) } else { Err(ClientError::NotAnId(id.to_owned())) }
}
