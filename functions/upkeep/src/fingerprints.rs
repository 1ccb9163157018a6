//! Fingerprints of newer algorithms for every photo: after a build that brings some, each object of
//! both buckets is told to its program once more, which knows by the version what it has to do. Old
//! fingerprints are matched until new ones are there; the cursor of the walk outlives its runs.

use std::time::Duration;

use features::fingerprint::FINGERPRINT_VERSION;
use records::{ObjectCreated, Renewal};

use crate::scan::{RUN_MAX, ScanListing};
use crate::{Done, Upkeep};

/// Objects told together.
pub(crate) const PAGE: usize = 500;
/// Messages that may wait in the queue when more are sent: few, so that an upload behind them waits
/// for seconds and no more.
pub(crate) const WAITING_MAX: u64 = 500;
/// How long until a queue that is too full is looked at again.
pub(crate) const POLL_EVERY: Duration = Duration::from_secs(2);

impl Upkeep {
    /// Goes on with the walk of this build's algorithms, or begins it; none is due mostly.
    pub(crate) async fn renew_fingerprints(&self, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        let due = self
            .store
            .checkpoints
            .renewal_due(FINGERPRINT_VERSION, now)
            .await?;
        let Some(mut renewal) = due else {
            return Ok(());
        };
        let until = now.plus(RUN_MAX);
        while self.clock.now() < until {
            let Some(listed) = ScanListing::at(renewal.stage) else {
                break;
            };
            if self.queues.waiting(listed.kind).await? >= WAITING_MAX {
                tokio::time::sleep(POLL_EVERY).await;
                continue;
            }
            done.renewed += self.enqueue_page(listed, &mut renewal).await?;
        }
        tracing::info!(version = renewal.version, stage = ?renewal.stage, told = renewal.told,
            "photos are looked at again for fingerprints of newer algorithms");
        Ok(())
    }

    /// Tells one page of the walk's stage, and notes it.
    async fn enqueue_page(&self, listed: ScanListing, renewal: &mut Renewal) -> store::Result<u64> {
        let ScanListing { kind, prefix, .. } = listed;
        let after = renewal.after.as_deref();
        let page = self
            .store
            .objects
            .objects_page(kind, prefix, after, PAGE)
            .await?;
        let bucket = self.store.objects.bucket(kind);
        let bodies = page.items.iter();
        let bodies: Vec<_> = bodies
            .map(|it| ObjectCreated::message(bucket, &it.key))
            .collect();
        let told = bodies.len() as u64;
        self.queues.send(kind, bodies).await?;
        renewal.told += told;
        renewal.updated_at = self.clock.now();
        (renewal.stage, renewal.after) = listed.behind(page.next);
        self.store.checkpoints.save_renewal(renewal).await?;
        Ok(told)
    }
}
