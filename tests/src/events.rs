//! Events as AWS sends them: S3's in SQS messages, table changes, HTTP requests, timers.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use serde_json::{Value, json};

/// One message of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What a partial batch response names; the same when the message is delivered again.
    pub id: String,
    /// For `ingest` and `enroll`: an S3 notification.
    pub body: String,
}

impl Message {
    /// A new message.
    pub fn new(body: impl Into<String>) -> Self {
        static SENT: AtomicU64 = AtomicU64::new(1);
        let number = SENT.fetch_add(1, Ordering::Relaxed);
        Self {
            id: format!("00000000-0000-4000-8000-{number:012x}"),
            body: body.into(),
        }
    }

    /// What S3 sends when an object was put; `put` is an acknowledgement of `upload.py`.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    pub fn created(bucket: &str, put: &Value) -> Self {
        let key = encoded(put["key"].as_str().unwrap());
        let mut object = json!({"key": key, "size": put["size"], "eTag": put["etag"],
            "sequencer": "0055AED6DCD90281E5"});
        if put["version_id"].is_string() {
            object["versionId"] = put["version_id"].clone();
        }
        let record = json!({
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AWS:AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
            "s3": {"s3SchemaVersion": "1.0", "configurationId": "homeward",
                "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": format!("arn:aws:s3:::{bucket}")},
                "object": object},
        });
        Self::new(json!({ "Records": [record] }).to_string())
    }

    /// What S3 sends when a delete marker came to lie on a key.
    pub fn removed(bucket: &str, key: &str) -> Self {
        let put = json!({"key": key, "size": 0, "etag": "d41d8cd98f00b204e9800998ecf8427e"});
        let created = Self::created(bucket, &put).body;
        Self::new(created.replace("ObjectCreated:Put", "ObjectRemoved:DeleteMarkerCreated"))
    }

    /// What S3 sends once when notifications are set up.
    pub fn s3_test(bucket: &str) -> Self {
        let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": bucket,
            "Time": "2026-01-01T00:00:00.000Z", "RequestId": "5582815E1AEA5ADF",
            "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE"});
        Self::new(test.to_string())
    }
}

/// A batch of a queue.
/// <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub fn batch(queue: &str, messages: &[Message]) -> Value {
    let records: Vec<_> = messages
        .iter()
        .map(|message| {
            json!({"messageId": message.id, "receiptHandle": format!("AQEB-{}", message.id),
                "body": message.body, "messageAttributes": {}, "eventSource": "aws:sqs",
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3", "awsRegion": "us-east-1",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:{queue}"),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1767225600000",
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                    "ApproximateFirstReceiveTimestamp": "1767225600001"}})
        })
        .collect();
    json!({ "Records": records })
}

/// The ids of a batch that its function wants again: messages, or the first change that failed.
///
/// # Panics
/// If it is not a partial batch response.
pub fn failures(response: &Value) -> Vec<&str> {
    let failures = response["batchItemFailures"]
        .as_array()
        .unwrap_or_else(|| panic!("no partial batch response: {response}"));
    let id = |failure: &'_ Value| failure["itemIdentifier"].as_str().is_some();
    assert!(failures.iter().all(id), "{response}");
    failures
        .iter()
        .filter_map(|failure| failure["itemIdentifier"].as_str())
        .collect()
}

/// A request through an API Gateway HTTP API, payload version 2.0.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>
pub fn http(token: &str, method: &str, target: &str, body: Option<&Value>) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"authorization": format!("Bearer {token}"), "host": "api.homeward.example",
            "content-type": "application/json", "x-forwarded-for": "203.0.113.7",
            "x-forwarded-proto": "https", "x-forwarded-port": "443"},
        "requestContext": {
            "accountId": "000000000000", "apiId": "homeward", "stage": "$default",
            "domainName": "api.homeward.example", "domainPrefix": "api", "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default", "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7", "userAgent": "test"}},
        "isBase64Encoded": false,
    });
    if let Some(body) = body {
        event["body"] = body.to_string().into();
    }
    event
}

/// A request of a browser on a page of ours: with its cookie, and the fields of a form if it sends one.
pub fn browser(cookie: &str, method: &str, target: &str, form: Option<&str>) -> Value {
    let mut event = http("", method, target, None);
    event["headers"] = json!({"host": "api.homeward.example", "accept": "text/html",
        "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin",
        "origin": "https://api.homeward.example", "x-forwarded-proto": "https"});
    event["cookies"] = json!([cookie]);
    if let Some(form) = form {
        event["body"] = form.into();
    }
    event
}

/// A request with a multipart form: text fields, and a file named `photo`.
pub fn http_form(token: &str, target: &str, fields: &[(&str, &str)], photo: &[u8]) -> Value {
    const BOUNDARY: &str = "homeward-test-boundary";
    let mut body = Vec::new();
    for (name, value) in fields {
        let head =
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend_from_slice(format!("{head}{value}\r\n").as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"photo\"; filename=\"photo\"\r\n\r\n";
    body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}").as_bytes());
    body.extend_from_slice(photo);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let mut event = http(token, "POST", target, None);
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    event["headers"]["content-type"] = content_type.into();
    event["body"] = STANDARD.encode(body).into();
    event["isBase64Encoded"] = true.into();
    event
}

/// What EventBridge sends at its hours.
pub fn timer() -> Value {
    json!({"version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa", "account": "000000000000",
        "detail-type": "Scheduled Event", "source": "aws.events", "region": "us-east-1",
        "time": "2026-01-01T00:00:00Z", "detail": {},
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/timer"]})
}

/// A key as S3 writes it into events: URL-encoded as a form's, with `/` left as it is.
fn encoded(key: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'*')
        .remove(b'/')
        .remove(b' ');
    percent_encode(key.as_bytes(), KEPT)
        .to_string()
        .replace(' ', "+")
}
