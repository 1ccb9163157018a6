//! Browsers that are signed in, and the links that sign one in.
//!
//! Both lie under the hash of a random value that only the browser has, next to the tokens of the API and
//! under other keys: a cookie opens no API, and a token of the API no page. A session is listed with its
//! tenant too, so that those of a person can be ended, and those that are over are removed when it signs in.

use records::{PersonId, Session, SignInLink, TenantId, Timestamp, Token};

use super::{TOKEN, token_pk};
use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{item, key, parsed, record, sort_key, text};
use crate::{Table, Tenants};

const SESSION: &str = "session";
const LINK: &str = "sign-in";

fn session_pk(cookie: &Token) -> String {
    format!("session#{}", cookie.hash().as_str())
}

fn link_pk(code: &Token) -> String {
    format!("sign-in#{}", code.hash().as_str())
}

fn listed_prefix(person: &PersonId) -> String {
    format!("session-of#{person}#")
}

impl Tenants {
    /// Signs a browser in: a client that brings this cookie acts as the person. Its sessions that
    /// are over are removed. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn open_session(&self, cookie: &Token, session: &Session) -> Result<()> {
        self.end_sessions_over(session).await?;
        let pk = session_pk(cookie);
        let sk = format!(
            "{}{}",
            listed_prefix(&session.person_id),
            cookie.hash().as_str()
        );
        let mut listed = item(session.tenant.as_str(), sk, session)?;
        listed.insert("opened_by".into(), text(&pk));
        let steps = [
            self.db
                .step_put(Table::Tenants, item(pk, SESSION, session)?)?,
            self.db.step_put(Table::Tenants, listed)?,
        ];
        self.db.transact("signing in", &steps).await.map(drop)
    }

    /// Whose browser has this cookie, if its session is not over and the token that opened it not revoked.
    /// Strongly consistent. That it was used is noted at most once a minute.
    ///
    /// # Errors
    /// As every verb.
    pub async fn session(&self, cookie: &Token, now: Timestamp) -> Result<Option<Session>> {
        let pk = session_pk(cookie);
        let Some(found) = self.db.get(Table::Tenants, &pk, SESSION).await? else {
            return Ok(None);
        };
        let session: Session = record(found, SESSION)?;
        if session.is_over(now) || self.is_revoked(&session).await? {
            self.end_session(cookie).await?;
            return Ok(None);
        }
        if now.since(session.seen_at) < Session::SEEN_EVERY {
            return Ok(Some(session));
        }
        let seen = Session {
            seen_at: now,
            ..session
        };
        // Only one that is there: it may have been ended since.
        let seen_item = item(pk, SESSION, &seen)?;
        let is_there = self
            .db
            .put_if(Table::Tenants, seen_item, "attribute_exists(pk)", &[], &[]);
        Ok(is_there.await?.then_some(seen))
    }

    /// Whether the token that opened it is not known any more.
    async fn is_revoked(&self, session: &Session) -> Result<bool> {
        let Some(token) = session.token else {
            return Ok(false);
        };
        let found = self.db.get(Table::Tenants, token_pk(token), TOKEN).await?;
        Ok(found.is_none())
    }

    /// Signs a browser out. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn end_session(&self, cookie: &Token) -> Result<()> {
        let pk = session_pk(cookie);
        let found = self.db.get(Table::Tenants, &pk, SESSION).await?;
        let Some(found) = found else { return Ok(()) };
        let session: Session = record(found, SESSION)?;
        let sk = format!(
            "{}{}",
            listed_prefix(&session.person_id),
            cookie.hash().as_str()
        );
        let steps = [
            self.db
                .step_delete(Table::Tenants, key(pk, SESSION), None, &[])?,
            self.db
                .step_delete(Table::Tenants, key(session.tenant.as_str(), sk), None, &[])?,
        ];
        self.db.transact("signing out", &steps).await.map(drop)
    }

    /// Signs a person out everywhere. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn end_sessions_of(&self, tenant: &TenantId, person: &PersonId) -> Result<()> {
        self.end_listed(tenant, person, |_| true).await
    }

    async fn end_sessions_over(&self, new: &Session) -> Result<()> {
        let is_over = |old: &Session| new.created_at.since(old.created_at) > Session::WHOLE_MAX;
        self.end_listed(&new.tenant, &new.person_id, is_over).await
    }

    async fn end_listed(
        &self,
        tenant: &TenantId,
        person: &PersonId,
        ends: impl Fn(&Session) -> bool,
    ) -> Result<()> {
        let range = Range::prefix(&listed_prefix(person));
        for listed in self
            .db
            .query_all(Table::Tenants, tenant.as_str(), range)
            .await?
        {
            let pk: String = parsed(&listed, "opened_by", SESSION)?;
            let sk = sort_key(&listed)?.to_owned();
            if ends(&record(listed, SESSION)?) {
                self.db.delete(Table::Tenants, pk, SESSION).await?;
                self.db.delete(Table::Tenants, tenant.as_str(), sk).await?;
            }
        }
        Ok(())
    }

    /// Makes a link of use. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_sign_in_link(&self, code: &Token, link: &SignInLink) -> Result<()> {
        self.db
            .put(Table::Tenants, item(link_pk(code), LINK, link)?)
            .await
    }

    /// Uses a link, once: of two who use it at the same time one is answered. None if it is not known, was
    /// used, or is too old.
    ///
    /// # Errors
    /// As every verb.
    pub async fn use_sign_in_link(
        &self,
        code: &Token,
        now: Timestamp,
    ) -> Result<Option<SignInLink>> {
        let pk = link_pk(code);
        let Some(found) = self.db.get(Table::Tenants, &pk, LINK).await? else {
            return Ok(None);
        };
        let link: SignInLink = record(found, "sign-in link")?;
        let there = "attribute_exists(pk)";
        let is_first = self.db.delete_if(Table::Tenants, key(pk, LINK), there, &[]);
        let is_of_use = is_first.await? && now < link.expires_at;
        Ok(is_of_use.then_some(link))
    }
}
