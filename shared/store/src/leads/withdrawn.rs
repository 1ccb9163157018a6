//! The leads of references that have ended are closed, so that no list of open ones shows them; and a
//! case system is told that a lead was taken back, if its unit asked for that.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, AlertKind, FoundLead, LeadId, LeadStatus, LeadSummary, Reference, ReferenceId,
    ReferenceStatus, TenantId, Timestamp,
};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{attribute, key, record, text};
use crate::db::transactions::Ended;
use crate::leads::better::with_evidence;
use crate::leads::held::ActiveReference;
use crate::leads::record::lead_sk;
use crate::references::reference_sk;
use crate::{Leads, Table};

/// Only a lead that stands as it was read is changed.
const AS_READ: &str = "#status = :before";

/// On a reference: up to which end of it its leads are closed.
const CLOSED: &str = "leads_closed";

/// A reference that has ended and may have leads that are open.
struct EndedReference {
    status: ReferenceStatus,
    ended_at: Timestamp,
}

impl Leads {
    /// Closes the leads of all of a unit's references that were withdrawn or have expired; returns how
    /// many. If the unit asked for it ([`records::TenantSettings::tell_withdrawals`]), each alerted
    /// lead of a withdrawn one is taken back with an alert that says so, in one transaction. The alert
    /// has ids only: a unit that was not alerted to the lead before learns of no sighting. Idempotent; where
    /// a reference has ended since the last time it reads all of the unit's leads.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if others kept writing alerts of this unit.
    pub async fn take_back_leads(&self, unit: &TenantId, now: Timestamp) -> Result<u64> {
        let over = self.over(unit).await?;
        if over.is_empty() {
            return Ok(0);
        }
        let settings = self.tenants.tenant(unit).await?;
        let tells = settings.is_some_and(|unit| unit.tell_withdrawals);
        let leads = Range::prefix("lead#");
        let mut closed = 0;
        for item in self
            .db
            .query_all(Table::Leads, unit.as_str(), leads)
            .await?
        {
            let lead: LeadSummary = record(item, "lead")?;
            if let Some(reference) = over.get(&lead.reference_id) {
                let is_told = tells && reference.status == ReferenceStatus::Withdrawn;
                closed += u64::from(self.close(unit, &lead.lead_id, is_told, now).await?);
            }
        }
        for (id, reference) in &over {
            self.save_closed(unit, id, reference).await?;
        }
        Ok(closed)
    }

    /// References that have ended since their leads were closed, if ever.
    async fn over(&self, unit: &TenantId) -> Result<BTreeMap<ReferenceId, EndedReference>> {
        let references = Range::prefix("reference#");
        let items = self
            .db
            .query_all(Table::References, unit.as_str(), references)
            .await?;
        let mut over = BTreeMap::new();
        for item in items {
            let closed = item.get(CLOSED).cloned();
            let reference: Reference = record(item, "reference")?;
            let status = reference.status;
            let Some(ended_at) = reference.ended_at.filter(|_| is_over(status)) else {
                continue;
            };
            if closed != Some(text(ended_at.as_str())) {
                over.insert(reference.reference_id, EndedReference { status, ended_at });
            }
        }
        Ok(over)
    }

    /// Refused: it was submitted again, or withdrawn again, and will be looked at again.
    async fn save_closed(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        over: &EndedReference,
    ) -> Result<()> {
        let step = self.db.step_update(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            "SET leads_closed = :ended_at",
            Some("#status = :status AND ended_at = :ended_at"),
            &[("#status", "status")],
            &[
                (":status", text(over.status.as_str())),
                (":ended_at", text(over.ended_at.as_str())),
            ],
        )?;
        let steps = [step];
        self.db
            .transact("noting closed leads", &steps)
            .await
            .map(drop)
    }

