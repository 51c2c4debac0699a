//! Names that look alike: nobody is to be taken for another team, be it by capitals, spaces, or letters of another script.

use unicode_security::confusable_detection::skeleton;

/// What a name looks like (the skeleton of Unicode Technical Standard 39), without regard to case and spaces; in two ways, since a letter
/// may look like another one as it stands (`I` and `l`) or when both are small.
fn looks(name: &str) -> [String; 2] {
    let name: String = name.chars().filter(|c| !c.is_whitespace() && *c != '_').collect();
    let look = |text: &str| skeleton(text).collect::<String>();
    [look(&name).to_lowercase(), look(&name.to_lowercase())]
}

/// Whether two names can be taken for one another.
pub(super) fn alike(a: &str, b: &str) -> bool {
    let (a, b) = (looks(a), looks(b));
    a.iter().any(|look| b.contains(look))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_case_and_spaces_do_not_tell_teams_apart() {
        for (a, b) in [
            ("Al and Bo", "AL  AND BO"),
            ("Al and Bo", "AlandBo"),
            ("Al", "AI"),
            ("paypal", "p\u{430}yp\u{430}l"), // Cyrillic
            ("Team 1", "Team l"),
            ("O2", "02"),
            ("Caf\u{e9}", "Cafe\u{301}"),
            ("Al", "\u{ff21}\u{ff4c}"), // full width
        ] {
            assert!(alike(a, b), "{a} and {b}");
        }
        for (a, b) in
            [("Al", "Bo"), ("Team 1", "Team 2"), ("Al and Bo", "Al and Bob"), ("A-B", "A.B"), ("Zo\u{eb}", "Zoe")]
        {
            assert!(!alike(a, b), "{a} and {b}");
        }
    }
}
