//! What the tables' streams tell, in the shape in which Lambda gets it.

use aws_lambda_events::dynamodb::Event;
use records::AlertKind;
use store::{Change, Table, inserted};

use crate::fixtures::*;
use crate::host::Embedded;

/// Every change that a table's stream has told so far.
async fn changes(host: &Embedded, table: &str) -> Vec<Change> {
    let streams = host.server().streams();
    let mut changes = Vec::new();
    while let Some(batch) = streams.read("test", table, 100).await.unwrap() {
        let event: Event = serde_json::from_value(batch.event.clone()).unwrap();
        for record in event.records {
            if record.event_name == "INSERT" {
                changes.extend(inserted(record.change.new_image).unwrap());
            }
        }
        streams.commit(&batch).await.unwrap();
    }
    changes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_streams_tell_ads_sightings_references_and_alerts() {
    let host = Embedded::start();
    let store = host.world().await.store;
    let id = active_reference(&store, 1).await;
    let sighting = recorded_ad(&store, 5, "a").await;
    store
        .leads
        .record_lead(&found(&id, 5), &[], at(10))
        .await
        .unwrap();
    store
        .references
        .withdraw(&unit(), &id, at(11))
        .await
        .unwrap();

    let ads = changes(&host, &store.names().table(Table::AdsTail)).await;
    let [Change::Ads(pack)] = &ads[..] else {
        panic!("one pack")
    };
    let ads = store.ads.ads_of(pack).await.unwrap();
    assert!(ads.len() == 1 && ads[0].image_sha256 == sha(5));
    assert!(ads[0].fingerprint == ad_fingerprint(5));

    let sightings = changes(&host, &store.names().table(Table::Ads)).await;
    let expected = Change::Sighting {
        image_sha256: sha(5),
        sighting,
    };
    assert!(sightings == [expected]);

    let references = changes(&host, &store.names().table(Table::ReferencesTail)).await;
    let expected = Change::Reference {
        unit: unit(),
        seq: 1,
        reference_id: id,
        fingerprint: reference_fingerprint(1),
    };
    assert!(references == [expected], "the removal is not news");

    let alerts = changes(&host, &store.names().table(Table::Leads)).await;
    let [Change::Alert(alert)] = &alerts[..] else {
        panic!("one alert")
    };
    assert_eq!(
        (alert.seq, alert.kind, &alert.unit),
        (1, AlertKind::Created, &unit())
    );
}
