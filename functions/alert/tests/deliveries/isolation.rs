//! A receiver that never answers holds up no other.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use alert::send::{SendError, SendOutcome, Sender, Timeouts};
use records::{Delivery, DeliveryState, TenantId};
use tokio::sync::watch;

use crate::world::{World, name};

/// When a test that would wait for ever gives up.
const HANGS: Duration = Duration::from_secs(120);

/// Receivers by host, and the attempts at each with the time that they were given.
#[derive(Clone, Default)]
struct Receivers(Arc<Mutex<BTreeMap<String, Vec<Duration>>>>);

impl Receivers {
    fn record(&self, host: &str, within: Duration) {
        let mut attempts = self.0.lock().expect("not poisoned");
        attempts.entry(host.to_owned()).or_default().push(within);
    }

    fn attempts(&self, host: &str) -> Vec<Duration> {
        let attempts = self.0.lock().expect("not poisoned");
        attempts.get(host).cloned().unwrap_or_default()
    }

    /// A way out to them, by what the host's receiver does. A silent one keeps silent until the
    /// attempt's time is over, which the test does not wait for.
    fn sender(&self, is_silent: impl Fn(&str) -> bool + Send + Sync + 'static) -> Sender {
        let this = self.clone();
        let post = move |target: &alert::target::Target, _, within| {
            let host = target.url().host_str().expect("a host").to_owned();
            this.record(&host, within);
            let outcome = outcome(is_silent(&host));
            Box::pin(async move { outcome }) as futures::future::BoxFuture<'static, SendOutcome>
        };
        Sender::given(Timeouts::default(), Arc::new(post))
    }
}

fn outcome(is_silent: bool) -> SendOutcome {
    if is_silent {
        return SendOutcome::Unanswered(SendError::TimedOut);
    }
    SendOutcome::Answered {
        status: 200,
        retry_after: None,
    }
}

fn unit(name: &str) -> TenantId {
    TenantId::parse(name).expect("a tenant")
}

/// Leads of one reference of a unit, each with an ad of its own.
async fn leads(world: &World, unit: &TenantId, ads: std::ops::Range<usize>) {
    let case = format!("case-{}", ads.start);
    let reference = world.reference_of(unit, &case).await;
    for ad in ads {
        let ad = format!("{unit}-{ad}");
        world.lead_of(unit, &reference, &ad).await;
    }
}

async fn deliveries(world: &World, hook: &str) -> Vec<Delivery> {
    let page = world
        .store
        .deliveries
        .deliveries(&world.unit, &name(hook), None, 100)
        .await;
    page.expect("the store answers").items
}

#[tokio::test]
async fn receivers_that_keep_silent_hold_up_no_other_unit() {
    let (told, other_is_told) = watch::channel(false);
    let post = move |target: &alert::target::Target, _, _| {
        let is_other = target.url().host_str() == Some("other.example");
        if is_other {
            told.send_replace(true);
        }
        let mut other_is_told = other_is_told.clone();
        let outcome = async move {
            other_is_told.wait_for(|told| *told).await.expect("open");
            outcome(!is_other)
        };
        Box::pin(outcome) as futures::future::BoxFuture<'static, SendOutcome>
    };
    let sender = Sender::given(Timeouts::default(), Arc::new(post));
    let world = World::with(sender).await;
    for at in 0..20 {
        let url = format!("https://silent-{at}.example/");
        world.webhook("unit", &format!("w{at:02}"), &url).await;
    }
    world
        .webhook("other", "desk", "https://other.example/")
        .await;
    leads(&world, &unit("unit"), 0..3).await;
    leads(&world, &unit("other"), 0..1).await; // after all of them in the stream
    let stream = tokio::time::timeout(HANGS, world.stream());
    stream.await.expect("the other unit is told meanwhile");
    // The same by the timer, which comes to the units side by side.
    world.wait(Duration::from_secs(86_400));
    let timer = tokio::time::timeout(HANGS, world.timer());
    timer.await.expect("it ends");
}

