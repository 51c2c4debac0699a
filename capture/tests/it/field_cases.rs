//! Inputs that users really have, one of each kind of fault, and others of the kind.

use std::path::{Path, PathBuf};

use wfkit_capture::{Import, ImportError, ImportOptions, LabelSource, PeerRule, import};
use wfkit_datasets::{Layer, Trace};

use crate::build::*;

fn at(layer: Layer) -> ImportOptions {
    let labels = LabelSource::Pattern("(?<class>[^/]+)_rep_(?<rep>[0-9]+)".parse().unwrap());
    ImportOptions { layer, labels, ..ImportOptions::default() }
}

fn field_case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/field-cases").join(name)
}

fn cases(folder: &str, options: &ImportOptions) -> Import {
    let import = import(&[field_case(folder)], options, &|_, _| {}).unwrap();
    check_sums(&import.stats);
    import
}

fn trace<'a>(import: &'a Import, class: &str) -> &'a Trace {
    &import.set.traces().iter().find(|labelled| labelled.key.class == class).unwrap().trace
}

fn stats<'a>(import: &'a Import, class: &str) -> &'a wfkit_capture::FileStats {
    import.stats.by_file.iter().find(|file| file.file.starts_with(class)).unwrap()
}

/// Whether something is said about the file.
fn says(import: &Import, class: &str, what: &str) -> bool {
    let stats = stats(import, class);
    stats.problems.iter().chain(stats.warnings.keys()).any(|message| message.contains(what))
}

fn bytes_of(trace: &Trace) -> (u64, u64) {
    (trace.out_bytes(), trace.in_bytes())
}

#[test]
fn times_that_the_resolution_does_not_allow() {
    let import = cases("times-impossible", &at(Layer::Tcp));
    assert_eq!(trace(&import, "good").duration_ns(), 1_800_000_000);
    assert_eq!(trace(&import, "nsinus2").duration_ns(), 600_000_000);
    assert!(says(&import, "nsinus2", "they are nanoseconds, though the file says microseconds"));
    let (bogus, good) = (trace(&import, "onebogus"), trace(&import, "good"));
    assert!(bogus.duration_ns() <= 1_800_000_000 && bogus.len() + 1 == good.len(), "{bogus:?}");
    assert_eq!(stats(&import, "onebogus").dropped["no usable time"], 1);
    assert!(stats(&import, "onebogus").warnings.is_empty());
    assert!(says(&import, "onebogus", "a sub-second field above 999999 is no time; it is left out"));
    assert!(stats(&import, "good").problems.is_empty());
}

/// A query and its replies in `n` packets, 100 ms each, from a time in the middle of a second on.
fn visit(n: usize, from: &str, to: &str) -> Vec<Packet> {
    let start = 1_700_000_000_330_000_000;
    let packet = |at: usize| {
        let (from, to, payload) = if at.is_multiple_of(4) { (from, to, 600) } else { (to, from, 1200) };
        Packet::new(start + at as u64 * 100_000_000, from, to, payload)
    };
    number((0..n).map(packet).collect())
}

#[test]
fn a_wrong_resolution_in_either_format_and_direction() {
    let packets = frames(&visit(20, CLIENT, SERVER), Link::Raw);
    let whole = import_one(&Pcap::of(Link::Raw).bytes(&packets), &ImportOptions::default());
    // Microseconds in a file of nanoseconds: the magic number alone is changed.
    for big_endian in [false, true] {
        let mut bytes = Pcap { big_endian, ..Pcap::of(Link::Raw) }.bytes(&packets);
        let magic = 0xa1b2_3c4d_u32;
        bytes[..4].copy_from_slice(&if big_endian { magic.to_be_bytes() } else { magic.to_le_bytes() });
        let one = import_one(&bytes, &ImportOptions::default());
        assert_eq!(one.trace, whole.trace);
        assert!(one.stats.problems[0].contains("they are microseconds"), "{:?}", one.stats.problems);
    }
    // pcapng, with ticks of nanoseconds, milliseconds, .. under every resolution.
    for stated in [0, 3, 6, 9, 12_u8] {
        for (true_unit, ns) in [(3_u8, 1_000_000), (6, 1_000), (9, 1)] {
            let mut file = PcapNg::new(false);
            file.interface(101, 0, &[(9, &[stated])]);
            for packet in &packets {
                file.packet(0, packet.time_ns / ns, packet);
            }
            let one = import_one(&file.bytes(), &ImportOptions::default());
            assert_eq!(one.trace, whole.trace, "{stated} {true_unit}");
            assert_eq!(one.stats.problems.is_empty(), stated == true_unit, "{:?}", one.stats.problems);
        }
    }
    // No resolution fits: a third of the fields is above.
    let mut bytes = Pcap::of(Link::Raw).bytes(&packets);
    let mut at = 24;
    for (index, packet) in packets.iter().enumerate() {
        if index.is_multiple_of(3) {
            bytes[at + 4..at + 8].copy_from_slice(&4_000_000_000_u32.to_le_bytes());
        }
        at += 16 + packet.data.len();
    }
    let refused = refuse_one(&bytes);
    assert_eq!(refused.no_trace.as_deref(), Some("impossible times"));
    assert!(refused.problems[0].contains("no resolution fits all times"));
}

