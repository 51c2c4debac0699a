//! What changes from session to session, on request.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Changes between sessions, all from the seed of the plan. None is the default. Written in a plan as `[drift]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Drift {
    /// The database: share of what is in it that is other in every session than in the one before: points of a map, resources of a page.
    pub database: f64,
    /// The network's load: how many clients, the last ones, make noise in each session.
    pub noise: Vec<u16>,
    /// The path: delay of every node's link in each session, one way, in ms.
    pub delay: Vec<f64>,
}

impl Drift {
    /// Whether it makes sense for so many sessions; `noise` and `delay` are what the plan says for all of them.
    pub(crate) fn check(&self, sessions: u32, noise: u16, delay: f64) -> Result<(), Error> {
        let wrong = |text: String| Err(Error::Wrong(text));
        if !(0.0..=1.0).contains(&self.database) {
            return wrong(format!("drift.database = {}: a share, 0 to 1 (0.1 is one in ten)", self.database));
        }
        for (key, count) in [("noise", self.noise.len()), ("delay", self.delay.len())] {
            if count > 0 && count != sessions as usize {
                return wrong(format!("drift.{key}: {count} values for {sessions} sessions; say one for each"));
            }
        }
        if !self.noise.is_empty() && noise > 0 {
            return wrong(format!("noise = {noise}: drift.noise says it for each session; leave one of them out"));
        }
        if !self.delay.is_empty() && delay > 0.0 {
            return wrong(format!(
                "network.delay = {delay}: drift.delay says it for each session; leave one of them out"
            ));
        }
        if let Some(delay) = self.delay.iter().find(|delay| !(0.0..=1000.0).contains(*delay)) {
            return wrong(format!("drift.delay = {delay}: a link has 0 to 1000 ms"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_session_has_its_value_and_no_key_is_said_twice() {
        let none = Drift::default;
        let refused = |drift: &Drift, noise, delay| drift.check(3, noise, delay).unwrap_err().to_string();
        none().check(3, 2, 5.0).unwrap();
        let all = Drift { database: 0.2, noise: vec![0, 1, 2], delay: vec![1.0, 2.0, 30.0] };
        all.check(3, 0, 0.0).unwrap();
        assert!(refused(&all, 1, 0.0).starts_with("noise = 1: drift.noise"));
        assert!(refused(&all, 0, 2.0).starts_with("network.delay = 2: drift.delay"));
        assert!(
            refused(&Drift { noise: vec![1], ..none() }, 0, 0.0).starts_with("drift.noise: 1 values for 3 sessions")
        );
        assert!(refused(&Drift { delay: vec![0.0, 1.0, f64::NAN], ..none() }, 0, 0.0).starts_with("drift.delay = NaN"));
        assert!(refused(&Drift { database: 1.1, ..none() }, 0, 0.0).starts_with("drift.database = 1.1"));
    }
}
