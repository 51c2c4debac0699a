//! Both ends of TLS.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A server with a key of its own for `name`, and a client that trusts it alone. Both speak one of `protocols` (ALPN), or whatever
/// they like if there are none.
pub(crate) fn ends(name: &str, protocols: &[&[u8]]) -> io::Result<(Arc<ServerConfig>, Arc<ClientConfig>)> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).map_err(io::Error::other)?;
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(ring::default_provider());
    let versions = [&rustls::version::TLS13];
    let protocols: Vec<_> = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_protocol_versions(&versions);
    let server = server.map_err(io::Error::other)?.with_no_client_auth();
    let mut server = server.with_single_cert(vec![certificate.clone()], key.into()).map_err(io::Error::other)?;
    server.alpn_protocols.clone_from(&protocols);
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(io::Error::other)?;
    let client = ClientConfig::builder_with_provider(provider).with_protocol_versions(&versions);
    let mut client = client.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = protocols;
    // Every query is made by somebody whom the server does not know.
    client.resumption = Resumption::disabled();
    Ok((Arc::new(server), Arc::new(client)))
}
