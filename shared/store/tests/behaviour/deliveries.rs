use records::*;
use store::{DeliveryOutcome, Error, Lease, Leased, Store};

use crate::fixtures::*;
use crate::host::World;

claims! {
    an_alert_is_queued_once_and_due_at_once,
    one_attempt_at_a_time,
    a_failed_attempt_is_due_again_and_a_receipt_ends_it,
    nothing_is_sent_after_a_withdrawal_and_its_leases_are_over,
    a_lease_that_ran_out_can_be_taken_over,
    an_attempt_in_flight_outlives_every_other_worker,
    a_delivery_can_be_put_off,
    a_delivery_can_be_given_up,
    the_backlog_of_one_webhook_hides_no_other,
    what_has_ended_is_delivered_once_more_and_what_is_under_way_is_not,
    a_test_alert_may_leave_without_a_reference_and_is_in_the_feed,
    what_a_removed_webhook_was_told_is_erased_too,
}

async fn alert(store: &Store) -> Alert {
    let id = active_reference(store, 1).await;
    store
        .leads
        .record_lead(&found(&id, 5), &[], at(10))
        .await
        .unwrap();
    feed(store).await.remove(0)
}

fn hook() -> WebhookName {
    WebhookName::parse("desk").unwrap()
}

async fn leased(store: &Store, delivery: &Delivery, now: i64) -> Lease {
    match store
        .deliveries
        .lease(&unit(), delivery, at(now), at(now + 30))
        .await
        .unwrap()
    {
        Leased::Granted(lease) => lease,
        other => panic!("{other:?}"),
    }
}

fn again(seconds: i64) -> DeliveryOutcome {
    DeliveryOutcome {
        state: DeliveryState::Pending,
        next_attempt_at: Some(at(seconds)),
        last_status: Some(503),
        reason: None,
    }
}

fn delivered() -> DeliveryOutcome {
    DeliveryOutcome {
        state: DeliveryState::Delivered,
        next_attempt_at: None,
        last_status: Some(204),
        reason: None,
    }
}

/// What is due of the one webhook.
async fn due(store: &Store, now: i64) -> Vec<Delivery> {
    let mut due = Vec::new();
    for (webhook, numbers) in store.deliveries.due(&unit(), at(now), 10).await.unwrap() {
        for seq in numbers {
            let delivery = store
                .deliveries
                .delivery(&unit(), &webhook, seq)
                .await
                .unwrap();
            due.push(delivery.unwrap());
        }
    }
    due
}

async fn queued(store: &Store) -> Delivery {
    let alert = alert(store).await;
    assert!(
        store
            .deliveries
            .enqueue(&hook(), &alert, at(20))
            .await
            .unwrap()
    );
    store
        .deliveries
        .delivery(&unit(), &hook(), alert.seq)
        .await
        .unwrap()
        .unwrap()
}

async fn an_alert_is_queued_once_and_due_at_once(World { store, .. }: World) {
    let alert = alert(&store).await;
    assert!(
        store
            .deliveries
            .enqueue(&hook(), &alert, at(20))
            .await
            .unwrap()
    );
    assert!(
        !store
            .deliveries
            .enqueue(&hook(), &alert, at(25))
            .await
            .unwrap()
    );
    assert!(due(&store, 19).await.is_empty());
    let now_due = due(&store, 20).await;
    assert_eq!(now_due.len(), 1);
    assert_eq!(
        (now_due[0].seq, now_due[0].attempts, now_due[0].state),
        (1, 0, DeliveryState::Pending)
    );
    assert!(
        store
            .deliveries
            .due(&tenant("other"), at(20), 10)
            .await
            .unwrap()
            .is_empty()
    );
    let page = store
        .deliveries
        .deliveries(&unit(), &hook(), None, 10)
        .await
        .unwrap();
    assert_eq!(page.items, now_due);
}

async fn one_attempt_at_a_time(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let lease = leased(&store, &delivery, 20).await;
    let second = store
        .deliveries
        .lease(&unit(), &delivery, at(21), at(51))
        .await
        .unwrap();
    assert_eq!(second, Leased::Busy);
    store
        .deliveries
        .settle(&lease, &again(60), at(22))
        .await
        .unwrap();
    let stale = store
        .deliveries
        .lease(&unit(), &delivery, at(23), at(53))
        .await
        .unwrap();
    assert_eq!(stale, Leased::Settled, "the caller saw an older state");
}

