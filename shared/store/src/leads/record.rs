//! Recording leads: once per pair, never after a withdrawal, no sighting missed.
//!
//! The lead, its outbox entry and the check that its reference is active are one transaction. The
//! alert carries the sightings known just before; some are written in the same transaction, the rest
//! afterwards ([`Leads::complete_lead`]), so that no list of postings holds up another lead. Those
//! that come later are met from both sides: the writer of a lead then reads the image's sightings,
//! and the writer of a sighting then reads the image's leads. Sightings that travel with the ad
//! ([`crate::StoredAd::postings`]) come with the match instead, and are written with the lead and
//! nowhere else: what an uploader can ask for must not grow when a picture matches.

use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::{StreamExt, TryStreamExt, stream};
use records::{
    Alert, AlertData, AlertKind, FoundLead, ImageSha256, LeadId, LeadStatus, LeadSummary, Sighting,
    TenantId, Timestamp, first_places,
};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{item, key, parsed, text};
use crate::db::transactions::Ended;
use crate::leads::held::{ActiveReference, LeadEffect};
use crate::leads::sightings::written_with_lead;
use crate::uploads::AT_ONCE;
use crate::{Leads, Table};

/// What recording a lead did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The lead is new; at alert level this is its alert's number.
    New {
        /// The lead.
        lead_id: LeadId,
        /// The alert's number within the unit; none at review level, and none if it is held.
        alert_seq: Option<u64>,
    },
    /// The lead was for review, and better evidence raised it to alert level.
    Raised {
        /// The lead.
        lead_id: LeadId,
        /// Its alert's number within the unit.
        alert_seq: u64,
    },
    /// The pair has its lead already.
    Known(LeadId),
    /// The reference is not active: nothing was written.
    NotActive,
    /// What the uploader contributed is retracted: nothing was written.
    Retracted,
}

impl Recorded {
    /// The lead, if the reference is active.
    pub fn lead_id(&self) -> Option<&LeadId> {
        match self {
            Self::New { lead_id, .. } | Self::Raised { lead_id, .. } | Self::Known(lead_id) => {
                Some(lead_id)
            }
            Self::NotActive | Self::Retracted => None,
        }
    }
}

/// A lead as an image knows it.
struct ImageLead {
    unit: TenantId,
    lead_id: LeadId,
}

pub(crate) fn lead_sk(lead: &LeadId) -> String {
    format!("lead#{lead}")
}

pub(crate) fn image_pk(image: &ImageSha256) -> String {
    format!("image#{image}")
}

pub(crate) const LISTED: &str = "listed#";

impl Leads {
    /// [Alerts](Self::alert_lead) and [completes](Self::complete_lead) a lead. Idempotent.
    ///
    /// # Errors
    /// As these two.
    pub async fn record_lead(
        &self,
        found: &FoundLead,
        postings: &[Sighting],
        now: Timestamp,
    ) -> Result<Recorded> {
        let recorded = self.alert_lead(found, postings, now).await?;
        if let Some(id) = recorded.lead_id() {
            let lead = (id, &found.image_sha256);
            self.complete_lead(&found.unit, lead, postings, now).await?;
        }
        Ok(recorded)
    }

    /// Records a match as a lead, with its alert if the policy is sure enough. One lead and one
    /// alert per pair, whatever repeats and however many try; none once a withdrawal of the
    /// reference has returned. A lead that is there rises if this evidence is better
    /// ([`records::LeadSummary::rank`]) and never sinks; if it is at alert level for the first time
    /// it is alerted then. Where an uploader's ads match a reference too much
    /// ([`records::AlertLimit`]) its further leads are held: recorded at review level, to be alerted
    /// by [`Leads::release`], or by what another uploader brings. The lead has some of the sightings
    /// afterwards, and all of them after [`Leads::complete_lead`]. Nothing rests on what was
    /// [retracted](crate::Leads::retract). Idempotent.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) if others kept writing leads of this unit.
    pub async fn alert_lead(
        &self,
        found: &FoundLead,
        postings: &[Sighting],
        now: Timestamp,
    ) -> Result<Recorded> {
        let id = LeadId::of(&found.reference_id, &found.image_sha256);
        let mut attempts = self.db.attempts("recording a lead");
        loop {
            let alerted = self.alerting(&found.unit, &found.reference_id).await?;
            let Some(alerted) = alerted else {
                return Ok(Recorded::NotActive);
            };
            if self.is_retracted(&found.uploaded_by).await? {
                return Ok(Recorded::Retracted);
            }
            let done = match self.lead_summary(&found.unit, &id).await? {
                None => self.new_lead(found, postings, &alerted, now).await?,
                Some(known) if known.sightings_total.is_none() => {
                    self.count_sightings(&found.unit, &known).await?;
                    None
                }
                Some(known) if known.status == LeadStatus::Withdrawn => {
                    self.open_again(found, &known, &alerted).await?;
                    None
                }
                Some(known) => {
                    let evidence = (found, postings);
                    self.better_lead(evidence, known, &alerted, now).await?
                }
            };
            if let Some(recorded) = done {
                return Ok(recorded);
            }
            attempts.again().await?;
        }
    }

