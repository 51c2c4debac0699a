//! Which defence, with which parameters: the text form and what there is to choose from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use wfkit_datasets::{Overlap, TraceSet};
use wfkit_metrics::{did_you_mean, did_you_mean_one_of};

use crate::defenses::DEFENSES;
use crate::spec::info::{DefaultValue, DefenseInfo, Parameter, Preset};
use crate::spec::value::AUTO;
use crate::{DelayModel, NotSimulated, ParameterValues, Profile, StopRule, Value, not_simulated};

/// Traces that a defence would learn from and defend; how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{0} of the traces to defend are among the training traces")]
pub struct AmongTraining(pub usize);

/// A defence as it is written: `name[:preset][,key=value]...`, layers joined by `+`, the first applied first.
///
/// ```
/// let spec: wfkit_defend::DefenseSpec = "front:w-max=7s+pad:mtu".parse()?;
/// assert_eq!(spec.to_string(), "front:ft-1,w-max=7s+pad:mtu");
/// # Ok::<(), wfkit_defend::DefenseSpecError>(())
/// ```
///
/// Without a preset the first one of [`list`] is meant, and the first parameter may follow the colon; writing a specification always names
/// the preset.
///
/// Layers that learn from labelled traces need to be [fitted](Self::fit) before they can defend. Specifications are equal if
/// they are written alike, whatever they are fitted on.
#[derive(Debug, Clone)]
pub struct DefenseSpec {
    layers: Vec<LayerSpec>,
    training: Option<Arc<TraceSet>>,
    profile: Option<Arc<Profile>>,
}

impl PartialEq for DefenseSpec {
    fn eq(&self, other: &Self) -> bool {
        self.layers == other.layers
    }
}

impl Eq for DefenseSpec {}

/// One layer of a [`DefenseSpec`].
#[derive(Debug, Clone)]
pub struct LayerSpec {
    defense: &'static DefenseInfo,
    preset: &'static Preset,
    given: BTreeMap<&'static str, Value>,
}

/// Names that papers and code use for defences, beside those that they have here.
const ALIASES: [(&str, &str); 12] = [
    ("adaptive-padding", "wtf-pad"),
    ("ap", "wtf-pad"),
    ("circpad", "spring"),
    ("dts", "direct-target-sampling"),
    ("multihoming", "hywf"),
    ("padding", "pad"),
    ("random-walkie-talkie", "random-wt"),
    ("splitting", "trafficsliver"),
    ("tor-padding", "netflow"),
    ("traffic-morphing", "morphing"),
    ("wt", "random-wt"),
    ("zero-delay", "front"),
];

/// What a wrong name of a defence may have been meant to be: a defence, by its name or another, one of its presets, with the defence before it or
/// not, or one that is known and not simulated.
pub fn meant_defense(wrong: &str) -> String {
    let presets =
        DEFENSES.iter().flat_map(|defense| defense.presets.iter().map(move |preset| (defense.name, preset.name)));
    let presets: Vec<(&str, String)> = presets.map(|(name, preset)| (preset, format!("{name}:{preset}"))).collect();
    let names = DEFENSES.iter().map(|defense| defense.name).chain(not_simulated().iter().map(|known| known.name));
    let names = names.map(|name| (name, name)).chain(ALIASES);
    // A preset that has the name of a defence is not what that name means.
    let is_defense = |text: &str| DEFENSES.iter().any(|defense| defense.name == text);
    let of_preset = presets
        .iter()
        .filter(|(preset, _)| !is_defense(preset))
        .flat_map(|(preset, whole)| [(*preset, whole.as_str()), (whole, whole)]);
    did_you_mean(wrong, names.chain(of_preset))
}

/// All defences there are.
pub fn list() -> &'static [DefenseInfo] {
    DEFENSES
}