async fn a_failed_attempt_is_due_again_and_a_receipt_ends_it(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let lease = leased(&store, &delivery, 20).await;
    let failed = store
        .deliveries
        .settle(&lease, &again(60), at(22))
        .await
        .unwrap();
    assert_eq!((failed.attempts, failed.last_status), (1, Some(503)));
    assert!(due(&store, 59).await.is_empty());
    assert_eq!(due(&store, 60).await, std::slice::from_ref(&failed));
    let lease = leased(&store, &failed, 60).await;
    let receipt = store
        .deliveries
        .settle(&lease, &delivered(), at(61))
        .await
        .unwrap();
    assert_eq!(
        (receipt.attempts, receipt.state),
        (2, DeliveryState::Delivered)
    );
    assert!(due(&store, 9999).await.is_empty());
    let after = store
        .deliveries
        .lease(&unit(), &receipt, at(70), at(99))
        .await
        .unwrap();
    assert_eq!(after, Leased::Settled);
    let stored = store
        .deliveries
        .delivery(&unit(), &hook(), 1)
        .await
        .unwrap();
    assert_eq!(stored, Some(receipt));
    let wrong = DeliveryOutcome {
        next_attempt_at: Some(at(99)),
        ..delivered()
    };
    let refused = store.deliveries.settle(&lease, &wrong, at(62)).await;
    assert!(matches!(refused, Err(Error::Rejected(_))));
}

async fn nothing_is_sent_after_a_withdrawal_and_its_leases_are_over(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let reference = delivery.reference_id.clone();
    assert_eq!(
        store
            .deliveries
            .in_flight(&unit(), &reference, at(20))
            .await
            .unwrap(),
        None
    );
    let lease = leased(&store, &delivery, 20).await;
    store
        .references
        .withdraw(&unit(), &reference, at(21))
        .await
        .unwrap();
    let until = store
        .deliveries
        .in_flight(&unit(), &reference, at(21))
        .await
        .unwrap();
    assert_eq!(until, Some(at(50)), "an attempt is under way");
    assert_eq!(
        store
            .deliveries
            .in_flight(&unit(), &reference, at(50))
            .await
            .unwrap(),
        None
    );
    let failed = store
        .deliveries
        .settle(&lease, &again(40), at(30))
        .await
        .unwrap();
    assert_eq!(
        store
            .deliveries
            .in_flight(&unit(), &reference, at(30))
            .await
            .unwrap(),
        None
    );
    let next = store
        .deliveries
        .lease(&unit(), &failed, at(40), at(70))
        .await
        .unwrap();
    assert_eq!(next, Leased::NotActive);
}

async fn a_lease_that_ran_out_can_be_taken_over(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let slow = leased(&store, &delivery, 20).await;
    let taken = leased(&store, &delivery, 50).await;
    store
        .deliveries
        .settle(&taken, &delivered(), at(51))
        .await
        .unwrap();
    let late = store.deliveries.settle(&slow, &again(60), at(52)).await;
    assert!(matches!(late, Err(Error::Conflict(_))));
    let stored = store
        .deliveries
        .delivery(&unit(), &hook(), 1)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(stored.state, DeliveryState::Delivered);
}

async fn a_delivery_can_be_given_up(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let reason = ReasonCode::REFERENCE_NOT_ACTIVE;
    let gone = store
        .deliveries
        .abandon(&unit(), &delivery, reason.clone(), at(30))
        .await
        .unwrap();
    assert_eq!((gone.state, gone.attempts), (DeliveryState::Abandoned, 0));
    assert_eq!(gone.reason, Some(reason.clone()));
    assert!(due(&store, 9999).await.is_empty());
    let again = store
        .deliveries
        .abandon(&unit(), &delivery, reason, at(31))
        .await;
    assert!(matches!(again, Err(Error::Conflict(_))));
}

async fn an_attempt_in_flight_outlives_every_other_worker(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let reference = delivery.reference_id.clone();
    let slow = leased(&store, &delivery, 20).await;
    let taken = leased(&store, &delivery, 50).await;
    // The first one comes back late: the second one's attempt is still under way.
    let late = store.deliveries.settle(&slow, &again(60), at(52)).await;
    assert!(matches!(late, Err(Error::Conflict(_))));
    // Who finds the reference withdrawn must not give the delivery up concurrently.
    store
        .references
        .withdraw(&unit(), &reference, at(53))
        .await
        .unwrap();
    let reason = ReasonCode::REFERENCE_NOT_ACTIVE;
    let gone = store
        .deliveries
        .abandon(&unit(), &delivery, reason, at(54))
        .await;
    assert!(matches!(gone, Err(Error::Conflict(_))));
    let until = store
        .deliveries
        .in_flight(&unit(), &reference, at(54))
        .await
        .unwrap();
    assert_eq!(until, Some(at(80)));
    store
        .deliveries
        .settle(&taken, &delivered(), at(55))
        .await
        .unwrap();
    let until = store
        .deliveries
        .in_flight(&unit(), &reference, at(55))
        .await
        .unwrap();
    assert_eq!(until, None);
}

