//! What the API logs about a request: that it was, never what it was about.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

use crate::world::{World, token};

/// A writer that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_case_number_hash_key_address_or_token_reaches_the_log() {
    let world = World::new().await;
    let kept = Kept::default();
    let writer = kept.clone();
    let asked = format!("info,{}", embedded::QUIET);
    let asked: tracing_subscriber::filter::Targets = asked.parse().expect("directives");
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish()
        .with(asked);
    let pdq = "c0ffee00".repeat(8);
    let body = json!({ "case_id": "K-4711", "pdq": pdq, "quality": 90 });
    let hook = json!({ "url": "https://hook.example/path" });
    async {
        world
            .json("POST", "/v1/references", "unit", &body)
            .await
            .expect(202);
        world
            .get("/v1/references?case_id=K-4711", "unit")
            .await
            .expect(200);
        world
            .json("PUT", "/v1/webhooks/a", "unit", &hook)
            .await
            .expect(201);
        world
            .get("/v1/leads/K-4711?token=K-4711", "unit")
            .await
            .expect(404);
        world.get("/K-4711", "unit").await.expect(404);
    }
    .with_subscriber(subscriber)
    .await;
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("review::middleware").count(), 5, "{log}");
    for secret in ["K-4711", "c0ffee00", "hook.example", &token("unit")[3..]] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("route=\"/v1/leads/{lead_id}\"") && log.contains("route=\"none\""));
}
