//! What was acknowledged, so that a run that was cut off goes on where it stopped.
//!
//! JSON lines: first what the file is and where it belongs, then one line for each file that a
//! deployment has taken, by key, content and size; a later one with `again` says that it is to be
//! sent once more. A line that a cut left half is dropped: its file is sent once more, which does no
//! harm.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use console::outcome::{Failure, Result};

const FORMAT: &str = "homeward-upload-state";
const VERSION: u64 = 1;

/// One file that a deployment has.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Taken {
    /// Its key, below the tenant's prefix: not that of the bundle it came in.
    pub name: String,
    /// Its content.
    pub sha256: [u8; 32],
    /// Its bytes.
    pub size: u64,
}

/// The open state file; none in a dry run that finds none.
pub struct Journal {
    file: Option<File>,
    to: String,
    key_prefix: Option<String>,
    /// Files, each with the bundle or list that it came in, if it did.
    taken: HashMap<Taken, Option<String>>,
    /// What was told before to be at fault: a path or a key, and the reason.
    told: HashSet<(String, String)>,
}

/// Where the state file lies: next to the folder, unless the person says otherwise.
pub fn place(folder: &Path, said: Option<&Path>) -> PathBuf {
    if let Some(said) = said {
        return said.to_owned();
    }
    // A folder such as `.` has its name only once it is resolved.
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(".homeward-upload.jsonl");
    folder.with_file_name(name)
}

impl Journal {
    /// Opens or makes the file, for this process alone.
    ///
    /// # Errors
    /// A file of another kind or of another deployment, or one that another run holds.
    pub fn open(path: &Path, to: &str, dry_run: bool) -> Result<Self> {
        let mut journal = Self {
            file: None,
            to: to.trim_end_matches('/').to_owned(),
            key_prefix: None,
            taken: HashMap::new(),
            told: HashSet::new(),
        };
        if dry_run && !path.exists() {
            return Ok(journal);
        }
        let mut file = open(path).map_err(|error| broken(path, &error))?;
        if file.try_lock().is_err() {
            return Err(Failure::input(
                "another homeward upload works with this state file",
                "wait for it, or give --state another file",
            ));
        }
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|error| broken(path, &error))?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        journal.read(text.get(..whole).unwrap_or_default())?;
        if !dry_run {
            file.set_len(whole as u64)
                .map_err(|error| broken(path, &error))?;
            file.seek(SeekFrom::End(0))
                .map_err(|error| broken(path, &error))?;
        }
        journal.file = (!dry_run).then_some(file);
        Ok(journal)
    }

    fn read(&mut self, text: &str) -> Result<()> {
        let mut lines = text.lines().map(serde_json::from_str::<Value>);
        let Some(first) = lines.next() else {
            return Ok(());
        };
        let first = first.unwrap_or_default();
        if first["format"] != FORMAT || first["version"] != VERSION {
            return Err(Failure::input(
                "the state file is not one of this version of homeward upload",
                "give --state another file; what was sent before is then sent once more",
            ));
        }
        if first["to"] != self.to.as_str() {
            return Err(Failure::input(
                "the state file belongs to another address",
                OTHER,
            ));
        }
        self.key_prefix = first["key_prefix"].as_str().map(str::to_owned);
        for line in lines {
            let line = line.unwrap_or_default();
            match (taken(&line), line["again"].as_bool()) {
                (Some((file, _)), Some(true)) => drop(self.taken.remove(&file)),
                (of_file, _) => self.taken.extend(of_file),
            }
            self.told.extend(reported(&line));
        }
        Ok(())
    }

    /// Binds the file to a tenant, whose keys start so.
    ///
    /// # Errors
    /// A file that is bound to another, and failures of the disk.
    pub fn bind(&mut self, key_prefix: &str) -> Result<()> {
        match &self.key_prefix {
            Some(bound) if bound == key_prefix => return Ok(()),
            Some(_) => {
                return Err(Failure::input(
                    "the state file belongs to another tenant",
                    OTHER,
                ));
            }
            None => {}
        }
        let header =
            json!({"format": FORMAT, "version": VERSION, "to": self.to, "key_prefix": key_prefix});
        self.append(&format!("{header}\n"))?;
        self.key_prefix = Some(key_prefix.to_owned());
        Ok(())
    }

    /// Whether a deployment has this file.
    pub fn has(&self, file: &Taken) -> bool {
        self.taken.contains_key(file)
    }

    /// The object that brought a file, below the tenant's prefix; none if it was its own.
    pub fn brought_by(&self, file: &Taken) -> Option<&str> {
        self.taken.get(file)?.as_deref()
    }

    /// Notes files that a deployment has just acknowledged, and the bundle or list they came in.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn record(&mut self, files: &[Taken], object: Option<&str>) -> io::Result<()> {
        let line = |file: &Taken| {
            let sha256 = hex::encode(file.sha256);
            let line =
                json!({"key": file.name, "sha256": sha256, "size": file.size, "object": object});
            format!("{line}\n")
        };
        self.append(&files.iter().map(line).collect::<String>())?;
        let noted = files
            .iter()
            .map(|file| (file.clone(), object.map(str::to_owned)));
        self.taken.extend(noted);
        Ok(())
    }

    /// Notes files that are to be sent again, though a deployment has taken them.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn forget(&mut self, files: &[Taken]) -> io::Result<()> {
        let line = |file: &Taken| {
            let sha256 = hex::encode(file.sha256);
            let line =
                json!({"key": file.name, "sha256": sha256, "size": file.size, "again": true});
            format!("{line}\n")
        };
        self.append(&files.iter().map(line).collect::<String>())?;
        for file in files {
            self.taken.remove(file);
        }
        Ok(())
    }

    /// Whether an earlier run told of this fault.
    pub fn has_reported(&self, fault: &(String, String)) -> bool {
        self.told.contains(fault)
    }

    /// Notes faults of which a person is told now: they are no news the next time.
    ///
    /// # Errors
    /// Failures of the disk.
    pub fn record_reported(&mut self, faults: &[(String, String)]) -> io::Result<()> {
        let line = |(name, reason): &(String, String)| {
            format!("{}\n", json!({"told": name, "reason": reason}))
        };
        let new: Vec<_> = faults
            .iter()
            .filter(|it| !self.told.contains(*it))
            .collect();
        self.append(&new.iter().copied().map(line).collect::<String>())?;
        self.told.extend(faults.iter().cloned());
        Ok(())
    }

    /// In one write, so that a process that dies leaves at most one line half. On a full disk it leaves none: what
    /// is appended later would be glued to it.
    fn append(&mut self, text: &str) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let end = file.stream_position()?;
        let written = file.write_all(text.as_bytes());
        if written.is_err() {
            file.set_len(end)?;
            file.seek(SeekFrom::Start(end))?;
        }
        written
    }

    /// The tenant's prefix, once bound.
    pub fn key_prefix(&self) -> &str {
        self.key_prefix.as_deref().unwrap_or_default()
    }
}

