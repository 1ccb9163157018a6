//! The tables' streams: in order, at least once, nothing lost.

use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveSpecification};
use embedded::{Error, Failure, dead_letter_queue};
use jiff::{SignedDuration, Timestamp};

use crate::dynamodb::{make_table, put, state, text};
use crate::services::{dynamodb, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_brings_each_change_in_order_until_it_is_committed() {
    let services = start();
    let client = dynamodb(&services.embedded);
    let streams = services.embedded.streams();
    assert!(matches!(
        streams.read("lookup", "things", 10).await,
        Err(Error::Missing(_))
    ));
    make_table(&client, "things").await;
    let mut arrivals = streams.arrivals("things");
    assert!(
        streams
            .read("lookup", "things", 10)
            .await
            .expect("read")
            .is_none()
    );
    put(&client, "a", "1", "new").await;
    arrivals.changed().await.expect("rang");
    put(&client, "a", "1", "newer").await;
    let delete = client
        .delete_item()
        .table_name("things")
        .key("pk", text("a"))
        .key("sk", text("1"));
    delete.send().await.expect("deleted");

    let batch = streams
        .read("lookup", "things", 10)
        .await
        .expect("read")
        .expect("records");
    let event: aws_lambda_events::dynamodb::Event =
        serde_json::from_value(batch.event.clone()).expect("Lambda's shape");
    let names: Vec<_> = event
        .records
        .iter()
        .map(|record| record.event_name.as_str())
        .collect();
    assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    let arn = event.records[0]
        .event_source_arn
        .as_deref()
        .expect("an ARN");
    assert!(arn.contains("table/things/stream/"), "{arn}");
    assert!(batch.sequence_numbers.is_sorted());
    assert_eq!(
        batch.event["Records"][1]["dynamodb"]["NewImage"]["state"]["S"],
        "newer"
    );

    let two = streams
        .read("lookup", "things", 2)
        .await
        .expect("read")
        .expect("the same again");
    streams.commit(&two).await.expect("committed");
    let third = streams
        .read("lookup", "things", 10)
        .await
        .expect("read")
        .expect("the rest");
    assert_eq!(third.sequence_numbers, batch.sequence_numbers[2..]);
    streams.commit(&third).await.expect("committed");
    streams
        .commit(&two)
        .await
        .expect("late, and moves nothing back");
    assert_eq!(
        streams.pending("lookup", "things").await.expect("counted"),
        0
    );
    assert_eq!(
        streams.pending("alert", "things").await.expect("counted"),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_always_fails_is_given_up_and_kept() {
    let services = start();
    let client = dynamodb(&services.embedded);
    make_table(&client, "things").await;
    for sk in ["fine", "poison", "last"] {
        put(&client, "a", sk, "new").await;
    }
    let streams = services.embedded.streams();
    let now = Timestamp::now();
    let mut failures = 0;
    loop {
        let batch = streams
            .read("lookup", "things", 10)
            .await
            .expect("read")
            .expect("records");
        let at = batch.sequence_numbers.len() - 2;
        failures += 1;
        match streams
            .fail(&batch, (&batch.sequence_numbers[at], "broken"), 4, now)
            .await
            .expect("ok")
        {
            Failure::ComesAgain { failures: counted } => assert_eq!(counted, failures),
            Failure::GivenUp => break,
        }
    }
    assert_eq!(failures, 5, "once, and four times again");
    let last = streams
        .read("lookup", "things", 10)
        .await
        .expect("read")
        .expect("goes on");
    assert_eq!(
        last.event["Records"][0]["dynamodb"]["Keys"]["sk"]["S"],
        "last"
    );
    let dead = services
        .embedded
        .queue(&dead_letter_queue("lookup", "things"));
    let dead = dead.dead_letters(10).await.expect("listed");
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "broken"));
    assert!(dead[0].body.contains("poison"));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_lose_nothing_on_restart_nor_by_trimming() {
    let services = start();
    let client = dynamodb(&services.embedded);
    make_table(&client, "things").await;
    for n in 0..10 {
        put(&client, "a", &n.to_string(), "new").await;
    }
    let streams = services.embedded.streams();
    let later = Timestamp::now() + SignedDuration::from_hours(1);
    assert_eq!(
        streams
            .trim("things", later)
            .await
            .expect("no reader, nothing goes"),
        0
    );
    let four = streams
        .read("lookup", "things", 4)
        .await
        .expect("read")
        .expect("records");
    streams.commit(&four).await.expect("committed");
    assert_eq!(streams.trim("things", later).await.expect("trimmed"), 4);
    drop((client, streams, services.embedded));

    let embedded = embedded::Embedded::open(services.dir.path()).expect("opens again");
    let streams = embedded.streams();
    let rest = streams
        .read("lookup", "things", 10)
        .await
        .expect("read")
        .expect("records");
    assert_eq!(rest.sequence_numbers.len(), 6);
    assert_eq!(rest.event["Records"][0]["dynamodb"]["Keys"]["sk"]["S"], "4");
    streams.commit(&rest).await.expect("committed");
    assert_eq!(
        streams
            .trim("things", later)
            .await
            .expect("all but the newest"),
        5
    );
    put(&dynamodb(&embedded), "b", "1", "new").await;
    assert_eq!(
        streams.pending("lookup", "things").await.expect("counted"),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_outlived_its_time_is_swept_and_streamed() {
    let services = start();
    let client = dynamodb(&services.embedded);
    make_table(&client, "things").await;
    let ttl = TimeToLiveSpecification::builder()
        .attribute_name("gone_at")
        .enabled(true)
        .build();
    let ttl = client
        .update_time_to_live()
        .table_name("things")
        .time_to_live_specification(ttl.expect("whole"));
    ttl.send().await.expect("set");
    for (sk, gone_at) in [("old", "1000000000"), ("young", "9000000000")] {
        let item = client
            .put_item()
            .table_name("things")
            .item("pk", text("a"))
            .item("sk", text(sk));
        let item = item
            .item("gone_at", AttributeValue::N(gone_at.into()))
            .item("state", text("x"));
        item.send().await.expect("stored");
    }
    assert_eq!(services.embedded.sweep_ttl().await.expect("swept"), 1);
    assert_eq!(state(&client, "a", "old").await, None);
    assert_eq!(state(&client, "a", "young").await.as_deref(), Some("x"));
    let batch = services
        .embedded
        .streams()
        .read("x", "things", 10)
        .await
        .expect("read")
        .expect("some");
    assert_eq!(batch.event["Records"][2]["userIdentity"]["type"], "Service");
}
