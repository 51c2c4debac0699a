//! Checksums that a sender left to its device.

use std::net::Ipv4Addr;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// Where a frame goes, if it is IPv4 in Ethernet.
pub(super) fn destination(frame: &[u8]) -> Option<Ipv4Addr> {
    if frame.len() < 34 || frame[12..14] != [8, 0] {
        return None;
    }
    Some(Ipv4Addr::new(frame[30], frame[31], frame[32], frame[33]))
}

/// Fills in the checksum of TCP and UDP (RFC 9293, RFC 768): a virtual device hands frames on before it is computed. Fragments
/// and what is cut are left as they are.
pub(super) fn fill_in(frame: &mut [u8]) {
    let Some(ip) = frame.get_mut(14..) else { return };
    let header = usize::from(ip[0] & 15) * 4;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let is_fragment = u16::from_be_bytes([ip[6], ip[7]]) & 0x3fff != 0;
    let at = match ip[9] {
        TCP => 16,
        UDP => 6,
        _ => return,
    };
    if header < 20 || total < header + at + 2 || total > ip.len() || is_fragment {
        return;
    }
    let protocol = ip[9];
    let (head, payload) = ip[..total].split_at_mut(header);
    payload[at..at + 2].fill(0);
    let pseudo = sum(&head[12..20]) + u64::from(protocol) + payload.len() as u64;
    let mut checksum = !folded(pseudo + sum(payload));
    if checksum == 0 && protocol == UDP {
        checksum = 0xffff; // Zero says that there is none.
    }
    payload[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
}

fn sum(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks_exact(2);
    let odd = pairs.remainder().first().map_or(0, |&byte| u64::from(byte) << 8);
    pairs.map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum::<u64>() + odd
}

fn folded(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment `hello` between two nodes, as tcpdump -vv calls correct.
    fn frame() -> Vec<u8> {
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 1, 8, 0];
        frame.extend([0x45, 0, 0, 45, 0, 1, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 1, 198, 18, 0, 2]);
        frame.extend([0x23, 0x29, 0x23, 0x29, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        frame.extend(b"hello");
        frame
    }

    #[test]
    fn a_filled_in_checksum_verifies() {
        let mut frame = frame();
        fill_in(&mut frame);
        let ip = &frame[14..];
        let with_checksum = sum(&ip[12..20]) + 6 + 25 + sum(&ip[20..45]);
        assert_eq!(folded(with_checksum), 0xffff);
        // Filled in again, nothing changes.
        let once = frame.clone();
        fill_in(&mut frame);
        assert_eq!(frame, once);
    }

    #[test]
    fn what_is_cut_or_in_fragments_is_left_alone() {
        for length in 0..59 {
            let mut cut = frame()[..length].to_vec();
            if length >= 34 {
                fill_in(&mut cut);
            }
            assert_eq!(cut, frame()[..length]);
        }
        let mut fragment = frame();
        fragment[20] |= 0x20;
        let before = fragment.clone();
        fill_in(&mut fragment);
        assert_eq!(fragment, before);
    }

    #[test]
    fn only_ipv4_has_a_destination() {
        assert_eq!(destination(&frame()), Some(Ipv4Addr::new(198, 18, 0, 2)));
        let mut other = frame();
        other[12..14].copy_from_slice(&[0x86, 0xdd]);
        assert_eq!(destination(&other), None);
        assert_eq!(destination(&frame()[..33]), None);
    }
}
