//! Bugs of the protocol, planted into the way between the programs and the servers (or, where the
//! name says so, into who feeds the programs): the simulator must find each.

use std::collections::HashMap;
use std::sync::Mutex;

use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

use super::call::tables;
use super::rng::{fold, hash};

/// One bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InjectedBug {
    /// Reads are not strongly consistent: what was written lately may be missing.
    StaleReads,
    /// An ad is searched among the references that were there before the ad was written.
    ReadBeforeOwnWrite,
    /// The feeds acknowledge whatever became of a batch.
    EarlyAcknowledgement,
    /// Leads, their alerts and the counters of alerts are written on no condition.
    NoConditions,
    /// Nothing checks that a reference is active.
    NoActiveCheck,
    /// Every attempt to record a lead has another id.
    RandomLeadIds,
    /// A withdrawal is acknowledged while deliveries are in flight.
    WithdrawalAtOnce,
}

impl InjectedBug {
    /// Every bug.
    pub const ALL: [Self; 7] = [
        Self::StaleReads,
        Self::ReadBeforeOwnWrite,
        Self::EarlyAcknowledgement,
        Self::NoConditions,
        Self::NoActiveCheck,
        Self::RandomLeadIds,
        Self::WithdrawalAtOnce,
    ];

    /// Changes a request before it is carried out.
    pub(super) fn bend_request(self, actor: &str, now_us: u64, request: &mut HttpRequest) {
        let Some(mut body) = super::call::body(request) else {
            return;
        };
        match self {
            Self::StaleReads => {
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("ConsistentRead");
                }
            }
            // The reference's count of its alerts, in the same transaction, is a condition too.
            Self::NoConditions if actor.starts_with("lookup") => {
                without_conditions(&mut body, "leads", |_| true);
                without_conditions(&mut body, "references", |_| true);
            }
            Self::NoActiveCheck => {
                without_conditions(&mut body, "references", |step| step == "ConditionCheck");
            }
            Self::RandomLeadIds if actor.starts_with("lookup") => {
                let text = with_another_lead(&body.to_string(), actor, now_us);
                *request.body_mut() = SdkBody::from(text);
                return;
            }
            _ => return,
        }
        *request.body_mut() = SdkBody::from(body.to_string());
    }

    /// Changes an answer: an item that is not seen yet is left out.
    pub(super) fn bend_answer(
        self,
        actor: &str,
        writes: &Writes,
        (now_us, sees_until_us): (u64, Option<u64>),
        asked: &Value,
        response: &mut HttpResponse,
    ) {
        let seen_from_us = match self {
            Self::StaleReads => now_us.saturating_sub(LAG_US),
            Self::ReadBeforeOwnWrite if actor.starts_with("lookup") => match sees_until_us {
                Some(written) if tables(asked) == "references-tail" => {
                    written.saturating_sub(EARLY_US)
                }
                _ => return,
            },
            _ => return,
        };
        let Some(table) = asked.get("TableName").and_then(Value::as_str) else {
            return;
        };
        let bytes = response.body().bytes().unwrap_or_default();
        let Ok(mut answer) = serde_json::from_slice::<Value>(bytes) else {
            return;
        };
        let is_seen = |item: &Value| {
            let first = writes.first_us(table, item);
            first.is_none_or(|first| first < seen_from_us)
        };
        leave_out(&mut answer, is_seen);
        *response.body_mut() = SdkBody::from(answer.to_string());
    }
}

/// How long before an ad is written its search has read, if it reads first: `ingest` takes that long.
const EARLY_US: u64 = 5_000_000;
/// How long a stale copy lags behind: DynamoDB's usually does by less than a second.
const LAG_US: u64 = 1_000_000;

fn leave_out(answer: &mut Value, is_seen: impl Fn(&Value) -> bool) {
    let Some(fields) = answer.as_object_mut() else {
        return;
    };
    if fields.get("Item").is_some_and(|item| !is_seen(item)) {
        fields.remove("Item");
    }
    let Some(Value::Array(items)) = fields.get_mut("Items") else {
        return;
    };
    items.retain(is_seen);
    let count = Value::from(items.len());
    fields.insert("Count".to_owned(), count);
}

/// Makes the conditions on a table's steps such that they always hold. What they name stays named,
/// since DynamoDB refuses names and values that are not used.
fn without_conditions(body: &mut Value, table: &str, which: impl Fn(&str) -> bool) {
    const ALWAYS: &str = "attribute_exists(pk) OR attribute_not_exists(pk)";
    let full = format!("homeward-{table}");
    let Some(Value::Array(steps)) = body.get_mut("TransactItems") else {
        return;
    };
    let parts = steps.iter_mut().filter_map(Value::as_object_mut);
    for (kind, part) in parts.flatten() {
        if part["TableName"] != full.as_str() || !which(kind) {
            continue;
        }
        if let Some(Value::String(condition)) = part.get_mut("ConditionExpression") {
            *condition = format!("{ALWAYS} OR ({condition})");
        }
    }
}

/// The request with another lead's id, of the same length, in the place of the one it names.
fn with_another_lead(text: &str, actor: &str, now_us: u64) -> String {
    const MARK: &str = "\"lead#";
    let Some(start) = text.find(MARK).map(|at| at + MARK.len()) else {
        return text.to_owned();
    };
    let Some(length) = text[start..].find('"') else {
        return text.to_owned();
    };
    let id = &text[start..start + length];
    let drawn = fold(hash(actor.as_bytes()), &now_us.to_le_bytes());
    let digits = format!("{drawn:016x}").repeat(length.div_ceil(16));
    let other = &digits[..length];
    text.replace(id, other)
}

/// When each item was first written, by table and key.
#[derive(Default)]
pub struct Writes(Mutex<HashMap<(String, String), u64>>);

impl Writes {
    /// Notes what a successful request has written.
    pub(super) fn record(&self, operation: &str, asked: &Value, now_us: u64) {
        match operation {
            "PutItem" => self.put(asked, now_us),
            "TransactWriteItems" => {
                let steps = asked["TransactItems"].as_array().into_iter().flatten();
                for part in steps.filter_map(Value::as_object).flatten() {
                    self.put(part.1, now_us);
                }
            }
            _ => {}
        }
    }

    fn put(&self, part: &Value, now_us: u64) {
        let is_update = part.get("UpdateExpression").is_some();
        let written = part.get("Item").or(part.get("Key").filter(|_| is_update));
        if let (Some(table), Some(item)) = (part["TableName"].as_str(), written) {
            let mut first = self.0.lock().expect("no holder panics");
            first.entry((table.to_owned(), key(item))).or_insert(now_us);
        }
    }

    /// When an item was first written in this run.
    pub fn first_us(&self, table: &str, item: &Value) -> Option<u64> {
        let first = self.0.lock().expect("no holder panics");
        first.get(&(table.to_owned(), key(item))).copied()
    }
}

fn key(item: &Value) -> String {
    let part = |name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
    format!("{}\0{}", part("pk"), part("sk"))
}