async fn a_delivery_can_be_put_off(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let later = store
        .deliveries
        .postpone(&unit(), &delivery, at(100), at(30))
        .await
        .unwrap();
    assert_eq!((later.state, later.attempts), (DeliveryState::Pending, 0));
    assert!(due(&store, 99).await.is_empty());
    assert_eq!(due(&store, 100).await, [later]);
    // Who still has the delivery as it was before may do nothing with it.
    let stale = store
        .deliveries
        .lease(&unit(), &delivery, at(31), at(61))
        .await;
    assert_eq!(stale.unwrap(), Leased::Settled);
}

async fn the_backlog_of_one_webhook_hides_no_other(World { store, .. }: World) {
    let mut alert = alert(&store).await;
    // More than a page, and all of it due before the other webhook's one delivery.
    for seq in 1..=150 {
        alert.seq = seq;
        store
            .deliveries
            .enqueue(&hook(), &alert, at(20))
            .await
            .unwrap();
    }
    let archive = WebhookName::parse("archive").unwrap();
    store
        .deliveries
        .enqueue(&archive, &alert, at(30))
        .await
        .unwrap();
    let due = store.deliveries.due(&unit(), at(30), 2).await.unwrap();
    assert_eq!(due[&archive], [150]);
    assert_eq!(due[&hook()], [1, 2], "the longest due first, two a webhook");
}

async fn what_has_ended_is_delivered_once_more_and_what_is_under_way_is_not(
    World { store, .. }: World,
) {
    let delivery = queued(&store).await;
    let again = async |now| {
        let deliveries = &store.deliveries;
        deliveries.redeliver(&unit(), &hook(), 1, at(now)).await
    };
    let lease = leased(&store, &delivery, 20).await;
    let refused = again(21).await;
    assert!(
        matches!(refused, Err(Error::Conflict(_))),
        "it is under way"
    );
    let settled = store.deliveries.settle(&lease, &delivered(), at(22)).await;
    settled.unwrap();
    let queued = again(30).await.unwrap();
    assert_eq!((queued.state, queued.attempts), (DeliveryState::Pending, 0));
    assert_eq!(due(&store, 30).await, std::slice::from_ref(&queued));
    let sooner = again(40).await.unwrap();
    assert_eq!(
        due(&store, 99).await,
        std::slice::from_ref(&sooner),
        "due once, not twice"
    );
    let lease = leased(&store, &sooner, 40).await;
    let settled = store.deliveries.settle(&lease, &delivered(), at(41)).await;
    settled.unwrap();
    assert!(due(&store, 9_999).await.is_empty());
    let id = &delivery.reference_id;
    let withdrawn = store.references.withdraw(&unit(), id, at(50)).await;
    withdrawn.unwrap();
    let queued = again(51).await.unwrap();
    let lease = store
        .deliveries
        .lease(&unit(), &queued, at(51), at(81))
        .await;
    assert_eq!(lease, Ok(Leased::NotActive), "it may not leave any more");
    let none = store
        .deliveries
        .redeliver(&unit(), &hook(), 2, at(60))
        .await;
    assert!(matches!(none, Err(Error::Gone(_))));
}

async fn a_test_alert_may_leave_without_a_reference_and_is_in_the_feed(World { store, .. }: World) {
    let seqs = [
        store.leads.write_test_alert(&unit(), at(10)).await.unwrap(),
        store.leads.write_test_alert(&unit(), at(11)).await.unwrap(),
    ];
    assert_eq!(seqs, [1, 2]);
    let told = feed(&store).await;
    assert!(
        told.iter()
            .all(|it| it.kind == AlertKind::Test && it.data.is_test)
    );
    assert_eq!(told.len(), 2);
    let queued = store.deliveries.enqueue(&hook(), &told[0], at(12)).await;
    assert_eq!(queued, Ok(true));
    let delivery = due(&store, 12).await.remove(0);
    leased(&store, &delivery, 12).await;
}

async fn what_a_removed_webhook_was_told_is_erased_too(World { store, .. }: World) {
    let delivery = queued(&store).await;
    let removed = store.deliveries.delete_webhook(&unit(), &hook()).await;
    removed.unwrap();
    let id = delivery.reference_id.clone();
    let withdrawn = store.references.withdraw(&unit(), &id, at(30)).await;
    withdrawn.unwrap();
    let erasure = ErasureId::from_random(&[7; 16]);
    let by = store::ErasedBy {
        unit: &unit(),
        erasure: &erasure,
    };
    store.leads.erase_leads(by, &[id].into()).await.unwrap();
    let left = store.deliveries.delivery(&unit(), &hook(), 1).await;
    assert_eq!(left, Ok(None));
    assert!(due(&store, 9_999).await.is_empty());
}
