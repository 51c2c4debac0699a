//! What a connection shows of its handshake.

use std::fmt;

use serde::{Serialize, Serializer};
use tls_parser::{
    NamedGroup, TlsCipherKx, TlsCipherSuite, TlsHandshakeType, TlsMessageHandshake, TlsVersion, parse_dh_params,
    parse_digitally_signed, parse_ecdh_params, parse_tls_handshake_msg_server_hello,
};

use super::records::{Event, Next};
use super::suite::CipherSuite;
use super::verdict::{Negotiated, Reason, Verdict};

/// Where a message is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sighting {
    /// The capture does not show it, and does not show that it was left out.
    #[default]
    NotSeen,
    /// The number of the packet with which it is complete, from 1.
    Packet(u64),
    /// In what only the two ends can read, if it was sent.
    Encrypted,
    /// The messages around it show that it was left out.
    NotSent,
    /// TLS 1.3 has it as an extension of the two hellos.
    InHellos,
}

impl Sighting {
    /// The first packet counts.
    fn see(&mut self, packet: u64) {
        if !matches!(self, Self::Packet(_)) {
            *self = Self::Packet(packet);
        }
    }

    /// Says what is known of a message that no packet was seen to have.
    fn settle(&mut self, as_what: Self) {
        if *self == Self::NotSeen {
            *self = as_what;
        }
    }
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(number) => write!(f, "{number}"),
            Self::NotSeen => f.write_str("not seen"),
            Self::Encrypted => f.write_str("encrypted"),
            Self::NotSent => f.write_str("not sent"),
            Self::InHellos => f.write_str("in hellos"),
        }
    }
}

/// A number where there is one, else text.
impl Serialize for Sighting {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Packet(number) => serializer.serialize_u64(*number),
            other => serializer.collect_str(other),
        }
    }
}

/// Where the messages of a handshake are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Messages {
    /// ClientHello; the first of two where the server asked again.
    pub client_hello: Sighting,
    /// ServerHello; not the one that asks again.
    pub server_hello: Sighting,
    /// HelloRetryRequest of TLS 1.3; `NotSent` where the ServerHello came without.
    pub hello_retry_request: Sighting,
    /// Certificate of the server.
    pub certificate: Sighting,
    /// ServerKeyExchange.
    pub server_key_exchange: Sighting,
    /// ClientKeyExchange.
    pub client_key_exchange: Sighting,
    /// ChangeCipherSpec of the client.
    pub client_change_cipher_spec: Sighting,
    /// ChangeCipherSpec of the server.
    pub server_change_cipher_spec: Sighting,
    /// The first alert that is not encrypted.
    pub alert: Sighting,
}

/// What a TLS connection shows of its handshake: no address, no name, no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TlsConnection {
    /// Number of the connection among those with TLS, from 1, by their first packets.
    pub connection: u64,
    /// Its first packet, from 1.
    pub first_packet: u64,
    /// Where the messages are.
    pub packets: Messages,
    /// Such as `TLS 1.2`.
    #[serde(serialize_with = "or_not_seen")]
    pub version: Option<String>,
    /// What was chosen.
    #[serde(serialize_with = "or_not_seen")]
    pub cipher_suite: Option<CipherSuite>,
    /// The group of the key exchange, such as `x25519`, or the length of a prime.
    #[serde(serialize_with = "or_not_seen")]
    pub group: Option<String>,
    /// How good that is.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What keeps the capture from showing more.
    pub notes: Vec<String>,
}

fn or_not_seen<T: Serialize, S: Serializer>(value: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => value.serialize(serializer),
        None => serializer.serialize_str("not seen"),
    }
}

/// A handshake as it gets known.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    pub(super) first_packet: u64,
    packets: Messages,
    negotiated: Negotiated,
    /// The end that is the client.
    client: Option<usize>,
    pub(super) notes: Vec<String>,
}

impl Handshake {
    pub(super) fn new(first_packet: u64) -> Self {
        Self { first_packet, ..Self::default() }
    }

    /// Whether there is any sign of TLS in it.
    pub(super) fn has_hello(&self) -> bool {
        self.client.is_some()
    }

    /// Takes what `sender` sent with a packet.
    pub(super) fn add(&mut self, packet: u64, sender: usize, event: Event<'_>) -> Next {
        let is_client = self.client.map(|client| client == sender);
        match event {
            Event::Message(kind, body) => self.message(packet, sender, kind, body),
            Event::Alert => self.packets.alert.see(packet),
            Event::Encrypted => return Next::Stop,
            Event::ChangeCipherSpec => {
                match is_client {
                    Some(true) => self.packets.client_change_cipher_spec.see(packet),
                    Some(false) => self.packets.server_change_cipher_spec.see(packet),
                    None => {}
                }
                // In TLS 1.3 it means nothing, and the first client may send it before a second ClientHello.
                if !self.is_1_3() {
                    self.flight_is_over(is_client);
                    return Next::Stop;
                }
            }
        }
        Next::Continue
    }

