//! How many requests each caller may have under way, so that one's slow ones do not stop another's.
//!
//! A request takes its permit once its caller is known, and keeps it until it is answered. All limits
//! together have fewer permits than the process serves requests, so that a caller that has one left gets in.
//! Withdrawals need no permit: nothing may stop them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use http::request::Parts;
use records::{Role, TenantId};

use crate::problem::Problem;

/// Requests of one tenant in one role. A program that asks side by side needs a few.
const TENANT_MAX: usize = 32;

/// Requests of all tenants in one role: two of them leave room for administrators and for requests
/// whose caller is not known yet, below the 256 that a process serves.
const ROLE_MAX: usize = 96;

/// Photos of one unit that are taken at once, of at most 128 MiB each; a quarter of what a process
/// takes, so that the slow ones of one unit leave permits to the others.
pub(crate) const PHOTOS_OF_UNIT_MAX: usize = 2;

/// What is limited: a role's or a tenant's requests, or a unit's photos.
#[derive(Clone, PartialEq, Eq, Hash)]
enum LimitKey {
    Role(&'static str),
    Tenant(&'static str, TenantId),
    Photos(TenantId),
}

/// The permits that are given.
#[derive(Clone, Default)]
pub(crate) struct ConcurrencyLimits(Arc<Mutex<HashMap<LimitKey, usize>>>);

/// A permit within some limits, given back when dropped.
pub(crate) struct Permit {
    limits: ConcurrencyLimits,
    taken: Vec<LimitKey>,
}

impl ConcurrencyLimits {
    /// A permit for a request of a caller.
    ///
    /// # Errors
    /// A problem that says to come back, if its tenant or role has none left.
    pub(crate) fn request(&self, tenant: &TenantId, role: Role) -> Result<Permit, Problem> {
        let role = role.as_str();
        self.acquire([
            (LimitKey::Tenant(role, tenant.clone()), TENANT_MAX),
            (LimitKey::Role(role), ROLE_MAX),
        ])
    }

    /// A permit for a photo of a unit.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub(crate) fn photo(&self, unit: &TenantId) -> Result<Permit, Problem> {
        self.acquire([(LimitKey::Photos(unit.clone()), PHOTOS_OF_UNIT_MAX)])
    }

    fn acquire<const N: usize>(&self, wanted: [(LimitKey, usize); N]) -> Result<Permit, Problem> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = |(key, max): &(LimitKey, usize)| taken.get(key).is_some_and(|it| it >= max);
        if wanted.iter().any(is_full) {
            return Err(Problem::overloaded());
        }
        let wanted = wanted.map(|(key, _)| key);
        for key in &wanted {
            *taken.entry(key.clone()).or_default() += 1;
        }
        Ok(Permit {
            limits: self.clone(),
            taken: wanted.into(),
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut all = self.limits.0.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.taken {
            if let Some(count) = all.get_mut(key) {
                *count -= 1;
                if *count == 0 {
                    all.remove(key);
                }
            }
        }
    }
}

/// Where a request's permit is kept until its answer is made.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Option<Permit>>>);

/// Keeps the permit that a request takes on its way in.
pub(crate) async fn keep(mut request: Request, next: Next) -> Response {
    let kept = Kept::default();
    request.extensions_mut().insert(kept.clone());
    let response = next.run(request).await;
    drop(kept);
    response
}

/// Takes a permit for a request whose caller is known; a withdrawal needs none.
///
/// # Errors
/// As [`ConcurrencyLimits::request`].
pub(crate) fn enter(
    limits: &ConcurrencyLimits,
    parts: &Parts,
    (tenant, role): (&TenantId, Role),
) -> Result<(), Problem> {
    if is_withdrawal(parts) {
        return Ok(());
    }
    let permit = limits.request(tenant, role)?;
    if let Some(Kept(kept)) = parts.extensions.get() {
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(permit);
    }
    Ok(())
}

fn is_withdrawal(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>();
    parts.method == Method::DELETE
        && route.is_some_and(|route| route.as_str() == crate::REFERENCE_ROUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::parse(name).expect("a tenant")
    }

    fn fill(limits: &ConcurrencyLimits, name: &str, role: Role) -> Vec<Permit> {
        std::iter::from_fn(|| limits.request(&tenant(name), role).ok()).collect()
    }

    #[test]
    fn what_one_tenant_holds_leaves_places_to_others() {
        let limits = ConcurrencyLimits::default();
        let held = fill(&limits, "one", Role::Uploader);
        assert_eq!(held.len(), TENANT_MAX);
        assert!(limits.request(&tenant("two"), Role::Uploader).is_ok());
        assert!(limits.request(&tenant("one"), Role::Unit).is_ok());
        drop(held);
        assert!(limits.request(&tenant("one"), Role::Uploader).is_ok());
    }

    #[test]
    fn what_all_uploaders_hold_leaves_places_to_units() {
        let limits = ConcurrencyLimits::default();
        let names = ["a", "b", "c", "d", "e"];
        let held: Vec<Permit> = names
            .iter()
            .flat_map(|name| fill(&limits, name, Role::Uploader))
            .collect();
        assert_eq!(held.len(), ROLE_MAX);
        assert!(limits.request(&tenant("unit"), Role::Unit).is_ok());
        assert!(limits.request(&tenant("admin"), Role::Admin).is_ok());
    }

    #[test]
    fn a_units_slow_photos_leave_places_to_another_unit() {
        let limits = ConcurrencyLimits::default();
        let unit = tenant("one");
        let held: Vec<Permit> = std::iter::from_fn(|| limits.photo(&unit).ok()).collect();
        assert_eq!(held.len(), PHOTOS_OF_UNIT_MAX);
        assert!(limits.photo(&tenant("two")).is_ok());
    }

    #[test]
    fn a_limit_that_is_unused_is_forgotten() {
        let limits = ConcurrencyLimits::default();
        drop(limits.request(&tenant("one"), Role::Unit));
        assert!(limits.0.lock().expect("free").is_empty());
    }
}
