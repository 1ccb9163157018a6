//! Leads that rise: better evidence comes for a pair that has its lead already.
//!
//! Any uploader may claim a picture's hash together with a fingerprint of its own
//! making, so what came first must not decide what the unit hears. Of two the better evidence
//! stands; a lead never sinks; and one that was for review, by itself or because an uploader's flood
//! is held, is alerted when it first reaches alert level. Every change is conditioned on the lead as
//! it was read, so that it happens once whatever repeats.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, AlertDecision, AlertKind, FoundLead, LeadId, LeadStatus, LeadSummary, Level,
    Sighting, TenantId, Timestamp,
};

use crate::db::error::Result;
use crate::db::items::{attribute, key, number, text};
use crate::db::transactions::Ended;
use crate::leads::held::{ActiveReference, LeadEffect, held_sk};
use crate::leads::record::{Recorded, lead_sk};
use crate::{Leads, Table};

/// Only a lead that stands as it was read is changed.
const AS_READ: &str = "#level = :was_level AND #status = :was_status \
    AND evidence = :was_evidence AND held_for = :was_held_for AND sightings_total = :was_total \
    AND (attribute_not_exists(reference_activated_at) OR reference_activated_at = :was_activated_at)";

/// Whether a lead that stands so may still be alerted by this evidence: one that a person has judged
/// only by what they cannot have seen.
fn may_be_alerted(known: &LeadSummary, found: &FoundLead) -> bool {
    let is_anothers = |held_for: &TenantId| *held_for != found.uploaded_by;
    known.status == LeadStatus::Open
        || found.rank() > known.rank()
        || known.held_for.as_ref().is_some_and(is_anothers)
}

/// The lead with this evidence, if that is better than its own.
fn with_better(known: &LeadSummary, found: &FoundLead) -> LeadSummary {
    if found.rank() <= known.rank() {
        return known.clone();
    }
    with_evidence(known, found)
}

/// The lead with this evidence in place of its own; its level is another matter.
pub(crate) fn with_evidence(known: &LeadSummary, found: &FoundLead) -> LeadSummary {
    LeadSummary {
        method: found.method,
        distance: found.distance,
        edit: found.edit.clone(),
        policy_version: found.policy_version,
        outline: found.outline,
        evidence: found.evidence,
        evidence_by: Some(found.uploaded_by.clone()),
        ..known.clone()
    }
}

/// The lead as it stands after this evidence.
fn after(
    known: &LeadSummary,
    found: &FoundLead,
    calling: &LeadEffect,
    now: Timestamp,
) -> LeadSummary {
    let mut lead = with_better(known, found);
    let is_raised = matches!(
        calling,
        LeadEffect::Alert {
            told: AlertDecision::Alerted,
            ..
        }
    );
    match calling {
        LeadEffect::ReviewOnly => {}
        LeadEffect::Alert { .. } if is_raised => (lead.level, lead.held_for) = (Level::Alert, None),
        LeadEffect::Alert { uploader, .. } => {
            lead.held_for.get_or_insert_with(|| uploader.clone());
        }
    }
    let is_news = is_raised || found.rank() > known.rank();
    if is_news && known.status == LeadStatus::Dismissed {
        (lead.status, lead.reopened_at) = (LeadStatus::Open, Some(now));
    }
    lead
}

/// Whether a lead that was alerted is news once more: a person dismissed it and it is open, or its reference
/// was submitted again. What was on its way as that one ended was given up, and the feed passed it over.
/// Of a lead of an older build it is not known.
fn is_open_again(known: &LeadSummary, lead: &LeadSummary) -> bool {
    let before = known.reference_activated_at;
    let is_sought_again = before.is_some() && before != lead.reference_activated_at;
    lead.is_alert() && (known.is_alert() && is_sought_again || lead.status != known.status)
}

