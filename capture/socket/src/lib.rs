//! Packet sockets of Linux (`AF_PACKET`, packet(7)) behind a safe interface.
//!
//! All unsafe code of captures is in this crate: binding to an interface, receiving a packet with the kernel's time stamp,
//! and asking for the kernel's counters. The crates that wrap these calls need libc with a feature that nothing else here
//! needs, or leave out time stamps and counters. On other systems the crate is empty.

#![cfg(target_os = "linux")]

use std::ffi::CString;
use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::AsRawFd as _;
use std::ptr::from_mut;
use std::time::Duration;

pub use socket2::SockFilter;
use socket2::{Domain, Protocol, Socket, Type};

/// What the kernel counted since it was last asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Packets that passed the filter, also those that were then dropped.
    pub received: u32,
    /// Packets that found no room in the socket's buffer.
    pub dropped: u32,
}

/// A packet that was received. Its bytes are in the buffer that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Received {
    /// When the kernel saw it, in ns of Unix time; `None` if it did not say.
    pub time_ns: Option<i64>,
    /// Its length, in bytes: more than the buffer holds where it was cut.
    pub len: usize,
}

/// A raw packet socket on one interface.
#[derive(Debug)]
pub struct PacketSocket {
    socket: Socket,
    hardware_type: u16,
}

impl PacketSocket {
    /// A socket that receives what `filter` lets pass on `interface`, with room for `buffer_bytes` of unread packets
    /// (the kernel may allow less).
    ///
    /// # Errors
    ///
    /// What the system says: no permission (CAP_NET_RAW is needed), no such interface, a filter that is not valid.
    pub fn open(interface: &str, filter: &[SockFilter], buffer_bytes: usize) -> io::Result<Self> {
        let name = CString::new(interface).map_err(|_| io::Error::from_raw_os_error(libc::ENODEV))?;
        // SAFETY: `name` is a string with a NUL at its end that lives through the call, which keeps no pointer to it.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // A socket without protocol receives nothing, so that no packet of another interface or from before the filter
        // gets in; binding to a protocol starts it.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
        socket.attach_filter(filter)?;
        socket.set_recv_buffer_size(buffer_bytes)?;
        enable_time_stamps(&socket)?;
        let hardware_type = bind(&socket, index)?;
        Ok(Self { socket, hardware_type })
    }

    /// The ARP hardware type of the interface (`ARPHRD_*`).
    pub fn hardware_type(&self) -> u16 {
        self.hardware_type
    }

    /// Waits for the next packet, for at most `wait` (at least 1 µs); `None` if there was none, or a signal came.
    pub fn receive(&self, buffer: &mut [u8], wait: Duration) -> io::Result<Option<Received>> {
        self.socket.set_read_timeout(Some(wait.max(Duration::from_micros(1))))?;
        match receive(&self.socket, buffer) {
            Ok(received) => Ok(Some(received)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends a whole frame through the interface.
    ///
    /// # Errors
    ///
    /// What the system says: the interface is down, its queue is full, the frame is longer than it takes.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send(frame).map(|_| ())
    }

    /// Packets received and dropped since the last call.
    pub fn take_counters(&self) -> io::Result<Counters> {
        let mut counters = MaybeUninit::<libc::tpacket_stats>::zeroed();
        let mut len = size_of::<libc::tpacket_stats>() as libc::socklen_t;
        // SAFETY: the descriptor is open; the kernel writes at most `len` bytes, which is what `counters` holds.
        let result = unsafe {
            libc::getsockopt(
                self.socket.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                counters.as_mut_ptr().cast(),
                &mut len,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: two integers, zeroed before, of which any value is valid.
        let counters = unsafe { counters.assume_init() };
        Ok(Counters { received: counters.tp_packets, dropped: counters.tp_drops })
    }
}

/// The ARP hardware type (`ARPHRD_*`) of an interface in the network namespace of the calling thread.
///
/// It is asked of a socket, since `/sys/class/net` may show another namespace.
///
/// # Errors
///
/// What the system says, `ENODEV` where there is no such interface.
pub fn hardware_type_of(interface: &str) -> io::Result<u16> {
    let no_such = || io::Error::from_raw_os_error(libc::ENODEV);
    let name = CString::new(interface).map_err(|_| no_such())?;
    let name = name.as_bytes_with_nul();
    if name.len() > libc::IFNAMSIZ {
        return Err(no_such());
    }
    // SAFETY: a struct of integers and a union of them, for which zeros are valid.
    let mut request: libc::ifreq = unsafe { zeroed() };
    for (to, &from) in request.ifr_name.iter_mut().zip(name) {
        *to = from as libc::c_char;
    }
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    // SAFETY: the descriptor is open; the kernel reads a name that ends with NUL and writes into the request, which lives
    // through the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFHWADDR, from_mut(&mut request)) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel filled this part of the union; any value of its integers is valid.
    Ok(unsafe { request.ifr_ifru.ifru_hwaddr }.sa_family)
}

fn enable_time_stamps(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the descriptor is open; the kernel reads one integer, which is what is passed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_TIMESTAMPNS,
            (&raw const on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Binds to all protocols of the interface; its hardware type.
fn bind(socket: &Socket, index: libc::c_uint) -> io::Result<u16> {
    // SAFETY: a struct of integers, for which zeros are valid.
    let mut address: libc::sockaddr_ll = unsafe { zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    address.sll_ifindex = index as libc::c_int;
    let mut len = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the descriptor is open; the kernel reads `len` bytes of `address`, which are there.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), len) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open; the kernel writes at most `len` bytes, which `address` has.
    let result = unsafe { libc::getsockname(socket.as_raw_fd(), (&raw mut address).cast(), &mut len) };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(address.sll_hatype)
}

/// Room for one control message with a time, aligned as `cmsghdr` needs it.
#[repr(C)]
union Control {
    header: libc::cmsghdr,
    bytes: [u8; 64],
}

fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Received> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = Control { bytes: [0; 64] };
    // SAFETY: a struct of integers and pointers, for which zeros (no address, nothing to receive) are valid.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &mut part;
    message.msg_iovlen = 1;
    message.msg_control = from_mut(&mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    // SAFETY: the descriptor is open; `message` points to `buffer` and `control` with their own lengths, which the
    // kernel keeps to, and both outlive the call. MSG_TRUNC only changes the length that is returned.
    let len = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut message, libc::MSG_TRUNC) };
    let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;

    let mut time_ns = None;
    // SAFETY: the kernel filled `control` and set its length in `message`; CMSG_FIRSTHDR and CMSG_NXTHDR stay in it.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(&message) };
    while !header.is_null() {
        // SAFETY: not null, so it points to a whole header in `control`, which is aligned for it.
        let (level, kind) = unsafe { ((*header).cmsg_level, (*header).cmsg_type) };
        if (level, kind) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            // SAFETY: data of this kind are one timespec; it is read unaligned.
            let time: libc::timespec = unsafe { libc::CMSG_DATA(header).cast::<libc::timespec>().read_unaligned() };
            time_ns = time.tv_sec.checked_mul(1_000_000_000).and_then(|ns| ns.checked_add(time.tv_nsec));
        }
        // SAFETY: as for CMSG_FIRSTHDR.
        header = unsafe { libc::CMSG_NXTHDR(&message, header) };
    }
    Ok(Received { time_ns, len })
}
