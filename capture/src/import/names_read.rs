//! How file names were read, and what to say where a part of a class looks like the session.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::LazyLock;

use regex::Regex;
use wfkit_datasets::TraceKey;

use crate::LabelPattern;

/// Names that are shown.
const SHOWN: usize = 3;

/// What stands between the parts of a name.
const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];

/// Parts of names that are a time or a session by themselves.
static SESSIONS: LazyLock<Regex> = LazyLock::new(|| {
    let words = [
        "[0-9]{1,2}(?:h|hrs?|am|pm)",
        "(?:day|night|week|month|hour|session|sess|ses|run|round|batch|trial|attempt|iteration|iter|crawl|slot|visit|try)[0-9]+",
        "morning|noon|afternoon|evening|night|midnight",
        "mon(?:day)?|tue(?:s|sday)?|wed(?:nesday)?|thu(?:rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?",
        "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t|tember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?",
        "(?:19|20)[0-9]{2}",
    ];
    Regex::new(&format!("^(?i:{})$", words.join("|"))).expect("its parts are above")
});

/// Parts that may be one, if every class has each of them.
static MAYBE_SESSIONS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("^(?i:[dhrstw][0-9]{1,2})$").expect("it is a regular expression"));

/// A name and its label: `news_3.pcap -> class news, rep 3`.
pub(crate) fn reading(name: &str, key: &TraceKey) -> String {
    let session = key.session.as_ref().map(|session| format!(", session {session}")).unwrap_or_default();
    format!("{name} -> class {}, rep {}{session}", key.class, key.rep)
}

/// The first names of each shape, such as letters, a separator and digits; some shapes.
pub(crate) fn examples<'a>(labelled: impl Iterator<Item = (&'a str, &'a TraceKey)>) -> Vec<String> {
    let mut shapes = HashSet::new();
    labelled.filter(|(name, _)| shapes.insert(shape(name))).take(SHOWN).map(|(name, key)| reading(name, key)).collect()
}

/// With one letter for letters and one digit for digits that follow each other.
fn shape(name: &str) -> String {
    let mut shape = String::new();
    for c in name.chars() {
        let kind = match c {
            c if c.is_ascii_digit() => '0',
            c if c.is_alphanumeric() => 'a',
            c => c,
        };
        if !shape.ends_with(kind) || !kind.is_alphanumeric() {
            shape.push(kind);
        }
    }
    shape
}

/// What to say where classes, read from names, look as if a session were part of them, or all there is to them.
pub(crate) fn doubt(labelled: &[(&str, &TraceKey)]) -> Option<String> {
    let classes: BTreeSet<&str> = labelled.iter().map(|(_, key)| key.class.as_str()).collect();
    parts_of_classes(&classes, &SESSIONS, false)
        .or_else(|| parts_of_classes(&classes, &MAYBE_SESSIONS, true))
        .map(|found| found.doubt(labelled, classes.len()))
}

/// Classes that have a part which looks like a session.
struct Sessions<'a> {
    /// What looks so, and how often; by the rest of the class, which is empty where there is no more to it.
    by_rest: BTreeMap<String, BTreeSet<&'a str>>,
    /// The classes that are so, each in what is before the session, the session, and what is after.
    classes: Vec<(&'a str, &'a str, &'a str)>,
}

/// The part that looks like a session in at least half of the classes, where without it there are fewer classes; with `crossed` where every class
/// has each of them.
fn parts_of_classes<'a>(classes: &BTreeSet<&'a str>, session: &Regex, crossed: bool) -> Option<Sessions<'a>> {
    let found: Vec<_> = classes.iter().filter_map(|class| split_at(class, session)).collect();
    let mut by_rest: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (before, session, after) in &found {
        by_rest.entry(format!("{before}\0{after}")).or_default().insert(session);
    }
    let all: BTreeSet<&str> = found.iter().map(|(_, session, _)| *session).collect();
    let has_several = by_rest.values().filter(|sessions| sessions.len() > 1).count();
    let is_crossed = by_rest.len() > 1 && by_rest.values().all(|sessions| sessions.len() == all.len());
    let is_doubtful = match crossed {
        true => is_crossed,
        false => has_several * 2 >= by_rest.len(),
    };
    // Where there is nothing but sessions, one class that is none says that the others are classes, too.
    let is_bare = by_rest.keys().any(|rest| rest == "\0");
    let enough = if is_bare { found.len() == classes.len() } else { found.len() * 2 >= classes.len() };
    (all.len() > 1 && enough && is_doubtful).then_some(Sessions { by_rest, classes: found })
}