/// Why a text is not a specification.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefenseSpecError {
    /// No such defence.
    #[error("there is no defence `{name}`{}; there are {}", meant_defense(name), available.join(", "))]
    UnknownDefense {
        /// What was asked for.
        name: String,
        /// What there is.
        available: Vec<&'static str>,
    },
    /// There is such a defence, but not here.
    #[error("{} is not simulated: {}; needed: {}", .0.name, .0.reason, .0.needed)]
    NotSimulated(&'static NotSimulated),
    /// No such preset.
    #[error("{defense} has no preset `{preset}`{}; it has {}", did_you_mean_one_of(preset, available.iter().copied()), available.join(", "))]
    UnknownPreset {
        /// The defence.
        defense: &'static str,
        /// What was asked for.
        preset: String,
        /// What there is.
        available: Vec<&'static str>,
    },
    /// No such parameter.
    #[error("{layer} has no parameter `{key}`{}; it has {}", did_you_mean_one_of(key, available.iter().copied()), if available.is_empty() { "none".to_owned() } else { available.join(", ") })]
    UnknownParameter {
        /// Defence and preset.
        layer: String,
        /// What was asked for.
        key: String,
        /// What there is.
        available: Vec<&'static str>,
    },
    /// Not of the form `key=value`.
    #[error("`{part}` in `{layer}` is not of the form key=value")]
    NotAParameter {
        /// Defence and preset.
        layer: String,
        /// What was written.
        part: String,
    },
    /// The parameter is there twice.
    #[error("{layer} is given `{key}` twice")]
    Repeated {
        /// Defence and preset.
        layer: String,
        /// The parameter.
        key: &'static str,
    },
    /// The value is not of the parameter's kind, or out of its range.
    #[error("{layer}: {key}: {problem}")]
    Value {
        /// Defence and preset.
        layer: String,
        /// The parameter.
        key: &'static str,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Values that do not go together.
    #[error("{layer}: {problem}")]
    Conflict {
        /// Defence and preset.
        layer: String,
        /// What is wrong.
        problem: String,
    },
}

impl DefenseSpec {
    /// The layers, at least one, the first applied first.
    pub fn layers(&self) -> &[LayerSpec] {
        &self.layers
    }

    /// These layers, and then those of another; what this one learns from and is told of stays.
    ///
    /// ```
    /// let padded: wfkit_defend::DefenseSpec = "front:w-max=7s".parse()?;
    /// assert_eq!(padded.then("pad:mtu".parse()?).to_string(), "front:ft-1,w-max=7s+pad:mtu");
    /// # Ok::<(), wfkit_defend::DefenseSpecError>(())
    /// ```
    pub fn then(mut self, next: Self) -> Self {
        self.layers.extend(next.layers);
        self
    }

    /// Whether a layer learns from labelled training traces, so that it has to be fitted.
    pub fn needs_training(&self) -> bool {
        self.layers.iter().any(|layer| layer.defense.needs.classes)
    }

    /// With the traces that its layers learn from, classes included: the training part of a split, so that nothing of a tested trace is
    /// learned. They have been through the same layers as the traces to defend. A later layer learns from what the earlier ones make of
    /// them.
    ///
    /// ```
    /// # use wfkit_defend::{DefendError, DefenseSpec, defend};
    /// # use wfkit_datasets::{Groups, splits::stratified_k_fold, TraceSet};
    /// # fn fold(set: &TraceSet, spec: DefenseSpec) -> Result<(), Box<dyn std::error::Error>> {
    /// let labels: Vec<_> = set.traces().iter().map(|t| &t.key.class).collect();
    /// for split in stratified_k_fold(&labels, &Groups::by_origin(set), 5, 0)?.splits {
    ///     let spec = if spec.needs_training() { spec.clone().fit(set.select(&split.train)) } else { spec.clone() };
    ///     let defended = defend(set, &spec, 1)?; // then train an attack on split.train of it, and test it on split.test
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fit(self, training: impl Into<Arc<TraceSet>>) -> Self {
        Self { training: Some(training.into()), ..self }
    }

    /// As [`fit`](Self::fit), where none of the traces to defend is among the training traces.
    ///
    /// # Errors
    /// How many are.
    pub fn fit_apart(self, training: TraceSet, to_defend: &TraceSet) -> Result<Self, AmongTraining> {
        match Overlap::between_sets(&training, to_defend).learned_from() {
            0 => Ok(self.fit(training)),
            shared => Err(AmongTraining(shared)),
        }
    }

    /// With what its layers are told of the set, for whoever defends a set in parts: of each part it would be something else.
    pub fn knowing(self, profile: Profile) -> Self {
        Self { profile: Some(Arc::new(profile)), ..self }
    }

    /// What its layers are told of this set, or have been [told](Self::told) of the set that this is a part of.
    pub(crate) fn profile_of(&self, set: &TraceSet) -> Profile {
        self.profile.as_deref().cloned().unwrap_or_else(|| Profile::of(set))
    }

    /// Whether its layers have been told of a set already.
    pub(crate) fn is_told(&self) -> bool {
        self.profile.is_some()
    }

    /// The traces that its layers learn from.
    pub fn training(&self) -> Option<&Arc<TraceSet>> {
        self.training.as_ref()
    }

    /// Whether a layer sends over several paths, whichever of them are seen.
    pub(crate) fn splits(&self) -> bool {
        self.layers.iter().any(|layer| layer.parameter(PATHS).is_some())
    }

    /// Whether a layer sends over several paths and the observer does not see all of them.
    pub fn hides_paths(&self) -> bool {
        self.layers.iter().any(LayerSpec::hides_paths)
    }
}

/// Options of the simulation that layers have as parameters: each fills those that are not given.
impl DefenseSpec {
    /// With this delay model for every layer that holds packets back and is not given `delays`.
    pub fn with_delays(self, model: DelayModel) -> Self {
        self.filled(DELAYS, &model.to_string(), false)
    }

    /// With this delay model for every layer that holds packets back, whatever is given.
    pub(crate) fn only_delays(self, model: DelayModel) -> Self {
        self.filled(DELAYS, &model.to_string(), true)
    }

    /// With this stop rule for every layer that sends padding packets and is not given `stop`.
    pub fn with_stop(self, rule: StopRule) -> Self {
        self.filled(STOP, &rule.to_string(), false)
    }

    /// Whether a layer holds packets back, so that the delay model matters.
    pub fn delays(&self) -> bool {
        self.layers.iter().any(|layer| layer.parameter(DELAYS).is_some())
    }

    /// Whether a layer has a stop rule.
    pub fn stops(&self) -> bool {
        self.layers.iter().any(|layer| layer.parameter(STOP).is_some())
    }

    fn filled(mut self, key: &str, text: &str, anyway: bool) -> Self {
        for layer in &mut self.layers {
            if let Some(parameter) = layer.parameter(key)
                && let Ok(value) = parameter.read(text)
                && (anyway || !layer.given.contains_key(key))
            {
                layer.given.insert(parameter.key, value);
            }
        }
        self
    }
}

/// Packets of the mean trace that RegulaTor's rate and budget were chosen for (Holland and Hopper, 2022).
pub(crate) const REGULATOR_PACKETS: f64 = 2101.0;

/// The parameters of the same name and meaning in every defence that has them.
const DELAYS: &str = "delays";
const STOP: &str = "stop";

/// The parameters of every defence that sends over several paths: how many there are, and how many of them are seen.
pub(crate) const PATHS: &str = "paths";
pub(crate) const SEE: &str = "see";

impl LayerSpec {
    fn parameter(&self, key: &str) -> Option<&'static Parameter> {
        self.preset.parameters.iter().find(|parameter| parameter.key == key)
    }

    fn hides_paths(&self) -> bool {
        let values = self.known_values();
        let number = |key| values.0.get(key).map(|value| value.number());
        number(SEE).zip(number(PATHS)).is_some_and(|(seen, paths)| seen < paths)
    }

    /// The defence.
    pub fn defense(&self) -> &'static DefenseInfo {
        self.defense
    }

    /// Its preset.
    pub fn preset(&self) -> &'static Preset {
        self.preset
    }

    /// All parameters: those given, and the defaults of the others for a set with this profile.
    pub fn values(&self, profile: &Profile) -> ParameterValues {
        let mut values = ParameterValues(self.given.clone());
        for parameter in self.preset.parameters {
            if !values.0.contains_key(parameter.key) {
                let value = match &parameter.default {
                    DefaultValue::Is(value) => *value,
                    DefaultValue::Derived { derive, .. } => derive(profile, &values),
                };
                values.0.insert(parameter.key, value);
            }
        }
        let slot = values.0.get("size").map_or(1, |size| size.number());
        for value in values.0.values_mut().filter(|value| **value == Value::Choice(AUTO)) {
            *value = Value::Ratio((profile.mean_packets(slot) / REGULATOR_PACKETS * 1e6).round() as u64);
        }
        values
    }

    /// The values known without a set: those given, and the plain defaults.
    fn known_values(&self) -> ParameterValues {
        let mut values = ParameterValues(self.given.clone());
        for parameter in self.preset.parameters {
            if let DefaultValue::Is(value) = parameter.default {
                values.0.entry(parameter.key).or_insert(value);
            }
        }
        values
    }
}

