use records::*;
use store::{Activated, Error, LogChange, LogEntry, LogPosition, Store, Submitted};

use crate::fixtures::*;
use crate::host::World;

claims! {
    a_reference_is_matched_from_its_activation_on,
    a_withdrawn_reference_leaves_the_set_and_its_fingerprint_the_store,
    a_late_event_does_not_revive_a_withdrawn_reference,
    a_photo_that_was_deleted_and_lies_there_again_is_told_from_a_late_event,
    a_held_reference_comes_back_with_its_fingerprint,
    a_rejected_reference_says_why_and_can_be_submitted_again,
    an_expired_reference_ends_and_no_other,
    another_units_reference_looks_like_a_missing_one,
    references_are_paged_by_case,
    progress_of_the_search_is_noted_while_active,
}

async fn log(store: &Store) -> Vec<LogEntry> {
    store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap()
        .entries
}

async fn status(store: &Store, id: &ReferenceId) -> ReferenceStatus {
    store
        .references
        .reference(&unit(), id)
        .await
        .unwrap()
        .unwrap()
        .status
}

async fn a_reference_is_matched_from_its_activation_on(World { store, .. }: World) {
    let reference = reference("case 7", 1);
    let id = &reference.reference_id;
    let fingerprint = reference_fingerprint(1);
    let submitted = store
        .references
        .submit(&unit(), &reference, &fingerprint)
        .await
        .unwrap();
    assert_eq!(submitted, Submitted::New);
    assert_eq!(
        store.references.reference(&unit(), id).await.unwrap(),
        Some(reference.clone())
    );
    assert!(
        log(&store).await.is_empty(),
        "a pending reference is not matched"
    );
    assert_eq!(
        store.references.activate(&unit(), id, at(5)).await.unwrap(),
        Activated::Now
    );
    assert_eq!(
        store.references.activate(&unit(), id, at(6)).await.unwrap(),
        Activated::Before
    );
    let again = store
        .references
        .submit(&unit(), &reference, &fingerprint)
        .await
        .unwrap();
    assert_eq!(again, Submitted::Known(ReferenceStatus::Active));
    let active = store
        .references
        .reference(&unit(), id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (active.status, active.activated_at),
        (ReferenceStatus::Active, Some(at(5)))
    );
    let batch = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    let added = LogEntry {
        unit: unit(),
        reference_id: id.clone(),
        change: LogChange::Added(fingerprint),
    };
    assert!(batch.entries == [added]);
    assert!(
        store
            .references
            .references_since(&batch.position)
            .await
            .unwrap()
            .entries
            .is_empty()
    );
}

async fn a_withdrawn_reference_leaves_the_set_and_its_fingerprint_the_store(world: World) {
    let World { store, .. } = world;
    let id = active_reference(&store, 1).await;
    let loaded = store
        .references
        .references_since(&LogPosition::start())
        .await
        .unwrap();
    store
        .references
        .withdraw(&unit(), &id, at(9))
        .await
        .unwrap();
    store
        .references
        .withdraw(&unit(), &id, at(10))
        .await
        .unwrap();
    let withdrawn = store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(withdrawn.status, ReferenceStatus::Withdrawn);
    assert_eq!(
        withdrawn.ended_at,
        Some(at(10)),
        "the latest withdrawal counts"
    );
    let news = store
        .references
        .references_since(&loaded.position)
        .await
        .unwrap()
        .entries;
    assert!(matches!(
        &news[..],
        [LogEntry {
            change: LogChange::Removed,
            ..
        }]
    ));
    let whole = log(&store).await;
    assert!(
        matches!(
            &whole[..],
            [LogEntry {
                change: LogChange::Removed,
                ..
            }]
        ),
        "erased"
    );
    assert_eq!(
        store
            .references
            .activate(&unit(), &id, at(11))
            .await
            .unwrap(),
        Activated::Ended
    );
    let missing = store
        .references
        .withdraw(&unit(), &reference("x", 9).reference_id, at(9))
        .await;
    assert!(matches!(missing, Err(Error::Gone(_))));
}

async fn a_late_event_does_not_revive_a_withdrawn_reference(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .references
        .withdraw(&unit(), &id, at(9))
        .await
        .unwrap();
    let mut again = reference("case 7", 1);
    for created in [0, 9] {
        again.created_at = at(created);
        let submitted = store
            .references
            .submit(&unit(), &again, &reference_fingerprint(1))
            .await
            .unwrap();
        assert_eq!(submitted, Submitted::Known(ReferenceStatus::Withdrawn));
    }
    assert_eq!(
        store
            .references
            .activate(&unit(), &id, at(11))
            .await
            .unwrap(),
        Activated::Ended
    );
    again.created_at = at(10);
    let submitted = store
        .references
        .submit(&unit(), &again, &reference_fingerprint(1))
        .await
        .unwrap();
    assert_eq!(
        submitted,
        Submitted::New,
        "submitted anew after the withdrawal"
    );
    assert_eq!(
        store
            .references
            .activate(&unit(), &id, at(12))
            .await
            .unwrap(),
        Activated::Now
    );
    let last = log(&store).await.pop().unwrap();
    assert!(
        matches!(last.change, LogChange::Added(_)),
        "in the order in which it happened"
    );
}

