//! Link types: what a captured frame starts with.

use std::fmt;

/// A link-layer header type, by its number in the registry of the Tcpdump Group
/// (<https://www.tcpdump.org/linktypes.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: the protocol family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP, version 4 or 6.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: the protocol family in network byte order.
    pub const LOOP: Self = Self(108);
    /// PPP.
    pub const PPP: Self = Self(9);
    /// PPP in HDLC framing.
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE.
    pub const PPP_ETHER: Self = Self(51);
    /// Cisco HDLC: as PPP, but for an EtherType.
    pub const C_HDLC: Self = Self(104);
    /// IEEE 802.11.
    pub const IEEE802_11: Self = Self(105);
    /// IEEE 802.11 behind a radiotap header.
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// Linux "cooked" capture, version 1.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);

    /// What the frame starts with, `None` for a link type that cannot be read.
    pub(crate) fn framing(self) -> Option<Framing> {
        match self {
            Self::ETHERNET => Some(Framing::Ethernet),
            // 12 and 14 are what some BSDs wrote for raw IP.
            Self::RAW | Self(12 | 14) | Self::IPV4 | Self::IPV6 => Some(Framing::Ip),
            Self::LINUX_SLL => Some(Framing::Cooked { protocol_at: 14, header_len: 16 }),
            Self::LINUX_SLL2 => Some(Framing::Cooked { protocol_at: 0, header_len: 20 }),
            Self::C_HDLC => Some(Framing::Cooked { protocol_at: 2, header_len: 4 }),
            Self::NULL | Self::LOOP => Some(Framing::Loopback),
            Self::PPP | Self::PPP_HDLC => Some(Framing::Ppp),
            Self::PPP_ETHER => Some(Framing::PppOverEthernet),
            Self::IEEE802_11 => Some(Framing::Wifi),
            Self::IEEE802_11_RADIOTAP => Some(Framing::Radiotap),
            _ => None,
        }
    }

    fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "BSD loopback",
            1 => "Ethernet",
            3 => "AX.25",
            6 => "Token Ring",
            7 => "ARCNET",
            8 => "SLIP",
            9 => "PPP",
            10 => "FDDI",
            12 | 14 | 101 => "raw IP",
            50 => "PPP in HDLC framing",
            51 => "PPPoE",
            100 => "ATM RFC 1483",
            104 => "Cisco HDLC",
            105 => "IEEE 802.11",
            107 => "Frame Relay",
            108 => "OpenBSD loopback",
            113 => "Linux cooked v1",
            117 => "OpenBSD pflog",
            119 => "IEEE 802.11 with Prism header",
            127 => "IEEE 802.11 with radiotap header",
            129 => "ARCNET, Linux",
            147..=162 => "reserved for private use",
            189 | 220 => "Linux USB",
            192 => "PPI",
            195 | 230 => "IEEE 802.15.4",
            201 => "Bluetooth HCI",
            227 => "SocketCAN",
            228 => "raw IPv4",
            229 => "raw IPv6",
            239 => "Linux NFLOG",
            249 => "USBPcap",
            251 => "Bluetooth Low Energy",
            252 => "Wireshark upper PDU",
            253 => "Linux netlink",
            258 => "Apple PKTAP",
            271 => "vsock",
            276 => "Linux cooked v2",
            _ => return None,
        })
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} ({name})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}

/// How to get from the start of a frame to its IP packet.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Framing {
    /// An Ethernet header, maybe with VLAN tags.
    Ethernet,
    /// Nothing before the IP header.
    Ip,
    /// A header with an EtherType in it.
    Cooked { protocol_at: usize, header_len: usize },
    /// A protocol family of four bytes.
    Loopback,
    /// PPP, with or without the address and control bytes of HDLC.
    Ppp,
    /// A PPPoE header, then PPP.
    PppOverEthernet,
    /// An IEEE 802.11 header.
    Wifi,
    /// A radiotap header, then IEEE 802.11.
    Radiotap,
}
