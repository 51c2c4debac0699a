//! What standards say about a version, a cipher suite and its parameters.

use std::fmt;

use serde::Serialize;
use tls_parser::{
    NamedGroup, SignatureAndHashAlgorithm, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherSuite, TlsVersion,
};

use super::suite::{is_anonymous, is_ccm_8, is_export};

/// How good what was negotiated is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The handshake does not show what was negotiated.
    #[serde(rename = "not seen")]
    NotSeen,
    /// No standard that is known here speaks against it.
    Fine,
    /// A standard says that it should not be used.
    Legacy,
    /// A standard says that it must not be used.
    Weak,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSeen => "not seen",
            Self::Fine => "fine",
            Self::Legacy => "legacy",
            Self::Weak => "weak",
        })
    }
}

/// Why a verdict is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What follows from this alone.
    pub verdict: Verdict,
    /// What there is.
    pub why: String,
    /// The standard that says so.
    pub source: &'static str,
}

/// What was negotiated, as far as the handshake shows it.
#[derive(Debug, Default, Clone)]
pub(super) struct Negotiated {
    pub(super) version: Option<TlsVersion>,
    pub(super) suite: Option<u16>,
    pub(super) group: Option<NamedGroup>,
    /// Length of the prime of a Diffie-Hellman exchange, in bits.
    pub(super) prime_bits: Option<usize>,
    /// What the server signed its part of the key exchange with.
    pub(super) signature: Option<SignatureAndHashAlgorithm>,
    pub(super) encrypt_then_mac: bool,
}

impl Negotiated {
    /// The worst of all reasons, and the reasons, the worst first.
    pub(super) fn judge(&self) -> (Verdict, Vec<Reason>) {
        let Some(version) = self.version else { return (Verdict::NotSeen, Vec::new()) };
        let mut reasons = Vec::new();
        let mut add = |verdict, why: &str, source| reasons.push(Reason { verdict, why: why.to_owned(), source });
        match version.0 {
            ..=0x0300 => add(Verdict::Weak, "SSL 3.0", "RFC 7568"),
            0x0301 => add(Verdict::Weak, "TLS 1.0", "RFC 8996"),
            0x0302 => add(Verdict::Weak, "TLS 1.1", "RFC 8996"),
            0x0303 | 0x0304 => {}
            _ => add(Verdict::Legacy, "a draft of TLS 1.3", "RFC 8446"),
        }
        if let Some(suite) = self.suite.and_then(TlsCipherSuite::from_id) {
            of_encryption(suite, &mut add);
            of_key_exchange(suite, &mut add);
            if suite.enc_mode == TlsCipherEncMode::Cbc && !self.encrypt_then_mac {
                add(Verdict::Legacy, "CBC without encrypt-then-MAC", "RFC 9325, section 4.2");
            }
        }
        if self.prime_bits.is_some_and(|bits| bits < 2048) {
            add(Verdict::Weak, "Diffie-Hellman prime of less than 2,048 bits", "RFC 9325, section 4.5");
        }
        if self.group.is_some_and(|group| group.key_bits().is_some_and(|bits| bits < 224)) {
            add(Verdict::Weak, "elliptic curve of less than 224 bits", "RFC 9325, section 4.5");
        }
        match self.signature.as_ref().map(|signature| signature.hash.0) {
            Some(1) => add(Verdict::Weak, "signature over MD5", "RFC 9155"),
            Some(2) => add(Verdict::Weak, "signature over SHA-1", "RFC 9155"),
            _ => {}
        }
        reasons.sort_by_key(|reason| std::cmp::Reverse(reason.verdict));
        let is_known = self.suite.is_some_and(|id| TlsCipherSuite::from_id(id).is_some());
        let worst = reasons.first().map(|reason| reason.verdict);
        (worst.unwrap_or(if is_known { Verdict::Fine } else { Verdict::NotSeen }), reasons)
    }
}

fn of_encryption(suite: &TlsCipherSuite, add: &mut impl FnMut(Verdict, &str, &'static str)) {
    const GENERAL: &str = "RFC 9325, section 4.1";
    match suite.enc {
        TlsCipherEnc::Null => add(Verdict::Weak, "no encryption", GENERAL),
        TlsCipherEnc::Rc4 => add(Verdict::Weak, "RC4", "RFC 7465"),
        TlsCipherEnc::TripleDes => add(Verdict::Legacy, "3DES: less than 128 bits of security", GENERAL),
        _ if is_export(suite) || suite.enc_size < 112 => {
            add(Verdict::Weak, "encryption of less than 112 bits", GENERAL);
        }
        _ if is_ccm_8(suite) => add(Verdict::Legacy, "authentication tag of 64 bits", "RFC 8446, appendix B.4"),
        _ => {}
    }
}

fn of_key_exchange(suite: &TlsCipherSuite, add: &mut impl FnMut(Verdict, &str, &'static str)) {
    const KEY_EXCHANGE: &str = "RFC 10015";
    if is_anonymous(suite) {
        add(Verdict::Weak, "nobody proves who they are", "RFC 5246, appendix A.5");
    }
    match suite.kx {
        TlsCipherKx::Rsa => add(Verdict::Weak, "RSA key exchange: no forward secrecy", KEY_EXCHANGE),
        TlsCipherKx::Dh | TlsCipherKx::Dhe => add(Verdict::Weak, "Diffie-Hellman over a finite field", KEY_EXCHANGE),
        TlsCipherKx::Ecdh if !is_anonymous(suite) => {
            add(Verdict::Legacy, "static ECDH: no forward secrecy", KEY_EXCHANGE);
        }
        _ => {}
    }
}
