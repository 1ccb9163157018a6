//! Quotas: how many uploads a tenant may bring in a day, and how many of today it has brought.
//!
//! Both stand in one item of the ads' table: so the program that takes in uploads, which opens what
//! strangers send, needs no right to what stands next to the tenants, the deployment's key among it.

use records::{TenantId, Timestamp};

use crate::db::error::{Result, classified};
use crate::db::items::{Item, counted, key, number, parsed, text};
use crate::{Table, Uploads};

/// What a tenant may bring in a day, and what it has brought today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// Uploads of one day (UTC) at most; none: as many as it likes.
    pub uploads_per_day_max: Option<u64>,
    /// Those of today, as far as they were counted: nothing is while there is no bound.
    pub uploads_today: u64,
}

const QUOTA: &str = "quota";
const MAX: &str = "uploads_per_day_max";
const DAY: &str = "day";
const USED: &str = "used";

fn quota_key(tenant: &TenantId) -> Item {
    key(format!("{tenant}#{QUOTA}"), QUOTA)
}

/// The day of a time, as UTC has it: `2026-11-29`.
fn day_of(now: Timestamp) -> String {
    now.as_str().chars().take(10).collect()
}

impl Uploads {
    /// Bounds what a tenant may bring in a day, or lifts the bound. Idempotent; what was counted
    /// today stays counted.
    ///
    /// # Errors
    /// As every verb.
    pub async fn set_quota(
        &self,
        tenant: &TenantId,
        uploads_per_day_max: Option<u64>,
    ) -> Result<()> {
        let request = self
            .db
            .dynamodb
            .update_item()
            .table_name(self.db.names.table(Table::Ads))
            .set_key(Some(quota_key(tenant)))
            .expression_attribute_names("#max", MAX);
        let request = match uploads_per_day_max {
            None => request.update_expression("REMOVE #max"),
            Some(max) => request
                .update_expression("SET #max = :max")
                .expression_attribute_values(":max", number(max)),
        };
        let written = request.send().await;
        written.map_err(|error| classified("setting a quota", &error))?;
        Ok(())
    }

    /// A tenant's quota. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn quota(&self, tenant: &TenantId, now: Timestamp) -> Result<Quota> {
        let place = format!("{tenant}#{QUOTA}");
        let Some(item) = self.db.get(Table::Ads, place, QUOTA).await? else {
            return Ok(Quota::default());
        };
        let max = item.contains_key(MAX);
        let max = max.then(|| counted(&item, MAX, QUOTA)).transpose()?;
        let has_counted = item.contains_key(DAY);
        let is_today = has_counted && parsed::<String>(&item, DAY, QUOTA)? == day_of(now);
        Ok(Quota {
            uploads_per_day_max: max,
            uploads_today: match is_today {
                true => counted(&item, USED, QUOTA)?,
                false => 0,
            },
        })
    }

    /// Counts uploads of today if with them there are at most `max`: all of them or none; says
    /// whether it did. A repetition counts them again.
    ///
    /// # Errors
    /// As every verb.
    pub async fn count_uploads(
        &self,
        tenant: &TenantId,
        (uploads, max): (u64, u64),
        now: Timestamp,
    ) -> Result<bool> {
        let Some(room) = max.checked_sub(uploads) else {
            return Ok(false);
        };
        let more = (
            "SET #used = #used + :uploads",
            "#day = :day AND #used <= :room",
            Some(room),
        );
        let first = (
            "SET #day = :day, #used = :uploads",
            "attribute_not_exists(#day) OR #day <> :day",
            None,
        );
        // Once more, in case another caller began the day in between.
        for change in [more, first, more] {
            if self.count(tenant, uploads, change, now).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Says whether the condition of the change held.
    async fn count(
        &self,
        tenant: &TenantId,
        uploads: u64,
        (update, condition, room): (&str, &str, Option<u64>),
        now: Timestamp,
    ) -> Result<bool> {
        let sent = self
            .db
            .dynamodb
            .update_item()
            .table_name(self.db.names.table(Table::Ads))
            .set_key(Some(quota_key(tenant)))
            .update_expression(update)
            .condition_expression(condition)
            .expression_attribute_names("#day", DAY)
            .expression_attribute_names("#used", USED)
            .expression_attribute_values(":day", text(day_of(now)))
            .expression_attribute_values(":uploads", number(uploads));
        let sent = match room {
            None => sent,
            Some(room) => sent.expression_attribute_values(":room", number(room)),
        };
        match sent.send().await {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(classified("counting uploads", &error)),
        }
    }
}
