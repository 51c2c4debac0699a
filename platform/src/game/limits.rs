//! How often a team may upload.

use serde::{Deserialize, Serialize};

use crate::Millis;

/// How often a team may upload a defence, or an attack on the same opponents, in any window of so many hours. What is refused
/// counts for the second number only, what the server failed at for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Accepted ones, and those that wait.
    pub accepted: i64,
    /// All of them: refused ones are work too.
    pub total: i64,
    /// The window.
    pub window_hours: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { accepted: 10, total: 30, window_hours: 24 }
    }
}

/// What is left of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// Accepted uploads that are left.
    pub accepted_left: i64,
    /// Uploads that are left.
    pub total_left: i64,
    /// When the next is free, where none is left.
    pub next_at: Option<Millis>,
}

impl Slots {
    /// Whether one more may be uploaded.
    pub fn free(&self) -> bool {
        self.accepted_left > 0 && self.total_left > 0
    }
}

impl Limits {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let fields =
            [("limit_accepted", self.accepted), ("limit_total", self.total), ("limit_window_hours", self.window_hours)];
        match fields.into_iter().find(|&(_, value)| !(1..=10_000).contains(&value)) {
            Some((field, value)) => Err((field, format!("{value} is not from 1 to 10,000"))),
            None => Ok(()),
        }
    }

    /// What is left at an instant, after uploads at these times, `true` for those that were not refused.
    pub fn slots(&self, uploads: &[(Millis, bool)], now: Millis) -> Slots {
        let window = self.window_hours * 3_600_000;
        let left = |most: i64, counts: &dyn Fn(bool) -> bool| {
            let mut recent: Vec<Millis> =
                uploads.iter().filter(|&&(at, good)| at > now - window && counts(good)).map(|&(at, _)| at).collect();
            recent.sort_unstable();
            let left = (most - recent.len() as i64).max(0);
            // The upload after which `most - 1` are left must have left the window.
            let frees = recent.len().checked_sub(most as usize).map(|index| recent[index] + window);
            (left, frees)
        };
        let (accepted_left, accepted_next) = left(self.accepted, &|good| good);
        let (total_left, total_next) = left(self.total, &|_| true);
        Slots { accepted_left, total_left, next_at: accepted_next.max(total_next) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Millis = 3_600_000;

    #[test]
    fn refused_uploads_count_for_the_total_alone() {
        let limits = Limits { accepted: 2, total: 4, window_hours: 1 };
        let slots = |uploads: &[(Millis, bool)], now| limits.slots(uploads, now);
        assert_eq!(slots(&[], 0), Slots { accepted_left: 2, total_left: 4, next_at: None });
        let two = [(10, true), (20, false), (30, true)];
        assert_eq!(slots(&two, 40), Slots { accepted_left: 0, total_left: 1, next_at: Some(10 + HOUR) });
        assert!(!slots(&two, 9 + HOUR).free());
        assert_eq!(slots(&two, 10 + HOUR), Slots { accepted_left: 1, total_left: 2, next_at: None });
        let spam = [(10, false), (20, false), (30, false), (40, false), (50, false)];
        assert_eq!(slots(&spam, 60), Slots { accepted_left: 2, total_left: 0, next_at: Some(20 + HOUR) });
    }
}
