//! What is true of a world's puts, and what leads say.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use proofs::world::{Put, World, file_name};
use records::ImageSha256;
use serde_json::Value;

/// What was found: for each case and ad image, the keys under which the image was seen.
pub type Pairs = BTreeMap<(String, String), BTreeSet<String>>;

/// What is true of these puts.
pub fn truth(world: &World, puts: &[Put]) -> Pairs {
    let mut pairs = Pairs::new();
    for put in puts {
        let image = ImageSha256::of(&std::fs::read(&put.path).unwrap()).to_string();
        for case in &world.truth[&file_name(put.path.to_str().unwrap())] {
            let pair = (case.clone(), image.clone());
            pairs.entry(pair).or_default().insert(put.key.clone());
        }
    }
    pairs
}

pub fn found(leads: &[Value]) -> Pairs {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut pairs = Pairs::new();
    for lead in leads {
        let sightings = lead["sightings"].as_array().unwrap().iter();
        let keys = sightings.map(|sighting| text(&sighting["object_key"]));
        let pair = (text(&lead["case_id"]), text(&lead["image_sha256"]));
        let before = pairs.insert(pair, keys.collect());
        assert_eq!(before, None, "one lead a pair");
    }
    pairs
}
