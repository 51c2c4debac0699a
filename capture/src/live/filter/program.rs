//! Expression -> classic BPF (S. McCanne, V. Jacobson: The BSD Packet Filter, USENIX Winter 1993), which the kernel runs.

use std::net::IpAddr;

use super::{Expression, Filter, Side};

/// What the kernel accepts (`BPF_MAXINSNS`).
pub(super) const MAX_INSTRUCTIONS: usize = 4096;

const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_INDIRECT: u16 = 0x48;
const LOAD_INDEX_HEADER_LENGTH: u16 = 0xb1;
const AND: u16 = 0x54;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where Linux keeps the type of a packet (`SKF_AD_OFF + SKF_AD_PKTTYPE`), and that of one that leaves.
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
const OUTGOING: u32 = 4;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

/// One instruction; jumps are counted from the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    pub(super) code: u16,
    pub(super) if_true: u8,
    pub(super) if_false: u8,
    pub(super) value: u32,
}

impl Filter {
    /// The program for an interface with these frames. On loopback, where every packet is seen leaving and arriving,
    /// leaving ones do not pass.
    #[cfg(target_os = "linux")]
    pub(in crate::live) fn program(
        &self,
        link: crate::packet::LinkType,
        is_loopback: bool,
    ) -> Vec<wfkit_packet_socket::SockFilter> {
        let ip_at = if link == crate::packet::LinkType::ETHERNET { 14 } else { 0 };
        let instructions = self.instructions(ip_at, is_loopback);
        let of = |i: Instruction| wfkit_packet_socket::SockFilter::new(i.code, i.if_true, i.if_false, i.value);
        instructions.into_iter().map(of).collect()
    }

    /// `ip_at` is where IP starts: 14 behind an Ethernet header, 0 in raw IP.
    pub(super) fn instructions(&self, ip_at: u32, is_loopback: bool) -> Vec<Instruction> {
        let mut code = Backwards { reversed: Vec::new(), ip_at };
        let reject = code.put(RETURN, 0);
        let accept = code.put(RETURN, u32::MAX);
        if let Some(expression) = &self.expression {
            code.test(expression, accept, reject);
        }
        if is_loopback {
            let rest = code.last();
            code.branch(JUMP_EQUAL, OUTGOING, reject, rest);
            code.put(LOAD_WORD, PACKET_TYPE);
        }
        code.reversed.reverse();
        code.reversed
    }
}

/// A program that is written from its end, so that every jump knows its target: each part is put in front of what it
/// goes on to. A label is the number of instructions behind and with its target.
struct Backwards {
    reversed: Vec<Instruction>,
    ip_at: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Label(usize);

impl Backwards {
    fn put(&mut self, code: u16, value: u32) -> Label {
        self.reversed.push(Instruction { code, if_true: 0, if_false: 0, value });
        self.last()
    }

    fn last(&self) -> Label {
        Label(self.reversed.len())
    }

    /// Goes to one of two labels.
    fn branch(&mut self, code: u16, value: u32, yes: Label, no: Label) -> Label {
        // A conditional jump reaches 255 instructions, an unconditional one all. The second jump that is put in between
        // moves the first label by one.
        let near = |at: &mut Self, label: Label| {
            if at.reversed.len() - label.0 < 250 { label } else { at.put(JUMP, (at.reversed.len() - label.0) as u32) }
        };
        let yes = near(self, yes);
        let no = near(self, no);
        let offset = |label: Label| (self.reversed.len() - label.0) as u8;
        self.reversed.push(Instruction { code, if_true: offset(yes), if_false: offset(no), value });
        self.last()
    }

    /// Goes to `yes` if a packet is as `expression` says, else to `no`.
    fn test(&mut self, expression: &Expression, yes: Label, no: Label) -> Label {
        match expression {
            Expression::And(a, b) => {
                let then = self.test(b, yes, no);
                self.test(a, then, no)
            }
            Expression::Or(a, b) => {
                let or = self.test(b, yes, no);
                self.test(a, yes, or)
            }
            Expression::Not(a) => self.test(a, no, yes),
            Expression::EtherType(number) => self.version(*number, yes, no),
            Expression::Protocol { v4, v6 } => {
                let in_v6 = self.protocol_in(IPV6, *v6, yes, no);
                self.protocol_in(IPV4, *v4, yes, in_v6)
            }
            Expression::Port { protocol, side, port } => {
                let in_v6 = self.port_in_v6(*protocol, *side, *port, yes, no);
                self.port_in_v4(*protocol, *side, *port, yes, in_v6)
            }
            Expression::Net { side, address, bits } => self.net(*side, *address, *bits, yes, no),
        }
    }

