//! Dates and times of day in file names, which are neither class nor rep.

use std::sync::LazyLock;

use regex::Regex;

/// What of a name is a date or a time, as a pattern for names that are built alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DateInName<'a> {
    /// The date as it is written, with the time where one follows.
    pub(crate) date: &'a str,
    /// What is before it, without separators at its end.
    pub(crate) before: &'a str,
}

/// Numbers that are no part of longer ones.
const FROM: &str = r"(?:^|[^0-9])";
const TO: &str = r"(?:[^0-9]|$)";

const YEAR: &str = "(?:19|20)[0-9]{2}";
const MONTH: &str = "(?:0[1-9]|1[0-2])";
const DAY: &str = "(?:0[1-9]|[12][0-9]|3[01])";
const HOUR: &str = "(?:[01][0-9]|2[0-3])";
const SIXTY: &str = "[0-5][0-9]";
const MONTH_NAME: &str = "(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*";

/// One alternative for each way to write a date or a time; the part that is one is the group `date`.
static DATES: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let time = format!(
        "(?:[T_. -]?{HOUR}[-_.:hH]?{SIXTY}(?:[-_.:mM]?{SIXTY})?s?(?:[.,][0-9]+)?(?:Z|[+-][0-9]{{2}}:?[0-9]{{2}})?)?"
    );
    let short = "(?:[0-9]{2})";
    let dates = [
        // 2024-05-01, 20240501, with a time behind or not; 01.05.2024, 05-01-2024.
        format!("{YEAR}[-_.]{MONTH}[-_.]{DAY}{time}"),
        format!("{YEAR}{MONTH}{DAY}{time}"),
        format!("(?:{DAY}|{MONTH})[-_.](?:{MONTH}|{DAY})[-_.]{YEAR}{time}"),
        // 1May2024, May-01-2024, 2024May01.
        format!("(?:{DAY}|[1-9])[-_. ]?{MONTH_NAME}[-_. ]?{YEAR}{time}"),
        format!("{MONTH_NAME}[-_. ]?(?:{DAY}|[1-9])[-_., ]+{YEAR}{time}"),
        format!("{YEAR}[-_. ]?{MONTH_NAME}[-_. ]?(?:{DAY}|[1-9]){time}"),
        // Weeks and months.
        format!("{YEAR}-?W(?:0[1-9]|[1-4][0-9]|5[0-3])(?:-?[1-7])?"),
        // 240501_120003, 24-05-01, 12-00-03, 12h00m03.
        format!("{short}{MONTH}{DAY}[-_T]{HOUR}{SIXTY}(?:{SIXTY})?"),
        format!("(?:{short}-{MONTH}-{DAY}|{short}\\.{MONTH}\\.{DAY}|{DAY}\\.{MONTH}\\.{short}){time}"),
        format!("{HOUR}(?:-{SIXTY}-{SIXTY}|\\.{SIXTY}\\.{SIXTY}|:{SIXTY}(?::{SIXTY})?)"),
        format!("(?:{HOUR}|[0-9])[hH]{SIXTY}(?:[mM]?(?:{SIXTY}s?)?)"),
        // Unix times in seconds, milliseconds, microseconds or nanoseconds.
        "(?:1[0-9]{9}|2[01][0-9]{8})(?:[0-9]{3}){0,3}(?:[.,_][0-9]{3,9})?".to_owned(),
    ];
    let anywhere = dates.iter().map(|date| format!("{FROM}(?<date>{date}){TO}"));
    let at_the_end = [
        // A month of a year behind a name, and times of day that only a clock writes so: 12-00, 09-30.
        format!("[^0-9/][-_. ](?<date>{YEAR}[-_.]{MONTH})$"),
        format!("[^0-9/][-_. ](?<date>0[0-9][-_.:]{SIXTY}|{HOUR}[-_.:]0[0-9])$"),
        // Six digits as the last number: no class has so many reps.
        format!("[^0-9/][-_. ](?<date>{short}{MONTH}{DAY}|{HOUR}{SIXTY}{SIXTY})$"),
    ];
    let all = anywhere.chain(at_the_end);
    all.map(|pattern| Regex::new(&pattern).expect("its parts are above")).collect()
});

