//! What came of an upload.

use std::collections::HashSet;
use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::journal::{Journal, Taken};
use super::metadata::Metadata;
use super::plan::UploadPlan;
use super::server::State;
use super::wait::OVER_QUOTA;
use console::outcome::{ExitStatus, Result};
use console::terminal::{escaped, print};

/// Rows of metadata that are named one by one where they name no file.
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
    refused: Vec<Fault>,
    litter: Vec<String>,
    /// Files that the person left out.
    not_selected: usize,
    metadata_unused: usize,
    /// Faults that no earlier run told of.
    news: HashSet<Fault>,
}

/// What is at fault, a path or a key, and the reason.
type Fault = (String, String);

/// What a person reads for a reason of this machine's; those of a deployment stand in its contract.
fn in_words(reason: &str) -> &str {
    match reason {
        "link_out" => "a link that leads out of the folder",
        "link_loop" => "a link that leads in a circle",
        "not_an_image" => "no picture, archive or list of hashes",
        "unsupported_format" => "a picture of a kind that is not read: convert it",
        "not_found" => "it is not there",
        "not_a_file" => "not a regular file",
        "empty" => "it is empty",
        other => other,
    }
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
    /// Lines of lists that were rejected and are not named: the list's key, and how many.
    pub unnamed: Vec<(String, u64)>,
    /// Files that were over the tenant's quota of a day: the next run sends them again.
    pub to_be_sent_again: Vec<Taken>,
}

impl Waited {
    /// Lines of a list that were counted as recorded, since it does not name all that it refused.
    pub fn take_back(&mut self, list: &State) {
        let lines = list.refused_unnamed.min(self.recorded);
        if lines > 0 {
            self.recorded -= lines;
            self.unnamed.push((list.key.clone(), lines));
        }
    }

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
    /// Before anything is sent. Says which rows of metadata name no file, if the plan names all of them.
    pub fn of(plan: &UploadPlan, metadata: Option<&Metadata>) -> Self {
        let paths: HashSet<&str> = plan
            .files
            .iter()
            .map(|file| file.entry.name.as_str())
            .collect();
        let unused = metadata.map(|metadata| metadata.unused(|path| paths.contains(path)));
        let unused = unused.unwrap_or_default();
        for row in unused.iter().take(UNUSED_NAMED_MAX) {
            print(format_args!(
                "metadata row {row} names no file that is sent"
            ));
        }
        if let Some(more) = unused
            .len()
            .checked_sub(UNUSED_NAMED_MAX)
            .filter(|more| *more > 0)
        {
            print(format_args!(
                "{more} further rows of metadata name no file that is sent"
            ));
        }
        let mut summary = Self {
            files: plan.files.len() + plan.refused.len() + plan.litter.len(),
            litter: plan.litter.clone(),
            not_selected: plan.not_selected,
            metadata_unused: unused.len(),
            ..Self::default()
        };
        for refused in &plan.refused {
            summary.refuse(&refused.path, refused.reason);
        }
        summary
    }

    /// Files that were over the tenant's quota of a day.
    pub fn to_be_sent_again(&self) -> HashSet<Taken> {
        let waited = self.waited.as_ref();
        waited
            .map(|waited| waited.to_be_sent_again.iter().cloned().collect())
            .unwrap_or_default()
    }

    /// A file that is not sent, or that the store does not take.
    pub fn refuse(&mut self, path: &str, reason: &str) {
        self.refused.push((path.to_owned(), reason.to_owned()));
    }

