//! How a round is scored.

use serde::{Deserialize, Serialize};
use wfkit_metrics::{Interval, Utility, Volume, VolumeSummary, attack_score};

use super::Part;

/// How a round is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Profile {
    /// Utility against undefended traffic, own privacy and attacks.
    #[serde(rename = "balanced")]
    Balanced,
    /// As the competition of 2022 did.
    #[serde(rename = "srs-2022")]
    Srs2022,
}

/// What is scored of a team.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Numbers<'a> {
    /// What its defence costs; none without a defence.
    pub utility: Option<&'a Utility>,
    /// Overheads of incoming bytes, outgoing bytes and time; none without a baseline.
    pub overheads: Option<[f64; 3]>,
    /// Areas of its attacks, `None` for those that are missing; empty without matches.
    pub attacks: &'a [Option<f64>],
    /// The area of the best attack on it.
    pub best_attacker: Option<f64>,
}

/// The parts of a total.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Scored {
    pub utility: Option<f64>,
    pub privacy: Option<f64>,
    pub attack: Option<f64>,
    pub total: Option<f64>,
}

/// Traffic to compare with: undefended, or as a defence of the toolkit makes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// What it is.
    pub name: String,
    /// What it costs.
    pub utility: Utility,
    /// And in detail.
    pub volumes: VolumeSummary,
    /// The area of the best attack of the house that takes a moment.
    pub roc_auc: f64,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
    /// Overheads of its traces: see [`spread`].
    pub spread: [Vec<f64>; 3],
}

/// A [`Reference`] as a round scores it.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// What it is.
    pub name: String,
    /// Its utility.
    pub utility: Option<f64>,
    /// Its overheads.
    pub overheads: Option<[f64; 3]>,
    /// Its privacy.
    pub privacy: f64,
    /// The 95 % interval of that.
    pub interval: Option<(f64, f64)>,
}

/// The interval of a privacy, by that of the area of the best attack.
pub(super) fn privacy_interval(of_area: Interval) -> (f64, f64) {
    (1.0 - advantage(of_area.high), 1.0 - advantage(of_area.low))
}

/// Traces that a spread has: of more, such as are at equal distances in the order of size.
const SPREAD: usize = 60;

/// What single traces cost beyond the undefended median, for incoming bytes, outgoing bytes and time: how far the medians, which are scored, are from
/// all of them.
pub fn spread(undefended: &VolumeSummary, traces: &[Volume]) -> [Vec<f64>; 3] {
    type Measure = (f64, fn(&Volume) -> f64);
    let parts: [Measure; 3] = [
        (undefended.in_bytes.median, |one| one.in_bytes.abs()),
        (undefended.out_bytes.median, |one| one.out_bytes.abs()),
        (undefended.seconds.median, |one| one.seconds),
    ];
    parts.map(|(before, part)| {
        if before <= 0.0 {
            return Vec::new();
        }
        let mut values: Vec<f64> = traces.iter().map(|one| part(one) / before - 1.0).collect();
        values.sort_by(f64::total_cmp);
        let shown = values.len().min(SPREAD);
        let place = |at: usize| at * (values.len() - 1) / (shown - 1).max(1);
        // Three digits are seen.
        (0..shown).map(|at| (values[place(at)] * 1000.0).round() / 1000.0).collect()
    })
}

/// How far an area is above a guess: 0 for 0.5 and below, 1 for 1.
fn advantage(roc_auc: f64) -> f64 {
    (2.0 * roc_auc - 1.0).max(0.0)
}

/// What defended traffic costs beyond undefended: incoming bytes, outgoing bytes, time, by medians. 0.0 is nothing; below it is traffic that
/// costs *less* than undefended, which is warned of, stands on the board, and wins nothing.
pub fn overheads(undefended: &VolumeSummary, defended: &VolumeSummary) -> [f64; 3] {
    let pairs = [
        (undefended.in_bytes, defended.in_bytes),
        (undefended.out_bytes, defended.out_bytes),
        (undefended.seconds, defended.seconds),
    ];
    pairs.map(|(before, after)| if before.median > 0.0 { after.median / before.median - 1.0 } else { 0.0 })
}

