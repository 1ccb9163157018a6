//! Leads as their unit sees them: listed, looked at, judged.

pub(crate) mod alerts;
pub(crate) mod better;
pub(crate) mod digests;
pub(crate) mod erasing;
pub(crate) mod extend;
pub(crate) mod held;
pub(crate) mod known;
pub(crate) mod outbox;
pub(crate) mod presence;
pub(crate) mod record;
pub(crate) mod retractions;
pub(crate) mod sightings;
pub(crate) mod tabs;
pub(crate) mod verdicts;
pub(crate) mod withdrawn;

use futures::{StreamExt, TryStreamExt, stream};
use records::{
    AlertData, AlertKind, CaseId, Cursor, Lead, LeadId, LeadStatus, LeadSummary, Level, Listing,
    Page, TenantId, VerdictEntry, VerdictRecord,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{attribute, key, parsed, record, sort_key};
use crate::db::transactions::Ended;
use crate::leads::record::{LISTED, lead_sk};
use crate::uploads::AT_ONCE;
use crate::{Db, Deliveries, Erasures, PAGE_ITEMS_MAX, References, Table, Tenants, Uploads};

/// Leads with their sightings, alerts, digests, and retractions. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Leads {
    pub(crate) db: Db,
    pub(crate) uploads: Uploads,
    pub(crate) references: References,
    pub(crate) deliveries: Deliveries,
    pub(crate) tenants: Tenants,
    pub(crate) erasures: Erasures,
}

impl Leads {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            uploads: Uploads::new(db),
            references: References::new(db),
            deliveries: Deliveries::new(db),
            tenants: Tenants::new(db),
            erasures: Erasures::new(db),
        }
    }
}

/// Which leads a listing shows; what is none does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadFilter {
    /// Of this case.
    pub case_id: Option<CaseId>,
    /// Standing so.
    pub status: Option<LeadStatus>,
    /// Of this level.
    pub level: Option<Level>,
}

impl LeadFilter {
    fn shows(&self, lead: &LeadSummary) -> bool {
        self.case_id
            .as_ref()
            .is_none_or(|case| *case == lead.case_id)
            && self.status.is_none_or(|status| status == lead.status)
            && self.level.is_none_or(|level| level == lead.level)
    }
}