/// What is before the first part that is a session, that part, and what is after, each without separators at its ends.
fn split_at<'a>(class: &'a str, session: &Regex) -> Option<(&'a str, &'a str, &'a str)> {
    let mut start = 0;
    for part in class.split(SEPARATORS) {
        if session.is_match(part) {
            let before = class[..start].trim_end_matches(SEPARATORS);
            let after = class[start + part.len()..].trim_start_matches(SEPARATORS);
            return Some((before, part, after));
        }
        start += part.len() + 1;
    }
    None
}

impl Sessions<'_> {
    fn doubt(&self, labelled: &[(&str, &TraceKey)], classes: usize) -> String {
        let sessions: BTreeSet<&str> = self.classes.iter().map(|(_, session, _)| *session).collect();
        let some: Vec<String> = sessions.iter().take(SHOWN).map(|session| format!("`{session}`")).collect();
        let more = if sessions.len() > SHOWN { " .." } else { "" };
        let looks = match self.by_rest.len() {
            1 if self.by_rest.contains_key("\0") => {
                format!(
                    "the classes look like times or sessions ({}{more}), not like what was visited",
                    some.join(", ")
                )
            }
            rests => format!(
                "{} of {classes} classes have a part that looks like a time or a session ({}{more}); without it there are {rests}",
                self.classes.len(),
                some.join(", ")
            ),
        };
        let patterns = self.patterns(&sessions);
        let fix = patterns.into_iter().find_map(|pattern| {
            let example = fits(&pattern, labelled)?;
            Some(format!("if so, say --label '{pattern}': {example}"))
        });
        format!(
            "{looks}; {}",
            fix.unwrap_or_else(|| "if so, say what is what with --label folders or --labels CSV".to_owned())
        )
    }

    /// Label patterns that make a session of it, the likelier first.
    fn patterns(&self, sessions: &BTreeSet<&str>) -> Vec<String> {
        let session = alternatives(sessions);
        let same = |part: fn(&(&str, &str, &str)) -> String| {
            let all: BTreeSet<String> = self.classes.iter().map(part).collect();
            (all.len() == 1).then(|| all.into_iter().next().unwrap_or_default())
        };
        let before = same(|(before, ..)| (*before).to_owned());
        let after = same(|(.., after)| (*after).to_owned());
        let rep = r"[_-](?:rep_)?(?<rep>[0-9]+)\.";
        let quoted =
            |text: &str| if text.is_empty() { String::new() } else { format!("{}[_. -]", regex::escape(text)) };
        match (before, after) {
            // Nothing but the session: the number behind it may be the class, or the folder around it.
            (Some(before), Some(after)) if before.is_empty() && after.is_empty() => vec![
                format!("(?:^|/)(?<class>[^/]+)/(?<session>{session})/"),
                format!("(?:^|/)(?<session>{session})/(?<class>[^/]+?){rep}"),
                format!(r"(?:^|/)(?<session>{session})[_. -](?<class>[^/]+?)\."),
            ],
            (Some(before), _) => {
                vec![format!("(?:^|/){}(?<session>{session})[_. -](?<class>[^/]+?){rep}", quoted(&before))]
            }
            (None, Some(after)) => {
                let after = if after.is_empty() { String::new() } else { format!("[_. -]{}", regex::escape(&after)) };
                vec![format!("(?:^|/)(?<class>[^/]+?)[_. -](?<session>{session}){after}{rep}")]
            }
            (None, None) => Vec::new(),
        }
    }
}

/// A pattern for all of these: their digits may be others.
fn alternatives(sessions: &BTreeSet<&str>) -> String {
    static DIGITS: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9]+").expect("it is a regular expression"));
    let patterns: BTreeSet<String> =
        sessions.iter().map(|session| DIGITS.replace_all(session, "[0-9]+").into_owned()).collect();
    patterns.into_iter().collect::<Vec<_>>().join("|")
}

