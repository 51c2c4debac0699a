//! An end of a flow.

use std::net::{IpAddr, Ipv6Addr};

/// An address and a port, in a form that is cheap to compare and to hash. An IPv4 address and the IPv6 address that
/// maps it are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    /// The halves of the address: one number of 128 bits would be aligned to 16 bytes, and a flow not fit in 64.
    high: u64,
    low: u64,
    port: u16,
}

impl Endpoint {
    pub(crate) fn new(address: IpAddr, port: u16) -> Self {
        match address {
            IpAddr::V4(v4) => Self::v4(v4.octets(), port),
            IpAddr::V6(v6) => Self::v6(v6.octets(), port),
        }
    }

    #[inline]
    pub(crate) fn v4(address: [u8; 4], port: u16) -> Self {
        Self { high: 0, low: 0xffff << 32 | u64::from(u32::from_be_bytes(address)), port }
    }

    #[inline]
    pub(crate) fn v6(address: [u8; 16], port: u16) -> Self {
        let address = u128::from_be_bytes(address);
        Self { high: (address >> 64) as u64, low: address as u64, port }
    }

    /// The address in two halves, and the port.
    #[inline]
    pub(crate) fn words(&self) -> ([u64; 2], u16) {
        ([self.high, self.low], self.port)
    }

    pub(crate) fn ip(&self) -> IpAddr {
        Ipv6Addr::from_bits(u128::from(self.high) << 64 | u128::from(self.low)).to_canonical()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
