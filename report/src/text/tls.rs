//! The TLS side of a capture.

use wfkit_capture::{CaptureAudit, CipherSuite, TlsConnection};

use super::Text;

/// Where the messages of each connection are, what was agreed on, and what that is worth.
pub fn tls(audit: &CaptureAudit) -> Text {
    let mut text = Text::new();
    if audit.connections.is_empty() {
        text.line(format!("no TLS in {} packets and {} TCP flows", audit.packets, audit.flows));
        return text;
    }
    packets(audit, &mut text);
    negotiated(audit, &mut text);
    reasons(audit, &mut text);
    match audit.more_connections {
        0 => {}
        more => {
            text.line(format!("and {more} more connections"));
        }
    }
    text
}

/// Where the messages are.
fn packets(audit: &CaptureAudit, text: &mut Text) {
    let row = |connection: &TlsConnection| {
        let packets = &connection.packets;
        [
            connection.connection.to_string(),
            packets.client_hello.to_string(),
            packets.server_hello.to_string(),
            packets.certificate.to_string(),
            packets.server_key_exchange.to_string(),
            packets.client_key_exchange.to_string(),
            packets.client_change_cipher_spec.to_string(),
            packets.server_change_cipher_spec.to_string(),
        ]
    };
    let header = [
        "connection",
        "ClientHello",
        "ServerHello",
        "Certificate",
        "ServerKeyExchange",
        "ClientKeyExchange",
        "client's ChangeCipherSpec",
        "server's ChangeCipherSpec",
    ];
    text.table(header, audit.connections.iter().map(row));
}

/// What was agreed on.
fn negotiated(audit: &CaptureAudit, text: &mut Text) {
    let row = |connection: &TlsConnection| {
        let not_seen = || "not seen".to_owned();
        let suite = connection.cipher_suite.as_ref();
        let part = |part: fn(&CipherSuite) -> &String| suite.map_or_else(not_seen, |s| part(s).clone());
        [
            connection.connection.to_string(),
            connection.version.clone().unwrap_or_else(not_seen),
            part(|suite| &suite.name),
            part(|suite| &suite.key_exchange),
            connection.group.clone().unwrap_or_else(not_seen),
            part(|suite| &suite.authentication),
            part(|suite| &suite.cipher),
            part(|suite| &suite.hash),
            connection.verdict.to_string(),
        ]
    };
    let header = [
        "connection",
        "version",
        "cipher suite",
        "key exchange",
        "group",
        "authentication",
        "cipher",
        "hash",
        "verdict",
    ];
    text.table(header, audit.connections.iter().map(row));
}

/// Why the verdicts are what they are, and what could not be seen.
fn reasons(audit: &CaptureAudit, text: &mut Text) {
    let rows_of = |connection: &TlsConnection| {
        let number = connection.connection.to_string();
        let reasons = connection
            .reasons
            .iter()
            .map(|reason| [number.clone(), reason.verdict.to_string(), reason.why.clone(), reason.source.to_owned()]);
        let notes = connection.notes.iter().map(|note| [number.clone(), String::new(), note.clone(), String::new()]);
        reasons.chain(notes).collect::<Vec<_>>()
    };
    let rows: Vec<[String; 4]> = audit.connections.iter().flat_map(rows_of).collect();
    if !rows.is_empty() {
        text.table(["connection", "verdict", "why", "source"], rows);
    }
}
