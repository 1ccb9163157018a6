//! A build whose algorithms are newer has every photo looked at again: the real binaries, with the
//! queues of a peer that we did not write between them.
#![allow(clippy::unwrap_used)]

use proofs::backend::Backend;
use proofs::cloud::{Cloud, once};
use proofs::events::Message;
use proofs::world::World;
use serde_json::json;

#[test]
fn every_photo_comes_once_more_through_its_queue_and_no_lead_twice() {
    let world = World::draw(2, 1, 37);
    let backend = Backend::moto();
    let [ads, references] = ["ads", "references"].map(|name| backend.make_queue(name));
    let endpoint = backend.s3.clone(); // moto serves all at one
    let cloud = Cloud::with(
        backend,
        &[
            ("AWS_ENDPOINT_URL_SQS", &endpoint),
            ("HOMEWARD_ADS_QUEUE", &ads),
            ("HOMEWARD_REFERENCES_QUEUE", &references),
        ],
    );
    let puts = [world.references(), world.ads()];
    let [photos, pictures] = [&puts[0], &puts[1]].map(|puts| cloud.upload(puts));
    cloud.send(&cloud.enroll, &photos, once);
    cloud.send(&cloud.ingest, &pictures, once);
    cloud.settle(once);
    let leads = cloud.all("unit", "/v1/leads");
    assert!(!leads.is_empty());

    let renew = || {
        let done = cloud.upkeep.invoke(&json!({"task": "fingerprints"}));
        done.unwrap()["renewed"].as_u64().unwrap()
    };
    assert_eq!(renew(), 0, "this build's are the first");
    cloud.backend.make_older();
    assert_eq!(renew(), 0, "it is noticed, and begins next time");
    assert_eq!(renew(), (photos.len() + pictures.len()) as u64);
    assert_eq!(renew(), 0);

    let told = |url: &str| -> Vec<Message> {
        let bodies = cloud.backend.take_all(url);
        bodies.into_iter().map(Message::new).collect()
    };
    let (photos_again, pictures_again) = (told(&references), told(&ads));
    assert_eq!(photos_again.len(), photos.len());
    assert_eq!(pictures_again.len(), pictures.len());
    cloud.send(&cloud.enroll, &photos_again, once);
    cloud.send(&cloud.ingest, &pictures_again, once);
    cloud.settle(once);
    assert_eq!(cloud.all("unit", "/v1/leads"), leads);
}

#[test]
fn a_queue_that_is_not_there_fails_the_walk_which_goes_on_once_it_is() {
    let backend = Backend::moto();
    let queue = backend.make_queue("ads");
    let nowhere = queue.replace("/ads", "/nowhere");
    let endpoint = backend.s3.clone();
    let cloud = Cloud::with(
        backend,
        &[
            ("AWS_ENDPOINT_URL_SQS", &endpoint),
            ("HOMEWARD_ADS_QUEUE", &queue),
            ("HOMEWARD_REFERENCES_QUEUE", &nowhere),
        ],
    );
    cloud.backend.make_older();
    let noticed = cloud.upkeep.invoke(&json!({"task": "fingerprints"}));
    assert_eq!(noticed.unwrap()["renewed"], 0);
    let failed = cloud.upkeep.invoke(&json!({"task": "fingerprints"}));
    let told = failed.unwrap_err().to_string();
    assert!(told.contains("how many messages wait"), "{told}");
    cloud.backend.make_queue("nowhere");
    let done = cloud.upkeep.invoke(&json!({"task": "fingerprints"}));
    assert_eq!(done.unwrap()["renewed"], 0, "both buckets are empty");
}
