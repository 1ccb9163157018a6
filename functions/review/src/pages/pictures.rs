//! Pictures: each one that is delivered is an entry of the audit log with the person in it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use pages::Words;
use records::{
    AuditAction, Evidence, Lead, LeadId, NoPicture, PersonRole, PictureAnswer, PictureKind,
    PictureRequest, Reference, ReferenceId, Upload, UploadState,
};

use super::access::Officer;
use super::answers::{Paged, Refused, Why};
use super::labels;
use crate::Shared;
use crate::body::Ids;

/// `GET /leads/{lead_id}/photo`: the reference.
pub(crate) async fn photo(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    let lead = lead(&shared, &officer, &id).await?;
    let reference = lead.summary.reference_id.clone();
    let asked = of_reference(&shared, &officer, &reference, PictureKind::Whole).await?;
    let subject = lead.summary.lead_id.as_str();
    delivered(&shared, &officer, (subject, "photo"), asked).await
}

/// `GET /leads/{lead_id}/part`
pub(crate) async fn part(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    of_ad(&shared, &officer, &id, PictureKind::Part).await
}

/// `GET /leads/{lead_id}/placed`
pub(crate) async fn placed(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    of_ad(&shared, &officer, &id, PictureKind::Placed).await
}

/// `GET /leads/{lead_id}/whole`
pub(crate) async fn whole(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    of_ad(&shared, &officer, &id, PictureKind::Whole).await
}

/// `GET /references/{reference_id}/photo`
pub(crate) async fn reference(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    reference_at(&shared, &officer, &id, PictureKind::Whole).await
}

/// `GET /references/{reference_id}/small`
pub(crate) async fn small(
    State(shared): State<Shared>,
    officer: Officer,
    Ids([id]): Ids<1>,
) -> Paged {
    reference_at(&shared, &officer, &id, PictureKind::Small).await
}

async fn reference_at(shared: &Shared, officer: &Officer, id: &str, kind: PictureKind) -> Paged {
    let missing = |_| Refused::Page(officer.words, Why::Missing);
    let id = ReferenceId::parse(id).map_err(missing)?;
    let asked = of_reference(shared, officer, &id, kind).await?;
    let what = match kind {
        PictureKind::Small => "photo, small",
        _ => "photo",
    };
    delivered(shared, officer, (id.as_str(), what), asked).await
}

async fn of_reference(
    shared: &Shared,
    officer: &Officer,
    id: &ReferenceId,
    kind: PictureKind,
) -> Result<Result<PictureRequest, NoPicture>, Refused> {
    officer.must_be(PersonRole::Reviewer)?;
    let found = shared.store.references.reference(officer.unit(), id).await;
    let found = found.map_err(Refused::store(officer.words))?;
    let reference = found.ok_or(Refused::Page(officer.words, Why::Missing))?;
    Ok(request_of_reference(&reference, kind))
}

fn request_of_reference(
    reference: &Reference,
    kind: PictureKind,
) -> Result<PictureRequest, NoPicture> {
    let key = reference.object_key.as_ref();
    let (Some(key), Some(image)) = (key, reference.image_sha256) else {
        return Err(NoPicture::NeverSent);
    };
    if reference.ended_at.is_some() {
        return Err(NoPicture::Gone);
    }
    Ok(PictureRequest {
        object_key: key.to_string(),
        version_id: None,
        stored_in: None,
        image_sha256: image,
        kind,
        outline: None,
        frame_px: None,
    })
}

async fn lead(shared: &Shared, officer: &Officer, id: &str) -> Result<Lead, Refused> {
    officer.must_be(PersonRole::Reviewer)?;
    let missing = || Refused::Page(officer.words, Why::Missing);
    let id = LeadId::parse(id).map_err(|_| missing())?;
    let found = shared.store.leads.lead(officer.unit(), &id).await;
    let found = found.map_err(Refused::store(officer.words))?;
    found.ok_or_else(missing)
}

async fn of_ad(shared: &Shared, officer: &Officer, id: &str, kind: PictureKind) -> Paged {
    let lead = lead(shared, officer, id).await?;
    let summary = &lead.summary;
    let reference = shared
        .store
        .references
        .reference(officer.unit(), &summary.reference_id);
    let reference = reference.await.map_err(Refused::store(officer.words))?;
    let source = source(shared, officer.words, &lead).await?;
    let asked = source.map(|upload| PictureRequest {
        object_key: upload.object_key.to_string(),
        version_id: upload.version_id,
        stored_in: upload.stored_in,
        image_sha256: summary.image_sha256,
        kind,
        outline: summary.outline,
        frame_px: reference.and_then(|it| it.width_px.zip(it.height_px)),
    });
    let subject = summary.lead_id.as_str();
    delivered(shared, officer, (subject, kind.as_str()), asked).await
}

/// Where the picture of a lead's ad lies: at a sighting whose file is still the one that matched.
pub(crate) async fn source(
    shared: &Shared,
    words: Words,
    lead: &Lead,
) -> Result<Result<Upload, NoPicture>, Refused> {
    ad_source(shared, lead).await.map_err(Refused::store(words))
}

/// As [`source`], for callers without a page.
pub(crate) async fn ad_source(
    shared: &Shared,
    lead: &Lead,
) -> store::Result<Result<Upload, NoPicture>> {
    let keys: Vec<_> = lead.sightings.iter().map(|it| &it.object_key).collect();
    let uploads = shared.store.uploads.uploads_of(&keys).await?;
    let is_changed = !uploads.is_empty();
    let is_it = |it: &Upload| {
        it.state == UploadState::Recorded && it.image_sha256 == Some(lead.summary.image_sha256)
    };
    let found = uploads.into_iter().find(is_it);
    Ok(found.ok_or(match lead.summary.evidence {
        Evidence::Claimed => NoPicture::NeverSent,
        Evidence::Computed if is_changed => NoPicture::Changed,
        Evidence::Computed => NoPicture::Gone,
    }))
}

/// The picture, once the log says to whom it goes; or a drawing that says why there is none.
async fn delivered(
    shared: &Shared,
    officer: &Officer,
    (subject, what): (&str, &str),
    asked: Result<PictureRequest, NoPicture>,
) -> Paged {
    let answer = match (asked, &shared.pages) {
        (Ok(request), Some(pages)) => pages.pictures.ask(request).await,
        (Ok(_), None) => PictureAnswer::None(NoPicture::Unavailable),
        (Err(why), _) => PictureAnswer::None(why),
    };
    let jpeg = match answer {
        PictureAnswer::Jpeg(jpeg) => jpeg,
        PictureAnswer::None(why) => return Ok(drawing(officer.words, why)),
    };
    let deed = AuditAction::PictureShown;
    let told = shared.audit_part(officer.actor(), deed, (Some(subject), Some(what)));
    told.await.map_err(Refused::failed(officer.words))?;
    Ok(picture(StatusCode::OK, "image/jpeg", jpeg))
}

fn drawing(words: Words, why: NoPicture) -> Response {
    let text = pages::no_picture(words, labels::no_picture(why));
    picture(StatusCode::NOT_FOUND, "image/svg+xml", text.into_bytes())
}

fn picture(status: StatusCode, media_type: &'static str, bytes: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_SECURITY_POLICY, pages::PICTURE_FRAME),
        (
            header::CONTENT_DISPOSITION,
            "inline; filename=\"picture.jpg\"",
        ),
    ];
    (status, headers, bytes).into_response()
}
