//! New image against all references; new reference against all past images; records leads.
//!
//! Woken by the tables' streams, after the image or the reference is written. So the rule that
//! closes the race of the two holds on both sides: write your own record, then read the other set
//! strongly, then write leads, acknowledge last. It links no decoder: hostile files and the
//! fingerprints of missing persons never meet.
#![forbid(unsafe_code)]

mod ads;
mod references;
mod scan;

use std::collections::{BTreeMap, HashMap};

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::DynamoDbEventResponse;
use matching::{Match, Policy};
use records::{FoundLead, ImageSha256, Label, LeadId, Malformed, ReferenceId, Sighting, TenantId};
use store::{
    AdsSet, Change, Clock, Leads, Pack, Recorded, References, SearchKey, Searches, Store, StoredAd,
};
use tokio::sync::{Mutex, OnceCell};

use crate::ads::NewReference;
use crate::references::ReferenceCache;
use crate::scan::{Brought, FoundPair};

/// Whose reference, and which.
type Key = (TenantId, ReferenceId);

/// Leads that are told, with the postings that are still to be written.
type NewLeads = BTreeMap<(TenantId, LeadId, ImageSha256), Vec<Sighting>>;

/// Postings that wait for the end of a batch: each may have 5 KB, so these take 20 MB at most.
const POSTINGS_LEFT_MAX: usize = 4_096;

/// What the changes of one batch share.
#[derive(Default)]
struct Batch {
    /// Whether the references were read for it.
    fresh: OnceCell<()>,
    told: Mutex<NewLeads>,
}

/// What it may touch: both searchable sets, searches and leads. No photo.
///
/// ```
/// fn has(it: &lookup::Access) -> &store::Leads { &it.leads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &lookup::Access) -> &store::Objects { &it.objects }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &lookup::Access) -> &store::Uploads { &it.uploads }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &lookup::Access) -> &store::Deliveries { &it.deliveries }
/// ```
///
/// ```compile_fail,E0609
/// fn has(it: &lookup::Access) -> &store::Tenants { &it.tenants }
/// ```
#[derive(Clone, Debug)]
pub struct Access {
    /// The searchable set of ads.
    pub ads: AdsSet,
    /// References.
    pub references: References,
    /// Searches of the past.
    pub searches: Searches,
    /// Leads and alerts.
    pub leads: Leads,
}

impl From<Store> for Access {
    fn from(all: Store) -> Self {
        Self {
            ads: all.ads,
            references: all.references,
            searches: all.searches,
            leads: all.leads,
        }
    }
}

/// What the function works with.
pub struct Lookup {
    store: Access,
    policy: Policy,
    clock: Clock,
    references: ReferenceCache,
    /// Segments searched side by side.
    segments_at_once: usize,
}

/// Why a change is not done yet.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LookupError {
    /// The store's fault.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The matching thread was lost.
    #[error("matching was cut off")]
    CutOff,
    /// Our own words did not fit a record.
    #[error("{0}")]
    Words(#[from] Malformed),
}

