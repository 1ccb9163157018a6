//! The pull feed.

use serde_json::Value;
use std::time::Duration;

use crate::world::World;

const PDQ: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|alert| alert["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Where a reader goes on: every page says so.
fn after(page: &Value) -> String {
    format!("/v1/alerts?after={}", page["next"].as_str().unwrap())
}

#[tokio::test]
async fn a_reader_that_goes_on_from_next_misses_none_and_sees_none_twice() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let empty = world.get("/v1/alerts", "unit").await.expect(200);
    assert!(ids(&empty).is_empty());
    let from_the_start = after(&empty);
    for n in 0..3 {
        world.lead("unit", &reference_id, &format!("{n}.jpg")).await;
    }
    let first = world.get("/v1/alerts?limit=2", "unit").await.expect(200);
    assert_eq!(ids(&first), ["unit-000000000001", "unit-000000000002"]);
    let second = world.get(&after(&first), "unit").await.expect(200);
    assert_eq!(ids(&second), ["unit-000000000003"]);
    let end = world.get(&after(&second), "unit").await.expect(200);
    assert_eq!((ids(&end).len(), after(&end)), (0, after(&second)));
    let again = world.get(&from_the_start, "unit").await.expect(200);
    assert_eq!(
        ids(&again).len(),
        3,
        "an empty feed has a place to come back to"
    );
    world.pass(Duration::from_secs(60));
    world.lead("unit", &reference_id, "late.jpg").await;
    let later = world.get(&after(&end), "unit").await.expect(200);
    assert_eq!(ids(&later), ["unit-000000000004"]);
}

#[tokio::test]
async fn an_alert_is_a_cloud_event_without_picture_or_hash() {
    let world = World::new().await;
    let reference_id = world.reference("unit", "case 1", PDQ).await;
    let lead_id = world.lead("unit", &reference_id, "ad.jpg").await;
    let alert = &world.all("/v1/alerts", "unit").await[0];
    assert_eq!(alert["specversion"], "1.0");
    assert_eq!(alert["type"], "org.homeward.lead.created");
    assert_eq!(alert["subject"], lead_id);
    assert_eq!(alert["data"]["case_id"], "case 1");
    assert_eq!(alert["data"]["link"], format!("/v1/leads/{lead_id}"));
    let lead = world
        .get(&format!("/v1/leads/{lead_id}"), "unit")
        .await
        .json();
    let text = alert.to_string();
    assert!(!text.contains(PDQ) && !text.contains(lead["image_sha256"].as_str().unwrap()));
}

#[tokio::test]
async fn alerts_that_went_silent_are_passed_over_in_one_request() {
    let world = World::new().await;
    let silent = world.reference("unit", "case 1", PDQ).await;
    let loud = world
        .reference("unit", "case 2", &PDQ.replace("00", "11"))
        .await;
    for n in 0..4 {
        world.lead("unit", &silent, &format!("{n}.jpg")).await;
    }
    world.lead("unit", &loud, "loud.jpg").await;
    world
        .call("DELETE", &format!("/v1/references/{silent}"), "unit")
        .await
        .expect(204);
    let page = world.get("/v1/alerts?limit=2", "unit").await.expect(200);
    assert_eq!(ids(&page), ["unit-000000000005"]);
    assert!(world.all("/v1/alerts?limit=1", "rival").await.is_empty());
}
