//! Ads: what became of uploads, which images there are, where each was seen.
//!
//! An image is written in the order pack, tail, sighting, upload: a reader that finds one of them finds those
//! before it, so that a repetition after a crash can start where it stopped. What is known of an image
//! stands in each of its sightings, and all sightings of an image, of all uploaders, in one
//! partition: an item for the image and another one for its owner would cost a third more to write.
//! An image whose picture stays with its uploader has no items here: its sighting travels with its
//! fingerprint ([`crate::StoredAd::postings`]), which costs next to nothing, and its list's upload counts it.

pub(crate) mod quotas;
pub(crate) mod renewal;
pub(crate) mod unpacking;

use aws_sdk_dynamodb::types::AttributeValue;
use records::{
    AdKey, Cursor, Image, ImageSha256, Listing, Page, ReasonCode, Sighting, TenantId, Timestamp,
    Upload, UploadState,
};

use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, attribute, digest, item, key, parsed, record, text};
use crate::{Db, Objects, PAGE_ITEMS_MAX, Table};

/// Uploads, images and sightings of ads, and the quotas of their tenants. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Uploads {
    pub(crate) db: Db,
    pub(crate) objects: Objects,
}

impl Uploads {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self {
            db: db.clone(),
            objects: Objects::new(db),
        }
    }
}

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

/// Conditions on the record of an upload that is to be replaced.
const EARLIER: &str = "attribute_not_exists(pk) OR uploaded_at < :uploaded_at";
pub(crate) const AT_ONCE_WITH: &str = "uploaded_at = :uploaded_at";
const OF_VERSION: &str = "version_id = :version_id";
const OF_ANOTHER_VERSION: &str = "version_id <> :version_id";

/// Of a sighting, when its photo was uploaded last.
pub(crate) const UPLOADED_AT: &str = "uploaded_at";

pub(crate) fn upload_pk(tenant: &TenantId) -> String {
    format!("{tenant}#upload")
}

/// Under which all sightings of an image stand, by tenant.
pub(crate) fn image_pk(image: &ImageSha256) -> String {
    format!("image#{image}")
}

pub(crate) fn sighting_digest(object_key: &AdKey) -> String {
    digest(object_key.as_str())
}

