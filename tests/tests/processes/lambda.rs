//! The real Lambda binaries, under a Runtime API, with events as AWS sends them, against the
//! embedded servers and against moto, which we did not write: both give the leads that are true.
#![allow(clippy::unwrap_used)]

mod sent;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proofs::backend::Backend;
use proofs::cloud::{Cloud, once, twice};
use proofs::events::{Message, batch, failures, timer};
use proofs::receiver::Receiver;
use proofs::runtime_api::Function;
use proofs::world::{Put, World};
use serde_json::{Value, json};
use store::Table;
use upkeep::Task;

use self::sent::{ads, disordered, moot};
use crate::truth::{found, truth};

/// References after half of the ads and before the others, then one ad posted once more; returns
/// the leads, timeless.
fn the_whole_way(cloud: &Cloud, world: &World) -> Vec<Value> {
    let receiver = Receiver::start();
    put_webhook(cloud, &receiver);
    let mut puts = ads(world);
    let mut messages = cloud.upload(&puts);
    let later = messages.split_off(messages.len() / 2);
    cloud.send(&cloud.ingest, &disordered(messages), once);
    cloud.settle(once);
    assert_eq!(cloud.all("unit", "/v1/leads"), <[Value; 0]>::default());
    compact(cloud); // half of the ads lie in a segment, the others will be in the tail

    let references = cloud.upload(&world.references());
    cloud.send(&cloud.enroll, &disordered(references), once);
    cloud.send(&cloud.ingest, &disordered(later), once);
    cloud.settle(twice);
    let leads = cloud.all("unit", "/v1/leads");
    assert_eq!(found(&leads), truth(world, &puts), "{}", cloud.backend.name);
    all_is_searched(cloud, world);
    compact(cloud);

    let due = cloud.alert.invoke(&timer()).unwrap();
    assert_eq!(due, json!({"taken_up": 0}), "all was delivered at once");
    assert_eq!(digests(cloud), 0, "nothing was seen since");

    puts.push(Put {
        key: "ads/uploader/seen again.jpg".into(),
        ..puts[0].clone()
    });
    let again = cloud.upload(&puts[puts.len() - 1..]);
    cloud.send(&cloud.ingest, &again, twice);
    cloud.settle(twice);
    let leads = cloud.all("unit", "/v1/leads");
    assert_eq!(found(&leads), truth(world, &puts), "no lead more");
    assert_eq!(digests(cloud), 1);
    cloud.settle(twice);
    each_alert_arrived_once(&receiver, &leads);
    assert_eq!(cloud.all("unit", "/v1/leads"), leads, "timers change none");
    timeless(leads)
}

/// Leads without the time at which they were found, which differs between any two runs.
fn timeless(mut leads: Vec<Value>) -> Vec<Value> {
    for lead in &mut leads {
        lead.as_object_mut().unwrap().remove("created_at");
        let sightings = lead["sightings"].as_array_mut().unwrap();
        sightings.sort_by_key(|sighting| sighting["object_key"].to_string());
    }
    leads.sort_by_key(|lead| lead["lead_id"].to_string());
    leads
}

/// Moves the tails of both searchable sets into segments.
fn compact(cloud: &Cloud) {
    let done = cloud.upkeep.invoke(&json!({"task": "compact"})).unwrap();
    assert_ne!(done["compacted"], 0, "{done}");
}

/// Every reference has been compared with every image of the past.
fn all_is_searched(cloud: &Cloud, world: &World) {
    let references = cloud.all("unit", "/v1/references");
    assert_eq!(references.len(), world.references().len());
    for reference in references {
        let search = &reference["search"];
        assert_eq!(search["state"], "done", "{search}");
        assert!(search["images_searched"].as_u64() > Some(0), "{search}");
        assert_eq!(search["images_searched"], search["images_total"]);
    }
}

/// How many digests the timers make `upkeep` write; they have nothing else to do. The one of fingerprints
/// asks queues, of which there are none here.
fn digests(cloud: &Cloud) -> u64 {
    let tasks = Task::ALL.into_iter();
    let tasks = tasks.filter(|task| *task != Task::Fingerprints);
    let written = tasks.map(|task| {
        let event = json!({ "task": task.as_str() });
        let done = cloud.upkeep.invoke(&event).unwrap();
        for idle in ["redriven", "removed", "expired", "erased"] {
            assert_eq!(done[idle], 0, "{done}");
        }
        done["digests"].as_u64().unwrap()
    });
    written.sum()
}

