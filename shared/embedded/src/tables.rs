//! DynamoDB, by dynoxide, over two SQLite files.
//!
//! A request is the operation's name and its JSON, whether it came over a port or from the SDK in
//! this process: both end in [`Tables::answer`]. What uploaders wait for lies in a file of its own,
//! with a lock, caches and connections of its own: how long an uploader waits for the records of its
//! uploads must not depend on who is sought ([`OF_UPLOADERS`], [`Lane`]).

mod behind;
mod file;
mod moved;
mod named;

use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::doorbells::Doorbells;
use crate::error::Result;
use crate::folder::Folder;

use behind::Behind;
use file::TablesFile;
use named::Named;

/// Tables that lie in the uploaders' file: what an answer to an uploader is made of. No transaction
/// of the house has steps in these and in others; one that has is refused.
const OF_UPLOADERS: [&str; 2] = ["homeward-ads", "homeward-tenants"];

/// Who waits for an answer of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody does: whoever asks the ports, and uploads on their way in.
    Front,
    /// Nobody does: programs that the tables' changes and timers wake. Their reads have connections
    /// of their own, and their writes are done one at a time with a rest after each.
    Behind,
}

/// The open tables.
pub(crate) struct Tables {
    uploaders: Arc<TablesFile>,
    others: Arc<TablesFile>,
    behind: Behind,
    written: Doorbells,
    /// Keeps other processes out; let go last.
    _folder: Arc<Folder>,
}

/// A DynamoDB response: HTTP status and JSON.
pub(crate) type Answer = (u16, String);

impl Tables {
    /// Opens or creates the files, and moves the uploaders' tables out of a folder's one file of
    /// before. dynoxide sets WAL; SQLite's default is to sync every commit.
    pub(crate) fn open(folder: Arc<Folder>) -> Result<Self> {
        let (uploaders, others) = (folder.uploads(), folder.tables());
        moved::move_out(&others, &uploaders, &OF_UPLOADERS)?;
        Ok(Self {
            uploaders: Arc::new(TablesFile::open(uploaders)?),
            others: Arc::new(TablesFile::open(others)?),
            behind: Behind::start()?,
            written: Doorbells::default(),
            _folder: folder,
        })
    }

    /// Rings after every write to a table.
    pub(crate) fn writes(&self, table: &str) -> watch::Receiver<u64> {
        self.written.listen(table)
    }

    fn files(&self) -> [&Arc<TablesFile>; 2] {
        [&self.uploaders, &self.others]
    }

    fn file_of(&self, table: &str) -> &Arc<TablesFile> {
        match OF_UPLOADERS.contains(&table) {
            true => &self.uploaders,
            false => &self.others,
        }
    }

    /// A connection of our own to each file.
    pub(crate) fn connect_all(&self) -> Result<Vec<Connection>> {
        self.files()
            .map(|file| file.connect())
            .into_iter()
            .collect()
    }

    /// A connection of our own to a table's file.
    pub(crate) fn connect(&self, table: &str) -> Result<Connection> {
        self.file_of(table).connect()
    }

    /// A connection for reading a table's stream, which programs do that nobody waits for.
    pub(crate) fn stream_reader(&self, table: &str) -> Database {
        self.file_of(table).reader(Lane::Behind)
    }

    /// Removes items whose time to live is over. Blocks.
    pub(crate) fn sweep_ttl(&self) -> Result<usize> {
        let mut swept = 0;
        for file in self.files() {
            swept += file.writer().sweep_ttl()?;
            for table in file.writer().list_tables(Default::default())?.table_names {
                self.written.ring(&table);
            }
        }
        Ok(swept)
    }

