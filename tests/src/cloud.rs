//! The real Lambda binaries on a backend, and what wakes them: queues, streams, timers, HTTP.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use store::Table;

use crate::backend::{Backend, token};
use crate::events::{self, Message, batch, failures};
use crate::follower::Follower;
use crate::invocations::Invocations;
use crate::runtime_api::Function;
use crate::wire::units::Units;
use crate::wire::{Call, Wire};
use crate::world::{Put, plan, upload_by};

/// Messages of one batch, as the deployment sets it.
const MESSAGES_MAX: usize = 10;
/// Changes of one batch: small, so that there are several.
const CHANGES_MAX: usize = 25;

/// The programs that are functions.
pub const PROGRAMS: [&str; 6] = ["ingest", "enroll", "lookup", "alert", "review", "upkeep"];

/// The functions of the program `picture`, which `review` calls.
pub const PICTURES: [&str; 2] = ["picture-ads", "picture-references"];

/// The streams that wake programs.
pub const STREAMS: [Table; 5] = [
    Table::Ads,
    Table::AdsTail,
    Table::ReferencesTail,
    Table::Searches,
    Table::Leads,
];

/// The programs of the cloud on a backend. Nothing is fed but what a test feeds.
pub struct Cloud {
    /// The ads bucket's queue wakes it.
    pub ingest: Function,
    /// The references bucket's queue wakes it.
    pub enroll: Function,
    /// Four streams wake it.
    pub lookup: Function,
    /// The leads' stream and a timer wake it.
    pub alert: Function,
    /// HTTP requests wake it.
    pub review: Function,
    /// Timers wake it.
    pub upkeep: Function,
    /// `review` calls these.
    pub pictures: Invocations,
    /// Where the data lies.
    pub backend: Backend,
    /// What each function says to the services.
    wires: BTreeMap<&'static str, Wire>,
    /// Reads the streams on.
    follower: Mutex<Follower>,
}

/// How a batch is handed to a function; panics unless the whole batch is done.
pub type Deliver = fn(&Function, &Value);

/// The batch comes once.
pub fn once(function: &Function, event: &Value) {
    let response = function.invoke(event).unwrap();
    assert_eq!(failures(&response), <[&str; 0]>::default());
}

/// The batch comes twice: what sent it did not hear the first answer.
pub fn twice(function: &Function, event: &Value) {
    once(function, event);
    once(function, event);
}

impl Cloud {
    /// Starts every program, as the template says.
    pub fn on(backend: Backend) -> Self {
        Self::with(backend, &[])
    }

    /// The same, with more variables for every program.
    pub fn with(backend: Backend, variables: &[(&str, &str)]) -> Self {
        let all = PROGRAMS.iter().chain(&PICTURES);
        let wires: BTreeMap<_, _> = all.map(|name| (*name, backend.tap())).collect();
        let environment = |name: &str| {
            let at = wires[name].url();
            let mut environment = backend.environment(name, at, at);
            let more = variables.iter();
            environment.extend(more.map(|(name, value)| ((*name).into(), (*value).into())));
            environment
        };
        let pictures = PICTURES.map(|name| {
            let function = Function::start("picture", environment(name));
            (backend.function_name(name), function)
        });
        let pictures = Invocations::of(pictures.into());
        let start = |name| {
            let mut environment = environment(name);
            environment.push(("AWS_ENDPOINT_URL_LAMBDA".into(), pictures.url()));
            Function::start(name, environment)
        };
        Self {
            ingest: start("ingest"),
            enroll: start("enroll"),
            lookup: start("lookup"),
            alert: start("alert"),
            review: start("review"),
            upkeep: start("upkeep"),
            pictures,
            follower: Mutex::new(backend.follow(&STREAMS)),
            wires,
            backend,
        }
    }

    /// What a program's calls so far are billed as.
    pub fn units(&self, program: &str) -> Units {
        self.wires[program].units()
    }

    /// What each program has said to the services so far.
    pub fn calls(&self) -> BTreeMap<&'static str, Vec<Call>> {
        let wires = self.wires.iter();
        wires.map(|(name, wire)| (*name, wire.calls())).collect()
    }

    /// Every program that events wake.
    pub fn functions(&self) -> [&Function; 6] {
        [
            &self.ingest,
            &self.enroll,
            &self.lookup,
            &self.alert,
            &self.review,
            &self.upkeep,
        ]
    }

    /// Uploads with boto3 and gives the messages that S3 would send, in the order of the puts.
    pub fn upload(&self, puts: &[Put]) -> Vec<Message> {
        let ready = self.backend.ready();
        let done = upload_by(&plan(&ready, puts, 1)); // one at a time: versions keep their order
        let buckets = puts.iter().map(|put| ready[put.bucket].as_str().unwrap());
        buckets
            .zip(&done)
            .map(|(bucket, done)| Message::created(bucket, done))
            .collect()
    }

    /// Hands messages to a queue's function in batches; all must be done.
    pub fn send(&self, function: &Function, messages: &[Message], deliver: Deliver) {
        for messages in messages.chunks(MESSAGES_MAX) {
            deliver(function, &batch("test", messages));
        }
    }

    /// Hands messages over in batches as [`Self::send`], and gives the ids that are wanted again.
    pub fn send_some_bad(&self, function: &Function, messages: &[Message]) -> Vec<String> {
        let responses = messages
            .chunks(MESSAGES_MAX)
            .map(|messages| function.invoke(&batch("test", messages)).unwrap());
        responses
            .flat_map(|response| {
                let failures = failures(&response);
                failures.into_iter().map(str::to_owned).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Feeds the streams to the programs that they wake, until they tell nothing new.
    pub fn settle(&self, deliver: Deliver) {
        let mut follower = self.follower.lock().unwrap();
        loop {
            let told = follower.news();
            for (table, changes) in &told {
                self.feed(*table, changes, deliver);
            }
            if told.iter().all(|(_, changes)| changes.is_empty()) {
                return;
            }
        }
    }

    fn feed(&self, table: Table, changes: &[Value], deliver: Deliver) {
        let function = match table {
            Table::Leads => &self.alert,
            _ => &self.lookup,
        };
        for changes in changes.chunks(CHANGES_MAX) {
            deliver(function, &json!({ "Records": changes }));
        }
    }

    /// A request to the API, as the holder of a tenant's token: status and body.
    pub fn ask(
        &self,
        tenant: &str,
        method: &str,
        target: &str,
        body: Option<&Value>,
    ) -> (u64, Value) {
        let event = events::http(token(tenant).reveal(), method, target, body);
        self.asked(&event)
    }

    /// A request to the API, as API Gateway tells it: status and body.
    pub fn asked(&self, event: &Value) -> (u64, Value) {
        let answer = self.review.invoke(event).unwrap();
        let text = answer["body"].as_str().unwrap_or_default();
        let body = serde_json::from_str(text).unwrap_or(Value::Null);
        (answer["statusCode"].as_u64().unwrap(), body)
    }

    /// Every item of a listing, page by page.
    pub fn all(&self, tenant: &str, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let (status, page) = self.ask(tenant, "GET", &format!("{path}?limit=7{after}"), None);
            assert_eq!(status, 200, "{page}");
            items.extend(page["items"].as_array().unwrap().clone());
            let reached = after.clone();
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return items,
            }
            if after == reached {
                return items; // a feed goes on from its end
            }
        }
    }
}
