//! Retractions: what an uploader contributed is taken back as a whole, and may be given back.
//!
//! A retraction is one item. Every transaction by which a lead is recorded, rises or opens again is
//! conditioned on there being none of its uploader, so from the moment it is written nothing new rests
//! on the contribution. What rested on it before is withdrawn afterwards, lead by lead, each on the
//! condition that the retraction still stands. Uploads, ads and sightings stay as they are: an uploader
//! sees no difference, and lifting it is a search of all past ads.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::TransactWriteItem;
use records::{
    AlertKind, Evidence, LeadId, LeadStatus, LeadSummary, ReferenceId, Retraction, RetractionState,
    TenantId, Timestamp,
};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{Item, attribute, item, key, number, parsed, record, sort_key, text};
use crate::db::transactions::Ended;
use crate::leads::record::lead_sk;
use crate::leads::sightings::{uploader_sk, uploaders_range};
use crate::leads::withdrawn::taken_back;
use crate::{Leads, Table};

const RETRACTIONS: &str = "retractions";
const LEADS: &str = "lead#";

/// Not retracted, or that is being lifted.
const STANDS: &str = "attribute_not_exists(pk) OR #state = :lifting";

/// Only a lead that stands as it was read is withdrawn: with another uploader's sighting it may stay.
const AS_READ: &str = "#status = :before AND sightings_total = :total";

/// Leads of a unit that a retraction has withdrawn, by this call or by one before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadsWithdrawn {
    /// How many.
    pub leads: u64,
    /// References of those that others have posted too, whose own claims may hold: all past ads are
    /// to be searched for them again.
    pub posted_by_others: BTreeSet<ReferenceId>,
}

/// Who posted a lead's image as well, as far as they are not retracted too.
struct Others(u64);

pub(crate) fn retraction_key(tenant: &TenantId) -> Item {
    key(RETRACTIONS, tenant.as_str())
}

pub(crate) fn is_in_force(item: Item) -> Result<bool> {
    let retraction: Retraction = record(item, "retraction")?;
    Ok(retraction.is_in_force())
}

impl Leads {
    /// Takes back what a tenant contributed, and says how that stands. From now on no lead, alert or
    /// digest rests on it; what does already is withdrawn by [`Leads::withdraw_retracted_leads`].
    /// Idempotent.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept retracting and lifting it.
    pub async fn retract(&self, tenant: &TenantId, now: Timestamp) -> Result<Retraction> {
        let mut attempts = self.db.attempts("retracting");
        loop {
            let known = self.retraction(tenant).await?;
            if let Some(known) = known.filter(Retraction::is_in_force) {
                return Ok(known);
            }
            let retraction = Retraction {
                tenant: tenant.clone(),
                state: RetractionState::Withdrawing,
                retracted_at: now,
                leads_withdrawn: 0,
                searches_from: None,
            };
            let steps = [self.db.step_put_if(
                Table::Leads,
                item(RETRACTIONS, tenant.as_str(), &retraction)?,
                STANDS,
                &[("#state", "state")],
                &[(":lifting", attribute(&RetractionState::Lifting)?)],
            )?];
            if self.db.transact("retracting", &steps).await? == Ended::Done {
                return Ok(retraction);
            }
            attempts.again().await?;
        }
    }

    /// Gives a tenant's contribution back: it counts again at once, and all past ads are to be searched
    /// for every reference before [`Leads::end_lifting`]. Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if it is not retracted.
    pub async fn lift_retraction(&self, tenant: &TenantId, now: Timestamp) -> Result<Retraction> {
        let steps = [self.db.step_update(
            Table::Leads,
            retraction_key(tenant),
            "SET #state = :lifting, searches_from = :now",
            Some("attribute_exists(pk) AND #state <> :lifting"),
            &[("#state", "state")],
            &[
                (":lifting", attribute(&RetractionState::Lifting)?),
                (":now", text(now.as_str())),
            ],
        )?];
        self.db.transact("lifting a retraction", &steps).await?;
        let lifting = self.retraction(tenant).await?;
        lifting.ok_or(Error::Gone("the retraction"))
    }