async fn a_photo_that_was_deleted_and_lies_there_again_is_told_from_a_late_event(world: World) {
    let World { store, .. } = world;
    let key = ReferenceKey::parse("references/unit/case 7/a.jpg").unwrap();
    let photo: ObjectKey = key.clone().into();
    let mut again = reference("case 7", 1); // of the second in which the first photo went
    again.object_key = Some(key.clone());
    let (id, print) = (again.reference_id.clone(), reference_fingerprint(1));
    let submitted = store
        .references
        .submit(&unit(), &again, &print)
        .await
        .unwrap();
    assert_eq!(submitted, Submitted::New);
    store
        .references
        .activate(&unit(), &id, at(1))
        .await
        .unwrap();
    let put = async || {
        store
            .objects
            .put_object(&photo, object(b"photo"))
            .await
            .unwrap()
    };
    let submitted = async |version: &Option<String>| {
        let (unit, photo) = (unit(), (&key, version.as_deref()));
        let references = &store.references;
        let submitted = references.submit_returned(&unit, &again, &print, photo);
        submitted.await.unwrap()
    };
    let stays = Submitted::Known(ReferenceStatus::Withdrawn);
    let first = put().await;
    store.objects.delete_object(&photo, None).await.unwrap();
    let withdrawn = store
        .references
        .withdraw_removed(&key, 100, at(9))
        .await
        .unwrap();
    assert_eq!(withdrawn, std::slice::from_ref(&id));
    assert_eq!(submitted(&first).await, stays, "it lies there no more");
    let second = put().await;
    assert_eq!(submitted(&first).await, stays, "another one lies there");
    assert_eq!(submitted(&second).await, Submitted::New);
    let active = store
        .references
        .activate(&unit(), &id, at(10))
        .await
        .unwrap();
    assert_eq!(active, Activated::Now);
    // The deletion's event comes late, or twice.
    let withdrawn = store
        .references
        .withdraw_removed(&key, 100, at(11))
        .await
        .unwrap();
    assert_eq!(withdrawn, []);
    assert_eq!(status(&store, &id).await, ReferenceStatus::Active);
    // Asked for since: a photo that lies there does not count.
    store.objects.delete_object(&photo, None).await.unwrap();
    store
        .references
        .withdraw_removed(&key, 100, at(12))
        .await
        .unwrap();
    let third = put().await;
    store
        .references
        .withdraw(&unit(), &id, at(12))
        .await
        .unwrap();
    assert_eq!(submitted(&third).await, stays);
    // Nor does one that comes after the deletion of that.
    store.objects.delete_object(&photo, None).await.unwrap();
    let withdrawn = store
        .references
        .withdraw_removed(&key, 100, at(13))
        .await
        .unwrap();
    assert_eq!(withdrawn, std::slice::from_ref(&id));
    let fourth = put().await;
    assert_eq!(submitted(&fourth).await, stays);
    let found = store.references.reference(&unit(), &id).await.unwrap();
    assert_eq!(found.unwrap().ended_at, Some(at(12)), "its end stays");
}

async fn a_held_reference_comes_back_with_its_fingerprint(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    store
        .references
        .hold(&unit(), &id, ReasonCode::TOO_COMMON, at(5))
        .await
        .unwrap();
    store
        .references
        .hold(&unit(), &id, ReasonCode::TOO_COMMON, at(5))
        .await
        .unwrap();
    let held = store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(held.status, ReferenceStatus::Held);
    assert_eq!(held.reason, Some(ReasonCode::TOO_COMMON));
    assert!(matches!(
        &log(&store).await[..],
        [LogEntry {
            change: LogChange::Removed,
            ..
        }]
    ));
    assert_eq!(
        store
            .references
            .activate(&unit(), &id, at(6))
            .await
            .unwrap(),
        Activated::Now
    );
    let released = store
        .references
        .reference(&unit(), &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (released.reason, released.activated_at),
        (None, Some(at(1)))
    );
    let last = log(&store).await.pop().unwrap();
    assert!(last.change == LogChange::Added(reference_fingerprint(1)));
}

