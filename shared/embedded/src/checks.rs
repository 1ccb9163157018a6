//! What the folder holds and whether it agrees with itself, for `homeward verify`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::blobs::{Blobs, ContentId};
use crate::error::{Error, Result};
use crate::object_store::ObjectStore;
use crate::queue::Depth;
use crate::tables::Tables;
use crate::versions;

/// The facts. The folder is whole if [`Checks::agree`]; an orphan is waste, not damage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checks {
    /// Buckets by name, with how many objects each shows.
    pub objects: BTreeMap<String, u64>,
    /// Versions with a content, old ones included.
    pub versions: u64,
    /// Delete markers.
    pub delete_markers: u64,
    /// Multipart uploads under way.
    pub uploads: u64,
    /// Contents that rows refer to, each counted once.
    pub contents: u64,
    /// Contents that a row refers to and that are not there.
    pub missing_contents: u64,
    /// Contents of another size than their row says.
    pub wrong_sizes: u64,
    /// Contents of another hash than their name; none if the check was not deep.
    pub wrong_hashes: Option<u64>,
    /// Contents that no row refers to; `collect_garbage` removes them.
    pub orphan_contents: u64,
    /// What SQLite's own check found wrong with the database files.
    pub database_faults: Vec<String>,
    /// Every queue that holds anything.
    pub queues: Vec<Depth>,
}

impl Checks {
    /// Whether everything that was acknowledged is there and whole.
    #[must_use]
    pub fn agree(&self) -> bool {
        self.missing_contents == 0
            && self.wrong_sizes == 0
            && self.wrong_hashes.unwrap_or(0) == 0
            && self.database_faults.is_empty()
    }

    /// The facts as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let queues = self.queues.iter().map(|depth| {
            json!({
                "queue": depth.queue,
                "visible": depth.visible,
                "invisible": depth.invisible,
                "dead": depth.dead,
                "oldest_sent_at": depth.oldest_sent_at.map(|time| time.to_string()),
            })
        });
        json!({
            "agree": self.agree(),
            "objects": self.objects,
            "versions": self.versions,
            "delete_markers": self.delete_markers,
            "uploads": self.uploads,
            "contents": self.contents,
            "missing_contents": self.missing_contents,
            "wrong_sizes": self.wrong_sizes,
            "wrong_hashes": self.wrong_hashes,
            "orphan_contents": self.orphan_contents,
            "database_faults": self.database_faults,
            "queues": queues.collect::<Vec<_>>(),
        })
    }
}

/// How far a deep check has come: contents read, of how many.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Send + Sync);

/// Gathers the facts; a deep check reads and hashes every content, and tells how far it is. Blocks.
pub(crate) fn check(
    store: &ObjectStore,
    tables: &Tables,
    deep: Option<Progress<'_>>,
    now: Timestamp,
) -> Result<Checks> {
    let (mut checks, referred) = store.metadata.read(rows)?;
    checks.contents = referred.len() as u64;
    checks.wrong_hashes = deep.map(|_| 0);
    for (done, (content, size_bytes)) in (0..).zip(&referred) {
        deep.inspect(|progress| progress(done, checks.contents));
        match store.blobs.size(content)? {
            None if is_referred_to(store, content)? => checks.missing_contents += 1,
            None => {} // removed since its row was read
            Some(size) if size != *size_bytes => checks.wrong_sizes += 1,
            Some(_) if deep.is_some() && !is_named_right(&store.blobs, content)? => {
                checks.wrong_hashes = checks.wrong_hashes.map(|wrong| wrong + 1);
            }
            Some(_) => {}
        }
    }
    let there: BTreeSet<ContentId> = store.blobs.contents()?.into_iter().collect();
    let orphans = there
        .iter()
        .filter(|content| !referred.contains_key(*content));
    checks.orphan_contents = orphans.count() as u64;
    checks.queues = store.depths(now)?;
    checks.database_faults = store.metadata.read(integrity_faults)?;
    checks
        .database_faults
        .extend(store.streams.read(integrity_faults)?);
    for file in tables.connect_all()? {
        checks.database_faults.extend(integrity_faults(&file)?);
    }
    Ok(checks)
}

fn rows(db: &Connection) -> Result<(Checks, BTreeMap<ContentId, u64>)> {
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, u64>(0));
    let mut checks = Checks {
        versions: count("SELECT count(*) FROM versions WHERE sha256 IS NOT NULL")?,
        delete_markers: count("SELECT count(*) FROM versions WHERE sha256 IS NULL")?,
        uploads: count("SELECT count(*) FROM uploads")?,
        ..Checks::default()
    };
    let mut objects = db.prepare(
        "SELECT name, count(seq) FROM buckets
             LEFT JOIN versions ON bucket = name AND latest = 1 AND sha256 IS NOT NULL
         GROUP BY name",
    )?;
    let objects = objects.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    checks.objects = objects.collect::<rusqlite::Result<_>>()?;
    let mut contents = db.prepare(
        "SELECT sha256, max(size) FROM
             (SELECT sha256, size FROM versions WHERE sha256 IS NOT NULL
              UNION ALL SELECT sha256, size FROM parts)
         GROUP BY sha256",
    )?;
    let contents = contents.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((checks, contents.collect::<rusqlite::Result<_>>()?))
}

fn is_referred_to(store: &ObjectStore, content: &ContentId) -> Result<bool> {
    store
        .metadata
        .read(|db| Ok::<_, Error>(versions::refers_to(db, content)?))
}

fn is_named_right(blobs: &Blobs, content: &ContentId) -> Result<bool> {
    let mut file = blobs.open_content(content)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hash.update(piece);
    }
    Ok(<ContentId>::from(hash.finalize()) == *content)
}

fn integrity_faults(db: &Connection) -> Result<Vec<String>> {
    let mut check = db.prepare("PRAGMA integrity_check")?;
    let found: Vec<String> = check
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()
        .map_err(Error::from)?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}
