//! Sightings come to a lead that is there: each once, counted, and told in its next digest. Many are
//! written together, and of one uploader only so many at all ([`crate::leads_known`]), or a list that
//! names thousands of postings of one picture would hold up what stands behind it.

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    ImageSha256, LeadId, LeadStatus, LeadSummary, Sighting, TenantId, Timestamp, first_places,
};

use crate::db::error::{Error, Result};
use crate::db::items::{attribute, item, key, number, record, sort_key, text};
use crate::db::transactions::Ended;
use crate::leads::known::{Known, NewSightings};
use crate::leads::record::lead_sk;
use crate::leads::retractions::{is_in_force, retraction_key};
use crate::leads::sightings::{
    WRITTEN_TOGETHER, by_uploader, sighting_sk, uploader_item, uploader_sk,
};
use crate::{Leads, Table};

/// Sightings kept in one transaction, which may have 100 steps: in addition to them stand the check of the
/// reference, the lead with its place in the inbox, the uploader and its retraction, the digest, and 20 items of
/// what is counted.
const KEPT_TOGETHER: usize = 70;

/// A lead and an uploader as they stand before something is added.
struct Extended {
    lead: LeadSummary,
    known: Known,
    /// What the uploader contributed is retracted: it is counted, and not alerted.
    is_retracted: bool,
}