impl PartialEq for LayerSpec {
    fn eq(&self, other: &Self) -> bool {
        let name = |layer: &Self| (layer.defense.name, layer.preset.name);
        name(self) == name(other) && self.given == other.given
    }
}

impl Eq for LayerSpec {}

/// The parts of one layer, as written.
pub(crate) struct LayerText<'a> {
    pub(crate) name: &'a str,
    pub(crate) preset: Option<&'a str>,
    /// Each `key=value`, if it is well written.
    pub(crate) parameters: Vec<&'a str>,
}

impl<'a> LayerText<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let (head, rest) = text.split_once(',').map_or((text, None), |(head, rest)| (head, Some(rest)));
        let (name, first) = head.split_once(':').map_or((head, None), |(name, first)| (name, Some(first)));
        let (preset, parameter) =
            if first.is_some_and(|first| first.contains('=')) { (None, first) } else { (first, None) };
        let rest = rest.into_iter().flat_map(|rest| rest.split(','));
        let parameters = parameter.into_iter().chain(rest).map(str::trim).collect();
        Self { name: name.trim(), preset: preset.map(str::trim), parameters }
    }
}

impl FromStr for DefenseSpec {
    type Err = DefenseSpecError;

    fn from_str(text: &str) -> Result<Self, DefenseSpecError> {
        let layers = text.split('+').map(str::parse).collect::<Result<_, _>>()?;
        Ok(Self { layers, training: None, profile: None })
    }
}

