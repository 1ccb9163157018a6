//! How far walks over all objects of both buckets have come.

pub(crate) mod status;

use records::{BucketScan, ClockObservation, Renewal, ScanStage, TenantId, Timestamp};

use crate::db::error::Result;
use crate::db::items::{item, key, parsed, record, text};
use crate::{Db, Table};

/// How far the timers' scans and backfills have come. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    pub(crate) db: Db,
}

impl Checkpoints {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// The version of the algorithms that deployments began with.
const FIRST_VERSION: u16 = 1;

/// Where it stands how far walks have come.
const WALKS: &str = "walk";
const FINGERPRINTS: &str = "fingerprints";
const OBJECTS: &str = "objects";
const CLOCK: &str = "clock";
const REBUILD: &str = "rebuild";

/// Where it stands how far photos of ended references are erased, by unit.
const PHOTOS: &str = "walk#photos";
const UNTIL: &str = "erased_until";

impl Checkpoints {
    /// The walk that is due for this version of the algorithms; none if it is over, or a newer one has
    /// begun. The first to ask for a version gets none, and that it asked is saved: programs of an
    /// older build may still be running, which would pass over what they are told. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn renewal_due(&self, version: u16, now: Timestamp) -> Result<Option<Renewal>> {
        let found = self.db.get(Table::Ads, WALKS, FINGERPRINTS).await?;
        let found: Option<Renewal> = found.map(|it| record(it, "renewal")).transpose()?;
        let reached = found.as_ref().map_or(FIRST_VERSION, |it| it.version);
        match found {
            Some(begun) if reached == version => {
                Ok((begun.stage != ScanStage::Over).then_some(begun))
            }
            _ if reached >= version => Ok(None),
            _ => {
                let noticed = Renewal::new(version, now);
                self.save_renewal(&noticed).await.map(|()| None)
            }
        }
    }

    /// Notes how far a walk has come. Two at once repeat each other's work and do no harm.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_renewal(&self, renewal: &Renewal) -> Result<()> {
        let item = item(WALKS, FINGERPRINTS, renewal)?;
        self.db.put(Table::Ads, item).await
    }

    /// How far the walk of a rebuild has come; none if there never was one. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn rebuild(&self) -> Result<Option<BucketScan>> {
        let found = self.db.get(Table::Ads, WALKS, REBUILD).await?;
        found.map(|it| record(it, "walk of a rebuild")).transpose()
    }

    /// Notes how far the walk of a rebuild has come. Two at once repeat each other's work and do no harm.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_rebuild(&self, walk: &BucketScan) -> Result<()> {
        self.db.put(Table::Ads, item(WALKS, REBUILD, walk)?).await
    }

    /// What was last seen of the clock; none if it was never observed. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn clock_observation(&self) -> Result<Option<ClockObservation>> {
        let found = self.db.get(Table::Ads, WALKS, CLOCK).await?;
        found.map(|it| record(it, "look at the clock")).transpose()
    }

    /// Notes what was seen of the clock.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_clock_observation(&self, seen: &ClockObservation) -> Result<()> {
        self.db.put(Table::Ads, item(WALKS, CLOCK, seen)?).await
    }

    /// Up to which end of a unit's references their photos are known to be erased; none if none is. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn photos_erased_until(&self, unit: &TenantId) -> Result<Option<Timestamp>> {
        let found = self.db.get(Table::Ads, PHOTOS, unit.as_str()).await?;
        found
            .map(|it| parsed(&it, UNTIL, "walk over ended references"))
            .transpose()
    }

    /// Notes that no photo is left of a unit's references that ended before a time.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_photos_erased_until(&self, unit: &TenantId, until: Timestamp) -> Result<()> {
        let mut item = key(PHOTOS, unit.as_str());
        item.insert(UNTIL.into(), text(until.as_str()));
        self.db.put(Table::Ads, item).await
    }

    /// The round over all objects that was begun last; none if none ever was. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn bucket_scan(&self) -> Result<Option<BucketScan>> {
        let found = self.db.get(Table::Ads, WALKS, OBJECTS).await?;
        found.map(|it| record(it, "round")).transpose()
    }

    /// Notes how far a round has come. Two at once repeat each other's work and do no harm.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_bucket_scan(&self, round: &BucketScan) -> Result<()> {
        self.db.put(Table::Ads, item(WALKS, OBJECTS, round)?).await
    }
}
