//! The walk over all photos for fingerprints of newer algorithms.

use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use features::fingerprint::FINGERPRINT_VERSION;
use futures::future::BoxFuture;
use upkeep::{GivenUp, Queues};

use super::*;

/// Queues that keep what they are sent.
#[derive(Default)]
pub struct Enqueued {
    pub(crate) bodies: Mutex<Vec<(ObjectKind, String)>>,
    /// Sendings that go well before one fails; zero: all go well.
    pub(crate) good: AtomicU64,
    /// Time that passes whenever a full queue is asked.
    pub(crate) full_for_ms: AtomicI64,
    now_ms: Mutex<Option<Arc<AtomicI64>>>,
}

impl Queues for Enqueued {
    fn waiting(&self, _: ObjectKind) -> BoxFuture<'_, store::Result<u64>> {
        let ms = self.full_for_ms.load(Ordering::SeqCst);
        if let (1.., Some(now_ms)) = (ms, &*self.now_ms.lock().unwrap()) {
            now_ms.fetch_add(ms, Ordering::SeqCst);
        }
        Box::pin(async move { Ok(if ms > 0 { 1_000 } else { 0 }) })
    }

    fn given_up(&self, what: GivenUp) -> BoxFuture<'_, store::Result<Option<u64>>> {
        let count = match what {
            GivenUp::Objects(ObjectKind::Ad) => 2,
            GivenUp::Objects(ObjectKind::Reference) => 1,
            GivenUp::Changes => 3,
        };
        Box::pin(async move { Ok(Some(count)) })
    }

    fn send(&self, kind: ObjectKind, bodies: Vec<String>) -> BoxFuture<'_, store::Result<()>> {
        if self.good.load(Ordering::SeqCst) > 0 && self.good.fetch_sub(1, Ordering::SeqCst) == 1 {
            return Box::pin(async { Err(store::Error::Unavailable("sending messages")) });
        }
        let mut kept = self.bodies.lock().unwrap();
        kept.extend(bodies.into_iter().map(|body| (kind, body)));
        Box::pin(async { Ok(()) })
    }
}

impl Enqueued {
    /// The keys that were told since the last call, in order.
    fn keys(&self) -> Vec<String> {
        let bodies = std::mem::take(&mut *self.bodies.lock().unwrap());
        let key = |(kind, body): (ObjectKind, String)| {
            let [created] = &ObjectCreated::parse(&body).unwrap()[..] else {
                panic!("one object a message")
            };
            let bucket = match kind {
                ObjectKind::Ad => "ads",
                ObjectKind::Reference => "references",
            };
            assert_eq!((&*created.bucket, &created.version_id), (bucket, &None));
            let key = ObjectKey::from_event(&created.encoded_key).unwrap();
            key.as_str().to_owned()
        };
        bodies.into_iter().map(key).collect()
    }
}

fn over(system: &System, version: u16) -> Renewal {
    Renewal {
        stage: ScanStage::Over,
        ..Renewal::new(version, system.now())
    }
}

/// A system with two reference photos and 1,001 ads, whose fingerprints are of older algorithms.
async fn older() -> (System, Vec<String>) {
    let system = system(None).await;
    let mut keys = vec![
        "references/unit/case/a b+.jpg".to_owned(),
        "references/unit/case/b.jpg".to_owned(),
    ];
    keys.extend((0..1_001).map(|n| format!("ads/unit/{n:04} \u{e9}.jpg")));
    for key in &keys {
        system.put(key).await;
    }
    let older = over(&system, FINGERPRINT_VERSION - 1);
    system.store.checkpoints.save_renewal(&older).await.unwrap();
    assert_eq!(
        renewed(&system).await,
        0,
        "it is noticed, and begins next time"
    );
    assert_eq!(system.told.keys(), Vec::<String>::new());
    (system, keys)
}

async fn renewed(system: &System) -> u64 {
    system.run(Task::Fingerprints).await.renewed
}

#[tokio::test]
async fn every_photo_is_told_once_the_sought_first() {
    let (system, keys) = older().await;
    assert_eq!(renewed(&system).await, 1_003);
    assert_eq!(system.told.keys(), keys);
    assert_eq!(renewed(&system).await, 0);
    assert_eq!(system.told.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_deployment_has_nothing_to_renew_and_an_older_build_leaves_a_newer_ones_alone() {
    let system = system(None).await;
    system.put("ads/unit/a.jpg").await;
    assert_eq!(renewed(&system).await, 0);
    let newer = over(&system, FINGERPRINT_VERSION + 1);
    system.store.checkpoints.save_renewal(&newer).await.unwrap();
    assert_eq!(renewed(&system).await, 0);
    assert_eq!(system.told.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn a_walk_goes_on_where_a_queue_failed() {
    let (system, keys) = older().await;
    system.told.good.store(3, Ordering::SeqCst);
    let failed = system.upkeep.run(&[Task::Fingerprints]).await;
    assert!(matches!(failed, Err(store::Error::Unavailable(_))));
    assert_eq!(system.told.keys(), keys[..502], "one page of each");
    assert_eq!(renewed(&system).await, 501);
    assert_eq!(system.told.keys(), keys[502..]);
}

#[tokio::test]
async fn while_the_queue_is_full_nothing_more_is_sent_and_the_next_run_goes_on() {
    let (system, keys) = older().await;
    *system.told.now_ms.lock().unwrap() = Some(system.now_ms.clone());
    system.told.full_for_ms.store(800_000, Ordering::SeqCst);
    assert_eq!(renewed(&system).await, 0);
    system.told.full_for_ms.store(0, Ordering::SeqCst);
    assert_eq!(renewed(&system).await, keys.len() as u64);
}