/// A worked example of a rule: what a team has, and what comes of it by the code that scores rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// Medians of the undefended traffic: incoming bytes, outgoing bytes, seconds.
    pub undefended: [f64; 3],
    /// Medians of the defended traffic.
    pub defended: [f64; 3],
    /// What these cost beyond those.
    pub overheads: [f64; 3],
    /// The area of the best attack on the team.
    pub best_attacker: f64,
    /// Areas of its own attacks.
    pub attacks: [f64; 3],
    /// What it scores.
    pub utility: f64,
    /// What it scores.
    pub privacy: f64,
    /// What it scores.
    pub attack: f64,
    /// What it scores.
    pub total: f64,
}

impl Profile {
    /// Each of them.
    pub const EACH: [Self; 2] = [Self::Balanced, Self::Srs2022];

    /// A worked example.
    pub fn example(self) -> Example {
        let (undefended, defended) = ([20_000.0, 4_000.0, 2.0], [30_000.0, 5_000.0, 2.2]);
        let volume = |[in_bytes, out_bytes, seconds]: [f64; 3]| Volume { in_bytes, out_bytes, seconds };
        let summary = |medians| VolumeSummary::of(&[volume(medians)]).expect("a volume is one");
        let overheads = overheads(&summary(undefended), &summary(defended));
        let (attacks, best_attacker) = ([0.9, 0.7, 0.5], 0.8);
        let scored = self.score(&Numbers {
            utility: Some(&Utility::of(&[volume(defended)])),
            overheads: Some(overheads),
            attacks: &attacks.map(Some),
            best_attacker: Some(best_attacker),
        });
        let number = |score: Option<f64>| score.expect("everything that is scored is there");
        Example {
            undefended,
            defended,
            overheads,
            best_attacker,
            attacks,
            utility: number(scored.utility),
            privacy: number(scored.privacy),
            attack: number(scored.attack),
            total: number(scored.total),
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Balanced => "balanced",
            Self::Srs2022 => "srs-2022",
        }
    }

    /// The part of the test set that counts when the round is over.
    pub fn final_part(self) -> Part {
        match self {
            Self::Balanced => Part::Private,
            Self::Srs2022 => Part::All,
        }
    }

