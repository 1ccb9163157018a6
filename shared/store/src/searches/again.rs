//! Searches that go on, or begin, again: where the stream gave up a change after all its attempts,
//! no other task would.

use records::{Reference, ReferenceStatus, SearchState, TenantId, Timestamp};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{Item, counted, key, parsed, record, seq_text, text};
use crate::searches::{SEARCH, SHARDS, SearchKey, SearchPart, is_open, part_of, shard_text};
use crate::{Searches, Table};

pub(crate) const AGAIN: &str = "again#";

fn again_sk(of: &SearchKey) -> String {
    format!("{AGAIN}{}#{}", of.reference_id, seq_text(of.seq))
}

/// Since when a search has not moved, if it is not done.
fn waits_since(reference: &Reference) -> Option<&Timestamp> {
    let search = &reference.search;
    let moved = search.updated_at.as_ref();
    (search.state != SearchState::Done)
        .then(|| moved.or(reference.activated_at.as_ref()))
        .flatten()
}

impl Searches {
    /// Searches of a unit's active references that are not done and have not moved since a time.
    /// Strongly consistent; reads all of the unit's references.
    ///
    /// # Errors
    /// As every verb.
    pub async fn stalled_searches(
        &self,
        unit: &TenantId,
        before: Timestamp,
    ) -> Result<Vec<SearchKey>> {
        let is_stalled =
            |reference: &Reference| waits_since(reference).is_some_and(|since| *since < before);
        self.searches_of(unit, is_stalled).await
    }

    /// Since when each search that is not done has not moved. Strongly consistent; reads all of the unit's
    /// references.
    ///
    /// # Errors
    /// As every verb.
    pub async fn open_searches(&self, unit: &TenantId) -> Result<Vec<Timestamp>> {
        let mut open = Vec::new();
        let is_open = |reference: &Reference| {
            open.extend(waits_since(reference));
            false
        };
        self.searches_of(unit, is_open).await?;
        Ok(open)
    }

    /// The searches of all active references of a unit. Strongly consistent; reads all of the
    /// unit's references.
    ///
    /// # Errors
    /// As every verb.
    pub async fn all_searches(&self, unit: &TenantId) -> Result<Vec<SearchKey>> {
        self.searches_of(unit, |_| true).await
    }

    async fn searches_of(
        &self,
        unit: &TenantId,
        mut is_meant: impl FnMut(&Reference) -> bool,
    ) -> Result<Vec<SearchKey>> {
        let range = Range::prefix("reference#");
        let items: Vec<Item> = self
            .db
            .query_all(Table::References, unit.as_str(), range)
            .await?;
        let mut found = Vec::new();
        for item in items {
            if !item.contains_key("added_seq") {
                continue;
            }
            let seq = counted(&item, "added_seq", "reference")?;
            let reference: Reference = record(item, "reference")?;
            if reference.status == ReferenceStatus::Active && is_meant(&reference) {
                found.push(SearchKey {
                    unit: unit.clone(),
                    reference_id: reference.reference_id,
                    seq,
                });
            }
        }
        Ok(found)
    }

    /// Wakes `lookup`, to go on with a search. A crash in it is repaired by the next call.
    ///
    /// # Errors
    /// As every verb.
    pub async fn search_again(&self, of: &SearchKey, now: Timestamp) -> Result<()> {
        let unit = of.unit.as_str();
        // Only what is new in the table wakes a program.
        self.db.delete(Table::Searches, unit, again_sk(of)).await?;
        let mut again = key(unit, again_sk(of));
        again.extend([
            ("kind".to_owned(), text(SEARCH)),
            ("unit".to_owned(), text(unit)),
            ("reference_id".to_owned(), text(of.reference_id.as_str())),
            ("seq".to_owned(), crate::db::items::number(of.seq)),
            ("asked_at".to_owned(), text(now.as_str())),
        ]);
        self.db.put(Table::Searches, again).await
    }

    /// Whether a search was woken after this time: one that cannot go on is not to be woken at
    /// every turn of a timer. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn was_woken(&self, of: &SearchKey, after: Timestamp) -> Result<bool> {
        let sk = again_sk(of);
        let again = self.db.get(Table::Searches, of.unit.as_str(), sk).await?;
        again.map_or(Ok(false), |item| {
            Ok(parsed::<Timestamp>(&item, "asked_at", "search")? > after)
        })
    }

    /// The parts of a search that wait, on whatever segments, be they gone. Strongly consistent;
    /// reads the parts of all searches.
    ///
    /// # Errors
    /// As every verb.
    pub async fn open_parts_of(&self, of: &SearchKey) -> Result<Vec<SearchPart>> {
        let mut open = Vec::new();
        for shard in 0..SHARDS {
            let items = self
                .db
                .query_all(Table::Searches, shard_text(shard), Range::All)
                .await?;
            for item in items.iter().filter(|item| is_open(item)) {
                let part = part_of(item)?;
                if part.key == *of {
                    open.push(part);
                }
            }
        }
        Ok(open)
    }

    /// Forgets a search that is over, so that it begins again when it is woken. One that is not over
    /// stays. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn forget_search(&self, of: &SearchKey) -> Result<bool> {
        let plan = crate::searches::plan_key(of);
        let over = "attribute_exists(finished_at)";
        self.db.delete_if(Table::Searches, plan, over, &[]).await
    }
}
