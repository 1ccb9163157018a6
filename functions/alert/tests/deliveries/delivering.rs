//! From the outbox to the receiver: exactly the truth, whatever repeats, fails or is withdrawn.

use std::time::Duration;

use aws_lambda_events::dynamodb::Event;
use records::{DeliveryState, ReasonCode, WebhookState};

use crate::receiver::{Answer, Received, Receiver};
use crate::verifiers::{accepted, public_text, shared_text};
use crate::world::{SEED, SHARED, World, name};

const HOUR_S: f64 = 3_600.0;

fn ids(received: &[Received]) -> Vec<String> {
    received
        .iter()
        .map(|message| message.headers["webhook-id"].clone())
        .collect()
}

fn reason(code: &str) -> Option<ReasonCode> {
    Some(ReasonCode::parse(code).expect("a code"))
}

/// A world whose webhook `desk` has a receiver with this script, one reference, and one lead.
async fn one_lead(script: impl IntoIterator<Item = Answer>) -> (World, Receiver, u64) {
    let receiver = Receiver::start(script).await;
    let world = World::new().await;
    world.webhook("unit", "desk", &receiver.url("/desk")).await;
    let reference = world.reference("case-1").await;
    let seq = world.lead(&reference, "ad-1").await;
    (world, receiver, seq)
}

#[tokio::test]
async fn a_lead_reaches_every_webhook_of_its_unit_and_no_other() {
    let (world, desk, seq) = one_lead([Answer::Status(200, "")]).await;
    let archive = Receiver::start([Answer::Status(202, "")]).await;
    let stranger = Receiver::start([Answer::Status(200, "")]).await;
    world
        .webhook("unit", "archive", &archive.url("/archive"))
        .await;
    world.webhook("other", "desk", &stranger.url("/")).await;

    assert!(world.stream().await.batch_item_failures.is_empty());
    for (receiver, hook, status) in [(&desk, "desk", 200), (&archive, "archive", 202)] {
        assert_eq!(ids(&receiver.received()), ["unit-000000000001"]);
        let receipt = world.delivery(hook, seq).await;
        assert_eq!(receipt.state, DeliveryState::Delivered);
        assert_eq!((receipt.attempts, receipt.last_status), (1, Some(status)));
        assert_eq!((receipt.next_attempt_at, receipt.reason), (None, None));
    }
    assert_eq!(stranger.connections(), 0);
    assert_eq!(world.timer().await, 0, "nothing is due any more");
}

#[tokio::test]
async fn a_message_is_a_cloudevent_that_outside_verifiers_accept() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    world.stream().await;
    let message = desk.received().pop().expect("one message");
    let body = String::from_utf8(message.body.clone()).expect("utf-8");
    let event: serde_json::Value = serde_json::from_str(&body).expect("json");
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "org.homeward.lead.created");
    assert_eq!(event["id"], message.headers["webhook-id"].as_str());
    assert_eq!(event["data"]["case_id"], "case-1");
    assert_eq!(event["data"]["sightings"][0]["place"], "Zürich – 東京");
    // Never a hash: neither of the ad and the reference, nor a fingerprint's.
    for secret in ["sha256", &"ab".repeat(8), &"cd".repeat(8)] {
        assert!(!body.contains(secret), "{secret}");
    }
    let as_received =
        |key: String| serde_json::json!({ "key": key, "body": body, "headers": message.headers });
    let right = [shared_text(&SHARED), public_text(&SEED)].map(as_received);
    let wrong = [shared_text(&[1; 32]), public_text(&[1; 32])].map(as_received);
    assert_eq!(accepted(&right), [true; 2]);
    assert_eq!(accepted(&wrong), [false; 2]);
}

