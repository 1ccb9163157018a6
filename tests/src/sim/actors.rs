//! The people and the timers of a run, and who watches for its end.

use std::rc::Rc;
use std::time::Duration;

use records::{AdKey, ReferenceId, UploadState};
use store::{NewObject, Store};
use upkeep::Task;

use super::cluster::make_older;
use super::ends;
use super::injected_bug::InjectedBug;
use super::pump::unless_crashed;
use super::rng::hash;
use super::run::{Acknowledged, Run, snapshot_of};
use super::script::{Put, Script};
use super::snapshot::{self, Snapshot, has_pending_deliveries};
use super::tasks::Tasks;
use super::workers::process;
use super::{feed::Changes, unit};

/// How often the timers fire, and how often the run checks whether all is done.
const RETRIES_EVERY: Duration = Duration::from_secs(7);
const UPKEEP_EVERY: Duration = Duration::from_secs(40);
/// While ads end, so that what is put then meets their ends.
const UPKEEP_AT_ENDS_EVERY: Duration = Duration::from_secs(3);
const WATCH_EVERY: Duration = Duration::from_secs(15);
/// A unit asks again after this, if its withdrawal was not acknowledged.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// A run that lasts longer never ends: a delivery that failed twice waits for 5 minutes, and by then
/// nothing fails any more.
const LASTS_MAX: Duration = Duration::from_secs(20 * 60);
/// So long after the last ad has ended nothing is left of it: a few rounds of upkeep.
const ENDS_WITHIN: Duration = Duration::from_secs(300);

/// Adds the actors that are not woken by events.
pub(super) fn add(tasks: &mut Tasks, run: &Rc<Run>) {
    let script = &run.script;
    run.script_parts_left
        .set(3 + usize::from(script.withdrawal.is_some()) + usize::from(script.returns.is_some()));
    tasks.add("uploader", put_all(run.clone(), script.ads.clone()));
    tasks.add("forger", put_all(run.clone(), script.forged.clone()));
    tasks.add("unit", put_all(run.clone(), script.references.clone()));
    if let Some((place, at)) = script.withdrawal {
        tasks.add(
            "withdrawal",
            withdraw(run.clone(), script.reference_id(place), at),
        );
    }
    if let Some((place, times)) = script.returns.clone() {
        let photo = script.references[place].clone();
        tasks.add("returns", delete_and_put(run.clone(), photo, times));
    }
    tasks.add("retries", retries(run.clone()));
    tasks.add("upkeep", upkeep(run.clone()));
    if run.rng.of("older algorithms", 0).one_in(2) {
        tasks.add("older algorithms", older(run.clone()));
    }
    tasks.add("watch", watch(run.clone()));
}

async fn put_all(run: Rc<Run>, mut puts: Vec<Put>) {
    puts.sort_by_key(|put| put.at);
    let store = run.cluster.store(&run.cluster.connection("faultless"));
    let began_us = run.time().now_us();
    for put in puts {
        let gone = Duration::from_micros(run.time().now_us() - began_us);
        let wait = put.at.saturating_sub(gone);
        run.time().sleep(wait, hash(put.key.as_bytes())).await;
        put_one(&store, &put).await;
    }
    run.script_parts_left.set(run.script_parts_left.get() - 1);
}

async fn put_one(store: &Store, put: &Put) {
    let (key, bytes) = put.object();
    let object = NewObject {
        bytes: bytes.into(),
        content_type: "application/octet-stream".to_owned(),
        metadata: Default::default(),
    };
    let key = records::ObjectKey::parse(key).expect("a key");
    let put = store.objects.put_object(&key, object).await;
    put.expect("acknowledged");
}

/// Deletes a photo and puts it again, as often as there are times: how long after what went before it is
/// deleted, and how long after that it is put.
async fn delete_and_put(run: Rc<Run>, photo: Put, times: Vec<(Duration, Duration)>) {
    let store = run.cluster.store(&run.cluster.connection("faultless"));
    run.time().sleep(photo.at, hash(b"returns")).await;
    let key = records::ObjectKey::parse(&photo.key).expect("a key");
    for (before, between) in times {
        run.time().sleep(before, hash(b"returns")).await;
        let deleted = store.objects.delete_object(&key, None).await;
        deleted.expect("acknowledged");
        run.time().sleep(between, hash(b"returns")).await;
        put_one(&store, &photo).await;
    }
    run.script_parts_left.set(run.script_parts_left.get() - 1);
}

/// Asks until the withdrawal is acknowledged.
async fn withdraw(run: Rc<Run>, id: ReferenceId, at: Duration) {
    run.time().sleep(at, hash(b"withdrawal")).await;
    let faultless = run.cluster.store(&run.cluster.connection("faultless"));
    let mut processes = 0;
    let waits = run.bug != Some(InjectedBug::WithdrawalAtOnce);
    loop {
        let connection = process(&run, "withdrawal", &mut processes);
        let cluster = &run.cluster;
        let asked = async {
            match waits {
                true => unit::withdraw(cluster, &connection, &id).await,
                false => unit::withdraw_at_once(cluster, &connection, &id).await,
            }
        };
        if unless_crashed(&connection.crash, asked).await == Some(true) {
            break;
        }
        run.time().sleep(ASK_AGAIN, hash(b"withdrawal")).await;
    }
    let acknowledged = Acknowledged {
        reference: id.to_string(),
        at_us: run.time().now_us(),
        leads: leads_of(&faultless, &id).await,
    };
    run.acknowledged.borrow_mut().push(acknowledged);
    run.script_parts_left.set(run.script_parts_left.get() - 1);
}

