//! The trace, or the class, that somebody means.

use wfkit_metrics::{ClassMap, did_you_mean_one_of};

use crate::{TraceKey, TraceSet, canonical_class};

/// Which trace of a set is meant, at most one way; the first where nothing is said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Picked<'a> {
    /// `CLASS:REP` or `CLASS:REP:SESSION`.
    pub trace: Option<&'a str>,
    /// Its number, from 1.
    pub row: Option<u32>,
    /// The first of this class.
    pub class: Option<&'a str>,
}

/// What is meant is not there, with what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotThere(pub(crate) String);

/// The number of a class, however its name is written; `whose` classes they are is for the error.
///
/// # Errors
/// No such class.
pub fn class_called(name: &str, classes: &ClassMap, whose: &str) -> Result<usize, NotThere> {
    let names = classes.names().iter().map(String::as_str);
    let of = |name: &str| classes.index_of(name);
    of(&canonical_class(name)).ok_or_else(|| {
        let (meant, some) = (did_you_mean_one_of(name, names.clone()), names.clone().take(8).collect::<Vec<_>>());
        let more = if classes.len() > some.len() { ", ..." } else { "" };
        NotThere(format!("class {name}: {whose} has no such class{meant}; it has {}{more}", some.join(", ")))
    })
}

/// That every class that is named is there: a name that is not may be a slip of the pen.
///
/// # Errors
/// The first that is not.
pub fn check_classes(there: &ClassMap, named: &[String]) -> Result<(), NotThere> {
    match named.iter().find(|name| there.index_of(name).is_none()) {
        None => Ok(()),
        Some(first) => {
            let meant = did_you_mean_one_of(first, there.names().iter().map(String::as_str));
            let listed = "wfkit dataset info lists those that are there";
            Err(NotThere(format!("there is no class `{first}`{meant}; {listed}")))
        }
    }
}

impl Picked<'_> {
    /// Its row in `set`, which is called so in errors.
    ///
    /// # Errors
    /// There is none, or several are called so.
    pub fn of(&self, set: &TraceSet, called: &str) -> Result<usize, NotThere> {
        match (self.trace, self.row, self.class) {
            (Some(text), _, _) => {
                let row = by_name(text, set);
                row.map_err(|NotThere(reason)| NotThere(format!("--trace {text}: not in {called}: {reason}")))
            }
            (None, Some(number), _) => match number as usize {
                row if (1..=set.len()).contains(&row) => Ok(row - 1),
                _ => Err(NotThere(format!("--row {number}: {called} has {} traces, numbered from 1", set.len()))),
            },
            (None, None, Some(class)) => {
                let wanted = canonical_class(class);
                let row = set.traces().iter().position(|labelled| labelled.key.class == wanted);
                let absent =
                    || format!("--class {class}: {called} has no trace of it; name a trace by --trace or --row");
                row.ok_or_else(|| NotThere(absent()))
            }
            (None, None, None) => Ok(0),
        }
    }
}

/// The row of `CLASS:REP` or `CLASS:REP:SESSION`; classes and sessions may have colons in them.
fn by_name(text: &str, set: &TraceSet) -> Result<usize, NotThere> {
    let key = |row: usize| &set.traces()[row].key;
    let rows: Vec<usize> = (0..set.len()).filter(|&row| is_called(key(row), text)).collect();
    match rows.as_slice() {
        [row] => return Ok(*row),
        [] => {}
        // One without a session has no longer name.
        several => match several.iter().find(|&&row| key(row).session.is_none()) {
            Some(&row) => return Ok(row),
            None => {
                let names: Vec<String> = several
                    .iter()
                    .take(5)
                    .filter_map(|&row| Some(format!("{text}:{}", key(row).session.as_ref()?)))
                    .collect();
                return Err(NotThere(format!(
                    "{} sessions have it; say which: {} ..",
                    several.len(),
                    names.join(", ")
                )));
            }
        },
    }
    let called = || NotThere("a trace is called CLASS:REP or CLASS:REP:SESSION".to_owned());
    let (class, rest) = text.split_once(':').ok_or_else(called)?;
    class_called(class, &set.classes(), "the file")?;
    let of_class = set.traces().iter().map(|labelled| &labelled.key).filter(|key| key.class == canonical_class(class));
    let name = |key: &TraceKey| match &key.session {
        Some(session) => format!("{}:{}:{session}", key.class, key.rep),
        None => format!("{}:{}", key.class, key.rep),
    };
    let names: Vec<String> = of_class.map(name).collect();
    let such = names[..names.len().min(3)].join(", ");
    Err(NotThere(format!("class {class} has no trace {rest}, but {} such as {such}", names.len())))
}

fn is_called(key: &TraceKey, text: &str) -> bool {
    text.match_indices(':').any(|(colon, _)| {
        let (class, rest) = (&text[..colon], &text[colon + 1..]);
        let (rep, session) = rest.split_once(':').map_or((rest, None), |(rep, session)| (rep, Some(session)));
        key.class == canonical_class(class)
            && rep.parse() == Ok(key.rep)
            && session.is_none_or(|session| key.session.as_deref() == Some(session))
    })
}