impl Leads {
    /// Adds what a lead lacks of these sightings and of those recorded of its image; they go out in
    /// its next digest. Call it once the lead is written ([`Leads::alert_lead`]). Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn complete_lead(
        &self,
        unit: &TenantId,
        (id, image): (&LeadId, &ImageSha256),
        postings: &[Sighting],
        now: Timestamp,
    ) -> Result<()> {
        let recorded = self.uploads.sightings(image).await?;
        self.add_sightings(unit, id, &recorded, now).await?;
        self.add_sightings(unit, id, postings, now).await?;
        Ok(())
    }

    /// Adds sightings to a lead, and says how many were new to it; none if its reference is not
    /// active.
    pub(crate) async fn add_sightings(
        &self,
        unit: &TenantId,
        id: &LeadId,
        sightings: &[Sighting],
        now: Timestamp,
    ) -> Result<u64> {
        let mut added = 0;
        for (uploader, some) in by_uploader(sightings) {
            added += self.add_some(unit, id, (uploader, &some), now).await?;
        }
        Ok(added)
    }

    /// Adds what is new of one uploader's. A lead that a person dismissed is open again with the first
    /// sighting of an uploader that it did not have: what was judged is not what that one saw. Once
    /// for each uploader, so that a unit is not alerted twice.
    async fn add_some(
        &self,
        unit: &TenantId,
        id: &LeadId,
        (uploader, some): (&TenantId, &[&Sighting]),
        now: Timestamp,
    ) -> Result<u64> {
        let mut added = 0;
        let mut attempts = self.db.attempts("adding sightings");
        loop {
            let Some(extended) = self.lead_with_known(unit, id, uploader).await? else {
                return Ok(added);
            };
            if extended.lead.sightings_total.is_none() {
                self.count_sightings(unit, &extended.lead).await?;
                attempts.again().await?;
                continue;
            }
            let news = extended.known.news(some, KEPT_TOGETHER);
            if news.len() == 0 {
                return Ok(added);
            }
            let steps = self.steps_add(unit, &extended, (uploader, &news), now)?;
            match self.db.transact("adding sightings", &steps).await? {
                Ended::Done => added += news.len(),
                ended if ended.refused(0) => return Ok(added), // the reference is not active
                Ended::Refused(_) => {
                    self.list_lead(unit, id).await?;
                    attempts.again().await?;
                    continue;
                }
            }
            if !news.is_more {
                return Ok(added);
            }
        }
    }

    /// Strongly consistent, and read at once; none if there is no such lead.
    async fn lead_with_known(
        &self,
        unit: &TenantId,
        id: &LeadId,
        uploader: &TenantId,
    ) -> Result<Option<Extended>> {
        let (of_lead, of_uploader) = (lead_sk(id), uploader_sk(id, uploader));
        let mut keys = [&of_lead, &of_uploader]
            .map(|sk| key(unit.as_str(), sk))
            .to_vec();
        keys.push(retraction_key(uploader));
        let (mut lead, mut known, mut is_retracted) = (None, None, false);
        for found in self.db.get_all(Table::Leads, keys).await? {
            let sk = sort_key(&found)?;
            if sk == of_lead {
                lead = Some(record(found, "lead")?);
            } else if sk == of_uploader {
                known = Some(found);
            } else {
                is_retracted = is_in_force(found)?;
            }
        }
        let Some(lead) = lead else {
            return Ok(None);
        };
        let known = self.known_of(unit, (id, uploader), known.as_ref());
        Ok(Some(Extended {
            lead,
            known: known.await?,
            is_retracted,
        }))
    }

    fn steps_add(
        &self,
        unit: &TenantId,
        Extended {
            lead,
            known,
            is_retracted,
        }: &Extended,
        (uploader, news): (&TenantId, &NewSightings<'_>),
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>> {
        let id = &lead.lead_id;
        let is_first = known.sightings.is_none() && !is_retracted;
        let is_new = is_first && lead.status == LeadStatus::Dismissed;
        let mut steps = vec![
            self.db.step_active(unit, &lead.reference_id)?,
            self.step_counted(unit, lead, news, is_new.then_some(now))?,
            self.step_known(unit, (id, uploader), known, news)?,
        ];
        for sighting in &news.kept {
            let sighting = item(unit.as_str(), sighting_sk(id, sighting), *sighting)?;
            steps.push(self.db.step_put(Table::Leads, sighting)?);
        }
        steps.extend(self.steps_counted(unit, (id, uploader), known, news)?);
        if is_new {
            let open = LeadSummary {
                status: LeadStatus::Open,
                ..lead.clone()
            };
            steps.extend(self.steps_moved(unit, lead, &open)?);
        }
        if !is_retracted && (lead.is_alert() || is_new) {
            steps.push(self.step_not_retracted(uploader)?);
        }
        if !is_retracted && lead.is_alert() {
            steps.push(self.step_digest(unit, id, news.len())?);
        }
        Ok(steps)
    }

    /// A step that adds what is new to what is known of an uploader, if that stands as it was read.
    fn step_known(
        &self,
        unit: &TenantId,
        (id, uploader): (&LeadId, &TenantId),
        known: &Known,
        news: &NewSightings<'_>,
    ) -> Result<TransactWriteItem> {
        let mut values = vec![
            (":by", text(uploader.as_str())),
            (":kept", known.kept_with(news)),
            (":count", number(news.len())),
        ];
        let mut set = "SET uploaded_by = :by, kept = :kept".to_owned();
        let condition = match known.sightings {
            Some(was) => {
                values.push((":was", number(was)));
                "sightings = :was"
            }
            None => {
                let first = news.kept.first().ok_or(Error::Rejected("no sightings"))?;
                values.push((":first", attribute(*first)?));
                set.push_str(", #first = :first");
                "attribute_not_exists(pk)"
            }
        };
        let names = [("#first", "first")];
        let names = &names[..usize::from(known.sightings.is_none())];
        let place = key(unit.as_str(), uploader_sk(id, uploader));
        let update = format!("{set} ADD sightings :count");
        self.db.step_update(
            Table::Leads,
            place,
            &update,
            Some(condition),
            names,
            &values,
        )
    }

    /// A step that counts further sightings of a lead that stands as it was read, and opens it again
    /// if a time is given.
    fn step_counted(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        news: &NewSightings<'_>,
        reopened_at: Option<Timestamp>,
    ) -> Result<TransactWriteItem> {
        let mut condition =
            "#level = :level AND #status = :status AND attribute_exists(sightings_total)"
                .to_owned();
        let mut values = vec![
            (":count", number(news.len())),
            (":level", text(lead.level.as_str())),
            (":status", attribute(&lead.status)?),
        ];
        let mut set = Vec::new();
        if let Some(now) = reopened_at {
            values.push((":open", attribute(&LeadStatus::Open)?));
            values.push((":now", text(now.as_str())));
            set.push("#status = :open, reopened_at = :now");
        }
        let known = lead.places.as_deref();
        let places = known.map(|known| first_places(known, news.kept.iter().copied()));
        if places != lead.places {
            values.push((":places", attribute(&places)?));
            values.push((":was_total", number(lead.sightings_total.unwrap_or(0))));
            set.push("places = :places");
            condition.push_str(" AND sightings_total = :was_total");
        }
        let set = match set.is_empty() {
            true => String::new(),
            false => format!("SET {} ", set.join(", ")),
        };
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            &format!("{set}ADD sightings_total :count"),
            Some(&condition),
            &[("#level", "level"), ("#status", "status")],
            &values,
        )
    }

    /// Counts the sightings of a lead that an older build wrote, and adds what else it left out.
    pub(crate) async fn count_sightings(&self, unit: &TenantId, lead: &LeadSummary) -> Result<()> {
        let id = &lead.lead_id;
        let all = self.lead_sightings(unit, id).await?;
        let held = crate::leads::held::held_sk(&lead.reference_id, id);
        let is_held = self
            .db
            .get(Table::Leads, unit.as_str(), held)
            .await?
            .is_some();
        let held_for = is_held.then(|| all.first().map(|it| it.uploaded_by.clone()));
        let mut steps = vec![self.db.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(id)),
            "SET sightings_total = :total, evidence = :evidence, held_for = :held_for, places = :places",
            Some("attribute_exists(pk) AND attribute_not_exists(sightings_total)"),
            &[],
            &[
                (":total", number(all.len() as u64)),
                (":evidence", attribute(&lead.evidence)?),
                (":held_for", attribute(&held_for.flatten())?),
                (":places", attribute(&first_places(&[], &all))?),
            ],
        )?];
        for (uploader, some) in by_uploader(&all).into_iter().take(WRITTEN_TOGETHER) {
            steps.push(
                self.db
                    .step_put(Table::Leads, uploader_item(unit, id, uploader, &some)?)?,
            );
        }
        // Refused: another caller did it.
        self.db
            .transact("counting sightings", &steps)
            .await
            .map(drop)
    }
}
