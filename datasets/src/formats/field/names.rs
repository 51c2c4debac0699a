//! Class and repetition from the name of a file; names of columns.

use std::path::Path;

use crate::{ReadError, TraceKey, canonical_class};

/// The class of pages that nobody watches, as sets of Wang et al. have them: files called by a number alone.
pub(super) const UNMONITORED: &str = "unmonitored";

/// The name of a column without the blanks around it and the type before it, as NEMEA's logger writes it: `time* PPI_PKT_TIMES`.
pub(super) fn without_type(name: &str) -> &str {
    const TYPES: [&str; 14] = [
        "char", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float", "double", "ipaddr",
        "macaddr", "time",
    ];
    let name = name.trim();
    match name.split_once(' ') {
        Some((kind, rest)) if TYPES.contains(&kind.trim_end_matches('*')) || ["string", "bytes"].contains(&kind) => {
            rest.trim_start()
        }
        _ => name,
    }
}

/// `CLASS-REP` or `CLASS_REP`, whatever the ending, and with its page where the name is a number alone.
pub(super) fn label_of(path: &Path) -> Result<(TraceKey, Option<String>), ReadError> {
    let name = crate::formats::file_name(path);
    let stem = name.split_once('.').map_or(&*name, |(stem, _)| stem);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A class may have separators of its own, so the last one counts; and dots, which are then no ending.
    let parts = [stem, &*name].into_iter().find_map(|name| {
        let (class, rep) = name.rsplit_once(['-', '_'])?;
        let rep = rep.split_once('.').map_or(rep, |(rep, _)| rep);
        (!class.is_empty() && is_number(rep)).then_some((class, rep))
    });
    let key = |class: &str, rep: &str| {
        let class = canonical_class(class).into_owned();
        rep.parse().ok().map(|rep| TraceKey { class, rep, session: None })
    };
    let found = match parts {
        Some((class, rep)) => key(class, rep).map(|key| (key, None)),
        None if is_number(stem) => key(UNMONITORED, stem).map(|key| (key, Some(stem.to_owned()))),
        None => None,
    };
    found.ok_or_else(|| ReadError::Unrecognised {
        path: path.to_owned(),
        found: "a trace whose name does not tell class and repetition".to_owned(),
        expected: "CLASS-REP or CLASS_REP with any ending, such as 3-12.cell, or a number alone for an unmonitored page; rename it so",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_class_and_repetition() {
        let of = |name: &str| label_of(Path::new(name)).map(|(key, page)| (key.class, key.rep, page));
        assert_eq!(of("a/3-12").unwrap(), ("3".into(), 12, None));
        assert_eq!(of("03_1.cell").unwrap(), ("3".into(), 1, None));
        assert_eq!(of("my-site_7.tar.txt").unwrap(), ("my-site".into(), 7, None));
        assert_eq!(of("example.org-4.log").unwrap(), ("example.org".into(), 4, None));
        assert_eq!(of("8123.cell").unwrap(), ("unmonitored".into(), 8123, Some("8123".into())));
        for name in ["shop", "-3", "3-x", "99999999999999999999-99999999999999999999"] {
            assert!(of(name).unwrap_err().to_string().contains("CLASS-REP"), "{name}");
        }
    }
}
