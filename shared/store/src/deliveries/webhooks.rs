//! Webhooks of units.

use std::collections::BTreeSet;

use records::{ReasonCode, TenantId, Timestamp, Webhook, WebhookName, WebhookState};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{attribute, item, key, parsed, record, text};
use crate::{Deliveries, Table};

const WEBHOOK: &str = "webhook#";
/// Names of webhooks that were removed.
const REMOVED: &str = "removed-webhook#";

fn webhook_sk(name: &WebhookName) -> String {
    format!("{WEBHOOK}{name}")
}

impl Deliveries {
    /// Writes a webhook, whatever was there under its name. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_webhook(&self, unit: &TenantId, webhook: &Webhook) -> Result<()> {
        let item = item(unit.as_str(), webhook_sk(&webhook.name), webhook)?;
        self.db.put(Table::Tenants, item).await
    }

    /// One webhook of a unit. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn webhook(&self, unit: &TenantId, name: &WebhookName) -> Result<Option<Webhook>> {
        let found = self
            .db
            .get(Table::Tenants, unit.as_str(), webhook_sk(name))
            .await?;
        found.map(|item| record(item, "webhook")).transpose()
    }

    /// A unit's webhooks, by name. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn webhooks(&self, unit: &TenantId) -> Result<Vec<Webhook>> {
        let items = self
            .db
            .query_all(Table::Tenants, unit.as_str(), Range::prefix(WEBHOOK))
            .await?;
        items
            .into_iter()
            .map(|item| record(item, "webhook"))
            .collect()
    }

    /// The names of all webhooks that a unit has or had, by which deliveries may lie. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub(crate) async fn webhook_names(&self, unit: &TenantId) -> Result<BTreeSet<WebhookName>> {
        let now = self.webhooks(unit).await?.into_iter().map(|it| it.name);
        let mut names: BTreeSet<_> = now.collect();
        let removed = Range::prefix(REMOVED);
        let marks = self.db.query_all(Table::Tenants, unit.as_str(), removed);
        for mark in marks.await? {
            names.insert(parsed(&mark, "name", "webhook's name")?);
        }
        Ok(names)
    }

    /// Removes a webhook. Idempotent; what is queued for it is abandoned by who comes to it. Its name is kept: by it
    /// an erasure finds what was delivered.
    ///
    /// # Errors
    /// As every verb.
    pub async fn delete_webhook(&self, unit: &TenantId, name: &WebhookName) -> Result<()> {
        let mut removed = key(unit.as_str(), format!("{REMOVED}{name}"));
        removed.insert("name".into(), text(name.as_str()));
        self.db.put(Table::Tenants, removed).await?;
        self.db
            .delete(Table::Tenants, unit.as_str(), webhook_sk(name))
            .await
    }

    /// Disables a webhook with a reason, if it is there. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn disable_webhook(
        &self,
        unit: &TenantId,
        name: &WebhookName,
        reason: ReasonCode,
        now: Timestamp,
    ) -> Result<()> {
        let steps = [self.db.step_update(
            Table::Tenants,
            key(unit.as_str(), webhook_sk(name)),
            "SET #state = :disabled, #reason = :reason, updated_at = :now",
            Some("attribute_exists(pk)"),
            &[("#state", "state"), ("#reason", "reason")],
            &[
                (":disabled", attribute(&WebhookState::Disabled)?),
                (":reason", text(reason.as_str())),
                (":now", text(now.as_str())),
            ],
        )?];
        self.db
            .transact("disabling a webhook", &steps)
            .await
            .map(|_| ())
    }
}