/// The date or time in a file name, without endings such as `.pcap.gz`.
pub(crate) fn date_in(stem: &str) -> Option<DateInName<'_>> {
    let found = DATES.iter().filter_map(|date| date.captures(stem)?.name("date"));
    // The one that starts first and is the longest: 2024-05-01_12-00-03 rather than 12-00-03.
    let date = found.min_by_key(|date| (date.start(), usize::MAX - date.end()))?;
    let before = stem[..date.start()].trim_end_matches(['_', '-', '.', ' ', 'T']);
    Some(DateInName { date: date.as_str(), before })
}

impl DateInName<'_> {
    /// A label pattern that takes what is before the date as the class and the date as the session, where there is something.
    pub(crate) fn pattern(&self) -> Option<String> {
        if self.before.is_empty() {
            return None;
        }
        let mut date = String::new();
        for c in self.date.chars() {
            match c {
                '0'..='9' => date.push_str("[0-9]"),
                '.' | '+' => date.extend(['\\', c]),
                _ => date.push(c),
            }
        }
        Some(format!("(?:^|/)(?<class>[^/]+?)[_.-]+(?<session>{date})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_every_kind_are_found() {
        for (name, date, before) in [
            ("trace_2024-05-01_12-00-03", "2024-05-01_12-00-03", "trace"),
            ("example.net_2024-05-01", "2024-05-01", "example.net"),
            ("example.net_20240501", "20240501", "example.net"),
            ("example.net_2024-05-01-12h00", "2024-05-01-12h00", "example.net"),
            ("example.net-12h00", "12h00", "example.net"),
            ("example.net_2024-05-01T12:00:03Z", "2024-05-01T12:00:03Z", "example.net"),
            ("example.net_20240501T120003", "20240501T120003", "example.net"),
            ("example.net_2024_05_01_3", "2024_05_01", "example.net"),
            ("site_1714564803", "1714564803", "site"),
            ("site_1714564803.123456", "1714564803.123456", "site"),
            ("site_1714564803123", "1714564803123", "site"),
            ("ring_00001_20240501120003", "20240501120003", "ring_00001"),
            ("01.05.2024_site_3", "01.05.2024", ""),
            ("site_01-May-2024", "01-May-2024", "site"),
            ("May 1, 2024_1", "May 1, 2024", ""),
            ("site_2024-05", "2024-05", "site"),
            ("site_240501_120003", "240501_120003", "site"),
            ("site_24-05-01", "24-05-01", "site"),
            ("site_12-00-03", "12-00-03", "site"),
            ("site_12-00", "12-00", "site"),
            ("site_120003", "120003", "site"),
            ("2024-05-01_3", "2024-05-01", ""),
            ("site_2024-W18_3", "2024-W18", "site"),
        ] {
            assert_eq!(date_in(name), Some(DateInName { date, before }), "{name}");
        }
    }

    #[test]
    fn other_numbers_are_no_dates() {
        for name in [
            "cell_12_rep_3",
            "3_12",
            "2010_11",
            "2024_3",
            "2024-122",
            "example-2.com_13",
            "a_b-1_2",
            "10.0.0.1_3",
            "a_b-99_12",
            "site_01_02_03",
            "site_12345",
            "cell_100_rep_19",
            "may_3",
            "marc_2024",
            "www.1and1.com_7",
            "site_1234567",
            "x_99999999",
            "abc123_45",
            "site_10-12",
            "day3_7",
            "h264_1",
            "12_00",
            "4chan.org-12",
        ] {
            assert_eq!(date_in(name), None, "{name}");
        }
    }

    #[test]
    fn the_pattern_takes_the_date_as_the_session() {
        let pattern: crate::LabelPattern =
            date_in("example.net_2024-05-01").unwrap().pattern().unwrap().parse().unwrap();
        let label = pattern.label("day/example.org_2024-06-30.pcap").unwrap();
        assert_eq!((label.class.as_str(), label.session.as_deref()), ("example.org", Some("2024-06-30")));
        assert_eq!(date_in("2024-05-01_3").unwrap().pattern(), None);
    }
}
