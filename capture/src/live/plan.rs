//! What is collected: a plan in TOML.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::Deserialize;
use thiserror::Error;
use wfkit_metrics::seed::mix;

use super::filter::Filter;

/// Which commands are run, and how each is recorded. All keys but the first three have defaults.
///
/// ```toml
/// interface = "eth0"
/// # No shell; {class} and {rep} are replaced.
/// command = ["curl", "--silent", "--output", "/dev/null", "--socks5-hostname", "127.0.0.1:9050", "http://example.org/{class}"]
/// classes = ["about", "contact"]   # or classes_file = "classes.txt", one a line
/// reps = 20                        # default 1: reps 0 to 19 of each class
/// session = "monday"               # default none
/// filter = "tcp port 9001"         # default: everything
/// snap_len = 96                    # default 0: whole packets
/// quiet_time = "2s"                # default 1s
/// timeout = "90s"                  # default 60s
/// retries = 2                      # default 1
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Where packets are recorded.
    pub interface: String,
    /// Program and arguments; in each, `{class}` and `{rep}` are replaced.
    pub command: Vec<String>,
    /// The classes, without duplicates.
    pub classes: Vec<String>,
    /// Repetitions of each class, from 0.
    pub reps: u32,
    /// What all queries of the plan belong to.
    pub session: Option<String>,
    /// Which packets are recorded.
    pub filter: Filter,
    /// Bytes of a frame that are recorded at most; 0 is all.
    pub snap_len: u32,
    /// A query starts after so long without a packet, and ends after so long without one once its command has ended.
    pub quiet_time: Duration,
    /// A query that is not over after so long has failed.
    pub timeout: Duration,
    /// How often a failed query is tried again.
    pub retries: u32,
}

/// Why a plan cannot be used.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The plan, or its file of classes.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is no TOML, or a key is missing, unknown or of another type.
    #[error("{}: {}{problem}", path.display(), place(*line, text))]
    Toml {
        /// The plan.
        path: PathBuf,
        /// The line, where one can be named.
        line: Option<usize>,
        /// What stands in it.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// A value makes no sense.
    #[error("{}: {key} = {value}: {problem}", path.display())]
    Value {
        /// The plan.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong.
        problem: String,
    },
}

fn place(line: Option<usize>, text: &str) -> String {
    line.map_or_else(String::new, |line| format!("line {line} (`{text}`): "))
}

/// One query: a class and which repetition of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Query {
    /// The class.
    pub class: String,
    /// Which repetition.
    pub rep: u32,
    /// What it was collected with.
    pub session: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    interface: String,
    command: Vec<String>,
    classes: Option<Vec<String>>,
    classes_file: Option<PathBuf>,
    reps: Option<u32>,
    session: Option<String>,
    filter: Option<String>,
    snap_len: Option<u32>,
    quiet_time: Option<String>,
    timeout: Option<String>,
    retries: Option<u32>,
}

