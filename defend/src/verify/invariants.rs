//! What every defended trace must keep.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::PerDirection;

/// What a defence promises beyond what all of them must keep. Nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guarantees {
    /// Its parameters make it do nothing: the trace comes back as it is.
    pub identity: bool,
    /// A layer before it sends over several paths and this one sees a mixture of them, so that order is not checked again.
    pub mixed_paths: bool,
    /// Normal packets keep their times and their order.
    pub times_untouched: bool,
    /// Normal packets keep their sizes: none is padded, cut or joined.
    pub sizes_untouched: bool,
    /// It sends no padding packets.
    pub no_padding: bool,
    /// It sends no padding after the last normal packet.
    pub ends_with_data: bool,
    /// Normal packets keep their order over both directions (the pessimistic delay model).
    pub total_order: bool,
    /// Answers, as [`Causes`](crate::Causes) infers them, follow what they answer as in the original or later (the inferred
    /// delay model).
    pub causal: bool,
    /// It sends padding at most so long after a normal packet (a soft stop).
    pub quiet_ns: Option<u64>,
    /// Slots may stay empty when no normal packet was sent for so long (a soft stop); none may where it is not given.
    pub pauses_after_ns: Option<u64>,
    /// No packet starts before its predecessor in its direction is out, at so many bits a second (a link with a queue).
    pub link_bits_per_second: Option<PerDirection<u64>>,
    /// It draws a number of padding packets, at most this many for every load.
    pub budget: Option<PerDirection<u64>>,
    /// Every packet is on its slot.
    pub slots: Option<SlotPlan>,
}

/// Slots: packet n of a direction, from 0, leaves at n times the interval of its direction, whatever it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotPlan {
    /// Interval, above 0.
    pub interval_ns: PerDirection<u64>,
    /// Size of every packet in bytes.
    pub size: u32,
    /// The number of packets of a direction is a multiple of this; 1 allows any.
    pub multiple: u64,
    /// At least so many packets.
    pub at_least: PerDirection<u64>,
}

/// What a defended trace keeps. Written with its number, `I3 no-time-travel`; read with and without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Invariant {
    /// There are packets, time does not go backwards, no size is 0, no piece is empty.
    Shape,
    /// Every byte of every original packet is carried exactly once.
    Conservation,
    /// A packet carries only what goes its way.
    Direction,
    /// A packet carries at most its size.
    Capacity,
    /// Nothing leaves before it arrived.
    NoTimeTravel,
    /// In each direction, and on each path, bytes leave in the order in which they arrived.
    Fifo,
    /// Over both directions packets leave in the order in which they arrived.
    TotalOrder,
    /// Answers leave as long after what they answer as in the original, or longer.
    Causality,
    /// Times and order of normal packets are those of the original.
    TimesUntouched,
    /// Each normal packet is one packet of the original, in its size.
    SizesUntouched,
    /// There is no padding packet.
    NoPadding,
    /// There is no padding after the last normal packet, or no longer than the stop rule allows.
    EndsWithData,
    /// Padding sent and dropped is what was drawn, and within the budget.
    Budget,
    /// Every packet is on its slot and has the slot's size; no slot is empty.
    Schedule,
    /// A packet waits until its predecessor in its direction is out.
    LinkRate,
    /// The number of packets a direction is what the end rule says.
    End,
    /// A defence that does nothing returns its input.
    Identity,
    /// A second run with the same seed gives the same.
    Determinism,
    /// What a defence is told of a set does not depend on the labels; one that learns from labels learns from its training traces alone.
    Labels,
    /// A written set names its layers in their order.
    Composition,
    /// A written set costs what was reported.
    Overheads,
    /// Nothing in the sizes marks padding.
    Marks,
}

