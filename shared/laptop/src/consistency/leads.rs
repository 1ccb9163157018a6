//! Every image is compared again with every active reference: each pair that matches has its lead,
//! each lead its sightings and, if the policy is sure enough, exactly one alert.

use std::collections::{BTreeMap, BTreeSet};

use matching::{Policy, ReferenceSet};
use records::{AdKey, AlertKind, Lead, LeadId, Level, ReferenceId, TenantId, TenantSettings};
use serde_json::{Value, json};
use store::{AdsPosition, LeadFilter, SegmentEntry, Store, StoredAd};

use super::recorded::Image;
use super::{Consistency, Disagreement};

/// Leads and the pairs that they ought to stand for.
#[derive(Debug, Default)]
pub(super) struct Leads {
    images: u64,
    references: u64,
    pairs_compared: u64,
    expected: u64,
    found: u64,
    alerts: u64,
}

impl Leads {
    pub(super) fn to_json(&self) -> Value {
        json!({"images": self.images, "references": self.references,
            "pairs_compared": self.pairs_compared, "pairs_that_match": self.expected,
            "leads": self.found, "alerts_created": self.alerts})
    }
}

type References = ReferenceSet<(TenantId, ReferenceId)>;

/// Leads that there ought to be by the set of ads, with the postings that travel there.
type Expected = BTreeMap<LeadId, BTreeSet<AdKey>>;

/// Counts leads. Only where no change was pending can a missing one be told from a late one.
pub(super) async fn count(
    consistency: &mut Consistency,
    store: &Store,
    tenants: &[TenantSettings],
    (recorded, settled): (&BTreeSet<Image>, bool),
) -> anyhow::Result<()> {
    let references = all_references(store).await?;
    consistency.leads.references = references.len() as u64;
    let expected = expected(consistency, store, &references, recorded).await?;
    consistency.leads.expected = expected.len() as u64;
    let mut known = BTreeSet::new();
    for tenant in tenants.iter().filter(|tenant| tenant.is_unit) {
        let leads = all_leads(store, &tenant.tenant).await?;
        consistency.leads.found += leads.len() as u64;
        check_alerts(consistency, store, &tenant.tenant, &leads, &references).await?;
        if settled {
            let leads = active(&tenant.tenant, &leads, &references);
            check_sightings(consistency, (store, &tenant.tenant), leads, &expected).await?;
        }
        known.extend(leads.into_iter().map(|lead| lead.summary.lead_id));
    }
    if settled {
        let missed = expected.keys().filter(|lead| !known.contains(lead)).count() as u64;
        consistency.disagree(
            missed,
            "pairs of image and reference match and have no lead",
        );
    }
    Ok(())
}

/// By the log alone, which is the truth: segments may be damaged.
async fn all_references(store: &Store) -> anyhow::Result<References> {
    let mut references = References::new();
    for (key, fingerprint) in super::sets::logged(store).await? {
        references.insert(key, fingerprint);
    }
    Ok(references)
}

async fn expected(
    consistency: &mut Consistency,
    store: &Store,
    references: &References,
    recorded: &BTreeSet<Image>,
) -> anyhow::Result<Expected> {
    let policy = Policy::default();
    let (mut expected, mut images) = (Expected::default(), BTreeSet::new());
    let retracted = store.leads.retracted().await?;
    let mut unseen = recorded.clone();
    let mut see = |ads: Vec<StoredAd>| {
        for ad in ads {
            images.insert(ad.image_sha256.to_string());
            unseen.remove(&(ad.tenant.clone(), ad.image_sha256));
            if retracted.contains(&ad.tenant) {
                continue; // nothing rests on it
            }
            for ((_, reference), _) in references.find(&ad.fingerprint, &policy) {
                let lead = LeadId::of(&reference, &ad.image_sha256);
                let postings = ad.postings.iter().map(|posting| posting.object_key.clone());
                expected.entry(lead).or_default().extend(postings);
            }
        }
    };
    for start in AdsPosition::starts() {
        let mut position = Some(start);
        while let Some(here) = position {
            let page = store.ads.ads_page(&here).await?;
            see(page.items);
            position = page.next;
        }
    }
    see_segments(store, &mut see).await?;
    // They were recorded before this began, and an image is put into the set before it is recorded.
    consistency.disagree(
        unseen.len() as u64,
        "recorded images are not in the set of ads that references are compared with: \
         no new reference finds them",
    );
    consistency.leads.images = images.len() as u64;
    consistency.leads.pairs_compared = consistency.leads.images * references.len() as u64;
    Ok(expected)
}

/// Every image in segments. One that was merged or rewritten concurrently has its images in others: the
/// manifest is asked until all of its segments have been seen.
async fn see_segments(store: &Store, see: &mut impl FnMut(Vec<StoredAd>)) -> anyhow::Result<()> {
    let mut seen = BTreeSet::new();
    loop {
        let live = store.ads.ads_segments().await?;
        let Some(segment) = live.iter().find(|it| !seen.contains(&it.name)) else {
            return Ok(());
        };
        match see_segment(store, segment, see).await {
            Err(store::Error::Gone(_)) => continue,
            seen => seen?,
        }
        seen.insert(segment.name);
    }
}

async fn see_segment(
    store: &Store,
    segment: &SegmentEntry,
    see: &mut impl FnMut(Vec<StoredAd>),
) -> store::Result<()> {
    let index = store.ads.ads_segment_index(segment).await?;
    let mut from = Some(0);
    while let Some(here) = from {
        let page = store.ads.segment_page(&index, here).await?;
        see(page.items);
        from = page.next;
    }
    Ok(())
}