    /// One attempt to write a new lead; nothing if something changed concurrently: then look again.
    async fn new_lead(
        &self,
        found: &FoundLead,
        postings: &[Sighting],
        alerted: &ActiveReference,
        now: Timestamp,
    ) -> Result<Option<Recorded>> {
        let unit = &found.unit;
        let calling = LeadEffect::of(found, alerted, now);
        let case_id = alerted.reference.case_id.clone();
        let mut lead = calling.level(summary(found, case_id, now));
        lead.reference_activated_at = alerted.reference.activated_at;
        let mut sightings = self.sightings_with(&lead.image_sha256, postings).await?;
        let first = written_with_lead(&sightings);
        lead.sightings_total = Some(first.len() as u64);
        lead.places = Some(first_places(&[], &sightings));
        let mut steps = self.steps_lead_effect(unit, &lead, &calling)?;
        steps.extend(self.steps_lead(unit, &lead)?);
        steps.extend(self.steps_first_sightings(unit, &lead.lead_id, first)?);
        steps.push(self.step_not_retracted(&found.uploaded_by)?);
        steps.extend(self.steps_listed(unit, &lead)?);
        let mut alert_seq = None;
        if let Some(kind) = calling.kind() {
            let retracted = self.retracted().await?;
            sightings.retain(|it| !retracted.contains(&it.uploaded_by));
            let data = AlertData::of(&lead, &sightings);
            let (seq, outbox) = self.steps_alert(unit, kind, data, now).await?;
            steps.extend(outbox);
            alert_seq = (kind == AlertKind::Created).then_some(seq);
        }
        let ended = self.db.transact("recording a lead", &steps).await?;
        let lead_id = lead.lead_id;
        Ok((ended == Ended::Done).then_some(Recorded::New { lead_id, alert_seq }))
    }

    fn steps_lead(&self, unit: &TenantId, lead: &LeadSummary) -> Result<Vec<TransactWriteItem>> {
        let id = &lead.lead_id;
        let listed_sk = format!("{LISTED}{}#{id}", lead.created_at);
        let mut listed = key(unit.as_str(), listed_sk);
        listed.insert("lead_id".into(), text(id.as_str()));
        let mut of_image = key(image_pk(&lead.image_sha256), format!("{unit}#{id}"));
        of_image.extend([
            ("unit".to_owned(), text(unit.as_str())),
            ("lead_id".to_owned(), text(id.as_str())),
        ]);
        Ok(vec![
            self.db
                .step_put_new(Table::Leads, item(unit.as_str(), lead_sk(id), lead)?)?,
            self.db.step_put(Table::Leads, listed)?,
            self.db.step_put(Table::Leads, of_image)?,
        ])
    }

    /// The number of the unit's next alert, and the steps that write it into the outbox unless
    /// another one took that number.
    pub(crate) async fn steps_alert(
        &self,
        unit: &TenantId,
        kind: AlertKind,
        data: AlertData,
        now: Timestamp,
    ) -> Result<(u64, [TransactWriteItem; 2])> {
        let last = self.last_alert_seq(unit).await?;
        let seq = last + 1;
        let alert = Alert {
            seq,
            kind,
            unit: unit.clone(),
            created_at: now,
            data,
        };
        let steps = [
            self.db
                .step_put_new(Table::Leads, crate::leads::alerts::alert_item(&alert)?)?,
            self.db.step_count(
                Table::Leads,
                key(unit.as_str(), crate::leads::alerts::COUNTER),
                (last, seq),
            )?,
        ];
        Ok((seq, steps))
    }

    /// The recorded sightings of an image and these, by object key, each once.
    async fn sightings_with(
        &self,
        image: &ImageSha256,
        postings: &[Sighting],
    ) -> Result<Vec<Sighting>> {
        let mut sightings = self.uploads.sightings(image).await?;
        sightings.extend(postings.iter().cloned());
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key)); // stable: recorded ones first
        sightings.dedup_by(|a, b| a.object_key == b.object_key);
        Ok(sightings)
    }

    /// Adds a recorded sighting to the leads that its image has, and says to how many it was new.
    /// Call it after [`Uploads::record_sighting`](crate::Uploads::record_sighting): leads that are written
    /// concurrently add it
    /// themselves. Leads of references that are not active are left as they are. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn extend_leads(
        &self,
        image: &ImageSha256,
        sighting: &Sighting,
        now: Timestamp,
    ) -> Result<u64> {
        let leads = self.leads_of_image(image).await?;
        let add = async |lead: ImageLead| {
            let sightings = std::slice::from_ref(sighting);
            self.add_sightings(&lead.unit, &lead.lead_id, sightings, now)
                .await
        };
        let added: Vec<u64> = stream::iter(leads)
            .map(add)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(added.into_iter().sum())
    }

    async fn leads_of_image(&self, image: &ImageSha256) -> Result<Vec<ImageLead>> {
        let items = self
            .db
            .query_all(Table::Leads, image_pk(image), Range::All)
            .await?;
        let read = items.iter().map(|item| {
            Ok(ImageLead {
                unit: parsed(item, "unit", "image's lead")?,
                lead_id: parsed(item, "lead_id", "image's lead")?,
            })
        });
        read.collect()
    }
}

fn summary(found: &FoundLead, case_id: records::CaseId, now: Timestamp) -> LeadSummary {
    LeadSummary {
        lead_id: LeadId::of(&found.reference_id, &found.image_sha256),
        case_id,
        reference_id: found.reference_id.clone(),
        image_sha256: found.image_sha256,
        level: found.level,
        method: found.method,
        distance: found.distance,
        edit: found.edit.clone(),
        policy_version: found.policy_version,
        outline: found.outline,
        status: LeadStatus::Open,
        verdict: None,
        first_opinion: None,
        created_at: now,
        evidence: found.evidence,
        evidence_by: Some(found.uploaded_by.clone()),
        held_for: None,
        retracted: None,
        reopened_at: None,
        reference_activated_at: None,
        sightings_total: None,
        places: None,
    }
}