impl Plan {
    /// Reads and checks a plan. A `classes_file` is relative to the folder of the plan.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, or with the key and the value that is wrong.
    pub fn read(path: &Path) -> Result<Self, PlanError> {
        let read =
            |path: &Path| fs::read_to_string(path).map_err(|source| PlanError::Read { path: path.to_owned(), source });
        let text = read(path)?;
        let written: Written = toml::from_str(&text).map_err(|error| toml_error(path, &text, &error))?;
        let refused = |key, value: &str, problem: &str| PlanError::Value {
            path: path.to_owned(),
            key,
            value: value.to_owned(),
            problem: problem.to_owned(),
        };
        let classes = match (written.classes, &written.classes_file) {
            (Some(classes), None) => classes,
            (None, Some(file)) => {
                let text = read(&path.parent().unwrap_or(Path::new("")).join(file))?;
                text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
            }
            (Some(_), Some(file)) => {
                let file = file.display().to_string();
                return Err(refused("classes_file", &file, "there is also `classes`: one of them"));
            }
            (None, None) => return Err(refused("classes", "nothing", "`classes` or `classes_file` is needed")),
        };
        if classes.is_empty() {
            return Err(refused("classes", "[]", "no class"));
        }
        let mut sorted = classes.clone();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(refused("classes", &pair[0], "is there twice"));
        }
        if let Some(class) = classes.iter().find(|class| !is_label(class)) {
            return Err(refused("classes", &format!("`{class}`"), NO_LABEL));
        }
        if let Some(session) = written.session.as_ref().filter(|session| !is_label(session)) {
            return Err(refused("session", &format!("`{session}`"), NO_LABEL));
        }
        if written.command.first().is_none_or(String::is_empty) {
            return Err(refused("command", "[]", "no program"));
        }
        if classes.len() > 1 && !written.command.iter().any(|word| word.contains("{class}")) {
            let command = written.command.join(" ");
            return Err(refused("command", &command, "{class} is not in it: every class would be the same"));
        }
        let duration = |key, text: Option<String>, default| match text {
            None => Ok(default),
            Some(text) => parse_duration(&text)
                .filter(|duration| !duration.is_zero())
                .ok_or_else(|| refused(key, &text, "is no duration such as 2s or 500ms")),
        };
        let quiet_time = duration("quiet_time", written.quiet_time, Duration::from_secs(1))?;
        let timeout = duration("timeout", written.timeout, Duration::from_secs(60))?;
        if timeout <= quiet_time {
            return Err(refused("timeout", &format!("{timeout:?}"), "no longer than the quiet time"));
        }
        let filter: Filter = match written.filter {
            None => Filter::default(),
            Some(text) => text
                .parse()
                .map_err(|error: super::FilterError| refused("filter", &format!("`{text}`"), &error.problem))?,
        };
        let reps = written.reps.unwrap_or(1);
        if reps == 0 {
            return Err(refused("reps", "0", "nothing to collect"));
        }
        Ok(Self {
            interface: written.interface,
            command: written.command,
            classes,
            reps,
            session: written.session,
            filter,
            snap_len: written.snap_len.unwrap_or(0),
            quiet_time,
            timeout,
            retries: written.retries.unwrap_or(1),
        })
    }

    /// All queries: rep 0 of every class in shuffled order, then rep 1 in another, and so on. So classes are spread
    /// evenly over the time of collecting, wherever that ends.
    pub fn queries(&self, seed: u64) -> Vec<Query> {
        let round = |rep: u32| {
            let of = |class: &String| Query { class: class.clone(), rep, session: self.session.clone() };
            let mut round: Vec<Query> = self.classes.iter().map(of).collect();
            round.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(seed, rep.into())));
            round
        };
        (0..self.reps).flat_map(round).collect()
    }

    /// Program and arguments for one query.
    pub fn command_of(&self, query: &Query) -> Vec<String> {
        let rep = query.rep.to_string();
        // `{rep}` first: a class may hold any text, also this.
        self.command.iter().map(|word| word.replace("{rep}", &rep).replace("{class}", &query.class)).collect()
    }
}

impl Query {
    /// The file of its capture, relative to the folder of the collection: `SESSION/CLASS_rep_REP.pcapng`. Bytes that do not
    /// belong into file names are written as `%XX`.
    pub fn file(&self) -> PathBuf {
        let name = format!("{}_rep_{}.pcapng", escaped(&self.class), self.rep);
        Path::new("captures").join(self.session.as_deref().map(escaped).unwrap_or_default()).join(name)
    }
}

const NO_LABEL: &str = "a name has 1 to 60 bytes, no line ends and no spaces around it";

fn is_label(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.trim() == text && !text.contains(['\n', '\r', '\0'])
}

/// Different texts stay different.
fn escaped(text: &str) -> String {
    let escape = |(at, byte): (usize, u8)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => char::from(byte).to_string(),
        b'.' if at > 0 => ".".to_owned(), // No hidden file, and no `..`.
        _ => format!("%{byte:02X}"),
    };
    text.bytes().enumerate().map(escape).collect()
}

/// A duration such as `2s`, `500ms` or `1m 30s`; `None` for other text.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let duration: jiff::SignedDuration = text.parse().ok()?;
    Duration::try_from(duration).ok()
}

fn toml_error(path: &Path, text: &str, error: &toml::de::Error) -> PlanError {
    let at = error.span().map(|span| span.start.min(text.len())).filter(|&at| at > 0);
    let line = at.map(|at| text.bytes().take(at).filter(|&byte| byte == b'\n').count());
    let shown = line.and_then(|line| text.lines().nth(line)).unwrap_or_default().trim().to_owned();
    PlanError::Toml {
        path: path.to_owned(),
        line: line.map(|line| line + 1),
        text: shown,
        problem: error.message().replace('\n', ", "),
    }
}

