//! Who subscribed may ask, and nobody learns who asks: anonymous credentials.
//!
//! Signatures of D. Pointcheval and O. Sanders (Short Randomizable Signatures, CT-RSA 2016, sections 4.2 and 6) over BLS12-381,
//! with the proofs made non-interactive as by A. Fiat and A. Shamir. A credential is a signature on attributes: a secret of the
//! user's, a user name, and one for each subscription. The issuer never sees the first two; whoever verifies sees the
//! subscriptions that are shown, and nothing else: two showings of one credential share no part. A showing is bound to a message.
//!
//! Research-grade: the pairing is a library's, the protocol is written for this laboratory, and nobody has audited it.

mod encoding;

use std::fmt;

use blstrs::{Bls12, Compress as _, G1Affine, G1Projective, G2Affine, G2Prepared, G2Projective, Gt, Scalar};
use ff::Field as _;
use group::Curve as _;
use group::Group as _;
use pairing::{MillerLoopResult as _, MultiMillerLoop as _};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use encoding::EncodingError;

/// Attributes that only the user knows: a secret, and the user's name.
const OF_USER: usize = 2;

/// Fills bytes with randomness that nobody can guess.
pub type Randomness<'a> = dyn FnMut(&mut [u8]) + 'a;

/// What an issuer signs with.
#[derive(Clone)]
pub struct IssuerKey {
    x: Scalar,
    public: PublicKey,
}

/// What a showing is verified with, and which subscriptions there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    subscriptions: Vec<String>,
    /// One for each attribute.
    y1: Vec<G1Projective>,
    x2: G2Projective,
    y2: Vec<G2Projective>,
}

/// What a user keeps while a credential is issued.
#[derive(Debug, Clone)]
pub struct Pending {
    attributes: [Scalar; OF_USER],
    blinding: Scalar,
}

/// A commitment to the user's attributes, and the proof that the user knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuanceRequest {
    commitment: G1Projective,
    challenge: Scalar,
    /// Of the blinding, then of the attributes.
    responses: Vec<Scalar>,
}

/// A signature; what an issuer answers is blinded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    first: G1Projective,
    second: G1Projective,
}

/// A signature on all attributes.
#[derive(Clone)]
pub struct Credential {
    signature: Signature,
    attributes: Vec<Scalar>,
}

/// A signature made unrecognisable, and the proof that its holder knows the attributes that are not shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Showing {
    signature: Signature,
    challenge: Scalar,
    /// Of the blinding, then of hidden attributes in order.
    responses: Vec<Scalar>,
}

/// Why something is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The issuer does not offer it.
    #[error("there is no subscription `{0}`")]
    NoSuchSubscription(String),
    /// A showing must show something.
    #[error("no subscription is shown")]
    NothingShown,
    /// A proof does not fit what it should prove, or the message that it is for.
    #[error("the signature does not fit this request")]
    Proof,
    /// A signature that fits everything.
    #[error("the signature is empty")]
    Empty,
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKey").field("public", &self.public).finish_non_exhaustive()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential").finish_non_exhaustive()
    }
}

impl IssuerKey {
    /// A new key for these subscriptions.
    pub fn generate(subscriptions: &[&str], randomness: &mut Randomness<'_>) -> Self {
        let (g1, g2) = (G1Projective::generator(), G2Projective::generator());
        let x = random(randomness);
        let y: Vec<_> = (0..OF_USER + subscriptions.len()).map(|_| random(randomness)).collect();
        let public = PublicKey {
            subscriptions: subscriptions.iter().map(|&name| name.to_owned()).collect(),
            y1: y.iter().map(|y| g1 * y).collect(),
            x2: g2 * x,
            y2: y.iter().map(|y| g2 * y).collect(),
        };
        Self { x, public }
    }

    /// What others need.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Signs the user's hidden attributes, and for each subscription whether it is one of `subscribed`.
    ///
    /// # Errors
    ///
    /// If the request's proof is wrong, or a subscription is not offered.
    pub fn issue(
        &self,
        request: &IssuanceRequest,
        subscribed: &[&str],
        randomness: &mut Randomness<'_>,
    ) -> Result<Signature, Refusal> {
        let IssuanceRequest { commitment, challenge, responses } = request;
        if responses.len() != 1 + OF_USER {
            return Err(Refusal::Proof);
        }
        let opened = self.public.commit(&responses[1..], responses[0]) - commitment * challenge;
        if self.public.issuance_challenge(commitment, &opened) != *challenge {
            return Err(Refusal::Proof);
        }
        let mut signed = G1Projective::generator() * self.x + commitment;
        for (y1, attribute) in self.public.y1[OF_USER..].iter().zip(self.public.as_attributes(subscribed)?) {
            signed += y1 * attribute;
        }
        let u = random(randomness);
        Ok(Signature { first: G1Projective::generator() * u, second: signed * u })
    }
}

