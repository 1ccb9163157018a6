//! The audit log: whatever is done to it by whom has not the deployment's key is told.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::prelude::*;
use records::*;

proptest! {
    #[test]
    fn an_audit_log_that_was_tampered_with_breaks_where_it_was(
        length in 2..20_usize, at in 0..20_usize, how in 0..6,
    ) {
        let key = AuditKey::of(&Secret::from_bytes(&[7; 32]).unwrap());
        let mut log: Vec<AuditEntry> = Vec::new();
        for n in 0..length {
            let subject = Some(Label::parse(&n.to_string()).unwrap());
            let at = Timestamp::from_millis(n as i64);
            let last = log.last().map(AuditEntry::link);
            let entry = AuditEntry::after(&key, last, at, Some(Role::Unit), AuditAction::LeadSeen, subject);
            log.push(entry);
        }
        let head = AuditHead::anchoring(None).at(&log[length - 2]); // the last one's program died
        prop_assert_eq!(audited(Some(&key), Some(&head), &log), Ok(()));
        let at = at % (length - 1);
        let first = at as u64 + 1;
        let expected = match how {
            0 => { log[at].subject = None; AuditFault::Broken(first) }
            1 => { log.remove(at); AuditFault::Broken(first) }
            2 => { log.swap(at, at + 1); AuditFault::Broken(first) }
            3 => { log[at].actor = Some(Role::Admin); AuditFault::Broken(first) }
            4 => { log.truncate(at); AuditFault::CutOff { ends: first - 1, head: head.seq } }
            _ => { rewrite(&mut log, at); AuditFault::Broken(first) }
        };
        prop_assert_eq!(audited(Some(&key), Some(&head), &log), Err(expected));
    }
}

fn audited(
    key: Option<&AuditKey>,
    head: Option<&AuditHead>,
    log: &[AuditEntry],
) -> Result<(), AuditFault> {
    let mut check = AuditCheck::new(key, head);
    check.see(log)?;
    check.end()
}

/// Writes a log again from one entry on, as an attacker without the deployment's key can: with another.
fn rewrite(log: &mut [AuditEntry], from: usize) {
    let key = AuditKey::of(&Secret::from_bytes(&[8; 32]).unwrap());
    for n in from..log.len() {
        let last = n.checked_sub(1).map(|before| log[before].link());
        let AuditEntry {
            at, actor, subject, ..
        } = log[n].clone();
        log[n] = AuditEntry::after(&key, last, at, actor, AuditAction::AlertsPulled, subject);
    }
}

/// An entry of a build that had no key, as it wrote it.
fn entry_without_a_key() -> AuditEntry {
    let zeros = "0".repeat(64);
    let entry = format!(
        r#"{{"seq":1,"at":"2026-09-21T14:13:23.000Z","actor":"unit","action":"lead_judged",
        "subject":"96345c0f52d9186ac6c54b94318b027d","previous":"{zeros}",
        "hash":"c7e1d7cfda5f4512aeb37da7ea6cb3db6339d19d7a724fc24dffc6d1fbdd7343"}}"#
    );
    serde_json::from_str(&entry).unwrap()
}

#[test]
fn a_log_of_a_build_without_a_key_goes_on_and_is_told_if_it_is_rewritten() {
    let key = AuditKey::of(&Secret::from_bytes(&[7; 32]).unwrap());
    let old = entry_without_a_key();
    assert_eq!(
        audited(Some(&key), None, std::slice::from_ref(&old)),
        Ok(())
    );
    let anchored = AuditHead::anchoring(Some(&old));
    let (at, seen) = (Timestamp::from_millis(5), AuditAction::LeadSeen);
    let link = anchored.next_after(Some(&old));
    let new = AuditEntry::after(&key, link, at, None, seen, None);
    let log = [old.clone(), new.clone()];
    let head = anchored.at(&new);
    assert_eq!(audited(Some(&key), Some(&head), &log), Ok(()));
    assert_eq!(
        audited(Some(&key), Some(&anchored), &log),
        Ok(()),
        "the head lags"
    );
    assert_eq!(audited(None, Some(&head), &log), Err(AuditFault::KeyLost));
    assert_eq!(audited(Some(&key), None, &log), Err(AuditFault::HeadLost));
    let remade = AuditHead::anchoring(Some(&new));
    assert_eq!(
        audited(Some(&key), Some(&remade), &log),
        Err(AuditFault::HeadLost)
    );
    let emptied = audited(Some(&key), Some(&head), &[]);
    assert_eq!(emptied, Err(AuditFault::CutOff { ends: 0, head: 2 }));
    let plain = AuditEntry {
        keyed: false,
        ..new
    };
    let unkeyed = audited(Some(&key), Some(&head), &[old, plain]);
    assert_eq!(unkeyed, Err(AuditFault::Broken(2)));
}

#[test]
fn a_log_that_was_cut_off_goes_on_behind_the_gap() {
    let key = AuditKey::of(&Secret::from_bytes(&[7; 32]).unwrap());
    let entry = |last| {
        AuditEntry::after(
            &key,
            last,
            Timestamp::from_millis(0),
            None,
            AuditAction::LeadSeen,
            None,
        )
    };
    let first = entry(None);
    let second = entry(Some(first.link()));
    let head = AuditHead::anchoring(None).at(&second);
    let third = entry(head.next_after(Some(&first)));
    assert_eq!(third.seq, 3);
    let log = [first, third.clone()];
    assert_eq!(
        audited(Some(&key), Some(&head.at(&third)), &log),
        Err(AuditFault::Broken(2))
    );
}