#[test]
fn captures_from_midway_have_one_client() {
    let import = cases("midflow", &at(Layer::Tcp));
    for class in ["outfirst", "publichigh", "swapports", "v6high"] {
        let (outgoing, incoming) = bytes_of(trace(&import, class));
        assert!(outgoing == 2_570 && (30_000..32_000).contains(&incoming), "{class}: {outgoing} {incoming}");
        assert!(says(&import, class, "client that is only guessed"), "{class}");
    }
    let import = cases("midflow-udp", &at(Layer::Udp));
    for class in ["webrtc", "publicmid"] {
        let (outgoing, incoming) = bytes_of(trace(&import, class));
        assert!(outgoing < 1_000 && incoming > 18_000, "{class}");
        assert!(!says(&import, class, "guessed"), "{class}");
    }
}

#[test]
fn what_one_capture_shows_of_the_client_serves_its_neighbours() {
    // The client uploads: alone, the guess is wrong.
    let (client, server) = ("198.51.100.9:50000", "203.0.113.5:40000");
    let (client_v6, server_v6) = ("[2001:db8::9]:50000", "[2001:db8:1::5]:40000");
    for (client, server) in [(client, server), (client_v6, server_v6)] {
        let upload = |open: bool| {
            let first = Packet::new(1_000_000_000, client, server, 0);
            let packets = vec![
                if open { first.flags(SYN) } else { first },
                Packet::new(1_100_000_000, server, client, 100),
                Packet::new(1_200_000_000, client, server, 1400),
                Packet::new(1_300_000_000, client, server, 1400),
            ];
            Pcap::of(Link::Raw).bytes(&frames(&packets, Link::Raw))
        };
        let (open, midway) = (upload(true), upload(false));
        let alone = import_one(&midway, &ImportOptions::default());
        assert_eq!(alone.trace.size(), [100, -1400, -1400]);
        assert!(alone.stats.warnings.keys().any(|kind| kind.contains("only guessed, by volume")));
        let import =
            import_folder(&folder(&[("a_0.pcap", &midway), ("b_0.pcap", &open)]), &ImportOptions::default()).unwrap();
        for labelled in import.set.traces() {
            assert_eq!(labelled.trace.size(), [-100, 1400, 1400]);
        }
        assert_eq!(import.stats.client_rules["another capture"], 1);
        assert!(import.stats.warnings.is_empty(), "{:?}", import.stats.warnings);
    }
}

#[test]
fn packets_that_were_captured_twice_count_once() {
    for layer in [Layer::Frame, Layer::Ip, Layer::Tcp] {
        let import = cases("duplicates", &at(layer));
        assert_eq!(trace(&import, "two").size(), trace(&import, "one").size(), "{layer:?}");
        assert_eq!(trace(&import, "two").time_ns(), trace(&import, "one").time_ns(), "{layer:?}");
        let two = stats(&import, "two");
        assert_eq!(two.dropped["captured twice"], 19);
        assert!(!two.streams.contains_key("segment retransmitted"));
        assert!(two.problems[0].starts_with("50 % of the packets are copies"), "{:?}", two.problems);
        assert!(!stats(&import, "one").dropped.contains_key("captured twice"));
    }
}

