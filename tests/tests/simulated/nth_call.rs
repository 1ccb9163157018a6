//! Every call that any program makes on the cloud fails once: before its effect, after its effect
//! with the answer lost, with the service's request to come again, and with the end of the whole
//! process. Whatever failed, everything is in the end as if nothing had.
//!
//! The calls are counted in a run without faults. Faults are given with the SDK's own retries off,
//! so that the programs see them; and once more with the retries on, which repeat a call whose
//! effect is done already.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // the figures are for the reader of the run
#![allow(
    clippy::disallowed_methods,
    reason = "it measures, and a setting makes it longer"
)]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use aws_config::retry::RetryConfig;
use proofs::sim::snapshot::{self, Snapshot};
use proofs::sim::{
    Call, CaseSystem, Cluster, ClusterConfig, Fault, Injection, Pump, Tasks, Time, bmp,
    forged_list, list, rubbish, tar,
};
use records::{CaseId, ImageSha256, ReferenceId, TenantId};

/// Attempts of one call with the SDK's retries on, as in production.
const ATTEMPTS: u32 = 5;

/// What one run came to.
struct Ran {
    snapshot: Snapshot,
    /// The calls that could have failed.
    calls: Vec<String>,
}

/// What happens in a cluster, and what it holds at the end.
#[derive(Clone, Copy, Debug)]
enum Scenario {
    /// See [`every_day`].
    EveryDay,
    /// See [`hashes`].
    Hashes,
    /// See [`renewal`].
    Renewal,
    /// See [`rising`].
    Rising,
    /// See [`retracted`].
    Retracted,
}

impl Scenario {
    /// Tells it; `is_new` is true while calls are made that no other scenario makes.
    async fn play(self, cluster: &Arc<Cluster>, is_new: &AtomicBool) -> Snapshot {
        let mut pump = Pump::new(cluster);
        let begins_known = matches!(self, Self::Rising | Self::Retracted);
        is_new.store(!begins_known, Ordering::SeqCst);
        match self {
            Self::EveryDay => every_day(&mut pump).await,
            Self::Hashes => hashes(&mut pump).await,
            Self::Renewal => renewal(&mut pump).await,
            Self::Rising => rising(&mut pump, is_new).await,
            Self::Retracted => retracted(&mut pump, is_new).await,
        }
        let store = cluster.store(&cluster.connection("faultless"));
        snapshot::take(&store, &cluster.case_system.arrived()).await
    }

    /// Uploads, references, leads and sightings at its end.
    fn comes_to(self) -> [usize; 4] {
        match self {
            Self::EveryDay => [8, 2, 3, 4],
            Self::Hashes => [2, 1, 1, 3],
            Self::Renewal => [1, 1, 1, 1],
            Self::Rising => [1, 1, 1, 2],
            Self::Retracted => [1, 1, 1, 2],
        }
    }
}

/// A small scenario, in which call number `at` (from 0) has a fault.
fn run(scenario: Scenario, at: Option<u64>, fault: Fault, retries: RetryConfig) -> Ran {
    let (count, names) = (Arc::new(AtomicU64::new(0)), Arc::default());
    let is_new = Arc::new(AtomicBool::new(false));
    let counts = is_new.clone();
    let noted: Arc<std::sync::Mutex<Vec<String>>> = Arc::clone(&names);
    let injections = move |call: &Call| {
        let mut injection = Injection::default();
        if call.actor == "programs" && counts.load(Ordering::SeqCst) {
            noted.lock().unwrap().push(call.name.clone());
            if Some(count.fetch_add(1, Ordering::SeqCst)) == at {
                injection.fault = fault;
            }
        }
        injection
    };
    let plan = ClusterConfig {
        seed: 1,
        folder: None,
        time: Time::default(),
        injections: Box::new(injections),
        bug: None,
        retries,
        keeps_text: false,
        ads_kept: None,
    };
    let cluster = Arc::new(Cluster::new(plan, CaseSystem::willing));
    let played = Rc::new(RefCell::new(None));
    let (mut tasks, out, inside) = (Tasks::default(), played.clone(), cluster.clone());
    tasks.add("story", async move {
        *out.borrow_mut() = Some(scenario.play(&inside, &is_new).await);
    });
    tasks.run(cluster.time());
    let snapshot = played.take().unwrap();
    let calls = names.lock().unwrap().clone();
    Ran { snapshot, calls }
}

