//! Who is asking: a bearer token stands for one tenant in one role.
//!
//! A handler that takes a [`Unit`], an [`Uploader`] or an [`Admin`] can be reached by that role
//! only, and has no other tenant than the token's.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use records::{Principal, Role, TenantId, Token};

use crate::problem::{Problem, ProblemKind};
use crate::{Shared, concurrency_limits, store_errors};

/// A missing-persons unit.
pub(crate) struct Unit(pub(crate) TenantId);

/// An organisation that uploads ads. Its handlers read nothing about references or leads.
pub(crate) struct Uploader(pub(crate) TenantId);

/// The operator of the deployment. Sees tenants and tokens, no leads and no uploads.
pub(crate) struct Admin(pub(crate) TenantId);

/// Who may read an audit log: a unit its own, an administrator any. Uploaders have none to read.
pub(crate) struct Auditor {
    pub(crate) tenant: TenantId,
    pub(crate) role: Role,
}

impl FromRequestParts<Shared> for Auditor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let Principal { tenant, role } = principal(parts, shared).await?;
        if role == Role::Uploader {
            return Err(forbidden("unit or admin", role));
        }
        concurrency_limits::enter(&shared.limits, parts, (&tenant, role))?;
        Ok(Self { tenant, role })
    }
}

impl FromRequestParts<Shared> for Unit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        caller(parts, shared, Role::Unit).await.map(Self)
    }
}

impl FromRequestParts<Shared> for Uploader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        caller(parts, shared, Role::Uploader).await.map(Self)
    }
}

impl FromRequestParts<Shared> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        caller(parts, shared, Role::Admin).await.map(Self)
    }
}

/// The tenant of the token, if the token is valid and of this role.
async fn caller(parts: &Parts, shared: &Shared, role: Role) -> Result<TenantId, Problem> {
    let principal = principal(parts, shared).await?;
    if principal.role != role {
        return Err(forbidden(role.as_str(), principal.role));
    }
    concurrency_limits::enter(&shared.limits, parts, (&principal.tenant, role))?;
    Ok(principal.tenant)
}

/// For whom the token acts, if it is valid.
async fn principal(parts: &Parts, shared: &Shared) -> Result<Principal, Problem> {
    let token = token(parts).ok_or_else(Problem::unauthenticated)?;
    let found = shared.store.tenants.authenticate(&token).await;
    found
        .map_err(store_errors::problem)?
        .ok_or_else(Problem::unauthenticated)
}

fn forbidden(wanted: &str, actual: Role) -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        format!(
            "this route is for the role {wanted}, and this token has the role {}; use a token of the \
             other role, which an administrator issues",
            actual.as_str()
        ),
    )
}

/// The token of the one authorization header; two of them are none.
fn token(parts: &Parts) -> Option<Token> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Token::parse(token.trim_start_matches(' ')).ok()
}
