//! Digests: the later sightings of a lead go out together, not one by one.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, AlertKind, LeadId, LeadStatus, LeadSummary, ReferenceStatus, TenantId, Timestamp,
};

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
    /// returns its number; none if there is nothing to tell, or its reference has ended. Where that one may yet be
    /// active the mark stays. Idempotent: the mark goes with the alert.
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
            if lead.sightings_total.is_none() {
                self.count_sightings(unit, &lead).await?;
                attempts.again().await?;
                continue;
            }
            let added = counted(&mark, "added", "digest")?;
            let Some((seq, steps)) = self.steps_digest(unit, (&lead, added), now).await? else {
                return Ok(None);
            };
            if self.db.transact("sending a digest", &steps).await? == Ended::Done {
                return Ok(seq);
            }
            attempts.again().await?;
        }
    }

    /// The steps that end a mark, with the number of the alert if it is told; none if it has to wait. Of a lead that
    /// is closed it is not: what opens it again brings a mark of its own.
    async fn steps_digest(
        &self,
        unit: &TenantId,
        (lead, added): (&LeadSummary, u64),
        now: Timestamp,
    ) -> Result<Option<(Option<u64>, Vec<TransactWriteItem>)>> {
        let (id, reference) = (&lead.lead_id, &lead.reference_id);
        let done = self.db.step_delete(
            Table::Leads,
            key(unit.as_str(), digest_sk(id)),
            Some("added = :added"),
            &[(":added", number(added))],
        )?;
        if lead.retracted.is_some() || lead.status == LeadStatus::Withdrawn {
            let steps = vec![self.step_better(unit, lead, lead)?, done];
            return Ok(Some((None, steps)));
        }
        let Some(active) = self.alerting(unit, reference).await? else {
            let known = self.references.reference(unit, reference).await?;
            use ReferenceStatus::{Held, Pending};
            let waits = known.is_some_and(|it| matches!(it.status, Held | Pending));
            let steps = [self.db.step_not_active(unit, reference)?, done];
            return Ok((!waits).then(|| (None, steps.into())));
        };
        let told_now = LeadSummary {
            reference_activated_at: active.reference.activated_at,
            ..lead.clone()
        };
        let told = self.alerted_sightings(unit, id).await?;
        let data = AlertData::of(&told_now, &told);
        let (seq, outbox) = self
            .steps_alert(unit, AlertKind::Extended, data, now)
            .await?;
        let since = told_now.reference_activated_at;
        let mut steps = vec![
            self.db.step_active_since(unit, reference, since)?,
            done,
            self.step_better(unit, lead, &told_now)?,
        ];
        steps.extend(outbox);
        Ok(Some((Some(seq), steps)))
    }
}
