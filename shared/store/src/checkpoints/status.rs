//! What the timers note for the administrator: what they saw, and that they ran.

use std::collections::BTreeMap;

use records::{Gauges, Status, TaskRun, Timestamp};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{item, record};
use crate::{Checkpoints, Table};

/// The partition of what is noted.
const STATUS: &str = "status";
const GAUGES: &str = "gauges";
/// The prefix of runs' sort keys, before the task's name.
const RUN: &str = "run#";

impl Checkpoints {
    /// Notes what was seen. The last caller's stays.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_gauges(&self, seen: &Gauges) -> Result<()> {
        self.db.put(Table::Ads, item(STATUS, GAUGES, seen)?).await
    }

    /// Notes how a task ended. The last caller's stays.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_run(&self, task: &str, run: &TaskRun) -> Result<()> {
        let noted = item(STATUS, format!("{RUN}{task}"), run)?;
        self.db.put(Table::Ads, noted).await
    }

    /// All that was noted. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn status(&self, now: Timestamp) -> Result<Status> {
        let mut status = Status {
            checked_at: now,
            gauges: None,
            tasks: BTreeMap::new(),
        };
        for noted in self.db.query_all(Table::Ads, STATUS, Range::All).await? {
            let sk = noted.get("sk").and_then(|sk| sk.as_s().ok());
            let sk = sk.ok_or(Error::Damaged("status"))?.clone();
            match sk.strip_prefix(RUN) {
                Some(task) => {
                    let run = record(noted, "run of a task")?;
                    status.tasks.insert(task.to_owned(), run);
                }
                None => status.gauges = Some(record(noted, "gauges")?),
            }
        }
        Ok(status)
    }
}
