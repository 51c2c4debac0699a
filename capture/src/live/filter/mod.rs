//! Which packets are recorded: a small part of the language of pcap-filter(7).

mod parse;
mod program;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// Which packets are recorded, in a part of the language of tcpdump (pcap-filter(7)) and with the meanings it has there:
///
/// - `tcp`, `udp`, `icmp`, `ip`, `ip6`, `arp`;
/// - `port N`, `host ADDRESS`, `net ADDRESS/BITS`, each with `src` or `dst` before it, `port` also with `tcp` or `udp`
///   (`tcp dst port 9001`);
/// - `and`, `or`, `not` (also `&&`, `||`, `!`) and parentheses. Where `and` and `or` meet, parentheses are needed, since
///   tcpdump gives both the same precedence and most readers do not.
///
/// Ports are found in IPv4 and, where no extension header comes first, in IPv6; of a packet in fragments only in the first.
/// Nothing at all lets everything pass.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    text: String,
    expression: Option<Expression>,
}

/// Text that is no [`Filter`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("filter `{text}`: {problem}")]
pub struct FilterError {
    /// The filter.
    pub text: String,
    /// What is wrong, with the word where it is.
    pub problem: String,
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        let refused = |problem| FilterError { text: text.to_owned(), problem };
        let expression = parse::parse(text).map_err(refused)?;
        let filter = Self { text: text.trim().to_owned(), expression };
        // Offsets depend on the link; lengths do not.
        if filter.instructions(14, true).len() > program::MAX_INSTRUCTIONS {
            return Err(refused("too long for the kernel".to_owned()));
        }
        Ok(filter)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What a filter says.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Expression {
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    Not(Box<Self>),
    EtherType(u16),
    /// By number in IPv4 and IPv6.
    Protocol {
        v4: Option<u8>,
        v6: Option<u8>,
    },
    Port {
        protocol: Option<u8>,
        side: Side,
        port: u16,
    },
    Net {
        side: Side,
        address: IpAddr,
        bits: u8,
    },
}

/// Which end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Source,
    Destination,
    Either,
}

/// What filters can ask for, and what recording needs, for people.
pub const FILTERS_EXPLAINED: &str = "\
Filters are a part of tcpdump's language, with the same meanings:
  tcp udp icmp icmp6 ip ip6 arp        protocols
  port N, host ADDRESS, net CIDR       with src or dst before them; tcp or udp before port
  and or not ( )                       parentheses are needed where `and` and `or` meet
  such as: tcp and host 192.0.2.7 and not port 22

Recording needs Linux and the right CAP_NET_RAW, nothing else: run as root, or once
  sudo setcap cap_net_raw+ep \"$(command -v wfkit)\"
Ctrl-C ends a recording. On loopback every packet is recorded once, when it arrives.";
