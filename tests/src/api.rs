//! The HTTP API of a running system, as a unit's program uses it.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Serve;

impl Serve {
    /// `GET`, as the holder of a role's token.
    pub fn get(&self, role: &str, path: &str) -> Value {
        let request = ureq::get(format!("{}{path}", self.text("api")))
            .header("Authorization", format!("Bearer {}", self.token(role)));
        request.call().unwrap().body_mut().read_json().unwrap()
    }

    /// Every item of a listing, page by page.
    pub fn all(&self, role: &str, path: &str) -> Vec<Value> {
        let (mut items, mut after) = (Vec::new(), String::new());
        loop {
            let joined = if path.contains('?') { '&' } else { '?' };
            let page = self.get(role, &format!("{path}{joined}limit=50{after}"));
            items.extend(page["items"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) if !page["items"].as_array().unwrap().is_empty() => {
                    after = format!("&after={next}");
                }
                _ => return items,
            }
        }
    }

    /// A request without a body, `PUT` or `DELETE`, as the holder of a role's token.
    pub fn ask(&self, role: &str, method: &str, path: &str) -> Value {
        let (url, bearer) = (
            format!("{}{path}", self.text("api")),
            format!("Bearer {}", self.token(role)),
        );
        let answered = match method {
            "PUT" => ureq::put(url).header("Authorization", bearer).send_empty(),
            "DELETE" => ureq::delete(url).header("Authorization", bearer).call(),
            _ => panic!("{method} has a body, or is a GET"),
        };
        answered.unwrap().body_mut().read_json().unwrap()
    }

    /// Waits, for minutes if it must be, until something is so.
    pub fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(240);
        while !is_so() {
            assert!(Instant::now() < deadline, "never came: {what}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Registers a webhook and returns its secret.
    pub fn put_webhook(&self, url: &str) -> String {
        let request = ureq::put(format!("{}/v1/webhooks/test", self.text("api")))
            .header("Authorization", format!("Bearer {}", self.token("unit")));
        let made: Value = request
            .send_json(json!({ "url": url }))
            .unwrap()
            .body_mut()
            .read_json()
            .unwrap();
        made["secret"].as_str().unwrap().to_owned()
    }

    /// Lets a reference be alerted on again; a limit comes along if one is given.
    pub fn release(&self, reference_id: &str, per_day_max: Option<u32>) -> Value {
        let path = format!("{}/v1/references/{reference_id}/release", self.text("api"));
        let request =
            ureq::post(path).header("Authorization", format!("Bearer {}", self.token("unit")));
        let answered = request.send_json(json!({ "alerts_per_day_max": per_day_max }));
        answered.unwrap().body_mut().read_json().unwrap()
    }

    /// Withdraws a reference.
    pub fn withdraw(&self, reference_id: &str) {
        let path = format!("{}/v1/references/{reference_id}", self.text("api"));
        let request =
            ureq::delete(path).header("Authorization", format!("Bearer {}", self.token("unit")));
        request.call().unwrap();
    }

    /// Waits until every upload and change is dealt with, and returns the sums, which must agree.
    pub fn settled(&self) -> Value {
        let deadline = Instant::now() + Duration::from_secs(240);
        loop {
            let sums = self.get("admin", "/v1/verify?contents=counted");
            let pending = [
                "/uploads/pending",
                "/references/pending",
                "/changes_pending",
            ];
            let counts = pending.map(|path| sums.pointer(path).unwrap().as_u64().unwrap());
            let queued = sums["queues"].as_array().map_or(0, |queues| {
                queues
                    .iter()
                    .map(|q| q["visible"].as_u64().unwrap() + q["invisible"].as_u64().unwrap())
                    .sum()
            });
            if counts.iter().sum::<u64>() + queued == 0 {
                let sums = self.get("admin", "/v1/verify");
                assert_eq!(sums["agree"], true, "{sums:#}");
                return sums;
            }
            assert!(Instant::now() < deadline, "never at rest: {sums:#}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}
