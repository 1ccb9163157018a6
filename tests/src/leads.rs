//! What a unit was told, in terms that can be held against the truth.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::receiver::{Received, Receiver};
use crate::world::file_name;

/// Every lead as (case, ad's file name), once per sighting.
pub fn pairs_of(leads: &[Value]) -> BTreeSet<(String, String)> {
    let mut pairs = BTreeSet::new();
    for lead in leads {
        for sighting in lead["sightings"].as_array().unwrap() {
            let key = sighting["object_key"].as_str().unwrap();
            pairs.insert((lead["case_id"].as_str().unwrap().to_owned(), file_name(key)));
        }
    }
    pairs
}

/// The ids of leads.
pub fn ids_of(leads: &[Value]) -> BTreeSet<String> {
    let id = |lead: &Value| lead["lead_id"].as_str().unwrap().to_owned();
    leads.iter().map(id).collect()
}

/// Alerts of created leads that arrived, by lead; waits up to `patience` for `expected` leads.
pub fn created(
    receiver: &Receiver,
    expected: usize,
    patience: Duration,
) -> BTreeMap<String, Vec<Received>> {
    let deadline = Instant::now() + patience;
    loop {
        let mut by_lead: BTreeMap<String, Vec<Received>> = BTreeMap::new();
        for received in receiver.received() {
            let event = received.json();
            if event["type"] == "org.homeward.lead.created" {
                let lead = event["subject"].as_str().unwrap().to_owned();
                by_lead.entry(lead).or_default().push(received);
            }
        }
        if by_lead.len() >= expected || Instant::now() > deadline {
            return by_lead;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
