//! All active references in memory, kept fresh by their log: a reference counts from the next
//! image on, and an instance that lives long reads only what is new.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use matching::local::StopFeatures;
use matching::{Match, Policy, ReferenceSet};
use records::Timestamp;
use store::{Error, LogBatch, LogChange, LogPosition};

use crate::Access;
use tokio::sync::Mutex;

use crate::{Key, LookupError};

/// How long what ads have in common is taken as known: upkeep learns daily.
const COMMON_FOR: Duration = Duration::from_secs(3_600);

/// The set, and up to where its log was read.
#[derive(Default)]
pub(crate) struct ReferenceCache {
    pub(crate) set: Arc<RwLock<ReferenceSet<Key>>>,
    /// Also keeps two refreshes from applying the log out of order.
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    log: LogPosition,
    /// When it was last read what ads have in common.
    common_at: Option<Timestamp>,
}

impl ReferenceCache {
    /// Reads what happened to the references since the last time, strongly.
    pub(crate) async fn refresh(&self, store: &Access, now: Timestamp) -> Result<(), LookupError> {
        let mut seen = self.seen.lock().await;
        self.load_common(&mut seen, store, now).await?;
        let batch = changes(store, &seen.log).await?;
        if !batch.entries.is_empty() {
            let mut set = self.set.write().map_err(|_| LookupError::CutOff)?;
            for entry in batch.entries {
                let key = (entry.unit, entry.reference_id);
                match entry.change {
                    LogChange::Added(fingerprint) => set.insert(key, fingerprint),
                    LogChange::Removed => drop(set.remove(&key)),
                }
            }
            tracing::info!(references = set.len(), "references are up to date");
        }
        seen.log = batch.position;
        Ok(())
    }

    /// Reads which features many ads have, for comparisons without the set.
    pub(crate) async fn refresh_common(
        &self,
        store: &Access,
        now: Timestamp,
    ) -> Result<(), LookupError> {
        let mut seen = self.seen.lock().await;
        self.load_common(&mut seen, store, now).await
    }

    /// Matching goes on without what cannot be read: what counts less is found no less.
    async fn load_common(
        &self,
        seen: &mut Seen,
        store: &Access,
        now: Timestamp,
    ) -> Result<(), LookupError> {
        if seen.common_at.is_some_and(|at| at > now.minus(COMMON_FOR)) {
            return Ok(());
        }
        match store.ads.common_features().await {
            Ok(known) => {
                let mut set = self.set.write().map_err(|_| LookupError::CutOff)?;
                set.down_weight(StopFeatures::of(known));
                seen.common_at = Some(now);
            }
            Err(error) => tracing::warn!(%error, "all features of ads count the same for now"),
        }
        Ok(())
    }

    /// Every reference that the image shows, off the async threads.
    pub(crate) async fn find(
        &self,
        ad: AdFingerprint,
        policy: Policy,
    ) -> Result<Vec<(Key, Match)>, LookupError> {
        let set = self.set.clone();
        tokio::task::spawn_blocking(move || Some(set.read().ok()?.find(&ad, &policy)))
            .await
            .ok()
            .flatten()
            .ok_or(LookupError::CutOff)
    }

    /// The fingerprint of a reference, if it was active at the last refresh.
    pub(crate) fn get(&self, key: &Key) -> Result<Option<Arc<ReferenceFingerprint>>, LookupError> {
        let set = self.set.read().map_err(|_| LookupError::CutOff)?;
        Ok(set.get(key).cloned().map(Arc::new))
    }
}

/// What is new in the log; for who knows nothing yet, with the segments before it. Damaged segments
/// are skipped, since the log knows all that they do.
async fn changes(store: &Access, seen: &LogPosition) -> Result<LogBatch, Error> {
    match store.references.references_since(seen).await {
        Err(error @ Error::Damaged(_)) if *seen == LogPosition::start() => {
            batches::damage();
            tracing::error!(%error, "segments of references are passed over for their log");
            store.references.references_logged(seen).await
        }
        news => news,
    }
}