    fn message(&mut self, packet: u64, sender: usize, kind: TlsHandshakeType, body: &[u8]) {
        let is_client = self.client.map(|client| client == sender);
        match kind {
            TlsHandshakeType::ClientHello => {
                self.client.get_or_insert(sender);
                self.packets.client_hello.see(packet);
            }
            TlsHandshakeType::ServerHello => {
                self.client.get_or_insert(1 - sender);
                self.server_hello(packet, body);
            }
            TlsHandshakeType::Certificate if is_client == Some(false) => self.packets.certificate.see(packet),
            TlsHandshakeType::ServerKeyExchange if is_client == Some(false) => {
                self.packets.server_key_exchange.see(packet);
                self.server_key_exchange(body);
            }
            TlsHandshakeType::ClientKeyExchange if is_client == Some(true) => {
                self.packets.client_key_exchange.see(packet);
            }
            TlsHandshakeType::ServerDone => self.flight_is_over(is_client),
            _ => {}
        }
    }

    /// What was not sent up to now will not be sent any more: the stream has no holes up to here.
    fn flight_is_over(&mut self, is_client: Option<bool>) {
        let packets = &mut self.packets;
        match is_client {
            Some(true) if packets.client_hello != Sighting::NotSeen => {
                packets.client_key_exchange.settle(Sighting::NotSent);
            }
            Some(false) if packets.server_hello != Sighting::NotSeen => {
                packets.certificate.settle(Sighting::NotSent);
                packets.server_key_exchange.settle(Sighting::NotSent);
            }
            _ => {}
        }
    }

    fn server_hello(&mut self, packet: u64, body: &[u8]) {
        let hello = match parse_tls_handshake_msg_server_hello(body) {
            Ok((_, TlsMessageHandshake::ServerHello(hello))) => Hello {
                version: hello.version,
                asks_again: hello.random == HELLO_RETRY_REQUEST,
                suite: hello.cipher.0,
                extensions: hello.ext.unwrap_or(&[]),
            },
            Ok((_, TlsMessageHandshake::ServerHelloV13Draft18(hello))) => Hello {
                version: hello.version,
                asks_again: false,
                suite: hello.cipher.0,
                extensions: hello.ext.unwrap_or(&[]),
            },
            _ => {
                self.packets.server_hello.see(packet);
                self.notes.push(format!("packet {packet}: the ServerHello is of an unknown form"));
                return;
            }
        };
        if self.packets.server_hello != Sighting::NotSeen {
            return; // a second handshake in the open: the first one counts
        }
        self.negotiated.version = Some(hello.selected_version());
        self.negotiated.group = hello.group();
        if hello.asks_again {
            self.packets.hello_retry_request.see(packet);
            return;
        }
        self.packets.server_hello.see(packet);
        self.packets.hello_retry_request.settle(Sighting::NotSent);
        self.negotiated.suite = Some(hello.suite);
        self.negotiated.encrypt_then_mac = hello.extension(ENCRYPT_THEN_MAC).is_some();
        if self.is_1_3() {
            let by_key = hello.extension(PRE_SHARED_KEY).is_some();
            self.packets.certificate = if by_key { Sighting::NotSent } else { Sighting::Encrypted };
            self.packets.server_key_exchange = Sighting::InHellos;
            self.packets.client_key_exchange = Sighting::InHellos;
        }
    }

    fn server_key_exchange(&mut self, body: &[u8]) {
        let Some(suite) = self.negotiated.suite.and_then(TlsCipherSuite::from_id) else { return };
        let signature = match suite.kx {
            // With a pre-shared key a hint comes first: what is behind it is not looked for.
            TlsCipherKx::Ecdhe | TlsCipherKx::Ecdh | TlsCipherKx::Aecdh if !suite.name.contains("PSK") => {
                let Ok((signature, parameters)) = parse_ecdh_params(body) else { return };
                if let tls_parser::ECParametersContent::NamedGroup(group) = parameters.curve_params.params_content {
                    self.negotiated.group = Some(group);
                }
                signature
            }
            TlsCipherKx::Dhe | TlsCipherKx::Dh if !suite.name.contains("PSK") => {
                let Ok((signature, parameters)) = parse_dh_params(body) else { return };
                self.negotiated.prime_bits = Some(bits(parameters.dh_p));
                signature
            }
            _ => return,
        };
        // Before TLS 1.2 a signature does not name its algorithm.
        if self.negotiated.version == Some(TlsVersion::Tls12) {
            self.negotiated.signature = parse_digitally_signed(signature).ok().and_then(|(_, signed)| signed.alg);
        }
    }

