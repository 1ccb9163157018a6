//! The HTTP client that an actor's AWS SDK is given: the way to the servers, with every fault that
//! the way to the cloud has.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use tokio::sync::Notify;

use super::call::{Call, described, operation};
use super::injected_bug::{InjectedBug, Writes};
use super::servers::Servers;
use super::time::Time;
use super::trace::Trace;

/// What becomes of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injection {
    /// Until it has its effect.
    pub delay_before: Duration,
    /// Until the answer is there.
    pub delay_after: Duration,
    /// What goes wrong.
    pub fault: Fault,
}

/// What can go wrong with a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The connection breaks before the request has arrived.
    BeforeEffect,
    /// The request has its effect, and the answer is lost.
    AfterEffect,
    /// The service asks to come again later, in its own words.
    Throttled,
    /// A transaction meets another one; a throttled call otherwise.
    Conflict,
    /// The caller's process ends before the request has arrived.
    CrashBefore,
    /// The caller's process ends before the answer arrives.
    CrashAfter,
}

/// What the connections of all actors share.
pub struct Network {
    /// Where calls go.
    pub servers: Servers,
    /// The time.
    pub time: Time,
    /// What becomes of each call.
    pub injections: Box<dyn Fn(&Call) -> Injection + Send + Sync>,
    /// What happened.
    pub trace: Trace,
    /// A bug of the protocol, planted by a test.
    pub bug: Option<InjectedBug>,
    /// When items were first written, for stale reads.
    pub writes: Writes,
}

/// The end of an actor's process, by one of its calls.
#[derive(Default)]
pub struct Crash {
    struck: AtomicBool,
    bell: Notify,
}

impl Crash {
    fn strike(&self) {
        self.struck.store(true, Ordering::SeqCst);
        self.bell.notify_one();
    }

    /// Waits for the end.
    pub async fn wait(&self) {
        while !self.struck.swap(false, Ordering::SeqCst) {
            self.bell.notified().await;
        }
    }
}

/// Requests that are remembered by one process; a run makes some hundred, and a long one must not
/// remember all.
const REPEATS_MAX: usize = 50_000;

/// One actor's way to the servers.
#[derive(Clone)]
pub struct Connection {
    network: Arc<Network>,
    actor: Arc<str>,
    /// Rung when a call ends the actor's process.
    pub crash: Arc<Crash>,
    /// For planted bugs: the time, in microseconds, before which this actor sees the other set.
    pub sees_until_us: Arc<Mutex<Option<u64>>>,
    repeats: Arc<Mutex<HashMap<u64, u64>>>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.actor)
    }
}

impl Connection {
    /// A connection for an actor.
    pub fn new(network: &Arc<Network>, actor: &str) -> Self {
        Self {
            network: network.clone(),
            actor: actor.into(),
            crash: Arc::default(),
            sees_until_us: Arc::default(),
            repeats: Arc::default(),
        }
    }

    fn call(&self, request: &HttpRequest) -> Call {
        let (name, content) = described(request);
        let mut repeats = self.repeats.lock().expect("no holder panics");
        if repeats.len() > REPEATS_MAX {
            repeats.clear();
        }
        let before = repeats.entry(content).or_default();
        let repeat = *before;
        *before += 1;
        Call {
            actor: self.actor.to_string(),
            name,
            content,
            repeat,
        }
    }

    async fn go(
        self,
        connector: SharedHttpConnector,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let network = self.network.clone();
        let call = self.call(&request);
        let injection = (network.injections)(&call);
        if !injection.delay_before.is_zero() {
            network.time.sleep(injection.delay_before, call.key()).await;
        }
        let answer = match injection.fault {
            Fault::BeforeEffect => Err(broken("the connection broke")),
            Fault::Throttled => Ok(refusal(&request, false)),
            Fault::Conflict => Ok(refusal(&request, true)),
            Fault::CrashBefore => Err(broken("the process ends")),
            _ => self.carry_out(connector, request),
        };
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        network
            .trace
            .record_call(network.time.now_us(), &call, injection.fault, status);
        if !injection.delay_after.is_zero() {
            network.time.sleep(injection.delay_after, call.key()).await;
        }
        match injection.fault {
            Fault::AfterEffect => Err(broken("the answer was lost")),
            Fault::CrashBefore | Fault::CrashAfter => {
                self.crash.strike();
                std::future::pending().await
            }
            _ => answer,
        }
    }

    fn carry_out(
        &self,
        connector: SharedHttpConnector,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        let network = &self.network;
        let now_us = network.time.now_us();
        if let Some(bug) = network.bug {
            bug.bend_request(&self.actor, now_us, &mut request);
        }
        let asked = super::call::body(&request);
        let doing = operation(&request);
        let mut response = network.servers.call(connector, request)?;
        if let (Some(doing), Some(asked)) = (doing, asked) {
            if network.bug.is_some() && response.status().is_success() {
                network.writes.record(&doing, &asked, now_us);
            }
            if let Some(bug) = network.bug {
                let until = *self.sees_until_us.lock().expect("no holder panics");
                let seen = (now_us, until);
                bug.bend_answer(&self.actor, &network.writes, seen, &asked, &mut response);
            }
        }
        Ok(response)
    }
}

fn broken(why: &'static str) -> ConnectorError {
    ConnectorError::io(why.into())
}

/// How DynamoDB and S3 ask a client to come again.
fn refusal(request: &HttpRequest, is_conflict: bool) -> HttpResponse {
    let code = |code: &str, rest: &str| {
        format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{code}","message":"x"{rest}}}"#)
    };
    let (status, body) = match operation(request).as_deref() {
        None => (
            503,
            "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>\
             </Error>"
                .to_owned(),
        ),
        Some("TransactWriteItems") if is_conflict => {
            let reasons = r#","CancellationReasons":[{"Code":"TransactionConflict"}]"#;
            (400, code("TransactionCanceledException", reasons))
        }
        Some(_) => (400, code("ProvisionedThroughputExceededException", "")),
    };
    let response = http::Response::builder()
        .status(status)
        .body(SdkBody::from(body))
        .expect("a response");
    HttpResponse::try_from(response).expect("a response")
}

/// A connection to one service.
#[derive(Clone, Debug)]
struct Connector {
    connection: Connection,
    connector: SharedHttpConnector,
}

impl HttpClient for Connection {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner: SharedHttpClient = self.network.servers.embedded.http_client();
        SharedHttpConnector::new(Connector {
            connection: self.clone(),
            connector: inner.http_connector(settings, components),
        })
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.connection.clone().go(self.connector.clone(), request))
    }
}
