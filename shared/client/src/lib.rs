//! A deployment's API, as commands of units, uploaders and administrators use it: JSON over HTTPS, one request
//! after another, and what is printed of the answers. Links no server and no AWS SDK.
#![allow(
    clippy::disallowed_methods,
    reason = "attempts at a server have deadlines; a token may come by the environment"
)]
#![forbid(unsafe_code)]

mod deployment;
mod listing;

use std::time::{Duration, Instant};

use console::outcome::{Failure, Result};
use console::terminal::{escaped, print};
use records::Token;
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;
use tokio::runtime::Runtime;

pub use deployment::{DeploymentArguments, http_client, token};
pub use listing::{Column, ListingForm, cell, print_items, text_of};

/// A deployment that asks for patience, or cannot be connected to, is asked again for this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// The wait between two attempts.
const WAIT: Duration = Duration::from_secs(2);
/// Items of one page of a listing.
const PAGE_ITEMS: &str = "100";

/// Speaks to one deployment with one token.
pub struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    api: Url,
    token: Token,
}

/// How one attempt failed.
enum AttemptError {
    /// It was not taken up: again.
    Passing(Failure),
    /// No use in trying again, or it may have been done.
    Final(Failure),
}

/// A photo with what is told about it.
#[derive(Clone, Debug)]
pub struct NewPhoto {
    /// Fields of the form by their names, e.g. `case_id`.
    pub fields: Vec<(&'static str, String)>,
    /// The file, whole.
    pub photo: Vec<u8>,
}

impl Client {
    /// A client of the deployment that the arguments name.
    ///
    /// # Errors
    /// An address that is none, or over which a token would travel unprotected; no token.
    pub fn new(arguments: &DeploymentArguments) -> Result<Self> {
        let (api, http) = http_client(&arguments.to)?;
        Ok(Self {
            runtime: Runtime::new()?,
            http,
            api,
            token: token(arguments.token_file.as_deref())?,
        })
    }

    /// What stands at a path below `/v1/`.
    ///
    /// # Errors
    /// What the deployment refuses is the input's fault; no answer, or a fault of its own, is ours.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.patiently(|| self.request(Method::GET, path, &[]))
    }

    /// Every item of a listing, over all its pages: with a filter one may be empty and still have a next one.
    /// Filters without a value are left out.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn all(&self, path: &str, filters: &[(&str, Option<&str>)]) -> Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let page = [("limit", Some(PAGE_ITEMS)), ("after", after.as_deref())];
            let all = filters.iter().chain(&page);
            let asked: Vec<_> = all
                .filter_map(|(name, value)| Some((*name, (*value)?)))
                .collect();
            let mut page = self.patiently(|| self.request(Method::GET, path, &asked))?;
            let found = page.get_mut("items").and_then(Value::as_array_mut);
            items.append(found.ok_or_else(strange)?);
            match page.get("next").and_then(Value::as_str) {
                Some(next) if after.as_deref() != Some(next) => after = Some(next.to_owned()),
                _ => return Ok(items),
            }
        }
    }

    /// Sends a request that changes something, with a body of JSON if there is one. It is sent again only where the
    /// first one was certainly not taken up.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn send(&self, method: &Method, path: &str, body: Option<&Value>) -> Result<Value> {
        self.patiently(|| {
            let request = self.request(method.clone(), path, &[]);
            match body {
                Some(body) => request.json(body),
                None => request,
            }
        })
    }

    /// Submits a photo; the same photo again in a case is the same reference.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub fn submit(&self, photo: &NewPhoto) -> Result<Value> {
        self.patiently(|| {
            let file = Part::bytes(photo.photo.clone()).file_name("photo");
            let fields = photo.fields.iter();
            let form = fields.fold(Form::new(), |form, (name, value)| {
                form.text(*name, value.clone())
            });
            let request = self.request(Method::POST, "references", &[]);
            request.multipart(form.part("photo", file))
        })
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let url = self.api.join("v1/").and_then(|api| api.join(path));
        let url = url.expect("paths of ours are relative");
        let request = self.http.request(method, url).query(query);
        request.bearer_auth(self.token.reveal())
    }

    fn patiently(&self, request: impl Fn() -> RequestBuilder) -> Result<Value> {
        let started = Instant::now();
        let mut is_told = false;
        loop {
            let failure = match self.runtime.block_on(attempt(request())) {
                Ok(answer) => return Ok(answer),
                Err(AttemptError::Final(failure)) => return Err(failure),
                Err(AttemptError::Passing(failure)) => failure,
            };
            if started.elapsed() + WAIT > PATIENCE {
                return Err(failure);
            }
            if !is_told {
                print(format_args!("{:#}; trying again", failure.cause));
                is_told = true;
            }
            std::thread::sleep(WAIT);
        }
    }
}

async fn attempt(request: RequestBuilder) -> std::result::Result<Value, AttemptError> {
    // Errors without the address, which may name a reference.
    let answer = request.send().await.map_err(|error| {
        let is_unsent = error.is_connect();
        let cause = anyhow::Error::from(error.without_url());
        let failure = Failure::ours(cause.context("the deployment does not answer"))
            .hint("see whether it runs, and whether --to is its API's address");
        match is_unsent {
            true => AttemptError::Passing(failure),
            false => AttemptError::Final(failure),
        }
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(json(answer).await);
    }
    Err(refusal(status, &json(answer).await))
}

/// The answer's JSON; null if it has none.
async fn json(answer: Response) -> Value {
    let text = answer.text().await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// What a refusal means to the person who asked.
fn refusal(status: StatusCode, problem: &Value) -> AttemptError {
    let said = problem.get("detail").or_else(|| problem.get("title"));
    let said = said.and_then(Value::as_str).unwrap_or("it says no more");
    let cause = format!("{}{} ({})", escaped(said), fields(problem), status.as_u16());
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let cause = anyhow::anyhow!("the deployment asks for patience: {cause}");
            AttemptError::Passing(Failure::ours(cause).hint("try again in some minutes"))
        }
        StatusCode::UNAUTHORIZED => AttemptError::Final(Failure::input(
            cause,
            "the token is not known: ask the administrator for another one",
        )),
        StatusCode::FORBIDDEN => AttemptError::Final(Failure::input(
            cause,
            "the token is of another role: references and leads want a unit's, tenants and tokens an administrator's",
        )),
        _ if status.is_client_error() => AttemptError::Final(Failure::input(
            cause,
            "the deployment refuses it: see --help for what it takes",
        )),
        _ => AttemptError::Final(Failure::ours(anyhow::anyhow!(
            "the deployment failed: {cause}"
        ))),
    }
}

/// Which fields or parameters a problem is about: ` [status, limit]`; nothing if it names none.
fn fields(problem: &Value) -> String {
    let errors = problem.get("errors").and_then(Value::as_array);
    let named = errors.into_iter().flatten().filter_map(|error| {
        let named = error
            .as_object()?
            .iter()
            .find(|(key, _)| *key != "detail")?;
        named.1.as_str().map(escaped)
    });
    match named.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => none,
        named => format!(" [{named}]"),
    }
}

fn strange() -> Failure {
    Failure::input(
        "what answers is no deployment of Homeward",
        "--to is its API's address, e.g. https://homeward.example",
    )
}
