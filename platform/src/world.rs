//! What the server takes from outside: the time, and randomness for secrets. Both are passed in, so that tests have their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sha2::{Digest, Sha256};
use wfkit_datasets::hex;

/// Milliseconds since 1970 in UTC.
pub type Millis = i64;

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The system's.
    System,
    /// As it is set.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands until it is set.
    pub fn standing(at: Millis) -> Self {
        Self::Set(Arc::new(AtomicI64::new(at)))
    }

    /// The time.
    pub fn now(&self) -> Millis {
        match self {
            Self::System => jiff::Timestamp::now().as_millisecond(),
            Self::Set(at) => at.load(Ordering::SeqCst),
        }
    }

    /// Sets a clock that stands; the system's stays as it is.
    pub fn set(&self, to: Millis) {
        if let Self::Set(at) = self {
            at.store(to, Ordering::SeqCst);
        }
    }
}

/// Fills bytes that nobody can guess; only tests have some that can be.
pub type Random = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Clock and randomness.
#[derive(Clone)]
pub struct World {
    /// The clock.
    pub clock: Clock,
    /// Where ids, secrets and seeds come from.
    pub random: Random,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Without letters and digits that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

impl World {
    /// Of this machine.
    pub fn system() -> Self {
        let random = |bytes: &mut [u8]| getrandom::fill(bytes).expect("the system gives randomness");
        Self { clock: Clock::System, random: Arc::new(random) }
    }

    fn letters(&self, count: usize) -> String {
        let mut bytes = vec![0; count];
        (self.random)(&mut bytes);
        bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
    }

    /// An id that cannot be guessed: 80 bits.
    pub fn id(&self) -> String {
        self.letters(16)
    }

    /// A secret: 200 bits.
    pub fn secret(&self) -> String {
        self.letters(40)
    }

    /// A code to read out: 50 bits, which only rate limits make enough.
    pub fn code(&self) -> String {
        self.letters(10)
    }

    /// A seed from 0.
    pub fn seed(&self) -> i64 {
        let mut bytes = [0; 8];
        (self.random)(&mut bytes);
        i64::from_le_bytes(bytes) & i64::MAX
    }
}

/// What the store keeps of a secret: SHA-256 in hexadecimal. Secrets have 200 bits, so no salt is needed.
pub fn digest(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// So many of something: `1 team`, `2 teams`, `2 matches`.
pub(crate) fn counted(count: impl std::borrow::Borrow<i64>, noun: &str) -> String {
    let count = *count.borrow();
    match (count, noun.ends_with("ch")) {
        (1, _) => format!("1 {noun}"),
        (_, true) => format!("{count} {noun}es"),
        (_, false) => format!("{count} {noun}s"),
    }
}

/// An instant in words, in UTC: `2026-03-01 12:00 UTC`.
pub(crate) fn utc(at: Millis) -> String {
    let instant = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    instant.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// As the attribute of a `time` element: `2026-03-01T12:00:00Z`.
pub(crate) fn iso(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As a form field has it, in UTC: `2026-03-01T12:00`.
pub(crate) fn form_time(at: Millis) -> String {
    jiff::Timestamp::from_millisecond(at).unwrap_or_default().strftime("%Y-%m-%dT%H:%M").to_string()
}

/// What a form field says, in UTC, with seconds or without; another zone only where it says which.
pub(crate) fn parse_form_time(text: &str) -> Option<Millis> {
    if let Ok(instant) = text.trim().parse::<jiff::Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil: jiff::civil::DateTime = text.trim().trim_end_matches('Z').parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{counted, iso, parse_form_time};

    #[test]
    fn times_of_forms_are_of_utc_or_of_the_zone_that_they_name() {
        let read = |text| parse_form_time(text).map(iso);
        let noon = Some("2026-03-01T12:00:00Z".to_owned());
        for text in ["2026-03-01T12:00", " 2026-03-01T12:00:00 ", "2026-03-01T12:00Z", "2026-03-01T14:00:00+02:00"] {
            assert_eq!(read(text), noon, "{text}");
        }
        for text in ["", "noon", "2026-02-30T12:00", "9999-12-31T23:59"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn one_is_one() {
        let told =
            [(0, "team"), (1, "team"), (1, "match"), (2, "match")].map(|(count, noun): (i64, _)| counted(count, noun));
        assert_eq!(told, ["0 teams", "1 team", "1 match", "2 matches"]);
    }
}
