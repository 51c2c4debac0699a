use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::*;

const OFFERED: [&str; 3] = ["restaurant", "bar", "club"];

fn seeded(seed: u64) -> impl FnMut(&mut [u8]) {
    let mut randomness = Xoshiro256PlusPlus::seed_from_u64(seed);
    move |bytes| randomness.fill_bytes(bytes)
}

fn issued(names: &[&str]) -> (IssuerKey, Credential) {
    let randomness = &mut seeded(1);
    let issuer = IssuerKey::generate(&OFFERED, randomness);
    let (pending, request) = issuer.public().request("alice", randomness);
    let answer = issuer.issue(&request, names, randomness).unwrap();
    let credential = pending.finish(issuer.public(), &answer, names).unwrap();
    (issuer, credential)
}

#[test]
fn a_subscriber_is_accepted_for_the_message_alone() {
    let (issuer, credential) = issued(&["bar", "club"]);
    let key = issuer.public();
    for shown in [&["bar"][..], &["club"], &["bar", "club"], &["club", "bar"]] {
        let showing = credential.show(key, shown, b"42", &mut seeded(2)).unwrap();
        key.verify(&showing, shown, b"42").unwrap();
        assert_eq!(key.verify(&showing, shown, b"43"), Err(Refusal::Proof), "replayed for another cell");
        assert_eq!(key.verify(&showing, &["restaurant"], b"42"), Err(Refusal::Proof));
    }
}

#[test]
fn nobody_shows_what_was_not_subscribed() {
    let (issuer, credential) = issued(&["bar"]);
    let key = issuer.public();
    for shown in [&["club"][..], &["bar", "club"]] {
        let showing = credential.show(key, shown, b"42", &mut seeded(2)).unwrap();
        assert_eq!(key.verify(&showing, shown, b"42"), Err(Refusal::Proof));
    }
    let unknown = Refusal::NoSuchSubscription("gym".to_owned());
    assert_eq!(credential.show(key, &["gym"], b"42", &mut seeded(2)), Err(unknown.clone()));
    let showing = credential.show(key, &["bar"], b"42", &mut seeded(2)).unwrap();
    assert_eq!(key.verify(&showing, &["gym"], b"42"), Err(unknown));
    assert_eq!(key.verify(&showing, &[], b"42"), Err(Refusal::NothingShown));
}

#[test]
fn every_bit_of_a_showing_matters() {
    let (issuer, credential) = issued(&["bar"]);
    let key = issuer.public();
    let bytes = credential.show(key, &["bar"], b"42", &mut seeded(2)).unwrap().to_bytes();
    for at in (0..bytes.len()).step_by(3) {
        let mut changed = bytes.clone();
        changed[at] ^= 4;
        if let Ok(showing) = Showing::from_bytes(&changed) {
            assert!(key.verify(&showing, &["bar"], b"42").is_err(), "byte {at}");
        }
    }
    for length in 0..bytes.len() {
        let cut = Showing::from_bytes(&bytes[..length]);
        assert!(cut.is_err() || key.verify(&cut.unwrap(), &["bar"], b"42").is_err());
    }
}

#[test]
fn a_signature_that_fits_everything_is_refused() {
    let (issuer, credential) = issued(&["bar"]);
    let key = issuer.public();
    let mut showing = credential.show(key, &["bar"], b"42", &mut seeded(2)).unwrap();
    showing.signature = Signature { first: G1Projective::identity(), second: G1Projective::identity() };
    assert_eq!(key.verify(&showing, &["bar"], b"42"), Err(Refusal::Empty));
    let (pending, _) = key.request("bob", &mut seeded(3));
    assert!(matches!(pending.finish(key, &showing.signature, &["bar"]), Err(Refusal::Empty)));
}

/// What an observer of two showings has in common: no point, no scalar, no run of bytes.
#[test]
fn two_showings_share_no_byte_string() {
    let (issuer, credential) = issued(&["bar"]);
    let randomness = &mut seeded(2);
    let mut show = || credential.show(issuer.public(), &["bar"], b"42", randomness).unwrap().to_bytes();
    let (one, other) = (show(), show());
    assert_eq!((one.len(), other.len()), (288, 288));
    let runs = |bytes: &[u8]| bytes.windows(6).map(<[u8]>::to_vec).collect::<std::collections::BTreeSet<_>>();
    assert!(runs(&one).is_disjoint(&runs(&other)));
    // Nor do they share any with what the issuer has seen of the user.
    let (pending, request) = issuer.public().request("alice", &mut seeded(5));
    let answer = issuer.issue(&request, &["bar"], &mut seeded(6)).unwrap();
    let credential = pending.finish(issuer.public(), &answer, &["bar"]).unwrap();
    let showing = credential.show(issuer.public(), &["bar"], b"42", &mut seeded(7)).unwrap().to_bytes();
    assert!(runs(&showing).is_disjoint(&runs(&[request.to_bytes(), answer.to_bytes()].concat())));
}

#[test]
fn requests_and_answers_that_are_not_right_are_refused() {
    let (issuer, _) = issued(&["bar"]);
    let key = issuer.public();
    let (pending, request) = key.request("alice", &mut seeded(3));
    let other = key.request("alice", &mut seeded(4)).1;
    let mixed = IssuanceRequest { commitment: other.commitment, ..request.clone() };
    assert_eq!(issuer.issue(&mixed, &["bar"], &mut seeded(5)), Err(Refusal::Proof));
    let cut = IssuanceRequest { responses: request.responses[1..].to_vec(), ..request.clone() };
    assert_eq!(issuer.issue(&cut, &["bar"], &mut seeded(5)), Err(Refusal::Proof));
    let gym = issuer.issue(&request, &["gym"], &mut seeded(5));
    assert_eq!(gym, Err(Refusal::NoSuchSubscription("gym".to_owned())));
    // An issuer that signs something else is found out.
    let answer = issuer.issue(&request, &["bar"], &mut seeded(5)).unwrap();
    assert!(matches!(pending.clone().finish(key, &answer, &["club"]), Err(Refusal::Proof)));
    let stranger = IssuerKey::generate(&OFFERED, &mut seeded(9));
    assert!(pending.finish(stranger.public(), &answer, &["bar"]).is_err());
}

#[test]
fn what_is_written_is_read() {
    let (issuer, credential) = issued(&["bar"]);
    let key = issuer.public();
    assert_eq!(&PublicKey::from_bytes(&key.to_bytes()).unwrap(), key);
    assert_eq!(IssuerKey::from_bytes(&issuer.to_bytes()).unwrap().public(), key);
    let (_, request) = key.request("alice", &mut seeded(3));
    assert_eq!(IssuanceRequest::from_bytes(&request.to_bytes()).unwrap(), request);
    let answer = issuer.issue(&request, &["bar"], &mut seeded(4)).unwrap();
    assert_eq!(Signature::from_bytes(&answer.to_bytes()).unwrap(), answer);
    let again = Credential::from_bytes(&credential.to_bytes(), key).unwrap();
    let showing = again.show(key, &["bar"], b"1", &mut seeded(5)).unwrap();
    assert_eq!(Showing::from_bytes(&showing.to_bytes()).unwrap(), showing);
    key.verify(&showing, &["bar"], b"1").unwrap();
    let mut other = IssuerKey::generate(&OFFERED, &mut seeded(9)).to_bytes();
    other.splice(32.., key.to_bytes());
    assert!(IssuerKey::from_bytes(&other).is_err(), "a secret of another key");
    assert!(PublicKey::from_bytes(&key.to_bytes()[..100]).is_err());
}
