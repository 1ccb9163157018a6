//! Alerts: the outbox of a unit, which is also the feed that it can pull.

use std::collections::{BTreeSet, HashMap};

use records::{
    Alert, AlertData, AlertKind, Cursor, LeadId, LeadSummary, Listing, Page, Reference,
    ReferenceId, ReferenceStatus, TenantId, Timestamp,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, SEQ_TEXT_MAX, counted, item, key, record, seq_text, text};
use crate::db::transactions::Ended;
use crate::leads::record::lead_sk;
use crate::references::reference_sk;
use crate::{Leads, PAGE_ITEMS_MAX, Table};

/// The sort key of a unit's counter of alerts.
pub(crate) const COUNTER: &str = "counter";

pub(crate) fn alert_sk(seq: u64) -> String {
    format!("alert#{}", seq_text(seq))
}

pub(crate) fn alert_item(alert: &Alert) -> Result<Item> {
    // `kind` is the alert's own, its CloudEvents type; `outbox` tells the stream what this is.
    let mut item = item(alert.unit.as_str(), alert_sk(alert.seq), alert)?;
    item.insert("outbox".into(), text("alert"));
    Ok(item)
}

impl Leads {
    pub(crate) async fn last_alert_seq(&self, unit: &TenantId) -> Result<u64> {
        let counter = self.db.get(Table::Leads, unit.as_str(), COUNTER).await?;
        counter.map_or(Ok(0), |item| counted(&item, "seq", "counter"))
    }

    /// One alert of a unit, whether or not its reference is still active. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn alert(&self, unit: &TenantId, seq: u64) -> Result<Option<Alert>> {
        let found = self
            .db
            .get(Table::Leads, unit.as_str(), alert_sk(seq))
            .await?;
        found.map(|item| record(item, "alert")).transpose()
    }

    /// Writes an alert that is marked as a test into a unit's outbox, for its webhooks and its feed; returns its
    /// number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept writing alerts of this unit.
    pub async fn write_test_alert(&self, unit: &TenantId, now: Timestamp) -> Result<u64> {
        let mut attempts = self.db.attempts("writing a test alert");
        loop {
            let data = AlertData::test(unit);
            let (seq, steps) = self.steps_alert(unit, AlertKind::Test, data, now).await?;
            if self.db.transact("writing a test alert", &steps).await? == Ended::Done {
                return Ok(seq);
            }
            attempts.again().await?;
        }
    }

    /// The pull feed: alerts after a position, oldest first, without those whose reference is not
    /// active, unless they say just that. Strongly consistent; alerts are numbered in the order in
    /// which they were written, so a reader that goes on from `next` misses none. `next` is always
    /// there: at the end of the feed it is where to ask again later.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn alerts(
        &self,
        unit: &TenantId,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Alert>> {
        let seen = match after {
            Some(cursor) => position(&cursor.open(unit, Listing::Alerts)?)?,
            None => 0,
        };
        let range = Range::between(
            alert_sk(seen.saturating_add(1)),
            format!("alert#{SEQ_TEXT_MAX}"),
        );
        let mut query = Query::of(Table::Leads, unit.as_str(), range);
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        let (items, _) = self.db.query(&query).await?;
        let mut alerts: Vec<Alert> = items
            .into_iter()
            .map(|item| record(item, "alert"))
            .collect::<Result<_>>()?;
        let last = alerts.last().map_or(seen, |alert| alert.seq);
        let active = self.active_among(unit, &alerts).await?;
        let retracted = self.retracted_among(unit, &alerts).await?;
        alerts.retain(|alert| {
            let AlertData {
                reference_id,
                lead_id,
                ..
            } = &alert.data;
            !alert.kind.needs_active_reference()
                || (active.contains(reference_id) && !retracted.contains(lead_id))
        });
        let next = Cursor::new(unit, Listing::Alerts, &last.to_string());
        Ok(Page {
            items: alerts,
            next: Some(next),
        })
    }

    async fn active_among(
        &self,
        unit: &TenantId,
        alerts: &[Alert],
    ) -> Result<BTreeSet<ReferenceId>> {
        let ids: BTreeSet<&ReferenceId> = alerts
            .iter()
            .map(|alert| &alert.data.reference_id)
            .collect();
        let keys = ids
            .into_iter()
            .map(|id| key(unit.as_str(), reference_sk(id)))
            .collect();
        let mut active = BTreeSet::new();
        for item in self.db.get_all(Table::References, keys).await? {
            let reference: Reference = record(item, "reference")?;
            if reference.status == ReferenceStatus::Active {
                active.insert(reference.reference_id);
            }
        }
        Ok(active)
    }

    /// The leads among these that a retraction has withdrawn.
    async fn retracted_among(&self, unit: &TenantId, alerts: &[Alert]) -> Result<BTreeSet<LeadId>> {
        if alerts.is_empty() || self.retractions().await?.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids: BTreeSet<&LeadId> = alerts.iter().map(|alert| &alert.data.lead_id).collect();
        let keys = ids.into_iter().map(|id| key(unit.as_str(), lead_sk(id)));
        let mut retracted = BTreeSet::new();
        for item in self.db.get_all(Table::Leads, keys.collect()).await? {
            let lead: LeadSummary = record(item, "lead")?;
            if lead.retracted.is_some() {
                retracted.insert(lead.lead_id);
            }
        }
        Ok(retracted)
    }

    /// How many alerts each unit's outbox has had, by the counter. For `verify`.
    ///
    /// # Errors
    /// As every verb.
    pub async fn alert_counts(&self, units: &[TenantId]) -> Result<HashMap<TenantId, u64>> {
        let mut counts = HashMap::new();
        for unit in units {
            counts.insert(unit.clone(), self.last_alert_seq(unit).await?);
        }
        Ok(counts)
    }
}

fn position(text: &str) -> Result<u64> {
    text.parse()
        .map_err(|_| Error::Rejected("it is not a cursor of this listing"))
}