impl FromStr for LayerSpec {
    type Err = DefenseSpecError;

    fn from_str(text: &str) -> Result<Self, DefenseSpecError> {
        let LayerText { name, preset, parameters } = LayerText::new(text);
        let defense = DEFENSES.iter().find(|defense| defense.name == name).ok_or_else(|| {
            if let Some(known) = not_simulated().iter().find(|known| known.name == name) {
                return DefenseSpecError::NotSimulated(known);
            }
            let available = DEFENSES.iter().map(|defense| defense.name).collect();
            DefenseSpecError::UnknownDefense { name: name.to_owned(), available }
        })?;
        let preset = match preset {
            None => &defense.presets[0],
            Some(wanted) => defense.presets.iter().find(|preset| preset.name == wanted).ok_or_else(|| {
                let available = defense.presets.iter().map(|preset| preset.name).collect();
                DefenseSpecError::UnknownPreset { defense: defense.name, preset: wanted.to_owned(), available }
            })?,
        };
        let mut layer = Self { defense, preset, given: BTreeMap::new() };
        for part in parameters {
            layer.give(part)?;
        }
        (preset.check)(&layer.known_values())
            .map_err(|problem| DefenseSpecError::Conflict { layer: layer.name(), problem })?;
        Ok(layer)
    }
}

impl LayerSpec {
    /// Defence and preset, as written.
    fn name(&self) -> String {
        format!("{}:{}", self.defense.name, self.preset.name)
    }

    /// Takes one `key=value`.
    fn give(&mut self, part: &str) -> Result<(), DefenseSpecError> {
        let (key, text) = part
            .split_once('=')
            .ok_or_else(|| DefenseSpecError::NotAParameter { layer: self.name(), part: part.to_owned() })?;
        let (key, text) = (key.trim(), text.trim());
        let parameter = self.parameter(key).ok_or_else(|| {
            let available = self.preset.parameters.iter().map(|parameter| parameter.key).collect();
            DefenseSpecError::UnknownParameter { layer: self.name(), key: key.to_owned(), available }
        })?;
        let value = parameter.read(text).map_err(|problem| DefenseSpecError::Value {
            layer: self.name(),
            key: parameter.key,
            problem,
        })?;
        match self.given.insert(parameter.key, value) {
            Some(_) => Err(DefenseSpecError::Repeated { layer: self.name(), key: parameter.key }),
            None => Ok(()),
        }
    }
}

impl fmt::Display for DefenseSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, layer) in self.layers.iter().enumerate() {
            let joint = if i == 0 { "" } else { "+" };
            write!(f, "{joint}{layer}")?;
        }
        Ok(())
    }
}

impl fmt::Display for LayerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        for parameter in self.preset.parameters {
            if let Some(value) = self.given.get(parameter.key) {
                write!(f, ",{}={value}", parameter.key)?;
            }
        }
        Ok(())
    }
}

