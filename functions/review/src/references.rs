//! References: submitted, looked at and withdrawn by their unit. Neither a photo nor a hash is ever
//! given back.

mod terms;

use std::collections::HashMap;
use std::ops::RangeInclusive;

use axum::extract::{Request, State};
use bytes::Bytes;
use features::fingerprint::{
    FINGERPRINT_VERSION, Framing, Hash256, HashVariant, ReferenceFingerprint,
};
use http::StatusCode;
use records::{
    AlertLimit, AuditAction, CaseId, ImageSha256, Listing, ObjectKey, ReasonCode, Reference,
    ReferenceId, ReferenceKey, ReferenceStatus, TenantId,
};
use serde_json::{Value, json};
use store::{Error, NewObject, Submitted};

use crate::body::{Ids, Json, Query, media_type, unsupported};
use crate::caller::{Reviewer, Supervisor, UnitCaller};
use crate::fields::Fields;
use crate::pages::Actor;
use crate::problem::{Answer, Problem, ProblemKind, answer, done, ok};
use crate::references::terms::Terms;
use crate::{Shared, paging, photo, store_errors};

const MISSING: &str = "no such reference; GET /v1/references lists yours";

/// The least quality of a hash that may be searched for: the matching policy wants it on both
/// sides, so that a reference below it could never match.
const QUALITY_MIN: u8 = 50;

const STATUSES: &[(&str, ReferenceStatus)] = &[
    ("pending", ReferenceStatus::Pending),
    ("active", ReferenceStatus::Active),
    ("held", ReferenceStatus::Held),
    ("withdrawn", ReferenceStatus::Withdrawn),
    ("expired", ReferenceStatus::Expired),
    ("rejected", ReferenceStatus::Rejected),
];

/// `GET /v1/references`
pub(crate) async fn list(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    paging::opened(&asked, &query, &unit, Listing::References)?;
    let case = query.parsed::<CaseId>("case_id")?;
    let status = query.choice("status", STATUSES)?;
    query.finish()?;
    let mut page = shared
        .store
        .references
        .references(&unit, case.as_ref(), asked.after.as_ref(), asked.limit)
        .await
        .map_err(store_errors::problem)?;
    page.items
        .retain(|reference| status.is_none_or(|status| status == reference.status));
    if !page.items.is_empty() {
        shared
            .audit(&unit, AuditAction::ReferenceSeen, None)
            .await?;
    }
    paging::page(page.map(|reference| view(&reference)))
}

/// `GET /v1/references/{reference_id}`
pub(crate) async fn show(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    Ids([id]): Ids<1>,
) -> Answer {
    let id = ReferenceId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    let found = shared
        .store
        .references
        .reference(&unit, &id)
        .await
        .map_err(store_errors::problem)?;
    let reference = found.ok_or_else(|| Problem::not_found(MISSING))?;
    shared
        .audit(&unit, AuditAction::ReferenceSeen, Some(id.as_str()))
        .await?;
    ok(&view(&reference))
}

fn view(reference: &Reference) -> Value {
    let kind = if reference.image_sha256.is_some() {
        "photo"
    } else {
        "fingerprint"
    };
    json!({
        "reference_id": reference.reference_id,
        "case_id": reference.case_id,
        "status": reference.status,
        "reason": reference.reason,
        "kind": kind,
        "object_key": reference.object_key,
        "width_px": reference.width_px,
        "height_px": reference.height_px,
        "quality": reference.quality,
        "shows": reference.image_sha256.map(|_| reference.shows.as_str()),
        "partial": reference.is_partial,
        "legal_basis": reference.legal_basis,
        "expires_at": reference.expires_at,
        "created_at": reference.created_at,
        "activated_at": reference.activated_at,
        "ended_at": reference.ended_at,
        "search": reference.search,
        "leads_held_since": reference.alerting.held_since,
        "leads_held_of": held_of(&reference.alerting),
        "alerts_per_day_max": reference.alerting.per_day_max,
    })
}

/// Whose leads are held, and since when.
fn held_of(alerting: &AlertLimit) -> Vec<Value> {
    let held = alerting.held.iter();
    held.map(|(uploader, since)| json!({"uploaded_by": uploader, "since": since}))
        .collect()
}

