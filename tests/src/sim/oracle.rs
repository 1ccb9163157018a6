//! What must be true of every run in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use records::{ImageSha256, LeadId, ReferenceId};

use super::receiver::Arrived;
use super::run::Acknowledged;
use super::script::Script;
use super::snapshot::Snapshot;

/// What is not as it must be, as text.
pub fn judge(
    script: &Script,
    (held, at): (&Snapshot, Duration),
    arrived: &[Arrived],
    acknowledged: &[Acknowledged],
) -> Vec<String> {
    let mut found = Vec::new();
    uploads(&mut found, script, held, at);
    references(&mut found, script, held);
    leads(&mut found, script, held);
    alerts(&mut found, held);
    deliveries(&mut found, script, held);
    silence(&mut found, held, arrived, acknowledged);
    found
}

fn uploads(found: &mut Vec<String>, script: &Script, held: &Snapshot, at: Duration) {
    for ad in script.ads.iter().filter(|ad| script.is_kept(ad, at)) {
        let expected = ad.end();
        match held.uploads.get(ad.reported_at()) {
            Some(state) if state.split(" (").next() == Some(expected) => {}
            other => found.push(format!("{} is {other:?}, not {expected}", ad.key)),
        }
    }
}

fn withdrawn(script: &Script) -> Option<String> {
    let (place, _) = script.withdrawal?;
    Some(script.reference_id(place).to_string())
}

fn references(found: &mut Vec<String>, script: &Script, held: &Snapshot) {
    let withdrawn = withdrawn(script);
    for place in 0..script.references.len() {
        let id = script.reference_id(place).to_string();
        let expected = match withdrawn.as_deref() == Some(&id) {
            true => "withdrawn",
            false => "active",
        };
        let stands = held.references.get(&id).map(String::as_str);
        if stands != Some(expected) {
            found.push(format!("reference {place} is {stands:?}, not {expected}"));
        }
    }
}

fn leads(found: &mut Vec<String>, script: &Script, held: &Snapshot) {
    let (pairs, sure, withdrawn) = (script.pairs(), script.sure_pairs(), withdrawn(script));
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for (reference, image, level) in &held.leads {
        *counts
            .entry((reference.clone(), image.clone()))
            .or_default() += 1;
        // What rises after a withdrawal is silent, and stays for review. Of what had ended when the reference
        // came a list may be left that says less.
        let is_sure = sure.contains_key(&(reference.clone(), image.clone()));
        if level != "alert" && is_sure && withdrawn.as_ref() != Some(reference) {
            found.push(format!("a lead is of level {level}"));
        }
    }
    for (pair, count) in &counts {
        if *count > 1 {
            found.push(format!("a pair has {count} leads"));
        }
        if !pairs.contains_key(pair) {
            found.push("a lead is of no true pair".to_owned());
        }
    }
    for (pair, keys) in sure
        .iter()
        .filter(|(pair, _)| withdrawn.as_ref() != Some(&pair.0))
    {
        let told = held.sightings.get(&lead_id(pair));
        if !counts.contains_key(pair) {
            found.push("a pair was missed".to_owned());
        } else if !told.is_some_and(|told| told.is_superset(keys) && told.is_subset(&pairs[pair])) {
            found.push("a lead lacks a sighting".to_owned());
        }
    }
}

fn lead_id((reference, image): &(String, String)) -> String {
    let reference: ReferenceId = reference.parse().expect("an id");
    let image: ImageSha256 = image.parse().expect("a hash");
    LeadId::of(&reference, &image).to_string()
}

fn alerts(found: &mut Vec<String>, held: &Snapshot) {
    let distinct: BTreeSet<&String> = held.created.iter().collect();
    if distinct.len() != held.created.len() {
        found.push("a lead was alerted twice".to_owned());
    }
    let sure = held.leads.iter().filter(|lead| lead.2 == "alert").count();
    if distinct.len() != sure {
        found.push(format!("{sure} leads, {} alerts", distinct.len()));
    }
    if held.alerts.0 != held.alerts.1 {
        found.push(format!(
            "{} alerts, counted {}",
            held.alerts.0, held.alerts.1
        ));
    }
}

fn deliveries(found: &mut Vec<String>, script: &Script, held: &Snapshot) {
    if held.deliveries_pending > 0 {
        found.push(format!(
            "{} deliveries are pending",
            held.deliveries_pending
        ));
    }
    let mut messages = BTreeSet::new();
    for ids in held.alerted.values() {
        if ids.len() != 1 {
            found.push("a lead was alerted by two messages".to_owned());
        }
        if !ids.iter().all(|id| messages.insert(id.clone())) {
            found.push("a message alerted two leads".to_owned());
        }
    }
    let withdrawn = withdrawn(script);
    let returned = script.returns.as_ref();
    let returned = returned.map(|(place, _)| script.reference_id(*place).to_string());
    let stays = |id: &String| withdrawn.as_ref() != Some(id);
    for pair in script.sure_pairs().keys().filter(|pair| stays(&pair.0)) {
        let lead = lead_id(pair);
        // What was given up while its photo lay in S3 no more is told as open again.
        let is_told_again = held.extended.contains(&lead) || held.extensions_due.contains(&lead);
        if returned.as_ref() == Some(&pair.0) && is_told_again {
            continue;
        }
        if !held.alerted.contains_key(&lead) {
            found.push("a lead was never alerted".to_owned());
        }
        if held.deliveries.get(&lead).map(String::as_str) != Some("delivered") {
            found.push("a delivery has no receipt".to_owned());
        }
    }
}

fn silence(
    found: &mut Vec<String>,
    held: &Snapshot,
    arrived: &[Arrived],
    acknowledged: &[Acknowledged],
) {
    for withdrawal in acknowledged {
        let about = |message: &&Arrived| message.reference == withdrawal.reference;
        let late = |message: &&Arrived| message.at_us > withdrawal.at_us;
        if arrived.iter().filter(about).any(|message| late(&message)) {
            found.push("something arrived after an acknowledged withdrawal".to_owned());
        }
        let own = held
            .leads
            .iter()
            .filter(|lead| lead.0 == withdrawal.reference);
        let leads: BTreeSet<String> = own.map(|lead| lead.1.clone()).collect();
        if leads != withdrawal.leads {
            found.push("a lead was recorded after an acknowledged withdrawal".to_owned());
        }
    }
}
