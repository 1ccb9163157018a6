//! Sightings come to a lead that is there: each once, counted, and told in its next digest. Many are
//! written together, or a list that names thousands of postings of one picture would hold up what
//! stands behind it.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{ImageSha256, LeadId, LeadStatus, LeadSummary, Sighting, TenantId, Timestamp};

use crate::error::{Error, Result};
use crate::items::{attribute, item, key, number, sort_key, text};
use crate::leads_record::lead_sk;
use crate::leads_sightings::{
    WRITTEN_TOGETHER, by_uploader, sighting_sk, uploader_item, uploader_sk,
};
use crate::transactions::Ended;
use crate::{Store, Table, retry};

/// Steps of such a transaction before the first sighting.
const STEPS_BEFORE: usize = 3;

impl Store {
    /// Adds what a lead lacks of these sightings and of those recorded of its image; they go out in
    /// its next digest. Call it once the lead is written ([`Store::tell_lead`]). Idempotent.
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
        let recorded = self.sightings(image).await?;
        let missing = self.missing(unit, id, &recorded).await?;
        self.add_sightings(unit, id, &missing, now).await?;
        self.add_sightings(unit, id, postings, now).await?;
        Ok(())
    }

    /// Those of these sightings that a lead does not have.
    async fn missing(
        &self,
        unit: &TenantId,
        id: &LeadId,
        sightings: &[Sighting],
    ) -> Result<Vec<Sighting>> {
        let place = |it: &Sighting| key(unit.as_str(), sighting_sk(id, it));
        let keys = sightings.iter().map(place).collect();
        let mut known = BTreeSet::new();
        for found in self.get_all(Table::Leads, keys).await? {
            known.insert(sort_key(&found)?.to_owned());
        }
        let is_missing = |it: &&Sighting| !known.contains(&sighting_sk(id, it));
        Ok(sightings.iter().filter(is_missing).cloned().collect())
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
        for (uploader, all) in by_uploader(sightings) {
            for some in all.chunks(WRITTEN_TOGETHER) {
                added += self.add_some(unit, id, (uploader, some), now).await?;
            }
        }
        Ok(added)
    }

    /// One transaction's worth of one uploader. A lead that a person dismissed is open again with the
    /// first sighting of an uploader that it did not have: what was judged is not what that one saw.
    /// Once for each uploader, so that nobody nags.
    async fn add_some(
        &self,
        unit: &TenantId,
        id: &LeadId,
        (uploader, some): (&TenantId, &[&Sighting]),
        now: Timestamp,
    ) -> Result<u64> {
        let mut left = some.to_vec();
        for attempt in 0..retry::ATTEMPTS_MAX {
            let Some(lead) = self.lead_summary(unit, id).await? else {
                return Ok(0);
            };
            if lead.sightings_total.is_none() {
                self.count_sightings(unit, &lead).await?;
                continue;
            }
            let steps = self.steps_add(unit, &lead, (uploader, &left), now).await?;
            let Ended::Refused(refused) = self.transact("adding sightings", &steps).await? else {
                return Ok(left.len() as u64);
            };
            if refused.contains(&0) {
                return Ok(0); // the reference is not active
            }
            let known = |place: usize| refused.contains(&(place + STEPS_BEFORE));
            let places = left.into_iter().enumerate();
            left = places.filter(|it| !known(it.0)).map(|it| it.1).collect();
            if left.is_empty() {
                return Ok(0);
            }
            if refused.iter().any(|step| *step < STEPS_BEFORE) {
                self.pause(attempt).await;
            }
        }
        Err(Error::Unavailable("adding sightings"))
    }

    async fn steps_add(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        (uploader, some): (&TenantId, &[&Sighting]),
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>> {
        let (id, count) = (&lead.lead_id, some.len() as u64);
        let of_uploader = key(unit.as_str(), uploader_sk(id, uploader));
        let is_new = lead.status == LeadStatus::Dismissed
            && self
                .get(Table::Leads, unit.as_str(), uploader_sk(id, uploader))
                .await?
                .is_none();
        let mut steps = vec![
            self.step_active(unit, &lead.reference_id)?,
            self.step_counted(unit, lead, count, is_new.then_some(now))?,
            self.step_update(
                Table::Leads,
                of_uploader,
                "SET uploaded_by = :by, #first = if_not_exists(#first, :first) \
                 ADD sightings :count",
                is_new.then_some("attribute_not_exists(pk)"),
                &[("#first", "first")],
                &[
                    (":by", text(uploader.as_str())),
                    (":first", attribute(some[0])?),
                    (":count", number(count)),
                ],
            )?,
        ];
        for sighting in some {
            let sk = sighting_sk(id, sighting);
            let sighting = item(unit.as_str(), sk, *sighting)?;
            steps.push(self.step_put_new(Table::Leads, sighting)?);
        }
        if lead.is_alert() {
            steps.push(self.step_digest(unit, id, count)?);
        }
        Ok(steps)
    }

    /// A step that counts further sightings of a lead that stands as it was read, and opens it again
    /// if a time is given.
    fn step_counted(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        count: u64,
        reopened_at: Option<Timestamp>,
    ) -> Result<TransactWriteItem> {
        let mut values = vec![
            (":count", number(count)),
            (":level", attribute(&lead.level)?),
            (":status", attribute(&lead.status)?),
        ];
        let update = match reopened_at {
            None => "ADD sightings_total :count",
            Some(now) => {
                values.push((":open", attribute(&LeadStatus::Open)?));
                values.push((":now", text(now.as_str())));
                "SET #status = :open, reopened_at = :now ADD sightings_total :count"
            }
        };
        self.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            update,
            Some("#level = :level AND #status = :status AND attribute_exists(sightings_total)"),
            &[("#level", "level"), ("#status", "status")],
            &values,
        )
    }

    /// Counts the sightings of a lead that an older build wrote, and adds what else it left out.
    pub(crate) async fn count_sightings(&self, unit: &TenantId, lead: &LeadSummary) -> Result<()> {
        let id = &lead.lead_id;
        let all = self.lead_sightings(unit, id).await?;
        let held = crate::leads_held::held_sk(&lead.reference_id, id);
        let is_held = self.get(Table::Leads, unit.as_str(), held).await?.is_some();
        let held_for = is_held.then(|| all.first().map(|it| it.uploaded_by.clone()));
        let mut steps = vec![self.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(id)),
            "SET sightings_total = :total, evidence = :evidence, held_for = :held_for",
            Some("attribute_exists(pk) AND attribute_not_exists(sightings_total)"),
            &[],
            &[
                (":total", number(all.len() as u64)),
                (":evidence", attribute(&lead.evidence)?),
                (":held_for", attribute(&held_for.flatten())?),
            ],
        )?];
        for (uploader, some) in by_uploader(&all).into_iter().take(WRITTEN_TOGETHER) {
            steps.push(self.step_put(Table::Leads, uploader_item(unit, id, uploader, &some)?)?);
        }
        // Refused: somebody else did it.
        self.transact("counting sightings", &steps).await.map(drop)
    }
}