    /// The rule in words, as the board shows it.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Balanced => {
                "Total = 100 x utility x (privacy + attack) / 2. Utility = 1 / (1 + mean overhead of incoming bytes, outgoing bytes and \
                 time, by medians against undefended traffic); without undefended traffic to compare with it is 1. Privacy = 1 - \
                 advantage of the best attack on the team, house attacks included. Attack = mean advantage over the matches, 0 for \
                 a missing attack. Advantage = 2 x macro one-vs-rest ROC-AUC - 1, not below 0: a guess has none. Until the round \
                 ends scores are of the public half of the test traces, then of the private half."
            }
            Self::Srs2022 => {
                "Total = utility x attack. Utility = 64 / log10(median bytes in x median bytes out x median seconds). Attack = 10 x \
                 macro one-vs-rest ROC-AUC, mean over the matches; as long as an attack is missing it is 1. Until the round ends scores \
                 are of the public half of the test traces, then of all of them."
            }
        }
    }

    /// Traffic to compare with, scored.
    pub(super) fn compared(self, one: &Reference, undefended: Option<&VolumeSummary>) -> Compared {
        let overheads = undefended.map(|undefended| overheads(undefended, &one.volumes));
        let numbers =
            Numbers { utility: Some(&one.utility), overheads, attacks: &[], best_attacker: Some(one.roc_auc) };
        Compared {
            name: one.name.clone(),
            utility: self.score(&numbers).utility,
            overheads,
            privacy: 1.0 - advantage(one.roc_auc),
            interval: one.interval.map(privacy_interval),
        }
    }

    pub(super) fn score(self, numbers: &Numbers<'_>) -> Scored {
        let privacy = numbers.best_attacker.map(|roc_auc| 1.0 - advantage(roc_auc));
        let Some(utility) = numbers.utility else {
            return Scored::default();
        };
        match self {
            Self::Balanced => {
                let mean = numbers
                    .overheads
                    .map_or(0.0, |overheads| overheads.iter().map(|over| over.max(0.0)).sum::<f64>() / 3.0);
                let utility = 1.0 / (1.0 + mean);
                let attacks = numbers.attacks.iter().map(|roc_auc| roc_auc.map_or(0.0, advantage));
                let count = numbers.attacks.len();
                let attack = (count > 0).then(|| attacks.sum::<f64>() / count as f64);
                let total = attack.zip(privacy).map(|(attack, privacy)| 100.0 * utility * (privacy + attack) / 2.0);
                Scored { utility: Some(utility), privacy, attack, total }
            }
            Self::Srs2022 => {
                let done: Option<Vec<f64>> = numbers.attacks.iter().copied().collect();
                let attack = match done {
                    Some(done) if !done.is_empty() => {
                        done.iter().map(|&roc_auc| attack_score(roc_auc)).sum::<f64>() / done.len() as f64
                    }
                    _ => 1.0,
                };
                let total = utility.score.map(|utility| utility * attack);
                Scored { utility: utility.score, privacy, attack: Some(attack), total }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utility(score: f64) -> Utility {
        Utility { score: Some(score), ..Utility::unknown("") }
    }

    #[test]
    fn the_rule_of_2022() {
        let utility = utility(8.0);
        let numbers = Numbers {
            utility: Some(&utility),
            overheads: None,
            attacks: &[Some(1.0), Some(0.5)],
            best_attacker: Some(1.0),
        };
        assert_eq!(Profile::Srs2022.score(&numbers).total, Some(60.0));
        let missing = Numbers { attacks: &[Some(1.0), None], ..numbers.clone() };
        assert_eq!(Profile::Srs2022.score(&missing).total, Some(8.0), "a missing attack counts 1");
        assert_eq!(Profile::Srs2022.score(&Numbers { utility: None, ..numbers }).total, None);
    }

    #[test]
    fn examples_are_what_the_rules_say() {
        let balanced = Profile::Balanced.example();
        // By hand: overheads of a half, a quarter and a tenth; advantages of 0.8, 0.4 and 0; 0.6 against it.
        let utility = 1.0 / (1.0 + (0.5 + 0.25 + 0.1) / 3.0);
        let expected = [utility, 0.4, 0.4, 100.0 * utility * 0.4];
        let found = [balanced.utility, balanced.privacy, balanced.attack, balanced.total];
        assert!(expected.iter().zip(found).all(|(a, b)| (a - b).abs() < 1e-12), "{balanced:?}");
        let srs = Profile::Srs2022.example();
        let utility = 64.0 / (30_000.0 * 5_000.0 * 2.2_f64).log10();
        assert!((srs.utility - utility).abs() < 1e-12 && (srs.attack - 7.0).abs() < 1e-12, "{srs:?}");
        assert!((srs.total - 7.0 * utility).abs() < 1e-9, "{srs:?}");
    }

    #[test]
    fn a_spread_has_both_ends_and_no_more_than_is_seen() {
        let volume = |bytes: f64| Volume { in_bytes: -bytes, out_bytes: 0.0, seconds: 1.0 };
        let traces: Vec<Volume> = (1..=601).map(|at| volume(f64::from(at))).collect();
        let undefended = VolumeSummary::of(&traces).unwrap();
        let [bytes_in, bytes_out, seconds] = spread(&undefended, &traces);
        assert_eq!((bytes_in.len(), bytes_in[0], bytes_in[59]), (60, -0.997, 0.997));
        assert_eq!((bytes_out.len(), seconds), (0, vec![0.0; 60]));
        assert_eq!(spread(&undefended, &traces[..1])[0], [-0.997]);
    }

    #[test]
    fn privacy_moves_the_balanced_total() {
        let utility = utility(8.0);
        let total = |best, overheads, attacks: &[Option<f64>]| {
            let numbers = Numbers { utility: Some(&utility), overheads, attacks, best_attacker: Some(best) };
            Profile::Balanced.score(&numbers).total.unwrap()
        };
        assert_eq!(total(1.0, Some([0.0; 3]), &[Some(1.0)]), 50.0, "who leaks everything has half");
        assert_eq!(total(0.5, Some([0.0; 3]), &[Some(1.0)]), 100.0);
        assert_eq!(total(0.3, Some([0.0; 3]), &[Some(1.0)]), 100.0, "worse than a guess is a guess");
        assert_eq!(total(0.5, Some([3.0, 0.0, 0.0]), &[Some(1.0)]), 50.0);
        assert_eq!(total(0.5, Some([0.0; 3]), &[Some(1.0), None]), 75.0, "a missing attack counts 0");
        assert_eq!(total(0.5, Some([3.0, -0.9, -0.9]), &[Some(1.0)]), 50.0, "what is too cheap wins nothing");
        assert_eq!(total(0.5, None, &[Some(0.5)]), 50.0);
    }
}