fn taken(line: &Value) -> Option<(Taken, Option<String>)> {
    let mut sha256 = [0; 32];
    hex::decode_to_slice(line["sha256"].as_str()?, &mut sha256).ok()?;
    let taken = Taken {
        name: line["key"].as_str()?.to_owned(),
        sha256,
        size: line["size"].as_u64()?,
    };
    Some((taken, line["object"].as_str().map(str::to_owned)))
}

fn reported(line: &Value) -> Option<(String, String)> {
    let text = |name: &str| Some(line[name].as_str()?.to_owned());
    Some((text("told")?, text("reason")?))
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path)
}

fn broken(path: &Path, error: &io::Error) -> Failure {
    let shown = console::terminal::escaped(&console::folder::text(path.as_os_str()));
    Failure::input(
        format_args!("the state file {shown}: {error}"),
        "give --state a file that can be written",
    )
}

const OTHER: &str = "give --state another file for each deployment and each tenant";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> Taken {
        Taken {
            name: name.to_owned(),
            sha256: [7; 32],
            size: 3,
        }
    }

    fn open(path: &Path, to: &str) -> Journal {
        match Journal::open(path, to, false) {
            Ok(journal) => journal,
            Err(failure) => panic!("{:#}", failure.cause),
        }
    }

    #[test]
    fn what_was_noted_is_known_after_a_cut_within_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let mut first = open(&path, "http://a/");
        assert!(first.bind("ads/ngo/").is_ok());
        first
            .record(&[file("a"), file("b")], None)
            .expect("written");
        drop(first);
        let whole = std::fs::read(&path).expect("read");
        for cut in 0..=whole.len() {
            std::fs::write(&path, &whole[..cut]).expect("written");
            let mut again = open(&path, "http://a");
            let known = ["a", "b"].map(|name| again.has(&file(name)));
            assert!(
                known[0] || !known[1],
                "noted in order, known in order: {cut}"
            );
            assert!(again.bind("ads/ngo/").is_ok());
            again.record(&[file("c")], Some("b.tar")).expect("written");
            drop(again);
            assert_eq!(
                open(&path, "http://a").brought_by(&file("c")),
                Some("b.tar"),
                "{cut}"
            );
        }
    }

    #[test]
    fn what_is_to_be_sent_again_is_forgotten_until_it_was_sent_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let known = || {
            let journal = open(&path, "http://a");
            ["a", "b"].map(|name| journal.has(&file(name)))
        };
        let mut first = open(&path, "http://a");
        assert!(first.bind("ads/ngo/").is_ok());
        first
            .record(&[file("a"), file("b")], None)
            .expect("written");
        first.forget(&[file("a")]).expect("written");
        assert!(!first.has(&file("a")) && first.has(&file("b")));
        drop(first);
        assert_eq!(known(), [false, true]);
        let mut again = open(&path, "http://a");
        again.record(&[file("a")], Some("b.tar")).expect("written");
        drop(again);
        assert_eq!(known(), [true, true]);
    }

    #[test]
    fn what_was_told_is_no_news() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let fault = ("a.txt".to_owned(), "not_an_image".to_owned());
        let mut first = open(&path, "http://a");
        assert!(first.bind("ads/ngo/").is_ok());
        assert!(!first.has_reported(&fault));
        first
            .record_reported(std::slice::from_ref(&fault))
            .expect("written");
        first
            .record_reported(std::slice::from_ref(&fault))
            .expect("written");
        drop(first);
        let lines = std::fs::read_to_string(&path)
            .expect("read")
            .lines()
            .count();
        assert_eq!(lines, 2, "once");
        let again = open(&path, "http://a");
        assert!(again.has_reported(&fault));
        assert!(!again.has_reported(&("a.txt".to_owned(), "empty".to_owned())));
    }

    #[test]
    fn a_state_file_serves_one_deployment_and_one_tenant() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        assert!(open(&path, "http://a").bind("ads/ngo/").is_ok());
        assert!(Journal::open(&path, "http://b", false).is_err());
        assert!(open(&path, "http://a").bind("ads/other/").is_err());
        let held = open(&path, "http://a");
        assert!(
            Journal::open(&path, "http://a", false).is_err(),
            "held twice"
        );
        drop(held);
        std::fs::write(&path, "{\"format\":\"other\"}\n").expect("written");
        assert!(Journal::open(&path, "http://a", false).is_err());
    }
}
