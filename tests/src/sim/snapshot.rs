//! What a cluster holds when all is done, without times and numbers that may differ from run to run.

use std::collections::{BTreeMap, BTreeSet};

use records::{
    Alert, AlertKind, Delivery, DeliveryState, Lead, Level, Reference, ReferenceStatus, TenantId,
    Upload, UploadState,
};
use store::{LeadFilter, PAGE_ITEMS_MAX, Store};

use super::cluster::{unit, webhook};
use super::receiver::Arrived;

/// Everything that counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// What became of each upload, by object key.
    pub uploads: BTreeMap<String, String>,
    /// Where each reference stands, by its id.
    pub references: BTreeMap<String, String>,
    /// Leads: reference, image, level.
    pub leads: Vec<(String, String, String)>,
    /// The object keys of each lead's sightings.
    pub sightings: BTreeMap<String, BTreeSet<String>>,
    /// Alerts of new leads in the outbox, by the lead.
    pub created: Vec<String>,
    /// How each delivery of a new lead's alert ended, by the lead.
    pub deliveries: BTreeMap<String, String>,
    /// Leads that the case system received alerts of, each with the messages that did so.
    pub alerted: BTreeMap<String, BTreeSet<String>>,
    /// Leads that the case system was told to be extended, or open again.
    pub extended: BTreeSet<String>,
    /// Leads whose further sightings are still to be alerted.
    pub extensions_due: BTreeSet<String>,
    /// Deliveries that are not done.
    pub deliveries_pending: u64,
    /// Alerts in the outbox, and the counter's.
    pub alerts: (u64, u64),
}

/// Reads everything. The store's connection should be a faultless one.
///
/// # Panics
/// If something cannot be read.
pub async fn take(store: &Store, arrived: &[Arrived]) -> Snapshot {
    let mut held = Snapshot::default();
    let uploader = TenantId::parse("uploader").expect("a tenant");
    for upload in uploads(store, &uploader).await {
        let Upload { state, reason, .. } = &upload;
        let state = match state {
            UploadState::Pending => "pending".to_owned(),
            UploadState::Recorded if upload.faults.is_some() => "recorded, faults told".to_owned(),
            UploadState::Recorded => "recorded".to_owned(),
            UploadState::Rejected => format!("rejected ({reason:?})"),
        };
        held.uploads.insert(upload.object_key.to_string(), state);
    }
    for reference in references(store).await {
        let status = reference.status.as_str().to_owned();
        held.references
            .insert(reference.reference_id.to_string(), status);
    }
    hold_leads(&mut held, leads(store).await);
    hold_alerts(&mut held, store).await;
    hold_deliveries(&mut held, deliveries(store).await);
    for message in arrived {
        if message.kind == AlertKind::Created.as_str() {
            let messages = held.alerted.entry(message.lead.clone()).or_default();
            messages.insert(message.id.clone());
        }
        if message.kind == AlertKind::Extended.as_str() {
            held.extended.insert(message.lead.clone());
        }
    }
    let extended = store.leads.extended_leads(&unit()).await.expect("readable");
    held.extensions_due = extended.iter().map(ToString::to_string).collect();
    held
}

fn hold_leads(held: &mut Snapshot, leads: Vec<Lead>) {
    for Lead {
        summary, sightings, ..
    } in leads
    {
        let level = match summary.level {
            Level::Alert => "alert",
            Level::Review => "review",
        };
        held.leads.push((
            summary.reference_id.to_string(),
            summary.image_sha256.to_string(),
            level.to_owned(),
        ));
        let keys = sightings.iter().map(|s| s.object_key.to_string());
        held.sightings
            .insert(summary.lead_id.to_string(), keys.collect());
    }
    held.leads.sort();
}

async fn hold_alerts(held: &mut Snapshot, store: &Store) {
    let unit = unit();
    let counts = store.leads.alert_counts(std::slice::from_ref(&unit)).await;
    let counter = counts.expect("readable")[&unit];
    for seq in 1..=counter {
        let Some(Alert { kind, data, .. }) = store.leads.alert(&unit, seq).await.expect("readable")
        else {
            continue;
        };
        held.alerts.0 += 1;
        if kind == AlertKind::Created {
            held.created.push(data.lead_id.to_string());
        }
    }
    held.alerts.1 = counter;
    held.created.sort();
}

fn hold_deliveries(held: &mut Snapshot, deliveries: Vec<Delivery>) {
    for delivery in deliveries {
        held.deliveries_pending += u64::from(delivery.state == DeliveryState::Pending);
        if delivery.kind == AlertKind::Created {
            let state = delivery.state.as_str().to_owned();
            held.deliveries.insert(delivery.lead_id.to_string(), state);
        }
    }
}

/// Whether some delivery is not done.
pub async fn has_pending_deliveries(store: &Store) -> bool {
    let deliveries = deliveries(store).await;
    deliveries.iter().any(|d| d.state == DeliveryState::Pending)
}

/// The references that are active.
pub async fn active(store: &Store) -> BTreeSet<String> {
    let references = references(store).await.into_iter();
    let active = references.filter(|reference| reference.status == ReferenceStatus::Active);
    active.map(|r| r.reference_id.to_string()).collect()
}

macro_rules! all_pages {
    ($page:expr) => {{
        let (mut all, mut cursor) = (Vec::new(), None);
        loop {
            let page = $page(cursor.as_ref()).await.expect("readable");
            all.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => break all,
            }
        }
    }};
}

async fn uploads(store: &Store, uploader: &TenantId) -> Vec<Upload> {
    all_pages!(|cursor| store.uploads.uploads(uploader, cursor, PAGE_ITEMS_MAX))
}

async fn references(store: &Store) -> Vec<Reference> {
    let unit = unit();
    all_pages!(|cursor| store
        .references
        .references(&unit, None, cursor, PAGE_ITEMS_MAX))
}

/// Every lead of the unit.
pub async fn leads(store: &Store) -> Vec<Lead> {
    let (unit, filter) = (unit(), LeadFilter::default());
    all_pages!(|cursor| store.leads.leads(&unit, &filter, cursor, PAGE_ITEMS_MAX))
}

async fn deliveries(store: &Store) -> Vec<Delivery> {
    let (unit, webhook) = (unit(), webhook());
    all_pages!(|cursor| store
        .deliveries
        .deliveries(&unit, &webhook, cursor, PAGE_ITEMS_MAX))
}

/// How many leads the case system received alerts of.
pub fn alerted_leads(arrived: &[Arrived]) -> usize {
    let created = arrived
        .iter()
        .filter(|message| message.kind == AlertKind::Created.as_str());
    let leads: BTreeSet<&str> = created.map(|message| message.lead.as_str()).collect();
    leads.len()
}
