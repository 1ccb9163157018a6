//! The HTTP contract: leads, references, alerts and webhooks for units, uploads for uploaders,
//! tenants and tokens for administrators. The contract itself is `openapi.json` next to this crate.
//!
//! One router serves Lambda (`main.rs`), the laptop and the tests. A request passes the limits and
//! headers of `hardening`, its route, its caller's role, and then reads like its handler: parse,
//! one verb of the store, answer. Uploaders' handlers read nothing about references or leads.
#![forbid(unsafe_code)]

mod middleware;

mod caller;
mod concurrency_limits;
mod random;

mod body;
mod fields;
mod paging;

mod problem;
mod store_errors;

mod alerts;
mod audit;
mod erasures;
mod leads;
mod pages;
mod photo;
#[cfg(feature = "invoke")]
mod picture_functions;
mod references;
mod reports;
mod settings;
mod status;
mod tenants;
mod uploads;
mod webhooks;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Router, body::Body};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use ipnet::IpNet;
use records::{AuditAction, AuditKey, Label, Role, Secret, TenantId};
use serde_json::json;
use store::{
    AuditLog, Checkpoints, Clock, Deliveries, Erasures, Leads, Objects, References, Store, Tenants,
    Uploads,
};
use tokio::sync::{OnceCell, Semaphore};

use crate::caller::UnitCaller;
use crate::problem::{Answer, Problem, ProblemKind, ok};

pub use crate::pages::{NAMELESS, Pages, Pictures};
#[cfg(feature = "invoke")]
pub use crate::picture_functions::PictureFunctions;
pub use random::Random;

/// What it may touch: what the roles of its callers may. It puts photos and never reads one; no searchable set.
///
/// ```
/// fn has(it: &review::Access) -> &store::Leads { &it.leads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &review::Access) -> &store::AdsSet { &it.ads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &review::Access) -> &store::Searches { &it.searches }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &review::Access) -> &store::GarbageCollector { &it.garbage }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    /// Photos.
    pub objects: Objects,
    /// Uploads, images and sightings.
    pub uploads: Uploads,
    /// References.
    pub references: References,
    /// Leads and alerts.
    pub leads: Leads,
    /// Webhooks and deliveries.
    pub deliveries: Deliveries,
    /// Tenants.
    pub tenants: Tenants,
    /// Audit logs.
    pub audit: AuditLog,
    /// Erasures.
    pub erasures: Erasures,
    /// What the timers noted.
    pub checkpoints: Checkpoints,
}

impl From<Store> for Access {
    fn from(all: Store) -> Self {
        Self {
            objects: all.objects,
            uploads: all.uploads,
            references: all.references,
            leads: all.leads,
            deliveries: all.deliveries,
            tenants: all.tenants,
            audit: all.audit,
            erasures: all.erasures,
            checkpoints: all.checkpoints,
        }
    }
}

/// What the API works with.
#[derive(Clone)]
pub struct Review {
    /// The records.
    pub store: Access,
    /// The time.
    pub clock: Clock,
    /// Bytes that cannot be guessed: tokens, webhook keys, names of uploads.
    pub random: Random,
    /// Networks that webhooks may lie in, in addition to public ones.
    pub networks: Vec<IpNet>,
    /// The S3 server that uploaders post their forms to, e.g. `http://127.0.0.1:9000`; none where
    /// it is the one that the store itself speaks to.
    pub uploads_at: Option<String>,
    /// The pages for people; none serves the API alone.
    pub pages: Option<Pages>,
}

/// What every handler shares.
#[derive(Clone)]
pub(crate) struct Shared {
    review: Arc<Review>,
    /// What audit logs are sealed with, once it was read: it never changes.
    audit_key: Arc<OnceCell<AuditKey>>,
    /// Photos in memory at once.
    photos: Arc<Semaphore>,
    limits: concurrency_limits::ConcurrencyLimits,
}

impl std::ops::Deref for Shared {
    type Target = Review;

    fn deref(&self) -> &Review {
        &self.review
    }
}

impl Shared {
    /// Writes into a unit's audit log that it did this; `subject` is an id of ours.
    async fn audit(
        &self,
        unit: &UnitCaller,
        action: AuditAction,
        subject: Option<&str>,
    ) -> Answer<()> {
        self.audit_actor(unit.actor(), action, subject).await
    }

    /// Writes into an administrator's audit log what it did to a tenant, and into that tenant's: who
    /// reads it sees what was done in its name.
    async fn audit_admin(
        &self,
        (admin, tenant): (&TenantId, &TenantId),
        action: AuditAction,
        subject: &str,
    ) -> Answer<()> {
        if tenant != admin {
            self.audit_as(tenant, Role::Admin, action, Some(subject))
                .await?;
        }
        self.audit_as(admin, Role::Admin, action, Some(subject))
            .await
    }

    async fn audit_as(
        &self,
        tenant: &TenantId,
        role: Role,
        action: AuditAction,
        subject: Option<&str>,
    ) -> Answer<()> {
        let subject = subject.and_then(|text| Label::parse(text).ok());
        let key = self.audit_key().await?;
        let deed = (Some(role), action);
        let entry = self
            .store
            .audit
            .audit(key, tenant, self.clock.now(), deed, subject);
        entry.await.map(|_| ()).map_err(store_errors::problem)
    }

