//! What is told about a reference, taken out: its leads and their sightings, its alerts, what became
//! of them at webhooks.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::{DeleteRequest, WriteRequest};
use records::{Alert, Delivery, LeadSummary, ReferenceId, TenantId};

use crate::db::calls::Range;
use crate::db::error::{Error, Result, classified};
use crate::db::items::{Item, key, record, sort_key};
use crate::leads::record::{LISTED, image_pk, lead_sk};
use crate::leads::sightings::lead_sightings_prefix;
use crate::leads::tabs::{count_sk, entry_keys};
use crate::{Erased, ErasedBy, Leads, Table};

/// Deletes in one request, DynamoDB's limit.
const BATCH_DELETES_MAX: usize = 25;

impl Leads {
    /// Removes everything that tells about references which have ended: leads with their sightings,
    /// places in lists and marks, alerts, deliveries of the webhooks that the unit has or had and what is due of
    /// them.
    /// Each is [saved](crate::Erasures::save_erased) before. Reads all of the unit's leads and alerts.
    /// Idempotent.
    ///
    /// # Errors
    /// [`Error::Conflict`] if one of them is active: end it first, or leads come again.
    pub async fn erase_leads(
        &self,
        by: ErasedBy<'_>,
        references: &BTreeSet<ReferenceId>,
    ) -> Result<()> {
        let unit = by.unit;
        for reference in references {
            let state = self.references.reference(unit, reference).await?;
            if state.is_some_and(|it| it.ended_at.is_none()) {
                return Err(Error::Conflict("the reference has not ended"));
            }
        }
        for webhook in self.deliveries.webhook_names(unit).await? {
            let pk = crate::deliveries::webhook_pk(unit, &webhook);
            self.erase_deliveries(by, &pk, references).await?;
        }
        self.erase_alerts(by, references).await?;
        let items = self
            .db
            .query_all(Table::Leads, unit.as_str(), Range::prefix("lead#"))
            .await?;
        let mut leads: Vec<LeadSummary> = Vec::new();
        for item in items {
            leads.push(record(item, "lead")?);
        }
        leads.retain(|lead| references.contains(&lead.reference_id));
        let ids = leads.iter().map(|lead| lead.lead_id.to_string());
        self.erasures.save_erased(by, Erased::Leads, ids).await?;
        for lead in &leads {
            self.erase_lead(unit, lead).await?;
        }
        for reference in references {
            let counts = count_sk(reference);
            self.db.delete(Table::Leads, unit.as_str(), counts).await?;
        }
        Ok(())
    }

    /// The lead itself goes last, with its places in the inbox: what a crash leaves is found by it again, and
    /// nothing lists it again.
    async fn erase_lead(&self, unit: &TenantId, lead: &LeadSummary) -> Result<()> {
        let id = &lead.lead_id;
        let sightings = self
            .db
            .query_all(
                Table::Leads,
                unit.as_str(),
                Range::prefix(&lead_sightings_prefix(id)),
            )
            .await?;
        let mut keys = Vec::new();
        for sighting in &sightings {
            keys.push(key(unit.as_str(), sort_key(sighting)?));
        }
        let verdicts = Range::prefix(&crate::leads::verdicts::verdicts_prefix(id));
        for verdict in &self
            .db
            .query_all(Table::Leads, unit.as_str(), verdicts)
            .await?
        {
            keys.push(key(unit.as_str(), sort_key(verdict)?));
        }
        keys.push(key(unit.as_str(), crate::leads::digests::digest_sk(id)));
        keys.push(key(unit.as_str(), crate::leads::presence::presence_sk(id)));
        let held = crate::leads::held::held_sk(&lead.reference_id, id);
        keys.push(key(unit.as_str(), held));
        keys.push(key(image_pk(&lead.image_sha256), format!("{unit}#{id}")));
        let listed = format!("{LISTED}{}#{id}", lead.created_at);
        keys.push(key(unit.as_str(), listed));
        self.delete_all(Table::Leads, keys).await?;
        let mut last = entry_keys(unit, lead);
        last.push(key(unit.as_str(), lead_sk(id)));
        let steps = last.into_iter();
        let steps = steps.map(|key| self.db.step_delete(Table::Leads, key, None, &[]));
        let steps: Vec<_> = steps.collect::<Result<_>>()?;
        self.db.transact("erasing a lead", &steps).await.map(drop)
    }

    async fn erase_alerts(
        &self,
        by: ErasedBy<'_>,
        references: &BTreeSet<ReferenceId>,
    ) -> Result<()> {
        let pk = by.unit.as_str();
        let items = self
            .db
            .query_all(Table::Leads, pk, Range::prefix("alert#"))
            .await?;
        let mut found = Vec::new();
        for item in items {
            let sk = sort_key(&item)?.to_owned();
            let alert: Alert = record(item, "alert")?;
            if references.contains(&alert.data.reference_id) {
                found.push(sk);
            }
        }
        self.erasures
            .save_erased(by, Erased::Alerts, found.iter().cloned())
            .await?;
        let keys = found.into_iter().map(|sk| key(pk, sk)).collect();
        self.delete_all(Table::Leads, keys).await.map(drop)
    }

    async fn erase_deliveries(
        &self,
        by: ErasedBy<'_>,
        pk: &str,
        references: &BTreeSet<ReferenceId>,
    ) -> Result<()> {
        for item in self.db.query_all(Table::Deliveries, pk, Range::All).await? {
            let sk = sort_key(&item)?.to_owned();
            let delivery: Delivery = record(item, "delivery")?;
            if !references.contains(&delivery.reference_id) {
                continue;
            }
            let thing = format!("{pk}#{sk}");
            self.erasures
                .save_erased(by, Erased::Deliveries, [thing])
                .await?;
            if let Some(at) = delivery.next_attempt_at {
                let due = crate::deliveries::due_key(by.unit, &delivery, at);
                self.delete_all(Table::Deliveries, vec![due]).await?;
            }
            self.db.delete(Table::Deliveries, pk, sk).await?;
        }
        Ok(())
    }

    /// Deletes items by their keys, and says how many keys there were.
    pub(crate) async fn delete_all(&self, table: Table, keys: Vec<Item>) -> Result<u64> {
        let count = keys.len() as u64;
        for some in keys.chunks(BATCH_DELETES_MAX) {
            self.delete_batch(table, some).await?;
        }
        Ok(count)
    }

    async fn delete_batch(&self, table: Table, keys: &[Item]) -> Result<()> {
        let name = self.db.names.table(table);
        let mut writes = keys
            .iter()
            .map(delete_request)
            .collect::<Result<Vec<_>>>()?;
        let mut attempts = self.db.attempts("deleting items");
        loop {
            let answer = self
                .db
                .dynamodb
                .batch_write_item()
                .request_items(&name, writes)
                .send()
                .await
                .map_err(|error| classified("deleting items", &error))?;
            writes = answer
                .unprocessed_items
                .and_then(|mut left| left.remove(&name))
                .unwrap_or_default();
            if writes.is_empty() {
                return Ok(());
            }
            attempts.again().await?;
        }
    }
}

fn delete_request(key: &Item) -> Result<WriteRequest> {
    let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
    let delete = delete.map_err(|_| Error::Rejected("no key to delete"))?;
    Ok(WriteRequest::builder().delete_request(delete).build())
}