/// An ad before its reference, a reference before its ad; a second posting; a file that is no
/// picture; both in a bundle; a withdrawal, and an ad that comes after it.
async fn every_day(pump: &mut Pump) {
    pump.put("ads/uploader/first.bmp", bmp(1, 1)).await;
    pump.put("references/unit/case-2/photo.bmp", bmp(2, 0))
        .await;
    pump.until_done().await;
    pump.put("references/unit/case-1/photo.bmp", bmp(1, 0))
        .await;
    pump.put("ads/uploader/second.bmp", bmp(2, 1)).await;
    pump.put("ads/uploader/first again.bmp", bmp(1, 1)).await;
    pump.put("ads/uploader/rubbish", rubbish(1)).await;
    let bundle = tar(&[("ad.bmp", bmp(1, 3)), ("rubbish", rubbish(2))]);
    pump.put("ads/uploader/bundle.tar", bundle).await;
    pump.until_done().await;
    pump.withdraw(&reference("case-2", 2)).await;
    pump.put("ads/uploader/third.bmp", bmp(2, 2)).await;
    pump.timers().await;
    pump.until_done().await;
}

/// An ad and a reference of the same photo that a build with older algorithms recorded and could not
/// find in each other: their photos are looked at again.
async fn renewal(pump: &mut Pump) {
    let (ad, photo) = ("ads/uploader/older.bmp", "references/unit/case-3/photo.bmp");
    pump.record_older_ad(ad, &bmp(3, 1)).await;
    pump.record_older_reference(photo, &bmp(3, 0)).await;
    pump.until_done().await;
    pump.put(ad, bmp(3, 1)).await;
    pump.put(photo, bmp(3, 0)).await;
    pump.until_done().await;
}

/// A list of hashes, twice one picture's and something that is none, and then the reference of what it
/// shows; the same picture's hash in a further list.
async fn hashes(pump: &mut Pump) {
    let pictures = [("ad.bmp", bmp(4, 1)), ("same.bmp", bmp(4, 1))];
    let all = [&pictures[..], &[("rubbish", rubbish(3))]].concat();
    pump.put("ads/uploader/list.jsonl", list(&all)).await;
    pump.until_done().await;
    pump.put("references/unit/case-4/photo.bmp", bmp(4, 0))
        .await;
    pump.until_done().await;
    pump.put("ads/uploader/later.jsonl", list(&pictures[..1]))
        .await;
    pump.until_done().await;
}

/// An uploader claims of an ad a fingerprint that makes its lead one for review; then the ad comes.
async fn rising(pump: &mut Pump, is_new: &AtomicBool) {
    pump.put("references/unit/case-5/photo.bmp", bmp(5, 0))
        .await;
    pump.until_done().await;
    let forged = forged_list(&bmp(5, 1));
    pump.put("ads/forger/claim.jsonl", forged).await;
    pump.until_done().await;
    is_new.store(true, Ordering::SeqCst);
    pump.put("ads/uploader/real.bmp", bmp(5, 1)).await;
    pump.until_done().await;
    is_new.store(false, Ordering::SeqCst);
    pump.timers().await;
    pump.until_done().await;
}

/// What an uploader claimed of a picture is retracted, whose hashes another one sent too: its lead is
/// withdrawn, and opens again by what the other one brought.
async fn retracted(pump: &mut Pump, is_new: &AtomicBool) {
    pump.put("references/unit/case-6/photo.bmp", bmp(6, 0))
        .await;
    pump.until_done().await;
    let pictures = [("ad.bmp", bmp(6, 1))];
    for uploader in ["forger", "uploader"] {
        let key = format!("ads/{uploader}/list.jsonl");
        pump.put(&key, list(&pictures)).await;
        pump.until_done().await;
    }
    is_new.store(true, Ordering::SeqCst);
    pump.retract("forger").await;
    pump.until_done().await;
    is_new.store(false, Ordering::SeqCst);
    pump.timers().await;
    pump.until_done().await;
    pump.assert_open_by(
        "uploader",
        &reference("case-6", 6),
        &ImageSha256::of(&bmp(6, 1)),
    )
    .await;
}

fn reference(case: &str, picture: u64) -> ReferenceId {
    let (unit, case) = (
        TenantId::parse("unit").unwrap(),
        CaseId::parse(case).unwrap(),
    );
    ReferenceId::of_photo(&unit, &case, &ImageSha256::of(&bmp(picture, 0)))
}