impl PublicKey {
    /// What can be subscribed to.
    pub fn subscriptions(&self) -> &[String] {
        &self.subscriptions
    }

    /// Begins the issuance of a credential for a user.
    pub fn request(&self, user_name: &str, randomness: &mut Randomness<'_>) -> (Pending, IssuanceRequest) {
        let attributes = [random(randomness), hash(b"user name", &[user_name.as_bytes()])];
        let blinding = random(randomness);
        let commitment = self.commit(&attributes, blinding);
        let nonces: Vec<_> = (0..=OF_USER).map(|_| random(randomness)).collect();
        let opened = self.commit(&nonces[1..], nonces[0]);
        let challenge = self.issuance_challenge(&commitment, &opened);
        let secrets = std::iter::once(&blinding).chain(&attributes);
        let responses = nonces.iter().zip(secrets).map(|(nonce, secret)| nonce + challenge * secret).collect();
        (Pending { attributes, blinding }, IssuanceRequest { commitment, challenge, responses })
    }

    /// Verifies that the holder of a credential has the subscriptions `shown`, and meant `message`.
    ///
    /// # Errors
    ///
    /// If not.
    pub fn verify(&self, showing: &Showing, shown: &[&str], message: &[u8]) -> Result<(), Refusal> {
        if shown.is_empty() {
            return Err(Refusal::NothingShown);
        }
        let is_shown = self.as_shown(shown)?;
        let Showing { signature, challenge, responses } = showing;
        if bool::from(signature.first.is_identity()) {
            return Err(Refusal::Empty);
        }
        if responses.len() != 1 + is_shown.iter().filter(|shown| !**shown).count() {
            return Err(Refusal::Proof);
        }
        let mut in_proof = G2Projective::generator() * responses[0];
        let mut known = self.x2;
        let mut hidden = responses[1..].iter();
        for (y2, is_shown) in self.y2.iter().zip(&is_shown) {
            match is_shown {
                true => known += y2 * subscribed(true),
                false => in_proof += y2 * hidden.next().expect("as many as were counted"),
            }
        }
        // What the prover committed to, if the responses are right: e(first, in_proof + challenge known) e(second, -challenge g2).
        let committed = pairings(&[
            (signature.first, in_proof + known * challenge),
            (signature.second, -(G2Projective::generator() * challenge)),
        ]);
        let expected = self.showing_challenge(signature, shown, message, &committed);
        if expected == *challenge { Ok(()) } else { Err(Refusal::Proof) }
    }

    fn commit(&self, attributes: &[Scalar], blinding: Scalar) -> G1Projective {
        let each = self.y1.iter().zip(attributes).map(|(y1, attribute)| y1 * attribute);
        each.fold(G1Projective::generator() * blinding, |sum, term| sum + term)
    }

    /// Attributes of all subscriptions, in order.
    fn as_attributes(&self, names: &[&str]) -> Result<Vec<Scalar>, Refusal> {
        let is_named = self.as_shown(names)?;
        Ok(is_named[OF_USER..].iter().map(|&named| subscribed(named)).collect())
    }

    /// For each attribute whether it is named.
    fn as_shown(&self, names: &[&str]) -> Result<Vec<bool>, Refusal> {
        if let Some(name) = names.iter().find(|&&name| self.subscriptions.iter().all(|known| known != name)) {
            return Err(Refusal::NoSuchSubscription((*name).to_owned()));
        }
        let of_subscriptions = self.subscriptions.iter().map(|known| names.contains(&known.as_str()));
        Ok([false; OF_USER].into_iter().chain(of_subscriptions).collect())
    }

    fn issuance_challenge(&self, commitment: &G1Projective, opened: &G1Projective) -> Scalar {
        let [commitment, opened] = [commitment, opened].map(|point| point.to_affine().to_compressed());
        hash(b"issuance", &[&self.to_bytes(), &commitment, &opened])
    }

    fn showing_challenge(&self, signature: &Signature, shown: &[&str], message: &[u8], committed: &Gt) -> Scalar {
        let mut in_target = Vec::new();
        committed.write_compressed(&mut in_target).expect("memory takes all");
        let shown =
            self.as_shown(shown).map_or(Vec::new(), |shown| shown.iter().map(|&shown| u8::from(shown)).collect());
        hash(b"showing", &[&self.to_bytes(), &signature.to_bytes(), &shown, message, &in_target])
    }
}