#[test]
fn copies_on_other_links_and_in_pcapng() {
    let visits = [visit(20, CLIENT, SERVER), visit(20, "[fd00::2]:40000", "[2001:db8::5]:443")];
    for (packets, layer) in visits.iter().flat_map(|visit| [(visit, Layer::Ip), (visit, Layer::Tcp)]) {
        let whole = import_one(&Pcap::of(Link::Raw).bytes(&frames(packets, Link::Raw)), &at_folder(layer));
        let mut file = PcapNg::new(true);
        file.interface(1, 0, &[]).interface(113, 0, &[]);
        for packet in packets {
            file.packet(0, packet.time_ns / 1_000, &packet.frame(Link::Ethernet));
            // One hop further, 40 us later.
            let mut copy = packet.frame(Link::Cooked);
            let hops = 16 + if packet.from.is_ipv4() { 8 } else { 7 };
            copy.data[hops] -= 1;
            file.packet(1, packet.time_ns / 1_000 + 40, &copy);
        }
        let one = import_one(&file.bytes(), &at_folder(layer));
        assert_eq!((one.trace.size(), one.trace.time_ns()), (whole.trace.size(), whole.trace.time_ns()));
        assert_eq!(one.stats.dropped["captured twice"], 20);
    }
    // What is sent again later is no copy.
    let mut packets = visit(20, CLIENT, SERVER);
    let again: Vec<Packet> =
        packets.iter().map(|packet| Packet { time_ns: packet.time_ns + 3_000_000, ..packet.clone() }).collect();
    packets.extend(again);
    packets.sort_by_key(|packet| packet.time_ns);
    let one = import_packets(&packets, &at_folder(Layer::Ip));
    assert_eq!(one.trace.len(), 40);
}

fn at_folder(layer: Layer) -> ImportOptions {
    ImportOptions { layer, ..ImportOptions::default() }
}

#[test]
fn a_clock_that_is_set_and_stamps_that_make_no_sense() {
    let import = cases("time-order", &at(Layer::Tcp));
    let good = trace(&import, "good");
    assert_eq!((good.len(), good.duration_ns()), (20, 340_000_000));
    let back = trace(&import, "stepback300ms");
    assert_eq!(back.size(), good.size());
    assert!((300_000_000..=340_000_000).contains(&back.duration_ns()), "{}", back.duration_ns());
    assert!(
        says(&import, "stepback300ms", "the clock was set back by 0.28 s or more"),
        "{:?}",
        stats(&import, "stepback300ms")
    );
    let zero = trace(&import, "onezero");
    assert_eq!((zero.len(), zero.duration_ns()), (19, 340_000_000));
    assert!(says(&import, "onezero", "record 8: its time is more than 30 days from those around it; it is left out"));
    assert!(!stats(&import, "onezero").streams.contains_key("hole"));
}

#[test]
fn clocks_that_are_set_by_other_steps() {
    let packets = visit(24, CLIENT, SERVER);
    let sizes = import_packets(&packets, &ImportOptions::default()).trace.size().to_vec();
    let second = 1_000_000_000_i64;
    for step in [
        -second / 20 - 100_000_000,
        -second,
        -30 * second,
        -3600 * second,
        -40 * 24 * 3600 * second,
        50 * 365 * 24 * 3600 * second,
    ] {
        for layer in [Layer::Ip, Layer::Tcp] {
            let mut set = packets.clone();
            for packet in &mut set[11..] {
                packet.time_ns = packet.time_ns.checked_add_signed(step).unwrap();
            }
            let one = import_packets(&set, &at_folder(layer));
            let payload: Vec<i32> = one
                .trace
                .size()
                .iter()
                .map(|size| if layer == Layer::Ip { size - size.signum() * 52 } else { *size })
                .collect();
            assert_eq!(payload, sizes, "{step} {layer:?}");
            assert!(one.trace.duration_ns() < 2_400_000_000, "{step}: {}", one.trace.duration_ns());
            assert!(one.stats.problems[0].contains("record 12: the clock was set"), "{:?}", one.stats.problems);
        }
    }
}

#[test]
fn single_stamps_of_other_kinds() {
    let packets = visit(24, CLIENT, SERVER);
    let good = import_packets(&packets, &ImportOptions::default()).trace;
    for (at, stamp) in [(0, 0), (5, 4_200_000_000_000_000_000), (23, 7), (12, 1_500_000_000_000_000_000)] {
        for layer in [Layer::Ip, Layer::Tcp] {
            let mut odd = packets.clone();
            odd[at].time_ns = stamp;
            let one = import_packets(&odd, &at_folder(layer));
            assert_eq!(one.trace.len(), 23, "{at} {layer:?}");
            assert!(one.trace.duration_ns() <= good.duration_ns());
            assert_eq!(one.stats.dropped["no usable time"], 1);
            assert!(
                one.stats.problems[0].starts_with(&format!("record {}: its time", at + 1)),
                "{:?}",
                one.stats.problems
            );
        }
    }
    // A stamp that is off by less keeps its place, and what is behind it its time.
    let mut odd = packets.clone();
    odd[12].time_ns -= 500_000_000;
    let one = import_packets(&odd, &ImportOptions::default());
    assert_eq!((one.trace.size(), one.trace.duration_ns()), (good.size(), good.duration_ns()));
}