fn put_webhook(cloud: &Cloud, receiver: &Receiver) {
    let body = json!({"url": receiver.url()});
    let (status, made) = cloud.ask("unit", "PUT", "/v1/webhooks/test", Some(&body));
    assert_eq!(status, 201, "{made}");
    assert!(made["secret"].is_string(), "shown once");
}

/// Exactly one webhook for each lead of the level `alert`, and no lead of the level `review`; and
/// one digest, about the ad that was posted once more.
fn each_alert_arrived_once(receiver: &Receiver, leads: &[Value]) {
    let mut told: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let received = receiver.received();
    for event in received.iter().map(|one| one.json()) {
        let kind = match event["type"].as_str().unwrap() {
            "org.homeward.lead.created" => "created",
            "org.homeward.lead.extended" => "extended",
            other => panic!("nobody asked for {other}"),
        };
        let lead = event["subject"].as_str().unwrap().to_owned();
        told.entry(kind).or_default().push(lead);
    }
    for leads in told.values_mut() {
        leads.sort();
        let count = leads.len();
        leads.dedup();
        assert_eq!(leads.len(), count, "each lead once");
    }
    assert_eq!(
        told.remove("created").unwrap_or_default(),
        alert_leads(leads)
    );
    let digests = told.remove("extended").unwrap_or_default();
    assert_eq!(digests.len(), 1, "about one lead");
    let ids: BTreeSet<_> = received
        .iter()
        .map(|one| one.header("webhook-id"))
        .collect();
    assert_eq!(ids.len(), received.len(), "an id each");
}

