//! A call on the cloud in a form that is the same in every run of a seed.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use serde_json::Value;

use super::rng::{fold, hash};

/// One call, before it is carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Who calls.
    pub actor: String,
    /// The operation and what it works on: `PutItem ads`, `GET /bucket/…`. Only for the trace of a
    /// run, whose data are made up.
    pub name: String,
    /// The request without what differs from run to run.
    pub content: u64,
    /// How often the actor has made the same request before.
    pub repeat: u64,
}

impl Call {
    /// A number for this call, the same in every run of a seed.
    pub fn key(&self) -> u64 {
        let key = fold(self.content, self.actor.as_bytes());
        fold(key, &self.repeat.to_le_bytes())
    }
}

/// The operation of a DynamoDB request; none for S3's.
pub fn operation(request: &HttpRequest) -> Option<String> {
    let target = request.headers().get("x-amz-target")?;
    let (_, operation) = target.rsplit_once('.')?;
    Some(operation.to_owned())
}

/// The body of a DynamoDB request.
pub fn body(request: &HttpRequest) -> Option<Value> {
    operation(request)?;
    serde_json::from_slice(request.body().bytes()?).ok()
}

/// The name and the content of a request.
pub fn described(request: &HttpRequest) -> (String, u64) {
    match (operation(request), body(request)) {
        (Some(operation), Some(body)) => {
            let mut text = String::new();
            write(&body, &mut text);
            let name = format!("{operation} {}", tables(&body));
            (name, fold(hash(operation.as_bytes()), text.as_bytes()))
        }
        _ => {
            let (path, query) = path_and_query(request.uri());
            let name = format!("{} {path}", request.method());
            let content = fold(hash(name.as_bytes()), without_version(query).as_bytes());
            (name, content)
        }
    }
}

fn path_and_query(uri: &str) -> (&str, &str) {
    let path = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let path = path.find('/').map_or("/", |at| &path[at..]);
    path.split_once('?').unwrap_or((path, ""))
}

/// Version ids are random.
fn without_version(query: &str) -> String {
    let kept = query.split('&').filter(|p| !p.starts_with("versionId="));
    kept.collect::<Vec<_>>().join("&")
}

/// The tables that a request names, without the deployment's prefix.
pub fn tables(body: &Value) -> String {
    let mut names = Vec::new();
    collect_tables(body, &mut names);
    names.dedup();
    names.join(",")
}

fn collect_tables(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("TableName") {
                names.push(name.trim_start_matches("homeward-").to_owned());
            }
            if let Some(Value::Object(tables)) = fields.get("RequestItems") {
                let name = |name: &String| name.trim_start_matches("homeward-").to_owned();
                names.extend(tables.keys().map(name));
            }
            fields
                .values()
                .for_each(|value| collect_tables(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_tables(value, names)),
        _ => {}
    }
}

/// Fields whose values are random.
const RANDOM: [&str; 3] = ["ClientRequestToken", "version_id", ":version_id"];

/// JSON with sorted fields, without tokens and version ids, which are random.
fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut names: Vec<&String> = fields.keys().collect();
            names.sort();
            for name in names {
                if !RANDOM.contains(&name.as_str()) {
                    out.push_str(name);
                    write(&fields[name], out);
                }
            }
        }
        Value::Array(values) => {
            out.push('[');
            values.iter().for_each(|value| write(value, out));
            out.push(']');
        }
        other => out.push_str(&other.to_string()),
    }
}
