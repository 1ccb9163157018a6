//! Single questions to AWS, signed. The few that this program asks are not worth an SDK each.

use std::time::SystemTime;

use anyhow::Context;
use aws_config::{BehaviorVersion, Region};
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

/// A question.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The service as signatures name it: `sts`, `lambda`, `cloudformation`.
    pub service: &'a str,
    /// Below the service's address.
    pub path: &'a str,
    /// A form to POST; without one, it is a GET.
    pub form: Option<&'a str>,
}

impl Asker {
    /// Signs as this machine's environment and profiles say.
    ///
    /// # Errors
    /// Credentials that cannot be had.
    pub async fn of_machine(region: &str) -> anyhow::Result<Self> {
        let config = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .http_client(store::https_client())
            .load()
            .await;
        let provider = config.credentials_provider();
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
        let body = question.form.unwrap_or_default();
        let (method, headers) = match question.form {
            Some(_) => (
                "POST",
                vec![("content-type", "application/x-www-form-urlencoded")],
            ),
            None => ("GET", Vec::new()),
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
            .name(question.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()?
            .into();
        let (signed, _) = sign(signable, &parameters)?.into_parts();
        let mut request = match question.form {
            Some(form) => self.client.post(url.as_str()).body(form.to_owned()),
            None => self.client.get(url.as_str()),
        };
        for (name, value) in headers.into_iter().chain(signed.headers()) {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// `AWS_ENDPOINT_URL_LAMBDA` and its like, as for every tool of AWS.
    fn address(&self, service: &str) -> String {
        let variable = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
        std::env::var(variable)
            .unwrap_or_else(|_| format!("https://{service}.{}.amazonaws.com", self.region))
    }
}