    /// Does one operation. Blocks.
    pub(crate) fn answer(&self, lane: Lane, operation: &str, body: &str) -> Answer {
        let named = Named::read(operation, body);
        let done = self.operate_on_file(lane, &named, operation, body);
        if !READS.contains(&operation) {
            named.tables().for_each(|table| self.written.ring(table));
        }
        match done {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    fn operate_on_file(&self, lane: Lane, named: &Named, operation: &str, body: &str) -> Outcome {
        if let ("ListTables" | "ListStreams", None) = (operation, named.tables().next()) {
            return self.list(named, operation, body);
        }
        let apart = named.tables().filter(|table| OF_UPLOADERS.contains(table));
        let file = match (apart.count(), named.tables().count()) {
            (0, _) => &self.others,
            (apart, all) if apart == all => &self.uploaders,
            _ => return Err(DynoxideError::ValidationException(SPANS_FILES.into())),
        };
        if ITEM_READS.contains(&operation) {
            return operate(&file.reader(lane), operation, body);
        }
        let done = match lane {
            Lane::Front => operate(file.writer(), operation, body),
            Lane::Behind => {
                let (file, operation, body) = (file.clone(), operation.to_owned(), body.to_owned());
                self.behind
                    .run(move || operate(file.writer(), &operation, &body))
            }
        };
        if done.is_ok() && DEFINITIONS.contains(&operation) {
            let opened = file.forget_definitions();
            opened.map_err(|error| DynoxideError::InternalServerError(error.to_string()))?;
        }
        done
    }

    /// What both files list, as one list.
    fn list(&self, named: &Named, operation: &str, body: &str) -> Outcome {
        let lists = self
            .files()
            .map(|file| operate(file.writer(), operation, body));
        let [uploaders, others] = lists;
        let lists = [uploaders?, others?];
        let lists = [lists[0].as_str(), lists[1].as_str()];
        let merged = match operation {
            "ListTables" => named::merged_tables(lists, named.limit()),
            _ => named::merged_streams(lists),
        };
        merged.map_err(|error| DynoxideError::InternalServerError(error.to_string()))
    }
}

/// What is said of a request over tables of both files.
const SPANS_FILES: &str = "the tables homeward-ads and homeward-tenants lie apart from the others: \
    ask for them in a request of their own";

/// Reads of items: a connection for reading does them, whatever the writer is at.
const ITEM_READS: [&str; 5] = [
    "GetItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "TransactGetItems",
];

/// Operations after which what a connection remembers of a table may be wrong.
const DEFINITIONS: [&str; 4] = [
    "CreateTable",
    "DeleteTable",
    "UpdateTable",
    "UpdateTimeToLive",
];

fn operate(db: &Database, operation: &str, body: &str) -> Outcome {
    match operation {
        "CreateTable" => run(body, |request| db.create_table(request)),
        "DeleteTable" => run(body, |request| db.delete_table(request)),
        "DescribeTable" => run(body, |request| db.describe_table(request)),
        "ListTables" => run(body, |request| db.list_tables(request)),
        "UpdateTable" => run(body, |request| db.update_table(request)),
        "PutItem" => run(body, |request| db.put_item(request)),
        "GetItem" => run(body, |request| db.get_item(request)),
        "DeleteItem" => run(body, |request| db.delete_item(request)),
        "UpdateItem" => run(body, |request| db.update_item(request)),
        "Query" => run(body, |request| db.query(request)),
        "Scan" => run(body, |request| db.scan(request)),
        "BatchGetItem" => run(body, |request| db.batch_get_item(request)),
        "BatchWriteItem" => run(body, |request| db.batch_write_item(request)),
        "TransactWriteItems" => run(body, |request| db.transact_write_items(request)),
        "TransactGetItems" => run(body, |request| db.transact_get_items(request)),
        "ListStreams" => run(body, |request| db.list_streams(request)),
        "DescribeStream" => run(body, |request| db.describe_stream(request)),
        "GetShardIterator" => run(body, |request| db.get_shard_iterator(request)),
        "GetRecords" => run(body, |request| db.get_records(request)),
        "UpdateTimeToLive" => run(body, |request| db.update_time_to_live(request)),
        "DescribeTimeToLive" => run(body, |request| db.describe_time_to_live(request)),
        "ExecuteStatement" => run(body, |request| db.execute_statement(request)),
        "ExecuteTransaction" => run(body, |request| db.execute_transaction(request)),
        "BatchExecuteStatement" => run(body, |request| db.batch_execute_statement(request)),
        "TagResource" => run(body, |request| db.tag_resource(request)),
        "UntagResource" => run(body, |request| db.untag_resource(request)),
        "ListTagsOfResource" => run(body, |request| db.list_tags_of_resource(request)),
        _ => Err(DynoxideError::SerializationException(
            "UnknownOperationException".into(),
        )),
    }
}

/// Operations after which no stream can have a new record.
const READS: [&str; 12] = [
    "DescribeTable",
    "ListTables",
    "GetItem",
    "Query",
    "Scan",
    "BatchGetItem",
    "TransactGetItems",
    "ListStreams",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
    "DescribeTimeToLive",
];

type Outcome = std::result::Result<String, DynoxideError>;

fn run<Request: DeserializeOwned, Response: Serialize>(
    body: &str,
    operate: impl FnOnce(Request) -> std::result::Result<Response, DynoxideError>,
) -> Outcome {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
    let response = operate(request)?;
    serde_json::to_string(&response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// Sorts what dynoxide's readers say of a request into DynamoDB's two kinds. They mark what they
/// have judged themselves with the kind; the rest is serde's, where only a value of a wrong type is
/// a matter of serialization. (dynoxide's own sorting is private to its HTTP server.)
fn unreadable(text: &str) -> DynoxideError {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let (mark, rest) = text.split_once(':').unwrap_or_default();
    if mark.starts_with("VALIDATION") {
        return DynoxideError::ValidationException(rest.to_owned());
    }
    if mark.starts_with("SERIALIZATION") {
        return DynoxideError::SerializationException(rest.to_owned());
    }
    let validation = [
        "missing field",
        "unknown variant",
        "invalid type: null",
        "AttributeValue",
    ];
    if validation.iter().any(|part| text.contains(part)) {
        return DynoxideError::ValidationException(text.to_owned());
    }
    DynoxideError::SerializationException(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> (tempfile::TempDir, Tables) {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let folder = Arc::new(Folder::open(dir.path()).expect("opens"));
        (dir, Tables::open(folder).expect("opens"))
    }

    /// dynoxide leaves `synchronous` at SQLite's default, so that must be FULL (2).
    #[test]
    fn every_commit_is_synced() {
        let (_dir, tables) = tables();
        for own in tables.connect_all().expect("opens") {
            let mode: String = own
                .pragma_query_value(None, "journal_mode", |r| r.get(0))
                .expect("set");
            let level: i64 = own
                .pragma_query_value(None, "synchronous", |r| r.get(0))
                .expect("set");
            assert_eq!((mode.as_str(), level), ("wal", 2));
        }
    }

    /// The statements are dynoxide's: the next sequence number, and the records behind one.
    #[test]
    fn the_streams_statements_use_our_index() {
        let (_dir, tables) = tables();
        let own = tables.connect("homeward-ads").expect("opens");
        for statement in [
            "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1
             FROM _stream_records WHERE table_name = ?1",
            "SELECT event_name FROM _stream_records
             WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) > ?3
             ORDER BY CAST(sequence_number AS INTEGER) ASC LIMIT ?4",
        ] {
            let explain = format!("EXPLAIN QUERY PLAN {statement}");
            let mut plan = own.prepare(&explain).expect("valid");
            let values = vec!["x"; plan.parameter_count()];
            let plan: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .and_then(Iterator::collect)
                .expect("explained");
            assert!(
                plan.iter()
                    .any(|step| step.contains("homeward_stream_order")),
                "{plan:?}"
            );
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{plan:?}"
            );
        }
    }

    const ITEM: &str = r#"{"TableName":"NAME","Item":{"pk":{"S":"a"}},"Key":{"pk":{"S":"a"}}}"#;

    fn make(tables: &Tables, name: &str) {
        let table = r#"{"TableName":"NAME","BillingMode":"PAY_PER_REQUEST",
            "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],
            "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]}"#;
        let made = tables.answer(Lane::Front, "CreateTable", &table.replace("NAME", name));
        assert_eq!(made.0, 200, "{}", made.1);
    }

    fn ask(tables: &Tables, lane: Lane, operation: &str, name: &str) -> u16 {
        tables
            .answer(lane, operation, &ITEM.replace("NAME", name))
            .0
    }

    /// Held as a long write of leads would hold it.
    #[test]
    fn what_uploaders_wait_for_goes_on_while_the_other_tables_are_locked() {
        let (_dir, tables) = tables();
        make(&tables, "homeward-ads");
        make(&tables, "homeward-leads");
        assert_eq!(ask(&tables, Lane::Behind, "PutItem", "homeward-leads"), 200);
        let others = tables.connect("homeward-leads").expect("opens");
        others.execute_batch("BEGIN IMMEDIATE").expect("locked");
        assert_eq!(ask(&tables, Lane::Front, "PutItem", "homeward-ads"), 200);
        for lane in [Lane::Front, Lane::Behind] {
            for table in ["homeward-ads", "homeward-leads"] {
                assert_eq!(ask(&tables, lane, "GetItem", table), 200, "{table}");
            }
        }
        others.execute_batch("ROLLBACK").expect("free");
    }

    #[test]
    fn uploaders_are_answered_while_their_own_tables_are_written() {
        let (_dir, tables) = tables();
        make(&tables, "homeward-ads");
        let written = tables.connect("homeward-ads").expect("opens");
        written.execute_batch("BEGIN IMMEDIATE").expect("locked");
        assert_eq!(ask(&tables, Lane::Front, "GetItem", "homeward-ads"), 200);
    }

    #[test]
    fn all_tables_are_listed_and_none_is_asked_for_with_those_of_the_other_file() {
        let (_dir, tables) = tables();
        for name in ["homeward-ads", "homeward-leads"] {
            make(&tables, name);
        }
        let (_, listed) = tables.answer(Lane::Front, "ListTables", "{}");
        assert_eq!(
            listed,
            r#"{"TableNames":["homeward-ads","homeward-leads"]}"#
        );
        let get = |name: &str| {
            format!(r#"{{"Get":{{"TableName":"{name}","Key":{{"pk":{{"S":"a"}}}}}}}}"#)
        };
        let both = [get("homeward-ads"), get("homeward-leads")].join(",");
        let spanning = format!(r#"{{"TransactItems":[{both}]}}"#);
        let (status, error) = tables.answer(Lane::Front, "TransactGetItems", &spanning);
        assert_eq!(status, 400);
        assert!(error.contains("homeward-tenants lie apart"), "{error}");
    }

    #[test]
    fn a_table_that_is_made_anew_is_read_as_it_is() {
        let (_dir, tables) = tables();
        for _ in 0..2 {
            make(&tables, "homeward-ads");
            assert_eq!(ask(&tables, Lane::Front, "PutItem", "homeward-ads"), 200);
            assert_eq!(ask(&tables, Lane::Front, "GetItem", "homeward-ads"), 200);
            assert_eq!(
                ask(&tables, Lane::Front, "DeleteTable", "homeward-ads"),
                200
            );
            assert_eq!(ask(&tables, Lane::Front, "GetItem", "homeward-ads"), 400);
        }
    }

    #[test]
    fn what_cannot_be_read_gets_dynamodbs_kind_of_error() {
        for (text, kind) in [
            (
                "VALIDATION:name too short at line 1 column 9",
                "ValidationException",
            ),
            ("VALIDATION_REQUEST:x", "ValidationException"),
            ("SERIALIZATION:NUMBER_VALUE", "SerializationException"),
            (
                "missing field `Key` at line 1 column 2",
                "ValidationException",
            ),
            (
                "invalid type: integer `2`, expected a string",
                "SerializationException",
            ),
        ] {
            assert!(unreadable(text).error_type().ends_with(kind), "{text}");
        }
    }
}
