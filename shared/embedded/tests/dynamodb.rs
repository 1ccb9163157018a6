//! DynamoDB by the AWS SDK, in process and over a port: what the store relies on.

mod services;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, KeySchemaElement, KeyType,
    Put, PutRequest, ReturnValuesOnConditionCheckFailure, ScalarAttributeType, StreamSpecification,
    StreamViewType, TimeToLiveSpecification, TransactWriteItem, WriteRequest,
};
use embedded::{Error, Failure, dead_letter_queue};
use jiff::{SignedDuration, Timestamp};
use services::{dynamodb, dynamodb_over, serve_dynamodb, start};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

async fn make_table(client: &Client, name: &str) {
    let attribute = |name: &str| {
        let kind = ScalarAttributeType::S;
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(kind)
            .build()
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
    };
    let stream = StreamSpecification::builder().stream_enabled(true);
    let stream = stream
        .stream_view_type(StreamViewType::NewImage)
        .build()
        .expect("whole");
    let table = client
        .create_table()
        .table_name(name)
        .attribute_definitions(attribute("pk").expect("whole"))
        .attribute_definitions(attribute("sk").expect("whole"))
        .key_schema(key("pk", KeyType::Hash).build().expect("whole"))
        .key_schema(key("sk", KeyType::Range).build().expect("whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .stream_specification(stream);
    table.send().await.expect("made");
}

async fn put(client: &Client, pk: &str, sk: &str, state: &str) {
    let item = client
        .put_item()
        .table_name("things")
        .item("pk", text(pk))
        .item("sk", text(sk));
    item.item("state", text(state))
        .send()
        .await
        .expect("stored");
}

async fn state(client: &Client, pk: &str, sk: &str) -> Option<String> {
    let get = client.get_item().table_name("things").consistent_read(true);
    let item = get
        .key("pk", text(pk))
        .key("sk", text(sk))
        .send()
        .await
        .expect("read")
        .item?;
    Some(item.get("state")?.as_s().expect("text").clone())
}

fn check_active() -> TransactWriteItem {
    let check = ConditionCheck::builder()
        .table_name("things")
        .key("pk", text("ref"))
        .key("sk", text("1"))
        .condition_expression("#s = :active")
        .expression_attribute_names("#s", "state")
        .expression_attribute_values(":active", text("active"))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    TransactWriteItem::builder()
        .condition_check(check.build().expect("whole"))
        .build()
}

fn put_new(pk: &str, sk: &str) -> TransactWriteItem {
    let put = Put::builder()
        .table_name("things")
        .item("pk", text(pk))
        .item("sk", text(sk))
        .item("state", text("new"))
        .condition_expression("attribute_not_exists(pk)");
    TransactWriteItem::builder()
        .put(put.build().expect("whole"))
        .build()
}

/// The outbox pattern: a lead is written once, and only while its reference is active.
async fn a_leads_transaction(client: &Client) {
    put(client, "ref", "1", "active").await;
    let write = |pk: &str| {
        let items = client.transact_write_items().transact_items(check_active());
        items
            .transact_items(put_new(pk, "lead"))
            .transact_items(put_new(pk, "alert"))
    };
    write("unit").send().await.expect("written");
    let twice = write("unit")
        .send()
        .await
        .expect_err("once only")
        .into_service_error();
    assert!(twice.is_transaction_canceled_exception(), "{twice}");
    let reasons = match twice {
        aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError
            ::TransactionCanceledException(cancelled) => cancelled.cancellation_reasons.expect("why"),
        other => panic!("{other}"),
    };
    let codes: Vec<_> = reasons
        .iter()
        .map(|reason| reason.code().unwrap_or_default())
        .collect();
    assert_eq!(
        codes,
        ["None", "ConditionalCheckFailed", "ConditionalCheckFailed"]
    );
    put(client, "ref", "1", "withdrawn").await;
    write("other")
        .send()
        .await
        .expect_err("the reference is withdrawn");
    assert_eq!(state(client, "other", "lead").await, None);
    assert_eq!(state(client, "unit", "alert").await.as_deref(), Some("new"));
}

async fn all_pages_of_a_query(client: &Client) {
    for chunk in (0..100).collect::<Vec<_>>().chunks(25) {
        let writes = chunk.iter().map(|n| {
            let item = PutRequest::builder()
                .item("pk", text("many"))
                .item("sk", text(&format!("{n:03}")));
            WriteRequest::builder()
                .put_request(item.build().expect("whole"))
                .build()
        });
        let batch = client
            .batch_write_item()
            .request_items("things", writes.collect());
        let left = batch
            .send()
            .await
            .expect("written")
            .unprocessed_items
            .unwrap_or_default();
        assert!(left.is_empty());
    }
    let query = client
        .query()
        .table_name("things")
        .consistent_read(true)
        .key_condition_expression("pk = :pk AND sk > :sk")
        .expression_attribute_values(":pk", text("many"))
        .expression_attribute_values(":sk", text("009"))
        .limit(7);
    let mut pages = query.into_paginator().send();
    let mut found = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        found.extend(
            page.items()
                .iter()
                .map(|item| item["sk"].as_s().expect("text").clone()),
        );
    }
    assert_eq!(
        found,
        (10..100).map(|n| format!("{n:03}")).collect::<Vec<_>>()
    );
}

async fn what_the_store_needs(client: &Client) {
    make_table(client, "things").await;
    a_leads_transaction(client).await;
    all_pages_of_a_query(client).await;
    let twice = client
        .create_table()
        .table_name("things")
        .send()
        .await
        .expect_err("incomplete");
    assert_eq!(twice.code(), Some("ValidationException"));
    let missing = client
        .get_item()
        .table_name("none")
        .key("pk", text("x"))
        .send()
        .await;
    assert_eq!(
        missing.expect_err("none").code(),
        Some("ResourceNotFoundException")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_finds_what_it_needs_in_process() {
    let services = start();
    what_the_store_needs(&dynamodb(&services.embedded)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_finds_what_it_needs_over_a_port() {
    let services = start();
    let key = services.embedded.access_key();
    let port = serve_dynamodb(&services.embedded).await;
    what_the_store_needs(&dynamodb_over(&port, &key.id, &key.secret)).await;
    port.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_without_the_key_reads_a_table() {
    let services = start();
    let key = services.embedded.access_key();
    let port = serve_dynamodb(&services.embedded).await;
    for (id, secret, code) in [
        (
            "someone",
            key.secret.as_str(),
            "UnrecognizedClientException",
        ),
        (&key.id, "guess", "InvalidSignatureException"),
    ] {
        let client = dynamodb_over(&port, id, secret);
        let refused = client.list_tables().send().await.expect_err("refused");
        assert_eq!(refused.code(), Some(code));
    }
    port.stop().await;
}

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
    let mut arrivals = streams.arrivals();
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
            .fail(&batch, &batch.sequence_numbers[at], "broken", now)
            .await
            .expect("ok")
        {
            Failure::ComesAgain { failures: counted } => assert_eq!(counted, failures),
            Failure::GivenUp => break,
        }
    }
    assert_eq!(failures, embedded::FAILURES_MAX);
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
