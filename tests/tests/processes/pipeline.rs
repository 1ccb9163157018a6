//! A photo goes in, a lead and an alert come out: uploads by boto3 into `homeward serve`, in every
//! order, and the leads and webhooks are exactly the truth.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::time::Duration;

use proofs::leads::{created, ids_of, pairs_of};
use proofs::process::Serve;
use proofs::receiver::Receiver;
use proofs::world::{Put, World, upload};

/// Keys that S3 allows and that have broken others; all under the uploader's prefix.
const HOSTILE_NAMES: &[&str] = &[
    "two  spaces and + plus.jpg",
    "100%25 sure %2F.jpg",
    "quote ' \" & < > ;.jpg",
    "..escape../...jpg",
    "ünïcødé 写真 🙂.jpg",
    "a",
    "a/b",
    "trailing slash follows/x",
    "?query=1#fragment",
];

struct System {
    serve: Serve,
    receiver: Receiver,
    _data: tempfile::TempDir,
}

fn system() -> System {
    let data = tempfile::tempdir().unwrap();
    let serve = Serve::start_with(&data.path().join("data"), &["--port", "0"]);
    let receiver = Receiver::start();
    serve.put_webhook(&receiver.url());
    System {
        serve,
        receiver,
        _data: data,
    }
}

/// How long alerts may take to arrive once the system is at rest.
const PATIENCE: Duration = Duration::from_secs(60);

fn check(order: impl Fn(&World, &Serve)) {
    let world = World::draw(4, 4, 7);
    let system = system();
    order(&world, &system.serve);
    let sums = system.serve.settled();
    assert_eq!(sums["uploads"]["rejected"], 0, "{sums:#}");
    let leads = system.serve.all("unit", "/v1/leads");
    assert_eq!(pairs_of(&leads), world.pairs());
    assert_eq!(leads.len(), world.pairs().len(), "one lead a pair");
    for lead in &leads {
        for field in [
            "lead_id",
            "case_id",
            "reference_id",
            "image_sha256",
            "method",
            "distance",
            "edit",
            "status",
            "created_at",
        ] {
            assert!(!lead[field].is_null(), "a lead has {field}: {lead}");
        }
        for field in [
            "object_key",
            "source_url",
            "ad_id",
            "seen_at",
            "place",
            "uploaded_by",
        ] {
            assert!(
                lead["sightings"][0].get(field).is_some(),
                "a sighting has {field}: {lead}"
            );
        }
    }
    let alerts = created(&system.receiver, leads.len(), PATIENCE);
    let told: BTreeSet<_> = alerts.keys().cloned().collect();
    assert_eq!(told, ids_of(&leads));
    for received in alerts.values() {
        let ids: BTreeSet<_> = received
            .iter()
            .map(|one| one.header("webhook-id"))
            .collect();
        assert_eq!(ids.len(), 1, "one alert a lead");
    }
    let pulled = system.serve.all("unit", "/v1/alerts");
    let pulled = pulled
        .iter()
        .filter(|alert| alert["type"] == "org.homeward.lead.created");
    assert_eq!(pulled.count(), leads.len(), "the feed tells the same");
}

#[test]
fn references_first() {
    check(|world, serve| {
        upload(serve, &world.references());
        serve.settled();
        upload(serve, &world.ads());
    });
}

#[test]
fn ads_first() {
    check(|world, serve| {
        upload(serve, &world.ads());
        serve.settled();
        upload(serve, &world.references());
    });
}

#[test]
fn interleaved_and_repeated() {
    check(|world, serve| {
        let (ads, references) = (world.ads(), world.references());
        let mut puts = Vec::new();
        for (place, ad) in ads.iter().enumerate() {
            puts.push(ad.clone());
            puts.extend(references.get(place / 2).cloned());
            puts.push(ads[place / 2].clone());
        }
        puts.extend(references);
        upload(serve, &puts);
    });
}