#[tokio::test]
async fn a_receiver_that_keeps_silent_costs_a_batch_two_short_attempts_once() {
    let receivers = Receivers::default();
    let is_silent = Arc::new(Mutex::new(true));
    let silent = is_silent.clone();
    let sender = receivers
        .sender(move |host| host == "desk.example" && *silent.lock().expect("not poisoned"));
    let world = World::with(sender).await;
    world
        .webhook("unit", "archive", "https://archive.example/")
        .await;
    world.webhook("unit", "desk", "https://desk.example/").await;
    leads(&world, &world.unit, 0..10).await;
    world.stream().await;
    let (first, total) = (Timeouts::default().first, Timeouts::default().total);
    assert_eq!(receivers.attempts("archive.example"), [first; 10]);
    assert_eq!(receivers.attempts("desk.example"), [first; 2]);

    // Its next alerts are queued and wait for the timer, which has more time and asks twice.
    leads(&world, &world.unit, 10..12).await;
    world.stream().await;
    assert_eq!(receivers.attempts("archive.example").len(), 12);
    assert_eq!(receivers.attempts("desk.example").len(), 2);
    world.timer().await;
    let attempts = receivers.attempts("desk.example");
    assert_eq!(attempts[2..], [total; 2]);
    let waiting = deliveries(&world, "desk").await;
    assert_eq!(waiting.len(), 12);
    let are_pending = |delivery: &Delivery| delivery.state == DeliveryState::Pending;
    assert!(waiting.iter().all(are_pending), "none is given up");

    // It answers again: all that waited goes out in one turn, and the next alert at once.
    *is_silent.lock().expect("not poisoned") = false;
    world.wait(Duration::from_secs(3_600));
    assert_eq!(world.timer().await, 12);
    let receipts = deliveries(&world, "desk").await;
    assert!(
        receipts
            .iter()
            .all(|receipt| receipt.state == DeliveryState::Delivered)
    );
    leads(&world, &world.unit, 12..13).await;
    world.stream().await;
    assert_eq!(deliveries(&world, "desk").await.len(), 13);
    assert_eq!(
        deliveries(&world, "desk").await[0].state,
        DeliveryState::Delivered
    );
}

#[tokio::test]
async fn a_withdrawal_waits_eight_seconds_at_most_for_a_first_attempt() {
    let (started, mut is_started) = watch::channel(false);
    let post = move |_: &alert::target::Target, _, _| {
        started.send_replace(true);
        Box::pin(std::future::pending()) as futures::future::BoxFuture<'static, SendOutcome>
    };
    let sender = Sender::given(Timeouts::default(), Arc::new(post));
    let world = World::with(sender).await;
    world.webhook("unit", "desk", "https://desk.example/").await;
    leads(&world, &world.unit, 0..1).await;
    let (program, batch) = (world.program.clone(), world.batch().await);
    let under_way = tokio::spawn(async move { program.on_leads(&batch).await });
    is_started.wait_for(|started| *started).await.expect("open");
    let reference = world.delivery("desk", 1).await.reference_id;
    let (store, now) = (&world.store, world.now());
    let until = store
        .deliveries
        .in_flight(&world.unit, &reference, now)
        .await;
    let until = until.expect("the store answers").expect("under way");
    assert_eq!(until.since(now), Duration::from_secs(8));
    under_way.abort();
}

#[tokio::test]
async fn every_unit_has_its_turn_however_long_those_before_it_take() {
    // Each attempt takes 15 s of the run's minute: the clock goes on with it.
    let receivers = Receivers::default();
    let clock = Arc::new(std::sync::OnceLock::<Arc<World>>::new());
    let noted = receivers.clone();
    let moved = clock.clone();
    let post = move |target: &alert::target::Target, _, within| {
        noted.record(target.url().host_str().expect("a host"), within);
        if let Some(world) = moved.get() {
            world.wait(within);
        }
        Box::pin(async { outcome(true) }) as futures::future::BoxFuture<'static, SendOutcome>
    };
    let world = World::with(Sender::given(Timeouts::default(), Arc::new(post))).await;
    let units: Vec<String> = (0..24).map(|at| format!("unit-{at:02}")).collect();
    for tenant in &units {
        world.tenant(tenant).await;
        let url = format!("https://{tenant}.example/");
        world.webhook(tenant, "desk", &url).await;
        leads(&world, &unit(tenant), 0..1).await;
    }
    world.wait(Duration::from_secs(16 * 60)); // the stream gave them up
    let world = Arc::new(world);
    assert!(clock.set(world.clone()).is_ok());
    let tried = || {
        let was_tried = |unit: &&String| !receivers.attempts(&format!("{unit}.example")).is_empty();
        units.iter().filter(was_tried).count()
    };
    world.timer().await;
    let first = tried();
    assert!((1..24).contains(&first), "{first} units in the first run");
    let mut runs = 1;
    while tried() < 24 && runs < 24 {
        // Leases run out until the timer comes again. Attempts at the same time move one clock, so that
        // one of them leaves others for a later run.
        world.wait(Duration::from_secs(60));
        world.timer().await;
        runs += 1;
    }
    assert_eq!(tried(), 24);
}
