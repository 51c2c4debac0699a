//! An end of a flow.

use std::net::{IpAddr, Ipv6Addr};

/// An address and a port, in a form that is cheap to compare and to hash. An IPv4 address and the IPv6 address that
/// maps it are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Endpoint {
    address: u128,
    port: u16,
}

impl Endpoint {
    pub(crate) fn v4(address: [u8; 4], port: u16) -> Self {
        let [a, b, c, d] = address;
        let mapped = u128::from_be_bytes([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]);
        Self { address: mapped, port }
    }

    pub(crate) fn v6(address: [u8; 16], port: u16) -> Self {
        Self { address: u128::from_be_bytes(address), port }
    }

    pub(crate) fn ip(&self) -> IpAddr {
        Ipv6Addr::from_bits(self.address).to_canonical()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