impl Pending {
    /// Ends the issuance with what the issuer answered.
    ///
    /// # Errors
    ///
    /// If the answer is no signature on these attributes.
    pub fn finish(self, key: &PublicKey, answer: &Signature, names: &[&str]) -> Result<Credential, Refusal> {
        let Signature { first, second } = *answer;
        let signature = Signature { first, second: second - first * self.blinding };
        let mut attributes = self.attributes.to_vec();
        attributes.extend(key.as_attributes(names)?);
        if bool::from(first.is_identity()) {
            return Err(Refusal::Empty);
        }
        let signed = key.y2.iter().zip(&attributes).fold(key.x2, |sum, (y2, attribute)| sum + y2 * attribute);
        let is_signed = pairings(&[(first, signed), (-signature.second, G2Projective::generator())]);
        if is_signed == Gt::identity() { Ok(Credential { signature, attributes }) } else { Err(Refusal::Proof) }
    }
}

impl Credential {
    /// Shows some of the subscriptions, for a message.
    ///
    /// # Errors
    ///
    /// If one is not offered by the issuer. One that this credential does not have makes a showing that nobody accepts.
    pub fn show(
        &self,
        key: &PublicKey,
        shown: &[&str],
        message: &[u8],
        randomness: &mut Randomness<'_>,
    ) -> Result<Showing, Refusal> {
        let is_shown = key.as_shown(shown)?;
        let (factor, blinding) = (random(randomness), random(randomness));
        let Signature { first, second } = self.signature;
        let signature = Signature { first: first * factor, second: (second + first * blinding) * factor };
        let hidden: Vec<_> = (0..self.attributes.len()).filter(|&at| !is_shown[at]).collect();
        let nonces: Vec<_> = (0..=hidden.len()).map(|_| random(randomness)).collect();
        let terms = hidden.iter().zip(&nonces[1..]).map(|(&at, nonce)| key.y2[at] * nonce);
        let in_proof = terms.fold(G2Projective::generator() * nonces[0], |sum, term| sum + term);
        let committed = pairings(&[(signature.first, in_proof)]);
        let challenge = key.showing_challenge(&signature, shown, message, &committed);
        let secrets = std::iter::once(blinding).chain(hidden.iter().map(|&at| self.attributes[at]));
        let responses = nonces.iter().zip(secrets).map(|(nonce, secret)| nonce + challenge * secret).collect();
        Ok(Showing { signature, challenge, responses })
    }
}

fn subscribed(is_subscribed: bool) -> Scalar {
    hash(b"subscription", &[&[u8::from(is_subscribed)]])
}

/// The product of pairings.
fn pairings(pairs: &[(G1Projective, G2Projective)]) -> Gt {
    let affine: Vec<(G1Affine, G2Prepared)> =
        pairs.iter().map(|(g1, g2)| (g1.to_affine(), G2Prepared::from(g2.to_affine()))).collect();
    let terms: Vec<_> = affine.iter().map(|(g1, g2)| (g1, g2)).collect();
    Bls12::multi_miller_loop(&terms).final_exponentiation()
}

/// A scalar from unpredictable bytes.
fn random(randomness: &mut Randomness<'_>) -> Scalar {
    loop {
        let mut bytes = [0; 32];
        randomness(&mut bytes);
        // Zero would make a signature that fits everything.
        if let Some(scalar) = scalar_below(bytes).filter(|scalar| !bool::from(scalar.is_zero())) {
            return scalar;
        }
    }
}

/// A scalar by SHA-256 from what it is for and parts of any length.
fn hash(purpose: &[u8], parts: &[&[u8]]) -> Scalar {
    let mut all = Sha256::new();
    for part in std::iter::once(&purpose).chain(parts) {
        all.update((part.len() as u64).to_le_bytes());
        all.update(part);
    }
    let all = all.finalize();
    let tries = (0_u32..).map(|number| Sha256::new().chain_update(all).chain_update(number.to_le_bytes()).finalize());
    tries.filter_map(|digest| scalar_below(digest.into())).next().expect("nine of ten digests are below the order")
}

/// The order of the groups has 255 bits; what is not below it is no scalar, so that all are equally likely.
fn scalar_below(mut little_endian: [u8; 32]) -> Option<Scalar> {
    little_endian[31] &= 0x7f;
    Scalar::from_bytes_le(&little_endian).into()
}

#[cfg(test)]
mod tests;
