//! Every object is recorded, rejected, or has a message that will bring it on.

use std::collections::BTreeMap;

use embedded::Embedded;
use jiff::Timestamp;
use records::{
    AdKey, BundleCounts, ObjectKey, ReferenceStatus, TenantSettings, Upload, UploadState,
};
use serde_json::{Value, json};
use store::{ListedObject, ObjectKind, Store};

use super::Sums;
use crate::laptop::{ENROLL_QUEUE, INGEST_QUEUE};

/// Objects of one listing.
const PAGE: usize = 1_000;

/// Uploaded ads.
#[derive(Debug, Default)]
pub(super) struct Uploads {
    objects: u64,
    recorded: u64,
    rejected: u64,
    pending: u64,
    outside: u64,
}

impl Uploads {
    pub(super) fn to_json(&self) -> Value {
        json!({"objects": self.objects, "recorded": self.recorded, "rejected": self.rejected,
            "pending": self.pending, "outside_the_layout": self.outside})
    }
}

/// Uploaded reference photos, and the references that there are.
#[derive(Debug, Default)]
pub(super) struct References {
    objects: u64,
    pending: u64,
    active: u64,
    total: u64,
    outside: u64,
}

impl References {
    pub(super) fn to_json(&self) -> Value {
        json!({"objects": self.objects, "pending": self.pending, "total": self.total,
            "active": self.active, "outside_the_layout": self.outside})
    }
}

/// Counts the ads.
pub(super) async fn uploads(
    sums: &mut Sums,
    store: &Store,
    embedded: &Embedded,
) -> anyhow::Result<()> {
    let mut pending = Vec::new();
    let (mut missing_images, mut members) = (0, Members::default());
    // The whole bucket: an ad counts whether or not its tenant has been made.
    let all = listed(store, ObjectKind::Ad, "").await?;
    sums.uploads.outside = all.foreign;
    sums.disagree(
        all.foreign,
        "objects in the ads bucket lie under keys that are not ads/TENANT/NAME: nobody looks at them",
    );
    for object in all.items {
        if let ObjectKey::Ad(key) = &object.key {
            sums.uploaders.insert(key.tenant().clone());
        }
        sums.uploads.objects += 1;
        match state(store, &object, &mut members).await? {
            Standing::Recorded { has_image } => {
                sums.uploads.recorded += 1;
                missing_images += u64::from(!has_image);
            }
            Standing::Rejected => sums.uploads.rejected += 1,
            Standing::Pending => pending.push(object),
        }
    }
    sums.uploads.pending = pending.len() as u64;
    sums.disagree(missing_images, "recorded uploads have no image");
    // First the queue, then a second look: what left the queue meanwhile has left its record.
    let queued = queued(embedded, INGEST_QUEUE).await?;
    let mut still_pending = 0;
    for object in &pending {
        still_pending += u64::from(matches!(
            state(store, object, &mut members).await?,
            Standing::Pending
        ));
    }
    let lost = still_pending.saturating_sub(queued);
    sums.disagree(
        lost,
        "uploads are pending and no message would bring them on",
    );
    Ok(())
}

enum Standing {
    Recorded { has_image: bool },
    Rejected,
    Pending,
}

async fn state(
    store: &Store,
    object: &ListedObject,
    members: &mut Members,
) -> store::Result<Standing> {
    let ObjectKey::Ad(key) = &object.key else {
        return Ok(Standing::Pending);
    };
    let Some(upload) = store.upload(key).await? else {
        return Ok(Standing::Pending);
    };
    if !upload.is_about(object.last_modified, object.size_bytes) {
        return Ok(Standing::Pending);
    }
    Ok(match (upload.state, upload.image_sha256) {
        (UploadState::Pending, _) => Standing::Pending,
        (UploadState::Rejected, _) => Standing::Rejected,
        // A bundle is no image; its members are, and are counted as objects of their own if they are.
        (UploadState::Recorded, None) => {
            let Some(counts) = upload.bundle else {
                return Ok(Standing::Recorded { has_image: false });
            };
            let has_members =
                !counts.holds_members || members.are_there(store, &upload, counts).await?;
            Standing::Recorded {
                has_image: adds_up(counts) && has_members,
            }
        }
        (UploadState::Recorded, Some(image)) => Standing::Recorded {
            has_image: store.image(key.tenant(), &image).await?.is_some(),
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
        let newest = store.upload(&whole).await?;
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
    for upload in store.uploads_within(whole).await? {
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
            store.image(tenant, image).await?.is_some()
        }
        (state, _) => state == UploadState::Rejected,
    })
}

/// Counts the reference photos and references of every unit.
pub(super) async fn references(
    sums: &mut Sums,
    store: &Store,
    tenants: &[TenantSettings],
    embedded: &Embedded,
) -> anyhow::Result<()> {
    let mut pending = Vec::new();
    let all = listed(store, ObjectKind::Reference, "").await?;
    sums.references.outside = all.foreign;
    sums.disagree(
        all.foreign,
        "objects in the references bucket lie under keys that are not references/UNIT/CASE/NAME: \
         nobody looks at them, and what they show is not sought",
    );
    for object in all.items {
        sums.references.objects += 1;
        if !is_enrolled(store, &object).await? {
            pending.push(object);
        }
    }
    for tenant in tenants {
        count_statuses(sums, store, tenant).await?;
    }
    sums.references.pending = pending.len() as u64;
    let queued = queued(embedded, ENROLL_QUEUE).await?;
    let mut still_pending = 0;
    for object in &pending {
        still_pending += u64::from(!is_enrolled(store, object).await?);
    }
    let lost = still_pending.saturating_sub(queued);
    sums.disagree(
        lost,
        "reference photos are pending and no message would bring them on",
    );
    Ok(())
}

async fn is_enrolled(store: &Store, object: &ListedObject) -> store::Result<bool> {
    let ObjectKey::Reference(key) = &object.key else {
        return Ok(true);
    };
    let enrolled = store.enrolled(key).await?;
    Ok(enrolled.is_some_and(|at| at.seconds() >= object.last_modified.seconds()))
}

async fn count_statuses(
    sums: &mut Sums,
    store: &Store,
    tenant: &TenantSettings,
) -> store::Result<()> {
    let mut cursor = None;
    loop {
        let page = store
            .references(&tenant.tenant, None, cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await?;
        sums.references.total += page.items.len() as u64;
        let active = page
            .items
            .iter()
            .filter(|r| r.status == ReferenceStatus::Active)
            .count();
        sums.references.active += active as u64;
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

/// What lies in a bucket.
pub(super) struct All {
    pub(super) items: Vec<ListedObject>,
    /// Objects under keys that are none of this bucket's.
    foreign: u64,
}

pub(super) async fn listed(store: &Store, kind: ObjectKind, prefix: &str) -> store::Result<All> {
    let (mut items, mut foreign, mut after) = (Vec::new(), 0, None);
    loop {
        let page = store
            .objects_page(kind, prefix, after.as_deref(), PAGE)
            .await?;
        let is_ours =
            |it: &ListedObject| matches!(it.key, ObjectKey::Ad(_)) == (kind == ObjectKind::Ad);
        let (ours, others): (Vec<_>, Vec<_>) = page.items.into_iter().partition(is_ours);
        foreign += page.foreign + others.len() as u64;
        items.extend(ours);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(All { items, foreign }),
        }
    }
}
