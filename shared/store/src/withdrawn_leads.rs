//! What a case system is told after a withdrawal, if its unit asked for that: the lead is taken back.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, AlertKind, LeadStatus, LeadSummary, ReferenceId, ReferenceStatus, TenantId,
    Timestamp,
};

use crate::calls::Range;
use crate::error::{Error, Result};
use crate::items::{attribute, key, record, text};
use crate::leads_record::lead_sk;
use crate::references::reference_sk;
use crate::transactions::Ended;
use crate::{Store, Table, retry};

/// Only a lead that stands as it was read is changed.
const AS_READ: &str = "#status = :before";

impl Store {
    /// Takes back the alerted leads of all of a unit's withdrawn references, each with an alert
    /// that says so, in one transaction; returns how many. The alert has ids only: whoever was not
    /// told of the lead before learns of no sighting. Nothing for a unit that did not ask for it
    /// ([`records::TenantSettings::tell_withdrawals`]). Idempotent; reads all of the unit's leads.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept writing alerts of this unit.
    pub async fn take_back_leads(&self, unit: &TenantId, now: Timestamp) -> Result<u64> {
        let settings = self.tenant(unit).await?;
        if !settings.is_some_and(|unit| unit.tell_withdrawals) {
            return Ok(0);
        }
        let withdrawn = self.withdrawn(unit).await?;
        let leads = Range::prefix("lead#");
        let mut taken_back = 0;
        for item in self.query_all(Table::Leads, unit.as_str(), leads).await? {
            let lead: LeadSummary = record(item, "lead")?;
            let is_told = lead.is_alert() && lead.status != LeadStatus::Withdrawn;
            if is_told && withdrawn.contains(&lead.reference_id) {
                taken_back += u64::from(self.take_back(unit, &lead.lead_id, now).await?);
            }
        }
        Ok(taken_back)
    }

    async fn withdrawn(&self, unit: &TenantId) -> Result<std::collections::BTreeSet<ReferenceId>> {
        let references = Range::prefix("reference#");
        let items = self
            .query_all(Table::References, unit.as_str(), references)
            .await?;
        let mut withdrawn = std::collections::BTreeSet::new();
        for item in items {
            let reference: records::Reference = record(item, "reference")?;
            if reference.status == ReferenceStatus::Withdrawn {
                withdrawn.insert(reference.reference_id);
            }
        }
        Ok(withdrawn)
    }

    async fn take_back(
        &self,
        unit: &TenantId,
        id: &records::LeadId,
        now: Timestamp,
    ) -> Result<bool> {
        for attempt in 0..retry::ATTEMPTS_MAX {
            let found = self.lead_summary(unit, id).await?;
            let Some(lead) = found.filter(|lead| lead.status != LeadStatus::Withdrawn) else {
                return Ok(false);
            };
            let after = LeadSummary {
                status: LeadStatus::Withdrawn,
                ..lead.clone()
            };
            let data = AlertData::of(&after, &[]);
            let (_, outbox) = self
                .steps_alert(unit, AlertKind::Withdrawn, data, now)
                .await?;
            let mut steps = vec![
                self.step_withdrawn(unit, &lead.reference_id)?,
                self.step_lead_status(unit, &lead, after.status)?,
            ];
            steps.extend(outbox);
            let ended = self.transact("taking a lead back", &steps).await?;
            if ended == Ended::Done {
                return Ok(true);
            }
            if ended.refused(0) {
                return Ok(false); // it was submitted again meanwhile
            }
            self.pause(attempt).await;
        }
        Err(Error::Unavailable("taking a lead back"))
    }

    fn step_withdrawn(&self, unit: &TenantId, id: &ReferenceId) -> Result<TransactWriteItem> {
        self.step_check(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            "#status = :withdrawn",
            &[("#status", "status")],
            &[(":withdrawn", text(ReferenceStatus::Withdrawn.as_str()))],
        )
    }

    fn step_lead_status(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        status: LeadStatus,
    ) -> Result<TransactWriteItem> {
        self.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            "SET #status = :status",
            Some(AS_READ),
            &[("#status", "status")],
            &[
                (":status", attribute(&status)?),
                (":before", attribute(&lead.status)?),
            ],
        )
    }

    /// Opens a lead again that was taken back and whose reference was submitted again: it stands as
    /// its verdict says, and goes out with the next digest. Idempotent.
    pub(crate) async fn open_again(&self, unit: &TenantId, lead: &LeadSummary) -> Result<()> {
        let verdict = lead.verdict.as_ref();
        let status = verdict.map_or(LeadStatus::Open, |entry| entry.verdict.status());
        let steps = [
            self.step_active(unit, &lead.reference_id)?,
            self.step_lead_status(unit, lead, status)?,
            self.step_digest(unit, &lead.lead_id)?,
        ];
        // Refused: somebody else did it, or it has ended again.
        self.transact("opening a lead again", &steps).await?;
        Ok(())
    }
}
