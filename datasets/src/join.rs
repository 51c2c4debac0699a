//! Rows of two tables that are about the same traces.

use std::collections::HashMap;

use crate::TraceKey;

/// Where the traces of one table are in another.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Joined {
    /// The row in the other table, of every trace of the one.
    pub(crate) place: Vec<Option<usize>>,
    /// Rows of the other table that are of no trace of the one.
    pub(crate) unknown: Vec<usize>,
}

/// Why they cannot be joined.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JoinError {
    /// Two rows of the other table are of one trace.
    Twice(usize, usize),
    /// A row says no session, and several traces have its class and rep.
    Sessions(usize),
}

/// Looks for each of `wanted` among `given`. Where one side says no session at all, class and rep tell traces apart.
pub(crate) fn join(wanted: &[TraceKey], given: &[TraceKey]) -> Result<Joined, JoinError> {
    let has_sessions = |keys: &[TraceKey]| keys.iter().any(|key| key.session.is_some());
    let by_session = has_sessions(wanted) && has_sessions(given);
    let short = |key: &TraceKey| -> (String, i64, Option<String>) {
        (key.class.clone(), key.rep, key.session.clone().filter(|_| by_session))
    };
    let mut place_of = HashMap::new();
    let mut several = HashMap::new();
    for (place, key) in wanted.iter().enumerate() {
        if let Some(other) = place_of.insert(short(key), place) {
            several.insert(short(key), other);
        }
    }
    let mut place = vec![None; wanted.len()];
    let mut unknown = Vec::new();
    for (row, key) in given.iter().enumerate() {
        let key = short(key);
        if several.contains_key(&key) {
            return Err(JoinError::Sessions(row));
        }
        match place_of.get(&key) {
            None => unknown.push(row),
            Some(&wanted) => {
                if let Some(other) = place[wanted].replace(row) {
                    return Err(JoinError::Twice(other, row));
                }
            }
        }
    }
    Ok(Joined { place, unknown })
}

/// Some of these traces, for a message.
pub(crate) fn some<'a>(keys: impl Iterator<Item = &'a TraceKey>) -> String {
    let mut keys = keys.map(|key| format!("({key})"));
    let first: Vec<String> = keys.by_ref().take(3).collect();
    first.join(", ") + if keys.next().is_some() { ", ..." } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(class: &str, rep: i64, session: Option<&str>) -> TraceKey {
        TraceKey { class: class.into(), rep, session: session.map(str::to_owned) }
    }

    #[test]
    fn rows_meet_by_key_in_any_order() {
        let wanted = [key("a", 1, Some("x")), key("a", 1, Some("y")), key("b", 1, Some("x"))];
        let given = [key("b", 1, Some("x")), key("a", 1, Some("y")), key("c", 9, None)];
        assert_eq!(join(&wanted, &given).unwrap(), Joined { place: vec![None, Some(1), Some(0)], unknown: vec![2] });
        let twice = [given[0].clone(), given[1].clone(), given[0].clone()];
        assert_eq!(join(&wanted, &twice), Err(JoinError::Twice(0, 2)));
    }

    #[test]
    fn sessions_count_where_both_sides_have_them() {
        let wanted = [key("a", 1, Some("x")), key("a", 2, Some("y"))];
        let given = [key("a", 2, None), key("a", 1, None)];
        assert_eq!(join(&wanted, &given).unwrap().place, [Some(1), Some(0)]);
        assert_eq!(join(&given, &wanted).unwrap().place, [Some(1), Some(0)]);
        let wanted = [key("a", 1, Some("x")), key("a", 1, Some("y"))];
        assert_eq!(join(&wanted, &given), Err(JoinError::Sessions(1)));
    }
}
