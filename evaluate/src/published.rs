//! What papers report of defences, to stand beside what was measured.

use wfkit_metrics::did_you_mean_one_of;

/// What a paper reports of an attack on a defence, in a closed world.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// Authors, title, where and when.
    pub source: &'static str,
    /// What it was measured on.
    pub data_set: &'static str,
    /// Simulated or real.
    pub setting: &'static str,
    /// As the paper calls it.
    pub defence: &'static str,
    /// As the paper calls it.
    pub attack: &'static str,
    /// What comes closest to it here, where anything does.
    pub here: Option<&'static str>,
    /// Share of traces whose class was told.
    pub accuracy: f64,
    /// Bytes more, as a share of those without a defence.
    pub bandwidth: f64,
    /// Time more, as a share of that without a defence.
    pub latency: f64,
}

/// One line a number. Where a paper gives no overhead of its own (splitting alone), it is 0.
const TABLE: &str = include_str!("published.csv");

/// Which of them are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Data sets that the traces are declared to be.
    same: Vec<String>,
    /// The others too, marked as foreign.
    all: bool,
}

impl Choice {
    /// Names of data sets, or `all`.
    pub fn of(names: &[String]) -> Self {
        let same = names.iter().filter(|name| *name != "all").cloned().collect();
        Self { same, all: names.iter().any(|name| name == "all") }
    }

    /// What is shown, and whether it is of the same data set.
    pub fn shown(&self) -> Vec<(Published, bool)> {
        let with_origin = table().into_iter().map(|one| {
            let same = self.same.iter().any(|name| name == one.data_set);
            (one, same)
        });
        with_origin.filter(|(_, same)| *same || self.all).collect()
    }
}

/// A data set that published numbers are of, or `all`.
///
/// # Errors
/// A name that no published number is of, with what there is.
pub fn data_set(name: &str) -> Result<String, String> {
    let mut names: Vec<&str> = table().iter().map(|one| one.data_set).collect();
    names.sort_unstable();
    names.dedup();
    match name == "all" || names.contains(&name) {
        true => Ok(name.to_owned()),
        false => {
            let meant = did_you_mean_one_of(name, names.iter().copied());
            Err(format!("no published numbers are of `{name}`{meant}; there are all, {}", names.join(", ")))
        }
    }
}

fn table() -> Vec<Published> {
    TABLE.lines().skip(1).map(|line| line_of(line).expect("a test reads all of it")).collect()
}

fn line_of(line: &'static str) -> Option<Published> {
    let fields = fields(line);
    let [source, data_set, setting, defence, attack, here, accuracy, bandwidth, latency] = fields[..] else {
        return None;
    };
    let here = (!here.is_empty()).then_some(here);
    let number = |text: &str| text.parse::<f64>().ok();
    let (accuracy, bandwidth, latency) = (number(accuracy)?, number(bandwidth)?, number(latency)?);
    Some(Published { source, data_set, setting, defence, attack, here, accuracy, bandwidth, latency })
}

/// The fields of a line of CSV, in quotes where they hold a comma.
fn fields(line: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
            Some((field, after)) => (field, after.strip_prefix(',')),
            None => rest.split_once(',').map_or((rest, None), |(field, after)| (field, Some(after))),
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_are_shares_and_name_attacks_that_there_are() {
        let table = table();
        assert_eq!(table.len(), TABLE.lines().count() - 1);
        for one in &table {
            assert!((0.0..=1.0).contains(&one.accuracy) && one.bandwidth >= 0.0 && one.latency >= 0.0, "{one:?}");
            assert!(one.here.is_none_or(|name| crate::attack(name).is_ok()), "{one:?}");
        }
        let kfp = table.iter().find(|p| p.data_set == "df95" && p.defence == "WTF-PAD" && p.attack == "k-FP").unwrap();
        assert_eq!((kfp.accuracy, kfp.bandwidth, kfp.latency), (0.69, 0.64, 0.0));
        assert_eq!(kfp.source, "Sirinam et al., Deep Fingerprinting, CCS 2018");
    }

    #[test]
    fn others_are_foreign_and_not_shown_unless_asked_for() {
        let of = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| data_set(name).unwrap()).collect();
            let shown = Choice::of(&names).shown();
            (shown.len(), shown.iter().filter(|(_, same)| *same).count())
        };
        let all = table().len();
        let (df95, same) = of(&["df95"]);
        assert!(df95 == same && (1..all).contains(&df95));
        assert_eq!((of(&[]), of(&["all"]), of(&["df95", "all"])), ((0, 0), (all, 0), (all, df95)));
        assert!(data_set("df96").unwrap_err().contains("df95"));
    }
}
