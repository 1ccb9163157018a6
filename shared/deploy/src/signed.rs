//! Single questions to AWS, signed. The few that this program asks are not worth an SDK each.
#![allow(
    clippy::disallowed_methods,
    reason = "a running stage is reached now, with the caller's credentials"
)]

use std::time::SystemTime;

use anyhow::Context;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

/// Who asks, and where.
pub struct Asker {
    credentials: Credentials,
    region: String,
    client: reqwest::Client,
}

/// As this machine's environment and profiles say, in this region.
pub(crate) async fn configured(region: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(store::https_client())
        .load()
        .await
}

/// Whether a stack or a function could be called so: it stands in a form or a path as it is.
pub(crate) fn is_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !text.is_empty() && text.chars().all(is_plain)
}

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its name in signatures.
    signed_as: &'static str,
    /// Its host in front of the region.
    host: &'static str,
    /// Behind `AWS_ENDPOINT_URL_`.
    variable: &'static str,
}

impl Service {
    /// Stacks.
    pub const CLOUDFORMATION: Self = Self::of("cloudformation", "CLOUDFORMATION");
    /// Functions.
    pub const LAMBDA: Self = Self::of("lambda", "LAMBDA");
    /// Queues.
    pub const SQS: Self = Self::of("sqs", "SQS");
    /// Who the caller is.
    pub const STS: Self = Self::of("sts", "STS");
    /// Changes of tables.
    pub const STREAMS: Self = Self {
        signed_as: "dynamodb",
        host: "streams.dynamodb",
        variable: "DYNAMODB_STREAMS",
    };

    const fn of(name: &'static str, variable: &'static str) -> Self {
        Self {
            signed_as: name,
            host: name,
            variable,
        }
    }
}

/// What is sent.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Nothing, by GET.
    None,
    /// A form, by POST.
    Form(&'a str),
    /// JSON, by POST; with the operation that it is for where the path does not name it.
    Json(&'a str, Option<&'static str>),
}

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who is asked.
    pub service: Service,
    /// Below the service's address.
    pub path: &'a str,
    /// What is sent.
    pub body: Body<'a>,
}

impl Asker {
    /// Signs as this machine's environment and profiles say.
    ///
    /// # Errors
    /// Credentials that cannot be had.
    pub async fn of_machine(region: &str) -> anyhow::Result<Self> {
        let provider = configured(region).await.credentials_provider();
        let provider = provider.context("there are no credentials")?;
        Ok(Self {
            credentials: provider.provide_credentials().await?,
            region: region.to_owned(),
            client: reqwest::Client::builder().build()?,
        })
    }

    /// Asks, and gives the status and the body.
    ///
    /// # Errors
    /// No answer.
    pub async fn ask(&self, question: Question<'_>) -> anyhow::Result<(u16, String)> {
        let url = format!("{}{}", self.address(question.service), question.path);
        let json = ("content-type", "application/x-amz-json-1.0");
        let (method, body, headers) = match question.body {
            Body::None => ("GET", "", Vec::new()),
            Body::Form(form) => {
                let kind = ("content-type", "application/x-www-form-urlencoded");
                ("POST", form, vec![kind])
            }
            Body::Json(body, operation) => {
                let named = operation.map(|name| ("x-amz-target", name));
                ("POST", body, [json].into_iter().chain(named).collect())
            }
        };
        let signable = SignableRequest::new(
            method,
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body.as_bytes()),
        )?;
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(question.service.signed_as)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let (signed, _) = sign(signable, &parameters)?.into_parts();
        let mut request = match method {
            "GET" => self.client.get(url.as_str()),
            _ => self.client.post(url.as_str()).body(body.to_owned()),
        };
        for (name, value) in headers.into_iter().chain(signed.headers()) {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// `AWS_ENDPOINT_URL_LAMBDA` and its like, then `AWS_ENDPOINT_URL`, as for every tool of AWS.
    fn address(&self, service: Service) -> String {
        let Service { host, variable, .. } = service;
        std::env::var(format!("AWS_ENDPOINT_URL_{variable}"))
            .or_else(|_| std::env::var("AWS_ENDPOINT_URL"))
            .unwrap_or_else(|_| format!("https://{host}.{}.amazonaws.com", self.region))
    }
}
