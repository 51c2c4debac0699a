//! What else may be known of each packet than its time and size.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a packet has where its value in a column is not known.
pub const NOT_KNOWN: i16 = -1;

/// A column of packets that a trace may have beside times and sizes: whole numbers from 0 to 32,767, [`NOT_KNOWN`] where a packet has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PacketColumn {
    /// Which flow of its trace a packet is of, from 0 on in the order of their first packets; 32,767 is that and all later ones.
    Flow,
    /// The protocol over IP by its number at IANA: 6 is TCP, 17 is UDP.
    Proto,
    /// The command of a cell of Tor: 3 is RELAY (tor-spec, "Cell packet format").
    CellCmd,
    /// The command in a relay cell of Tor: 2 is DATA, 10 is DROP (tor-spec, "Relay cells").
    RelayCmd,
}

impl PacketColumn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Flow, Self::Proto, Self::CellCmd, Self::RelayCmd];

    /// Its name, in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Flow => "flow",
            Self::Proto => "proto",
            Self::CellCmd => "cell_cmd",
            Self::RelayCmd => "relay_cmd",
        }
    }

    /// What it tells of a packet, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Flow => "Which flow of its trace a packet is of, from 0 on",
            Self::Proto => "The protocol over IP by its number: 6 TCP, 17 UDP",
            Self::CellCmd => "The command of a cell of Tor",
            Self::RelayCmd => "The command in a relay cell of Tor",
        }
    }
}

impl fmt::Display for PacketColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PacketColumn {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|column| column.name() == name);
        found.ok_or_else(|| {
            format!("no column of packets is named {name:?}; there are {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// The columns that a trace has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PacketColumns([Option<Vec<i16>>; 4]);

impl PacketColumns {
    pub(crate) fn get(&self, column: PacketColumn) -> Option<&[i16]> {
        self.0[column as usize].as_deref()
    }

    pub(crate) fn set(&mut self, column: PacketColumn, values: Vec<i16>) {
        self.0[column as usize] = Some(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_names() {
        for column in PacketColumn::ALL {
            assert_eq!(column.name().parse(), Ok(column));
            assert_eq!(serde_json::to_string(&column).unwrap(), format!("\"{column}\""));
        }
        assert!("port".parse::<PacketColumn>().unwrap_err().ends_with("there are flow, proto, cell_cmd, relay_cmd"));
    }
}