/// Whether a fault at this call tells more than one at another. `HOMEWARD_EVERY_CALL` takes all.
/// Otherwise the first and the last call of reading a tail's partitions stand for those between; and
/// a read has no effect that an answer could be lost after, and is to a program no other when it is
/// throttled than when it breaks (`store::Error::Unavailable`). A write is neither: one half of them break, the
/// other half are throttled; and one half of the writes whose answer is lost are repeated by the SDK too.
fn tells_more(calls: &[String], at: usize, fault: Fault, is_repeated: bool) -> bool {
    let name = &calls[at];
    let is_read = ["GetItem", "Query", "Scan", "BatchGetItem", "HEAD "]
        .iter()
        .any(|read| name.starts_with(read));
    let same = |other: Option<&String>| other == Some(name);
    let is_between = is_read
        && same(at.checked_sub(1).and_then(|before| calls.get(before)))
        && same(calls.get(at + 1));
    let is_distinct = match fault {
        Fault::BeforeEffect => is_read || at.is_multiple_of(2),
        Fault::Throttled => !is_read && !at.is_multiple_of(2),
        Fault::AfterEffect if is_repeated => !is_read && at.is_multiple_of(2),
        _ => !is_read,
    };
    std::env::var_os("HOMEWARD_EVERY_CALL").is_some() || (is_distinct && !is_between)
}

/// What the run without faults must have come to.
fn clean(scenario: Scenario) -> Ran {
    let clean = run(scenario, None, Fault::None, RetryConfig::disabled());
    let held = &clean.snapshot;
    let sightings: usize = held.sightings.values().map(|keys| keys.len()).sum();
    let counts = [
        held.uploads.len(),
        held.references.len(),
        held.leads.len(),
        sightings,
    ];
    assert_eq!(counts, scenario.comes_to(), "{held:#?}");
    let leads = held.leads.len();
    assert_eq!(
        (held.created.len(), held.alerted.len()),
        (leads, leads),
        "{held:#?}"
    );
    assert_eq!(held.deliveries_pending, 0);
    clean
}

fn every_call_fails_once(scenario: Scenario, fault: Fault, retries: RetryConfig) {
    let (clean, is_repeated) = (clean(scenario), retries.max_attempts() > 1);
    let began = std::time::Instant::now();
    let mut runs = 0;
    for (at, name) in clean.calls.iter().enumerate() {
        if !tells_more(&clean.calls, at, fault, is_repeated) {
            continue;
        }
        runs += 1;
        println!("{fault:?} at call {at} of {}: {name}", clean.calls.len());
        let ran = run(scenario, Some(at as u64), fault, retries.clone());
        let (mut held, mut expected) = (ran.snapshot, clean.snapshot.clone());
        // How many digests a lead's sightings come in may differ, and whether any does.
        for held in [&mut held, &mut expected] {
            assert_eq!(
                held.alerts.0, held.alerts.1,
                "{fault:?} at {at} ({name}): the counter"
            );
            held.alerts = (0, 0);
            held.extended.clear();
        }
        // The message of an alert is numbered in the order in which the leads were found.
        assert!(
            held.alerted.values().all(|ids| ids.len() == 1),
            "{fault:?} at {at} ({name})"
        );
        held.alerted
            .values_mut()
            .chain(expected.alerted.values_mut())
            .for_each(|ids| ids.clear());
        assert_eq!(held, expected, "{fault:?} at call {at}, {name}");
    }
    println!(
        "{scenario:?}, {fault:?}: {runs} of {} calls in {:?}",
        clean.calls.len(),
        began.elapsed()
    );
}

/// Every scenario's faults are tests of their own, which run at the same time.
macro_rules! claims {
    ($($name:ident: $scenario:expr),+ $(,)?) => {$(
        mod $name {
            use super::*;

            #[test]
            fn every_call_that_breaks_before_its_effect_is_made_good() {
                every_call_fails_once($scenario, Fault::BeforeEffect, RetryConfig::disabled());
            }

            #[test]
            fn every_call_whose_answer_is_lost_is_made_good() {
                every_call_fails_once($scenario, Fault::AfterEffect, RetryConfig::disabled());
            }

            #[test]
            fn every_call_that_is_throttled_is_made_good() {
                every_call_fails_once($scenario, Fault::Throttled, RetryConfig::disabled());
            }

            #[test]
            fn every_call_that_the_sdk_repeats_after_its_effect_does_no_harm() {
                let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS);
                every_call_fails_once($scenario, Fault::AfterEffect, retries);
            }

            #[test]
            fn a_process_that_ends_at_any_call_is_made_good() {
                every_call_fails_once($scenario, Fault::CrashAfter, RetryConfig::disabled());
            }
        }
    )+};
}

claims! {
    of_every_day: Scenario::EveryDay,
    of_hashes: Scenario::Hashes,
    of_renewal: Scenario::Renewal,
    of_rising: Scenario::Rising,
    of_retracted: Scenario::Retracted,
}