/// What a plan says and what comes of it, for people.
pub const PLANS_EXPLAINED: &str = "\
A plan, here for pages through Tor (all keys but the first four may be left out):
  interface = \"eth0\"
  command = [\"curl\", \"--silent\", \"--show-error\", \"--output\", \"/dev/null\",
             \"--socks5-hostname\", \"127.0.0.1:9050\", \"http://example.org/{class}\"]
  classes = [\"about\", \"contact\"]   # or classes_file = \"classes.txt\", one a line
  reps = 20
  session = \"monday\"
  filter = \"tcp and host 192.0.2.7\"   # the guard; `wfkit capture live --help` tells the language
  snap_len = 0           # bytes of a packet to record at most; 0 is all
  quiet_time = \"2s\"     # a query starts and ends with so long without a packet
  timeout = \"60s\"       # one that takes longer has failed
  retries = 1            # how often a failed query is tried again

The command runs without a shell, with {class} and {rep} replaced in its arguments. It has to end by itself, with
status 0. Rep 0 of every class comes first, in an order shuffled by --seed, then rep 1, and so on.

The folder gets captures/, manifest.csv, and failures.csv with every failed try. The same command goes on after an
interruption; then: wfkit capture import DIR --out traces.parquet
Recording needs Linux and CAP_NET_RAW, as `wfkit capture live --help` says.";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan.toml");
        fs::write(&path, text).unwrap();
        Plan::read(&path).map_err(|error| error.to_string())
    }

    const LEAST: &str = "interface = 'lo'\ncommand = ['get', '{class}/{rep}']\nclasses = ['a', 'b', 'c']\n";

    #[test]
    fn an_error_names_key_and_value() {
        let cases = [
            ("reps = 'many'", "line 4 (`reps = 'many'`): invalid type"),
            ("rep = 3", "unknown field `rep`"),
            ("reps = 0", "reps = 0: nothing"),
            ("quiet_time = '2 apples'", "quiet_time = 2 apples: is no duration"),
            ("timeout = '1s'", "timeout = 1s: no longer than"),
            ("filter = 'tcp prt 1'", "filter = `tcp prt 1`: `prt` where"),
            ("session = ' x'", "session = ` x`: a name has"),
        ];
        for (line, expected) in cases {
            let error = read(&format!("{LEAST}{line}\n")).unwrap_err();
            assert!(error.contains(expected) && error.contains("plan.toml: "), "{error}");
        }
        assert!(read("classes = ['a']").unwrap_err().contains("missing field `interface`"));
        assert!(read(&LEAST.replace("'b'", "'a'")).unwrap_err().contains("classes = a: is there twice"));
        assert!(read(&LEAST.replace("{class}", "x")).unwrap_err().contains("{class} is not in it"));
    }

    #[test]
    fn every_round_has_every_class_in_an_order_of_its_own() {
        let plan = read(&format!("{LEAST}reps = 50")).unwrap();
        let queries = plan.queries(1);
        assert_eq!(queries, plan.queries(1));
        assert_ne!(queries, plan.queries(2));
        let mut orders: Vec<Vec<&str>> =
            queries.chunks(3).map(|round| round.iter().map(|query| query.class.as_str()).collect()).collect();
        orders.sort();
        orders.dedup();
        assert_eq!(orders.len(), 6, "each order of three classes");
        assert!(queries.chunks(3).zip(0..).all(|(round, rep)| round.iter().all(|query| query.rep == rep)));
    }

    #[test]
    fn classes_stay_apart_as_files() {
        let file = |class: &str, session: Option<&str>| {
            let query = Query { class: class.to_owned(), rep: 3, session: session.map(str::to_owned) };
            query.file().display().to_string()
        };
        assert_eq!(file("example.org", None), "captures/example.org_rep_3.pcapng");
        assert_eq!(file("a/b c", Some("..")), "captures/%2E./a%2Fb%20c_rep_3.pcapng");
        assert_ne!(file("a/b", None), file("a%2Fb", None));
    }
}
