//! What a table knows of a set's manifest: by its digest which one stands, how far it has come, and
//! which ones may be about to take its place.
//!
//! A manifest's digest is written here before the manifest is swapped in, and confirmed afterwards. So
//! whatever lies in the bucket is one of those named here, or the set is damaged: bucket and table are
//! not of the same moment, since one of them was lost, put back, or changed by other hands. Each record
//! lies in the table of its set's tail or records, so that both are put back together.

use aws_sdk_dynamodb::types::AttributeValue;
use segments::{Manifest, SetKind};
use sha2::{Digest, Sha256};

use crate::db::error::{Error, Result};
use crate::db::items::{Item, counted, key, number, parsed, text};
use crate::{Segments, Table};

/// What is recorded of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetRecord {
    /// One more with each write: what the next one is conditioned on.
    version: u64,
    /// One more with each repair: how often the set had to be brought into agreement.
    pub(crate) epoch: u64,
    /// Of the manifest that was confirmed last; 0 if none ever was.
    pub(crate) generation: u64,
    /// Of the same manifest; none if an older build noted it, or none ever was.
    digest: Option<String>,
    /// Items in its segments.
    pub(crate) items: u64,
    /// Its segments.
    pub(crate) segments: u64,
    /// Digests of manifests that may have been swapped in since.
    attempts: Vec<String>,
    /// Whether the set is being made again from photos and lists, and does not hold them all yet.
    pub(crate) is_rebuilding: bool,
}

/// How bucket and record disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetFault {
    /// There is no manifest, though there was one.
    Gone,
    /// An older one lies there.
    Older,
    /// A newer one lies there: the tables were put back to an earlier time.
    Ahead,
    /// One of another history lies there.
    Foreign,
}

const PK: &str = "manifest";
const WHAT: &str = "record of a manifest";
/// More attempts than are ever under way at once: older ones have failed.
const ATTEMPTS_MAX: usize = 32;

/// What stands for a manifest.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

impl SetFault {
    /// The cause, and what to do next.
    pub(crate) fn error(self, kind: SetKind) -> Error {
        use SetKind::{Ads, References};
        Error::Damaged(match (kind, self) {
            (Ads, Self::Gone) => "manifest of ads (it is gone; next: upkeep's task repair)",
            (Ads, Self::Older) => {
                "manifest of ads (an older one lies there; next: upkeep's task repair)"
            }
            (Ads, Self::Ahead) => {
                "manifest of ads (tables were put back to before it; next: upkeep's task repair)"
            }
            (Ads, Self::Foreign) => {
                "manifest of ads (one of another history lies there; next: upkeep's task repair)"
            }
            (References, Self::Gone) => {
                "manifest of references (it is gone; next: upkeep's task repair)"
            }
            (References, Self::Older) => {
                "manifest of references (an older one lies there; next: upkeep's task repair)"
            }
            (References, Self::Ahead) => {
                "manifest of references (ahead of its log, which was put back; next: upkeep's task \
                 repair)"
            }
            (References, Self::Foreign) => {
                "manifest of references (one of another history lies there; next: upkeep's task \
                 repair)"
            }
        })
    }
}

impl SetRecord {
    fn first() -> Self {
        Self {
            version: 0,
            epoch: 1,
            generation: 0,
            digest: None,
            items: 0,
            segments: 0,
            attempts: Vec::new(),
            is_rebuilding: false,
        }
    }

    /// What is to be said of a record and the manifest that was read after it; none: they agree.
    pub(crate) fn fault(
        record: Option<&Self>,
        found: Option<(&Manifest, &str)>,
    ) -> Option<SetFault> {
        match (record, found) {
            (None, None) => None,
            (None, Some(_)) => Some(SetFault::Ahead),
            (Some(record), None) => (record.generation > 0).then_some(SetFault::Gone),
            (Some(record), Some((manifest, digest))) => {
                record.fault_of(manifest.generation, digest)
            }
        }
    }

    fn fault_of(&self, generation: u64, digest: &str) -> Option<SetFault> {
        let is_of_older_build = self.digest.is_none() && generation >= self.generation;
        if self.names(digest) || (is_of_older_build && self.attempts.is_empty()) {
            return None;
        }
        Some(match generation.cmp(&self.generation) {
            std::cmp::Ordering::Less => SetFault::Older,
            std::cmp::Ordering::Equal => SetFault::Foreign,
            std::cmp::Ordering::Greater => SetFault::Ahead,
        })
    }

    /// Whether a manifest of this digest stands, or may.
    pub(crate) fn names(&self, digest: &str) -> bool {
        self.digest.as_deref() == Some(digest) || self.attempts.iter().any(|it| it == digest)
    }

    /// Whether this manifest was confirmed, or one after it.
    fn has_confirmed(&self, manifest: &Manifest, digest: &str) -> bool {
        self.generation > manifest.generation || self.digest.as_deref() == Some(digest)
    }

    fn confirming(&self, manifest: &Manifest, digest: &str) -> Self {
        Self {
            generation: manifest.generation,
            digest: Some(digest.to_owned()),
            items: manifest.items(),
            segments: manifest.live.len() as u64,
            attempts: Vec::new(),
            ..self.clone()
        }
    }

    fn attempting(&self, digest: &str) -> Self {
        let mut next = self.clone();
        if !next.names(digest) {
            let surplus = (next.attempts.len() + 1).saturating_sub(ATTEMPTS_MAX);
            next.attempts.drain(..surplus);
            next.attempts.push(digest.to_owned());
        }
        next
    }