#[tokio::test]
async fn a_repeated_record_sends_nothing_again() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    let batch = world.batch().await;
    for _ in 0..3 {
        world.program.on_leads(&batch).await;
    }
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn two_workers_on_one_alert_send_it_once() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    let batch = world.batch().await;
    let on_leads = || world.program.on_leads(&batch);
    tokio::join!(
        on_leads(),
        on_leads(),
        on_leads(),
        on_leads(),
        world.timer()
    );
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn a_receiver_that_fails_gets_ten_attempts_over_75_hours() {
    let (world, desk, seq) = one_lead([Answer::Status(500, "")]).await;
    let start = world.now();
    world.stream().await;
    for attempts in 1..10 {
        let delivery = world.delivery("desk", seq).await;
        assert_eq!(
            (delivery.state, delivery.attempts),
            (DeliveryState::Pending, attempts)
        );
        assert_eq!(delivery.reason, reason("not_accepted"));
        let due = delivery.next_attempt_at.expect("pending");
        world.wait_until(due.minus(Duration::from_millis(1)));
        assert_eq!(world.timer().await, 0, "not before its time");
        world.wait_until(due);
        assert_eq!(world.timer().await, 1);
    }
    let hours = world.now().since(start).as_secs_f64() / HOUR_S;
    assert!((75.5..83.2).contains(&hours), "{hours}");
    let delivery = world.delivery("desk", seq).await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Failed, 10)
    );
    assert_eq!(delivery.reason, Some(ReasonCode::ATTEMPTS_EXHAUSTED));
    world.wait(Duration::from_secs(30 * 86_400));
    assert_eq!(world.timer().await, 0);

    let received = desk.received();
    assert_eq!(received.len(), 10);
    assert_eq!(ids(&received), vec!["unit-000000000001"; 10]);
    assert!(
        received
            .iter()
            .all(|message| message.body == received[0].body)
    );
    let times: std::collections::BTreeSet<&str> = received
        .iter()
        .map(|message| message.headers["webhook-timestamp"].as_str())
        .collect();
    assert_eq!(times.len(), 10, "each attempt is signed with its own time");
}

#[tokio::test]
async fn a_receiver_that_recovers_gets_its_message() {
    let script = [
        Answer::Status(500, ""),
        Answer::Cut,
        Answer::Silence,
        Answer::Status(302, "location: http://127.0.0.1:1/\r\n"),
        Answer::Status(200, ""),
    ];
    let (world, desk, seq) = one_lead(script).await;
    world.stream().await;
    let mut reasons = Vec::new();
    while let Some(due) = world.delivery("desk", seq).await.next_attempt_at {
        reasons.extend(world.delivery("desk", seq).await.reason);
        world.wait_until(due);
        world.timer().await;
    }
    let words: Vec<&str> = reasons.iter().map(ReasonCode::as_str).collect();
    assert_eq!(
        words,
        [
            "not_accepted",
            "connection_broken",
            "timed_out",
            "not_accepted"
        ]
    );
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Delivered
    );
    assert_eq!(desk.received().len(), 5);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_gets_it() {
    let (world, _desk, seq) = one_lead([Answer::Status(503, "retry-after: 600\r\n")]).await;
    world.stream().await;
    let due = world
        .delivery("desk", seq)
        .await
        .next_attempt_at
        .expect("pending");
    assert!((600.0..601.0).contains(&due.since(world.now()).as_secs_f64()));
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_not_called_again() {
    let receiver = Receiver::start([Answer::Status(500, ""), Answer::Status(410, "")]).await;
    let world = World::new().await;
    world.webhook("unit", "desk", &receiver.url("/")).await;
    let reference = world.reference("case-1").await;
    let first = world.lead(&reference, "ad-1").await;
    world.stream().await; // 500: pending
    let second = world.lead(&reference, "ad-2").await;
    world.stream().await; // 410: over
    let third = world.lead(&reference, "ad-3").await;
    world.stream().await;
    world.wait(Duration::from_secs(86_400));
    world.timer().await;

    let webhook = world
        .store
        .deliveries
        .webhook(&world.unit, &name("desk"))
        .await
        .expect("the store answers");
    let webhook = webhook.expect("still there");
    assert_eq!(webhook.state, WebhookState::Disabled);
    assert_eq!(webhook.reason, Some(ReasonCode::RECEIVER_GONE));
    let delivery = world.delivery("desk", second).await;
    assert_eq!(
        (delivery.state, delivery.last_status),
        (DeliveryState::Failed, Some(410))
    );
    let delivery = world.delivery("desk", first).await;
    assert_eq!(delivery.state, DeliveryState::Abandoned);
    assert_eq!(delivery.reason, Some(ReasonCode::RECEIVER_GONE));
    let queued = world
        .store
        .deliveries
        .delivery(&world.unit, &name("desk"), third)
        .await;
    assert_eq!(queued.expect("the store answers"), None);
    assert_eq!(receiver.received().len(), 2);
}

#[tokio::test]
async fn a_removed_webhook_is_not_called_again() {
    let (world, desk, seq) = one_lead([Answer::Status(500, "")]).await;
    world.stream().await;
    world
        .store
        .deliveries
        .delete_webhook(&world.unit, &name("desk"))
        .await
        .expect("removed");
    world.wait(Duration::from_secs(60));
    world.timer().await;
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Abandoned
    );
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn alerts_that_their_stream_gave_up_are_queued_by_the_timer_once() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    let reference = world.reference("case-2").await;
    world.lead(&reference, "ad-2").await;
    world.batch().await; // read, and never acted upon
    assert_eq!(world.timer().await, 0, "the stream still has its time");
    world.wait(Duration::from_secs(16 * 60));
    assert_eq!(world.timer().await, 2);
    world.lead(&reference, "ad-3").await;
    world.stream().await;
    world.wait(Duration::from_secs(16 * 60));
    assert_eq!(world.timer().await, 0, "that one was queued");
    let expected = [1, 2, 3].map(|seq| format!("unit-{seq:012}"));
    let mut told = ids(&desk.received());
    told.sort(); // attempts go out side by side
    assert_eq!(told, expected);
    let page = world
        .store
        .leads
        .unqueued_alerts(&world.unit, world.now())
        .await;
    assert_eq!(page.expect("the store answers"), []);
}

