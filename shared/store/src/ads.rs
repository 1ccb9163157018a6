//! Ads: what became of uploads, which images there are, where each was seen.
//!
//! An image is written in the order tail, owner, image, sighting, upload: whoever finds one of
//! them finds those before it, so that a repetition after a crash can start where it stopped.

use futures::{StreamExt, TryStreamExt, stream};
use records::fingerprint::AdFingerprint;
use records::{
    AdKey, Cursor, Image, ImageSha256, Listing, Page, Sighting, TenantId, Timestamp, Upload,
    UploadState,
};

use crate::calls::{Query, Range};
use crate::error::Result;
use crate::items::{
    Item, ad_fingerprint_attribute, digest, item, key, ms, number, parsed, partition_of, record,
    text,
};
use crate::{PAGE_ITEMS_MAX, Store, Table};

/// How many uploads of a tenant stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UploadCounts {
    /// Seen, not yet looked at.
    pub pending: u64,
    /// Recorded.
    pub recorded: u64,
    /// Rejected.
    pub rejected: u64,
}

/// Queries under way at once when one verb needs several.
pub(crate) const AT_ONCE: usize = 8;

/// When an item came into the tail: tells it from another one that comes under the same key later.
pub(crate) const CAME_AT: &str = "came_at_ms";

fn upload_pk(tenant: &TenantId) -> String {
    format!("{tenant}#upload")
}

fn image_pk(tenant: &TenantId, image: &ImageSha256) -> String {
    format!("{tenant}#image#{image}")
}

/// Under which the tenants stand that have an image; needed to gather all its sightings.
fn owners_pk(image: &ImageSha256) -> String {
    format!("image#{image}")
}

pub(crate) fn sighting_digest(object_key: &AdKey) -> String {
    digest(object_key.as_str())
}

