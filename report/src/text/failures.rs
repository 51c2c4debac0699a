//! Why an experiment has no result, with the options of the program that would give one.

use wfkit_evaluate::ExperimentError;

/// In words of options, where these help; none where the error says it all. `asked` is what was asked for: `sessions`, or the option that needs
/// sessions, as `--drift`.
pub fn failure(error: &ExperimentError, asked: &str) -> Option<String> {
    Some(match error {
        ExperimentError::LearnedFrom(_) if asked == "sessions" => {
            format!("{error}; make sessions of other loads, or score anyway with --allow-duplicates")
        }
        ExperimentError::LearnedFrom(_) => {
            format!("{error}; remove them (wfkit dataset validate names them), or score anyway with --allow-duplicates")
        }
        ExperimentError::FewSessions(found) => few_sessions(asked, found),
        ExperimentError::OneCollection(what) => format!("--{what} works on one collection, not on --train and --test"),
        ExperimentError::TracesOnly(_) => format!("--{error}"),
        ExperimentError::OpenWorld { class, source } => format!("--open-world {class}: {}", source.in_words()),
        ExperimentError::NothingAcross { .. } => format!(
            "{error}; wfkit dataset validate names twins, --allow-duplicates scores them all the same, and wfkit dataset info tells classes and \
             sessions"
        ),
        _ => return None,
    })
}

/// What there is to do where sessions are too few to be compared.
fn few_sessions(option: &str, found: &[String]) -> String {
    match found {
        [] => format!(
            "{option} needs two sessions at least, and no trace says which it is of; sessions are named on import (wfkit capture import --label \
             with a group (?P<session>...), or a manifest), and files are compared with --matrix A.parquet B.parquet"
        ),
        all => format!(
            "{option} needs two sessions at least, found {} ({}); give files of other sessions too, compare files with --matrix A.parquet B.parquet, \
             or test within the session: wfkit evaluate TRACES",
            all.len(),
            all.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_options_can_change_is_said_with_them() {
        let told = |error: &ExperimentError| failure(error, "--drift");
        let few = |found: &[&str]| {
            told(&ExperimentError::FewSessions(found.iter().map(|name| name.to_string()).collect())).unwrap()
        };
        assert!(few(&[]).starts_with("--drift needs two sessions at least, and no trace says which it is of;"));
        assert!(few(&["monday"]).starts_with("--drift needs two sessions at least, found 1 (monday);"));
        let early = told(&ExperimentError::TracesOnly("early"));
        assert_eq!(early.as_deref(), Some("--early needs traces, not features"));
        let unknown = ExperimentError::NoClass("x".to_owned());
        let open = ExperimentError::OpenWorld { class: "y".to_owned(), source: Box::new(unknown) };
        assert_eq!(told(&open).as_deref(), Some("--open-world y: there is no class x"));
        assert_eq!(told(&ExperimentError::Cancelled), None);
    }
}
