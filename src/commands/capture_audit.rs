//! `wfkit capture audit`: the TLS side of a capture.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::Serialize;
use wfkit_capture::{CaptureAudit, TlsConnection, audit};

use crate::context::Context;

#[derive(Serialize)]
struct Document<'a> {
    stage: &'static str,
    tool: &'static str,
    file: String,
    #[serde(flatten)]
    audit: &'a CaptureAudit,
}

pub(super) fn run(path: &Path, context: &Context<'_>) -> Result<()> {
    let audit = audit(path).with_context(|| path.display().to_string())?;
    let printer = context.printer;
    for problem in &audit.problems {
        printer.warn(&format!("{}: {problem}", path.display()));
    }
    if printer.is_json() {
        let tool = crate::TOOL;
        let file = path.display().to_string();
        return printer.document(&Document { stage: "capture audit", tool, file, audit: &audit });
    }
    if audit.connections.is_empty() {
        return printer.line(&format!("no TLS in {} packets and {} TCP flows", audit.packets, audit.flows));
    }
    print_packets(&audit, context)?;
    print_negotiated(&audit, context)?;
    print_reasons(&audit, context)?;
    match audit.more_connections {
        0 => Ok(()),
        more => printer.line(&format!("and {more} more connections")),
    }
}

/// Where the messages are.
fn print_packets(audit: &CaptureAudit, context: &Context<'_>) -> Result<()> {
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
    context.printer.table(header, &audit.connections.iter().map(row).collect::<Vec<_>>())
}

/// What was agreed on.
fn print_negotiated(audit: &CaptureAudit, context: &Context<'_>) -> Result<()> {
    let row = |connection: &TlsConnection| {
        let not_seen = || "not seen".to_owned();
        let suite = connection.cipher_suite.as_ref();
        let part = |part: fn(&wfkit_capture::CipherSuite) -> &String| suite.map_or_else(not_seen, |s| part(s).clone());
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
    context.printer.table(header, &audit.connections.iter().map(row).collect::<Vec<_>>())
}

/// Why the verdicts are what they are, and what could not be seen.
fn print_reasons(audit: &CaptureAudit, context: &Context<'_>) -> Result<()> {
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
    if rows.is_empty() { Ok(()) } else { context.printer.table(["connection", "verdict", "why", "source"], &rows) }
}