    fn is_1_3(&self) -> bool {
        self.negotiated.version.is_some_and(|version| version.0 >= TlsVersion::Tls13.0)
    }

    /// What came of it, as connection number `connection`.
    pub(super) fn result(self, connection: u64) -> TlsConnection {
        let (verdict, reasons) = self.negotiated.judge();
        let by_group = self.negotiated.group.map(group_name);
        let by_prime = self.negotiated.prime_bits.map(|bits| format!("prime of {bits} bits"));
        TlsConnection {
            connection,
            first_packet: self.first_packet,
            packets: self.packets,
            version: self.negotiated.version.map(version_name),
            cipher_suite: self.negotiated.suite.map(CipherSuite::of),
            group: by_group.or(by_prime),
            verdict,
            reasons,
            notes: self.notes,
        }
    }
}

/// The random value of a ServerHello that asks for another ClientHello (RFC 8446, section 4.1.3).
const HELLO_RETRY_REQUEST: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const ENCRYPT_THEN_MAC: u16 = 22;
const PRE_SHARED_KEY: u16 = 41;
const SUPPORTED_VERSIONS: u16 = 43;
const KEY_SHARE: u16 = 51;

/// A ServerHello or HelloRetryRequest.
struct Hello<'a> {
    version: TlsVersion,
    asks_again: bool,
    suite: u16,
    extensions: &'a [u8],
}

impl<'a> Hello<'a> {
    /// The content of an extension. Not by tls-parser's list of them, which ends at one that it does not like.
    fn extension(&self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self.extensions;
        while let Some((&[a, b, c, d], behind)) = rest.split_first_chunk::<4>() {
            let (content, others) = behind.split_at_checked(usize::from(u16::from_be_bytes([c, d])))?;
            if u16::from_be_bytes([a, b]) == wanted {
                return Some(content);
            }
            rest = others;
        }
        None
    }

    fn selected_version(&self) -> TlsVersion {
        self.extension(SUPPORTED_VERSIONS).and_then(number).map_or(self.version, TlsVersion)
    }

    /// The group of the key share that the server took or asks for.
    fn group(&self) -> Option<NamedGroup> {
        self.extension(KEY_SHARE).and_then(number).map(NamedGroup)
    }
}

fn number(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|&bytes| u16::from_be_bytes(bytes))
}

/// Length of a number in bits, without zeros in front.
fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first
}

fn version_name(version: TlsVersion) -> String {
    match version.0 {
        0x0300 => "SSL 3.0".to_owned(),
        0x0301..=0x0304 => format!("TLS 1.{}", version.0 - 0x0301),
        0x7f00..=0x7fff => format!("TLS 1.3 draft {}", version.0 & 0xff),
        other => format!("unknown ({other:#06x})"),
    }
}

/// As the registry of the IANA writes it.
fn group_name(group: NamedGroup) -> String {
    match group.0 {
        29 => "x25519".to_owned(),
        30 => "x448".to_owned(),
        // Of 2024 and later, when tls-parser was current.
        0x11eb => "SecP256r1MLKEM768".to_owned(),
        0x11ec => "X25519MLKEM768".to_owned(),
        0x11ed => "SecP384r1MLKEM1024".to_owned(),
        // tls-parser's names of the others differ in their first letter only, and a number stands for what it does not know.
        _ => match format!("{group:?}") {
            name if name.starts_with(|first: char| first.is_ascii_alphabetic()) && !name.contains('(') => {
                name[..1].to_lowercase() + &name[1..]
            }
            _ => format!("group {:#06x}", group.0),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let groups = [23, 29, 0x0100, 0x11ec, 0x6399].map(|number| group_name(NamedGroup(number)));
        assert_eq!(groups, ["secp256r1", "x25519", "ffdhe2048", "X25519MLKEM768", "group 0x6399"]);
        let versions = [0x0300, 0x0301, 0x0303, 0x0304, 0x7f12, 0x0999].map(|number| version_name(TlsVersion(number)));
        assert_eq!(versions, ["SSL 3.0", "TLS 1.0", "TLS 1.2", "TLS 1.3", "TLS 1.3 draft 18", "unknown (0x0999)"]);
        assert_eq!([bits(&[]), bits(&[0, 0]), bits(&[0, 1, 0]), bits(&[0x80; 256])], [0, 0, 9, 2048]);
    }
}