#[test]
fn hostile_keys_lead_to_the_sightings_that_they_name() {
    let world = World::draw(1, 0, 9);
    let system = system();
    upload(&system.serve, &world.references());
    let ad = world.ads().remove(0);
    let long = format!("{}.jpg", "k".repeat(1024 - "ads/uploader/.jpg".len()));
    let names = HOSTILE_NAMES
        .iter()
        .map(|name| (*name).to_owned())
        .chain([long]);
    let puts: Vec<_> = names
        .map(|name| Put {
            key: format!("ads/uploader/{name}"),
            ..ad.clone()
        })
        .collect();
    upload(&system.serve, &puts);
    system.serve.settled();
    let leads = system.serve.all("unit", "/v1/leads");
    assert_eq!(leads.len(), 1, "one image, one lead");
    let seen: BTreeSet<_> = leads[0]["sightings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sighting| sighting["object_key"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, puts.into_iter().map(|put| put.key).collect());
}

#[test]
fn a_withdrawn_reference_never_alerts_again() {
    let world = World::draw(2, 0, 11);
    let system = system();
    upload(&system.serve, &world.references());
    system.serve.settled();
    let references = system.serve.all("unit", "/v1/references");
    let withdrawn = references
        .iter()
        .find(|r| r["case_id"] == "person 0.jpg")
        .unwrap();
    system
        .serve
        .withdraw(withdrawn["reference_id"].as_str().unwrap());
    upload(&system.serve, &world.ads());
    system.serve.settled();
    let leads = system.serve.all("unit", "/v1/leads");
    let cases: BTreeSet<_> = leads
        .iter()
        .map(|lead| lead["case_id"].as_str().unwrap())
        .collect();
    assert_eq!(cases, BTreeSet::from(["person 1.jpg"]));
    created(&system.receiver, leads.len(), PATIENCE);
    let told = system.receiver.received();
    assert!(
        told.iter()
            .all(|one| one.json()["data"]["case_id"] == "person 1.jpg")
    );
}

/// Alerts of a type that arrived, once there are so many.
fn alerted(system: &System, kind: &str, count: usize) -> Vec<serde_json::Value> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let all = system.receiver.received().into_iter();
        let mut told: Vec<_> = all
            .map(|one| one.json())
            .filter(|one| one["type"] == kind)
            .collect();
        if told.len() >= count || std::time::Instant::now() > deadline {
            told.sort_by_key(|one| one["id"].to_string());
            told.dedup();
            return told;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_reference_that_matches_too_much_is_held_told_once_and_released() {
    let world = World::draw(1, 2, 15);
    let system = system();
    upload(&system.serve, &world.references());
    system.serve.settled();
    let references = system.serve.all("unit", "/v1/references");
    let id = references[0]["reference_id"].as_str().unwrap();
    system.serve.release(id, Some(3));
    for _ in 0..2 {
        upload(&system.serve, &world.ads()); // repeated work counts once
        system.serve.settled();
    }
    let level = |level: &str| {
        system
            .serve
            .all("unit", &format!("/v1/leads?level={level}"))
    };
    assert_eq!((level("alert").len(), level("review").len()), (3, 4));
    assert_eq!(alerted(&system, "org.homeward.lead.created", 3).len(), 3);
    let held = alerted(&system, "org.homeward.lead.held", 1);
    assert_eq!(held.len(), 1, "told once: {held:?}");
    assert_eq!(held[0]["data"]["reference_id"], id);
    let answer = system.serve.release(id, None);
    assert_eq!(
        (&answer["alerted"], &answer["held"]),
        (&4.into(), &0.into())
    );
    system.serve.settled();
    assert_eq!((level("alert").len(), level("review").len()), (7, 0));
    let created = alerted(&system, "org.homeward.lead.created", 7);
    let leads: BTreeSet<_> = created
        .iter()
        .map(|one| one["subject"].to_string())
        .collect();
    assert_eq!(
        (created.len(), leads.len()),
        (7, 7),
        "none lost, none twice"
    );
}

#[test]
fn what_was_found_survives_a_restart() {
    let world = World::draw(2, 1, 13);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut serve = Serve::start_with(&data, &["--port", "0"]);
    upload(&serve, &world.references());
    upload(&serve, &world.ads());
    serve.settled();
    let before = serve.all("unit", "/v1/leads");
    let tokens = serve.ready["tokens"].clone();
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
    let again = Serve::start_with(&data, &["--port", "0"]);
    assert_eq!(again.ready["tokens"], tokens);
    assert_eq!(again.all("unit", "/v1/leads"), before);
    again.settled();
}
