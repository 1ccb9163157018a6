//! Signatures by Standard Webhooks 1.0.0: HMAC-SHA256 as `v1`, ed25519 as `v1a`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Header with the message's id, the same for every attempt: receivers tell repeats by it.
pub const ID_HEADER: &str = "webhook-id";
/// Header with the time of the attempt, in whole seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Header with the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// Prefix of a secret shared with the receiver.
const SHARED_PREFIX: &str = "whsec_";
/// Prefix of the secret half of a key pair.
const PAIR_PREFIX: &str = "whsk_";
/// Sizes that the specification allows a shared secret, in bytes.
const SHARED_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that messages are signed with.
#[derive(Clone)]
pub enum SigningKey {
    /// A secret that the receiver has too (`whsec_…`).
    Shared(Vec<u8>),
    /// The secret half of a pair (`whsk_…`); the receiver has only the public half.
    Pair(Box<ed25519_dalek::SigningKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// A text that is not a signing key. The webhook has to be put anew.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a signing key of the form whsec_… or whsk_…")]
pub struct NotAKey;

impl std::str::FromStr for SigningKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        if let Some(encoded) = text.strip_prefix(SHARED_PREFIX) {
            shared(&STANDARD.decode(encoded).map_err(|_| NotAKey)?)
        } else if let Some(encoded) = text.strip_prefix(PAIR_PREFIX) {
            pair(&STANDARD.decode(encoded).map_err(|_| NotAKey)?)
        } else {
            Err(NotAKey)
        }
    }
}

fn shared(secret: &[u8]) -> Result<SigningKey, NotAKey> {
    if SHARED_BYTES.contains(&secret.len()) {
        Ok(SigningKey::Shared(secret.to_vec()))
    } else {
        Err(NotAKey)
    }
}

/// Both serialisations in use: the 32-byte seed alone, or the seed followed by the public half,
/// which must then belong to it.
fn pair(bytes: &[u8]) -> Result<SigningKey, NotAKey> {
    let key = match bytes.len() {
        32 => ed25519_dalek::SigningKey::from_bytes(bytes.try_into().map_err(|_| NotAKey)?),
        64 => ed25519_dalek::SigningKey::from_keypair_bytes(bytes.try_into().map_err(|_| NotAKey)?)
            .map_err(|_| NotAKey)?,
        _ => return Err(NotAKey),
    };
    Ok(SigningKey::Pair(Box::new(key)))
}

/// The value of the signature header for one attempt: one signature for each key, so that a
/// receiver can change from an old key to a new one without missing a message.
///
/// What is signed is `{id}.{timestamp_s}.{body}`; the id must not contain a full stop, or two
/// different messages could have the same signed content.
pub fn header(keys: &[SigningKey], id: &str, timestamp_s: i64, body: &[u8]) -> String {
    debug_assert!(!id.contains('.'), "ids have no full stop");
    let mut content = format!("{id}.{timestamp_s}.").into_bytes();
    content.extend_from_slice(body);
    let signatures: Vec<String> = keys.iter().map(|key| sign(key, &content)).collect();
    signatures.join(" ")
}

fn sign(key: &SigningKey, content: &[u8]) -> String {
    match key {
        SigningKey::Shared(secret) => {
            let mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
            let tag = mac.chain_update(content).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(tag))
        }
        SigningKey::Pair(key) => format!("v1a,{}", STANDARD.encode(key.sign(content).to_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    // The keys and signatures that the reference libraries of Standard Webhooks test themselves
    // with (JavaScript `sign function works`, Go `TestAsymmetricWebhookSign`).
    const SHARED: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SHARED_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const PAIR: &str = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
    const PAIR_SIGNATURE: &str =
        "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaBRdM5WqyeFiL8Ag==";

    fn key(text: &str) -> SigningKey {
        text.parse().expect("a key")
    }

    #[test]
    fn the_reference_libraries_signatures_come_out() {
        assert_eq!(header(&[key(SHARED)], ID, TIMESTAMP_S, BODY), SHARED_SIGNATURE);
        assert_eq!(header(&[key(PAIR)], ID, TIMESTAMP_S, BODY), PAIR_SIGNATURE);
    }

    #[test]
    fn each_key_of_a_rotation_signs() {
        let value = header(&[key(PAIR), key(SHARED)], ID, TIMESTAMP_S, BODY);
        assert_eq!(value, format!("{PAIR_SIGNATURE} {SHARED_SIGNATURE}"));
    }

    #[test]
    fn a_key_pair_may_carry_its_public_half_if_it_is_its_own() {
        let SigningKey::Pair(pair) = key(PAIR) else { panic!("a pair") };
        let mut bytes = pair.to_keypair_bytes();
        let long = format!("whsk_{}", STANDARD.encode(bytes));
        assert_eq!(header(&[key(&long)], ID, TIMESTAMP_S, BODY), PAIR_SIGNATURE);
        bytes[63] ^= 1;
        assert!(format!("whsk_{}", STANDARD.encode(bytes)).parse::<SigningKey>().is_err());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let short = format!("whsec_{}", STANDARD.encode([7; 23]));
        let long = format!("whsec_{}", STANDARD.encode([7; 65]));
        let odd = format!("whsk_{}", STANDARD.encode([7; 33]));
        let public = format!("whpk_{}", STANDARD.encode([7; 32]));
        for text in ["", "whsec_", "whsec_!", "secret", &short, &long, &odd, &public] {
            assert!(text.parse::<SigningKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_key_prints_as_redacted() {
        assert_eq!(format!("{:?}", key(SHARED)), "SigningKey([redacted])");
    }
}
