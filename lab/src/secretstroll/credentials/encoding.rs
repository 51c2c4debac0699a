//! Keys, requests, signatures and showings as bytes: points compressed, scalars in 32 bytes, little-endian.

use super::*;

const POINT_1: usize = 48;
const POINT_2: usize = 96;
const SCALAR: usize = 32;
const MOST_SUBSCRIPTIONS: usize = 100;

/// Bytes that are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("these bytes are no {what}")]
pub struct EncodingError {
    /// What they should be.
    pub what: &'static str,
}

/// Takes parts from the front of bytes.
struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// A point of the right group; checked by the library.
    fn point_1(&mut self) -> Option<G1Projective> {
        Option::<G1Affine>::from(G1Affine::from_compressed(&self.array::<POINT_1>()?)).map(G1Projective::from)
    }

    fn point_2(&mut self) -> Option<G2Projective> {
        Option::<G2Affine>::from(G2Affine::from_compressed(&self.array::<POINT_2>()?)).map(G2Projective::from)
    }

    fn scalar(&mut self) -> Option<Scalar> {
        Scalar::from_bytes_le(&self.array::<SCALAR>()?).into()
    }

    /// All that is left.
    fn scalars(&mut self) -> Option<Vec<Scalar>> {
        let mut scalars = Vec::new();
        while !self.0.is_empty() {
            scalars.push(self.scalar()?);
        }
        Some(scalars)
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

fn read<T>(
    what: &'static str,
    bytes: &[u8],
    parse: impl FnOnce(&mut Parts<'_>) -> Option<T>,
) -> Result<T, EncodingError> {
    let mut parts = Parts(bytes);
    parse(&mut parts).and_then(|read| parts.end().map(|()| read)).ok_or(EncodingError { what })
}

fn put_1(bytes: &mut Vec<u8>, point: &G1Projective) {
    bytes.extend(point.to_affine().to_compressed());
}

fn put_2(bytes: &mut Vec<u8>, point: &G2Projective) {
    bytes.extend(point.to_affine().to_compressed());
}

fn put_scalars<'a>(bytes: &mut Vec<u8>, scalars: impl IntoIterator<Item = &'a Scalar>) {
    scalars.into_iter().for_each(|scalar| bytes.extend(scalar.to_bytes_le()));
}

impl PublicKey {
    /// As bytes: how many subscriptions, their names, then points.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.subscriptions.len() as u8];
        for name in &self.subscriptions {
            bytes.push(name.len() as u8);
            bytes.extend(name.bytes());
        }
        self.y1.iter().for_each(|point| put_1(&mut bytes, point));
        put_2(&mut bytes, &self.x2);
        self.y2.iter().for_each(|point| put_2(&mut bytes, point));
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no key.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        read("public key", bytes, |parts| {
            let count = usize::from(parts.array::<1>()?[0]);
            if count == 0 || count > MOST_SUBSCRIPTIONS {
                return None;
            }
            let mut subscriptions = Vec::new();
            for _ in 0..count {
                let length = usize::from(parts.array::<1>()?[0]);
                subscriptions.push(String::from_utf8(parts.take(length)?.to_vec()).ok()?);
            }
            let all = OF_USER + count;
            let y1 = (0..all).map(|_| parts.point_1()).collect::<Option<_>>()?;
            let x2 = parts.point_2()?;
            let y2 = (0..all).map(|_| parts.point_2()).collect::<Option<_>>()?;
            Some(Self { subscriptions, y1, x2, y2 })
        })
    }
}

impl IssuerKey {
    /// As bytes, to be kept secret: the public key behind the secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.x.to_bytes_le().to_vec();
        bytes.extend(self.public.to_bytes());
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no key, or its parts do not belong together.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        let what = "issuer's key";
        let (secret, public) = bytes.split_at_checked(SCALAR).ok_or(EncodingError { what })?;
        let x = read(what, secret, |parts| parts.scalar())?;
        let public = PublicKey::from_bytes(public).map_err(|_| EncodingError { what })?;
        if G2Projective::generator() * x != public.x2 {
            return Err(EncodingError { what });
        }
        Ok(Self { x, public })
    }
}

impl IssuanceRequest {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_1(&mut bytes, &self.commitment);
        put_scalars(&mut bytes, std::iter::once(&self.challenge).chain(&self.responses));
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no request.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        read("issuance request", bytes, |parts| {
            Some(Self { commitment: parts.point_1()?, challenge: parts.scalar()?, responses: parts.scalars()? })
        })
    }
}

impl Signature {
    /// As bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_1(&mut bytes, &self.first);
        put_1(&mut bytes, &self.second);
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no signature.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        read("signature", bytes, |parts| Some(Self { first: parts.point_1()?, second: parts.point_1()? }))
    }
}

impl Credential {
    /// As bytes, to be kept secret.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signature.to_bytes();
        put_scalars(&mut bytes, &self.attributes);
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no credential of this issuer's.
    pub fn from_bytes(bytes: &[u8], key: &PublicKey) -> Result<Self, EncodingError> {
        read("credential", bytes, |parts| {
            let signature = Signature { first: parts.point_1()?, second: parts.point_1()? };
            let attributes = parts.scalars()?;
            (attributes.len() == key.y2.len()).then_some(Self { signature, attributes })
        })
    }
}

impl Showing {
    /// As bytes: 96 for the signature, 32 each for challenge, blinding and hidden attributes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signature.to_bytes();
        put_scalars(&mut bytes, std::iter::once(&self.challenge).chain(&self.responses));
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    ///
    /// If they are no showing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EncodingError> {
        read("showing", bytes, |parts| {
            let signature = Signature { first: parts.point_1()?, second: parts.point_1()? };
            Some(Self { signature, challenge: parts.scalar()?, responses: parts.scalars()? })
        })
    }
}