async fn leads_of(store: &Store, id: &ReferenceId) -> std::collections::BTreeSet<String> {
    let leads = snapshot::leads(store).await.into_iter();
    let own = leads.filter(|lead| lead.summary.reference_id == *id);
    own.map(|lead| lead.summary.image_sha256.to_string())
        .collect()
}

async fn retries(run: Rc<Run>) {
    let mut processes = 0;
    let mut connection = process(&run, "retries", &mut processes);
    let mut alerting = run.cluster.alert(&connection);
    while !run.is_over.get() {
        run.time().sleep(RETRIES_EVERY, hash(b"retries")).await;
        let fired = unless_crashed(&connection.crash, alerting.on_timer()).await;
        if fired.is_none() {
            connection = process(&run, "retries", &mut processes);
            alerting = run.cluster.alert(&connection);
        }
    }
}

async fn upkeep(run: Rc<Run>) {
    let mut processes = 0;
    let mut connection = process(&run, "upkeep", &mut processes);
    let mut upkeep = run.cluster.upkeep(&connection);
    while !run.is_over.get() {
        let wait = match run.script.ads_end(run.now()) {
            true => UPKEEP_AT_ENDS_EVERY,
            false => UPKEEP_EVERY,
        };
        run.time().sleep(wait, hash(b"upkeep")).await;
        let ran = unless_crashed(&connection.crash, upkeep.run(&Task::ALL)).await;
        if ran.is_none() {
            connection = process(&run, "upkeep", &mut processes);
            upkeep = run.cluster.upkeep(&connection);
        }
    }
}

/// Before anything else, the algorithms of the last build were older.
async fn older(run: Rc<Run>) {
    let store = run.cluster.store(&run.cluster.connection("faultless"));
    make_older(&store, run.time().now()).await;
}

/// Ends the run when nothing is left to be done.
async fn watch(run: Rc<Run>) {
    let store = run.cluster.store(&run.cluster.connection("faultless"));
    loop {
        run.time().sleep(WATCH_EVERY, hash(b"watch")).await;
        let is_exhausted = Duration::from_micros(run.time().now_us()) > LASTS_MAX;
        if is_exhausted || is_done(&run, &store).await {
            let (snapshot, at) = (snapshot_of(&run).await, run.now());
            let all_there = ends::all_are_in(&run, &store).await
                && (run.script.kept.is_some() || snapshot.uploads.len() == run.script.uploads())
                && snapshot.references.len() == run.script.references.len()
                && snapshot.extensions_due.is_empty()
                && is_returned(&run.script, &snapshot)
                && forged_are_in(&run, &store).await;
            if all_there || is_exhausted {
                let missing = ends::missing(&run, &store).await;
                run.remains.borrow_mut().extend(missing);
                if let Some(kept) = run.script.kept {
                    wait_for_the_end(&run, &store, kept, &snapshot).await;
                }
                return run.end((snapshot, at), is_exhausted);
            }
        }
    }
}

/// Whether the photo that was put again is looked at: where the event of that is lost, its reference stays
/// withdrawn until the bucket is gone through.
fn is_returned(script: &Script, held: &Snapshot) -> bool {
    let returned = script.returns.as_ref();
    returned.is_none_or(|(place, _)| {
        let id = script.reference_id(*place).to_string();
        held.references.get(&id).map(String::as_str) != Some("withdrawn")
    })
}

/// Waits until every ad has ended: nothing is left then, and nothing was found or told any more.
async fn wait_for_the_end(run: &Run, store: &Store, kept: Duration, before: &Snapshot) {
    let wait = kept + ENDS_WITHIN;
    run.time().sleep(wait, hash(b"watch")).await;
    let mut found = ends::left(run, store).await;
    let after = snapshot_of(run).await;
    if (&after.leads, &after.created) != (&before.leads, &before.created) {
        found.push("something was found after all was at rest".to_owned());
    }
    run.remains.borrow_mut().extend(found);
}

/// Whether every list of the forger is looked at: a lost event of it comes again late, too.
async fn forged_are_in(run: &Run, store: &Store) -> bool {
    for put in &run.script.forged {
        if !run.script.is_kept(put, run.now()) {
            continue;
        }
        let key = AdKey::parse(put.object().0).expect("a key");
        let upload = store.uploads.upload(&key).await.expect("faultless");
        if upload.is_none_or(|upload| upload.state == UploadState::Pending) {
            return false;
        }
    }
    true
}

async fn is_done(run: &Run, store: &Store) -> bool {
    let all = [
        &run.ads_tail,
        &run.ads_table,
        &run.references_tail,
        &run.searches,
        &run.leads,
    ];
    let servers = &run.cluster.network.servers;
    all.iter().for_each(|changes| changes.collect(servers));
    run.is_calm()
        && run.script_parts_left.get() == 0
        && run.ads.is_empty()
        && run.references.is_empty()
        && all.iter().all(|changes: &&Changes| changes.is_empty())
        && !has_pending_deliveries(store).await
}