/// `POST /v1/references`
pub(crate) async fn submit(
    State(shared): State<Shared>,
    Reviewer(unit): Reviewer,
    request: Request,
) -> Answer {
    let reference = match media_type(request.headers()).as_str() {
        "multipart/form-data" => {
            let _of_unit = shared.limits.photo(&unit)?;
            let _place = shared
                .photos
                .try_acquire_many(photo::permits(request.headers()))
                .map_err(|_| Problem::overloaded())?;
            let form = photo::read(request).await?;
            let submitted = submit_photo(&shared, &unit, form).await?;
            let id = Some(submitted.reference_id.as_str());
            shared
                .audit(&unit, AuditAction::ReferenceSubmitted, id)
                .await?;
            submitted
        }
        "application/json" => {
            let Json(fields) = Json::of(request).await?;
            submit_hash(&shared, &unit, fields).await?
        }
        _ => return Err(unsupported("multipart/form-data or application/json")),
    };
    Ok(answer(
        StatusCode::ACCEPTED,
        &json!({
            "reference_id": reference.reference_id,
            "case_id": reference.case_id,
            "status": reference.status,
            "reason": reference.reason,
        }),
    ))
}

/// Announces the reference, then stores the photo; `enroll` does the rest when S3 tells of it. In
/// this order the unit can see and withdraw at once what it submitted. The caller writes the audit log.
pub(crate) async fn submit_photo(
    shared: &Shared,
    unit: &TenantId,
    photo::Form { photo, mut fields }: photo::Form,
) -> Result<Reference, Problem> {
    let terms = Terms::read(shared, unit, &mut fields).await?;
    fields.finish()?;
    let image = ImageSha256::of(&photo);
    let id = ReferenceId::of_photo(unit, &terms.case_id, &image);
    // The same photo again lies under the same key: its id names it.
    let key = format!("{}{}/{id}", ReferenceKey::prefix(unit), terms.case_id);
    let key = ReferenceKey::parse(&key).map_err(|_| Problem::internal())?;
    let mut reference = terms.reference(id, shared.clock.now());
    reference.image_sha256 = Some(image);
    reference.object_key = Some(key.clone());
    let submitted = shared
        .store
        .references
        .announce(unit, &reference)
        .await
        .map_err(store_errors::problem)?;
    if let Submitted::Known(status) = submitted {
        reference.status = status;
    }
    if reference.status == ReferenceStatus::Pending {
        let object = stored_photo(photo, &reference);
        let key = ObjectKey::from(key);
        shared
            .store
            .objects
            .put_object(&key, object)
            .await
            .map_err(store_errors::problem)?;
    }
    Ok(reference)
}

fn stored_photo(bytes: Bytes, reference: &Reference) -> NewObject {
    let metadata = HashMap::from([
        ("legal-basis".to_owned(), reference.legal_basis.to_string()),
        ("expires-at".to_owned(), reference.expires_at.to_string()),
    ]);
    NewObject {
        bytes,
        content_type: "application/octet-stream".to_owned(),
        metadata,
    }
}

/// Stores a reference that came as a hash only; there is nothing to decode, so it is active at
/// once.
async fn submit_hash(
    shared: &Shared,
    unit: &UnitCaller,
    mut fields: Fields,
) -> Result<Reference, Problem> {
    let pdq = hash(&mut fields)?;
    let quality = fields
        .whole("quality", 0..=100)?
        .ok_or_else(|| fields.missing("quality"))?;
    let quality = u8::try_from(quality).map_err(|_| Problem::internal())?;
    let terms = Terms::read(shared, unit, &mut fields).await?;
    fields.finish()?;
    let now = shared.clock.now();
    let mut reference = terms.reference(ReferenceId::of_hash(unit, &terms.case_id, &pdq), now);
    reference.quality = Some(quality);
    if quality < QUALITY_MIN || !is_of_a_picture(&pdq) {
        reference.status = ReferenceStatus::Rejected;
        reference.reason = Some(ReasonCode::LOW_QUALITY);
        reference.ended_at = Some(now);
    }
    store_hash(shared, unit, &mut reference, &fingerprint(pdq, quality)).await?;
    shared
        .audit(
            unit,
            AuditAction::ReferenceSubmitted,
            Some(reference.reference_id.as_str()),
        )
        .await?;
    Ok(reference)
}

async fn store_hash(
    shared: &Shared,
    unit: &TenantId,
    reference: &mut Reference,
    fingerprint: &ReferenceFingerprint,
) -> Result<(), Problem> {
    let store = &shared.store;
    let submitted = match reference.status {
        ReferenceStatus::Rejected => store.references.reject_reference(unit, reference).await,
        _ => store.references.submit(unit, reference, fingerprint).await,
    };
    if let Submitted::Known(status) = submitted.map_err(store_errors::problem)? {
        reference.status = status;
    }
    if reference.status == ReferenceStatus::Pending {
        let id = &reference.reference_id;
        store
            .references
            .activate(unit, id, shared.clock.now())
            .await
            .map_err(store_errors::problem)?;
        reference.status = ReferenceStatus::Active;
    }
    Ok(())
}

