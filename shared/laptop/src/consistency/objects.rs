//! Every object is recorded, rejected, or has a message that will bring it on.

use std::collections::BTreeMap;

use embedded::Embedded;
use jiff::Timestamp;
use records::{
    AdKey, BundleCounts, ObjectKey, ReferenceStatus, TenantSettings, Upload, UploadState,
};
use serde_json::{Value, json};
use store::{ListedObject, ObjectKind, Store};

use super::Consistency;
use crate::{ENROLL_QUEUE, INGEST_QUEUE};

/// Objects of one listing.
const PAGE: usize = 1_000;

/// Uploaded ads.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    objects: u64,
    recorded: u64,
    rejected: u64,
    pending: u64,
}

impl Uploads {
    pub(super) fn to_json(&self) -> Value {
        json!({"objects": self.objects, "recorded": self.recorded, "rejected": self.rejected,
            "pending": self.pending})
    }
}

/// Uploaded reference photos, and the references that there are.
#[derive(Debug, Default)]
pub(super) struct References {
    objects: u64,
    pending: u64,
    active: u64,
    total: u64,
}

impl References {
    pub(super) fn to_json(&self) -> Value {
        json!({"objects": self.objects, "pending": self.pending, "total": self.total,
            "active": self.active})
    }
}

/// Counts the ads.
pub(super) async fn uploads(
    consistency: &mut Consistency,
    store: &Store,
    embedded: &Embedded,
) -> anyhow::Result<()> {
    let mut pending = Vec::new();
    let (mut missing_images, mut members) = (0, Members::default());
    // The whole bucket: an ad counts whether or not its tenant has been made.
    for object in listed(store, ObjectKind::Ad, "ads/").await? {
        if let ObjectKey::Ad(key) = &object.key {
            consistency.uploaders.insert(key.tenant().clone());
        }
        consistency.uploads.objects += 1;
        match state(store, &object, &mut members).await? {
            UploadCondition::Recorded { has_image } => {
                consistency.uploads.recorded += 1;
                missing_images += u64::from(!has_image);
            }
            UploadCondition::Rejected => consistency.uploads.rejected += 1,
            UploadCondition::Pending => pending.push(object),
        }
    }
    consistency.uploads.pending = pending.len() as u64;
    consistency.disagree(missing_images, "recorded uploads have no image");
    // First the queue, then a second look: what left the queue since has left its record.
    let queued = queued(embedded, INGEST_QUEUE).await?;
    let mut still_pending = 0;
    for object in &pending {
        still_pending += u64::from(matches!(
            state(store, object, &mut members).await?,
            UploadCondition::Pending
        ));
    }
    let lost = still_pending.saturating_sub(queued);
    consistency.disagree(
        lost,
        "uploads are pending and no message would bring them on",
    );
    Ok(())
}

enum UploadCondition {
    Recorded { has_image: bool },
    Rejected,
    Pending,
}

async fn state(
    store: &Store,
    object: &ListedObject,
    members: &mut Members,
) -> store::Result<UploadCondition> {
    let ObjectKey::Ad(key) = &object.key else {
        return Ok(UploadCondition::Pending);
    };
    let Some(upload) = store.uploads.upload(key).await? else {
        return Ok(UploadCondition::Pending);
    };
    if !upload.is_about(object.last_modified, object.size_bytes) {
        return Ok(UploadCondition::Pending);
    }
    Ok(match (upload.state, upload.image_sha256) {
        (UploadState::Pending, _) => UploadCondition::Pending,
        (UploadState::Rejected, _) => UploadCondition::Rejected,
        // A bundle is no image; its members are, and are counted as objects of their own if they are.
        (UploadState::Recorded, None) => {
            let Some(counts) = upload.bundle else {
                return Ok(UploadCondition::Recorded { has_image: false });
            };
            let has_members =
                !counts.holds_members || members.are_there(store, &upload, counts).await?;
            UploadCondition::Recorded {
                has_image: adds_up(counts) && has_members,
            }
        }
        (UploadState::Recorded, Some(image)) => UploadCondition::Recorded {
            has_image: store.uploads.image(key.tenant(), &image).await?.is_some(),
        },
    })
}

/// Whether each member of a bundle came to one end.
fn adds_up(counts: BundleCounts) -> bool {
    counts.members == counts.taken_in + counts.refused
}

