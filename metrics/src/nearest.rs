//! What a wrong name may have been meant to be.

/// ` (did you mean X?)` for the known names nearest to a wrong one, or nothing where none is near; to be put behind the wrong name in an error.
///
/// A name is known by texts, such as aliases, and stands for what has to be written; both may be the same. Case and everything but letters and
/// digits do not count. Near is what is equal so; else the closest by edits (insertions, deletions, changes and swaps of neighbours), at most one
/// in three letters; else what begins with it, or what it begins with. Of equally near ones three are told, in their order.
///
/// ```
/// let known = [("wtf-pad", "wtf-pad"), ("buflo", "constant-rate:buflo"), ("tamaraw", "tamaraw")];
/// assert_eq!(wfkit_metrics::did_you_mean("WTFPAD", known), " (did you mean `wtf-pad`?)");
/// assert_eq!(wfkit_metrics::did_you_mean("bufflo", known), " (did you mean `constant-rate:buflo`?)");
/// assert_eq!(wfkit_metrics::did_you_mean("xyz", known), "");
/// ```
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let wrong = plain(wrong);
    if wrong.is_empty() {
        return String::new();
    }
    let mut nearest: (usize, Vec<&str>) = (usize::MAX, Vec::new());
    for (text, stands_for) in known {
        let Some(distance) = distance(&wrong, &plain(text)) else { continue };
        if distance < nearest.0 {
            nearest = (distance, Vec::new());
        }
        if distance == nearest.0 && !nearest.1.contains(&stands_for) {
            nearest.1.push(stands_for);
        }
    }
    let names: Vec<String> = nearest.1.iter().take(3).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!(" (did you mean {}?)", names.join(" or ")) }
}

/// As [`did_you_mean`], of names that have no other texts.
pub fn did_you_mean_one_of<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    did_you_mean(wrong, names.into_iter().map(|name| (name, name)))
}

/// Letters and digits alone, small.
fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// How far apart plain names are; none where they have nothing to do with each other.
fn distance(wrong: &str, known: &str) -> Option<usize> {
    const BEGINS: usize = 1_000; // behind everything that edits reach
    let edits = strsim::damerau_levenshtein(wrong, known);
    let letters = wrong.chars().count().max(known.chars().count());
    if edits == 0 || 3 * edits <= letters {
        return Some(edits);
    }
    let begins = |long: &str, short: &str| short.chars().count() >= 3 && long.starts_with(short);
    (begins(known, wrong) || begins(wrong, known)).then(|| BEGINS + edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_told() {
        let names = ["front", "tamaraw", "regulator", "spring"];
        let meant = |wrong: &str| did_you_mean_one_of(wrong, names);
        assert_eq!(meant("tamarraw"), " (did you mean `tamaraw`?)");
        assert_eq!(meant("fornt"), " (did you mean `front`?)");
        assert_eq!(meant("Reg_ulator "), " (did you mean `regulator`?)");
        assert_eq!(meant("regul"), " (did you mean `regulator`?)");
        assert_eq!(meant("frontal-attack"), " (did you mean `front`?)");
        assert_eq!((meant(""), meant("-"), meant("walkie")), Default::default());
    }

    #[test]
    fn equally_near_ones_are_told_once_each_and_three_at_most() {
        let known = [("ab1", "one"), ("ab2", "two"), ("ab3", "one"), ("ab4", "four"), ("ab5", "five")];
        assert_eq!(did_you_mean("abx", known), " (did you mean `one` or `two` or `four`?)");
    }
}
