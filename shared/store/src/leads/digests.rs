//! Digests: the later sightings of a lead go out together, not one by one.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{AlertData, AlertKind, LeadId, TenantId, Timestamp};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{counted, key, number, parsed};
use crate::db::transactions::Ended;
use crate::{Leads, Table};

const DIGEST: &str = "digest#";

pub(crate) fn digest_sk(lead: &LeadId) -> String {
    format!("{DIGEST}{lead}")
}

impl Leads {
    /// A step that marks a lead as extended by so many sightings since its last alert.
    pub(crate) fn step_digest(
        &self,
        unit: &TenantId,
        lead: &LeadId,
        count: u64,
    ) -> Result<TransactWriteItem> {
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), digest_sk(lead)),
            "SET lead_id = :lead ADD added :count",
            None,
            &[],
            &[
                (":lead", crate::db::items::text(lead.as_str())),
                (":count", number(count)),
            ],
        )
    }

    /// Leads of a unit that were extended since their last alert. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn extended_leads(&self, unit: &TenantId) -> Result<Vec<LeadId>> {
        let items = self
            .db
            .query_all(Table::Leads, unit.as_str(), Range::prefix(DIGEST))
            .await?;
        items
            .iter()
            .map(|item| parsed(item, "lead_id", "digest"))
            .collect()
    }

    /// Writes one alert about all sightings that were added to a lead since its last one, and
    /// returns its number; none if there is nothing to tell, or the reference is not active (then
    /// there never will be). Idempotent: the mark goes with the alert.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if others kept writing alerts of this unit.
    pub async fn send_digest(
        &self,
        unit: &TenantId,
        id: &LeadId,
        now: Timestamp,
    ) -> Result<Option<u64>> {
        let mut attempts = self.db.attempts("sending a digest");
        loop {
            let mark = self
                .db
                .get(Table::Leads, unit.as_str(), digest_sk(id))
                .await?;
            let lead = self.lead_summary(unit, id).await?;
            let (Some(mark), Some(lead)) = (mark, lead) else {
                return Ok(None);
            };
            let added = (":added", number(counted(&mark, "added", "digest")?));
            let marked = key(unit.as_str(), digest_sk(id));
            let done =
                self.db
                    .step_delete(Table::Leads, marked, Some("added = :added"), &[added])?;
            if lead.retracted.is_some() {
                self.db
                    .delete(Table::Leads, unit.as_str(), digest_sk(id))
                    .await?;
                return Ok(None);
            }
            let told = self.alerted_sightings(unit, id).await?;
            let data = AlertData::of(&lead, &told);
            let (seq, outbox) = self
                .steps_alert(unit, AlertKind::Extended, data, now)
                .await?;
            let mut steps = vec![self.db.step_active(unit, &lead.reference_id)?, done.clone()];
            steps.extend(outbox);
            let ended = self.db.transact("sending a digest", &steps).await?;
            if ended == Ended::Done {
                return Ok(Some(seq));
            }
            if ended.refused(0) {
                let steps = [self.db.step_not_active(unit, &lead.reference_id)?, done];
                // Refused: it was submitted again, and there may be something new to tell.
                if self.db.transact("giving up a digest", &steps).await? == Ended::Done {
                    return Ok(None);
                }
            }
            attempts.again().await?;
        }
    }
}