async fn all_leads(store: &Store, unit: &TenantId) -> store::Result<Vec<Lead>> {
    let (mut leads, mut cursor) = (Vec::new(), None);
    loop {
        let filter = LeadFilter::default();
        let page = store
            .leads
            .leads(unit, &filter, cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await?;
        leads.extend(page.items);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(leads),
        }
    }
}

/// Leads whose reference is still active: what has ended is silent, in the feed too.
fn active<'a>(
    unit: &'a TenantId,
    leads: &'a [Lead],
    references: &'a References,
) -> impl Iterator<Item = &'a Lead> {
    leads
        .iter()
        .filter(|lead| references.contains(&(unit.clone(), lead.summary.reference_id.clone())))
}

async fn check_alerts(
    consistency: &mut Consistency,
    store: &Store,
    unit: &TenantId,
    leads: &[Lead],
    references: &References,
) -> anyhow::Result<()> {
    let mut created: BTreeMap<LeadId, u64> = BTreeMap::new();
    let mut of: BTreeMap<LeadId, ReferenceId> = BTreeMap::new();
    let mut cursor = None;
    loop {
        let page = store
            .leads
            .alerts(unit, cursor.as_ref(), store::PAGE_ITEMS_MAX)
            .await?;
        if page.items.is_empty() && page.next == cursor {
            break;
        }
        for alert in page
            .items
            .iter()
            .filter(|alert| alert.kind == AlertKind::Created)
        {
            let data = &alert.data;
            *created.entry(data.lead_id.clone()).or_default() += 1;
            of.insert(data.lead_id.clone(), data.reference_id.clone());
        }
        cursor = page.next;
    }
    consistency.leads.alerts += created.values().sum::<u64>();
    let twice = created.values().filter(|count| **count > 1).count() as u64;
    consistency.disagree(twice, "leads were alerted twice");
    let silent = active(unit, leads, references)
        .filter(|lead| lead.summary.level == Level::Alert)
        .filter(|lead| lead.summary.retracted.is_none())
        .filter(|lead| !created.contains_key(&lead.summary.lead_id))
        .map(|lead| lead.summary.lead_id.to_string());
    let what = "leads of alert level have no alert";
    consistency.add(Disagreement::of(silent, what));
    leads
        .iter()
        .for_each(|lead| drop(of.remove(&lead.summary.lead_id)));
    check_alerted(consistency, store, unit, of).await?;
    check_levels(consistency, store, unit, (leads, &created)).await
}

/// Alerts whose lead was not among those read: recorded since then, erased since then, or gone.
async fn check_alerted(
    consistency: &mut Consistency,
    store: &Store,
    unit: &TenantId,
    told: BTreeMap<LeadId, ReferenceId>,
) -> anyhow::Result<()> {
    let mut gone = Vec::new();
    for (lead, reference) in told {
        let is_there = store.leads.lead(unit, &lead).await?.is_some();
        if !is_there && super::sets::is_active(store, unit, &reference).await? {
            gone.push(lead.to_string());
        }
    }
    consistency.add(Disagreement::of(gone, "alerts tell of leads that are gone"));
    Ok(())
}

/// An alerted unit must find the lead at the level of an alert: levels never fall.
async fn check_levels(
    consistency: &mut Consistency,
    store: &Store,
    unit: &TenantId,
    (leads, created): (&[Lead], &BTreeMap<LeadId, u64>),
) -> anyhow::Result<()> {
    let mut lowered = Vec::new();
    let told = leads.iter().map(|lead| &lead.summary);
    let told = told.filter(|lead| created.contains_key(&lead.lead_id));
    for lead in told.filter(|lead| lead.level != Level::Alert) {
        // It may have been raised, and alerted, since it was read.
        let now = store.leads.lead(unit, &lead.lead_id).await?;
        if now.is_some_and(|now| now.summary.level != Level::Alert) {
            lowered.push(lead.lead_id.to_string());
        }
    }
    let what = "leads were alerted and stand at a lower level now";
    consistency.add(Disagreement::of(lowered, what));
    Ok(())
}

async fn check_sightings(
    consistency: &mut Consistency,
    (store, unit): (&Store, &TenantId),
    leads: impl Iterator<Item = &Lead>,
    expected: &Expected,
) -> anyhow::Result<()> {
    let (mut incomplete, mut miscounted) = (0, 0);
    for lead in leads {
        let id = &lead.summary.lead_id;
        let known = store.leads.known_sightings(unit, id).await?;
        miscounted += u64::from(miscounts(store, unit, lead).await?);
        let recorded = store.uploads.sightings(&lead.summary.image_sha256).await?;
        let recorded = recorded.iter().map(|it| &it.object_key);
        let postings = expected.get(&lead.summary.lead_id).into_iter().flatten();
        let lacks = recorded.chain(postings).any(|it| !known.has(it));
        incomplete += u64::from(lacks);
    }
    consistency.disagree(incomplete, "leads lack sightings of their image");
    consistency.disagree(miscounted, "leads miscount their sightings");
    Ok(())
}

/// Whether a lead's number of sightings is not that of those it knows. One of an older build has
/// counted none yet.
async fn miscounts(store: &Store, unit: &TenantId, lead: &Lead) -> store::Result<bool> {
    let id = &lead.summary.lead_id;
    let mut told = lead.summary.sightings_total;
    loop {
        let known = store.leads.known_sightings(unit, id).await?.total();
        // One may have come since the lead was read.
        let Some(now) = store.leads.lead(unit, id).await? else {
            return Ok(false);
        };
        if now.summary.sightings_total == told {
            return Ok(!now.uploaders.is_empty() && known != told);
        }
        told = now.summary.sightings_total;
    }
}
