//! Who the client is, and which flows make the trace.

use wfkit_capture::{ClientRule, FlowScope, ImportOptions};
use wfkit_datasets::Layer;

use crate::build::*;

fn by(rule: &str, flows: FlowScope) -> ImportOptions {
    ImportOptions { client: rule.parse().unwrap(), flows, ..ImportOptions::default() }
}

fn auto() -> ImportOptions {
    ImportOptions::default()
}

/// The sizes of the trace of `(from, to, payload)` one a second, and the rule that told the client.
fn sizes(packets: &[(&str, &str, usize)], options: &ImportOptions) -> (Vec<i32>, String) {
    let one = import_packets(&segments(packets), options);
    (one.trace.size().to_vec(), one.stats.client_rule.unwrap())
}

fn segments(packets: &[(&str, &str, usize)]) -> Vec<Packet> {
    let times = (1..).map(|second: u64| second * 1_000_000_000);
    packets.iter().zip(times).map(|(&(from, to, payload), time_ns)| Packet::new(time_ns, from, to, payload)).collect()
}

#[test]
fn who_opens_the_connection_is_the_client() {
    // Against all other evidence.
    let (server, client) = ("10.0.0.1:50000", "203.0.113.5:80");
    let mut packets = segments(&[(client, server, 0), (server, client, 7), (client, server, 3)]);
    packets[0].flags = SYN;
    let one = import_packets(&packets, &auto());
    assert_eq!(one.trace.size(), [-7, 3]);
    assert_eq!(one.stats.client_rule.as_deref(), Some("SYN"));
}

#[test]
fn the_answer_to_who_opens_tells_it_too() {
    let (server, client) = ("10.0.0.1:50000", "203.0.113.5:80");
    let mut packets = segments(&[(server, client, 0), (server, client, 7), (client, server, 3)]);
    packets[0].flags = SYN | ACK;
    assert_eq!(import_packets(&packets, &auto()).trace.size(), [-7, 3]);
}

#[test]
fn else_a_private_address_against_a_public_one() {
    for private in ["10.0.0.1:80", "172.20.0.1:80", "192.168.7.7:80", "127.0.0.1:80", "169.254.0.1:80", "198.18.0.1:80"]
    {
        let packets = [("8.8.8.8:50000", private, 5), (private, "8.8.8.8:50000", 6)];
        assert_eq!(sizes(&packets, &auto()), (vec![-5, 6], "private address".to_owned()), "{private}");
    }
    for private in ["[fd00::1]:80", "[fe80::1]:80", "[::1]:80"] {
        let packets = [("[2001:db8::1]:50000", private, 5), (private, "[2001:db8::1]:50000", 6)];
        assert_eq!(sizes(&packets, &auto()), (vec![-5, 6], "private address".to_owned()), "{private}");
    }
}

#[test]
fn else_an_ephemeral_port_against_another() {
    for (client, server) in [(40000, 9001), (32768, 32767), (5000, 443), (1024, 1023)] {
        let (client, server) = (format!("198.18.0.20:{client}"), format!("198.18.0.4:{server}"));
        let packets = [(server.as_str(), client.as_str(), 5), (&client, &server, 6)];
        assert_eq!(sizes(&packets, &auto()), (vec![-5, 6], "port".to_owned()), "{client} {server}");
    }
}

#[test]
fn else_who_sends_the_first_payload() {
    for (a, b) in [(40000, 50000), (5000, 9009), (443, 80), (80, 80)] {
        let (a, b) = (format!("8.8.8.8:{a}"), format!("9.9.9.9:{b}"));
        let packets = [(b.as_str(), a.as_str(), 0), (a.as_str(), b.as_str(), 5), (&b, &a, 6)];
        assert_eq!(sizes(&packets, &auto()), (vec![5, -6], "first payload".to_owned()), "{a} {b}");
    }
}

#[test]
fn the_main_hosts_tell_and_not_a_stranger() {
    // A stranger opens a connection to the client; the client's own was opened before the capture.
    let (client, guard, stranger) = ("198.51.100.9:40000", "203.0.113.5:9001", "203.0.113.77:55555");
    let mut packets = segments(&[
        (stranger, "198.51.100.9:22", 0),
        (stranger, "198.51.100.9:22", 20),
        (client, guard, 600),
        (guard, client, 1400),
    ]);
    packets[0].flags = SYN;
    let one = import_packets(&packets, &auto());
    assert_eq!(one.trace.size(), [600, -1400]);
    assert_eq!(one.stats.client_rule.as_deref(), Some("port"));
    assert_eq!(one.stats.dropped["other flow"], 1);
}

