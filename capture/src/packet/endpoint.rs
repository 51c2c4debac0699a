//! An end of a flow.

use std::net::{IpAddr, Ipv6Addr};

/// An address in two numbers, cheap to move, to compare and to hash. An IPv4 address and the IPv6 address that maps it
/// are one.
///
/// Halves since one number of 128 bits would be aligned to 16 bytes, and a flow not fit in 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Address {
    high: u64,
    low: u64,
}

impl Address {
    #[inline]
    pub(crate) fn v4(address: [u8; 4]) -> Self {
        Self { high: 0, low: 0xffff << 32 | u64::from(u32::from_be_bytes(address)) }
    }

    #[inline]
    pub(crate) fn v6(address: [u8; 16]) -> Self {
        let address = u128::from_be_bytes(address);
        Self { high: (address >> 64) as u64, low: address as u64 }
    }
}

/// An address and a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    address: Address,
    port: u16,
}

impl Endpoint {
    pub(crate) fn new(address: IpAddr, port: u16) -> Self {
        let address = match address {
            IpAddr::V4(v4) => Address::v4(v4.octets()),
            IpAddr::V6(v6) => Address::v6(v6.octets()),
        };
        Self::at(address, port)
    }

    #[inline]
    pub(crate) fn at(address: Address, port: u16) -> Self {
        Self { address, port }
    }

    /// The address in two halves, and the port.
    #[inline]
    pub(crate) fn words(&self) -> [u64; 3] {
        [self.address.high, self.address.low, self.port.into()]
    }

    pub(crate) fn ip(&self) -> IpAddr {
        Ipv6Addr::from_bits(u128::from(self.address.high) << 64 | u128::from(self.address.low)).to_canonical()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}