    fn of_item(item: &Item) -> Result<Self> {
        let optional = |name: &str, without: u64| match item.contains_key(name) {
            true => counted(item, name, WHAT),
            false => Ok(without), // noted by an older build
        };
        let attempts: Option<String> = match item.contains_key("attempts") {
            true => Some(parsed(item, "attempts", WHAT)?),
            false => None,
        };
        let digest = match item.contains_key("digest") {
            true => Some(parsed(item, "digest", WHAT)?),
            false => None,
        };
        Ok(Self {
            version: optional("writes", 0)?,
            epoch: optional("epoch", 1)?,
            generation: counted(item, "generation", WHAT)?,
            digest,
            items: optional("items", 0)?,
            segments: optional("segments", 0)?,
            attempts: attempts
                .map_or_else(Vec::new, |it| it.split(',').map(str::to_owned).collect()),
            is_rebuilding: item.contains_key("rebuilding"),
        })
    }

    fn to_item(&self, kind: SetKind) -> Item {
        let mut item = key(PK, sk(kind));
        for (name, value) in [
            ("writes", self.version),
            ("epoch", self.epoch),
            ("generation", self.generation),
            ("items", self.items),
            ("segments", self.segments),
        ] {
            item.insert(name.into(), number(value));
        }
        if let Some(digest) = &self.digest {
            item.insert("digest".into(), text(digest));
        }
        if !self.attempts.is_empty() {
            item.insert("attempts".into(), text(self.attempts.join(",")));
        }
        if self.is_rebuilding {
            item.insert("rebuilding".into(), AttributeValue::Bool(true));
        }
        item
    }
}

fn table(kind: SetKind) -> Table {
    match kind {
        SetKind::Ads => Table::Ads,
        SetKind::References => Table::ReferencesTail, // no program that ingests ads may read it
    }
}

fn sk(kind: SetKind) -> &'static str {
    match kind {
        SetKind::Ads => "ads",
        SetKind::References => "references",
    }
}

impl Segments {
    /// What is recorded of a set. Strongly consistent; none if it never had a manifest.
    pub(crate) async fn record(&self, kind: SetKind) -> Result<Option<SetRecord>> {
        let found = self.db.get(table(kind), PK, sk(kind)).await?;
        found.map(|item| SetRecord::of_item(&item)).transpose()
    }

    /// Replaces a record, unless another caller did since it was read; says whether it did.
    async fn put_record(
        &self,
        kind: SetKind,
        before: Option<&SetRecord>,
        next: &SetRecord,
    ) -> Result<bool> {
        let version = before.map_or(0, |it| it.version);
        let next = SetRecord {
            version: version + 1,
            ..next.clone()
        };
        // One that an older build noted has no version.
        let stands = match before {
            None => "attribute_not_exists(pk)",
            Some(it) if it.version == 0 => "attribute_not_exists(writes)",
            Some(_) => "writes = :writes",
        };
        let values = [(":writes", number(version))];
        let values = if version == 0 { &[][..] } else { &values[..] };
        self.db
            .put_if(table(kind), next.to_item(kind), stands, &[], values)
            .await
    }

    /// Records that this manifest stands, unless that is known: before anything is given up that only
    /// it, or one after it, leads to. Idempotent.
    pub(crate) async fn confirm(&self, manifest: &Manifest, digest: &str) -> Result<()> {
        self.change_record(manifest.kind, |record| {
            let record = record.cloned().unwrap_or_else(SetRecord::first);
            (!record.has_confirmed(manifest, digest)).then(|| record.confirming(manifest, digest))
        })
        .await
    }

    /// Records that a manifest of this digest is about to take the place of one of this generation; in
    /// a repair, of whatever lies there. Says whether it still may.
    pub(crate) async fn announce(
        &self,
        kind: SetKind,
        over: Option<u64>,
        digest: &str,
    ) -> Result<bool> {
        let mut may = false;
        self.change_record(kind, |record| {
            let record = record.cloned().unwrap_or_else(SetRecord::first);
            may = over.is_none_or(|generation| record.generation == generation);
            let epoch = record.epoch + u64::from(over.is_none());
            may.then(|| SetRecord {
                epoch,
                ..record.attempting(digest)
            })
        })
        .await?;
        Ok(may)
    }

    /// Records whether the set is being made again from photos and lists. Idempotent.
    pub(crate) async fn save_rebuilding(&self, kind: SetKind, is_rebuilding: bool) -> Result<()> {
        self.change_record(kind, |record| {
            let record = record.cloned().unwrap_or_else(SetRecord::first);
            (record.is_rebuilding != is_rebuilding).then_some(SetRecord {
                is_rebuilding,
                ..record
            })
        })
        .await
    }

    /// Changes a record by compare-and-swap; none leaves it as it is.
    async fn change_record(
        &self,
        kind: SetKind,
        mut change: impl FnMut(Option<&SetRecord>) -> Option<SetRecord>,
    ) -> Result<()> {
        let mut attempts = self.db.attempts("recording a manifest");
        loop {
            let before = self.record(kind).await?;
            let Some(next) = change(before.as_ref()) else {
                return Ok(());
            };
            if self.put_record(kind, before.as_ref(), &next).await? {
                return Ok(());
            }
            attempts.again().await?;
        }
    }
}