impl Invariant {
    /// All of them, by number.
    pub const ALL: [Self; 22] = [
        Self::Conservation,
        Self::Direction,
        Self::Fifo,
        Self::TotalOrder,
        Self::NoTimeTravel,
        Self::Causality,
        Self::Marks,
        Self::Schedule,
        Self::TimesUntouched,
        Self::SizesUntouched,
        Self::NoPadding,
        Self::Capacity,
        Self::LinkRate,
        Self::Shape,
        Self::Budget,
        Self::EndsWithData,
        Self::End,
        Self::Determinism,
        Self::Identity,
        Self::Composition,
        Self::Overheads,
        Self::Labels,
    ];

    /// Its number, from 1 to 15; some numbers are tested in parts.
    pub fn number(self) -> u8 {
        self.entry().0
    }

    /// What it says, in one sentence without its full stop.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Conservation => "every byte of every original packet is carried exactly once",
            Self::Direction => "a packet carries only what goes its way",
            Self::Fifo => "in each direction, and on each path, bytes leave in the order in which they arrived",
            Self::TotalOrder => "over both directions packets leave in the order in which they arrived",
            Self::NoTimeTravel => "nothing leaves before it arrived",
            Self::Causality => "an answer leaves as long after what it answers as in the original, or longer",
            Self::Marks => "nothing in the sizes marks padding",
            Self::Schedule => "every packet is on its slot and has the slot's size, and no slot is empty",
            Self::TimesUntouched => "times and order of normal packets are those of the original",
            Self::SizesUntouched => "each normal packet is one packet of the original, in its size",
            Self::NoPadding => "there is no padding packet",
            Self::Capacity => "a packet carries at most its size",
            Self::LinkRate => "a packet waits until its predecessor in its direction is out",
            Self::Shape => "there are packets, time does not go backwards, no size is 0",
            Self::Budget => "padding sent and dropped is what was drawn, and within the budget",
            Self::EndsWithData => {
                "no padding comes after the last normal packet, or no longer after it than the stop rule allows"
            }
            Self::End => "the number of packets a direction is what the end rule says",
            Self::Determinism => "a second run with the same seed gives the same packets",
            Self::Identity => "a defence whose parameters ask for nothing returns its input",
            Self::Composition => "the file names its layers in their order",
            Self::Overheads => "the file costs what was reported",
            Self::Labels => "what is sent does not depend on labels, or on those of the training traces alone",
        }
    }

    fn entry(self) -> (u8, &'static str) {
        match self {
            Self::Conservation => (1, "conservation"),
            Self::Direction => (1, "direction"),
            Self::Fifo => (2, "fifo"),
            Self::TotalOrder => (2, "total-order"),
            Self::NoTimeTravel => (3, "no-time-travel"),
            Self::Causality => (4, "causality"),
            Self::Marks => (5, "marks"),
            Self::Schedule => (6, "schedule"),
            Self::TimesUntouched => (6, "times-untouched"),
            Self::SizesUntouched => (6, "sizes-untouched"),
            Self::NoPadding => (6, "no-padding"),
            Self::Capacity => (7, "capacity"),
            Self::LinkRate => (7, "link-rate"),
            Self::Shape => (8, "shape"),
            Self::Budget => (9, "budget"),
            Self::EndsWithData => (10, "ends-with-data"),
            Self::End => (10, "end"),
            Self::Determinism => (11, "determinism"),
            Self::Identity => (12, "identity"),
            Self::Composition => (13, "composition"),
            Self::Overheads => (14, "overheads"),
            Self::Labels => (15, "labels"),
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (number, name) = self.entry();
        write!(f, "I{number} {name}")
    }
}

impl From<Invariant> for String {
    fn from(invariant: Invariant) -> Self {
        invariant.to_string()
    }
}

impl TryFrom<String> for Invariant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let name = text.split_once(' ').map_or(&*text, |(_, name)| name);
        let found = Self::ALL.into_iter().find(|invariant| invariant.entry().1 == name);
        found.ok_or_else(|| format!("`{text}` is no invariant"))
    }
}