    async fn audit_key(&self) -> Answer<&AuditKey> {
        let read = async || Ok(AuditKey::of(&self.seed().await?));
        self.audit_key.get_or_try_init(read).await
    }

    /// The seed of the deployment's keys, made when it is first needed: for receipts of erasures
    /// and for audit logs.
    async fn seed(&self) -> Answer<Secret> {
        let drawn = Secret::from_bytes(&self.random.draw::<32>());
        let drawn = drawn.map_err(|_| Problem::internal())?;
        let seed = self.store.erasures.receipts_key(&drawn).await;
        seed.map_err(store_errors::problem)
    }
}

/// The route that shows and withdraws a reference.
const REFERENCE_ROUTE: &str = "/v1/references/{reference_id}";

/// Photos taken at once by one process, of at most 32 MiB each, and fewer of larger ones: two units may bring the
/// largest at once.
const PHOTOS_MAX: usize = 16;

/// The whole API, to be mounted at the root.
pub fn router(review: Review) -> Router {
    let outermost = middleware::Middleware::of(&review);
    let shared = Shared {
        review: Arc::new(review),
        audit_key: Arc::new(OnceCell::new()),
        photos: Arc::new(Semaphore::new(PHOTOS_MAX)),
        limits: concurrency_limits::ConcurrencyLimits::default(),
    };
    let routes = match shared.pages {
        Some(_) => routes().merge(pages::routes()),
        None => routes(),
    };
    middleware::with_middleware(routes.with_state(shared), outermost)
}

fn routes() -> Router<Shared> {
    Router::new()
        .route("/v1/health", get(health))
        .route("/v1/openapi.json", get(openapi))
        .route("/v1/receipts-key", get(erasures::key))
        .merge(for_units())
        .merge(for_uploaders())
        .merge(for_admins())
        .route("/v1/audit", get(audit::read))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_method)
}

fn for_units() -> Router<Shared> {
    let submit = post(references::submit).layer(DefaultBodyLimit::max(photo::FORM_BYTES_MAX));
    Router::new()
        .route("/v1/leads", get(leads::list))
        .route("/v1/leads/counts", get(leads::counts))
        .route("/v1/leads/{lead_id}/report", get(reports::sealed))
        .route("/v1/leads/{lead_id}", get(leads::show))
        .route("/v1/leads/{lead_id}/sightings", get(leads::sightings))
        .route("/v1/leads/{lead_id}/verdict", post(leads::judge))
        .route("/v1/references", submit.get(references::list))
        .route(
            REFERENCE_ROUTE,
            get(references::show).delete(references::withdraw),
        )
        .route(
            "/v1/references/{reference_id}/release",
            post(references::release),
        )
        .route("/v1/erasures", post(erasures::ask))
        .route("/v1/erasures/{erasure_id}", get(erasures::show))
        .route("/v1/alerts", get(alerts::pull))
        .route("/v1/alerts/test", post(alerts::send_test))
        .route("/v1/settings", get(settings::show).put(settings::put))
        .route("/v1/webhooks", get(webhooks::list))
        .route(
            "/v1/webhooks/{name}",
            get(webhooks::show)
                .put(webhooks::put)
                .delete(webhooks::remove),
        )
        .route(
            "/v1/webhooks/{name}/deliveries",
            get(webhooks::deliveries::list),
        )
        .route(
            "/v1/webhooks/{name}/deliveries/{alert_id}",
            get(webhooks::deliveries::show).post(webhooks::deliveries::repeat),
        )
}

fn for_uploaders() -> Router<Shared> {
    Router::new().route("/v1/uploads", get(uploads::list).post(uploads::presign))
}

fn for_admins() -> Router<Shared> {
    Router::new()
        .route("/v1/status", get(status::show))
        .route("/v1/tenants", get(tenants::list).post(tenants::make))
        .route(
            "/v1/tenants/{tenant}/quota",
            get(tenants::quota)
                .put(tenants::put_quota)
                .delete(tenants::lift_quota),
        )
        .route(
            "/v1/tenants/{tenant}/retraction",
            get(tenants::retraction)
                .put(tenants::retract)
                .delete(tenants::lift_retraction),
        )
        .route(
            "/v1/tenants/{tenant}/tokens",
            get(tenants::tokens).post(tenants::issue),
        )
        .route(
            "/v1/tenants/{tenant}/tokens/{token_id}",
            delete(tenants::revoke),
        )
}

/// Says that the process answers, and nothing about what it holds.
async fn health() -> Answer {
    ok(&json!({ "status": "ok" }))
}

async fn openapi() -> http::Response<Body> {
    let mut response = http::Response::new(Body::from(include_str!("../openapi.json")));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

async fn no_such_route(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    if shared.pages.is_some() && middleware::is_of_a_reader(uri.path(), &headers) {
        return pages::missing(&headers);
    }
    Problem::new(
        ProblemKind::NotFound,
        "no such route; the list is in /v1/openapi.json",
    )
    .into_response()
}

async fn no_such_method() -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        "this route has no such method; the header 'allow' names those it has",
    )
}
