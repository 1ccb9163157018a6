//! The AWS SDK's HTTP client that needs no network: requests go to the services in this process.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::retries::ErrorKind;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http::HeaderValue;
use http::header::HOST;
use http_body_util::BodyExt;
use s3s::service::S3Service;

use crate::error::{Error, blocking};
use crate::tables::{Priority, Tables};

/// What every DynamoDB request names its operation with; S3 has no such header.
pub(crate) const TARGET: &str = "x-amz-target";

/// Routes each request to the service that it is for.
#[derive(Clone)]
pub(crate) struct InProcess {
    s3: S3Service,
    tables: Arc<Tables>,
    priority: Priority,
}

impl InProcess {
    pub(crate) fn new(s3: S3Service, tables: Arc<Tables>, priority: Priority) -> Self {
        Self {
            s3,
            tables,
            priority,
        }
    }
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

impl HttpClient for InProcess {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match request.headers().get(TARGET).map(operation) {
            None => HttpConnectorFuture::new(stored(self.s3.clone(), request)),
            Some(operation) => {
                let (tables, operation) = (self.tables.clone(), operation.to_owned());
                let to = (tables, self.priority);
                HttpConnectorFuture::new(answer(to, operation, request.into_body()))
            }
        }
    }
}

/// The operation that a target (`DynamoDB_20120810.PutItem`) names.
pub(crate) fn operation(target: &str) -> &str {
    target
        .rsplit_once('.')
        .map_or(target, |(_, operation)| operation)
}

/// What the S3 service answers. Like `s3s-aws`, which does not let go of the SDK's own TLS and its C
/// library, although nothing here leaves the process.
async fn stored(s3: S3Service, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let failed = |error| ConnectorError::other(error, Some(ErrorKind::ServerError));
    let mut request = request
        .try_into_http1x()
        .map_err(|error| failed(error.into()))?;
    let authority = request
        .uri()
        .authority()
        .filter(|_| !request.headers().contains_key(HOST));
    if let Some(authority) = authority {
        let host = HeaderValue::from_str(authority.as_str());
        let host = host.map_err(|error| failed(error.into()))?;
        request.headers_mut().insert(HOST, host);
    }
    let answer = s3.call(request.map(s3s::Body::http_body)).await;
    let answer = answer.map_err(|error| failed(error.into()))?;
    let answer = answer.map(SdkBody::from_body_1_x);
    HttpResponse::try_from(answer).map_err(|error| failed(error.into()))
}

async fn answer(
    (tables, priority): (Arc<Tables>, Priority),
    operation: String,
    body: SdkBody,
) -> Result<HttpResponse, ConnectorError> {
    let body = body
        .collect()
        .await
        .map_err(ConnectorError::user)?
        .to_bytes();
    let body = String::from_utf8(body.into()).map_err(|e| ConnectorError::user(e.into()))?;
    let (status, json) =
        blocking(move || Ok::<_, Error>(tables.answer(priority, &operation, &body)))
            .await
            .map_err(|error| ConnectorError::io(error.into()))?;
    let response = http::Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/x-amz-json-1.0")
        .body(SdkBody::from(json))
        .map_err(|error| ConnectorError::other(error.into(), None))?;
    HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
}