#[test]
fn a_network_or_address_names_the_client() {
    let packets = [("8.8.8.8:1", "9.9.9.9:2", 5), ("9.9.9.9:2", "8.8.8.8:1", 6)];
    assert_eq!(sizes(&packets, &by("9.9.0.0/16", FlowScope::Main)), (vec![-5, 6], "given network".to_owned()));
    assert_eq!(sizes(&packets, &by("8.8.8.8", FlowScope::Main)).0, [5, -6]);
}

#[test]
fn the_client_talks_to_the_port_that_is_named() {
    let packets = [("127.0.0.1:9050", "127.0.0.1:41000", 5), ("127.0.0.1:41000", "127.0.0.1:9050", 6)];
    assert_eq!(sizes(&packets, &by("port:9050", FlowScope::Main)), (vec![-5, 6], "given port".to_owned()));
}

#[test]
fn flows_that_the_rule_does_not_decide_have_no_known_client() {
    let mut packets =
        segments(&[("10.0.0.1:1", "10.0.0.2:2", 5), ("8.8.8.8:1", "9.9.9.9:2", 5), ("8.8.8.8:1", "10.0.0.2:2", 5)]);
    let one = import_packets(&packets, &by("10.0.0.0/8", FlowScope::All));
    assert_eq!(one.trace.size(), [-5]);
    assert_eq!(one.stats.dropped["client unknown"], 2);
    // Without any decided flow there is no trace.
    packets.truncate(2);
    let folder = folder(&[("a_0.pcap", &Pcap::of(Link::Raw).bytes(&frames(&packets, Link::Raw)))]);
    let error = import_folder(&folder, &by("10.0.0.0/8", FlowScope::All)).unwrap_err();
    assert_eq!(error.to_string(), "no trace: 1 files (no packets left: 1)");
}

#[test]
fn a_host_that_talks_to_itself_has_a_client_in_each_flow() {
    let (browser, other, socks) = ("127.0.0.1:41000", "127.0.0.1:41001", "127.0.0.1:9050");
    let packets =
        [(browser, socks, 1), (socks, other, 2), (other, socks, 3), (socks, browser, 4), (other, "127.0.0.1:9051", 1)];
    assert_eq!(sizes(&packets, &auto()), (vec![1, -2, 3, -4], "port".to_owned()));
    assert_eq!(sizes(&packets, &by("auto", FlowScope::All)).0, [1, -2, 3, -4, 1]);
}

#[test]
fn main_is_the_peer_with_most_payload_and_all_is_the_client() {
    let (client, again, guard, site) = ("10.0.0.2:40000", "10.0.0.2:40001", "203.0.113.5:443", "198.51.100.1:443");
    let packets = [
        (client, site, 100),
        (client, guard, 500),
        (guard, client, 1400),
        (again, guard, 9),
        (site, client, 900),
        ("10.0.0.3:40000", site, 30),
        ("10.0.0.3:40000", guard, 31),
    ];
    assert_eq!(sizes(&packets, &by("auto", FlowScope::Main)).0, [500, -1400, 9]);
    assert_eq!(sizes(&packets, &by("auto", FlowScope::All)).0, [100, 500, -1400, 9, -900]);
    assert_eq!(sizes(&packets, &by("10.0.0.0/8", FlowScope::Main)).0, [500, -1400, 9]);
    let one = import_packets(&segments(&packets), &by("auto", FlowScope::Main));
    assert_eq!(one.stats.dropped["other flow"], 4);
}

#[test]
fn the_same_flows_at_every_layer() {
    // The larger number of packets and of IP bytes goes to the other peer.
    let (client, guard, site) = ("10.0.0.2:40000", "203.0.113.5:443", "198.51.100.1:443");
    let packets = [(client, guard, 100), (client, site, 1), (client, site, 1), (client, site, 1), (client, site, 1)];
    let options = ImportOptions { layer: Layer::Ip, client: ClientRule::Auto, ..auto() };
    assert_eq!(sizes(&packets, &options).0, [152]);
}
