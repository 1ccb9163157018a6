//! The domain's verbs on S3 and DynamoDB.
//!
//! There is no storage trait: the seam between cloud, laptop and fault injection is the HTTP
//! client inside the [`aws_config::SdkConfig`] that a [`Store`] is made of, so that the code under
//! test is the code that runs.
//!
//! Every read that matching relies on is strongly consistent. Every verb can be repeated: its
//! documentation says what a repetition does. Nothing here reads a clock (`now` is an argument)
//! and nothing logs; errors hold no key, hash, address or case number.
//!
//! Ads and references are each a searchable set of a tail, segments and their manifest: see
//! [`AdsSet::ads_page`] and [`References::references_since`] for readers, [`AdsSet::compact_ads`],
//! [`References::compact_references`], [`Segments::merge_segments`] and [`GarbageCollector::sweep`] for upkeep, and
//! [`GarbageCollector::purge`] for erasure.
#![forbid(unsafe_code)]

mod ads;
mod audit;
mod changes;
mod checkpoints;
mod db;
mod deliveries;
mod erasures;
mod garbage;
mod leads;
mod objects;
mod references;
mod searches;
mod sets;
mod tenants;
mod uploads;

pub use ads::compaction::{TailBatch, Written};
pub use ads::packs::{PACK_ADS_MAX, Pack};
pub use ads::pages::{AdsPage, AdsPosition, FEATURES_PAGE_BYTES, SegmentPage, StoredAd};
pub use ads::stop_features::TrainingSample;
pub use changes::{Change, inserted};
pub use db::clock::Clock;
pub use db::error::{Error, Result};
pub use db::names::{Bucket, Names};
pub use db::retry::Jitter;
pub use db::tables::{StreamView, TABLES, Table, TableDefinition};
pub use deliveries::{DeliveryOutcome, Lease, Leased};
pub use erasures::erased::{Erased, ErasedBy, ErasedCounts};
pub use garbage::Purged;
pub use leads::LeadFilter;
pub use leads::held::Released;
pub use leads::known::KnownSightings;
pub use leads::record::Recorded;
pub use leads::retractions::LeadsWithdrawn;
pub use leads::tabs::{LeadCounts, TabQuery};
pub use leads::verdicts::OWN_OPINION;
pub use objects::forms::{Form, FormLimits};
pub use objects::{
    Fetched, ListedObject, NewObject, Object, ObjectFacts, ObjectKind, ObjectsPage,
    is_folder_marker,
};
pub use references::Submitted;
pub use references::erasing::ObjectVersion;
pub use references::log::{LogBatch, LogChange, LogEntry, LogPosition};
pub use references::renewal::Renewed;
pub use references::status::Activated;
pub use searches::{SearchKey, SearchPart, SearchPlan};
pub use segments::{Id, MergeRule, SegmentEntry, SegmentIndex, SegmentName, SetKind};
pub use sets::compaction_rule::{Compacted, CompactionRule};
pub use sets::manifests::VersionedManifest;
pub use uploads::UploadCounts;
pub use uploads::quotas::Quota;
pub use uploads::unpacking::Unpacked;

pub use ads::AdsSet;
pub use ads::ending::EndedAds;
pub use audit::AuditLog;
pub use checkpoints::Checkpoints;
pub use db::{Db, https_client, sdk_config};
pub use deliveries::Deliveries;
pub use erasures::Erasures;
pub use garbage::GarbageCollector;
pub use leads::Leads;
pub use objects::Objects;
pub use references::References;
pub use searches::Searches;
pub use sets::Segments;
pub use tenants::Tenants;
pub use uploads::Uploads;

/// The most items of one page of any listing.
pub const PAGE_ITEMS_MAX: usize = 100;

/// Every handle over one connection, for a host and for tests. A program takes from it what it may
/// touch and drops the rest. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    /// The connection.
    pub db: Db,
    /// Photos in the two buckets, as they were uploaded.
    pub objects: Objects,
    /// Uploads, images and sightings of ads, and the quotas of their tenants.
    pub uploads: Uploads,
    /// The segments and the manifest of each searchable set.
    pub segments: Segments,
    /// The searchable set of ads: tail, packs, segments, stop features.
    pub ads: AdsSet,
    /// Takes out of the searchable sets what is to be forgotten, and deletes what is not needed any more.
    pub garbage: GarbageCollector,
    /// References: their records, log and snapshots.
    pub references: References,
    /// Searches of new references through past ads.
    pub searches: Searches,
    /// Leads with their sightings, alerts, digests, and retractions.
    pub leads: Leads,
    /// Webhooks and what is delivered to them.
    pub deliveries: Deliveries,
    /// Tenants and their tokens.
    pub tenants: Tenants,
    /// The audit logs of tenants.
    pub audit: AuditLog,
    /// Requests for erasure and what each removed.
    pub erasures: Erasures,
    /// How far the timers' scans and backfills have come.
    pub checkpoints: Checkpoints,
}

impl Store {
    /// All handles over a connection.
    pub fn new(db: Db) -> Self {
        Self {
            objects: Objects::new(&db),
            uploads: Uploads::new(&db),
            segments: Segments::new(&db),
            ads: AdsSet::new(&db),
            garbage: GarbageCollector::new(&db),
            references: References::new(&db),
            searches: Searches::new(&db),
            leads: Leads::new(&db),
            deliveries: Deliveries::new(&db),
            tenants: Tenants::new(&db),
            audit: AuditLog::new(&db),
            erasures: Erasures::new(&db),
            checkpoints: Checkpoints::new(&db),
            db,
        }
    }

    /// Over [`Db::from_env`].
    ///
    /// # Errors
    /// As there.
    pub async fn from_env(needed: &[Bucket]) -> Result<Self> {
        Db::from_env(needed).await.map(Self::new)
    }

    /// Over [`Db::with_sdk_config`].
    pub fn with_sdk_config(config: &aws_config::SdkConfig, names: Names, jitter: Jitter) -> Self {
        Self::new(Db::with_sdk_config(config, names, jitter))
    }

    /// What its buckets and tables are called.
    pub fn names(&self) -> &Names {
        self.db.names()
    }
}
