//! DynamoDB by the AWS SDK, in process and over a port: what the store relies on.

use crate::services::{dynamodb, dynamodb_over, serve_dynamodb, start};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, ConditionCheck, KeySchemaElement, KeyType,
    Put, PutRequest, ReturnValuesOnConditionCheckFailure, ScalarAttributeType, StreamSpecification,
    StreamViewType, TransactWriteItem, WriteRequest,
};

pub fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub async fn make_table(client: &Client, name: &str) {
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

pub async fn put(client: &Client, pk: &str, sk: &str, state: &str) {
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

pub async fn state(client: &Client, pk: &str, sk: &str) -> Option<String> {
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
async fn without_the_key_no_table_is_read() {
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