#[tokio::test]
async fn a_withdrawn_reference_never_alerts() {
    let (world, desk, seq) = one_lead([Answer::Status(200, "")]).await;
    let alert = world
        .store
        .leads
        .alert(&world.unit, seq)
        .await
        .expect("the store answers");
    let reference = alert.expect("in the outbox").data.reference_id;
    world
        .store
        .references
        .withdraw(&world.unit, &reference, world.now())
        .await
        .expect("withdrawn");
    world.stream().await;
    assert_eq!(desk.connections(), 0);
    let delivery = world.delivery("desk", seq).await;
    assert_eq!(delivery.state, DeliveryState::Abandoned);
    assert_eq!(delivery.reason, Some(ReasonCode::REFERENCE_NOT_ACTIVE));
}

#[tokio::test]
async fn that_a_lead_was_taken_back_is_delivered_and_tried_again_to_a_unit_that_asked() {
    let script = [200, 500, 200].map(|status| Answer::Status(status, ""));
    let (world, desk, seq) = one_lead(script).await;
    world.stream().await;
    let settings = world.store.tenants.tenant(&world.unit).await;
    let mut settings = settings.expect("the store answers").expect("a unit");
    settings.tell_withdrawals = true;
    let asked = world.store.tenants.put_tenant(&settings).await;
    asked.expect("stored");
    let reference = world.delivery("desk", seq).await.reference_id;
    let withdrawn = world
        .store
        .references
        .withdraw(&world.unit, &reference, world.now());
    withdrawn.await.expect("withdrawn");
    let taken_back = world.store.leads.take_back_leads(&world.unit, world.now());
    assert_eq!(taken_back.await.expect("told"), 1);
    world.stream().await;
    world.wait(Duration::from_secs(86_400));
    assert_eq!(world.timer().await, 1);
    let told = desk.received();
    assert_eq!(told.len(), 3);
    let event: serde_json::Value = serde_json::from_slice(&told[2].body).expect("json");
    assert_eq!(event["type"], "org.homeward.lead.withdrawn");
    assert_eq!(event["data"]["status"], "withdrawn");
    assert_eq!(event["data"]["sightings"], serde_json::json!([]));
    assert_eq!(told[1].headers["webhook-id"], told[2].headers["webhook-id"]);
}

