//! Uploads: leave to upload, and what became of each object. Nothing here reads a reference or a
//! lead, so that nothing an uploader sees can depend on who is sought.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use records::{AdKey, AdMetadata, Cursor, Label, Listing, Page, TenantId, Upload};
use serde_json::{Value, json};
use store::{FormLimits, ListedObject, ObjectKind};

use crate::body::{OptionalJson, Query};
use crate::caller::Uploader;
use crate::fields::Fields;
use crate::paging::{self, PageRequest};
use crate::problem::{Answer, Problem, answer};
use crate::{Shared, store_errors};

/// What a form allows: photos of the size that `ingest` decodes, for an hour, after which a crawler
/// asks again.
const PHOTOS: FormLimits = FormLimits {
    bytes_max: 32 * 1024 * 1024,
    valid_for: Duration::from_secs(3_600),
    content_type: "image/",
};
/// Bundles of the size that `ingest` takes apart.
const BUNDLES: FormLimits = FormLimits {
    bytes_max: 400 * 1024 * 1024,
    content_type: "application/",
    ..PHOTOS
};

/// Documents and lists of hashes, which are read as photos are: whole.
const FILES: FormLimits = FormLimits {
    content_type: "application/",
    ..PHOTOS
};

/// Media type, the ending of a name that is made, and what its form allows.
const CONTENT_TYPES: &[(&str, &str, FormLimits)] = &[
    ("image/jpeg", "jpg", PHOTOS),
    ("image/png", "png", PHOTOS),
    ("image/webp", "webp", PHOTOS),
    ("image/gif", "gif", PHOTOS),
    ("image/bmp", "bmp", PHOTOS),
    ("image/tiff", "tiff", PHOTOS),
    ("image/heic", "heic", PHOTOS),
    ("image/avif", "avif", PHOTOS),
    ("image/jxl", "jxl", PHOTOS),
    ("image/jp2", "jp2", PHOTOS),
    ("image/vnd.microsoft.icon", "ico", PHOTOS),
    ("application/pdf", "pdf", FILES),
    ("application/x-tar", "tar", BUNDLES),
    ("application/zip", "zip", BUNDLES),
    ("application/x-ndjson", "jsonl", FILES),
];

/// `POST /v1/uploads`
pub(crate) async fn presign(
    State(shared): State<Shared>,
    Uploader(tenant): Uploader,
    OptionalJson(mut body): OptionalJson,
) -> Answer {
    let asked = UploadRequest::read(&mut body, &shared, &tenant)?;
    body.finish()?;
    let form = shared
        .store
        .objects
        .upload_form(&tenant, asked.limits, shared.clock.now())
        .await
        .map_err(store_errors::problem)?;
    let url = match &shared.uploads_at {
        Some(server) => format!("{server}/{}", shared.store.objects.bucket(ObjectKind::Ad)),
        None => form.url,
    };
    let mut fields: BTreeMap<String, String> = form.fields.into_iter().collect();
    fields.extend(asked.fields());
    Ok(answer(
        StatusCode::CREATED,
        &json!({
            "url": url,
            "method": "POST",
            "fields": fields,
            "object_key": asked.key,
            "key_prefix": AdKey::prefix(&tenant),
            "bytes_max": asked.limits.bytes_max,
            "expires_at": form.expires_at,
        }),
    ))
}

/// What an uploader says about the photo to come.
struct UploadRequest {
    key: AdKey,
    content_type: &'static str,
    limits: FormLimits,
    metadata: AdMetadata,
}

impl UploadRequest {
    fn read(body: &mut Fields, shared: &Shared, tenant: &TenantId) -> Result<Self, Problem> {
        let types: Vec<(&str, (&str, &str, FormLimits))> =
            CONTENT_TYPES.iter().map(|all| (all.0, *all)).collect();
        let (content_type, extension, limits) =
            body.choice("content_type", &types)?
                .unwrap_or(("image/jpeg", "jpg", PHOTOS));
        let name = match body.parsed::<Label>("file_name")? {
            Some(name) => name.as_str().to_owned(),
            None => format!("{}.{extension}", random_name(shared)),
        };
        if name.contains("${") {
            return Err(body.invalid("file_name", "it holds '${', which S3 would fill in"));
        }
        let key = AdKey::parse(&format!("{}{name}", AdKey::prefix(tenant)))
            .map_err(|malformed| body.invalid("file_name", malformed.rule))?;
        if records::has_dot_parts(key.as_str()) {
            return Err(body.invalid("file_name", "it has a part that is '.' or '..'"));
        }
        let metadata = AdMetadata {
            source_url: body.parsed("source_url")?,
            ad_id: body.parsed("ad_id")?,
            seen_at: body.parsed("seen_at")?,
            place: body.parsed("place")?,
        };
        Ok(Self {
            key,
            content_type,
            limits,
            metadata,
        })
    }