    fn version(&mut self, ether_type: u16, yes: Label, no: Label) -> Label {
        if self.ip_at == 14 {
            self.branch(JUMP_EQUAL, ether_type.into(), yes, no);
            return self.put(LOAD_HALF, 12);
        }
        let version = match ether_type {
            IPV4 => 0x40,
            IPV6 => 0x60,
            _ => 1, // Nothing else is in raw IP.
        };
        self.branch(JUMP_EQUAL, version, yes, no);
        self.put(AND, 0xf0);
        self.put(LOAD_BYTE, self.ip_at)
    }

    fn protocol_in(&mut self, ether_type: u16, number: Option<u8>, yes: Label, no: Label) -> Label {
        let Some(number) = number else { return no };
        self.branch(JUMP_EQUAL, number.into(), yes, no);
        let then = self.put(LOAD_BYTE, self.ip_at + if ether_type == IPV4 { 9 } else { 6 });
        self.version(ether_type, then, no)
    }

    fn port_in_v4(&mut self, protocol: Option<u8>, side: Side, port: u16, yes: Label, no: Label) -> Label {
        self.port_at(LOAD_HALF_INDIRECT, self.ip_at, side, port, yes, no);
        let first_fragment = self.put(LOAD_INDEX_HEADER_LENGTH, self.ip_at);
        self.branch(JUMP_ANY_BIT, 0x1fff, no, first_fragment);
        let then = self.put(LOAD_HALF, self.ip_at + 6);
        self.has_ports(self.ip_at + 9, protocol, then, no);
        let then = self.last();
        self.version(IPV4, then, no)
    }

    fn port_in_v6(&mut self, protocol: Option<u8>, side: Side, port: u16, yes: Label, no: Label) -> Label {
        let then = self.port_at(LOAD_HALF, self.ip_at + 40, side, port, yes, no);
        let then = self.has_ports(self.ip_at + 6, protocol, then, no);
        self.version(IPV6, then, no)
    }

    /// Whether the protocol is the one wanted, or any that has ports: TCP, UDP, SCTP.
    fn has_ports(&mut self, at: u32, protocol: Option<u8>, yes: Label, no: Label) -> Label {
        let mut otherwise = no;
        for number in protocol.map_or(vec![132, 17, 6], |number| vec![number]) {
            otherwise = self.branch(JUMP_EQUAL, number.into(), yes, otherwise);
        }
        self.put(LOAD_BYTE, at)
    }

    fn port_at(&mut self, load: u16, at: u32, side: Side, port: u16, yes: Label, no: Label) -> Label {
        let mut otherwise = no;
        if side != Side::Source {
            self.branch(JUMP_EQUAL, port.into(), yes, otherwise);
            otherwise = self.put(load, at + 2);
        }
        if side != Side::Destination {
            self.branch(JUMP_EQUAL, port.into(), yes, otherwise);
            otherwise = self.put(load, at);
        }
        otherwise
    }

    fn net(&mut self, side: Side, address: IpAddr, bits: u8, yes: Label, no: Label) -> Label {
        let (ether_type, source_at, words): (_, _, Vec<u32>) = match address {
            IpAddr::V4(address) => (IPV4, 12, vec![address.to_bits()]),
            IpAddr::V6(address) => {
                let words = address
                    .octets()
                    .chunks_exact(4)
                    .map(|word| u32::from_be_bytes([word[0], word[1], word[2], word[3]]))
                    .collect();
                (IPV6, 8, words)
            }
        };
        let (source_at, length) = (self.ip_at + source_at, 4 * words.len() as u32);
        let mut otherwise = no;
        if side != Side::Source {
            otherwise = self.prefix(source_at + length, &words, bits, yes, otherwise);
        }
        if side != Side::Destination {
            otherwise = self.prefix(source_at, &words, bits, yes, otherwise);
        }
        self.version(ether_type, otherwise, no)
    }

    /// Whether the first `bits` bits of the address at `at` are those of `words`.
    fn prefix(&mut self, at: u32, words: &[u32], bits: u8, yes: Label, no: Label) -> Label {
        let mut then = yes;
        for (index, &word) in words.iter().enumerate().rev() {
            let in_word = u32::from(bits).saturating_sub(32 * index as u32).min(32);
            if in_word == 0 {
                continue;
            }
            let mask = u32::MAX << (32 - in_word);
            self.branch(JUMP_EQUAL, word & mask, then, no);
            self.put(AND, mask);
            then = self.put(LOAD_WORD, at + 4 * index as u32);
        }
        then
    }
}
