//! Outgoing and incoming.

use std::ops::{Add, Index, IndexMut};

use serde::{Deserialize, Serialize};

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Client to network, positive sizes.
    Outgoing,
    /// Network to client, negative sizes.
    Incoming,
}

impl Direction {
    /// Both directions, outgoing first.
    pub const BOTH: [Self; 2] = [Self::Outgoing, Self::Incoming];

    /// The direction that the sign of a size says. Sizes are never 0.
    pub fn of(size: i32) -> Self {
        if size > 0 { Self::Outgoing } else { Self::Incoming }
    }

    /// The other one.
    pub fn opposite(self) -> Self {
        match self {
            Self::Outgoing => Self::Incoming,
            Self::Incoming => Self::Outgoing,
        }
    }

    /// `bytes`, which must fit an `i32`, with the sign of this direction.
    pub fn signed(self, bytes: u32) -> i32 {
        let magnitude = bytes as i32;
        match self {
            Self::Outgoing => magnitude,
            Self::Incoming => -magnitude,
        }
    }
}

/// One value for each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PerDirection<T> {
    /// Of what the client sends.
    pub outgoing: T,
    /// Of what the client receives.
    pub incoming: T,
}

impl<T> PerDirection<T> {
    /// The value of each direction.
    pub fn from_fn(mut value: impl FnMut(Direction) -> T) -> Self {
        Self { outgoing: value(Direction::Outgoing), incoming: value(Direction::Incoming) }
    }
}

impl PerDirection<Option<u64>> {
    /// The earlier of two times and whose it is, outgoing first at equal times; none of none. By hand, since iterators over both copy
    /// through memory what a simulation asks for every packet.
    pub(crate) fn first(self) -> Option<(u64, Direction)> {
        match (self.outgoing, self.incoming) {
            (Some(outgoing), Some(incoming)) if incoming < outgoing => Some((incoming, Direction::Incoming)),
            (Some(outgoing), _) => Some((outgoing, Direction::Outgoing)),
            (None, incoming) => incoming.map(|incoming| (incoming, Direction::Incoming)),
        }
    }
}

impl<T: Add<Output = T> + Copy> PerDirection<T> {
    /// Both directions together.
    pub fn total(&self) -> T {
        self.outgoing + self.incoming
    }
}

impl<T> Index<Direction> for PerDirection<T> {
    type Output = T;

    fn index(&self, direction: Direction) -> &T {
        match direction {
            Direction::Outgoing => &self.outgoing,
            Direction::Incoming => &self.incoming,
        }
    }
}

impl<T> IndexMut<Direction> for PerDirection<T> {
    fn index_mut(&mut self, direction: Direction) -> &mut T {
        match direction {
            Direction::Outgoing => &mut self.outgoing,
            Direction::Incoming => &mut self.incoming,
        }
    }
}

impl<T: Add<Output = T>> Add for PerDirection<T> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { outgoing: self.outgoing + other.outgoing, incoming: self.incoming + other.incoming }
    }
}