    /// A tenant's retraction, be it in force or being lifted. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn retraction(&self, tenant: &TenantId) -> Result<Option<Retraction>> {
        let found = self
            .db
            .get(Table::Leads, RETRACTIONS, tenant.as_str())
            .await?;
        found.map(|it| record(it, "retraction")).transpose()
    }

    /// All retractions. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn retractions(&self) -> Result<Vec<Retraction>> {
        let found = self
            .db
            .query_all(Table::Leads, RETRACTIONS, Range::All)
            .await?;
        found
            .into_iter()
            .map(|it| record(it, "retraction"))
            .collect()
    }

    /// Whose contributions are taken back. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn retracted(&self) -> Result<BTreeSet<TenantId>> {
        let all = self.retractions().await?.into_iter();
        let in_force = all.filter(Retraction::is_in_force);
        Ok(in_force.map(|it| it.tenant).collect())
    }

    pub(crate) async fn is_retracted(&self, uploader: &TenantId) -> Result<bool> {
        let retraction = self.retraction(uploader).await?;
        Ok(retraction.is_some_and(|it| it.is_in_force()))
    }

    /// A step that refuses the transaction if this uploader's contribution is retracted.
    pub(crate) fn step_not_retracted(&self, uploader: &TenantId) -> Result<TransactWriteItem> {
        self.db.step_check(
            Table::Leads,
            retraction_key(uploader),
            STANDS,
            &[("#state", "state")],
            &[(":lifting", attribute(&RetractionState::Lifting)?)],
        )
    }

    /// Withdraws the leads of a unit that rest on a retracted contribution: those that no other uploader
    /// posted, and those that others posted too but that have their level by what this uploader
    /// claimed in a list. What a person has confirmed or dismissed stays as it was judged. If the unit
    /// asks for that ([`records::TenantSettings::tell_withdrawals`]) its case system is told of each
    /// alerted one, in one transaction. Idempotent; reads all leads of the unit.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if others kept writing to a lead.
    pub async fn withdraw_retracted_leads(
        &self,
        unit: &TenantId,
        retracted: &TenantId,
        now: Timestamp,
    ) -> Result<LeadsWithdrawn> {
        let tells = self.tenants.tenant(unit).await?;
        let tells = tells.is_some_and(|unit| unit.tell_withdrawals);
        let mut done = LeadsWithdrawn::default();
        for lead in self.leads_with(unit, retracted).await? {
            let asked = (&lead.lead_id, retracted);
            if let Some(Others(others)) = self.withdraw_retracted(unit, asked, tells, now).await? {
                done.leads += 1;
                if others > 0 {
                    done.posted_by_others.insert(lead.reference_id);
                }
            }
        }
        Ok(done)
    }

    /// Leads that have a sighting of this uploader, but for those that a person has decided.
    async fn leads_with(&self, unit: &TenantId, uploader: &TenantId) -> Result<Vec<LeadSummary>> {
        let (mut keys, mut leads) = (Vec::new(), Vec::new());
        let all = Range::prefix(LEADS);
        for item in self.db.query_all(Table::Leads, unit.as_str(), all).await? {
            let lead: LeadSummary = record(item, "lead")?;
            if is_undecided(&lead) || lead.retracted.as_ref() == Some(uploader) {
                keys.push(key(unit.as_str(), uploader_sk(&lead.lead_id, uploader)));
                leads.push(lead);
            }
        }
        let found = self.db.get_all(Table::Leads, keys).await?;
        let found: Vec<&str> = found.iter().map(sort_key).collect::<Result<_>>()?;
        let found: BTreeSet<&str> = found.into_iter().collect();
        leads.retain(|lead| found.contains(uploader_sk(&lead.lead_id, uploader).as_str()));
        Ok(leads)
    }

    /// Withdraws one lead if it rests on the contribution; if it did, now or before, says who posted
    /// its image as well.
    async fn withdraw_retracted(
        &self,
        unit: &TenantId,
        (id, retracted): (&LeadId, &TenantId),
        tells: bool,
        now: Timestamp,
    ) -> Result<Option<Others>> {
        let mut attempts = self.db.attempts("withdrawing a lead");
        loop {
            let Some(lead) = self.lead_summary(unit, id).await? else {
                return Ok(None);
            };
            let others = self.other_uploaders(unit, &lead).await?;
            if lead.status == LeadStatus::Withdrawn {
                return Ok((lead.retracted.as_ref() == Some(retracted)).then_some(others));
            }
            if !is_undecided(&lead) || !rests_on(&lead, &others, retracted) {
                return Ok(None);
            }
            let mut steps = vec![
                self.step_retracted(retracted)?,
                self.step_withdraw(unit, &lead, retracted)?,
            ];
            let withdrawn = LeadSummary {
                status: LeadStatus::Withdrawn,
                ..lead.clone()
            };
            steps.extend(self.steps_moved(unit, &lead, &withdrawn)?);
            if tells && lead.is_alert() {
                let data = taken_back(&lead);
                let outbox = self.steps_alert(unit, AlertKind::Withdrawn, data, now);
                steps.extend(outbox.await?.1);
            }
            match self.db.transact("withdrawing a lead", &steps).await? {
                Ended::Done => return Ok(Some(others)),
                ended if ended.refused(0) => return Ok(None), // it was lifted
                Ended::Refused(_) => {
                    self.list_lead(unit, id).await?;
                    attempts.again().await?;
                }
            }
        }
    }

    async fn other_uploaders(&self, unit: &TenantId, lead: &LeadSummary) -> Result<Others> {
        let retracted = self.retracted().await?;
        let range = uploaders_range(&lead.lead_id);
        let mut others = 0;
        for item in self
            .db
            .query_all(Table::Leads, unit.as_str(), range)
            .await?
        {
            let uploader: TenantId = parsed(&item, "uploaded_by", "lead's uploader")?;
            others += u64::from(!retracted.contains(&uploader));
        }
        Ok(Others(others))
    }

    fn step_retracted(&self, tenant: &TenantId) -> Result<TransactWriteItem> {
        self.db.step_check(
            Table::Leads,
            retraction_key(tenant),
            "attribute_exists(pk) AND #state <> :lifting",
            &[("#state", "state")],
            &[(":lifting", attribute(&RetractionState::Lifting)?)],
        )
    }

    fn step_withdraw(
        &self,
        unit: &TenantId,
        lead: &LeadSummary,
        retracted: &TenantId,
    ) -> Result<TransactWriteItem> {
        self.db.step_update(
            Table::Leads,
            key(unit.as_str(), lead_sk(&lead.lead_id)),
            "SET #status = :status, retracted = :retracted",
            Some(AS_READ),
            &[("#status", "status")],
            &[
                (":status", attribute(&LeadStatus::Withdrawn)?),
                (":retracted", text(retracted.as_str())),
                (":before", attribute(&lead.status)?),
                (":total", number(lead.sightings_total.unwrap_or(0))),
            ],
        )
    }

    /// Notes how far a retraction has come. One that was lifted, or written again, since it was read
    /// stays as it is.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_retraction(&self, before: &Retraction, after: &Retraction) -> Result<()> {
        let steps = [self.db.step_put_if(
            Table::Leads,
            item(RETRACTIONS, before.tenant.as_str(), after)?,
            "#state = :before AND retracted_at = :at",
            &[("#state", "state")],
            &[
                (":before", attribute(&before.state)?),
                (":at", text(before.retracted_at.as_str())),
            ],
        )?];
        self.db
            .transact("noting a retraction", &steps)
            .await
            .map(drop)
    }

    /// Forgets a retraction that was lifted, once all past ads are being searched again. One that is
    /// in force again stays. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn end_lifting(&self, lifted: &Retraction) -> Result<()> {
        let place = retraction_key(&lifted.tenant);
        let at = [(":at", text(lifted.retracted_at.as_str()))];
        let unchanged = "retracted_at = :at";
        self.db
            .delete_if(Table::Leads, place, unchanged, &at)
            .await?;
        Ok(())
    }
}

/// Whether a lead rests on a contribution: no other uploader posted its image, or it has its level by what
/// this uploader claimed.
fn rests_on(lead: &LeadSummary, Others(others): &Others, retracted: &TenantId) -> bool {
    let is_by_its_claim = lead.evidence == Evidence::Claimed
        && lead.evidence_by.as_ref().is_none_or(|by| by == retracted);
    *others == 0 || is_by_its_claim
}

/// No person has said that it is the photo, or is not, and it is not withdrawn.
fn is_undecided(lead: &LeadSummary) -> bool {
    matches!(lead.status, LeadStatus::Open | LeadStatus::Unsure)
}
