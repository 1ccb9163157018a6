//! Recording leads: once per pair, never after a withdrawal, no sighting missed.
//!
//! The lead, its outbox entry and the check that its reference is active are one transaction. The
//! alert carries the sightings known just before; they are written in the same transaction. Those
//! that come later are met from both sides: whoever writes a lead then reads the image's sightings,
//! and whoever writes a sighting then reads the image's leads. Sightings that travel with the ad
//! ([`crate::StoredAd::postings`]) come with the match instead, and are written with the lead and
//! nowhere else: what an uploader can ask for must not grow when a picture matches.

use aws_sdk_dynamodb::types::TransactWriteItem;
use futures::{StreamExt, TryStreamExt, stream};
use records::{
    Alert, AlertData, AlertKind, Found, ImageSha256, LeadId, LeadStatus, LeadSummary, ReferenceId,
    Sighting, TenantId, Timestamp,
};

use crate::ads::{AT_ONCE, sighting_digest};
use crate::calls::Range;
use crate::error::{Error, Result};
use crate::items::{item, key, number, parsed, text};
use crate::leads_held::{Alerted, Calling};
use crate::transactions::Ended;
use crate::{Store, Table, retry};

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
    /// The pair has its lead already.
    Known(LeadId),
    /// The reference is not active: nothing was written.
    NotActive,
}

/// A lead as an image knows it.
pub(crate) struct ImageLead {
    pub(crate) unit: TenantId,
    lead_id: LeadId,
    reference_id: ReferenceId,
    is_alert: bool,
}

pub(crate) fn lead_sk(lead: &LeadId) -> String {
    format!("lead#{lead}")
}

pub(crate) fn lead_sightings_prefix(lead: &LeadId) -> String {
    format!("sighting#{lead}#")
}

fn lead_sighting_sk(lead: &LeadId, sighting: &Sighting) -> String {
    format!("sighting#{lead}#{}", sighting_digest(&sighting.object_key))
}

pub(crate) fn image_pk(image: &ImageSha256) -> String {
    format!("image#{image}")
}

pub(crate) const LISTED: &str = "listed#";

impl Store {
    /// Records a match as a lead, with its alert if the policy is sure enough. One lead and one
    /// alert per pair, whatever repeats and whoever else tries; none once a withdrawal of the
    /// reference has returned. Afterwards the lead has every sighting that was recorded before the
    /// call, and these `postings` of its image. A reference that matches too much
    /// ([`records::Alerting`]) has its further leads held: recorded at review level, to be alerted
    /// by [`Store::release`]. Idempotent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept writing leads of this unit.
    pub async fn record_lead(
        &self,
        found: &Found,
        postings: &[Sighting],
        now: Timestamp,
    ) -> Result<Recorded> {
        for attempt in 0..retry::ATTEMPTS_MAX {
            let reference = self.alerting(&found.unit, &found.reference_id).await?;
            let Some(Alerted { reference, seq }) = reference else {
                return Ok(Recorded::NotActive);
            };
            let lead = summary(found, reference.case_id, now);
            let calling = Calling::of(&lead, &reference.alerting, seq, now);
            let lead = calling.level(lead);
            if let Some(known) = self.lead_summary(&found.unit, &lead.lead_id).await? {
                if known.status == LeadStatus::Withdrawn {
                    self.open_again(&found.unit, &known).await?;
                }
                self.complete_sightings(&found.unit, &known, postings)
                    .await?;
                return Ok(Recorded::Known(known.lead_id));
            }
            let sightings = self.sightings_with(&lead.image_sha256, postings).await?;
            let written = self.write_lead(&found.unit, &lead, sightings, &calling, now);
            if let Some(alert_seq) = written.await? {
                self.complete_sightings(&found.unit, &lead, postings)
                    .await?;
                return Ok(Recorded::New {
                    lead_id: lead.lead_id,
                    alert_seq,
                });
            }
            self.pause(attempt).await;
        }
        Err(Error::Unavailable("recording a lead"))
    }