#[tokio::test]
async fn a_withdrawal_between_two_attempts_stops_the_second() {
    let (world, desk, seq) = one_lead([Answer::Status(500, "")]).await;
    world.stream().await;
    let reference = world.delivery("desk", seq).await.reference_id;
    world
        .store
        .references
        .withdraw(&world.unit, &reference, world.now())
        .await
        .expect("withdrawn");
    world.wait(Duration::from_secs(86_400));
    assert_eq!(world.timer().await, 1);
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Abandoned
    );
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn a_withdrawal_sees_the_attempt_in_flight_until_it_has_ended() {
    let (world, desk, seq) = one_lead([Answer::Silence]).await;
    let batch = world.batch().await;
    let program = world.program.clone();
    let in_flight = tokio::spawn(async move { program.on_leads(&batch).await });
    while desk.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let reference = world.delivery("desk", seq).await.reference_id;
    let (store, unit) = (&world.store, &world.unit);
    store
        .references
        .withdraw(unit, &reference, world.now())
        .await
        .expect("withdrawn");
    // Another worker comes by concurrently: it must not give the delivery up behind the sender's back.
    world.timer().await;
    let until = store
        .deliveries
        .in_flight(unit, &reference, world.now())
        .await
        .expect("the store answers");
    assert!(until.is_some_and(|until| until > world.now()));

    in_flight.await.expect("it ends");
    let until = store
        .deliveries
        .in_flight(unit, &reference, world.now())
        .await
        .expect("the store answers");
    assert_eq!(until, None);
    world.wait(Duration::from_secs(86_400));
    world.timer().await;
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Abandoned
    );
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn a_held_reference_alerts_once_it_is_active_again() {
    let (world, desk, seq) = one_lead([Answer::Status(200, "")]).await;
    let alert = world
        .store
        .leads
        .alert(&world.unit, seq)
        .await
        .expect("the store answers");
    let reference = alert.expect("in the outbox").data.reference_id;
    let (store, unit) = (&world.store, &world.unit);
    store
        .references
        .hold(unit, &reference, ReasonCode::TOO_COMMON, world.now())
        .await
        .expect("held");
    world.stream().await;
    for _ in 0..20 {
        world.wait(Duration::from_secs(3_600));
        assert_eq!(world.timer().await, 1);
    }
    let delivery = world.delivery("desk", seq).await;
    assert_eq!(
        (delivery.state, delivery.attempts),
        (DeliveryState::Pending, 0)
    );
    assert_eq!(desk.connections(), 0);

    store
        .references
        .activate(unit, &reference, world.now())
        .await
        .expect("active");
    world.wait(Duration::from_secs(300));
    world.timer().await;
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Delivered
    );
    assert_eq!(desk.received().len(), 1);
    assert_eq!(
        world.timer().await,
        0,
        "and no trace of the waiting is left"
    );
}

