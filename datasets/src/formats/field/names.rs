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
    // A class may have separators of its own, so the last one counts; and dots, which are then no ending: `www-3.example.org-7`.
    let parts = [&*name, stem].into_iter().find_map(|name| {
        let (class, rep) = name.rsplit_once(['-', '_'])?;
        let rep = rep.split_once('.').map_or(rep, |(rep, _)| rep);
        (!class.is_empty() && is_number(rep)).then_some((class, rep))
    });
    let key = |class: &str, rep: &str| {
        let class = canonical_class(class).into_owned();
        rep.parse().ok().map(|rep| TraceKey { class, rep, session: None })
    };
    if let Some((class, _)) = parts
        && ends_with_a_date(class)
    {
        return Err(ReadError::Unrecognised {
            path: path.to_owned(),
            found: "a trace whose name holds a date, which would become part of its class".to_owned(),
            expected: "CLASS-REP or CLASS_REP without a date, since nothing tells its day from a repetition; rename the files, or import their captures with \
                       --label",
        });
    }
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

/// Whether a name ends with a date, or with a year and month whose day is behind it: `x_2024-05-01`, `x_2024-05`, `x_2024-05-01_12-00`.
fn ends_with_a_date(class: &str) -> bool {
    let parts: Vec<&str> = class.split(['-', '_', '.', 'T']).collect();
    let is = |part: &str, length: usize, least: u32, most: u32| {
        part.len() == length && part.parse().is_ok_and(|number: u32| (least..=most).contains(&number))
    };
    let is_date = |year: &[&str]| is(year[0], 4, 1990, 2099) && is(year[1], 2, 1, 12);
    // Hours and minutes may be behind it.
    let rest = |at: usize| {
        parts[at + 2..].iter().all(|part| is(part, 2, 0, 59) || is(part, 4, 0, 2359) || is(part, 6, 0, 235_959))
    };
    (0..parts.len().saturating_sub(1)).any(|at| is_date(&parts[at..]) && rest(at))
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
        assert_eq!(of("www-3.example.org-7").unwrap(), ("www-3.example.org".into(), 7, None));
        assert_eq!(of("wiki_2.example.org_7.txt").unwrap(), ("wiki_2.example.org".into(), 7, None));
        assert_eq!(of("3-12.cell-defended").unwrap(), ("3".into(), 12, None));
        assert_eq!(of("2024-05.cell").unwrap(), ("2024".into(), 5, None), "nothing says that it is a date");
        for name in
            ["trace_2024-05-01_12-00-03.cell", "example.net_2024-05-01", "x_2024-05-01_3.cell", "2024-05-01.cell"]
        {
            assert!(of(name).unwrap_err().to_string().contains("holds a date"), "{name}");
        }
        assert_eq!(of("8123.cell").unwrap(), ("unmonitored".into(), 8123, Some("8123".into())));
        for name in ["shop", "-3", "3-x", "99999999999999999999-99999999999999999999"] {
            assert!(of(name).unwrap_err().to_string().contains("CLASS-REP"), "{name}");
        }
    }
}
