//! A cipher suite taken apart, by the table of tls-parser, which is that of the IANA.

use serde::Serialize;
use tls_parser::{TlsCipherAu, TlsCipherEnc, TlsCipherEncMode, TlsCipherKx, TlsCipherMac, TlsCipherSuite, TlsPRF};

/// A cipher suite and its parts, each by its usual name. A suite that is not in the table has no parts but a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CipherSuite {
    /// Name in the registry of the IANA, such as `TLS_DHE_DSS_WITH_AES_128_GCM_SHA256`.
    pub name: String,
    /// Number in the registry, such as `0x00a2`.
    pub id: String,
    /// How the key is agreed on, such as `DHE`; of TLS 1.3 the group tells.
    pub key_exchange: String,
    /// What the server proves who it is with, such as `DSS`; of TLS 1.3 the certificate tells, which is encrypted.
    pub authentication: String,
    /// What encrypts, such as `AES-128-GCM`.
    pub cipher: String,
    /// The hash of the key derivation where the cipher authenticates by itself, else of the message authentication code.
    pub hash: String,
}

impl CipherSuite {
    pub(super) fn of(id: u16) -> Self {
        match TlsCipherSuite::from_id(id) {
            Some(suite) => Self {
                name: suite.name.to_owned(),
                id: format!("{id:#06x}"),
                key_exchange: key_exchange(suite),
                authentication: authentication(suite).to_owned(),
                cipher: cipher(suite),
                hash: hash(suite).to_owned(),
            },
            None => {
                let [name, key_exchange, authentication, cipher, hash] = [(); 5].map(|()| "unknown".to_owned());
                Self { name, id: format!("{id:#06x}"), key_exchange, authentication, cipher, hash }
            }
        }
    }
}

fn key_exchange(suite: &TlsCipherSuite) -> String {
    let name = match suite.kx {
        TlsCipherKx::Null => "none",
        TlsCipherKx::Psk => "PSK",
        TlsCipherKx::Krb5 => "Kerberos",
        TlsCipherKx::Srp => "SRP",
        TlsCipherKx::Rsa => "RSA",
        TlsCipherKx::Dh if is_anonymous(suite) => "DHE",
        TlsCipherKx::Dh => "DH",
        TlsCipherKx::Dhe => "DHE",
        TlsCipherKx::Ecdh if is_anonymous(suite) => "ECDHE",
        TlsCipherKx::Ecdh => "ECDH",
        TlsCipherKx::Ecdhe | TlsCipherKx::Aecdh => "ECDHE",
        TlsCipherKx::Eccpwd => "ECCPWD",
        TlsCipherKx::Tls13 => "by group",
    };
    if is_export(suite) { format!("{name}, export") } else { name.to_owned() }
}

fn authentication(suite: &TlsCipherSuite) -> &'static str {
    if is_anonymous(suite) {
        return "anonymous";
    }
    match suite.au {
        TlsCipherAu::Null => "none",
        TlsCipherAu::Psk => "PSK",
        TlsCipherAu::Krb5 => "Kerberos",
        TlsCipherAu::Srp => "SRP",
        TlsCipherAu::Srp_Dss => "SRP, DSS",
        TlsCipherAu::Srp_Rsa => "SRP, RSA",
        TlsCipherAu::Dss => "DSS",
        TlsCipherAu::Rsa => "RSA",
        TlsCipherAu::Dhe => "DHE",
        TlsCipherAu::Ecdsa => "ECDSA",
        TlsCipherAu::Eccpwd => "ECCPWD",
        TlsCipherAu::Tls13 => "encrypted",
    }
}

