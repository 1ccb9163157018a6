//! Which tables a request is about.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

/// Names in one list unless the request says fewer.
const LIST_MAX: usize = 100;

/// The tables that a request names, each once.
pub(super) struct Named {
    tables: BTreeSet<String>,
    limit: Option<usize>,
}

/// Where requests name tables. What cannot be read names none; dynoxide says then what is wrong.
#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Request {
    table_name: Option<String>,
    resource_arn: Option<String>,
    stream_arn: Option<String>,
    shard_iterator: Option<String>,
    request_items: Option<BTreeMap<String, IgnoredAny>>,
    transact_items: Vec<BTreeMap<String, Option<Step>>>,
    limit: Option<usize>,
    statement: Option<String>,
    statements: Vec<Statement>,
    transact_statements: Vec<Statement>,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "TableName")]
    table_name: String,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "Statement")]
    statement: String,
}

impl Named {
    pub(super) fn read(operation: &str, body: &str) -> Self {
        let mut request: Request = serde_json::from_str(body).unwrap_or_default();
        let mut names = BTreeSet::new();
        names.extend(request.table_name.take().map(|name| of_arn(&name)));
        names.extend(request.resource_arn.take().map(|arn| of_arn(&arn)));
        names.extend(request.stream_arn.take().map(|arn| of_arn(&arn)));
        names.extend(request.shard_iterator.as_deref().and_then(of_iterator));
        let items = request.request_items.take().unwrap_or_default();
        names.extend(items.into_keys().map(|name| of_arn(&name)));
        let steps = request.transact_items.iter().flat_map(BTreeMap::values);
        names.extend(steps.flatten().map(|step| of_arn(&step.table_name)));
        if operation.contains("Statement") || operation == "ExecuteTransaction" {
            let many = request
                .statements
                .iter()
                .chain(&request.transact_statements);
            let all = many.map(|it| &it.statement).chain(&request.statement);
            names.extend(all.filter_map(|text| of_statement(text)));
        }
        Self {
            tables: names,
            limit: request.limit,
        }
    }

    /// Names that a list may have, as DynamoDB has it.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(LIST_MAX)
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(String::as_str)
    }
}

/// A table's name, be it given as one or within an ARN (`…:table/NAME/stream/…`).
fn of_arn(text: &str) -> String {
    let behind = text.split_once(":table/").map_or(text, |(_, name)| name);
    let name = behind.split('/').next().unwrap_or(behind);
    name.to_owned()
}

/// dynoxide's iterators are JSON in base64.
fn of_iterator(iterator: &str) -> Option<String> {
    let json: Value = serde_json::from_slice(&STANDARD.decode(iterator).ok()?).ok()?;
    Some(json.get("table_name")?.as_str()?.to_owned())
}

/// The name behind `FROM`, `INTO` or `UPDATE`.
fn of_statement(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    words.find(|word| {
        ["FROM", "INTO", "UPDATE"]
            .iter()
            .any(|it| word.eq_ignore_ascii_case(it))
    })?;
    let name = words.next()?.trim_start_matches('"');
    Some(name.split('"').next().unwrap_or(name).to_owned())
}

/// Two answers to `ListTables` as one of at most `limit` names. Each list is known only up to where
/// it ends, so the union goes no further than the nearer end.
pub(super) fn merged_tables(lists: [&str; 2], limit: usize) -> serde_json::Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct List {
        table_names: Vec<String>,
        last_evaluated_table_name: Option<String>,
    }
    let [one, other]: [List; 2] = [
        serde_json::from_str(lists[0])?,
        serde_json::from_str(lists[1])?,
    ];
    let ends = [
        one.last_evaluated_table_name,
        other.last_evaluated_table_name,
    ];
    let end = ends.into_iter().flatten().min();
    let mut names: Vec<String> = one
        .table_names
        .into_iter()
        .chain(other.table_names)
        .collect();
    names.sort();
    let all = names.len();
    names.retain(|name| end.as_ref().is_none_or(|end| name <= end));
    names.truncate(limit);
    let mut list = json!({ "TableNames": names });
    if names.len() < all || end.is_some() {
        list["LastEvaluatedTableName"] = json!(names.last());
    }
    serde_json::to_string(&list)
}

/// Two answers to `ListStreams` as one. Homeward has fewer streams than one answer holds.
pub(super) fn merged_streams(lists: [&str; 2]) -> serde_json::Result<String> {
    let [mut one, mut other]: [Value; 2] = [
        serde_json::from_str(lists[0])?,
        serde_json::from_str(lists[1])?,
    ];
    if let (Value::Array(all), Value::Array(more)) = (&mut one["Streams"], &mut other["Streams"]) {
        all.append(more);
    }
    serde_json::to_string(&one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(operation: &str, body: Value, expected: &[&str]) {
        let named = Named::read(operation, &body.to_string());
        assert_eq!(named.tables().collect::<Vec<_>>(), expected, "{body}");
    }

    #[test]
    fn a_request_names_its_tables_in_many_places() {
        check("GetItem", json!({"TableName": "a", "Key": {}}), &["a"]);
        let arn = "arn:aws:dynamodb:us-east-1:000000000000:table/a";
        check("TagResource", json!({"ResourceArn": arn}), &["a"]);
        let stream = format!("{arn}/stream/2026-01-01T00:00:00.000");
        check("DescribeStream", json!({"StreamArn": stream}), &["a"]);
        check(
            "BatchGetItem",
            json!({"RequestItems": {"a": {}, "b": {}}}),
            &["a", "b"],
        );
        let steps =
            json!([{"Put": {"TableName": "b", "Item": {}}}, {"Delete": {"TableName": "a"}}]);
        check(
            "TransactWriteItems",
            json!({"TransactItems": steps}),
            &["a", "b"],
        );
        let select = "SELECT * FROM \"a\".\"index\" WHERE pk = 'FROM b'";
        check("ExecuteStatement", json!({"Statement": select}), &["a"]);
        let insert = json!([{"Statement": "insert into \"a\" value {}"}]);
        check(
            "BatchExecuteStatement",
            json!({"Statements": insert}),
            &["a"],
        );
        let iterator = STANDARD.encode(r#"{"table_name":"a","shard_id":"s","position":0}"#);
        check("GetRecords", json!({"ShardIterator": iterator}), &["a"]);
        check("ListTables", json!({}), &[]);
        check("GetItem", json!({"TableName": 7}), &[]);
    }

    #[test]
    fn two_lists_are_one_that_ends_where_the_nearer_one_does() {
        let check = |one: Value, other: Value, limit, expected: Value| {
            let merged = merged_tables([&one.to_string(), &other.to_string()], limit);
            assert_eq!(merged.expect("JSON"), expected.to_string());
        };
        let other = json!({"TableNames": ["a", "c"]});
        let all = json!({"TableNames": ["a", "b", "c"]});
        check(json!({"TableNames": ["b"]}), other.clone(), 100, all);
        let first = json!({"LastEvaluatedTableName": "a", "TableNames": ["a"]});
        check(json!({"TableNames": ["b"]}), other.clone(), 1, first);
        let until_b = json!({"LastEvaluatedTableName": "b", "TableNames": ["a", "b"]});
        let one = json!({"TableNames": ["b"], "LastEvaluatedTableName": "b"});
        check(one, other, 2, until_b);
    }
}
