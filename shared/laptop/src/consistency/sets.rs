//! The two searchable sets against the records: who is searched for must be in the log, what was recorded
//! must be in the set of ads.

use std::collections::{BTreeMap, BTreeSet};

use features::fingerprint::ReferenceFingerprint;
use records::{ReferenceId, ReferenceStatus, TenantId, TenantSettings};
use store::{LogBatch, LogChange, LogPosition, Store};

use super::{Consistency, Disagreement};

type Key = (TenantId, ReferenceId);
type Logged = BTreeMap<Key, ReferenceFingerprint>;

/// Holds the references' log against the references, and the segments against the log.
pub(super) async fn references(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
) -> store::Result<()> {
    let active = active(store, tenants).await?;
    // After the references: what was active then is in the log, unless it ended since.
    let logged = logged(store).await?;
    let mut silent = Vec::new();
    for (unit, id) in active.iter().filter(|key| !logged.contains_key(key)) {
        if is_active(store, unit, id).await? {
            silent.push(id.to_string());
        }
    }
    let what = "active references are not in the log that ads are compared with: no ad finds them";
    consistency.add(Disagreement::of(silent, what));
    ended(consistency, store, &logged).await?;
    segments(consistency, store, &logged).await
}

/// What has ended must have left the log.
async fn ended(consistency: &mut Consistency, store: &Store, before: &Logged) -> store::Result<()> {
    let mut ended = Vec::new();
    for key in before.keys() {
        if !is_active(store, &key.0, &key.1).await? {
            ended.push(key);
        }
    }
    if ended.is_empty() {
        return Ok(());
    }
    // After the references: what ended before this has left the log.
    let now = logged(store).await?;
    let left = ended.into_iter().filter(|key| now.contains_key(*key));
    let what = "references that are not active are still in the log that ads are compared with";
    consistency.add(Disagreement::of(left.map(|key| key.1.to_string()), what));
    Ok(())
}

/// Segments and what the log has behind them must make up the same set as the log alone.
async fn segments(
    consistency: &mut Consistency,
    store: &Store,
    before: &Logged,
) -> store::Result<()> {
    let what = "references differ between the segments and the log that they are made from";
    let mut differ = match differing(store, before).await {
        Err(store::Error::Damaged(_)) => {
            let what = "set of references has damaged segments: programs read its log instead, \
                        and upkeep makes them anew";
            consistency.add(Disagreement::new(1, what));
            return Ok(());
        }
        differ => differ?,
    };
    if !differ.is_empty() {
        // Some may have come or ended since.
        let again = differing(store, &logged(store).await?).await?;
        differ.retain(|key| again.contains(key));
    }
    consistency.add(Disagreement::of(
        differ.into_iter().map(|key| key.1.to_string()),
        what,
    ));
    Ok(())
}

async fn differing(store: &Store, logged: &Logged) -> store::Result<BTreeSet<Key>> {
    let start = LogPosition::start();
    let set = applied(store.references.references_since(&start).await?);
    let keys = logged.keys().chain(set.keys());
    let differ = keys.filter(|key| logged.get(*key) != set.get(*key));
    Ok(differ.cloned().collect())
}

/// The set as the log alone has it.
pub(super) async fn logged(store: &Store) -> store::Result<Logged> {
    let start = LogPosition::start();
    Ok(applied(store.references.references_logged(&start).await?))
}

fn applied(batch: LogBatch) -> Logged {
    let mut set = Logged::new();
    for entry in batch.entries {
        let key = (entry.unit, entry.reference_id);
        match entry.change {
            LogChange::Added(fingerprint) => drop(set.insert(key, fingerprint)),
            LogChange::Removed => drop(set.remove(&key)),
        }
    }
    set
}

async fn active(store: &Store, tenants: &[TenantSettings]) -> store::Result<BTreeSet<Key>> {
    let mut active = BTreeSet::new();
    for TenantSettings { tenant, .. } in tenants {
        let mut cursor = None;
        loop {
            let page = store
                .references
                .references(tenant, None, cursor.as_ref(), store::PAGE_ITEMS_MAX)
                .await?;
            let found = page.items.into_iter();
            let found = found.filter(|it| it.status == ReferenceStatus::Active);
            active.extend(found.map(|it| (tenant.clone(), it.reference_id)));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    Ok(active)
}

pub(super) async fn is_active(
    store: &Store,
    unit: &TenantId,
    id: &ReferenceId,
) -> store::Result<bool> {
    let found = store.references.reference(unit, id).await?;
    Ok(found.is_some_and(|it| it.status == ReferenceStatus::Active))
}
