//! Who the client is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use thiserror::Error;

/// How to tell the client, whose packets are outgoing, from its peers. As text `auto`, a network such as `10.0.0.0/8`
/// (or a single address), or `port:N`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClientRule {
    /// Looks at the two hosts that exchanged the most payload, and takes the first of these that decides:
    /// 1. who opened the connection (a SYN without ACK, or the answer to one),
    /// 2. whose address is private, loopback, link-local, shared (100.64.0.0/10) or for benchmarks (198.18.0.0/15)
    ///    when the other's is public,
    /// 3. who asked for names (DNS, where UDP is read),
    /// 4. whose peer is at a port of servers (below 1024, or one such as 9001) when it is not itself,
    /// 5. who is the client, or whose peer is a peer, in another capture of the same import that tells by one of these,
    /// 6. whose port is ephemeral (32768 and above) when the other's is not, and who received at least twice what it sent.
    ///
    /// What is left is a guess, and a warning for the file: who received at least twice what it sent, whose port is
    /// ephemeral or not well known, who sent the first payload.
    #[default]
    Auto,
    /// The host whose address is in this network. A flow with both ends or neither in it has no known client.
    Cidr(Cidr),
    /// The host that talks *to* this port: the port is the server's, such as 9050 for a capture between an
    /// application and its SOCKS proxy. A flow with both ends or neither at it has no known client.
    Port(u16),
}

/// Text that is no [`ClientRule`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` does not say who the client is: write `auto`, a network such as `10.0.0.0/8`, or `port:9001`")]
pub struct ClientRuleError(String);

impl FromStr for ClientRule {
    type Err = ClientRuleError;

    fn from_str(text: &str) -> Result<Self, ClientRuleError> {
        let error = || ClientRuleError(text.to_owned());
        if text == "auto" {
            return Ok(Self::Auto);
        }
        match text.strip_prefix("port:") {
            Some(port) => match port.parse() {
                Ok(port) if port > 0 => Ok(Self::Port(port)),
                _ => Err(error()),
            },
            None => Cidr::parse(text).map(Self::Cidr).ok_or_else(error),
        }
    }
}

impl fmt::Display for ClientRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cidr(cidr) => write!(f, "{cidr}"),
            Self::Port(port) => write!(f, "port:{port}"),
        }
    }
}

/// A network: the addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// The network of the addresses that share their first `prefix` bits with `address`; `None` where an address does
    /// not have so many.
    pub const fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        if prefix <= bits { Some(Self { address, prefix }) } else { None }
    }

    /// Whether `address` is in the network. No IPv4 address is in an IPv6 network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let differing = match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => u128::from(ours.to_bits() ^ other.to_bits()) << 96,
            (IpAddr::V6(ours), IpAddr::V6(other)) => ours.to_bits() ^ other.to_bits(),
            _ => return false,
        };
        differing.leading_zeros() >= u32::from(self.prefix)
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self::new(address, prefix.map_or(Some(bits), |prefix| prefix.parse().ok())?)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// Whether an address is of no use in the public Internet.
pub(crate) fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && b & 0xc0 == 64; // RFC 6598
            let is_benchmark = a == 198 && b & 0xfe == 18; // RFC 2544
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || is_shared || is_benchmark
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_as_they_are_read() {
        for text in ["auto", "10.0.0.0/8", "fd00::/8", "port:9050", "0.0.0.0/0", "192.0.2.7/32"] {
            assert_eq!(text.parse::<ClientRule>().unwrap().to_string(), text);
        }
        assert_eq!("192.0.2.7".parse::<ClientRule>().unwrap().to_string(), "192.0.2.7/32");
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for text in
            ["", "Auto", "port:", "port:0", "port:65536", "10.0.0.0/33", "10.0.0/8", "::/129", "/8", "10.0.0.1/"]
        {
            assert!(text.parse::<ClientRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_network_holds_what_shares_its_prefix() {
        let holds = |net: &str, address: &str| Cidr::parse(net).unwrap().contains(address.parse().unwrap());
        assert!(holds("198.18.0.0/15", "198.19.255.255"));
        assert!(!holds("198.18.0.0/15", "198.20.0.0"));
        assert!(holds("10.1.2.3", "10.1.2.3"));
        assert!(!holds("10.1.2.3", "10.1.2.2"));
        assert!(holds("0.0.0.0/0", "255.0.0.1"));
        assert!(!holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "ff02::1"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::"));
    }

    #[test]
    fn local_addresses() {
        let locals = [
            "10.9.8.7",
            "172.16.0.1",
            "172.31.0.1",
            "192.168.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "100.64.0.1",
            "198.19.0.1",
            "::1",
            "fd12::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ];
        for local in locals {
            assert!(is_local(local.parse().unwrap()), "{local}");
        }
        for public in ["172.32.0.1", "100.128.0.1", "198.20.0.1", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!is_local(public.parse().unwrap()), "{public}");
        }
    }
}
