//! What came of an upload.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::metadata::Metadata;
use super::plan::Plan;
use super::server::State;
use crate::outcome::{Outcome, Result};
use crate::talk::{harmless, say};

/// Lines of metadata that are named one by one where they name no file.
const UNUSED_NAMED_MAX: usize = 5;

/// The figures.
#[derive(Default)]
pub struct Summary {
    files: usize,
    /// Files that the deployment had before.
    pub already_sent: usize,
    /// Files that were sent now.
    pub sent: usize,
    /// In so many objects.
    pub objects_sent: u64,
    /// Of so many bytes.
    pub bytes_sent: u64,
    /// In a dry run: files that would be sent.
    pub would_send: Option<usize>,
    /// Where uploads stand, if that was waited for.
    pub waited: Option<Waited>,
    refused: Vec<(String, String)>,
    metadata_unused: usize,
}

/// Where uploads stand.
#[derive(Default)]
pub struct Waited {
    /// Recorded.
    pub recorded: u64,
    /// Not settled when the waiting ended.
    pub pending: u64,
    /// Rejected: key and reason.
    pub rejected: Vec<(String, String)>,
}

impl Waited {
    /// Counts one upload.
    pub fn count(&mut self, state: &State) {
        match state.state.as_str() {
            "recorded" => self.recorded += 1,
            "rejected" => {
                let reason = state.reason.clone().unwrap_or_default();
                self.rejected.push((state.key.clone(), reason));
            }
            _ => self.pending += 1,
        }
    }
}

impl Summary {
    /// Before anything is sent. Says which lines of metadata name no file.
    pub fn of(plan: &Plan, metadata: &Metadata) -> Self {
        let paths: HashSet<&str> = plan
            .files
            .iter()
            .map(|file| file.entry.name.as_str())
            .collect();
        let unused = metadata.unused(|path| paths.contains(path));
        for line in unused.iter().take(UNUSED_NAMED_MAX) {
            say(format_args!(
                "metadata line {line} names no file that is sent"
            ));
        }
        if let Some(more) = unused
            .len()
            .checked_sub(UNUSED_NAMED_MAX)
            .filter(|more| *more > 0)
        {
            say(format_args!(
                "{more} further lines of metadata name no file that is sent"
            ));
        }
        let mut summary = Self {
            files: plan.files.len() + plan.refused.len(),
            metadata_unused: unused.len(),
            ..Self::default()
        };
        for refused in &plan.refused {
            summary.refuse(&refused.path, refused.reason);
        }
        summary
    }

    /// A file that is not sent, or that the store does not take.
    pub fn refuse(&mut self, path: &str, reason: &str) {
        self.refused.push((path.to_owned(), reason.to_owned()));
    }

    /// Tells the person, and with `json` a program.
    ///
    /// # Errors
    /// A closed stdout.
    pub fn tell(&self, json: bool, took: Duration) -> Result {
        if json {
            writeln!(std::io::stdout().lock(), "{}", self.to_json(took))?;
        }
        say(format_args!(
            "{} files: {} sent in {} objects, {} already there, {} refused",
            self.files,
            self.sent,
            self.objects_sent,
            self.already_sent,
            self.refused.len()
        ));
        if let Some(waited) = &self.waited {
            say(format_args!(
                "{} recorded, {} rejected, {} pending",
                waited.recorded,
                waited.rejected.len(),
                waited.pending
            ));
            for (key, reason) in &waited.rejected {
                say(format_args!("rejected: {}: {reason}", harmless(key)));
            }
        }
        let rejected = self
            .waited
            .as_ref()
            .is_some_and(|waited| !waited.rejected.is_empty());
        let all_well = self.refused.is_empty() && !rejected;
        Ok(if all_well {
            Outcome::Done
        } else {
            Outcome::SomeInputRefused
        })
    }

    fn to_json(&self, took: Duration) -> Value {
        let listed = |name: &str, rows: &[(String, String)]| -> Value {
            rows.iter()
                .map(|(path, reason)| json!({name: path, "reason": reason}))
                .collect()
        };
        let waited = self.waited.as_ref().map(|waited| {
            json!({"recorded": waited.recorded, "pending": waited.pending,
                "rejected": listed("object_key", &waited.rejected)})
        });
        json!({
            "files": self.files, "sent": self.sent, "already_sent": self.already_sent,
            "objects_sent": self.objects_sent, "bytes_sent": self.bytes_sent,
            "refused": listed("path", &self.refused), "metadata_unused": self.metadata_unused,
            "would_send": self.would_send, "uploads": waited, "took_s": took.as_secs_f64(),
        })
    }
}
