//! Records against the objects that they are about, and the images that they tell of.

use std::collections::{BTreeMap, BTreeSet};

use records::{
    AdKey, ImageSha256, ObjectKey, Reference, ReferenceStatus, TenantId, TenantSettings, Upload,
    UploadState,
};
use store::{Fetched, ObjectKind, Store};

use super::{Consistency, Disagreement};

/// An image and whose uploads brought it.
pub(super) type Image = (TenantId, ImageSha256);

/// Holds every upload's record against the object that it is about. The images that the records tell
/// of: each must be in the set of ads, since it was put there first.
pub(super) async fn uploads(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &BTreeSet<TenantId>,
) -> store::Result<BTreeSet<Image>> {
    let (mut images, mut holders) = (BTreeSet::new(), BTreeSet::new());
    for tenant in tenants {
        let mut cursor = None;
        loop {
            let page = store
                .uploads
                .uploads(tenant, cursor.as_ref(), store::PAGE_ITEMS_MAX)
                .await?;
            let recorded = page.items.iter();
            let recorded = recorded.filter(|it| it.state == UploadState::Recorded);
            images.extend(recorded.filter_map(|it| Some((tenant.clone(), it.image_sha256?))));
            holders.extend(page.items.into_iter().filter_map(holder));
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    let mut gone: BTreeMap<TenantId, u64> = BTreeMap::new();
    for key in missing(store, holders).await? {
        *gone.entry(key.tenant().clone()).or_default() += 1;
    }
    for (tenant, count) in gone {
        let what = format!(
            "objects of tenant {tenant} are recorded and lie in the bucket no more, and no \
             deletion marks them"
        );
        consistency.add(Disagreement::new(count, what));
    }
    Ok(images)
}

/// The object that a record's bytes lie in; none for a member of a bundle or list that has none.
fn holder(upload: Upload) -> Option<AdKey> {
    upload.version_id?;
    Some(upload.stored_in.unwrap_or(upload.object_key))
}

/// Those that are neither in the bucket nor were deleted there.
async fn missing(store: &Store, mut keys: BTreeSet<AdKey>) -> store::Result<BTreeSet<AdKey>> {
    for object in super::objects::listed(store, ObjectKind::Ad, "ads/").await? {
        if let ObjectKey::Ad(key) = object.key {
            keys.remove(&key);
        }
    }
    let mut missing = BTreeSet::new();
    for key in keys {
        if !store.references.was_deleted(&key.clone().into()).await? {
            missing.insert(key);
        }
    }
    Ok(missing)
}

/// Every active reference that came as a photo must have it still: a person who reviews a lead looks
/// at it.
pub(super) async fn photos(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
) -> store::Result<()> {
    let mut gone = Vec::new();
    for TenantSettings { tenant, .. } in tenants {
        let mut cursor = None;
        loop {
            let page = store
                .references
                .references(tenant, None, cursor.as_ref(), store::PAGE_ITEMS_MAX)
                .await?;
            for reference in &page.items {
                if has_lost_its_photo(store, tenant, reference).await? {
                    gone.push(reference.reference_id.to_string());
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
    }
    consistency.add(Disagreement::of(
        gone,
        "active references have lost their photo: it lies in the bucket no more",
    ));
    Ok(())
}

async fn has_lost_its_photo(
    store: &Store,
    unit: &TenantId,
    reference: &Reference,
) -> store::Result<bool> {
    let is_active = |it: &Reference| it.status == ReferenceStatus::Active;
    let (true, Some(key)) = (is_active(reference), &reference.object_key) else {
        return Ok(false);
    };
    // A fetch of no bytes tells whether it is there.
    if store.objects.fetch(&key.clone().into(), None, 0).await? != Fetched::Gone {
        return Ok(false);
    }
    let now = store
        .references
        .reference(unit, &reference.reference_id)
        .await?;
    Ok(now.as_ref().is_some_and(is_active)) // it may have ended since
}
