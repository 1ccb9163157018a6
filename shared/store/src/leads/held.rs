//! The circuit breaker: where an uploader's ads suddenly match a reference much, what it brings is held
//! for review instead of alerted, until the unit says that the reference is in order. What others bring
//! is alerted all the while, held leads among it.
//!
//! How much a reference was alerted on stands with the reference itself and changes in the
//! transaction that records a lead, so that every lead is counted once, whatever repeats. Every
//! change takes the next number, and every lead is recorded on the condition that this number has
//! not moved: a lead and a release cannot pass each other unseen.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{
    AlertData, AlertDecision, AlertKind, AlertLimit, FoundLead, LeadId, LeadStatus, LeadSummary,
    Level, Reference, ReferenceId, ReferenceStatus, TenantId, Timestamp,
};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{attribute, counted, key, number, parsed, record, text};
use crate::db::transactions::Ended;
use crate::references::reference_sk;
use crate::{Leads, Table};

/// The number of the last change to a reference's alerting; none before the first.
const SEQ: &str = "alerting_seq";

/// Held leads alerted by one release: about two seconds' work, well within an API's patience.
const RELEASED_AT_ONCE: usize = 100;

/// An active reference, and the number of the last change to its alerting.
pub(crate) struct ActiveReference {
    pub(crate) reference: Reference,
    pub(crate) seq: u64,
}

/// What a lead means for the case system, as its reference stood when it was read.
pub(crate) enum LeadEffect {
    /// Nothing: it is for review by itself.
    ReviewOnly,
    /// It is told or held; then the reference's alerting stands so.
    Alert {
        told: AlertDecision,
        uploader: TenantId,
        after: AlertLimit,
        seq: u64,
    },
}

impl LeadEffect {
    pub(crate) fn of(found: &FoundLead, alerted: &ActiveReference, now: Timestamp) -> Self {
        if found.level != Level::Alert {
            return Self::ReviewOnly;
        }
        let uploader = found.uploaded_by.clone();
        let (after, told) = alerted.reference.alerting.after_lead(&uploader, now);
        let seq = alerted.seq;
        Self::Alert {
            told,
            uploader,
            after,
            seq,
        }
    }

    /// The lead at the level at which it is recorded: held ones are for review.
    pub(crate) fn level(&self, lead: LeadSummary) -> LeadSummary {
        match self {
            Self::Alert { told, uploader, .. } if *told != AlertDecision::Alerted => LeadSummary {
                level: Level::Review,
                held_for: Some(uploader.clone()),
                ..lead
            },
            _ => lead,
        }
    }

    /// The alert that goes out.
    pub(crate) fn kind(&self) -> Option<AlertKind> {
        match self {
            Self::Alert {
                told: AlertDecision::Alerted,
                ..
            } => Some(AlertKind::Created),
            Self::Alert {
                told: AlertDecision::FirstHeld,
                ..
            } => Some(AlertKind::Held),
            _ => None,
        }
    }
}

/// What a release did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    /// Held leads that were alerted by this call.
    pub alerted: u64,
    /// Held leads that are left: release again until there are none.
    pub left: u64,
}

pub(crate) fn held_prefix(reference: &ReferenceId) -> String {
    format!("held#{reference}#")
}

pub(crate) fn held_sk(reference: &ReferenceId, lead: &LeadId) -> String {
    format!("{}{lead}", held_prefix(reference))
}

impl Leads {
    /// An active reference with what its next lead is conditioned on. Strongly consistent.
    pub(crate) async fn alerting(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
    ) -> Result<Option<ActiveReference>> {
        let Some(item) = self.references.reference_item(unit, id).await? else {
            return Ok(None);
        };
        let seq = match item.get(SEQ) {
            Some(_) => counted(&item, SEQ, "reference")?,
            None => 0,
        };
        let reference: Reference = record(item, "reference")?;
        let is_active = reference.status == ReferenceStatus::Active;
        Ok(is_active.then_some(ActiveReference { reference, seq }))
    }

    /// The steps by which a new lead is counted or held; the first is the check that its reference
    /// is active.
    pub(crate) fn steps_lead_effect(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        calling: &LeadEffect,
    ) -> Result<Vec<TransactWriteItem>> {
        let id = &lead.reference_id;
        let LeadEffect::Alert {
            told, after, seq, ..
        } = calling
        else {
            let since = lead.reference_activated_at;
            return Ok(vec![self.db.step_active_since(unit, id, since)?]);
        };
        let as_read = (*seq, lead.reference_activated_at);
        let counted = match told {
            AlertDecision::Held => self.step_still_held(unit, id, as_read)?,
            _ => self.step_alerting(unit, id, after, as_read)?,
        };
        let mut steps = vec![counted];
        if *told != AlertDecision::Alerted {
            let mut held = key(unit.as_str(), held_sk(id, &lead.lead_id));
            held.insert("lead_id".into(), text(lead.lead_id.as_str()));
            steps.push(self.db.step_put(Table::Leads, held)?);
        }
        Ok(steps)
    }

    /// A step that refuses the transaction unless the reference is active and stands as it was
    /// read.
    fn step_still_held(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        (seq, activated_at): (u64, Option<Timestamp>),
    ) -> Result<TransactWriteItem> {
        let condition =
            "#status = :active AND alerting_seq = :seq AND activated_at = :activated_at";
        let as_read = [
            (":seq", number(seq)),
            (":activated_at", attribute(&activated_at)?),
        ];
        self.db.step_reference(unit, id, condition, &as_read)
    }

