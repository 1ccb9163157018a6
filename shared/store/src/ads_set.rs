//! The set of ads, to be searched from end to end for a new reference.
//!
//! Today the set is its tail, one item an image and tenant. Segments will join here: a page will
//! then come from the tail or from a segment, tail first, and no caller will see the difference.

use records::fingerprint::AdFingerprint;
use records::{ImageSha256, TenantId};

use crate::calls::{Query, Range};
use crate::error::{Error, Result};
use crate::items::{Item, PARTITIONS, ad_fingerprint, partition_text, sort_key};
use crate::{Store, Table};

/// A position in the set. Positions of [`AdsPosition::starts`] cover it together; each part is
/// walked on its own, in any order or at the same time.
#[derive(Clone, PartialEq, Eq)]
pub struct AdsPosition {
    partition: u8,
    after: Option<String>,
}

impl AdsPosition {
    /// Where the parts of the set start.
    pub fn starts() -> impl Iterator<Item = Self> {
        (0..PARTITIONS).map(|partition| Self {
            partition,
            after: None,
        })
    }
}

impl std::fmt::Debug for AdsPosition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdsPosition")
            .field("partition", &self.partition)
            .finish_non_exhaustive()
    }
}

/// One image of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAd {
    /// Whose uploads brought it.
    pub tenant: TenantId,
    /// Its content.
    pub image_sha256: ImageSha256,
    /// Its fingerprint.
    pub fingerprint: AdFingerprint,
}

/// Some of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdsPage {
    /// Images; possibly none even if there is a next page.
    pub items: Vec<StoredAd>,
    /// Where this part of the set goes on; none at its end.
    pub next: Option<AdsPosition>,
}

impl Store {
    /// Images from a position on, as many as one read gives (about a megabyte). Strongly
    /// consistent: every image that was recorded before the walk began is met.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a fingerprint cannot be read: better stop than miss a match.
    pub async fn ads_page(&self, position: &AdsPosition) -> Result<AdsPage> {
        let pk = partition_text(position.partition);
        let mut query = Query::of(Table::AdsTail, pk, Range::All);
        query.after = position.after.as_deref();
        let (items, next) = self.query(&query).await?;
        Ok(AdsPage {
            items: items.iter().map(stored_ad).collect::<Result<_>>()?,
            next: next.map(|sk| AdsPosition {
                partition: position.partition,
                after: Some(sk),
            }),
        })
    }
}

/// The image that an item of the tail holds.
pub(crate) fn stored_ad(item: &Item) -> Result<StoredAd> {
    const DAMAGED: Error = Error::Damaged("ad");
    let (image, tenant) = sort_key(item)?.split_once('#').ok_or(DAMAGED)?;
    Ok(StoredAd {
        tenant: tenant.parse().map_err(|_| DAMAGED)?,
        image_sha256: image.parse().map_err(|_| DAMAGED)?,
        fingerprint: ad_fingerprint(item)?,
    })
}