/// A PDQ hash: 64 hex digits, as the reference implementation prints them.
fn hash(fields: &mut Fields) -> Result<Hash256, Problem> {
    let text = fields
        .any_text("pdq")?
        .ok_or_else(|| fields.missing("pdq"))?;
    let mut bytes = [0; 32];
    match hex::decode_to_slice(&text, &mut bytes) {
        Ok(()) => Ok(Hash256(bytes)),
        Err(_) => Err(fields.invalid("pdq", "it is not 64 hex digits")),
    }
}

/// Bits that the median of a picture's coefficients splits off: half of 256, fewer only where several
/// are equal. A hash that has far fewer or more is that of a blank picture, whatever is said of its
/// quality, and would resemble every other blank one.
const BITS_SET: RangeInclusive<u32> = 64..=192;

fn is_of_a_picture(pdq: &Hash256) -> bool {
    let set: u32 = pdq.0.iter().map(|byte| byte.count_ones()).sum();
    BITS_SET.contains(&set)
}

/// What a hash alone can tell: the picture as is, and its negative, whose hash is the complement.
/// Turned and mirrored forms would need the picture.
fn fingerprint(pdq: Hash256, quality: u8) -> ReferenceFingerprint {
    let view = |pdq| HashVariant {
        pdq,
        quality,
        second: Hash256([0; 32]),
    };
    let negative = Framing {
        negative: true,
        ..Framing::default()
    };
    ReferenceFingerprint {
        version: FINGERPRINT_VERSION,
        framings: vec![
            (Framing::default(), view(pdq)),
            (negative, view(pdq.complement())),
        ],
        features: Vec::new(),
    }
}

/// `POST /v1/references/{reference_id}/release`
///
/// The unit says that the reference is in order although it matched much.
pub(crate) async fn release(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([id]): Ids<1>,
    Json(mut body): Json,
) -> Answer {
    let limits = 1..=u64::from(AlertLimit::PER_DAY_MAX_MAX);
    let per_day_max = body.whole("alerts_per_day_max", limits)?;
    let per_day_max = per_day_max.and_then(|max| u32::try_from(max).ok());
    body.finish()?;
    let id = ReferenceId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    let released = shared
        .store
        .leads
        .release(&unit, &id, per_day_max, shared.clock.now())
        .await
        .map_err(|error| match error {
            Error::Gone(_) => Problem::not_found(MISSING),
            Error::Conflict(_) => Problem::new(
                ProblemKind::Conflict,
                "the reference is not active, so there is nothing to release",
            ),
            other => store_errors::problem(other),
        })?;
    shared
        .audit(&unit, AuditAction::ReferenceReleased, Some(id.as_str()))
        .await?;
    ok(&json!({ "alerted": released.alerted, "held": released.left }))
}

/// `DELETE /v1/references/{reference_id}`
pub(crate) async fn withdraw(
    State(shared): State<Shared>,
    Supervisor(unit): Supervisor,
    Ids([id]): Ids<1>,
) -> Answer {
    let id = ReferenceId::parse(&id).map_err(|_| Problem::not_found(MISSING))?;
    end(&shared, unit.actor(), &id).await?;
    Ok(done())
}

/// Returns once nothing about the reference can leave any more: it is not active, and no delivery
/// that began before is under way. Only a unit that asked for it is told, by alerts without
/// sightings, which leads are taken back.
pub(crate) async fn end(shared: &Shared, actor: Actor<'_>, id: &ReferenceId) -> Answer<()> {
    let (store, unit, now) = (&shared.store, actor.unit, shared.clock.now());
    let withdrawn = store.references.withdraw(unit, id, now).await;
    withdrawn.map_err(store_errors::or_missing(MISSING))?;
    shared
        .audit_actor(actor, AuditAction::ReferenceWithdrawn, Some(id.as_str()))
        .await?;
    let silent = store.deliveries.wait_until_silent(unit, id, &shared.clock);
    silent.await.map_err(store_errors::problem)?;
    let taken_back = store.leads.take_back_leads(unit, shared.clock.now()).await;
    taken_back.map_err(store_errors::problem)?;
    store.references.wait_out_second(&shared.clock).await;
    Ok(())
}
