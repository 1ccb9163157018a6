//! What the API's document says of deliveries, against the code that delivers.

use alert::schedule::WAITS_S;
use serde_json::Value;

#[test]
fn the_schedule_of_attempts_is_told_as_it_is() {
    let document = include_str!("../../../functions/review/openapi.json");
    let document: Value = serde_json::from_str(document).expect("JSON");
    let wait = |seconds: &u64| match seconds {
        0 => "at once, then after".to_owned(),
        3_600.. => format!("{} h", seconds / 3_600),
        60.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    };
    let waits: Vec<String> = WAITS_S.iter().map(wait).collect();
    let told = waits.join(", ").replace("after, ", "after ");
    let webhooks = document["webhooks"].as_object().expect("webhooks");
    for (name, webhook) in webhooks {
        let description = webhook["post"]["description"].as_str().expect("a text");
        assert!(description.contains(&told), "{name}: {told}");
    }
    assert_eq!(webhooks.len(), 6);
}