    /// Fields of the form that say it. S3 wants every field that the policy names, be it empty.
    fn fields(&self) -> [(String, String); 7] {
        let AdMetadata {
            source_url,
            ad_id,
            seen_at,
            place,
        } = &self.metadata;
        let text = |value: Option<String>| value.unwrap_or_default();
        [
            ("key", self.key.to_string()),
            ("Content-Type", self.content_type.to_owned()),
            ("success_action_status", "204".to_owned()), // or 200, or 201: S3 obeys
            (
                "x-amz-meta-source-url",
                text(source_url.as_ref().map(ToString::to_string)),
            ),
            (
                "x-amz-meta-ad-id",
                text(ad_id.as_ref().map(ToString::to_string)),
            ),
            (
                "x-amz-meta-seen-at",
                text(seen_at.map(|time| time.to_string())),
            ),
            (
                "x-amz-meta-place",
                text(place.as_ref().map(ToString::to_string)),
            ),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }
}

/// A name that no other upload has: 128 random bits.
fn random_name(shared: &Shared) -> String {
    hex::encode(shared.random.draw::<16>())
}

/// `GET /v1/uploads`
pub(crate) async fn list(
    State(shared): State<Shared>,
    Uploader(tenant): Uploader,
    Query(mut query): Query,
) -> Answer {
    let asked = paging::asked(&mut query)?;
    let after = paging::opened(&asked, &query, &tenant, Listing::Uploads)?;
    let prefix = prefix(&mut query, &tenant, after.as_deref())?;
    query.finish()?;
    paging::page(union(&shared, &tenant, &prefix, &asked, after.as_deref()).await?)
}

/// The longest `below`, in bytes: with the tenant's prefix it stays within what a key may have.
const BELOW_BYTES_MAX: usize = 900;

/// What the keys of a listing start with.
fn prefix(query: &mut Fields, tenant: &TenantId, after: Option<&str>) -> Result<String, Problem> {
    let below = query.any_text("below")?.unwrap_or_default();
    if below.len() > BELOW_BYTES_MAX {
        return Err(query.invalid("below", "it has more than 900 bytes"));
    }
    let prefix = format!("{}{below}", AdKey::prefix(tenant));
    if after.is_some_and(|after| !after.starts_with(&prefix)) {
        return Err(query.invalid("after", "it is not a cursor of this listing"));
    }
    Ok(prefix)
}

/// Objects and records side by side, by key. Either listing is known only up to where its page
/// ends, so the union goes no further than the nearer end.
async fn union(
    shared: &Shared,
    tenant: &TenantId,
    prefix: &str,
    asked: &PageRequest,
    after: Option<&str>,
) -> Result<Page<Value>, Problem> {
    let objects = shared
        .store
        .objects
        .objects_page(ObjectKind::Ad, prefix, after, asked.limit);
    let records =
        shared
            .store
            .uploads
            .uploads_below(tenant, prefix, asked.after.as_ref(), asked.limit);
    let (objects, records) = tokio::try_join!(objects, records).map_err(store_errors::problem)?;
    let records_end = match &records.next {
        None => None,
        Some(next) => Some(
            next.open(tenant, Listing::Uploads)
                .map_err(|_| Problem::internal())?,
        ),
    };
    let end = [objects.next, records_end].into_iter().flatten().min();
    let rows = merge(&objects.items, &records.items);
    Ok(cut(rows, end, tenant, asked.limit))
}

/// One row a key: the record, unless an object lies there that it is not about.
fn merge(objects: &[ListedObject], records: &[Upload]) -> BTreeMap<String, Value> {
    let records: BTreeMap<&str, &Upload> = records
        .iter()
        .map(|record| (record.object_key.as_str(), record))
        .collect();
    let mut rows: BTreeMap<String, Value> = records
        .iter()
        .map(|(key, record)| ((*key).to_owned(), settled(record)))
        .collect();
    for object in objects {
        let key = object.key.as_str();
        if !records
            .get(key)
            .is_some_and(|record| record.is_about(object.last_modified, object.size_bytes))
        {
            rows.insert(key.to_owned(), pending(object));
        }
    }
    rows
}

fn settled(record: &Upload) -> Value {
    json!({
        "object_key": record.object_key,
        "state": record.state,
        "reason": record.reason,
        "size_bytes": record.size_bytes,
        "notes": record.notes,
        "bundle": record.bundle,
        "faults": record.faults,
        "stored_in": record.stored_in,
        "uploaded_at": record.uploaded_at,
    })
}

fn pending(object: &ListedObject) -> Value {
    json!({
        "object_key": object.key.as_str(),
        "state": "pending",
        "reason": null,
        "size_bytes": object.size_bytes,
        "notes": [],
        "bundle": null,
        "faults": null,
        "stored_in": null,
        "uploaded_at": object.last_modified,
    })
}

/// The first rows up to `end`, and where to go on.
fn cut(
    rows: BTreeMap<String, Value>,
    end: Option<String>,
    tenant: &TenantId,
    limit: usize,
) -> Page<Value> {
    let mut known = rows
        .into_iter()
        .filter(|(key, _)| end.as_ref().is_none_or(|end| key <= end));
    let mut last = None;
    let mut items = Vec::new();
    for (key, row) in known.by_ref().take(limit) {
        last = Some(key);
        items.push(row);
    }
    let more = known.next().is_some();
    let position = if more { last } else { end };
    Page {
        items,
        next: position.map(|key| Cursor::new(tenant, Listing::Uploads, &key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::{ObjectKey, Timestamp, UploadState};

    fn object(name: &str, second: i64, size_bytes: u64) -> ListedObject {
        let key = ObjectKey::parse(&format!("ads/agency/{name}")).expect("a key");
        let last_modified = Timestamp::from_millis(second * 1000 + 250);
        ListedObject {
            key,
            size_bytes,
            last_modified,
        }
    }

    fn record(name: &str, second: i64, size_bytes: u64) -> Upload {
        let uploaded_at = Timestamp::from_millis(second * 1000);
        Upload {
            object_key: AdKey::parse(&format!("ads/agency/{name}")).expect("a key"),
            state: UploadState::Recorded,
            reason: None,
            image_sha256: None,
            size_bytes,
            version_id: None,
            metadata: AdMetadata::default(),
            notes: Vec::new(),
            stored_in: None,
            bundle: None,
            faults: None,
            frames: None,
            uploaded_at,
            updated_at: uploaded_at,
        }
    }

    fn states(objects: &[ListedObject], records: &[Upload]) -> Vec<String> {
        merge(objects, records)
            .into_iter()
            .map(|(key, row)| format!("{} {}", &key[11..], row["state"].as_str().expect("a state")))
            .collect()
    }

    #[test]
    fn an_object_without_a_record_or_newer_than_it_is_pending() {
        let objects = [
            object("a", 1, 9),
            object("b", 1, 9),
            object("c", 2, 9),
            object("d", 1, 8),
        ];
        let records = [
            record("b", 1, 9),
            record("c", 1, 9),
            record("d", 1, 9),
            record("e", 1, 9),
        ];
        assert_eq!(
            states(&objects, &records),
            [
                "a pending",
                "b recorded",
                "c pending",
                "d pending",
                "e recorded"
            ]
        );
    }

    #[test]
    fn a_page_ends_where_the_nearer_listing_ends() {
        let tenant = TenantId::parse("agency").expect("a tenant");
        let rows = merge(
            &[object("a", 1, 9), object("b", 1, 9), object("c", 1, 9)],
            &[],
        );
        let check = |end: Option<&str>, limit, count, position: Option<&str>| {
            let page = cut(rows.clone(), end.map(str::to_owned), &tenant, limit);
            let next = page
                .next
                .map(|next| next.open(&tenant, Listing::Uploads).expect("opens"));
            assert_eq!(
                (page.items.len(), next.as_deref()),
                (count, position),
                "{end:?} {limit}"
            );
        };
        check(None, 9, 3, None);
        check(None, 3, 3, None);
        check(None, 2, 2, Some("ads/agency/b"));
        check(Some("ads/agency/b"), 9, 2, Some("ads/agency/b"));
        check(Some("ads/agency/b"), 1, 1, Some("ads/agency/a"));
        check(Some("ads/agency/B"), 9, 0, Some("ads/agency/B"));
    }
}
