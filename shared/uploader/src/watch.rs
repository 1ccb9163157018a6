//! A folder that goes on filling: round after round, each of what is new.
//!
//! It is looked through every time, since not every file system tells of changes (network drives do not). A
//! file that was settled is not read again while its size and time stay.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use super::Uploader;
use super::journal::Journal;
use super::plan::UploadPlan;
use super::report::Summary;
use console::folder::FolderEntry;
use console::outcome::{FailureKind, Result};
use console::terminal::print;

/// A file that was written to so lately may still be: it is left for the next round.
const WRITTEN_WITHIN: Duration = Duration::from_secs(3);
/// What went wrong with a file is tried again after this, e.g. one that another program held.
const AGAIN_AFTER: Duration = Duration::from_secs(600);
/// What downloads are called until they are whole.
const UNFINISHED: [&str; 5] = [".part", ".partial", ".crdownload", ".download", ".tmp"];
const DAY_S: u64 = 86_400;

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
    /// Files of this round, all of them.
    found: HashMap<PathBuf, Stamp>,
    rounds: u64,
}

/// Looks for what is new, again and again. Once a round has gone well, one that does not is told and made good by
/// a later one: servers and network drives come back.
///
/// # Errors
/// Those of the first round; later ones that no time mends, as of a token that is revoked; a reader of the output
/// that has gone.
pub fn run(uploader: &mut Uploader<'_>, every: Duration) -> Result {
    let mut watched = Watched::default();
    loop {
        let is_first = watched.rounds == 0;
        match uploader.round(Some(&mut watched)) {
            Ok(_) => {}
            Err(failure) if is_first || failure.is_closed_pipe() => return Err(failure),
            Err(failure) if failure.fault != FailureKind::Ours && uploader.has_folder() => {
                return Err(failure);
            }
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
        let before = std::mem::replace(&mut self.found, found);
        let found = &self.found;
        self.settled.retain(|path, _| found.contains_key(path));
        entries.retain(|entry| {
            let stamp = found.get(&entry.path).copied().unwrap_or_default();
            let is_settled = self.settled.get(&entry.path).is_some_and(|(known, until)| {
                *known == stamp && until.is_none_or(|until| Instant::now() < until)
            });
            // Its time may lie in the future, by another machine's clock.
            let is_written = before.get(&entry.path) == Some(&stamp) || was_written_before(&stamp);
            let is_whole = !UNFINISHED.iter().any(|end| entry.name.ends_with(end));
            !is_settled && is_written && is_whole
        });
        entries
    }

    /// Whether the round under way is the first.
    pub fn is_first(&self) -> bool {
        self.rounds == 1
    }

    /// Notes what needs no further look after a round that went well, and what none before a time: what is over a
    /// quota waits for the next day (UTC), what could not be read or was not taken for some minutes.
    pub fn settle(&mut self, plan: &UploadPlan, journal: &Journal, summary: &Summary) {
        let over_quota = summary.to_be_sent_again();
        let (now, since_midnight_s) = (Instant::now(), unix_s() % DAY_S);
        let next_day = now + Duration::from_secs(DAY_S - since_midnight_s + 60);
        let files = plan.files.iter().map(|file| {
            let until = match () {
                () if journal.has(&file.taken) => None,
                () if over_quota.contains(&file.taken) => Some(next_day),
                () => Some(now + AGAIN_AFTER),
            };
            (&file.entry.path, until)
        });
        let others = plan.others.iter().map(|(path, reason)| {
            let is_passing = reason.is_some_and(|reason| PASSING.contains(&reason));
            (path, is_passing.then(|| now + AGAIN_AFTER))
        });
        for (path, until) in files.chain(others) {
            let stamp = self.found.get(path).copied().unwrap_or_default();
            self.settled.insert(path.clone(), (stamp, until));
        }
    }
}

/// Reasons that may be none the next time.
const PASSING: [&str; 4] = [
    "not_found",
    "permission_denied",
    "io_error",
    "changed_meanwhile",
];

fn unix_s() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn stamp(entry: &FolderEntry) -> Stamp {
    let facts = std::fs::metadata(&entry.path).ok();
    let known = facts.map(|facts| Stamp {
        bytes: facts.len(),
        modified: facts.modified().ok(),
    });
    known.unwrap_or_default()
}

fn was_written_before(stamp: &Stamp) -> bool {
    let age = stamp.modified.map(|at| at.elapsed());
    age.is_some_and(|age| age.is_ok_and(|age| age >= WRITTEN_WITHIN))
}