fn cipher(suite: &TlsCipherSuite) -> String {
    let name = match suite.enc {
        TlsCipherEnc::Null => return "none".to_owned(),
        // The table says 128 bits; the key has 256 (RFC 7905).
        TlsCipherEnc::Chacha20_Poly1305 => return "ChaCha20-Poly1305".to_owned(),
        TlsCipherEnc::TripleDes => return "3DES-CBC".to_owned(),
        TlsCipherEnc::Des => "DES",
        TlsCipherEnc::Rc2 => "RC2",
        TlsCipherEnc::Rc4 => "RC4",
        TlsCipherEnc::Aria => "ARIA",
        TlsCipherEnc::Idea => "IDEA",
        TlsCipherEnc::Seed => "SEED",
        TlsCipherEnc::Aes => "AES",
        TlsCipherEnc::Camellia => "Camellia",
        TlsCipherEnc::Sm4 => "SM4",
        TlsCipherEnc::Aegis => "AEGIS",
    };
    let mode = match suite.enc_mode {
        TlsCipherEncMode::Null => "",
        TlsCipherEncMode::Cbc => "-CBC",
        TlsCipherEncMode::Ccm if is_ccm_8(suite) => "-CCM-8",
        TlsCipherEncMode::Ccm => "-CCM",
        TlsCipherEncMode::Gcm => "-GCM",
    };
    format!("{name}-{}{mode}", suite.enc_size)
}

fn hash(suite: &TlsCipherSuite) -> &'static str {
    match (suite.mac, suite.prf) {
        (TlsCipherMac::Null, _) => "none",
        (TlsCipherMac::HmacMd5, _) => "MD5",
        (TlsCipherMac::HmacSha1, _) => "SHA-1",
        (TlsCipherMac::HmacSha256, _) => "SHA-256",
        (TlsCipherMac::HmacSha384, _) => "SHA-384",
        (TlsCipherMac::HmacSha512, _) => "SHA-512",
        (TlsCipherMac::Aead, TlsPRF::Sha384) => "SHA-384",
        (TlsCipherMac::Aead, TlsPRF::Sha512) => "SHA-512",
        (TlsCipherMac::Aead, TlsPRF::Sm3) => "SM3",
        // The hash of TLS 1.2 where the suite names none (RFC 5246, section 5).
        (TlsCipherMac::Aead, _) => "SHA-256",
    }
}

pub(super) fn is_anonymous(suite: &TlsCipherSuite) -> bool {
    suite.name.contains("_anon_")
}

pub(super) fn is_export(suite: &TlsCipherSuite) -> bool {
    suite.name.contains("_EXPORT")
}

pub(super) fn is_ccm_8(suite: &TlsCipherSuite) -> bool {
    suite.name.contains("_CCM_8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parts(id: u16) -> [String; 5] {
        let CipherSuite { name, id: _, key_exchange, authentication, cipher, hash } = CipherSuite::of(id);
        [name, key_exchange, authentication, cipher, hash]
    }

    #[test]
    fn suites_are_taken_apart() {
        let expected = ["TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", "DHE", "DSS", "AES-128-GCM", "SHA-256"];
        assert_eq!(parts(0x00a2), expected);
        let expected = ["TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE", "RSA", "AES-256-CBC", "SHA-384"];
        assert_eq!(parts(0xc028), expected);
        let expected =
            ["TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE", "ECDSA", "ChaCha20-Poly1305", "SHA-256"];
        assert_eq!(parts(0xcca9), expected);
        assert_eq!(parts(0x0005), ["TLS_RSA_WITH_RC4_128_SHA", "RSA", "RSA", "RC4-128", "SHA-1"]);
        assert_eq!(parts(0x001b), ["TLS_DH_anon_WITH_3DES_EDE_CBC_SHA", "DHE", "anonymous", "3DES-CBC", "SHA-1"]);
        assert_eq!(parts(0xc018), ["TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "ECDHE", "anonymous", "AES-128-CBC", "SHA-1"]);
        let expected = ["TLS_RSA_EXPORT_WITH_RC4_40_MD5", "RSA, export", "RSA", "RC4-40", "MD5"];
        assert_eq!(parts(0x0003), expected);
        assert_eq!(parts(0xc0a0), ["TLS_RSA_WITH_AES_128_CCM_8", "RSA", "RSA", "AES-128-CCM-8", "SHA-256"]);
        assert_eq!(parts(0x1302), ["TLS_AES_256_GCM_SHA384", "by group", "encrypted", "AES-256-GCM", "SHA-384"]);
        assert_eq!(parts(0x0a0a), ["unknown"; 5]);
    }
}
