//! DynamoDB, by dynoxide, over one SQLite file.
//!
//! A request is the operation's name and its JSON, whether it came over a port or from the SDK in
//! this process: both end in [`Tables::answer`].

use std::path::Path;
use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::folder::Folder;

/// dynoxide numbers each stream record one past the greatest, and reads them by number, without an
/// index: every write would read all records there are. SQLite uses this one for both.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS homeward_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER))";

/// The open tables.
pub(crate) struct Tables {
    pub(crate) database: Database,
    written: watch::Sender<u64>,
    path: std::path::PathBuf,
    /// Keeps other processes out; let go last.
    _folder: Arc<Folder>,
}

/// A DynamoDB response: HTTP status and JSON.
pub(crate) type Answer = (u16, String);

impl Tables {
    /// Opens or creates the file. dynoxide sets WAL; SQLite's default is to sync every commit.
    pub(crate) fn open(folder: Arc<Folder>) -> Result<Self> {
        let path = folder.tables();
        let database = Database::new(utf8(&path)?)?;
        Connection::open(&path)?.execute_batch(STREAM_INDEX)?;
        Ok(Self {
            database,
            written: watch::Sender::new(0),
            path,
            _folder: folder,
        })
    }

    /// Rings after every write.
    pub(crate) fn writes(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// A connection of our own to the same file.
    pub(crate) fn connect(&self) -> Result<Connection> {
        let connection = Connection::open(&self.path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(connection)
    }

    /// Removes items whose time to live is over. Blocks.
    pub(crate) fn sweep_ttl(&self) -> Result<usize> {
        let swept = self.database.sweep_ttl()?;
        self.written.send_modify(|writes| *writes += 1);
        Ok(swept)
    }

    /// Does one operation. Blocks.
    pub(crate) fn answer(&self, operation: &str, body: &str) -> Answer {
        let done = self.operate(operation, body);
        if !READS.contains(&operation) {
            self.written.send_modify(|writes| *writes += 1);
        }
        match done {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    fn operate(&self, operation: &str, body: &str) -> Outcome {
        let db = &self.database;
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

fn utf8(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Error::Tables("the data folder's path is not UTF-8".into()))
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
        let own = tables.connect().expect("opens");
        let mode: String = own
            .pragma_query_value(None, "journal_mode", |r| r.get(0))
            .expect("set");
        let level: i64 = own
            .pragma_query_value(None, "synchronous", |r| r.get(0))
            .expect("set");
        assert_eq!((mode.as_str(), level), ("wal", 2));
    }

    /// The statements are dynoxide's: the next sequence number, and the records behind one.
    #[test]
    fn the_streams_statements_use_our_index() {
        let (_dir, tables) = tables();
        let own = tables.connect().expect("opens");
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
