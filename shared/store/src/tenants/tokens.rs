//! Tokens as administrators handle them: issued under an id, listed and revoked by it.

use records::{IssuedToken, TenantId, TenantSettings, Token, TokenId};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{item, key, parsed, record, text};
use crate::db::transactions::Ended;
use crate::tenants::{SETTINGS, TOKEN, token_pk};
use crate::{Table, Tenants};

const ISSUED: &str = "token#";

fn issued_sk(id: &TokenId) -> String {
    format!("{ISSUED}{id}")
}

impl Tenants {
    /// Makes a tenant and says whether it did: one that is there stays as it is. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn make_tenant(&self, settings: &TenantSettings) -> Result<bool> {
        self.db
            .put_new(
                Table::Tenants,
                item(settings.tenant.as_str(), SETTINGS, settings)?,
            )
            .await
    }

    /// Lets a token act as it was issued, and lists it under its id, in one transaction; only the
    /// token's hash is stored. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn issue_token(&self, token: &Token, issued: &IssuedToken) -> Result<()> {
        let principal = issued.principal();
        let mut listed = item(issued.tenant.as_str(), issued_sk(&issued.token_id), issued)?;
        listed.insert("opened_by".into(), text(token_pk(token.hash())));
        let steps = [
            self.db.step_put(
                Table::Tenants,
                item(token_pk(token.hash()), TOKEN, &principal)?,
            )?,
            self.db.step_put(Table::Tenants, listed)?,
        ];
        self.db
            .transact("issuing a token", &steps)
            .await
            .map(|_| ())
    }

    /// The tokens of a tenant that were issued and not revoked, by id. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn issued_tokens(&self, tenant: &TenantId) -> Result<Vec<IssuedToken>> {
        let items = self
            .db
            .query_all(Table::Tenants, tenant.as_str(), Range::prefix(ISSUED))
            .await?;
        items
            .into_iter()
            .map(|item| record(item, "token"))
            .collect()
    }

    /// Revokes a token by its id: from now on it opens nothing.
    ///
    /// # Errors
    /// [`Error::Gone`] if this tenant has no such token (any more).
    pub async fn revoke_issued_token(&self, tenant: &TenantId, id: &TokenId) -> Result<()> {
        const GONE: Error = Error::Gone("the token");
        let listed = self
            .db
            .get(Table::Tenants, tenant.as_str(), issued_sk(id))
            .await?
            .ok_or(GONE)?;
        let opened_by: String = parsed(&listed, "opened_by", "token")?;
        let steps = [
            self.db.step_delete(
                Table::Tenants,
                key(tenant.as_str(), issued_sk(id)),
                Some("attribute_exists(pk)"),
                &[],
            )?,
            self.db
                .step_delete(Table::Tenants, key(opened_by, TOKEN), None, &[])?,
        ];
        match self.db.transact("revoking a token", &steps).await? {
            Ended::Done => Ok(()),
            Ended::Refused(_) => Err(GONE),
        }
    }
}
