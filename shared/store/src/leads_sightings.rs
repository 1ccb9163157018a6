//! The sightings of a lead: kept each once, counted, and told by the page.
//!
//! Beside them stands an item for each uploader, with the number of its sightings and one of them, in
//! front of all sightings: so a look at a very large lead still shows everybody who posted it. Many
//! sightings are written together, or a list that names thousands of postings of one picture would
//! hold up what stands behind it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, Cursor, ImageSha256, Lead, LeadId, LeadStatus, LeadSummary, LeadUploader, Listing,
    Page, Sighting, TenantId, Timestamp,
};

use crate::ads::sighting_digest;
use crate::calls::{Query, Range};
use crate::error::{Error, Result};
use crate::items::{Item, attribute, counted, item, key, number, parsed, record, sort_key, text};
use crate::leads_record::lead_sk;
use crate::transactions::Ended;
use crate::{PAGE_ITEMS_MAX, Store, Table, retry};

/// Sightings written in one transaction, which may have 100 steps: beside them stand the check of the
/// reference, the lead, the uploader and the digest. A sighting has 5 KB at most.
const WRITTEN_TOGETHER: usize = 90;

/// Steps of such a transaction before the first sighting.
const STEPS_BEFORE: usize = 3;

/// What is known of a lead's sightings at a glance.
pub(crate) struct Glance {
    /// Some, by object key: at most [`AlertData::SIGHTINGS_MAX`], one of each uploader among them.
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) uploaders: Vec<LeadUploader>,
}

pub(crate) fn lead_sightings_prefix(lead: &LeadId) -> String {
    format!("sighting#{lead}#")
}

fn sighting_sk(lead: &LeadId, sighting: &Sighting) -> String {
    let digest = sighting_digest(&sighting.object_key);
    format!("{}{digest}", lead_sightings_prefix(lead))
}

/// Before every digest, which is in hex.
fn uploader_sk(lead: &LeadId, uploader: &TenantId) -> String {
    format!("{}!{uploader}", lead_sightings_prefix(lead))
}

/// The sightings themselves, without the uploaders before them.
fn sightings_range(lead: &LeadId) -> Range {
    let prefix = lead_sightings_prefix(lead);
    Range::between(format!("{prefix}0"), format!("{prefix}g"))
}

fn is_of_uploader(item: &Item) -> bool {
    item.contains_key("first")
}

/// Sightings by who posted them.
fn by_uploader(sightings: &[Sighting]) -> BTreeMap<&TenantId, Vec<&Sighting>> {
    let mut all: BTreeMap<&TenantId, Vec<&Sighting>> = BTreeMap::new();
    for sighting in sightings {
        all.entry(&sighting.uploaded_by).or_default().push(sighting);
    }
    all
}

/// The first of these sightings that fit into the transaction of a new lead, with an item for each of
/// their uploaders.
pub(crate) fn written_with_lead(sightings: &[Sighting]) -> &[Sighting] {
    let mut uploaders = BTreeSet::new();
    let mut count = 0;
    for sighting in sightings.iter().take(AlertData::SIGHTINGS_MAX) {
        uploaders.insert(&sighting.uploaded_by);
        if count + uploaders.len() >= WRITTEN_TOGETHER {
            break;
        }
        count += 1;
    }
    sightings.get(..count).unwrap_or_default()
}