impl Leads {
    /// One attempt to let a lead rise by this evidence; nothing if something changed concurrently.
    pub(crate) async fn better_lead(
        &self,
        (found, postings): (&FoundLead, &[Sighting]),
        known: LeadSummary,
        alerted: &ActiveReference,
        now: Timestamp,
    ) -> Result<Option<Recorded>> {
        let is_quiet = known.is_alert() || !may_be_alerted(&known, found);
        let calling = match is_quiet {
            true => LeadEffect::ReviewOnly,
            false => LeadEffect::of(found, alerted, now),
        };
        let mut lead = after(&known, found, &calling, now);
        lead.reference_activated_at = alerted.reference.activated_at;
        if lead == known {
            return Ok(Some(Recorded::Known(known.lead_id)));
        }
        let unit = &found.unit;
        if calling.kind().is_some() && self.add_own(found, postings, now).await? > 0 {
            return Ok(None); // the lead has changed
        }
        let mut steps = self.steps_lead_effect(unit, &lead, &calling)?;
        steps.push(self.step_better(unit, &known, &lead)?);
        steps.extend(self.steps_moved(unit, &known, &lead)?);
        steps.push(self.step_not_retracted(&found.uploaded_by)?);
        if known.held_for.is_some() && lead.held_for.is_none() {
            let mark = key(unit.as_str(), held_sk(&lead.reference_id, &lead.lead_id));
            steps.push(self.db.step_delete(Table::Leads, mark, None, &[])?);
        }
        let mut alert_seq = None;
        if let Some(kind) = calling.kind() {
            let told = self.alerted_sightings(unit, &lead.lead_id).await?;
            let data = AlertData::of(&lead, &told);
            let (seq, outbox) = self.steps_alert(unit, kind, data, now).await?;
            steps.extend(outbox);
            alert_seq = (kind == AlertKind::Created).then_some(seq);
        } else if is_open_again(&known, &lead) {
            steps.push(self.step_digest(unit, &lead.lead_id, 1)?);
        }
        if self.db.transact("raising a lead", &steps).await? != Ended::Done {
            self.list_lead(unit, &lead.lead_id).await?;
            return Ok(None);
        }
        let lead_id = lead.lead_id;
        Ok(Some(match alert_seq {
            Some(alert_seq) => Recorded::Raised { lead_id, alert_seq },
            None => Recorded::Known(lead_id),
        }))
    }

    /// Adds to a lead that will be alerted what its uploader posted, so that the alert tells of it.
    async fn add_own(
        &self,
        found: &FoundLead,
        postings: &[Sighting],
        now: Timestamp,
    ) -> Result<u64> {
        let mut own = self.uploads.sightings(&found.image_sha256).await?;
        own.extend_from_slice(postings);
        own.retain(|sighting| sighting.uploaded_by == found.uploaded_by);
        own.truncate(AlertData::SIGHTINGS_MAX);
        let id = LeadId::of(&found.reference_id, &found.image_sha256);
        self.add_sightings(&found.unit, &id, &own, now).await
    }

    /// A step that writes how a lead stands, if it stands as it was read. A sighting that was added
    /// since is in no alert yet, so that it has to be read again too.
    pub(crate) fn step_better(
        &self,
        unit: &TenantId,
        known: &LeadSummary,
        lead: &LeadSummary,
    ) -> Result<TransactWriteItem> {
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            "SET #level = :level, #status = :status, evidence = :evidence, \
             evidence_by = :evidence_by, held_for = :held_for, retracted = :retracted, \
             reopened_at = :reopened_at, #method = :method, distance = :distance, edit = :edit, \
             policy_version = :policy_version, outline = :outline, \
             reference_activated_at = :activated_at",
            Some(AS_READ),
            &[
                ("#level", "level"),
                ("#status", "status"),
                ("#method", "method"),
            ],
            &[
                (":was_level", text(known.level.as_str())),
                (":was_status", attribute(&known.status)?),
                (":was_evidence", attribute(&known.evidence)?),
                (":was_held_for", attribute(&known.held_for)?),
                (":was_total", number(known.sightings_total.unwrap_or(0))),
                (
                    ":was_activated_at",
                    attribute(&known.reference_activated_at)?,
                ),
                (":level", text(lead.level.as_str())),
                (":status", attribute(&lead.status)?),
                (":evidence", attribute(&lead.evidence)?),
                (":evidence_by", attribute(&lead.evidence_by)?),
                (":held_for", attribute(&lead.held_for)?),
                (":retracted", attribute(&lead.retracted)?),
                (":reopened_at", attribute(&lead.reopened_at)?),
                (":method", text(lead.method.as_str())),
                (":distance", attribute(&lead.distance)?),
                (":edit", text(lead.edit.as_str())),
                (":policy_version", attribute(&lead.policy_version)?),
                (":outline", attribute(&lead.outline)?),
                (":activated_at", attribute(&lead.reference_activated_at)?),
            ],
        )
    }
}