/// How the first name reads by `pattern`, if it labels all of them, no two alike, with several classes.
fn fits(pattern: &str, labelled: &[(&str, &TraceKey)]) -> Option<String> {
    let pattern: LabelPattern = pattern.parse().ok()?;
    let (mut keys, mut classes, mut first) = (HashSet::new(), HashSet::new(), None);
    for (at, (name, _)) in labelled.iter().enumerate() {
        let label = pattern.label(name).ok()?;
        let rep = label.rep.unwrap_or(at as i64);
        let key = TraceKey { class: label.class, rep, session: label.session };
        classes.insert(key.class.clone());
        if first.is_none() {
            let shown = match label.rep {
                Some(_) => reading(name, &key),
                None => reading(name, &TraceKey { rep: 0, ..key.clone() }),
            };
            first = Some(shown);
        }
        if !keys.insert((key.class, key.rep, key.session)) {
            return None;
        }
    }
    first.filter(|_| classes.len() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names as the default pattern or, with folders alone, the folders label them.
    fn doubt_of(names: &[&str]) -> Option<String> {
        let pattern = LabelPattern::default();
        let key = |name: &&str| {
            let (class, rep) = match pattern.label(name) {
                Ok(label) => (label.class, label.rep.unwrap()),
                Err(_) => (name.rsplit('/').nth(1).unwrap().to_owned(), 0),
            };
            TraceKey { class, rep, session: None }
        };
        let keys: Vec<TraceKey> = names.iter().map(key).collect();
        let labelled: Vec<(&str, &TraceKey)> = names.iter().copied().zip(&keys).collect();
        doubt(&labelled)
    }

    #[test]
    fn sessions_in_names_are_seen_and_the_pattern_fits() {
        for (names, says) in [
            (
                ["visit_12h_shop_3.pcap", "visit_12h_news_3.pcap", "visit_13h_shop_3.pcap", "visit_13h_news_3.pcap"],
                r"4 of 4 classes have a part that looks like a time or a session (`12h`, `13h`); without it there are 2; if so, say --label '(?:^|/)visit[_. -](?<session>[0-9]+h)[_. -](?<class>[^/]+?)[_-](?:rep_)?(?<rep>[0-9]+)\.': visit_12h_shop_3.pcap -> class shop, rep 3, session 12h",
            ),
            (
                ["shop_monday_1.pcap", "shop_friday_1.pcap", "a.org_monday_1.pcap", "a.org_friday_1.pcap"],
                "class shop, rep 1, session monday",
            ),
            (["day1-a_1.pcap", "day2-a_1.pcap", "day1-b_1.pcap", "day2-b_1.pcap"], "class a, rep 1, session day1"),
            (["a_s1_1.pcap", "a_s2_1.pcap", "b_s1_1.pcap", "b_s2_1.pcap"], "class a, rep 1, session s1"),
            // The number is the class.
            (["12h_1.pcap", "12h_2.pcap", "13h_1.pcap", "13h_2.pcap"], "class 1, rep 0, session 12h"),
            // By folders.
            (
                ["shop/mon/x.pcap", "shop/tue/x.pcap", "news/mon/x.pcap", "news/tue/x.pcap"],
                "class shop, rep 0, session mon",
            ),
        ] {
            let doubt = doubt_of(&names).unwrap_or_else(|| panic!("{names:?}"));
            assert!(doubt.contains(says), "{doubt}");
        }
    }

    #[test]
    fn classes_that_are_none_stay() {
        for names in [
            // Sessions that are one class each, and classes that happen to look so.
            ["monday.com_1.pcap", "sunday-times_1.pcap", "a_1.pcap", "b_1.pcap"],
            ["may_1.pcap", "june_1.pcap", "anna_1.pcap", "berta_1.pcap"],
            ["a_s1_1.pcap", "b_s2_1.pcap", "c_s3_1.pcap", "d_s4_1.pcap"],
            ["cell_1_rep_1.pcap", "cell_2_rep_1.pcap", "cell_1_rep_2.pcap", "cell_2_rep_2.pcap"],
            ["site1_1.pcap", "site2_1.pcap", "site3_1.pcap", "site4_1.pcap"],
        ] {
            assert_eq!(doubt_of(&names), None, "{names:?}");
        }
    }

    #[test]
    fn names_of_each_shape_are_shown() {
        let key = TraceKey { class: "a".to_owned(), rep: 1, session: Some("x".to_owned()) };
        let names = ["a_1.pcap", "b_22.pcap", "a-1.pcap", "c/a_1.pcap", "a_1.cap.gz"];
        let shown = examples(names.iter().map(|name| (*name, &key)));
        assert_eq!(shown[0], "a_1.pcap -> class a, rep 1, session x");
        assert_eq!(shown.len(), 3);
    }
}