impl Store {
    /// What became of an upload. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn upload(&self, object_key: &AdKey) -> Result<Option<Upload>> {
        let found = self
            .get(
                Table::Ads,
                upload_pk(object_key.tenant()),
                object_key.as_str(),
            )
            .await?;
        found.map(|item| record(item, "upload")).transpose()
    }

    /// A page of a tenant's uploads, by object key. Strongly consistent.
    ///
    /// # Errors
    /// [`crate::Error::Rejected`] for a cursor that is not of this listing.
    pub async fn uploads(
        &self,
        tenant: &TenantId,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Upload>> {
        self.uploads_below(tenant, &AdKey::prefix(tenant), cursor, limit)
            .await
    }

    /// As [`Store::uploads`], of those whose keys start with `prefix`, which is not empty.
    ///
    /// # Errors
    /// [`crate::Error::Rejected`] for a cursor that is not of this listing, or lies outside of it.
    pub async fn uploads_below(
        &self,
        tenant: &TenantId,
        prefix: &str,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Upload>> {
        let after = cursor
            .map(|cursor| cursor.open(tenant, Listing::Uploads))
            .transpose()?;
        let mut query = Query::of(
            Table::Ads,
            upload_pk(tenant),
            Range::Starting(prefix.to_owned()), // keys of uploads may hold any character
        );
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (items, next) = self.query(&query).await?;
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| record(item, "upload"))
                .collect::<Result<_>>()?,
            next: next.map(|key| Cursor::new(tenant, Listing::Uploads, &key)),
        })
    }

    /// How many uploads of a tenant stand where. Reads them all, strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn upload_counts(&self, tenant: &TenantId) -> Result<UploadCounts> {
        let mut counts = UploadCounts::default();
        let mut cursor = None;
        loop {
            let page = self
                .uploads(tenant, cursor.as_ref(), PAGE_ITEMS_MAX)
                .await?;
            for upload in &page.items {
                match upload.state {
                    UploadState::Pending => counts.pending += 1,
                    UploadState::Recorded => counts.recorded += 1,
                    UploadState::Rejected => counts.rejected += 1,
                }
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(counts),
            }
        }
    }

    /// Writes what became of an upload, unless the store knows of a later one under the same key
    /// (events come out of order), and says whether it did. A pending state gives way to any state
    /// of the same upload. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn record_upload(&self, upload: &Upload) -> Result<bool> {
        let condition = match upload.state {
            UploadState::Pending => "attribute_not_exists(pk) OR uploaded_at < :uploaded_at",
            _ => "attribute_not_exists(pk) OR uploaded_at <= :uploaded_at",
        };
        let key = &upload.object_key;
        let item = item(upload_pk(key.tenant()), key.as_str(), upload)?;
        let uploaded_at = text(upload.uploaded_at.as_str());
        self.put_if(
            Table::Ads,
            item,
            condition,
            &[],
            &[(":uploaded_at", uploaded_at)],
        )
        .await
    }

    /// An image, if this tenant's uploads have brought it before. Strongly consistent; if it is
    /// there, so are its fingerprint in the searchable set and its owner.
    ///
    /// # Errors
    /// As every verb.
    pub async fn image(&self, tenant: &TenantId, image: &ImageSha256) -> Result<Option<Image>> {
        let found = self
            .get(Table::Ads, image_pk(tenant, image), "image")
            .await?;
        found.map(|item| record(item, "image")).transpose()
    }

    /// Puts an image into the searchable set, then records it. Idempotent: what is there stays.
    ///
    /// # Errors
    /// [`crate::Error::Rejected`] if the fingerprint is larger than an item can hold (320 KB).
    pub async fn record_image(
        &self,
        tenant: &TenantId,
        image: &Image,
        fingerprint: &AdFingerprint,
    ) -> Result<()> {
        let sha256 = &image.image_sha256;
        let mut tail = key(ad_partition(sha256), ad_sk(sha256, tenant));
        tail.insert("kind".into(), text("ad"));
        tail.insert(CAME_AT.into(), number(ms(image.first_seen_at)));
        tail.insert("fingerprint".into(), ad_fingerprint_attribute(fingerprint)?);
        self.put_new(Table::AdsTail, tail).await?;
        self.put(Table::Ads, key(owners_pk(sha256), tenant.as_str()))
            .await?;
        self.put_new(Table::Ads, item(image_pk(tenant, sha256), "image", image)?)
            .await?;
        Ok(())
    }

    /// Records one posting of an image and says whether it is new. Idempotent: the first metadata
    /// under an object key and content stay.
    ///
    /// # Errors
    /// As every verb.
    pub async fn record_sighting(
        &self,
        image: &ImageSha256,
        sighting: &Sighting,
        uploaded_at: Timestamp,
    ) -> Result<bool> {
        let pk = image_pk(&sighting.uploaded_by, image);
        let sk = format!("sighting#{}", sighting_digest(&sighting.object_key));
        let mut item = item(pk, sk, sighting)?;
        item.insert("kind".into(), text("sighting"));
        item.insert("image_sha256".into(), text(image.as_str()));
        item.insert("uploaded_at".into(), text(uploaded_at.as_str()));
        self.put_new(Table::Ads, item).await
    }

    /// Every posting of an image, whoever uploaded it, by object key. Strongly consistent. For
    /// leads only: nobody but a unit with a lead may see across tenants.
    ///
    /// # Errors
    /// As every verb.
    pub async fn sightings(&self, image: &ImageSha256) -> Result<Vec<Sighting>> {
        let owners = self
            .query_all(Table::Ads, owners_pk(image), Range::All)
            .await?;
        let tenants: Vec<TenantId> = owners
            .iter()
            .map(|item| parsed(item, "sk", "owner"))
            .collect::<Result<_>>()?;
        let found: Vec<Vec<Item>> = stream::iter(tenants)
            .map(|tenant| async move {
                let pk = image_pk(&tenant, image);
                self.query_all(Table::Ads, pk, Range::prefix("sighting#"))
                    .await
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let mut sightings: Vec<Sighting> = found
            .into_iter()
            .flatten()
            .map(|item| record(item, "sighting"))
            .collect::<Result<_>>()?;
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key));
        Ok(sightings)
    }
}

/// The partition of the ads' tail that holds an image.
pub(crate) fn ad_partition(image: &ImageSha256) -> String {
    let [first_byte, ..] = *image.bytes();
    partition_of(first_byte)
}

pub(crate) fn ad_sk(image: &ImageSha256, tenant: &TenantId) -> String {
    format!("{image}#{tenant}")
}