async fn a_rejected_reference_says_why_and_can_be_submitted_again(World { store, .. }: World) {
    let mut rejected = reference("case 7", 1);
    rejected.status = ReferenceStatus::Rejected;
    assert!(matches!(
        store.references.reject_reference(&unit(), &rejected).await,
        Err(Error::Rejected(_))
    ));
    rejected.reason = Some(ReasonCode::LOW_QUALITY);
    rejected.ended_at = Some(at(2));
    assert_eq!(
        store
            .references
            .reject_reference(&unit(), &rejected)
            .await
            .unwrap(),
        Submitted::New
    );
    let again = store
        .references
        .reject_reference(&unit(), &rejected)
        .await
        .unwrap();
    assert_eq!(again, Submitted::Known(ReferenceStatus::Rejected));
    let mut better = reference("case 7", 1);
    better.created_at = at(3);
    let submitted = store
        .references
        .submit(&unit(), &better, &reference_fingerprint(1))
        .await
        .unwrap();
    assert_eq!(submitted, Submitted::New);
    let late = store
        .references
        .reject_reference(&unit(), &rejected)
        .await
        .unwrap();
    assert_eq!(
        late,
        Submitted::Known(ReferenceStatus::Pending),
        "one that stands is not undone"
    );
}

async fn an_expired_reference_ends_and_no_other(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let mut longer = reference("case 8", 2);
    longer.expires_at = at(86_400 * 60);
    store
        .references
        .submit(&unit(), &longer, &reference_fingerprint(2))
        .await
        .unwrap();
    let then = at(86_400 * 30);
    assert!(
        store
            .references
            .expiring(&unit(), at(86_400 * 29))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.references.expiring(&unit(), then).await.unwrap(),
        std::slice::from_ref(&id)
    );
    let early = store
        .references
        .expire(&unit(), &longer.reference_id, then)
        .await;
    assert!(matches!(early, Err(Error::Conflict(_))));
    store.references.expire(&unit(), &id, then).await.unwrap();
    assert_eq!(status(&store, &id).await, ReferenceStatus::Expired);
    assert!(
        store
            .references
            .expiring(&unit(), then)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(matches!(
        &log(&store).await[..],
        [LogEntry {
            change: LogChange::Removed,
            ..
        }]
    ));
}

async fn another_units_reference_looks_like_a_missing_one(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let other = tenant("other");
    assert_eq!(store.references.reference(&other, &id).await.unwrap(), None);
    assert_eq!(
        store.references.withdraw(&other, &id, at(5)).await,
        Err(Error::Gone("the reference"))
    );
    assert_eq!(
        store.references.activate(&other, &id, at(5)).await,
        Err(Error::Gone("the reference"))
    );
    assert!(
        store
            .references
            .references(&other, None, None, 10)
            .await
            .unwrap()
            .items
            .is_empty()
    );
    assert_eq!(status(&store, &id).await, ReferenceStatus::Active);
}

async fn references_are_paged_by_case(World { store, .. }: World) {
    for n in 0..7 {
        let case = if n % 2 == 0 { "even" } else { "odd" };
        store
            .references
            .submit(&unit(), &reference(case, n), &reference_fingerprint(n))
            .await
            .unwrap();
    }
    let case = CaseId::parse("odd").unwrap();
    for (case, expected) in [(None, 7), (Some(&case), 3)] {
        let (mut seen, mut cursor) = (0, None);
        loop {
            let page = store
                .references
                .references(&unit(), case, cursor.as_ref(), 2)
                .await
                .unwrap();
            seen += page.items.len();
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, expected);
    }
    let page = store
        .references
        .references(&unit(), None, None, 2)
        .await
        .unwrap();
    let elsewhere = store
        .leads
        .leads(&unit(), &Default::default(), page.next.as_ref(), 2)
        .await;
    assert!(
        matches!(elsewhere, Err(Error::Rejected(_))),
        "cursors are bound to their listing"
    );
}

async fn progress_of_the_search_is_noted_while_active(World { store, .. }: World) {
    let id = active_reference(&store, 1).await;
    let progress = SearchProgress {
        state: SearchState::Done,
        images_searched: 1000,
        images_total: 2000,
        updated_at: Some(at(8)),
    };
    store
        .references
        .save_search(&unit(), &id, &progress)
        .await
        .unwrap();
    assert_eq!(
        store
            .references
            .reference(&unit(), &id)
            .await
            .unwrap()
            .unwrap()
            .search,
        progress
    );
    store
        .references
        .withdraw(&unit(), &id, at(9))
        .await
        .unwrap();
    store
        .references
        .save_search(&unit(), &id, &SearchProgress::default())
        .await
        .unwrap();
    assert_eq!(
        store
            .references
            .reference(&unit(), &id)
            .await
            .unwrap()
            .unwrap()
            .search,
        progress
    );
}
