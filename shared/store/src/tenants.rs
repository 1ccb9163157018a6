//! Tenants and their tokens.

pub(crate) mod persons;
pub(crate) mod sessions;
pub(crate) mod tokens;

use std::collections::HashMap;

use records::{Principal, TenantId, TenantSettings, Token, TokenHash};

use crate::db::error::{Result, classified};
use crate::db::items::{item, record, text};
use crate::{Db, Table};

/// Tenants and their tokens. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Tenants {
    pub(crate) db: Db,
}

impl Tenants {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

pub(crate) const SETTINGS: &str = "settings";
pub(crate) const TOKEN: &str = "token";

pub(crate) fn token_pk(token: TokenHash) -> String {
    format!("token#{}", token.as_str())
}

impl Tenants {
    /// Writes a tenant's settings, whatever they were. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_tenant(&self, settings: &TenantSettings) -> Result<()> {
        self.db
            .put(
                Table::Tenants,
                item(settings.tenant.as_str(), SETTINGS, settings)?,
            )
            .await
    }

    /// A tenant's settings. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn tenant(&self, tenant: &TenantId) -> Result<Option<TenantSettings>> {
        let found = self
            .db
            .get(Table::Tenants, tenant.as_str(), SETTINGS)
            .await?;
        found.map(|item| record(item, "tenant")).transpose()
    }

    /// Every tenant, by id. Strongly consistent; reads the whole table, which is small.
    ///
    /// # Errors
    /// As every verb.
    pub async fn tenants(&self) -> Result<Vec<TenantSettings>> {
        let mut tenants: Vec<TenantSettings> = Vec::new();
        let mut start: Option<HashMap<_, _>> = None;
        loop {
            let answer = self
                .db
                .dynamodb
                .scan()
                .table_name(self.db.names.table(Table::Tenants))
                .consistent_read(true)
                .filter_expression("sk = :settings")
                .expression_attribute_values(":settings", text(SETTINGS))
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|error| classified("listing tenants", &error))?;
            for item in answer.items.unwrap_or_default() {
                tenants.push(record(item, "tenant")?);
            }
            match answer.last_evaluated_key {
                Some(key) => start = Some(key),
                None => break,
            }
        }
        tenants.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        Ok(tenants)
    }

    /// Lets a token act for a principal; only the token's hash is stored. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_token(&self, token: &Token, principal: &Principal) -> Result<()> {
        self.db
            .put(
                Table::Tenants,
                item(token_pk(token.hash()), TOKEN, principal)?,
            )
            .await
    }

    /// For whom a token acts; none if it is not known. Strongly consistent: a revoked token is out
    /// at once.
    ///
    /// # Errors
    /// As every verb.
    pub async fn authenticate(&self, token: &Token) -> Result<Option<Principal>> {
        let found = self
            .db
            .get(Table::Tenants, token_pk(token.hash()), TOKEN)
            .await?;
        found.map(|item| record(item, "token")).transpose()
    }

    /// Revokes a token. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn revoke_token(&self, token: &Token) -> Result<()> {
        self.db
            .delete(Table::Tenants, token_pk(token.hash()), TOKEN)
            .await
    }
}
