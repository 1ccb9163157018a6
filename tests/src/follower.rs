//! What tables' streams tell, read by boto3 as Lambda's poller reads it.

use std::io::{BufRead, BufReader, Write};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;
use store::Table;

use crate::checkout;
use crate::process::Process;

/// A reader of tables' streams, from the oldest record on.
pub struct Follower {
    tables: Vec<Table>,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    _process: Process,
}

impl Follower {
    /// Starts to read; `names` are the tables' full names, in their order.
    ///
    /// # Panics
    /// If the reader does not start.
    pub fn start(
        tables: &[Table],
        names: &[String],
        dynamodb: &str,
        (key_id, secret): (&str, &str),
    ) -> Self {
        let mut command = Command::new(checkout::python());
        command
            .arg(checkout::root().join("tests/python/changes.py"))
            .arg(dynamodb)
            .args(names)
            .env("AWS_ACCESS_KEY_ID", key_id)
            .env("AWS_SECRET_ACCESS_KEY", secret)
            .env("AWS_DEFAULT_REGION", embedded::REGION)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit());
        let mut process = Process::start(&mut command);
        Self {
            tables: tables.to_vec(),
            input: process.stdin(),
            output: BufReader::new(process.stdout()),
            _process: process,
        }
    }

    /// What each table's stream has told since the last time, in Lambda's shape.
    ///
    /// # Panics
    /// If the reader fails.
    pub fn news(&mut self) -> Vec<(Table, Vec<Value>)> {
        writeln!(self.input, "more").expect("the reader listens");
        let told = self.tables.iter().map(|table| {
            let mut line = String::new();
            self.output
                .read_line(&mut line)
                .expect("the reader answers");
            let mut told: Value = serde_json::from_str(&line).expect("the reader tells changes");
            assert!(
                told["table"]
                    .as_str()
                    .is_some_and(|it| it.ends_with(table.suffix()))
            );
            match told["records"].take() {
                Value::Array(records) => (*table, records),
                other => panic!("no records: {other}"),
            }
        });
        told.collect()
    }
}
