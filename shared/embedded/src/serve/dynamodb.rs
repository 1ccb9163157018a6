//! DynamoDB's requests from a port.
#![allow(
    clippy::disallowed_methods,
    reason = "a signature is valid for minutes"
)]

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Body as _;
use jiff::Timestamp;
use s3s::Body;

use super::Arriving;
use crate::client::{TARGET, operation};
use crate::error::{Error, blocking};
use crate::folder::AccessKey;
use crate::signature;
use crate::tables::{Priority, Tables};

/// The largest DynamoDB request, in bytes, as DynamoDB has it.
const TABLE_REQUEST_BYTES_MAX: usize = 16 << 20;

/// How many bytes of this request may come to be held.
pub(super) fn bytes_max(request: &Request<Arriving>) -> u64 {
    let max = TABLE_REQUEST_BYTES_MAX as u64;
    request.body().size_hint().upper().unwrap_or(max).min(max)
}

/// The answer where too many requests are held.
pub(super) fn overloaded() -> Response<Body> {
    refusal(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
}

/// One DynamoDB request from a port. dynoxide itself checks no signatures, and would answer any web
/// page that the user has open; so signatures are checked here, and pages get no answer.
pub(super) async fn answer(
    tables: &Arc<Tables>,
    key: &AccessKey,
    request: Request<Arriving>,
) -> Response<Body> {
    let tables = tables.clone();
    let (head, body) = request.into_parts();
    if head.method != Method::POST || head.headers.contains_key(http::header::ORIGIN) {
        return refusal(StatusCode::FORBIDDEN, "AccessDeniedException");
    }
    let Ok(body) = Limited::new(body, TABLE_REQUEST_BYTES_MAX).collect().await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge");
    };
    let body = body.to_bytes();
    if let Err(reason) = signature::check(&head, &body, key, Timestamp::now()) {
        return refusal(StatusCode::BAD_REQUEST, reason);
    }
    let target = head
        .headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok());
    let (Some(target), Ok(body)) = (target, String::from_utf8(body.into())) else {
        return refusal(StatusCode::BAD_REQUEST, "SerializationException");
    };
    let operation = operation(target).to_owned();
    match blocking(move || Ok::<_, Error>(tables.answer(Priority::Interactive, &operation, &body)))
        .await
    {
        Ok((status, json)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            json_response(status, json)
        }
        Err(_) => refusal(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
    }
}

fn refusal(status: StatusCode, code: &str) -> Response<Body> {
    let code = format!("com.amazon.coral.service#{code}");
    json_response(
        status,
        serde_json::json!({"__type": code, "message": ""}).to_string(),
    )
}

fn json_response(status: StatusCode, json: String) -> Response<Body> {
    let mut response = Response::new(Body::from(Bytes::from(json)));
    *response.status_mut() = status;
    let json_1_0 = http::HeaderValue::from_static("application/x-amz-json-1.0");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json_1_0);
    response
}