impl Lookup {
    /// A handler with an empty memory of references; the first image fills it.
    pub fn new(store: impl Into<Access>, policy: Policy, clock: Clock) -> Self {
        Self {
            store: store.into(),
            policy,
            clock,
            references: ReferenceCache::default(),
            segments_at_once: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Acts on the changes of one batch, in order; new references that stand behind each other
    /// share their search, and so do parts of searches. What is known of the references is
    /// refreshed once before the first image: every image of the batch was written before the batch
    /// arrived. Alerts of all its images go out before what was posted of them is written.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let batch = Batch::default();
        // On the heap: the futures of a search within a batch are very deep.
        let act = |changes: Vec<Change>| {
            let acted = Box::pin(self.act_on_all(changes, &batch));
            async move { acted.await.inspect_err(count_damage) }
        };
        let at_end = Box::pin(self.complete(&batch.told));
        batches::runs(event, change_of, share_their_work, act, at_end).await
    }

    async fn act_on_all(&self, changes: Vec<Change>, batch: &Batch) -> Result<(), LookupError> {
        let (mut references, mut parts) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Ads(pack) => self.new_images(&pack, batch).await?,
                Change::Sighting {
                    image_sha256,
                    sighting,
                } => self.new_sighting(&image_sha256, &sighting).await?,
                Change::Reference {
                    unit,
                    reference_id,
                    seq,
                    fingerprint,
                } => references.push(NewReference {
                    of: SearchKey {
                        unit,
                        reference_id,
                        seq,
                    },
                    fingerprint,
                }),
                Change::Search(part) => parts.push(part),
                Change::SearchAgain(of) => self.search_again(of).await?,
                Change::Alert(_) => {}
            }
        }
        if !references.is_empty() {
            self.new_references(references).await?;
        }
        if !parts.is_empty() {
            self.search_parts(parts).await?;
        }
        Ok(())
    }

    async fn new_sighting(
        &self,
        image: &ImageSha256,
        sighting: &Sighting,
    ) -> Result<(), LookupError> {
        let now = self.clock.now();
        let leads = self.store.leads.extend_leads(image, sighting, now).await?;
        if leads > 0 {
            tracing::info!(leads, "a sighting was added to leads");
        }
        Ok(())
    }

    /// Tells all leads of a pack. What was posted is left for the end of the batch, unless that is
    /// much already.
    async fn new_images(&self, pack: &Pack, batch: &Batch) -> Result<(), LookupError> {
        let ads = self.store.ads.ads_of(pack).await?;
        batch
            .fresh
            .get_or_try_init(|| self.references.refresh(&self.store, self.clock.now()))
            .await?;
        let mut pairs = Vec::new();
        for ad in each_once(ads) {
            let of_ad = Brought::of(&ad);
            let found = self
                .references
                .find(ad.fingerprint, self.policy.clone())
                .await?;
            let pair = |(key, found)| FoundPair {
                key,
                brought: of_ad.clone(),
                found,
            };
            pairs.extend(found.into_iter().map(pair));
        }
        let postings_left = self.alert_leads(pairs, &batch.told).await?;
        if postings_left > POSTINGS_LEFT_MAX {
            self.complete(&batch.told).await?;
        }
        Ok(())
    }

    /// Records pairs that match: all leads with their alerts, and then what was posted of them, of
    /// which there may be much.
    async fn record(&self, pairs: Vec<FoundPair>) -> Result<(), LookupError> {
        let told = Mutex::default();
        Box::pin(self.alert_leads(pairs, &told)).await?;
        Box::pin(self.complete(&told)).await
    }

    /// Records pairs as leads with their alerts; says how many postings are left to be written.
    async fn alert_leads(
        &self,
        pairs: Vec<FoundPair>,
        told: &Mutex<NewLeads>,
    ) -> Result<usize, LookupError> {
        let mut told = told.lock().await;
        for FoundPair {
            key,
            brought,
            found,
        } in pairs
        {
            let found = lead(key, &brought, &found, self.policy.version)?;
            let (postings, now) = (brought.postings, self.clock.now());
            let recorded = self.store.leads.alert_lead(&found, &postings, now).await?;
            log_summary(&recorded, &found);
            if let Some(id) = recorded.lead_id() {
                told.entry((found.unit, id.clone(), found.image_sha256))
                    .or_default()
                    .extend(postings);
            }
        }
        Ok(told.values().map(Vec::len).sum())
    }

    /// Writes what was posted of leads that are told. If it fails, it is all left to be done again.
    async fn complete(&self, told: &Mutex<NewLeads>) -> Result<(), LookupError> {
        let mut told = told.lock().await;
        for ((unit, id, image), postings) in &*told {
            let now = self.clock.now();
            self.store
                .leads
                .complete_lead(unit, (id, image), postings, now)
                .await?;
        }
        told.clear();
        Ok(())
    }
}

fn count_damage(error: &LookupError) {
    if let LookupError::Store(store::Error::Damaged(_)) = error {
        batches::damage();
    }
}

fn log_summary(recorded: &Recorded, found: &FoundLead) {
    let (level, distance) = (found.level, found.distance);
    match recorded {
        Recorded::New { lead_id, .. } => {
            tracing::info!(%lead_id, ?level, distance, "a lead is recorded");
        }
        Recorded::Raised { lead_id, .. } => {
            tracing::info!(%lead_id, ?level, distance, "a lead is raised");
        }
        Recorded::Known(_) | Recorded::NotActive | Recorded::Retracted => {}
    }
}

/// Ads of one tenant with the same picture and fingerprint as one, so that a list which names a
/// picture a hundred times is compared once.
fn each_once(ads: Vec<StoredAd>) -> Vec<StoredAd> {
    let mut places: HashMap<(TenantId, ImageSha256), Vec<usize>> = HashMap::new();
    let mut once: Vec<StoredAd> = Vec::with_capacity(ads.len());
    for ad in ads {
        let same = places
            .entry((ad.tenant.clone(), ad.image_sha256))
            .or_default();
        // What came without postings was computed here: it is not of the same evidence.
        let is_same = |known: &StoredAd| {
            known.fingerprint == ad.fingerprint
                && known.postings.is_empty() == ad.postings.is_empty()
        };
        match same.iter().find(|place| is_same(&once[**place])) {
            Some(place) => once[*place].postings.extend(ad.postings),
            None => {
                same.push(once.len());
                once.push(ad);
            }
        }
    }
    once
}

/// The change of a stream record; none for those that need no action.
fn change_of(record: EventRecord) -> Result<Option<Change>, LookupError> {
    match record.event_name.as_str() {
        "INSERT" => Ok(store::inserted(record.change.new_image)?),
        _ => Ok(None),
    }
}

/// Whether two changes are worked on in one go.
fn share_their_work(a: &Change, b: &Change) -> bool {
    use Change::{Reference, Search};
    matches!(
        (a, b),
        (Reference { .. }, Reference { .. }) | (Search(_), Search(_))
    )
}

/// A match as the record of a lead that is found.
fn lead(
    (unit, reference_id): Key,
    brought: &Brought,
    found: &Match,
    policy_version: u16,
) -> Result<FoundLead, Malformed> {
    Ok(FoundLead {
        unit,
        reference_id,
        image_sha256: brought.image,
        uploaded_by: brought.by.clone(),
        evidence: brought.evidence,
        level: found.level,
        method: found.method,
        distance: found.distance_bits,
        edit: Label::parse(&found.edit.to_string())?,
        policy_version,
        outline: found.outline,
    })
}
