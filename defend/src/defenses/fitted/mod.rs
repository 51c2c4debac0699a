//! Defences that learn from labelled training traces.

mod anonymity;
mod glue;
mod k_anonymous;
mod morphing;
mod other_loads;
mod palette;
mod partition;
mod schedule;
mod supersequence;

use wfkit_datasets::{Trace, TraceSet};

pub(super) use self::glue::INFO as GLUE;
pub(super) use self::k_anonymous::INFO as K_ANONYMOUS;
pub(super) use self::morphing::{MORPHING, TARGET_SAMPLING};
pub(super) use self::other_loads::{DECOY, DUMMY_QUERIES};
pub(super) use self::palette::INFO as PALETTE;
pub(super) use self::supersequence::INFO as SUPERSEQUENCE;
use crate::{DefaultValue, Kind, Parameter, Profile, Value};

/// The training traces of one class.
type Class<'a> = (&'a str, Vec<&'a Trace>);

/// The training traces by class, in the order of classes.
fn classes(training: &TraceSet) -> Vec<Class<'_>> {
    let same = |a: &wfkit_datasets::LabelledTrace, b: &wfkit_datasets::LabelledTrace| a.key.class == b.key.class;
    let classes = training.traces().chunk_by(same);
    classes.map(|all| (all[0].key.class.as_str(), all.iter().map(|labelled| &labelled.trace).collect())).collect()
}

/// The training traces that a defence which declares to need them has.
fn training(profile: &Profile) -> &TraceSet {
    profile.training().expect("a pipeline gives a defence that needs training traces some, or refuses")
}

/// How many classes share a look.
const K: Parameter = Parameter {
    key: "k",
    kind: Kind::Count,
    min: 1,
    default: DefaultValue::Derived {
        rule: "10, or all classes where there are fewer",
        derive: |profile, _| Value::Count((training(profile).classes().len() as u64).min(10)),
    },
    meaning: "at least so many classes look alike",
};