#[tokio::test]
async fn what_a_dead_process_had_leased_is_sent_when_the_lease_runs_out() {
    let (world, desk, seq) = one_lead([Answer::Status(200, "")]).await;
    let (store, unit) = (&world.store, &world.unit);
    let alert = store
        .leads
        .alert(unit, seq)
        .await
        .expect("the store answers")
        .expect("in the outbox");
    store
        .deliveries
        .enqueue(&name("desk"), &alert, world.now())
        .await
        .expect("queued");
    let delivery = world.delivery("desk", seq).await;
    let until = world.now().plus(Duration::from_secs(20));
    store
        .deliveries
        .lease(unit, &delivery, world.now(), until)
        .await
        .expect("leased"); // and then it died

    world.timer().await;
    assert_eq!(desk.connections(), 0, "it might still be at it");
    world.wait(Duration::from_secs(21));
    world.timer().await;
    assert_eq!(desk.received().len(), 1);
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn a_webhook_for_a_closed_address_is_never_called() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    let port = desk.address.port();
    world
        .webhook(
            "unit",
            "desk",
            &format!("http://[::ffff:127.0.0.1]:{port}/"),
        )
        .await;
    world
        .webhook("unit", "mail", "https://case.example:25/")
        .await;
    world.stream().await;
    for hook in ["desk", "mail"] {
        let delivery = world.delivery(hook, 1).await;
        assert_eq!(
            (delivery.state, delivery.attempts),
            (DeliveryState::Pending, 1)
        );
        assert_eq!(delivery.reason, Some(ReasonCode::ADDRESS_NOT_ALLOWED));
    }
    assert_eq!(desk.connections(), 0);
}

#[tokio::test]
async fn a_dead_receiver_does_not_hold_up_another() {
    let (world, desk, _) = one_lead([Answer::Silence]).await;
    let archive = Receiver::start([Answer::Status(200, "")]).await;
    world.webhook("unit", "archive", &archive.url("/")).await;
    let reference = world.reference("case-2").await;
    for ad in 2..=10 {
        world.lead(&reference, &format!("ad-{ad}")).await;
    }
    world.stream().await;
    assert_eq!(archive.received().len(), 10);
    assert_eq!(desk.received().len(), 2, "two silences, and the rest waits");
}

#[tokio::test]
async fn a_record_that_cannot_be_read_fails_alone_and_by_its_number() {
    let (world, desk, _) = one_lead([Answer::Status(200, "")]).await;
    let good = serde_json::to_value(world.batch().await).expect("json");
    let mut records = good["Records"].as_array().expect("records").clone();
    let count = records.len();
    records.push(serde_json::json!({
        "awsRegion": "", "eventID": "x", "eventName": "INSERT",
        "dynamodb": {
            "SequenceNumber": "999", "SizeBytes": 1,
            "NewImage": { "outbox": { "S": "alert" }, "seq": { "S": "no number" } },
        },
    }));
    assert!(
        count > 1,
        "leads and sightings are in the stream too, and are passed over"
    );
    let event = serde_json::json!({ "Records": records });
    let event: Event = serde_json::from_value(event).expect("an event");
    let response = world.program.on_leads(&event).await;
    let failed: Vec<_> = response
        .batch_item_failures
        .iter()
        .map(|f| f.item_identifier.as_deref())
        .collect();
    assert_eq!(failed, [Some("999")]);
    assert_eq!(desk.received().len(), 1);
}

#[tokio::test]
async fn a_test_alert_takes_the_way_of_every_other_and_is_marked() {
    let desk = Receiver::start([Answer::Status(500, ""), Answer::Status(200, "")]).await;
    let world = World::new().await;
    world.webhook("unit", "desk", &desk.url("/desk")).await;
    let (unit, now) = (records::TenantId::parse("unit").unwrap(), world.now());
    let seq = world
        .store
        .leads
        .write_test_alert(&unit, now)
        .await
        .unwrap();
    world.stream().await;
    let failed = world.delivery("desk", seq).await;
    assert_eq!(
        (failed.state, failed.last_status),
        (DeliveryState::Pending, Some(500))
    );
    world.wait(Duration::from_secs(10));
    world.timer().await;
    assert_eq!(
        world.delivery("desk", seq).await.state,
        DeliveryState::Delivered
    );
    let message = desk.received().pop().unwrap();
    let event: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(event["type"], "org.homeward.test");
    assert_eq!(
        (&event["data"]["is_test"], &event["data"]["sightings"]),
        (&true.into(), &serde_json::json!([]))
    );
    let body = String::from_utf8(message.body).unwrap();
    let as_received = serde_json::json!({ "key": shared_text(&SHARED), "body": body, "headers": message.headers });
    assert_eq!(accepted(&[as_received]), [true]);
}