impl Serialize for DefenseSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DefenseSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::any_spec;

    fn error(text: &str) -> String {
        text.parse::<DefenseSpec>().unwrap_err().to_string()
    }

    #[test]
    fn the_first_preset_is_meant_where_none_is_named() {
        for defense in list() {
            let spec: DefenseSpec = defense.name.parse().unwrap();
            assert_eq!(spec.to_string(), format!("{}:{}", defense.name, defense.presets[0].name));
        }
    }

    #[test]
    fn a_parameter_may_follow_the_colon() {
        let written = |text: &str| text.parse::<DefenseSpec>().unwrap().to_string();
        assert_eq!(written("front:n=5, w-max=7s"), "front:ft-1,n=5,w-max=7s");
        assert_eq!(written("front:ft-2,n=5+jitter:max=7ms"), "front:ft-2,n=5+jitter:uniform,max=7ms");
        let spec: DefenseSpec = "front:n=5,n-server=8".parse().unwrap();
        let values = spec.layers()[0].values(&Profile::of(&crate::testing::training()));
        assert_eq!((values.count("n-client"), values.count("n-server")), (5, 8));
    }

    #[test]
    fn errors_say_what_there_is() {
        assert!(error("frost").starts_with(
            "there is no defence `frost` (did you mean `front`?); there are pad, front, tamaraw, constant-rate, jitter"
        ));
        assert_eq!(
            error("front:ft-3"),
            "front has no preset `ft-3` (did you mean `ft-1` or `ft-2`?); it has ft-1, ft-2"
        );
        assert_eq!(
            error("front,m=3"),
            "front:ft-1 has no parameter `m`; it has n, n-client, n-server, budget, w-min, w-max, size, stop"
        );
        assert_eq!(error("pad:exponential,to=8B"), "pad:exponential has no parameter `to`; it has none");
        assert_eq!(error("front,w-max"), "`w-max` in `front:ft-1` is not of the form key=value");
        assert_eq!(error("front,w-max=2s,w-max=3s"), "front:ft-1 is given `w-max` twice");
        assert_eq!(
            error("tamaraw,rho-out=40"),
            "tamaraw:ccs14: rho-out: `40` needs the unit of a duration: s, ms, us or ns, as in 40ms"
        );
        assert_eq!(error("tamaraw,rho-out=0s"), "tamaraw:ccs14: rho-out: `0s` is not within 1us and 3600s");
        assert_eq!(error("front,w-min=20s"), "front:ft-1: w-min (20s) is above w-max (14s)");
        assert!(error("front+").starts_with("there is no defence ``"));
    }

    #[test]
    fn errors_say_what_may_have_been_meant() {
        let meant = |text: &str| {
            let error = error(text);
            let (_, after) = error.split_once("did you mean ").unwrap_or_else(|| panic!("{text}: {error}"));
            after.split_once('?').unwrap().0.to_owned()
        };
        for (wrong, right) in [
            ("buflo", "`constant-rate:buflo`"),
            ("wtfpad", "`wtf-pad`"),
            ("WTF_PAD", "`wtf-pad`"),
            ("front_t1", "`front:ft-1`"),
            ("ft-1", "`front:ft-1`"),
            ("tamarraw", "`tamaraw`"),
            ("csbuflo", "`cs-buflo`"),
            ("regulater:light", "`regulator`"),
            ("traffic-morphing", "`morphing`"),
            ("traffic_sliver:bwr", "`trafficsliver`"),
            ("mtu", "`pad:mtu`"),
            ("surakaw", "`surakav`"),
            ("front:ft1", "`ft-1`"),
            ("front,nclient=3", "`n-client`"),
            ("tamaraw,delay=none", "`delays`"),
            ("tamaraw,delays=optimist", "`optimistic`"),
            ("pad+fronnt", "`front`"),
        ] {
            assert_eq!(meant(wrong), right, "{wrong}");
        }
    }

    #[test]
    fn the_list_is_sound() {
        for defense in list() {
            assert!(!defense.presets.is_empty() && !defense.source.is_empty(), "{}", defense.name);
            for preset in defense.presets {
                for parameter in preset.parameters {
                    if let DefaultValue::Is(value) = parameter.default {
                        let read = parameter.read(&value.to_string());
                        assert_eq!(read, Ok(value), "{}:{} {}", defense.name, preset.name, parameter.key);
                    }
                }
            }
        }
        let json = serde_json::to_value(list()).unwrap();
        assert_eq!(json[1]["presets"][0]["parameters"][0]["default"], "1700");
    }

    proptest! {
        #[test]
        fn writing_and_reading_gives_the_same_specification(spec in any_spec()) {
            prop_assert_eq!(spec.to_string().parse::<DefenseSpec>(), Ok(spec.clone()));
            let json = serde_json::to_string(&spec).unwrap();
            prop_assert_eq!(serde_json::from_str::<DefenseSpec>(&json).unwrap(), spec);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[a-z0-9:,=+. -]{0,40}") {
            let _ = text.parse::<DefenseSpec>();
        }
    }
}
