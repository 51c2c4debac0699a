//! Filters, run by the machine that McCanne and Jacobson describe.

use super::program::Instruction;
use super::*;
use crate::files::records::Records;

/// File, filter, packets that pass.
const COUNTS: &[(&str, &str, usize)] = &[
    ("tests/fixtures/cell_1_rep_0.pcap", "", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "tcp", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "udp", 0),
    ("tests/fixtures/cell_1_rep_0.pcap", "ip6", 0),
    ("tests/fixtures/cell_1_rep_0.pcap", "ip", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "tcp port 9001", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "src port 9001", 110),
    ("tests/fixtures/cell_1_rep_0.pcap", "dst port 9001", 71),
    ("tests/fixtures/cell_1_rep_0.pcap", "udp port 9001", 0),
    ("tests/fixtures/cell_1_rep_0.pcap", "host 198.18.0.9", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "src host 198.18.0.24 and not dst port 9001", 0),
    ("tests/fixtures/cell_1_rep_0.pcap", "src host 198.18.0.9", 110),
    ("tests/fixtures/cell_1_rep_0.pcap", "net 198.0.0.0/8", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "not (tcp and dst port 9001)", 110),
    ("tests/fixtures/cell_1_rep_0.pcap", "src port 38436 or icmp", 71),
    ("tests/fixtures/cell_1_rep_0.pcap", "dst net 128.0.0.0/1", 181),
    ("tests/fixtures/cell_1_rep_0.pcap", "host ::1 or ip6", 0),
];

/// What the kernel does with the instructions that are used here; `None` where a load is outside the packet.
fn run(program: &[Instruction], packet: &[u8], packet_type: u32) -> Option<bool> {
    let (mut a, mut x, mut at) = (0_u32, 0_u32, 0_usize);
    let load = |offset: u32, len: usize| -> Option<u32> {
        let bytes = packet.get(offset as usize..offset as usize + len)?;
        Some(bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    };
    loop {
        let Instruction { code, if_true, if_false, value } = program[at];
        at += 1;
        let branch = |yes: bool| usize::from(if yes { if_true } else { if_false });
        match code {
            0x20 if value == 0xffff_f004 => a = packet_type,
            0x20 => a = load(value, 4)?,
            0x28 => a = load(value, 2)?,
            0x30 => a = load(value, 1)?,
            0x48 => a = load(x + value, 2)?,
            0xb1 => x = 4 * (load(value, 1)? & 15),
            0x54 => a &= value,
            0x05 => at += value as usize,
            0x15 => at += branch(a == value),
            0x45 => at += branch(a & value != 0),
            0x06 => return Some(value != 0),
            _ => panic!("{code:#x}"),
        }
    }
}

fn passes(filter: &Filter, ip_at: u32, packet: &[u8]) -> bool {
    run(&filter.instructions(ip_at, false), packet, 0).unwrap_or(false)
}

/// Counts by `tcpdump --count -r FILE FILTER`, tcpdump 4.99.3 with libpcap 1.10.3.
#[test]
fn as_many_packets_pass_as_with_tcpdump() {
    for (name, filter, expected) in COUNTS {
        let filter: Filter = filter.parse().unwrap();
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        let mut records = Records::open(&path).unwrap();
        let mut passed = 0;
        while let Some(record) = records.next().unwrap() {
            let ip_at = if record.link == crate::LinkType::ETHERNET { 14 } else { 0 };
            passed += usize::from(passes(&filter, ip_at, record.data));
        }
        assert_eq!(passed, *expected, "{name}: {filter}");
    }
}

#[test]
fn on_loopback_only_the_arriving_packet_passes() {
    for text in ["", "tcp"] {
        let program = text.parse::<Filter>().unwrap().instructions(14, true);
        let mut packet = [0; 60];
        (packet[12], packet[23]) = (8, 6);
        assert_eq!([0, 4].map(|packet_type| run(&program, &packet, packet_type)), [Some(true), Some(false)], "{text}");
    }
}

#[test]
fn a_long_filter_jumps_far() {
    let ports: Vec<String> = (1..=100).map(|port| format!("tcp dst port {port}")).collect();
    let filter: Filter = ports.join(" or ").parse().unwrap();
    let mut packet = [0; 60];
    packet[0] = 0x45;
    packet[9] = 6;
    for port in 0..=101 {
        packet[23] = port;
        assert_eq!(passes(&filter, 0, &packet), (1..=100).contains(&port), "{port}");
    }
    let far_too_long = vec![ports.join(" or "); 20].join(" or ");
    assert_eq!(far_too_long.parse::<Filter>().unwrap_err().problem, "too long for the kernel");
}

#[test]
fn what_is_not_known_is_named() {
    let cases = [
        ("tcp prt 1", "`prt` where `and`"),
        ("port 70000", "`70000` is no port"),
        ("host example.org", "`example.org` is no IP address"),
        ("net 10.0.0.1/8", "no bits set behind its prefix"),
        ("tcp and udp or ip", "say with parentheses"),
        ("(tcp", "ends where `)`"),
        ("tcp)", "`)` where `and`"),
        ("src tcp", "`tcp` where `host`"),
        ("vlan 3", "`vlan` is not known: tcp,"),
        ("not", "ends where a test"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!("!".repeat(10_000).parse::<Filter>().is_err());
}
