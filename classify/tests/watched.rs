//! Whoever watches an attack learn is told of all of it.

#![allow(clippy::unwrap_used, reason = "a test that fails")]

#[path = "common/traces.rs"]
mod traces;

use std::sync::Mutex;

use wfkit_classify::{Attack, AttackOptions, Samples, attacks};
use wfkit_metrics::Observer;

/// A piece of work, its steps, and how many of these are done.
type Watched = (String, u64, u64);

/// What was told: what is under way, and what has ended.
#[derive(Default)]
struct Watching(Mutex<(Option<Watched>, Vec<Watched>)>);

impl Observer for Watching {
    fn begin(&self, work: &str, steps: u64) {
        let current = self.0.lock().unwrap().0.replace((work.to_owned(), steps, 0));
        assert_eq!(current, None, "{work} begins before the work before it ended");
    }

    fn steps(&self, n: u64) {
        self.0.lock().unwrap().0.as_mut().unwrap().2 += n;
    }

    fn end(&self) {
        let mut told = self.0.lock().unwrap();
        let done = told.0.take().unwrap();
        told.1.push(done);
    }
}

/// What an attack tells of learning.
fn watched(name: &str) -> Vec<Watched> {
    let set = traces::generate(4, 12, 1);
    let attack = Attack::by_name(name, &AttackOptions::default()).unwrap();
    let watching = Watching::default();
    attack.fit_watched(Samples::Traces(&set), 3, &watching).unwrap();
    let (current, told) = watching.0.into_inner().unwrap();
    assert_eq!(current, None, "{name} leaves work that never ends");
    told
}

#[test]
fn learning_tells_how_far_it_is() {
    for info in attacks().iter().filter(|info| !["forest", "extra-trees"].contains(&info.name)) {
        let told = watched(info.name);
        assert!(!told.is_empty(), "{} tells nothing", info.name);
        for (work, steps, done) in &told {
            // Nets stop where they become no better.
            assert!(done == steps || work == "epochs" && done <= steps, "{}: {work}: {done} of {steps}", info.name);
        }
    }
    assert!(watched("boosting").contains(&("rounds".to_owned(), 60, 60)));
    let names: Vec<String> = watched("best").into_iter().map(|(work, ..)| work).collect();
    for work in ["features", "trees", "alignment, judged"] {
        assert!(names.iter().any(|name| name == work), "{names:?}");
    }
}