impl Leads {
    /// A lead of this unit with some of its sightings ([`Lead::SIGHTINGS_MAX`]). Strongly consistent;
    /// another unit's is as one that does not exist.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lead(&self, unit: &TenantId, id: &LeadId) -> Result<Option<Lead>> {
        match self.lead_summary(unit, id).await? {
            Some(summary) => {
                let retracted = self.retracted().await?;
                let lead = self.with_sightings(unit, summary, &retracted).await?;
                Ok(Some(lead))
            }
            None => Ok(None),
        }
    }

    /// A lead without its sightings. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lead_summary(&self, unit: &TenantId, id: &LeadId) -> Result<Option<LeadSummary>> {
        let found = self
            .db
            .get(Table::Leads, unit.as_str(), lead_sk(id))
            .await?;
        found.map(|item| record(item, "lead")).transpose()
    }

    /// A page of a unit's leads, each with some of its sightings, newest first. Strongly consistent. A page may
    /// hold fewer leads than asked for, even none, and still have a next one.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn leads(
        &self,
        unit: &TenantId,
        filter: &LeadFilter,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Lead>> {
        let after = cursor
            .map(|cursor| cursor.open(unit, Listing::Leads))
            .transpose()?;
        let mut query = Query::of(Table::Leads, unit.as_str(), Range::prefix(LISTED));
        query.newest_first = true;
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (listed, next) = self.db.query(&query).await?;
        let summaries = self.summaries(unit, &listed).await?;
        let retracted = self.retracted().await?;
        let items = stream::iter(summaries.into_iter().filter(|lead| filter.shows(lead)))
            .map(|summary| self.with_sightings(unit, summary, &retracted))
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        Ok(Page {
            items,
            next: next.map(|key| Cursor::new(unit, Listing::Leads, &key)),
        })
    }

    /// The leads of a list's entries, newest first.
    async fn summaries(
        &self,
        unit: &TenantId,
        listed: &[crate::db::items::Item],
    ) -> Result<Vec<LeadSummary>> {
        let keys = listed
            .iter()
            .map(|item| {
                let id: LeadId = parsed(item, "lead_id", "list of leads")?;
                sort_key(item)?;
                Ok(key(unit.as_str(), lead_sk(&id)))
            })
            .collect::<Result<Vec<_>>>()?;
        let items = self.db.get_all(Table::Leads, keys).await?;
        let mut summaries: Vec<LeadSummary> = items
            .into_iter()
            .map(|item| record(item, "lead"))
            .collect::<Result<_>>()?;
        summaries.sort_by(|a, b| (b.created_at, &b.lead_id).cmp(&(a.created_at, &a.lead_id)));
        Ok(summaries)
    }

    /// Writes a person's decision on a lead, and an alert about it, in one transaction. The same
    /// decision again changes nothing; a later one replaces the one before.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such lead or its reference is not active (any more).
    pub async fn judge(
        &self,
        unit: &TenantId,
        id: &LeadId,
        verdict: &VerdictEntry,
    ) -> Result<LeadSummary> {
        let mut attempts = self.db.attempts("recording a verdict");
        loop {
            let mut lead = self
                .lead_summary(unit, id)
                .await?
                .ok_or(Error::Gone("the lead"))?;
            let last = lead.verdict.as_ref();
            let is_same = last.is_some_and(|last| same_decision(last, verdict));
            if is_same && lead.status != LeadStatus::Open {
                return Ok(lead); // one that is open again is judged again
            }
            let known = lead.clone();
            let kept = VerdictRecord {
                lead_id: id.clone(),
                by: None,
                at: verdict.decided_at,
                entry: Some(verdict.clone()),
                status_before: lead.status,
                verdict_before: lead.verdict.take(),
                first_before: lead.first_opinion.clone(),
                opinion: None,
            };
            lead.status = verdict.verdict.status();
            lead.verdict = Some(verdict.clone());
            lead.first_opinion = None;
            lead.retracted = None; // a person has looked at it since
            let ended = self.write_verdict(unit, (&known, &lead), &kept).await?;
            if ended == Ended::Done {
                return Ok(lead);
            }
            if ended.refused(0) {
                return Err(Error::Gone("the lead's reference"));
            }
            self.list_lead(unit, id).await?;
            attempts.again().await?;
        }
    }

    async fn write_verdict(
        &self,
        unit: &TenantId,
        (known, lead): (&LeadSummary, &LeadSummary),
        kept: &VerdictRecord,
    ) -> Result<Ended> {
        let glance = self.sightings_preview(unit, &lead.lead_id).await?;
        let data = AlertData::of(lead, &glance.sightings);
        let (_, outbox) = self
            .steps_alert(unit, AlertKind::Verdict, data, kept.at)
            .await?;
        let mut steps = vec![
            self.db.step_active(unit, &lead.reference_id)?,
            self.db.step_update(
                Table::Leads,
                key(unit.as_str(), lead_sk(&lead.lead_id)),
                "SET #status = :status, verdict = :verdict, retracted = :retracted, \
                 first_opinion = :first_opinion",
                Some("attribute_exists(pk)"),
                &[("#status", "status")],
                &[
                    (":status", attribute(&lead.status)?),
                    (":verdict", attribute(&lead.verdict)?),
                    (":retracted", attribute(&lead.retracted)?),
                    (":first_opinion", attribute(&lead.first_opinion)?),
                ],
            )?,
        ];
        steps.push(self.step_verdict_kept(unit, kept)?);
        steps.extend(outbox);
        steps.extend(self.steps_moved(unit, known, lead)?);
        self.db.transact("recording a verdict", &steps).await
    }
}

/// Whether two entries say the same, whenever.
fn same_decision(a: &VerdictEntry, b: &VerdictEntry) -> bool {
    VerdictEntry {
        decided_at: b.decided_at,
        ..a.clone()
    } == *b
}
