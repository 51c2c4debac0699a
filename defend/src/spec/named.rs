//! Defences by their names, those that are not simulated among them.

use std::str::FromStr;

use crate::{DefenseInfo, NotSimulated, list, meant_defense, not_simulated};

/// What a name of a defence stands for.
#[derive(Debug, Clone, Copy)]
pub enum NamedDefense {
    /// A defence.
    Simulated(&'static DefenseInfo),
    /// One that is known, and left out for a reason.
    NotSimulated(&'static NotSimulated),
}

impl FromStr for NamedDefense {
    type Err = String;

    /// The defence of that name; a specification of one layer is as good.
    fn from_str(name: &str) -> Result<Self, String> {
        let bare = name.split([':', ',']).next().unwrap_or(name);
        let simulated = list().iter().find(|defence| defence.name == bare).map(Self::Simulated);
        let absent = || not_simulated().iter().find(|defence| defence.name == bare).map(Self::NotSimulated);
        simulated.or_else(absent).ok_or_else(|| {
            let names: Vec<&str> = list().iter().map(|defence| defence.name).collect();
            format!("there is no defence `{bare}`{}; there are {}", meant_defense(bare), names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_for_defences_also_with_parameters_or_without_a_simulation() {
        let named = |name: &str| name.parse::<NamedDefense>();
        assert!(matches!(named("front:ft-1,w-max=7s"), Ok(NamedDefense::Simulated(found)) if found.name == "front"));
        let absent = not_simulated()[0].name;
        assert!(matches!(named(absent), Ok(NamedDefense::NotSimulated(found)) if found.name == absent));
        assert!(named("fronts").unwrap_err().starts_with("there is no defence `fronts` (did you mean `front`"));
    }
}
