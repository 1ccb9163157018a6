//! Receipts of erasures: what is signed is read back, what was changed or signed by others is told.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use records::*;

fn seed(n: u8) -> Secret {
    Secret::from_bytes(&[n; 32]).unwrap()
}

fn receipt() -> Receipt {
    Receipt {
        format: Receipt::FORMAT.to_owned(),
        erasure_id: ErasureId::from_random(&[3; 16]),
        unit: TenantId::parse("unit").unwrap(),
        reference_ids: Vec::new(),
        requested_at: Timestamp::from_millis(0),
        done_at: Timestamp::from_millis(1),
        removed: vec![Removed {
            store: "leads".to_owned(),
            removed: 6,
        }],
        remains: Vec::new(),
    }
}

#[test]
fn a_signed_receipt_opens_by_its_deployments_key_and_by_no_other() {
    let signed = receipt().signed(&seed(1)).unwrap();
    assert_eq!(signed.opened(), Ok(receipt()));
    let key = Receipt::public_key(&seed(1)).unwrap();
    assert_eq!(signed.is_by(&key), Ok(()));
    let other = Receipt::public_key(&seed(2)).unwrap();
    assert_eq!(signed.is_by(&other), Err(ReceiptFault::AnotherKey));
    for text in ["", "AAAA", "no base64", &key[..40], &format!("{key}{key}")] {
        assert_eq!(signed.is_by(text), Err(ReceiptFault::Key), "{text}");
    }
}

#[test]
fn what_is_signed_and_no_receipt_is_told() {
    let other = Receipt {
        format: "homeward-erasure-receipt/2".to_owned(),
        ..receipt()
    };
    let signed = other.signed(&seed(1)).unwrap();
    assert_eq!(signed.opened(), Err(ReceiptFault::Unreadable));
}

proptest! {
    #[test]
    fn a_receipt_of_which_any_byte_was_changed_does_not_open(at in 0..10_000_usize, of in 0..3_u8, to in 0..128_u8) {
        let good = receipt().signed(&seed(1)).unwrap();
        let mut bad = good.clone();
        let text = match of {
            0 => &mut bad.receipt,
            1 => &mut bad.signature,
            _ => &mut bad.public_key,
        };
        let mut bytes = std::mem::take(text).into_bytes();
        let at = at % bytes.len();
        prop_assume!(bytes[at] != to);
        bytes[at] = to;
        *text = String::from_utf8(bytes).unwrap();
        // White space at an end, and bits of base64 that stand for nothing, mean the same.
        let same = |a: &str, b: &str| a.trim() == b.trim();
        let same_signature = same(&bad.signature, &good.signature);
        let same_key = same(&bad.public_key, &good.public_key);
        prop_assume!(!(same_signature && same_key && bad.receipt == good.receipt));
        prop_assert!(bad.opened().is_err());
    }

    #[test]
    fn whatever_stands_in_a_receipt_nothing_panics(receipt: String, signature: String, public_key: String) {
        let signed = SignedReceipt { receipt, signature, public_key };
        prop_assert!(signed.opened().is_err());
    }
}
