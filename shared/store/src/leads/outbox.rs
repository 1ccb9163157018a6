//! What of the outbox is queued for webhooks: the stream of leads sees to that, and where it gave up
//! an alert, a timer does.

use records::{Alert, TenantId, Timestamp};

use crate::db::calls::{Query, Range};
use crate::db::error::Result;
use crate::db::items::{counted, key, number, record};
use crate::leads::alerts::{COUNTER, alert_sk};
use crate::{Leads, PAGE_ITEMS_MAX, Table};

impl Leads {
    /// Alerts of a unit that were written before a time and are not noted as queued, oldest first,
    /// a page at most. Strongly consistent; where nothing is new it costs one read.
    ///
    /// # Errors
    /// As every verb.
    pub async fn unqueued_alerts(&self, unit: &TenantId, before: Timestamp) -> Result<Vec<Alert>> {
        let Some(counter) = self.db.get(Table::Leads, unit.as_str(), COUNTER).await? else {
            return Ok(Vec::new());
        };
        let last = counted(&counter, "seq", "counter")?;
        let queued = match counter.contains_key("queued") {
            true => counted(&counter, "queued", "counter")?,
            false => 0,
        };
        if queued >= last {
            return Ok(Vec::new());
        }
        let range = Range::between(alert_sk(queued.saturating_add(1)), alert_sk(last));
        let mut query = Query::of(Table::Leads, unit.as_str(), range);
        query.limit = Some(PAGE_ITEMS_MAX);
        let (items, _) = self.db.query(&query).await?;
        let alerts: Vec<Alert> = items
            .into_iter()
            .map(|item| record(item, "alert"))
            .collect::<Result<_>>()?;
        if alerts.is_empty() {
            self.save_queued(unit, last).await?; // they were erased
        }
        let due = alerts.into_iter();
        Ok(due.take_while(|alert| alert.created_at < before).collect())
    }

    /// Notes that the alerts of a unit up to this number are queued for its webhooks. A lower number
    /// than the one that is noted changes nothing. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_queued(&self, unit: &TenantId, through: u64) -> Result<()> {
        let step = self.db.step_update(
            Table::Leads,
            key(unit.as_str(), COUNTER),
            "SET queued = :through",
            Some("attribute_exists(pk) AND (attribute_not_exists(queued) OR queued < :through)"),
            &[],
            &[(":through", number(through))],
        )?;
        self.db
            .transact("noting what is queued", &[step])
            .await
            .map(drop)
    }
}
