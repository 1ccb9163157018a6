//! New image against all references; new reference against all past images; records leads.
//!
//! Woken by the tables' streams, after the image or the reference is written. So the rule that
//! closes the race of the two holds on both sides: write your own record, then read the other set
//! strongly, then write leads, acknowledge last. It links no decoder: hostile files and the
//! fingerprints of the sought never meet.

mod ads;
mod references;
mod scan;

use aws_lambda_events::dynamodb::{Event, EventRecord};
use aws_lambda_events::streams::DynamoDbEventResponse;
use matching::{Match, Policy};
use records::{
    Found, ImageSha256, Label, Level, Malformed, Method, ReferenceId, Sighting, TenantId,
};
use store::{Change, Clock, Pack, SearchKey, Store};
use tokio::sync::OnceCell;

use crate::ads::NewReference;
use crate::references::References;

/// Whose reference, and which.
type Key = (TenantId, ReferenceId);

/// What the function works with.
pub struct Lookup {
    store: Store,
    policy: Policy,
    clock: Clock,
    references: References,
    /// Segments searched side by side.
    segments_at_once: usize,
}

/// Why a change is not done yet.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotDone {
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
    pub fn new(store: Store, policy: Policy, clock: Clock) -> Self {
        Self {
            store,
            policy,
            clock,
            references: References::default(),
            segments_at_once: std::thread::available_parallelism().map_or(1, usize::from),
        }
    }

    /// Acts on the changes of one batch, in order; new references that stand behind each other
    /// share their search, and so do parts of searches. What is known of the references is
    /// refreshed once before the first image: every image of the batch was written before the batch
    /// arrived.
    pub async fn handle(&self, event: Event) -> DynamoDbEventResponse {
        let fresh = OnceCell::new();
        // On the heap: the futures of a search within a batch are very deep.
        let act = |changes: Vec<Change>| Box::pin(self.act_on_all(changes, &fresh));
        batches::runs(event, change_of, share_their_work, act).await
    }

    async fn act_on_all(&self, changes: Vec<Change>, fresh: &OnceCell<()>) -> Result<(), NotDone> {
        let (mut references, mut parts) = (Vec::new(), Vec::new());
        for change in changes {
            match change {
                Change::Ads(pack) => self.new_images(&pack, fresh).await?,
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

    async fn new_sighting(&self, image: &ImageSha256, sighting: &Sighting) -> Result<(), NotDone> {
        let leads = self.store.extend_leads(image, sighting).await?;
        if leads > 0 {
            tracing::info!(leads, "a sighting was added to leads");
        }
        Ok(())
    }

    async fn new_images(&self, pack: &Pack, fresh: &OnceCell<()>) -> Result<(), NotDone> {
        let ads = self.store.ads_of(pack).await?;
        fresh
            .get_or_try_init(|| self.references.refresh(&self.store, self.clock.now()))
            .await?;
        for ad in ads {
            let image = ad.image_sha256;
            let found = self
                .references
                .find(ad.fingerprint, self.policy.clone())
                .await?;
            for (key, found) in found {
                self.record(&key, (&image, &ad.postings), &found).await?;
            }
        }
        Ok(())
    }

    async fn record(
        &self,
        key: &Key,
        (image, postings): (&ImageSha256, &[Sighting]),
        found: &Match,
    ) -> Result<(), NotDone> {
        let found = lead(key, image, found, self.policy.version)?;
        let now = self.clock.now();
        let recorded = self.store.record_lead(&found, postings, now).await?;
        if let store::Recorded::New { lead_id, .. } = recorded {
            let level = found.level;
            tracing::info!(%lead_id, ?level, distance = found.distance, "a lead is recorded");
        }
        Ok(())
    }
}

/// The change that a record tells; none for what nobody acts upon.
fn change_of(record: EventRecord) -> Result<Option<Change>, NotDone> {
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

/// A match in the words of the records.
fn lead(
    key: &Key,
    image: &ImageSha256,
    found: &Match,
    policy_version: u16,
) -> Result<Found, Malformed> {
    let (unit, reference_id) = key.clone();
    Ok(Found {
        unit,
        reference_id,
        image_sha256: *image,
        level: match found.level {
            matching::Level::Alert => Level::Alert,
            matching::Level::Review => Level::Review,
        },
        method: match found.method {
            matching::Method::Whole => Method::Whole,
            matching::Method::Parts => Method::Parts,
        },
        distance: found.distance_bits,
        edit: Label::parse(&found.edit.to_string())?,
        policy_version,
        outline: found.outline,
    })
}
