//! The sightings of a lead, as they are kept and shown.
//!
//! Next to them stands an item for each uploader, with the number of its sightings and one of them, in
//! front of all sightings: so a look at a very large lead still shows all who posted it. Of one
//! uploader only the first are kept, and the others counted ([`crate::leads_known`]).

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertData, Cursor, Lead, LeadId, LeadSummary, LeadUploader, Listing, Page, Sighting, TenantId,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, attribute, counted, item, key, number, parsed, record, text};
use crate::leads::known::marks_of;
use crate::uploads::sighting_digest;
use crate::{Leads, PAGE_ITEMS_MAX, Table};

/// Sightings and uploaders written in the transaction of a lead, which may have 100 steps: in addition to them
/// stand the lead, its places in lists, its alert and the check of its reference. A sighting has 5 KB at most.
pub(crate) const WRITTEN_TOGETHER: usize = 85;

/// What is known of a lead's sightings at a glance.
pub(crate) struct SightingsPreview {
    /// Some, by object key: at most [`AlertData::SIGHTINGS_MAX`], one of each uploader among them.
    pub(crate) sightings: Vec<Sighting>,
    /// Without a word on whose contribution is retracted.
    pub(crate) uploaders: Vec<LeadUploader>,
}

pub(crate) fn lead_sightings_prefix(lead: &LeadId) -> String {
    format!("sighting#{lead}#")
}

pub(crate) fn sighting_sk(lead: &LeadId, sighting: &Sighting) -> String {
    let digest = sighting_digest(&sighting.object_key);
    format!("{}{digest}", lead_sightings_prefix(lead))
}

/// Before every digest, which is in hex.
pub(crate) fn uploader_sk(lead: &LeadId, uploader: &TenantId) -> String {
    format!("{}!{uploader}", lead_sightings_prefix(lead))
}

/// The sightings themselves, without the uploaders before them and the marks after them.
fn sightings_range(lead: &LeadId) -> Range {
    let prefix = lead_sightings_prefix(lead);
    Range::between(format!("{prefix}0"), format!("{prefix}g"))
}

/// The uploaders alone.
pub(crate) fn uploaders_range(lead: &LeadId) -> Range {
    Range::prefix(&format!("{}!", lead_sightings_prefix(lead)))
}

/// The uploaders and then the sightings.
fn preview_range(lead: &LeadId) -> Range {
    let prefix = lead_sightings_prefix(lead);
    Range::between(format!("{prefix}!"), format!("{prefix}g"))
}

pub(crate) fn is_of_uploader(item: &Item) -> bool {
    item.contains_key("first")
}

/// Sightings by who posted them.
pub(crate) fn by_uploader(sightings: &[Sighting]) -> BTreeMap<&TenantId, Vec<&Sighting>> {
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

impl Leads {
    /// All sightings that are kept of a lead, by object key: of each uploader
    /// [`LeadUploader::SIGHTINGS_KEPT_MAX`] at most. Strongly consistent; there may be many uploaders,
    /// so ask for [pages](Self::lead_sightings_page) where a caller waits.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lead_sightings(&self, unit: &TenantId, id: &LeadId) -> Result<Vec<Sighting>> {
        let found = self
            .db
            .query_all(Table::Leads, unit.as_str(), sightings_range(id))
            .await?;
        let read = found.into_iter().map(|it| record(it, "sighting"));
        let mut sightings: Vec<Sighting> = read.collect::<Result<_>>()?;
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key));
        Ok(sightings)
    }

    /// A page of the sightings that are kept of a lead, in the order in which they are kept. Strongly consistent.
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
        let (items, next) = self.db.query(&query).await?;
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
        retracted: &BTreeSet<TenantId>,
    ) -> Result<Lead> {
        if summary.sightings_total.is_none() {
            let all = self.lead_sightings(unit, &summary.lead_id).await?;
            summary.sightings_total = Some(all.len() as u64);
            summary.places = Some(records::first_places(&[], &all));
        }
        let glance = self.sightings_preview(unit, &summary.lead_id).await?;
        let SightingsPreview {
            sightings,
            mut uploaders,
        } = glance;
        for by in &mut uploaders {
            by.retracted = retracted.contains(&by.uploaded_by);
        }
        Ok(Lead {
            summary,
            sightings,
            uploaders,
        })
    }

    pub(crate) async fn sightings_preview(
        &self,
        unit: &TenantId,
        id: &LeadId,
    ) -> Result<SightingsPreview> {
        let mut query = Query::of(Table::Leads, unit.as_str(), preview_range(id));
        query.limit = Some(2 * AlertData::SIGHTINGS_MAX);
        let (items, _) = self.db.query(&query).await?;
        let mut uploaders = Vec::new();
        let mut sightings: BTreeMap<_, Sighting> = BTreeMap::new();
        for found in items {
            let sighting = if is_of_uploader(&found) {
                uploaders.push(LeadUploader {
                    uploaded_by: parsed(&found, "uploaded_by", "lead's uploader")?,
                    retracted: false,
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
        Ok(SightingsPreview {
            sightings: sightings.into_values().collect(),
            uploaders,
        })
    }

    /// The sightings of a lead that its alert tells: some of those whose uploaders are not retracted.
    pub(crate) async fn alerted_sightings(
        &self,
        unit: &TenantId,
        id: &LeadId,
    ) -> Result<Vec<Sighting>> {
        let mut sightings = self.sightings_preview(unit, id).await?.sightings;
        let retracted = self.retracted().await?;
        sightings.retain(|it| !retracted.contains(&it.uploaded_by));
        Ok(sightings)
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
            steps.push(
                self.db
                    .step_put(Table::Leads, item(unit.as_str(), sk, sighting)?)?,
            );
        }
        for (uploader, some) in by_uploader(sightings) {
            steps.push(
                self.db
                    .step_put(Table::Leads, uploader_item(unit, lead, uploader, &some)?)?,
            );
        }
        Ok(steps)
    }
}

pub(crate) fn uploader_item(
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
        ("kept".to_owned(), marks_of(some)),
        ("sightings".to_owned(), number(some.len() as u64)),
    ]);
    Ok(item)
}

fn first_of(item: &Item) -> Result<Sighting> {
    let first = item.get("first").ok_or(Error::Damaged("lead's uploader"))?;
    serde_dynamo::from_attribute_value(first.clone()).map_err(|_| Error::Damaged("lead's uploader"))
}
