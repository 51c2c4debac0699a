//! Names of attacks, as somebody writes them.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use wfkit_classify::AttackError;

use crate::attack;

/// The name of an attack that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttackName(String);

impl FromStr for AttackName {
    type Err = AttackError;

    fn from_str(text: &str) -> Result<Self, AttackError> {
        attack(text).map(|_| Self(text.to_owned()))
    }
}

impl AttackName {
    /// One of several that are written between commas, by its full name; `+` joins feature sets.
    ///
    /// # Errors
    /// There is no such attack.
    pub fn of_list(text: &str) -> Result<Self, AttackError> {
        // A name may have a + of its own, as best+deep.
        let attack = attack(text).or_else(|_| attack(&text.replace('+', ",")))?;
        Ok(Self(attack.name().to_owned()))
    }
}

impl Deref for AttackName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AttackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One attack, or all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attacks {
    /// This one.
    One(AttackName),
    /// `all`.
    All,
}

impl FromStr for Attacks {
    type Err = AttackError;

    fn from_str(text: &str) -> Result<Self, AttackError> {
        if text == "all" { Ok(Self::All) } else { text.parse().map(Self::One) }
    }
}

impl Attacks {
    /// One attack to train; all of them are for comparing.
    ///
    /// # Errors
    /// All of them; what is the name of none.
    pub fn to_train(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(Self::All) => {
                Err("`all` compares attacks, and a model file holds one: wfkit evaluate TRACES --attack all shows which to train".to_owned())
            }
            attack => attack.map_err(|error: AttackError| error.to_string()),
        }
    }

    /// Its name; none of all of them.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::One(name) => Some(name),
            Self::All => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_attacks_are_compared_and_one_is_trained() {
        assert_eq!("all".parse(), Ok(Attacks::All));
        assert_eq!(Attacks::to_train("kfp").unwrap().name(), Some("kfp"));
        assert!(Attacks::to_train("all").unwrap_err().contains("evaluate TRACES --attack all"));
        assert!(Attacks::to_train("kpf").unwrap_err().contains("kfp"));
    }
}
