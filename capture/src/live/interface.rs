//! Packets of a network interface.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::filter::Filter;
use super::source::{Counters, Packet, PacketSource};
use crate::packet::LinkType;

/// The packets that pass a filter on one interface, by a packet socket of Linux (`AF_PACKET`).
///
/// Packets are those of the interface in both directions. On loopback the kernel shows every packet twice, leaving and
/// arriving; the leaving one is not recorded. Frames have no VLAN tag that the network card or the kernel removed, and may be
/// larger than the MTU where segments are joined or split by the card (offloading).
#[derive(Debug)]
pub struct Interface {
    #[cfg(target_os = "linux")]
    socket: wfkit_packet_socket::PacketSocket,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing opens an interface"))]
    link: LinkType,
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing opens an interface"))]
    buffer: Vec<u8>,
}

/// Why packets of an interface cannot be had.
#[derive(Debug, Error)]
pub enum InterfaceError {
    /// There is none of that name.
    #[error("there is no interface `{name}`; there are {}", interfaces.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// Names of those that there are.
        interfaces: Vec<String>,
    },
    /// The right CAP_NET_RAW is missing.
    #[error(
        "interface {name}: no permission to record packets, which needs CAP_NET_RAW and no more: run as root, or once \
         `sudo setcap cap_net_raw+ep {program}`"
    )]
    Permission {
        /// The interface.
        name: String,
        /// The program that is running.
        program: String,
    },
    /// Frames of this kind of interface are not known.
    #[error("interface {name}: frames of its hardware type {hardware_type} cannot be recorded")]
    HardwareType {
        /// The interface.
        name: String,
        /// ARP hardware type.
        hardware_type: u16,
    },
    /// The system refuses for another reason.
    #[error("interface {name}: {source}")]
    System {
        /// The interface.
        name: String,
        /// What it says.
        source: io::Error,
    },
    /// Only Linux has packet sockets.
    #[error("recording needs Linux; captures of other programs can be imported: wfkit capture import")]
    NotLinux,
}

/// Bytes of a frame that are recorded where all are: no frame that Linux shows is longer.
#[cfg(target_os = "linux")]
const WHOLE_FRAME: u32 = 262_144;

#[cfg(target_os = "linux")]
mod linux {
    use super::*;
    use wfkit_packet_socket::PacketSocket;

    /// Unread packets that the kernel keeps, in bytes; it allows less unless told otherwise (`net.core.rmem_max`).
    const BUFFER_BYTES: usize = 16 << 20;

    impl Interface {
        /// Opens the interface. Of every frame at most `snap_len` bytes are recorded; 0 is all.
        ///
        /// # Errors
        ///
        /// If there is no such interface or no permission, or frames of its kind are not known.
        pub fn open(name: &str, filter: &Filter, snap_len: u32) -> Result<Self, InterfaceError> {
            let link = link_of(name)?;
            let socket = PacketSocket::open(name, &filter.program(link, is_loopback(name)), BUFFER_BYTES)
                .map_err(|source| why_not(name, source))?;
            let snap_len = if snap_len == 0 { WHOLE_FRAME } else { snap_len.min(WHOLE_FRAME) };
            Ok(Self { socket, link, buffer: vec![0; snap_len as usize] })
        }
    }

    impl PacketSource for Interface {
        fn link(&self) -> LinkType {
            self.link
        }

        fn next(&mut self, wait: Duration) -> io::Result<Option<Packet<'_>>> {
            let Some(received) = self.socket.receive(&mut self.buffer, wait)? else { return Ok(None) };
            let time_ns = received.time_ns.ok_or_else(|| io::Error::other("a packet without a time"))?;
            let captured = received.len.min(self.buffer.len());
            Ok(Some(Packet { time_ns, orig_len: received.len as u32, data: &self.buffer[..captured] }))
        }

        fn take_counters(&mut self) -> io::Result<Counters> {
            let counters = self.socket.take_counters()?;
            Ok(Counters { received: counters.received.into(), dropped: counters.dropped.into() })
        }
    }

    const LOOPBACK: u16 = 772;

    fn is_loopback(name: &str) -> bool {
        hardware_type(name) == Some(LOOPBACK)
    }

    /// By the hardware type (`ARPHRD_*` of linux/if_arp.h).
    fn link_of(name: &str) -> Result<LinkType, InterfaceError> {
        let hardware_type = hardware_type(name).ok_or_else(|| unknown(name))?;
        match hardware_type {
            1 | LOOPBACK => Ok(LinkType::ETHERNET),
            // None (as of tun and WireGuard), raw IP, and tunnels of IPv6 in IPv4.
            0xfffe | 519 | 776 => Ok(LinkType::RAW),
            801 => Ok(LinkType::IEEE802_11),
            803 => Ok(LinkType::IEEE802_11_RADIOTAP),
            hardware_type => Err(InterfaceError::HardwareType { name: name.to_owned(), hardware_type }),
        }
    }

    fn hardware_type(name: &str) -> Option<u16> {
        wfkit_packet_socket::hardware_type_of(name).ok()
    }

    /// The names are those of the calling thread's network namespace, which a thread may have changed for itself.
    fn unknown(name: &str) -> InterfaceError {
        let table = std::fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
        let names = table.lines().skip(2).filter_map(|line| line.split_once(':'));
        let mut interfaces: Vec<String> = names.map(|(name, _)| name.trim().to_owned()).collect();
        interfaces.sort();
        InterfaceError::Unknown { name: name.to_owned(), interfaces }
    }

    fn why_not(name: &str, source: io::Error) -> InterfaceError {
        let name = name.to_owned();
        if source.kind() != io::ErrorKind::PermissionDenied {
            return InterfaceError::System { name, source };
        }
        let program = std::env::current_exe().map_or_else(|_| "wfkit".to_owned(), |path| path.display().to_string());
        InterfaceError::Permission { name, program }
    }
}

#[cfg(not(target_os = "linux"))]
impl Interface {
    /// Only Linux has packet sockets.
    ///
    /// # Errors
    ///
    /// Always.
    pub fn open(_name: &str, _filter: &Filter, _snap_len: u32) -> Result<Self, InterfaceError> {
        Err(InterfaceError::NotLinux)
    }
}

#[cfg(not(target_os = "linux"))]
impl PacketSource for Interface {
    fn link(&self) -> LinkType {
        self.link
    }

    fn next(&mut self, _wait: Duration) -> io::Result<Option<Packet<'_>>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn take_counters(&mut self) -> io::Result<Counters> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