    /// One attempt to write a new lead. The alert's number (none at review level), or nothing if
    /// something changed meanwhile: then look again.
    async fn write_lead(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        mut sightings: Vec<Sighting>,
        calling: &Calling,
        now: Timestamp,
    ) -> Result<Option<Option<u64>>> {
        let data = AlertData::of(lead, &sightings);
        sightings.truncate(AlertData::SIGHTINGS_MAX);
        let mut steps = self.steps_lead(unit, lead)?;
        steps.extend(self.steps_calling(unit, lead, calling)?);
        for sighting in &sightings {
            let sk = lead_sighting_sk(&lead.lead_id, sighting);
            steps.push(self.step_put(Table::Leads, item(unit.as_str(), sk, sighting)?)?);
        }
        let mut alert_seq = None;
        if let Some(kind) = calling.kind() {
            let (seq, outbox) = self.steps_alert(unit, kind, data, now).await?;
            steps.extend(outbox);
            alert_seq = (kind == AlertKind::Created).then_some(seq);
        }
        let ended = self.transact("recording a lead", &steps).await?;
        Ok((ended == Ended::Done).then_some(alert_seq))
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
            ("reference_id".to_owned(), text(lead.reference_id.as_str())),
            ("alerts".to_owned(), number(u64::from(lead.is_alert()))),
        ]);
        Ok(vec![
            self.step_put_new(Table::Leads, item(unit.as_str(), lead_sk(id), lead)?)?,
            self.step_put(Table::Leads, listed)?,
            self.step_put(Table::Leads, of_image)?,
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
            self.step_put_new(Table::Leads, crate::alerts::alert_item(&alert)?)?,
            self.step_count(
                Table::Leads,
                key(unit.as_str(), crate::alerts::COUNTER),
                (last, seq),
            )?,
        ];
        Ok((seq, steps))
    }

    /// Adds the image's sightings that a lead does not have yet; they go out in its next digest.
    async fn complete_sightings(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        postings: &[Sighting],
    ) -> Result<()> {
        let of_image = ImageLead {
            unit: unit.clone(),
            lead_id: lead.lead_id.clone(),
            reference_id: lead.reference_id.clone(),
            is_alert: lead.is_alert(),
        };
        let known = self.lead_sightings(unit, &lead.lead_id).await?;
        for sighting in self.sightings_with(&lead.image_sha256, postings).await? {
            if !known
                .iter()
                .any(|known| known.object_key == sighting.object_key)
            {
                self.add_sighting(&of_image, &sighting).await?;
            }
        }
        Ok(())
    }

    /// The recorded sightings of an image and these, by object key, each once.
    async fn sightings_with(
        &self,
        image: &ImageSha256,
        postings: &[Sighting],
    ) -> Result<Vec<Sighting>> {
        let mut sightings = self.sightings(image).await?;
        sightings.extend(postings.iter().cloned());
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key)); // stable: recorded ones first
        sightings.dedup_by(|a, b| a.object_key == b.object_key);
        Ok(sightings)
    }

    /// Adds a recorded sighting to the leads that its image has, and says to how many it was new.
    /// Call it after [`Store::record_sighting`]: leads that are written meanwhile add it
    /// themselves. Leads of references that are not active are left as they are. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn extend_leads(&self, image: &ImageSha256, sighting: &Sighting) -> Result<u64> {
        let leads = self.leads_of_image(image).await?;
        let added: Vec<bool> = stream::iter(leads)
            .map(|lead| async move { self.add_sighting(&lead, sighting).await })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(added.into_iter().map(u64::from).sum())
    }

    pub(crate) async fn leads_of_image(&self, image: &ImageSha256) -> Result<Vec<ImageLead>> {
        let items = self
            .query_all(Table::Leads, image_pk(image), Range::All)
            .await?;
        items
            .iter()
            .map(|item| {
                Ok(ImageLead {
                    unit: parsed(item, "unit", "image's lead")?,
                    lead_id: parsed(item, "lead_id", "image's lead")?,
                    reference_id: parsed(item, "reference_id", "image's lead")?,
                    is_alert: crate::items::counted(item, "alerts", "image's lead")? == 1,
                })
            })
            .collect()
    }

    pub(crate) async fn add_sighting(&self, lead: &ImageLead, sighting: &Sighting) -> Result<bool> {
        let unit = lead.unit.as_str();
        let sk = lead_sighting_sk(&lead.lead_id, sighting);
        let mut steps = vec![
            self.step_active(&lead.unit, &lead.reference_id)?,
            self.step_put_new(Table::Leads, item(unit, sk, sighting)?)?,
        ];
        if lead.is_alert {
            steps.push(self.step_digest(&lead.unit, &lead.lead_id)?);
        }
        Ok(self.transact("adding a sighting", &steps).await? == Ended::Done)
    }
}

fn summary(found: &Found, case_id: records::CaseId, now: Timestamp) -> LeadSummary {
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
        created_at: now,
    }
}
