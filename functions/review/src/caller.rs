//! Who is asking: a bearer token stands for one tenant in one role.
//!
//! A handler that takes a [`Reviewer`] or [`Supervisor`] of a unit, an [`Uploader`] or an [`Admin`] can be
//! reached by that role only, and has no other tenant than the token's.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use records::{PersonId, PersonRole, Principal, Role, TenantId, Token};

use crate::pages::Actor;
use crate::problem::{Problem, ProblemKind};
use crate::{Shared, concurrency_limits, store_errors};

/// A missing-persons unit, in whose name a token acts, and the person whose token it is.
#[derive(Debug)]
pub(crate) struct UnitCaller {
    tenant: TenantId,
    pub(crate) person: Option<PersonId>,
}

impl Deref for UnitCaller {
    type Target = TenantId;

    fn deref(&self) -> &TenantId {
        &self.tenant
    }
}

impl UnitCaller {
    /// For the audit log.
    pub(crate) fn actor(&self) -> Actor<'_> {
        Actor {
            unit: &self.tenant,
            person: self.person.as_ref(),
        }
    }
}

/// A unit that sees leads and judges them, and submits references.
pub(crate) struct Reviewer(pub(crate) UnitCaller);

/// A unit that withdraws, erases and releases, and says where alerts go.
pub(crate) struct Supervisor(pub(crate) UnitCaller);

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
        let principal = principal(parts, shared).await?;
        let role = principal.role;
        if role == Role::Uploader {
            return Err(forbidden("unit or admin", role));
        }
        if role == Role::Unit && !principal.is(PersonRole::Auditor) {
            return Err(not_of_role(PersonRole::Auditor));
        }
        concurrency_limits::enter(&shared.limits, parts, (&principal.tenant, role))?;
        Ok(Self {
            tenant: principal.tenant,
            role,
        })
    }
}

impl FromRequestParts<Shared> for Reviewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        unit(parts, shared, PersonRole::Reviewer).await.map(Self)
    }
}

impl FromRequestParts<Shared> for Supervisor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        unit(parts, shared, PersonRole::Supervisor).await.map(Self)
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

/// The unit of the token, if a person may do with it what this role does.
async fn unit(parts: &Parts, shared: &Shared, role: PersonRole) -> Result<UnitCaller, Problem> {
    let principal = principal(parts, shared).await?;
    if principal.role != Role::Unit {
        return Err(forbidden(Role::Unit.as_str(), principal.role));
    }
    if !principal.is(role) {
        return Err(not_of_role(role));
    }
    concurrency_limits::enter(&shared.limits, parts, (&principal.tenant, Role::Unit))?;
    Ok(UnitCaller {
        tenant: principal.tenant,
        person: principal.person_id,
    })
}

fn not_of_role(wanted: PersonRole) -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        format!(
            "this call is for the {} of a unit, and this token was issued without that role; an \
             administrator issues one that has it",
            wanted.as_str()
        ),
    )
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
