//! A folder that goes on filling: round after round, each of what is new.
//!
//! It is looked through every time, since not every file system tells of changes (network drives do not). A
//! file that was settled is not read again while its size and time stay.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::Uploader;
use super::plan::UploadPlan;
use super::report::Summary;
use console::folder::FolderEntry;
use console::outcome::Result;
use console::terminal::print;

/// A file that was written to so lately may still be: it is left for the next round.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);
/// Files over the quota of a day are sent again after this: the day is over at some time.
const OVER_QUOTA_WAIT: Duration = Duration::from_secs(3_600);

/// How a file lay there when it was found; nothing is known of one that cannot be looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Stamp {
    bytes: u64,
    modified: Option<SystemTime>,
}

/// What was found in a folder so far.
#[derive(Default)]
pub struct Watched {
    /// Files that need no further look, or none before a time.
    settled: HashMap<PathBuf, (Stamp, Option<Instant>)>,
    /// Files of this round.
    found: HashMap<PathBuf, Stamp>,
    rounds: u64,
}

/// Looks for what is new, again and again. Once a round has gone well, one that does not is told and made good by
/// a later one: servers and network drives come back.
///
/// # Errors
/// Those of the first round, and a reader of the output that has gone.
pub fn run(uploader: &mut Uploader<'_>, every: Duration) -> Result {
    let mut watched = Watched::default();
    loop {
        let is_first = watched.rounds == 0;
        match uploader.round(Some(&mut watched)) {
            Ok(_) => {}
            Err(failure) if is_first || failure.is_closed_pipe() => return Err(failure),
            Err(failure) => print(format_args!(
                "{:#}; the next round tries again",
                failure.cause
            )),
        }
        if is_first {
            print(format_args!(
                "looking every {} s for new files, until it is interrupted",
                every.as_secs()
            ));
        }
        std::thread::sleep(every);
    }
}

impl Watched {
    /// Begins a round: of the files that lie there now, those that are new or changed, and written. How they lie
    /// there is noted before any is read: one that changes afterwards is found again.
    pub fn news(&mut self, mut entries: Vec<FolderEntry>) -> Vec<FolderEntry> {
        self.rounds += 1;
        let stamps = entries.iter().map(|it| (it.path.clone(), stamp(it)));
        let found: HashMap<_, _> = stamps.collect();
        self.settled.retain(|path, _| found.contains_key(path));
        entries.retain(|entry| {
            let stamp = found.get(&entry.path).copied().unwrap_or_default();
            let is_settled = self.settled.get(&entry.path).is_some_and(|(known, until)| {
                *known == stamp && until.is_none_or(|until| Instant::now() < until)
            });
            !is_settled && !is_being_written(&stamp)
        });
        self.found = found;
        entries
    }

    /// Whether the round under way is the first.
    pub fn is_first(&self) -> bool {
        self.rounds == 1
    }

    /// Notes what needs no further look after a round that went well. What was refused is not sent again before
    /// it changes, but what was over a quota is, after a while.
    pub fn settle(&mut self, plan: &UploadPlan, summary: &Summary) {
        let again = summary.to_be_sent_again();
        let files = plan.files.iter().map(|file| {
            let is_again = again.contains(&file.taken);
            let until = is_again.then(|| Instant::now() + OVER_QUOTA_WAIT);
            (file.entry.path.clone(), until)
        });
        let others = plan.others.iter().map(|path| (path.clone(), None));
        for (path, until) in files.chain(others) {
            let stamp = self.found.get(&path).copied().unwrap_or_default();
            self.settled.insert(path, (stamp, until));
        }
    }
}

fn stamp(entry: &FolderEntry) -> Stamp {
    let facts = std::fs::metadata(&entry.path).ok();
    let known = facts.map(|facts| Stamp {
        bytes: facts.len(),
        modified: facts.modified().ok(),
    });
    known.unwrap_or_default()
}

fn is_being_written(stamp: &Stamp) -> bool {
    let age = stamp.modified.map(|at| at.elapsed().unwrap_or_default());
    age.is_some_and(|age| age < WRITTEN_WITHIN)
}
