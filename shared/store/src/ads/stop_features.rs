//! What was learned of the features that many ads have: an object next to the ads' segments.

use aws_sdk_s3::primitives::ByteStream;
use features::CommonFeatures;

use crate::db::error::{Error, Result, classified};
use crate::{AdsSet, SetKind, StoredAd};

/// Not a segment's name, so that a sweep passes it over.
const KEY: &str = "ads/common-features";
/// Longer than any that this build writes.
const BYTES_MAX: u64 = 1 << 20;
/// Bytes of features that teach at once: 270 ads with all of theirs.
const SAMPLE_BYTES: u64 = 4 << 20;

/// Ads to learn from.
#[derive(Clone, Debug)]
pub struct TrainingSample {
    segment: [u8; 32],
    /// Images of one segment: a sample at random, since they stand by their content's SHA-256.
    pub ads: Vec<StoredAd>,
}

impl TrainingSample {
    /// What was learned, marked as from this sample.
    #[must_use]
    pub fn done(&self, learned: CommonFeatures) -> CommonFeatures {
        CommonFeatures {
            last_segment: self.segment,
            ..learned
        }
    }
}

impl AdsSet {
    /// Features that many ads have, as far as they were learned; at first none.
    ///
    /// # Errors
    /// [`Error::Damaged`] if they cannot be read: go on without them, and learn again.
    pub async fn common_features(&self) -> Result<CommonFeatures> {
        let doing = "reading what ads have in common";
        match self.segments.small_object(KEY, BYTES_MAX, doing).await? {
            Some((bytes, _)) => CommonFeatures::from_bytes(&bytes)
                .map_err(|_| Error::Damaged("features that ads have in common")),
            None => Ok(CommonFeatures::default()),
        }
    }

    /// The next ads to learn from: some of the newest segment; none if it taught already, or there
    /// is none.
    ///
    /// # Errors
    /// [`Error::Gone`] if the segment was merged concurrently: the next run learns from its successor.
    pub async fn training_sample(&self, known: &CommonFeatures) -> Result<Option<TrainingSample>> {
        let live = self.segments.manifest(SetKind::Ads).await?.manifest.live;
        let Some(newest) = live.last().filter(|it| it.name.0 != known.last_segment) else {
            return Ok(None);
        };
        let index = self.ads_segment_index(newest).await?;
        let sample = index.page(0, SAMPLE_BYTES);
        let ads = self.segment_ads(&index, sample).await?;
        let segment = newest.name.0;
        Ok(Some(TrainingSample { segment, ads }))
    }

    /// Keeps what was learned. Of two who learn at once the later one's sample counts: what is lost
    /// is a sample among many.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_common_features(&self, learned: &CommonFeatures) -> Result<()> {
        self.db
            .s3
            .put_object()
            .bucket(&self.db.names.segments_bucket)
            .key(KEY)
            .content_type("application/octet-stream")
            .body(ByteStream::from(learned.to_bytes()))
            .send()
            .await
            .map_err(|error| classified("keeping what ads have in common", &error))?;
        Ok(())
    }
}