/// An invariant that a defended trace breaks.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("breaks the invariant `{invariant}` ({}) at packet {packet}: {detail}", invariant.meaning())]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// Where, from 0: a packet of the defended trace; of the original for [`Invariant::Conservation`],
    /// [`Invariant::TotalOrder`] and [`Invariant::Causality`], which are about one.
    pub packet: usize,
    /// What was found.
    pub detail: String,
}

impl Guarantees {
    /// What [`check`](crate::check) looks at: what every defence keeps, and what this one promises.
    pub fn checked(&self) -> BTreeSet<Invariant> {
        use Invariant as I;
        let always = [I::Shape, I::Conservation, I::Direction, I::Capacity, I::NoTimeTravel, I::Fifo];
        let promised = [
            (self.total_order, I::TotalOrder),
            (self.causal, I::Causality),
            (self.times_untouched, I::TimesUntouched),
            (self.sizes_untouched, I::SizesUntouched),
            (self.no_padding, I::NoPadding),
            (self.ends_with_data || self.quiet_ns.is_some(), I::EndsWithData),
            (self.budget.is_some(), I::Budget),
            (self.slots.is_some(), I::Schedule),
            (self.slots.is_some(), I::End),
            (self.link_bits_per_second.is_some(), I::LinkRate),
            (self.identity, I::Identity),
        ];
        always.into_iter().chain(promised.into_iter().filter(|(is, _)| *is).map(|(_, invariant)| invariant)).collect()
    }

    /// Every promise by itself, to find all that are broken and not the first alone.
    pub(crate) fn each(&self) -> Vec<Self> {
        let base = Self { mixed_paths: self.mixed_paths, ..Self::default() };
        let all = [
            Self { identity: self.identity, ..base.clone() },
            Self { times_untouched: self.times_untouched, ..base.clone() },
            Self { sizes_untouched: self.sizes_untouched, ..base.clone() },
            Self { no_padding: self.no_padding, ..base.clone() },
            Self { total_order: self.total_order, ..base.clone() },
            Self { causal: self.causal, ..base.clone() },
            Self { ends_with_data: self.ends_with_data, ..base.clone() },
            Self { quiet_ns: self.quiet_ns, ..base.clone() },
            Self { budget: self.budget, ..base.clone() },
            Self { slots: self.slots.clone(), pauses_after_ns: self.pauses_after_ns, ..base.clone() },
            Self { link_bits_per_second: self.link_bits_per_second, ..base.clone() },
        ];
        all.into_iter().filter(|one| *one != base).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_has_a_number_and_is_read_as_it_is_written() {
        let numbers: BTreeSet<u8> = Invariant::ALL.into_iter().map(Invariant::number).collect();
        assert!(numbers.into_iter().eq(1..=15));
        let told: BTreeSet<&str> = Invariant::ALL.into_iter().map(Invariant::meaning).collect();
        assert_eq!(told.len(), Invariant::ALL.len(), "each says something of its own");
        for invariant in Invariant::ALL {
            let written = serde_json::to_string(&invariant).unwrap();
            assert_eq!(written, format!("\"{invariant}\""));
            assert_eq!(serde_json::from_str::<Invariant>(&written).unwrap(), invariant);
        }
        let without_number: Invariant = serde_json::from_str("\"no-time-travel\"").unwrap();
        assert_eq!((without_number, without_number.number()), (Invariant::NoTimeTravel, 3));
        assert!(serde_json::from_str::<Invariant>("\"I3 hurry\"").is_err());
        let variants: BTreeSet<usize> = Invariant::ALL.into_iter().map(|invariant| invariant as usize).collect();
        assert!(variants.into_iter().eq(0..=Invariant::Marks as usize), "one is missing or there twice");
    }

    #[test]
    fn promises_are_told_apart() {
        let all = Guarantees { times_untouched: true, quiet_ns: Some(3), ..Guarantees::default() };
        let one_by_one: BTreeSet<Invariant> = all.each().iter().flat_map(Guarantees::checked).collect();
        assert_eq!((all.each().len(), one_by_one), (2, all.checked()));
        assert!(Guarantees::default().each().is_empty());
    }
}