impl Uploads {
    /// What became of an upload. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn upload(&self, object_key: &AdKey) -> Result<Option<Upload>> {
        let found = self
            .db
            .get(
                Table::Ads,
                upload_pk(object_key.tenant()),
                object_key.as_str(),
            )
            .await?;
        found.map(|item| record(item, "upload")).transpose()
    }

    /// What became of these uploads, those that are known, in no order. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn uploads_of(&self, object_keys: &[&AdKey]) -> Result<Vec<Upload>> {
        let place = |of: &&AdKey| key(upload_pk(of.tenant()), of.as_str());
        let keys = object_keys.iter().map(place).collect();
        let found = self.db.get_all(Table::Ads, keys).await?;
        found.into_iter().map(|it| record(it, "upload")).collect()
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

    /// As [`Uploads::uploads`], of those whose keys start with `prefix`, which is not empty.
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
        let (items, next) = self.db.query(&query).await?;
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| record(item, "upload"))
                .collect::<Result<_>>()?,
            next: next.map(|key| Cursor::new(tenant, Listing::Uploads, &key)),
        })
    }

    /// What became of everything below a bundle or list of hashes, by object key. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn uploads_within(&self, whole: &AdKey) -> Result<Vec<Upload>> {
        let below = Range::Starting(format!("{whole}/"));
        let found = self
            .db
            .query_all(Table::Ads, upload_pk(whole.tenant()), below)
            .await?;
        found.into_iter().map(|it| record(it, "upload")).collect()
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
    /// (events come out of order), and says whether it did. Of two within one second, which is as
    /// fine as S3 tells the time, the later is the one whose object still lies there. A pending
    /// state gives way to any state of the same upload, and so does [`ReasonCode::OVER_QUOTA`]: its
    /// event may come again, and be taken in then. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn record_upload(&self, upload: &Upload) -> Result<bool> {
        let gives_way = upload.reason == Some(ReasonCode::OVER_QUOTA);
        if upload.state == UploadState::Pending || gives_way && upload.version_id.is_none() {
            return self.put_upload(upload, EARLIER, None).await;
        }
        let Some(version) = &upload.version_id else {
            let condition = format!("{EARLIER} OR {AT_ONCE_WITH}");
            return self.put_upload(upload, &condition, None).await;
        };
        if gives_way {
            let condition = format!("{EARLIER} OR ({AT_ONCE_WITH} AND {OF_ANOTHER_VERSION})");
            return self
                .put_upload(upload, &condition, Some(text(version)))
                .await;
        }
        let condition = format!("{EARLIER} OR ({AT_ONCE_WITH} AND {OF_VERSION})");
        let is_written = self.put_upload(upload, &condition, Some(text(version)));
        Ok(is_written.await? || self.replace_of_same_second(upload).await?)
    }

    /// Writes an upload over another version's of the same second, if its object is the one that
    /// lies there.
    async fn replace_of_same_second(&self, upload: &Upload) -> Result<bool> {
        let holder = upload.stored_in.as_ref().unwrap_or(&upload.object_key);
        let same_version = format!("{AT_ONCE_WITH} AND {OF_VERSION}");
        loop {
            let Some(there) = self.upload(&upload.object_key).await? else {
                return Ok(false); // forgotten concurrently, and the upload with it
            };
            if there.uploaded_at != upload.uploaded_at {
                return Ok(false);
            }
            let lies_there = self.objects.head(&holder.clone().into()).await?;
            if lies_there.and_then(|head| head.version_id) != upload.version_id {
                return Ok(false);
            }
            let before = attribute(&there.version_id)?;
            if self.put_upload(upload, &same_version, Some(before)).await? {
                return Ok(true);
            }
        }
    }

    /// `version` is what the condition compares the version with, if it does.
    async fn put_upload(
        &self,
        upload: &Upload,
        condition: &str,
        version: Option<AttributeValue>,
    ) -> Result<bool> {
        let key = &upload.object_key;
        let item = item(upload_pk(key.tenant()), key.as_str(), upload)?;
        let mut values = vec![(":uploaded_at", text(upload.uploaded_at.as_str()))];
        values.extend(version.map(|version| (":version_id", version)));
        self.db
            .put_if(Table::Ads, item, condition, &[], &values)
            .await
    }

    /// An image, if this tenant's uploads have brought it before. Strongly consistent; if it is
    /// there, so is its fingerprint in the searchable set.
    ///
    /// # Errors
    /// As every verb.
    pub async fn image(&self, tenant: &TenantId, image: &ImageSha256) -> Result<Option<Image>> {
        let known = self.image_since(tenant, image).await?;
        Ok(known.map(|(image, _)| image))
    }

    /// As [`Uploads::image`], with when one of its postings was uploaded: once that is over, the fingerprint may
    /// be gone although another one is left.
    ///
    /// # Errors
    /// As every verb.
    pub async fn image_since(
        &self,
        tenant: &TenantId,
        image: &ImageSha256,
    ) -> Result<Option<(Image, Timestamp)>> {
        let mut of_tenant = Query::of(
            Table::Ads,
            image_pk(image),
            Range::prefix(&format!("{tenant}#")),
        );
        of_tenant.limit = Some(1);
        let (items, _) = self.db.query(&of_tenant).await?;
        let known = items.first().map(|sighting| {
            let uploaded_at = parsed(sighting, UPLOADED_AT, "sighting")?;
            Ok((image_of(sighting)?, uploaded_at))
        });
        known.transpose()
    }

    /// Records one posting of an image and says whether it is new. Idempotent: the first metadata
    /// under an object key and content stay, and the latest time, until which it is kept from then on. Put
    /// the image's fingerprint into the searchable set before, by
    /// [`AdsSet::put_ads`](crate::AdsSet::put_ads), or take what [`Uploads::image`] gave.
    ///
    /// # Errors
    /// As every verb.
    pub async fn record_sighting(
        &self,
        image: &Image,
        sighting: &Sighting,
        uploaded_at: Timestamp,
    ) -> Result<bool> {
        let pk = image_pk(&image.image_sha256);
        let sk = format!(
            "{}#{}",
            sighting.uploaded_by,
            sighting_digest(&sighting.object_key)
        );
        let mut item = item(&pk, &sk, sighting)?;
        item.insert("kind".into(), text("sighting"));
        item.insert("image".into(), attribute(image)?);
        item.insert(UPLOADED_AT.into(), text(uploaded_at.as_str()));
        loop {
            if self.db.put_new(Table::Ads, item.clone()).await? {
                return Ok(true);
            }
            let there = self.db.get(Table::Ads, &pk, &sk).await?;
            let Some(mut there) = there else {
                continue; // it ended concurrently
            };
            let before: Timestamp = parsed(&there, UPLOADED_AT, "sighting")?;
            there.insert(UPLOADED_AT.into(), text(uploaded_at.as_str()));
            if before >= uploaded_at || self.replace_sighting(there, before).await? {
                return Ok(false);
            }
        }
    }

    /// Writes a sighting over one of this time; says whether that was there.
    pub(crate) async fn replace_sighting(&self, sighting: Item, before: Timestamp) -> Result<bool> {
        let before = [(":uploaded_at", text(before.as_str()))];
        self.db
            .put_if(Table::Ads, sighting, AT_ONCE_WITH, &[], &before)
            .await
    }

    /// Every posting of an image that was [recorded](Self::record_sighting), of all uploaders, by
    /// object key. Strongly consistent. For leads only: only a unit with a lead may see across
    /// tenants.
    ///
    /// # Errors
    /// As every verb.
    pub async fn sightings(&self, image: &ImageSha256) -> Result<Vec<Sighting>> {
        let found = self
            .db
            .query_all(Table::Ads, image_pk(image), Range::All)
            .await?;
        let mut sightings: Vec<Sighting> = found
            .into_iter()
            .map(|item| record(item, "sighting"))
            .collect::<Result<_>>()?;
        sightings.sort_by(|a, b| a.object_key.cmp(&b.object_key));
        Ok(sightings)
    }
}

/// The image that a sighting is of.
pub(crate) fn image_of(sighting: &Item) -> Result<Image> {
    let image = sighting.get("image").ok_or(Error::Damaged("sighting"))?;
    serde_dynamo::from_attribute_value(image.clone()).map_err(|_| Error::Damaged("sighting"))
}
