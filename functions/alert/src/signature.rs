//! Signatures by Standard Webhooks 1.0.0: HMAC-SHA256 as `v1`, ed25519 as `v1a`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use records::{Secret, Timestamp, Webhook};
use sha2::Sha256;

/// Header with the message's id, the same for every attempt: receivers tell repeats by it.
pub const ID_HEADER: &str = "webhook-id";
/// Header with the time of the attempt, in whole seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// Header with the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// A key that messages are signed with.
#[derive(Clone)]
pub enum SigningKey {
    /// A secret that the receiver has too (`whsec_…`), 24 to 64 bytes.
    Shared(Vec<u8>),
    /// A pair of which the receiver has only the public half (`whpk_…`).
    Pair(Box<ed25519_dalek::SigningKey>),
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey([redacted])")
    }
}

/// The keys that a webhook's messages are signed with at this time: both kinds, so that a receiver
/// checks the one that it keeps, and after a rotation the replaced ones too.
pub fn keys(webhook: &Webhook, now: Timestamp) -> Vec<SigningKey> {
    let retired = webhook
        .retired
        .as_ref()
        .filter(|retired| retired.until > now);
    let mut keys = both(&webhook.hmac_secret, &webhook.ed25519_seed);
    keys.extend(
        retired
            .into_iter()
            .flat_map(|old| both(&old.hmac_secret, &old.ed25519_seed)),
    );
    keys
}

/// A seed that is not one (no record of ours) leaves the shared secret alone.
fn both(secret: &Secret, seed: &Secret) -> Vec<SigningKey> {
    let shared = SigningKey::Shared(secret.bytes().to_vec());
    let pair = seed.bytes().try_into().ok().map(pair);
    std::iter::once(shared).chain(pair).collect()
}

fn pair(seed: &[u8; 32]) -> SigningKey {
    SigningKey::Pair(Box::new(ed25519_dalek::SigningKey::from_bytes(seed)))
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
            let mac =
                Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
            let tag = mac.chain_update(content).finalize().into_bytes();
            format!("v1,{}", STANDARD.encode(tag))
        }
        SigningKey::Pair(key) => format!("v1a,{}", STANDARD.encode(key.sign(content).to_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use records::WebhookState;

    use super::*;

    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP_S: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;

    // The keys and signatures that the reference libraries of Standard Webhooks test themselves
    // with (JavaScript `sign function works`, Go `TestAsymmetricWebhookSign`).
    const SHARED: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const SHARED_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    const PAIR: &[u8; 32] = b"TESTSIGNINGKEYDONOTUSETHISFORANY";
    const PAIR_SIGNATURE: &str = "v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqta\
                                  iHeYGb7KaaBRdM5WqyeFiL8Ag==";

    fn shared() -> SigningKey {
        SigningKey::Shared(STANDARD.decode(SHARED).expect("base64"))
    }

    #[test]
    fn the_reference_libraries_signatures_come_out() {
        assert_eq!(header(&[shared()], ID, TIMESTAMP_S, BODY), SHARED_SIGNATURE);
        assert_eq!(header(&[pair(PAIR)], ID, TIMESTAMP_S, BODY), PAIR_SIGNATURE);
    }

    #[test]
    fn each_key_of_a_rotation_signs() {
        let value = header(&[pair(PAIR), shared()], ID, TIMESTAMP_S, BODY);
        assert_eq!(value, format!("{PAIR_SIGNATURE} {SHARED_SIGNATURE}"));
    }

    fn webhook() -> Webhook {
        Webhook {
            name: "desk".parse().expect("a name"),
            url: "https://case.example/".parse().expect("a url"),
            content_type: Default::default(),
            hmac_secret: Secret::parse(SHARED).expect("a secret"),
            ed25519_seed: Secret::from_bytes(PAIR).expect("a secret"),
            retired: None,
            state: WebhookState::Enabled,
            reason: None,
            updated_at: Timestamp::from_millis(0),
        }
    }

    #[test]
    fn a_webhook_signs_with_both_of_its_keys() {
        let value = header(
            &keys(&webhook(), Timestamp::from_millis(0)),
            ID,
            TIMESTAMP_S,
            BODY,
        );
        assert_eq!(value, format!("{SHARED_SIGNATURE} {PAIR_SIGNATURE}"));
    }

    #[test]
    fn replaced_keys_go_on_signing_for_a_day() {
        let at = |hours: i64| Timestamp::from_millis(hours * 3_600_000);
        let new = Secret::from_bytes(&[3; 32]).expect("a secret");
        let rotated = Webhook {
            hmac_secret: new.clone(),
            ed25519_seed: new,
            retired: Some(webhook().retire_keys(at(0))),
            ..webhook()
        };
        let old = format!(" {SHARED_SIGNATURE} {PAIR_SIGNATURE}");
        let value = |now| header(&keys(&rotated, now), ID, TIMESTAMP_S, BODY);
        assert!(value(at(23)).ends_with(&old));
        assert_eq!(value(at(23)).split(' ').count(), 4);
        assert!(!value(at(24)).contains(SHARED_SIGNATURE));
        assert_eq!(value(at(24)).split(' ').count(), 2);
    }

    #[test]
    fn a_key_prints_as_redacted() {
        assert_eq!(format!("{:?}", shared()), "SigningKey([redacted])");
    }
}