    async fn close(
        &self,
        unit: &TenantId,
        id: &LeadId,
        is_told: bool,
        now: Timestamp,
    ) -> Result<bool> {
        let mut attempts = self.db.attempts("closing a lead");
        loop {
            let found = self.lead_summary(unit, id).await?;
            let Some(lead) = found.filter(|lead| lead.status != LeadStatus::Withdrawn) else {
                return Ok(false);
            };
            let mut steps = vec![
                self.step_over(unit, &lead.reference_id)?,
                self.step_lead_status(unit, &lead, LeadStatus::Withdrawn)?,
            ];
            let closed = LeadSummary {
                status: LeadStatus::Withdrawn,
                ..lead.clone()
            };
            steps.extend(self.steps_moved(unit, &lead, &closed)?);
            if is_told && lead.is_alert() {
                let data = taken_back(&lead);
                let outbox = self.steps_alert(unit, AlertKind::Withdrawn, data, now);
                steps.extend(outbox.await?.1);
            }
            let ended = self.db.transact("closing a lead", &steps).await?;
            if ended == Ended::Done {
                return Ok(true);
            }
            if ended.refused(0) {
                return Ok(false); // it was submitted again concurrently
            }
            self.list_lead(unit, id).await?;
            attempts.again().await?;
        }
    }

    fn step_over(&self, unit: &TenantId, id: &ReferenceId) -> Result<TransactWriteItem> {
        self.db.step_check(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            "#status IN (:withdrawn, :expired)",
            &[("#status", "status")],
            &[
                (":withdrawn", text(ReferenceStatus::Withdrawn.as_str())),
                (":expired", text(ReferenceStatus::Expired.as_str())),
            ],
        )
    }

    fn step_lead_status(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        status: LeadStatus,
    ) -> Result<TransactWriteItem> {
        self.db.step_update(
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

    /// Opens a lead again that was closed, and whose reference was submitted again or that others have
    /// found since what it rested on was retracted: it stands as its verdict says, a retracted one by
    /// the new evidence, and if it was alerted it goes out with the next digest. Idempotent.
    pub(crate) async fn open_again(
        &self,
        found: &FoundLead,
        known: &LeadSummary,
        alerted: &ActiveReference,
    ) -> Result<()> {
        let unit = &found.unit;
        let mut lead = match known.retracted {
            Some(_) => with_evidence(known, found),
            None => known.clone(),
        };
        (lead.status, lead.retracted) = (status_before(known), None);
        lead.reference_activated_at = alerted.reference.activated_at;
        let mut steps = vec![
            self.db
                .step_active_since(unit, &lead.reference_id, lead.reference_activated_at)?,
            self.step_better(unit, known, &lead)?,
            self.step_not_retracted(&found.uploaded_by)?,
        ];
        steps.extend(self.steps_moved(unit, known, &lead)?);
        if lead.is_alert() {
            steps.push(self.step_digest(unit, &lead.lead_id, 1)?);
        }
        // Refused: another caller did it, or it has ended again.
        if self.db.transact("opening a lead again", &steps).await? != Ended::Done {
            self.list_lead(unit, &lead.lead_id).await?;
        }
        Ok(())
    }
}

fn is_over(status: ReferenceStatus) -> bool {
    matches!(
        status,
        ReferenceStatus::Withdrawn | ReferenceStatus::Expired
    )
}

/// As its verdict says, unless it was opened again since.
fn status_before(lead: &LeadSummary) -> LeadStatus {
    match &lead.verdict {
        Some(entry) if lead.reopened_at.is_none_or(|at| at < entry.decided_at) => {
            entry.verdict.status()
        }
        _ => LeadStatus::Open,
    }
}

/// What is told of it: ids, and no sighting.
pub(crate) fn taken_back(lead: &LeadSummary) -> AlertData {
    let after = LeadSummary {
        status: LeadStatus::Withdrawn,
        held_for: None,
        sightings_total: None,
        ..lead.clone()
    };
    AlertData::of(&after, &[])
}
