//! Mending the searchable sets: bringing them into agreement, and making that of ads again from the
//! photos and lists that lie in its bucket.

use records::{BucketScan, ObjectCreated, ScanStage};
use store::ObjectKind;

use crate::fingerprints::{PAGE, POLL_EVERY, WAITING_MAX};
use crate::scan::{RUN_MAX, ScanListing};
use crate::{Done, Upkeep};

impl Upkeep {
    /// Brings both sets into agreement. References have their log, from which their segments are made
    /// again, whatever became of them.
    ///
    /// # Errors
    /// [`store::Error::Damaged`] if ads are gone for good from their set: [`Upkeep::rebuild`].
    pub(crate) async fn repair(&self, done: &mut Done) -> store::Result<()> {
        self.forget(done).await?;
        done.add(self.store.ads.repair(self.clock.now()).await?);
        Ok(())
    }

    /// Begins a rebuild, from the start also if one is under way: what is found gone now may have been
    /// taken in by that one before.
    pub(crate) async fn rebuild(&self, done: &mut Done) -> store::Result<()> {
        let now = self.clock.now();
        self.forget(done).await?;
        let begun = BucketScan {
            stage: ScanStage::Ads,
            ..BucketScan::next(None, now, None)
        };
        // Before: the walk of an earlier rebuild must not pass for this one's.
        self.store.checkpoints.save_rebuild(&begun).await?;
        done.add(self.store.ads.begin_rebuild(now).await?);
        // And after: a run that went on with it concurrently began before what is gone was left out.
        self.store.checkpoints.save_rebuild(&begun).await?;
        self.continue_rebuild(done).await
    }

    /// Goes on with the rebuild that is under way: tells each object of the ads' bucket to `ingest`, to
    /// be taken in whatever is known of it. It is over when nothing waits in the queue any more, a run
    /// after the last was told.
    pub(crate) async fn continue_rebuild(&self, done: &mut Done) -> store::Result<()> {
        if !self.store.ads.is_rebuilding().await? {
            return Ok(());
        }
        let now = self.clock.now();
        let walk = self.store.checkpoints.rebuild().await?;
        let Some(mut walk) = walk else {
            return Ok(());
        };
        if ScanListing::at(walk.stage).is_none() {
            if self.queues.waiting(ObjectKind::Ad).await? == 0 {
                self.store.ads.end_rebuild().await?;
                tracing::info!("the set of ads is made again");
            }
            return Ok(());
        }
        let until = now.plus(RUN_MAX);
        while self.clock.now() < until {
            let Some(listed) = ScanListing::at(walk.stage) else {
                break;
            };
            if self.queues.waiting(listed.kind).await? >= WAITING_MAX {
                tokio::time::sleep(POLL_EVERY).await;
                continue;
            }
            done.rebuilt += self.take_in_page(listed, &mut walk).await?;
        }
        tracing::info!(rebuilt = done.rebuilt, stage = ?walk.stage, "ads are taken in again");
        Ok(())
    }

    /// Tells one page of the bucket, and notes it.
    async fn take_in_page(&self, listed: ScanListing, walk: &mut BucketScan) -> store::Result<u64> {
        let ScanListing { kind, prefix, .. } = listed;
        let objects = &self.store.objects;
        let after = walk.after.as_deref();
        let page = objects.objects_page(kind, prefix, after, PAGE).await?;
        let bucket = objects.bucket(kind);
        let bodies = page.items.iter();
        let bodies: Vec<_> = bodies
            .map(|it| ObjectCreated::rebuild_message(bucket, &it.key))
            .collect();
        let told = bodies.len() as u64;
        self.queues.send(kind, bodies).await?;
        (walk.stage, walk.after) = listed.behind(page.next);
        self.store.checkpoints.save_rebuild(walk).await?;
        Ok(told)
    }
}