/// The ids of leads that the case system is told of, sorted.
fn alert_leads(leads: &[Value]) -> Vec<String> {
    let told = leads.iter().filter(|lead| lead["level"] == "alert");
    let mut ids: Vec<_> = told
        .map(|lead| lead["lead_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    assert!(!ids.is_empty());
    ids
}

#[test]
fn both_backends_give_the_same_leads_and_they_are_the_truth() {
    let world = World::draw(3, 3, 17);
    let [embedded, moto] = [Backend::embedded, Backend::moto].map(|start| {
        // Even a short tail is compacted.
        let cloud = Cloud::with(start(), &[("HOMEWARD_TAIL_ITEMS_MIN", "1")]);
        let leads = the_whole_way(&cloud, &world);
        for function in cloud.functions() {
            println!("{:<8} {}", cloud.backend.name, function.figures());
        }
        leads
    });
    assert_eq!(embedded, moto);
}

/// Runs each claim on each backend, as a test of its own.
macro_rules! on_each_backend {
    ($($claim:ident),+ $(,)?) => {
        mod embedded_servers {
            $(#[test] fn $claim() { super::$claim(proofs::backend::Backend::embedded()); })+
        }
        mod moto {
            $(#[test] fn $claim() { super::$claim(proofs::backend::Backend::moto()); })+
        }
    };
}

on_each_backend!(
    the_poison_alone_comes_again,
    a_killed_function_repeats_without_doubling,
    ingest_touches_nothing_about_references,
);

fn the_poison_alone_comes_again(backend: Backend) {
    let world = World::draw(1, 1, 19);
    let cloud = Cloud::on(backend);
    let poison = Message::new("this is not what S3 sends");
    let check = |function: &Function, puts: &[Put], prefix: &str| {
        let mut messages = moot(&cloud, &puts[0], prefix);
        messages.push(poison.clone());
        messages.extend(cloud.upload(puts));
        let bad = cloud.send_some_bad(function, &messages);
        assert_eq!(bad, std::slice::from_ref(&poison.id));
        let again = function.invoke(&batch("test", std::slice::from_ref(&poison)));
        assert_eq!(failures(&again.unwrap()), [&poison.id], "still poison");
    };
    let puts = world.ads();
    check(&cloud.enroll, &world.references(), "references/unit/gone");
    check(&cloud.ingest, &puts, "ads/uploader");
    // An object of another function's bucket is no failure either.
    let references = cloud.upload(&world.references());
    cloud.send(&cloud.ingest, &references, once);
    damaged_changes_stop_their_stream(&cloud);
    cloud.settle(once);
    let leads = cloud.all("unit", "/v1/leads");
    assert_eq!(found(&leads), truth(&world, &puts));
}

/// A stream goes on from its first failure: those before are done, those after were not tried.
fn damaged_changes_stop_their_stream(cloud: &Cloud) {
    let (_, changes) = cloud.backend.changes(&[Table::AdsTail]).remove(0);
    let [first, second, ..] = &changes[..] else {
        panic!("a pack of each batch")
    };
    let mut changes = vec![first.clone(), second.clone(), second.clone()];
    changes[1]["dynamodb"]["NewImage"]["entry"] = json!({"B": "AAAA"});
    let damaged = changes[1]["dynamodb"]["SequenceNumber"].clone();
    let response = cloud.lookup.invoke(&json!({ "Records": changes })).unwrap();
    assert_eq!(failures(&response), [damaged.as_str().unwrap()]);
}

/// How often a kill came before the answer.
static CUT_OFF: AtomicU64 = AtomicU64::new(0);

/// Kills the function while it works on the batch, at several moments, before it is let finish.
fn killed_during(function: &Function, event: &Value) {
    for after_ms in [0, 5, 20, 60, 200] {
        let answered = function.crash_during(event, Duration::from_millis(after_ms));
        CUT_OFF.fetch_add(u64::from(!answered), Ordering::Relaxed);
    }
    twice(function, event);
}

fn a_killed_function_repeats_without_doubling(backend: Backend) {
    let world = World::draw(2, 1, 23);
    let cloud = Cloud::on(backend);
    let receiver = Receiver::start();
    put_webhook(&cloud, &receiver);
    let puts = world.ads();
    let (ads, references) = (cloud.upload(&puts), cloud.upload(&world.references()));
    let (early, late) = ads.split_at(ads.len() / 2);
    cloud.send(&cloud.ingest, early, killed_during);
    cloud.send(&cloud.enroll, &references, killed_during);
    cloud.send(&cloud.ingest, late, killed_during);
    cloud.settle(killed_during);
    let cut_off = CUT_OFF.load(Ordering::Relaxed);
    assert!(cut_off > 0, "every kill came too late to disturb anything");
    let leads = cloud.all("unit", "/v1/leads");
    assert_eq!(found(&leads), truth(&world, &puts));
    // A message that was under way when its sender died waits for the end of the sender's lease,
    // and may then come once more, under the same id.
    let deadline = Instant::now() + Duration::from_secs(120);
    while alerted(&receiver).len() < alert_leads(&leads).len() {
        assert!(Instant::now() < deadline, "some alert never arrives");
        cloud.alert.invoke(&timer()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }
    cloud.settle(twice);
    let told = alerted(&receiver);
    assert!(told.values().all(|ids| ids.len() == 1), "one id a lead");
    assert_eq!(told.into_keys().collect::<Vec<_>>(), alert_leads(&leads));
    assert_eq!(cloud.all("unit", "/v1/leads"), leads);
}

/// The ids of messages that arrived, by lead.
fn alerted(receiver: &Receiver) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in receiver.received() {
        let lead = one.json()["subject"].as_str().unwrap().to_owned();
        let id = one.header("webhook-id").unwrap().to_owned();
        told.entry(lead).or_default().insert(id);
    }
    told
}

/// With no table about references or leads there, nor a name of the references' bucket, `ingest`
/// records every ad and its uploader can see it.
fn ingest_touches_nothing_about_references(backend: Backend) {
    let world = World::draw(1, 2, 29);
    let cloud = Cloud::on(backend);
    for table in [
        Table::References,
        Table::ReferencesTail,
        Table::Leads,
        Table::Deliveries,
    ] {
        cloud.backend.remove_table(table);
    }
    let (s3, dynamodb) = (&cloud.backend.s3, &cloud.backend.dynamodb);
    let environment = cloud.backend.environment("ingest", s3, dynamodb);
    let told = |name: &str| environment.iter().any(|(known, _)| known == name);
    assert!(!told("HOMEWARD_REFERENCES_BUCKET"));
    let ingest = Function::start("ingest", environment);
    let messages = cloud.upload(&world.ads());
    cloud.send(&ingest, &messages, twice);
    let uploads = cloud.all("uploader", "/v1/uploads");
    assert_eq!(uploads.len(), messages.len());
    let recorded = |upload: &Value| upload["state"] == "recorded";
    assert!(uploads.iter().all(recorded), "{uploads:?}");
    // That the tables are really gone, `enroll` tells.
    let references = cloud.upload(&world.references());
    let bad = cloud.send_some_bad(&cloud.enroll, &references);
    assert_eq!(bad, std::slice::from_ref(&references[0].id));
}
