//! Verdicts of people: given on what they saw, kept one after another, and taken back within seconds.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, AlertKind, LeadId, LeadStatus, LeadSummary, Opinion, OwnOpinion, PersonId, TenantId,
    Timestamp, VerdictEntry, VerdictRecord,
};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{attribute, item, key, record};
use crate::db::transactions::Ended;
use crate::leads::record::lead_sk;
use crate::{Leads, Table};

/// A colleague was faster, or the lead is not what the person saw.
const CHANGED: Error = Error::Conflict("the lead changed since it was shown");

/// One cannot give both opinions.
pub const OWN_OPINION: Error = Error::Conflict("the first opinion is this person's own");

/// Only a lead that stands as it was read is changed.
const AS_READ: &str = "#status = :was_status AND verdict = :was_verdict";

/// Under which the history of a lead stands.
pub(crate) fn verdicts_prefix(lead: &LeadId) -> String {
    format!("verdict#{lead}#")
}

impl Leads {
    /// Writes a person's decision, an alert about it and an entry of the lead's history in one transaction,
    /// if the lead is still of the version that the person saw ([`LeadSummary::version`]). Where the unit asks for
    /// two opinions ([`LeadSummary::judged_by`]) the first is told to no case system.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is of another version, [`OWN_OPINION`] if the person has given the first of two
    /// opinions, [`Error::Gone`] if there is no such lead or its
    /// reference is not active (any more).
    pub async fn judge_as_seen(
        &self,
        unit: &TenantId,
        (id, version): (&LeadId, &str),
        (by, asks_two): (&PersonId, bool),
        verdict: &VerdictEntry,
    ) -> Result<LeadSummary> {
        let mut attempts = self.db.attempts("recording a verdict");
        loop {
            let known = self.known_lead(unit, id).await?;
            if known.version() != version {
                return Err(CHANGED);
            }
            let judged = known.judged_by(by, verdict, asks_two);
            let (lead, opinion) = judged.map_err(|OwnOpinion| OWN_OPINION)?;
            let record = self.verdict_record(&known, Some(by), verdict.decided_at);
            let record = VerdictRecord {
                entry: Some(verdict.clone()),
                opinion,
                ..record
            };
            if let Some(done) = self.write_judged(unit, (&known, lead), &record).await? {
                return Ok(done);
            }
            self.list_lead(unit, id).await?;
            attempts.again().await?;
        }
    }

    /// Takes a person's own decision back, if it is the last one on the lead and a moment old: the lead
    /// stands as before, and who was told of the decision is told that.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it is too late or another decision followed, and as [`Leads::judge_as_seen`].
    pub async fn take_verdict_back(
        &self,
        unit: &TenantId,
        id: &LeadId,
        by: &PersonId,
        now: Timestamp,
    ) -> Result<LeadSummary> {
        let mut attempts = self.db.attempts("taking a verdict back");
        loop {
            let known = self.known_lead(unit, id).await?;
            let last = self.verdicts(unit, id).await?.pop();
            let last = last.filter(|it| it.may_be_taken_back(by, now));
            let last = last.ok_or(CHANGED)?;
            let record = VerdictRecord {
                opinion: last.opinion,
                ..self.verdict_record(&known, Some(by), now)
            };
            let lead = LeadSummary {
                status: last.status_before,
                verdict: last.verdict_before,
                first_opinion: last.first_before,
                ..known.clone()
            };
            if let Some(done) = self.write_judged(unit, (&known, lead), &record).await? {
                return Ok(done);
            }
            self.list_lead(unit, id).await?;
            attempts.again().await?;
        }
    }

    /// Every decision on a lead, oldest first. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn verdicts(&self, unit: &TenantId, id: &LeadId) -> Result<Vec<VerdictRecord>> {
        let range = Range::prefix(&verdicts_prefix(id));
        let found = self
            .db
            .query_all(Table::Leads, unit.as_str(), range)
            .await?;
        let read = found.into_iter().map(|item| record(item, "verdict"));
        read.collect()
    }

    async fn known_lead(&self, unit: &TenantId, id: &LeadId) -> Result<LeadSummary> {
        let found = self.lead_summary(unit, id).await?;
        found.ok_or(Error::Gone("the lead"))
    }

    /// What the history says of a change of this lead.
    fn verdict_record(
        &self,
        known: &LeadSummary,
        by: Option<&PersonId>,
        at: Timestamp,
    ) -> VerdictRecord {
        VerdictRecord {
            lead_id: known.lead_id.clone(),
            by: by.cloned(),
            at,
            entry: None,
            status_before: known.status,
            verdict_before: known.verdict.clone(),
            first_before: known.first_opinion.clone(),
            opinion: None,
        }
    }

    /// Writes the lead as it is now, on the condition that it stands as the record says it stood. None: the
    /// counter of alerts or its place in the inbox moved, and it is to be tried again.
    async fn write_judged(
        &self,
        unit: &TenantId,
        (known, lead): (&LeadSummary, LeadSummary),
        record: &VerdictRecord,
    ) -> Result<Option<LeadSummary>> {
        let mut steps = vec![
            self.db.step_active(unit, &lead.reference_id)?,
            self.step_lead_judged(unit, &lead, (record.status_before, &record.verdict_before))?,
            self.step_verdict_kept(unit, record)?,
        ];
        if record.opinion != Some(Opinion::First) {
            let preview = self.sightings_preview(unit, &lead.lead_id).await?;
            let data = AlertData::of(&lead, &preview.sightings);
            let outbox = self.steps_alert(unit, AlertKind::Verdict, data, record.at);
            steps.extend(outbox.await?.1);
        }
        steps.extend(self.steps_moved(unit, known, &lead)?);
        match self.db.transact("recording a verdict", &steps).await? {
            Ended::Done => Ok(Some(lead)),
            ended if ended.refused(0) => Err(Error::Gone("the lead's reference")),
            ended if ended.refused(1) => Err(CHANGED),
            Ended::Refused(_) => Ok(None),
        }
    }

    fn step_lead_judged(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        (status, verdict): (LeadStatus, &Option<VerdictEntry>),
    ) -> Result<TransactWriteItem> {
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            "SET #status = :status, verdict = :verdict, retracted = :retracted, \
             first_opinion = :first_opinion",
            Some(AS_READ),
            &[("#status", "status")],
            &[
                (":status", attribute(&lead.status)?),
                (":verdict", attribute(&lead.verdict)?),
                (":retracted", attribute(&lead.retracted)?),
                (":first_opinion", attribute(&lead.first_opinion)?),
                (":was_status", attribute(&status)?),
                (":was_verdict", attribute(verdict)?),
            ],
        )
    }

    /// A step that adds to the history of a lead.
    pub(crate) fn step_verdict_kept(
        &self,
        unit: &TenantId,
        record: &VerdictRecord,
    ) -> Result<TransactWriteItem> {
        let sk = format!("{}{}", verdicts_prefix(&record.lead_id), record.place());
        self.db
            .step_put(Table::Leads, item(unit.as_str(), sk, record)?)
    }
}