#[test]
fn parts_that_were_joined_in_the_wrong_order() {
    let import = cases("file-order", &at(Layer::Tcp));
    let (good, joined) = (trace(&import, "good"), trace(&import, "midhalves"));
    assert_eq!((good.len(), joined.len()), (50, 50));
    assert_eq!((joined.size(), joined.time_ns()), (good.size(), good.time_ns()));
    assert!(!stats(&import, "midhalves").dropped.contains_key("retransmitted"));
    assert!(says(&import, "midhalves", "records are not in the order of their times"));
    // In three parts, with and without the opening, and records of TLS.
    for skip in [0, 1] {
        let packets: Vec<Packet> = number(tls_visit()).split_off(skip);
        for layer in [Layer::Ip, Layer::Tcp, Layer::Tls] {
            let whole = import_packets(&packets, &at_folder(layer));
            let (a, b, c) = (&packets[..10], &packets[10..20], &packets[20..]);
            let one = import_packets(&[b, c, a].concat(), &at_folder(layer));
            assert_eq!(
                (one.trace.size(), one.trace.time_ns()),
                (whole.trace.size(), whole.trace.time_ns()),
                "{layer:?}"
            );
            assert!(!one.stats.dropped.contains_key("retransmitted"));
        }
    }
}

/// A connection that is opened and then sends records over several segments.
fn tls_visit() -> Vec<Packet> {
    let mut packets = visit(30, CLIENT, SERVER);
    packets[0] = Packet { payload: 0, flags: SYN, seq: None, ..packets[0].clone() };
    for packet in &mut packets[1..] {
        packet.seq = None;
        packet.data =
            vec![23, 3, 3, (packet.payload as u16 - 5).to_be_bytes()[0], (packet.payload as u16 - 5).to_be_bytes()[1]];
    }
    packets
}

#[test]
fn keep_alives_before_the_visit_and_traces_of_one_direction() {
    let import = cases("tcp-edges", &at(Layer::Tcp));
    let (plain, late) = (trace(&import, "plain"), trace(&import, "keepalivesfirst"));
    assert_eq!(late.size(), plain.size());
    assert!(late.duration_ns() < 1_000_000_000);
    assert_eq!(stats(&import, "keepalivesfirst").dropped["keep-alive"], 5);
    assert!(says(&import, "onlyin", "trace without outgoing packets"));
    // A single keep-alive of zeros; a byte that is none.
    for (data, counts) in [(0, false), (b'x', true)] {
        let mut packets = visit(8, CLIENT, SERVER);
        let first = packets[0].seq.unwrap();
        let time_ns = packets[0].time_ns - 45_000_000_000;
        let one =
            Packet { seq: Some(first.wrapping_sub(1)), data: vec![data], ..Packet::new(time_ns, CLIENT, SERVER, 1) };
        packets.insert(0, one);
        let trace = import_packets(&packets, &ImportOptions::default()).trace;
        assert_eq!((trace.size()[0] == 1, trace.duration_ns() > 45_000_000_000), (counts, counts));
    }
}

#[test]
fn the_main_peer_that_differs_is_named_and_the_right_one_can_be_asked_for() {
    let import = cases("main-peer", &at(Layer::Tcp));
    for file in &import.stats.by_file {
        let differs = file.file.contains("_2.") || file.file.contains("_5.");
        let says = file.warnings.keys().any(|kind| kind.starts_with("main peer that is not the one most files share"));
        assert_eq!(says, differs, "{}", file.file);
    }
    for peer in ["common", "port:9001", "port:9000-9100", "198.51.100.0/24", "198.51.100.7"] {
        let options = ImportOptions { peer: peer.parse().unwrap(), ..at(Layer::Tcp) };
        let import = cases("main-peer", &options);
        for labelled in import.set.traces() {
            assert_eq!(bytes_of(&labelled.trace), (4_112, 49_344), "{peer} {}", labelled.key);
        }
        assert_eq!(import.set.len(), 6);
    }
    let options = ImportOptions { peer: "port:80".parse().unwrap(), ..at(Layer::Tcp) };
    let import = cases("main-peer", &options);
    assert_eq!((import.set.len(), import.stats.dropped_traces["no flow to the peer that is meant"]), (2, 4));
    for text in ["", "Main", "port:0", "port:9-8", "port:", "10.0.0.0/40"] {
        assert!(text.parse::<PeerRule>().is_err(), "{text}");
    }
    for text in ["main", "common", "10.0.0.0/8", "port:9001", "port:1-65535"] {
        assert_eq!(text.parse::<PeerRule>().unwrap().to_string(), text);
    }
}