/// Uploads below a bundle by what they lie in (none: objects of their own), each with its image or its
/// reason. Kept from object to object: a listing has the parts of a bundle behind each other.
#[derive(Default)]
struct Members {
    whole: Option<AdKey>,
    sound: BTreeMap<Option<AdKey>, u64>,
}

impl Members {
    /// Whether as many lie in a bundle as it says. Not asked of a part that an earlier bundle under
    /// the same key left.
    async fn are_there(
        &mut self,
        store: &Store,
        bundle: &Upload,
        counts: BundleCounts,
    ) -> store::Result<bool> {
        let whole = bundle.object_key.whole();
        let newest = store.uploads.upload(&whole).await?;
        if newest.is_some_and(|newest| newest.uploaded_at > bundle.uploaded_at) {
            return Ok(true);
        }
        if self.whole.as_ref() != Some(&whole) {
            self.sound = sound_below(store, &whole).await?;
            self.whole = Some(whole);
        }
        let of = |stored_in| self.sound.get(&stored_in).copied().unwrap_or(0);
        // An object of the same name may have taken a member's place, and an earlier bundle have held
        // others.
        Ok(of(Some(bundle.object_key.clone())) + of(None) >= counts.taken_in)
    }
}

async fn sound_below(store: &Store, whole: &AdKey) -> store::Result<BTreeMap<Option<AdKey>, u64>> {
    let mut sound = BTreeMap::new();
    for upload in store.uploads.uploads_within(whole).await? {
        if is_sound(store, &upload).await? {
            *sound.entry(upload.stored_in).or_default() += 1;
        }
    }
    Ok(sound)
}

async fn is_sound(store: &Store, upload: &Upload) -> store::Result<bool> {
    Ok(match (upload.state, &upload.image_sha256) {
        (UploadState::Recorded, Some(image)) => {
            let tenant = upload.object_key.tenant();
            store.uploads.image(tenant, image).await?.is_some()
        }
        (state, _) => state == UploadState::Rejected,
    })
}

/// Counts the reference photos and references of every unit.
pub(super) async fn references(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
    embedded: &Embedded,
) -> anyhow::Result<()> {
    let mut pending = Vec::new();
    for object in listed(store, ObjectKind::Reference, "references/").await? {
        consistency.references.objects += 1;
        if !is_enrolled(store, &object).await? {
            pending.push(object);
        }
    }
    for tenant in tenants {
        count_statuses(consistency, store, tenant).await?;
    }
    consistency.references.pending = pending.len() as u64;
    let queued = queued(embedded, ENROLL_QUEUE).await?;
    let mut still_pending = 0;
    for object in &pending {
        still_pending += u64::from(!is_enrolled(store, object).await?);
    }
    let lost = still_pending.saturating_sub(queued);
    consistency.disagree(
        lost,
        "reference photos are pending and no message would bring them on",
    );
    Ok(())
}

async fn is_enrolled(store: &Store, object: &ListedObject) -> store::Result<bool> {
    let ObjectKey::Reference(key) = &object.key else {
        return Ok(true);
    };
    let accepted_s = object.last_modified.seconds();
    store.references.is_enrolled(key, accepted_s).await
}

async fn count_statuses(
    consistency: &mut Consistency,
    store: &Store,
    tenant: &TenantSettings,
) -> store::Result<()> {
    let mut cursor = None;
    loop {
        let page = store
            .references
            .references(&tenant.tenant, None, cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await?;
        consistency.references.total += page.items.len() as u64;
        let active = page
            .items
            .iter()
            .filter(|r| r.status == ReferenceStatus::Active)
            .count();
        consistency.references.active += active as u64;
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

/// Messages that will bring objects on, dead ones included: a person can replay those.
async fn queued(embedded: &Embedded, name: &str) -> anyhow::Result<u64> {
    let depth = embedded.queue(name).depth(Timestamp::now()).await?;
    Ok(depth.visible + depth.invisible + depth.dead)
}

pub(super) async fn listed(
    store: &Store,
    kind: ObjectKind,
    prefix: &str,
) -> store::Result<Vec<ListedObject>> {
    let (mut objects, mut after) = (Vec::new(), None);
    loop {
        let page = store
            .objects
            .objects_page(kind, prefix, after.as_deref(), PAGE)
            .await?;
        objects.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(objects),
        }
    }
}