    /// Finds out which faults are news, and notes them, so that the next run finds them to be none.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn settle(&mut self, journal: &mut Journal) -> std::io::Result<()> {
        let mut faults = self.refused.clone();
        if let Some(waited) = &self.waited {
            faults.extend(waited.rejected.iter().cloned());
            let unnamed = waited.unnamed.iter();
            faults.extend(unnamed.map(|(key, lines)| (key.clone(), format!("{lines} lines"))));
            journal.forget(&waited.to_be_sent_again)?;
        }
        let news = faults.iter().filter(|fault| !journal.has_reported(fault));
        self.news = news.cloned().collect();
        faults.retain(|(_, reason)| reason != OVER_QUOTA); // news until it is taken in
        journal.record_reported(&faults)
    }

    /// Tells the person, and with `json` a program. Done is a run in which nothing new went wrong.
    ///
    /// # Errors
    /// A closed stdout.
    pub fn print(&self, json: bool, took: Duration) -> Result {
        if json {
            writeln!(std::io::stdout().lock(), "{}", self.to_json(took))?;
        }
        self.print_files();
        if let Some(waited) = &self.waited {
            self.print_uploads(waited);
        }
        Ok(if self.news.is_empty() {
            ExitStatus::Done
        } else {
            ExitStatus::SomeInputRefused
        })
    }

    fn print_files(&self) {
        for path in &self.litter {
            print(format_args!(
                "left out: {}: of the system's own",
                escaped(path)
            ));
        }
        for fault in self.refused.iter().filter(|it| self.news.contains(*it)) {
            let (path, reason) = fault;
            print(format_args!(
                "not sent: {}: {}",
                escaped(path),
                in_words(reason)
            ));
        }
        let known = self
            .refused
            .iter()
            .filter(|it| !self.news.contains(*it))
            .count();
        print(format_args!(
            "{} files: {} sent in {} objects, {} already there, {} not sent ({known} told of before), \
             {} left out",
            self.files,
            self.sent,
            self.objects_sent,
            self.already_sent,
            self.refused.len(),
            self.litter.len()
        ));
        if self.not_selected > 0 {
            print(format_args!(
                "{} files were not selected",
                self.not_selected
            ));
        }
    }

    fn print_uploads(&self, waited: &Waited) {
        let unnamed: u64 = waited.unnamed.iter().map(|(_, lines)| lines).sum();
        let rejected = waited.rejected.len() as u64 + unnamed;
        let known = waited
            .rejected
            .iter()
            .filter(|it| !self.news.contains(*it))
            .count();
        print(format_args!(
            "{} recorded, {rejected} rejected ({known} told of before), {} pending",
            waited.recorded, waited.pending
        ));
        for fault in waited.rejected.iter().filter(|it| self.news.contains(*it)) {
            let (key, reason) = fault;
            print(format_args!("rejected: {}: {reason}", escaped(key)));
        }
        if !waited.to_be_sent_again.is_empty() {
            print(format_args!(
                "{} files are over what this tenant may bring in a day: a run on another day (UTC) \
                 sends them again",
                waited.to_be_sent_again.len()
            ));
        }
        for (key, lines) in &waited.unnamed {
            let key = escaped(key);
            print(format_args!("rejected: {lines} further lines of {key}"));
        }
    }

    fn to_json(&self, took: Duration) -> Value {
        let listed = |name: &str, rows: &[Fault]| -> Value {
            let row = |fault: &Fault| json!({name: fault.0, "reason": fault.1, "new": self.news.contains(fault)});
            rows.iter().map(row).collect()
        };
        let waited = self.waited.as_ref().map(|waited| {
            let lines = |(key, lines): &(String, u64)| json!({"object_key": key, "lines": lines});
            json!({"recorded": waited.recorded, "pending": waited.pending,
                "rejected": listed("object_key", &waited.rejected),
                "rejected_unnamed": waited.unnamed.iter().map(lines).collect::<Vec<_>>()})
        });
        json!({
            "files": self.files, "sent": self.sent, "already_sent": self.already_sent,
            "objects_sent": self.objects_sent, "bytes_sent": self.bytes_sent,
            "refused": listed("path", &self.refused), "left_out": self.litter, "not_selected": self.not_selected,
            "metadata_unused": self.metadata_unused, "would_send": self.would_send,
            "uploads": waited, "took_s": took.as_secs_f64(),
        })
    }
}