#[test]
fn texts_in_every_notation() {
    let import = cases("packet-texts", &at(Layer::Frame));
    let good = trace(&import, "good");
    assert_eq!(good.size(), [600, -1500, -1500, 600, -1500, -700]);
    for class in ["bom", "decimalcomma"] {
        assert_eq!(trace(&import, class), good, "{class}");
    }
    let scientific = trace(&import, "scientific");
    assert_eq!((scientific.len(), scientific.time_ns()[1]), (6, 10_000));
    let refused = stats(&import, "udpprotocols");
    assert_eq!((refused.no_trace.as_deref(), refused.dropped["not TCP"]), (Some("no packets left"), 6));
    let labels = LabelSource::Pattern("(?<class>[0-9])_(?<rep>[0-9])".parse().unwrap());
    let options = ImportOptions { labels, ..at(Layer::Frame) };
    match import_at("packet-texts/delta", &options) {
        Err(ImportError::NoTrace { stats }) => {
            assert_eq!(stats.problems.len(), 9);
            assert!(stats.problems[0].contains("column `Time`") && stats.problems[0].contains("frame.time_delta"));
        }
        other => panic!("{other:?}"),
    }
}

fn import_at(path: &str, options: &ImportOptions) -> Result<Import, ImportError> {
    import(&[field_case(path)], options, &|_, _| {})
}

#[test]
fn dates_in_names_are_refused_with_a_pattern_that_works() {
    for folder in ["file-names/strftime", "file-names/sitedate"] {
        let Err(ImportError::NoTrace { stats }) = import_at(folder, &ImportOptions::default()) else {
            panic!("{folder}")
        };
        let problem = &stats.problems[0];
        assert!(problem.contains("is a date or a time, neither class nor rep"), "{problem}");
        let pattern = problem.split('\'').nth(1).unwrap();
        let options =
            ImportOptions { labels: LabelSource::Pattern(pattern.parse().unwrap()), ..ImportOptions::default() };
        let import = import_at(folder, &options).unwrap();
        for labelled in import.set.traces() {
            let class = &labelled.key.class;
            assert!(["trace", "example.net", "example.org"].contains(&class.as_str()), "{class}");
            assert!(labelled.key.session.as_deref().is_some_and(|session| session.starts_with("2024-05-0")));
        }
    }
}

#[test]
fn foreign_files_are_told_by_what_they_are() {
    let Err(ImportError::NoTrace { stats }) = import_at("foreign", &at(Layer::Tcp)) else { panic!() };
    let all = stats.problems.join("\n");
    for says in [
        "bz2_rep_1.pcap.bz2: neither pcap nor pcapng, but compressed with bzip2: unpack it with `bunzip2`",
        "a web page, not the file behind the link: download the capture itself",
        "compressed with LZ4: unpack it with `lz4 -d`",
        "a snoop capture: convert it with `editcap -F pcap IN OUT.pcap`",
    ] {
        assert!(all.contains(says), "{says}: {all}");
    }
}

#[test]
fn one_bad_file_or_folder_stops_nothing() {
    let good = Pcap::of(Link::Raw).bytes(&frames(&conversation(), Link::Raw));
    let folder = folder(&[
        ("a_0.pcap", &good),
        ("cut/a_1.pcap", &good[..good.len() - 10]),
        ("bad/a_2.pcap", b"nothing"),
        ("bad/a_3.pcap", b""),
        ("bad/a_4.pcap", b"snoop\0\0\0"),
        ("bad/a_2024-05-01.pcap", &good),
    ]);
    #[cfg(unix)]
    {
        let link = |from: &str, to: &str| std::os::unix::fs::symlink(from, folder.path().join(to)).unwrap();
        link("..", "bad/loop");
        link("nowhere", "bad/a_5.pcap");
        link("a_6.pcap", "bad/a_6.pcap");
    }
    let import = import_folder(&folder, &ImportOptions::default()).unwrap();
    check_sums(&import.stats);
    assert_eq!(import.set.len(), 2);
    let dropped = &import.stats.dropped_traces;
    assert_eq!((dropped["unreadable"], dropped["no label in the name"]), (if cfg!(unix) { 5 } else { 3 }, 1));
    for name in ["a_2", "a_3", "a_4", "a_2024"] {
        let is_named = import.stats.problems.iter().any(|problem| problem.starts_with(&format!("bad/{name}")));
        assert!(is_named, "{name}: {:?}", import.stats.problems);
    }
}
