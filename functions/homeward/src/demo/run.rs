//! The demonstration itself: the laptop system, a case system of its own, and what passes between.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context;
use records::{AdKey, ImageSha256, ObjectKey, ReferenceKey};
use serde_json::Value;
use store::NewObject;

use super::case_system::CaseSystem;
use super::sheet::{Lead, Shown};
use console::terminal::{Progress, print};
use lab::edited_ads::{EditedAd, Source};
use laptop::{Laptop, Settings, consistency};

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// What came of the demonstration.
pub struct Outcomes {
    /// Every photo in every ad that shows it, found or not.
    pub shown: Vec<Shown>,
    /// Whether the records agree at the end.
    pub agree: bool,
    false_leads: usize,
    alerts: usize,
    ads: usize,
    took: Duration,
}

impl Outcomes {
    /// The figures for a person.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let found = self
            .shown
            .iter()
            .filter(|shown| shown.lead.is_some())
            .count();
        let per_second = self.ads as f64 / self.took.as_secs_f64().max(0.001);
        vec![
            (
                "found",
                format!("{found} of {} photos in ads", self.shown.len()),
            ),
            ("false leads", self.false_leads.to_string()),
            (
                "alerts delivered",
                format!("{} (signed; signatures verified)", self.alerts),
            ),
            (
                "took",
                format!(
                    "{:.1} s for {} ads ({per_second:.0} a second)",
                    self.took.as_secs_f64(),
                    self.ads
                ),
            ),
            (
                "sums agree",
                if self.agree { "yes" } else { "NO" }.to_owned(),
            ),
        ]
    }
}

/// Sends half of the photos before the ads and half after them, so that leads are found from both
/// sides, and waits until everything is settled. The system runs on; the caller stops it.
pub async fn run(
    data: &Path,
    photos: &[Source],
    ads: &[EditedAd],
) -> anyhow::Result<(Outcomes, Laptop)> {
    let settings = Settings {
        port: Some(0),
        timer: Duration::from_secs(1),
        ..Settings::default()
    };
    let laptop = Laptop::start(data, settings).await?;
    let case_system = CaseSystem::start(&laptop).await?;
    let started = Instant::now();
    let mut uploaded = HashMap::new();
    let (early, late) = photos.split_at(photos.len().div_ceil(2));
    submit(&laptop, early, 0, &mut uploaded).await?;
    upload(&laptop, ads, &mut uploaded).await?;
    submit(&laptop, late, early.len(), &mut uploaded).await?;
    print("searching ...");
    settle(&laptop).await?;
    let took = started.elapsed();
    let agree = consistency::count(
        &laptop.embedded,
        &laptop.store,
        consistency::Contents::Counted,
    )
    .await?
    .agree();
    let leads = case_system.leads().await?;
    let alerts = case_system.await_alerts(&leads, PATIENCE).await?;
    let mut outcomes = outcomes(photos, ads, &leads, &alerts, &uploaded);
    (outcomes.agree, outcomes.took) = (agree, took);
    Ok((outcomes, laptop))
}

/// When each object's upload began, by its key.
type Uploaded = HashMap<String, Instant>;

async fn submit(
    laptop: &Laptop,
    photos: &[Source],
    first: usize,
    uploaded: &mut Uploaded,
) -> anyhow::Result<()> {
    for (place, photo) in photos.iter().enumerate() {
        let key =
            ReferenceKey::parse(&format!("references/unit/{}/photo", case_of(first + place)))?;
        put(laptop, key.into(), &photo.bytes, uploaded).await?;
    }
    Ok(())
}

async fn upload(laptop: &Laptop, ads: &[EditedAd], uploaded: &mut Uploaded) -> anyhow::Result<()> {
    let progress = Progress::new("ads", ads.len());
    for (place, ad) in ads.iter().enumerate() {
        put(
            laptop,
            AdKey::parse(&ad_key(place))?.into(),
            &ad.jpeg,
            uploaded,
        )
        .await?;
        progress.advance();
    }
    Ok(())
}

async fn put(
    laptop: &Laptop,
    key: ObjectKey,
    bytes: &[u8],
    uploaded: &mut Uploaded,
) -> anyhow::Result<()> {
    uploaded.insert(key.as_str().to_owned(), Instant::now());
    let object = NewObject {
        bytes: bytes.to_vec().into(),
        content_type: "image/jpeg".to_owned(),
        metadata: HashMap::new(),
    };
    laptop.store.objects.put_object(&key, object).await?;
    Ok(())
}

fn case_of(place: usize) -> String {
    format!("case-{}", place + 1)
}

fn ad_key(place: usize) -> String {
    format!("ads/uploader/ad-{}.jpg", place + 1)
}

/// Waits until every upload is recorded and every change is acted upon.
async fn settle(laptop: &Laptop) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if consistency::is_settled(&laptop.embedded).await? {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < deadline, "the system did not come to rest");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn outcomes(
    photos: &[Source],
    ads: &[EditedAd],
    leads: &[Value],
    alerts: &HashMap<String, Instant>,
    uploaded: &Uploaded,
) -> Outcomes {
    let mut found: HashMap<(String, String), &Value> = HashMap::new();
    for lead in leads {
        let text = |name: &str| {
            lead.get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        found.insert((text("case_id"), text("image_sha256")), lead);
    }
    let mut shown = Vec::new();
    for (place, ad) in ads.iter().enumerate() {
        let image = ImageSha256::of(&ad.jpeg).to_string();
        for source in &ad.shows {
            let lead = found.remove(&(case_of(*source), image.clone()));
            let began = uploaded
                .get(&ad_key(place))
                .max(uploaded.get(&format!("references/unit/{}/photo", case_of(*source))));
            let lead = lead.and_then(|lead| read_lead(lead, alerts, began).ok());
            shown.push(Shown {
                source: *source,
                ad: place,
                lead,
            });
        }
    }
    debug_assert!(shown.iter().all(|shown| shown.source < photos.len()));
    Outcomes {
        shown,
        agree: false,
        false_leads: found.len(),
        alerts: alerts.len(),
        ads: ads.len(),
        took: Duration::ZERO,
    }
}

fn read_lead(
    lead: &Value,
    alerts: &HashMap<String, Instant>,
    began: Option<&Instant>,
) -> anyhow::Result<Lead> {
    let text = |name: &str| {
        lead.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .context("a lead lacks a field")
    };
    let distance = lead
        .get("distance")
        .and_then(Value::as_u64)
        .context("a lead has a distance")?;
    let alerted = alerts.get(&text("lead_id")?);
    Ok(Lead {
        level: text("level")?,
        method: text("method")?,
        distance_bits: u16::try_from(distance)?,
        edit: text("edit")?,
        alerted_after_ms: alerted
            .zip(began)
            .map(|(alerted, began)| {
                u64::try_from(alerted.saturating_duration_since(*began).as_millis())
            })
            .transpose()?,
    })
}
