//! DynamoDB, by dynoxide, over two SQLite files.
//!
//! A request is the operation's name and its JSON, whether it came over a port or from the SDK in
//! this process: both end in [`Tables::answer`]. What uploaders wait for lies in a file of its own,
//! with a lock, caches and connections of its own: how long an uploader waits for the records of its
//! uploads must not depend on who is searched for ([`OF_UPLOADERS`], [`Priority`]).

mod background;
mod file;
mod moved;
mod named;

use std::sync::Arc;

use dynoxide::{Database, DynoxideError};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use crate::error::Result;
use crate::folder::Folder;
use crate::wakeups::Wakeups;

use background::BackgroundWriter;
use file::TablesFile;
use named::Named;

/// Tables that lie in the uploaders' file: what an answer to an uploader is made of. No transaction
/// of Homeward has steps in these and in others; one that has is refused.
const OF_UPLOADERS: [&str; 2] = ["homeward-ads", "homeward-tenants"];

/// How urgent a request to the tables is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Priority {
    /// A client waits: requests from the ports, and uploads on their way in.
    Interactive,
    /// No client waits: programs that the tables' changes and timers wake. Their reads have connections
    /// of their own, and their writes are done one at a time with a rest after each.
    Background,
}

/// The open tables.
pub(crate) struct Tables {
    uploaders: Arc<TablesFile>,
    others: Arc<TablesFile>,
    background: BackgroundWriter,
    written: Wakeups,
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
            background: BackgroundWriter::start()?,
            written: Wakeups::default(),
            _folder: folder,
        })
    }

    /// Rings after every write to a table.
    pub(crate) fn writes(&self, table: &str) -> watch::Receiver<u64> {
        self.written.subscribe(table)
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

    /// A connection for reading a table's stream, which background programs do.
    pub(crate) fn stream_reader(&self, table: &str) -> Database {
        self.file_of(table).reader(Priority::Background)
    }

    /// Removes items whose time to live is over. Blocks.
    pub(crate) fn sweep_ttl(&self) -> Result<usize> {
        let mut swept = 0;
        for file in self.files() {
            swept += file.writer().sweep_ttl()?;
            for table in file.writer().list_tables(Default::default())?.table_names {
                self.written.wake(&table);
            }
        }
        Ok(swept)
    }

    /// Does one operation. Blocks.
    pub(crate) fn answer(&self, priority: Priority, operation: &str, body: &str) -> Answer {
        let named = Named::read(operation, body);
        let done = self.operate_on_file(priority, &named, operation, body);
        if !READS.contains(&operation) {
            named.tables().for_each(|table| self.written.wake(table));
        }
        match done {
            Ok(json) => (200, json),
            Err(error) => (error.status_code(), error.to_json()),
        }
    }

    fn operate_on_file(
        &self,
        priority: Priority,
        named: &Named,
        operation: &str,
        body: &str,
    ) -> Outcome {
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
            return operate(&file.reader(priority), operation, body);
        }
        let done = match priority {
            Priority::Interactive => operate(file.writer(), operation, body),
            Priority::Background => {
                let (file, operation, body) = (file.clone(), operation.to_owned(), body.to_owned());
                self.background
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
mod tests;