impl Store {
    /// All sightings of a lead, by object key. Strongly consistent; may be many thousands, so ask for
    /// [pages](Self::lead_sightings_page) where somebody waits.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lead_sightings(&self, unit: &TenantId, id: &LeadId) -> Result<Vec<Sighting>> {
        let found = self
            .query_all(Table::Leads, unit.as_str(), sightings_range(id))
            .await?;
        let read = found.into_iter().map(|it| record(it, "sighting"));
        let mut sightings: Vec<Sighting> = read.collect::<Result<_>>()?;
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key));
        Ok(sightings)
    }

    /// A page of a lead's sightings, in the order in which they are kept. Strongly consistent.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn lead_sightings_page(
        &self,
        unit: &TenantId,
        id: &LeadId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Sighting>> {
        let after = cursor
            .map(|cursor| cursor.open(unit, Listing::Sightings))
            .transpose()?;
        let is_foreign = |sk: &String| !sk.starts_with(&lead_sightings_prefix(id));
        if after.as_ref().is_some_and(is_foreign) {
            return Err(Error::Rejected("it is not a cursor of this listing"));
        }
        let mut query = Query::of(Table::Leads, unit.as_str(), sightings_range(id));
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (items, next) = self.query(&query).await?;
        let read = items.into_iter().map(|it| record(it, "sighting"));
        Ok(Page {
            items: read.collect::<Result<_>>()?,
            next: next.map(|sk| Cursor::new(unit, Listing::Sightings, &sk)),
        })
    }

    /// A lead with what is shown of its sightings, in one read.
    pub(crate) async fn with_sightings(
        &self,
        unit: &TenantId,
        mut summary: LeadSummary,
    ) -> Result<Lead> {
        if summary.sightings_total.is_none() {
            let all = self.lead_sightings(unit, &summary.lead_id).await?;
            summary.sightings_total = Some(all.len() as u64);
        }
        let glance = self.glance(unit, &summary.lead_id).await?;
        let Glance {
            sightings,
            uploaders,
        } = glance;
        Ok(Lead {
            summary,
            sightings,
            uploaders,
        })
    }

    pub(crate) async fn glance(&self, unit: &TenantId, id: &LeadId) -> Result<Glance> {
        let range = Range::prefix(&lead_sightings_prefix(id));
        let mut query = Query::of(Table::Leads, unit.as_str(), range);
        query.limit = Some(2 * AlertData::SIGHTINGS_MAX);
        let (items, _) = self.query(&query).await?;
        let mut uploaders = Vec::new();
        let mut sightings: BTreeMap<_, Sighting> = BTreeMap::new();
        for found in items {
            let sighting = if is_of_uploader(&found) {
                uploaders.push(LeadUploader {
                    uploaded_by: parsed(&found, "uploaded_by", "lead's uploader")?,
                    sightings: counted(&found, "sightings", "lead's uploader")?,
                });
                first_of(&found)?
            } else {
                record(found, "sighting")?
            };
            if sightings.len() < AlertData::SIGHTINGS_MAX {
                sightings.insert(sighting.object_key.clone(), sighting);
            }
        }
        Ok(Glance {
            sightings: sightings.into_values().collect(),
            uploaders,
        })
    }

    /// The steps that write a new lead's first sightings.
    pub(crate) fn steps_first_sightings(
        &self,
        unit: &TenantId,
        lead: &LeadId,
        sightings: &[Sighting],
    ) -> Result<Vec<TransactWriteItem>> {
        let mut steps = Vec::new();
        for sighting in sightings {
            let sk = sighting_sk(lead, sighting);
            steps.push(self.step_put(Table::Leads, item(unit.as_str(), sk, sighting)?)?);
        }
        for (uploader, some) in by_uploader(sightings) {
            steps.push(self.step_put(Table::Leads, uploader_item(unit, lead, uploader, &some)?)?);
        }
        Ok(steps)
    }

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

fn uploader_item(
    unit: &TenantId,
    lead: &LeadId,
    uploader: &TenantId,
    some: &[&Sighting],
) -> Result<Item> {
    let first = some.first().ok_or(Error::Rejected("no sightings"))?;
    let mut item = key(unit.as_str(), uploader_sk(lead, uploader));
    item.extend([
        ("uploaded_by".to_owned(), text(uploader.as_str())),
        ("first".to_owned(), attribute(*first)?),
        ("sightings".to_owned(), number(some.len() as u64)),
    ]);
    Ok(item)
}

fn first_of(item: &Item) -> Result<Sighting> {
    let first = item.get("first").ok_or(Error::Damaged("lead's uploader"))?;
    serde_dynamo::from_attribute_value(first.clone()).map_err(|_| Error::Damaged("lead's uploader"))
}
