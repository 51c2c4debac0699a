//! What there is to know about defences before choosing one.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::Defense;
use crate::simulate::profile::{Needs, Profile};
use crate::spec::value::{Kind, ParameterValues, Value};

/// What there is to know about a defence before choosing it.
#[derive(Debug, Serialize)]
pub struct DefenseInfo {
    /// Its name in a specification.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What it is good for, in a few words.
    pub purpose: &'static str,
    /// What it costs, roughly and in words; for numbers it is applied, or see `published`.
    pub cost: &'static str,
    /// The paper that defines it.
    pub source: &'static str,
    /// Overheads as published, each with where.
    pub published: &'static [&'static str],
    /// What a reader of its results should know, and where it differs from the paper.
    pub caveats: &'static [&'static str],
    /// What it needs of the traces.
    pub needs: Needs,
    /// Its settings; the first is the default.
    pub presets: &'static [Preset],
}

/// A named setting of a defence.
#[derive(Debug, Serialize)]
pub struct Preset {
    /// Its name in a specification.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// Its parameters, in the order in which a specification is written.
    pub parameters: &'static [Parameter],
    /// What values must be to each other, or what is wrong with them.
    #[serde(skip)]
    pub(crate) check: fn(&ParameterValues) -> Result<(), String>,
    /// Makes the defence, or says why the set does not suit it.
    #[serde(skip)]
    pub(crate) build: Build,
}

type Build = fn(&ParameterValues, &Profile) -> Result<Box<dyn Defense>, String>;

/// A parameter of a preset.
#[derive(Debug, Serialize)]
pub struct Parameter {
    /// Its name in a specification.
    pub key: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// The smallest of them, in ns, bytes or millionths or as a number.
    pub min: u64,
    /// Its value where none is given.
    pub default: DefaultValue,
    /// What it sets.
    pub meaning: &'static str,
}

/// The value of a parameter that is not given.
#[derive(Debug)]
pub enum DefaultValue {
    /// A value.
    Is(Value),
    /// A value that follows from the set and the parameters before it.
    Derived {
        /// The rule, in words.
        rule: &'static str,
        /// The rule.
        derive: fn(&Profile, &ParameterValues) -> Value,
    },
}

impl fmt::Display for DefaultValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(value) => value.fmt(f),
            Self::Derived { rule, .. } => f.write_str(rule),
        }
    }
}

impl Serialize for DefaultValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Parameter {
    /// A number, `default` where it is not given.
    pub(crate) const fn count(key: &'static str, min: u64, default: u64, meaning: &'static str) -> Self {
        Self { key, kind: Kind::Count, min, default: DefaultValue::Is(Value::Count(default)), meaning }
    }

    /// A time in ns, `default` where it is not given.
    pub(crate) const fn duration(key: &'static str, min: u64, default: u64, meaning: &'static str) -> Self {
        Self { key, kind: Kind::Duration, min, default: DefaultValue::Is(Value::Duration(default)), meaning }
    }

    /// A ratio in millionths, `default` where it is not given.
    pub(crate) const fn ratio(key: &'static str, min: u64, default: u64, meaning: &'static str) -> Self {
        Self { key, kind: Kind::Ratio, min, default: DefaultValue::Is(Value::Ratio(default)), meaning }
    }

    /// The value that `text` says, in range, or what is wrong with it.
    pub(super) fn read(&self, text: &str) -> Result<Value, String> {
        let value = self.kind.parse(text)?;
        let word = matches!(value, Value::Choice(_) | Value::Text(_));
        if !word && (value.number() < self.min || value.number() > self.kind.max()) {
            let bound = |number| match self.kind {
                Kind::Duration | Kind::Stop => Value::Duration(number),
                Kind::Size => Value::Size(number as u32),
                Kind::Rate => Value::Rate(number),
                Kind::Ratio | Kind::Scale => Value::Ratio(number),
                Kind::Count | Kind::Choice(_) | Kind::Text => Value::Count(number),
            };
            return Err(format!("`{text}` is not within {} and {}", bound(self.min), bound(self.kind.max())));
        }
        Ok(value)
    }
}
