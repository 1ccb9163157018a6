//! Orphans, objects that no program reads: under keys outside the layout, or of tenants that there are none of.
//! The S3 port refuses them; an older version let them in.

use std::collections::BTreeSet;

use records::{ObjectKey, TenantId, TenantSettings};
use store::{ObjectKind, Store};

use super::Consistency;

/// Objects of one listing.
const PAGE: usize = 1_000;

/// Counts them in both buckets.
pub(super) async fn count(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
) -> anyhow::Result<()> {
    let of = |may: fn(&TenantSettings) -> bool| {
        let those = tenants.iter().filter(|it| may(it));
        those.map(|it| it.tenant.clone()).collect::<BTreeSet<_>>()
    };
    let uploaders = of(|it| it.is_uploader);
    let orphans = in_bucket(store, ObjectKind::Ad, &uploaders).await?;
    consistency.disagree(
        orphans,
        "objects in the ads bucket lie where nobody looks: ads lie under ads/{uploader}/{any path}",
    );
    let units = of(|it| it.is_unit);
    let photos = in_bucket(store, ObjectKind::Reference, &units).await?;
    consistency.disagree(
        photos,
        "objects in the references bucket lie where nobody looks, so whom they show is not sought: \
         photos lie under references/{unit}/{case_id}/{any path}",
    );
    consistency.orphans = orphans + photos;
    Ok(())
}

async fn in_bucket(
    store: &Store,
    kind: ObjectKind,
    tenants: &BTreeSet<TenantId>,
) -> store::Result<u64> {
    let (mut orphans, mut after) = (0, None);
    loop {
        let page = store
            .objects
            .objects_page(kind, "", after.as_deref(), PAGE)
            .await?;
        let keys = page.items.iter().map(|object| &object.key);
        let unknown = keys.filter(|key| {
            let is_of_bucket = matches!(
                (kind, key),
                (ObjectKind::Ad, ObjectKey::Ad(_))
                    | (ObjectKind::Reference, ObjectKey::Reference(_))
            );
            !is_of_bucket || !tenants.contains(key.tenant())
        });
        orphans += page.foreign + unknown.count() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(orphans),
        }
    }
}