    /// A step that changes an active reference's alerting, unless another caller has concurrently.
    fn step_alerting(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        after: &AlertLimit,
        (seq, activated_at): (u64, Option<Timestamp>),
    ) -> Result<TransactWriteItem> {
        let mut values: Vec<(&str, AttributeValue)> = vec![
            (":active", text(ReferenceStatus::Active.as_str())),
            (":activated_at", attribute(&activated_at)?),
            (":alerting", attribute(after)?),
            (":next", number(seq.saturating_add(1))),
        ];
        let condition = match seq {
            0 => {
                "#status = :active AND activated_at = :activated_at \
                 AND attribute_not_exists(alerting_seq)"
            }
            _ => {
                values.push((":seq", number(seq)));
                "#status = :active AND activated_at = :activated_at AND alerting_seq = :seq"
            }
        };
        self.db.step_update(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            "SET alerting = :alerting, alerting_seq = :next",
            Some(condition),
            &[("#status", "status")],
            &values,
        )
    }

    /// Says that a reference is in order although it matched much: its leads are alerted again from
    /// now on, counted again, and those that were held are alerted now, at most 100 a call. With
    /// `per_day_max`, so many alerts a day are in order from now on. Leads that a person has judged
    /// concurrently are not alerted: a person has seen them. What all uploaders brought is released.
    /// Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference, [`Error::Conflict`] if it is not active,
    /// [`Error::Unavailable`] if others kept changing it.
    pub async fn release(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        per_day_max: Option<u32>,
        now: Timestamp,
    ) -> Result<Released> {
        self.resume(unit, id, per_day_max).await?;
        let range = Range::prefix(&held_prefix(id));
        let held = self
            .db
            .query_all(Table::Leads, unit.as_str(), range)
            .await?;
        let mut released = Released {
            alerted: 0,
            left: held.len().saturating_sub(RELEASED_AT_ONCE) as u64,
        };
        for mark in held.iter().take(RELEASED_AT_ONCE) {
            let lead: LeadId = parsed(mark, "lead_id", "held lead")?;
            released.alerted += u64::from(self.alert_held(unit, id, &lead, now).await?);
        }
        Ok(released)
    }

    /// Lets the reference's next leads be alerted.
    async fn resume(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        per_day_max: Option<u32>,
    ) -> Result<()> {
        let mut attempts = self.db.attempts("releasing a reference");
        loop {
            let Some(ActiveReference { reference, seq }) = self.alerting(unit, id).await? else {
                let known = self.references.reference(unit, id).await?;
                known.ok_or(Error::Gone("the reference"))?;
                return Err(Error::Conflict("the reference is not active"));
            };
            let before = &reference.alerting;
            let same_limit = per_day_max.is_none_or(|max| max == before.per_day_max);
            if before.held_since.is_none() && before.held.is_empty() && same_limit {
                return Ok(());
            }
            let after = before.released(per_day_max);
            let as_read = (seq, reference.activated_at);
            let steps = [self.step_alerting(unit, id, &after, as_read)?];
            if self.db.transact("releasing a reference", &steps).await? == Ended::Done {
                return Ok(());
            }
            attempts.again().await?;
        }
    }

    /// Alerts a held lead, in one transaction with its mark. False if there was nothing to tell.
    async fn alert_held(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        id: &LeadId,
        now: Timestamp,
    ) -> Result<bool> {
        let mark = || key(unit.as_str(), held_sk(reference, id));
        let mut attempts = self.db.attempts("alerting a held lead");
        loop {
            let Some(active) = self.alerting(unit, reference).await? else {
                return Err(Error::Conflict("the reference is not active"));
            };
            let activated_at = active.reference.activated_at;
            let lead = self.lead_summary(unit, id).await?;
            let Some(known) = lead.filter(|lead| lead.level == Level::Review) else {
                self.db
                    .delete(Table::Leads, unit.as_str(), held_sk(reference, id))
                    .await?;
                return Ok(false);
            };
            if known.sightings_total.is_none() {
                self.count_sightings(unit, &known).await?;
                continue;
            }
            let held_for = known.held_for.as_ref();
            if let Some(uploader) = held_for
                && self.is_retracted(uploader).await?
            {
                return Ok(false); // it is withdrawn within minutes, or another's evidence alerts it
            }
            let is_open = known.status == LeadStatus::Open;
            let mut lead = known.clone();
            lead.held_for = None;
            lead.reference_activated_at = activated_at;
            if is_open {
                lead.level = Level::Alert;
            }
            let mut steps = vec![
                self.db.step_active_since(unit, reference, activated_at)?,
                self.db
                    .step_delete(Table::Leads, mark(), Some("attribute_exists(pk)"), &[])?,
                self.step_better(unit, &known, &lead)?,
            ];
            steps.extend(self.steps_moved(unit, &known, &lead)?);
            if let Some(uploader) = held_for {
                steps.push(self.step_not_retracted(uploader)?);
            }
            if is_open {
                let told = self.alerted_sightings(unit, id).await?;
                let data = AlertData::of(&lead, &told);
                let alert = self.steps_alert(unit, AlertKind::Created, data, now);
                steps.extend(alert.await?.1);
            }
            match self.db.transact("alerting a held lead", &steps).await? {
                Ended::Done => return Ok(is_open),
                ended if ended.refused(0) => attempts.again().await?, // it ended, or was submitted again
                ended if ended.refused(1) => return Ok(false),        // another caller did it
                Ended::Refused(_) => {
                    self.list_lead(unit, id).await?;
                    attempts.again().await?;
                }
            }
        }
    }
}
