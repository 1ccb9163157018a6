//! The handlers, built once, as the cloud builds one in each program.

use std::sync::Arc;
use std::time::Duration;

use alert::AlertProgram;
use alert::address::Networks;
use alert::send::{Egress, Sender, Timeouts};
use axum::Router;
use embedded::Embedded;
use enroll::Enroll;
use ingest::Ingest;
use lookup::Lookup;
use matching::Policy;
use picture::PictureProgram;
use review::{Pages, Pictures, Review};
use store::{Clock, Jitter, Names, Store};
use tokio::runtime::Handle;
use upkeep::Upkeep;

use super::ports::PublicPorts;
use super::queues::EmbeddedQueues;
use super::{ENROLL_QUEUE, INGEST_QUEUE, Ports, Settings};

/// The bucket that uploaders put ads into.
pub const ADS_BUCKET: &str = "homeward-ads";
/// The bucket that units put reference photos into.
pub const REFERENCES_BUCKET: &str = "homeward-references";
/// The bucket of the searchable sets' segments.
const SEGMENTS_BUCKET: &str = "homeward-segments";

/// Networks that webhooks may lie in on a laptop: the case system may run on the same machine.
const LOOPBACK: &str = "127.0.0.0/8,::1/128";

/// What buckets and tables are called on a laptop.
pub fn names() -> Names {
    Names {
        table_prefix: Names::TABLE_PREFIX_DEFAULT.to_owned(),
        ads_bucket: ADS_BUCKET.to_owned(),
        references_bucket: REFERENCES_BUCKET.to_owned(),
        segments_bucket: SEGMENTS_BUCKET.to_owned(),
    }
}

/// The domain's verbs on an open data folder; tables, buckets and their notifications are made
/// where they are missing.
///
/// # Errors
/// What could not be made.
pub async fn prepare(embedded: &Embedded) -> anyhow::Result<Store> {
    let store = Store::with_sdk_config(&embedded.sdk_config(), names(), Jitter::from_system());
    store.db.create_tables().await?;
    embedded.create_bucket(SEGMENTS_BUCKET).await?;
    for (bucket, prefix, queue) in [
        (ADS_BUCKET, "ads/", INGEST_QUEUE),
        (REFERENCES_BUCKET, "references/", ENROLL_QUEUE),
    ] {
        embedded.create_bucket(bucket).await?;
        embedded.notify(bucket, prefix, queue).await?;
    }
    let removals = embedded.notify_removals(REFERENCES_BUCKET, "references/", ENROLL_QUEUE);
    removals.await?;
    Ok(store)
}

/// The domain's verbs for background programs.
fn behind(embedded: &Embedded) -> Store {
    let config = embedded.sdk_config_background();
    Store::with_sdk_config(&config, names(), Jitter::from_system())
}

/// How long two looks at the clock lie apart at most: the timers look every few seconds.
const OBSERVATIONS_APART_MAX: Duration = Duration::from_secs(3_600);

/// Every handler.
pub(super) struct Programs {
    pub(super) ingest: Ingest,
    pub(super) enroll: Enroll,
    pub(super) lookup: Lookup,
    pub(super) alerting: AlertProgram,
    pub(super) upkeep: Upkeep,
    review: Review,
}

impl Programs {
    pub(super) fn new(
        embedded: &Embedded,
        store: &Store,
        clock: &Clock,
        settings: &Settings,
        (ports, on): (&Ports, &Handle),
    ) -> anyhow::Result<Self> {
        let behind = behind(embedded);
        let pictures = pictures(&behind, on);
        let limits = photo::Limits::default();
        let of_references = photo::Limits::of_references();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let networks = if settings.loopback_webhooks {
            LOOPBACK
        } else {
            ""
        };
        let exit = Egress {
            networks: Networks::parse(networks)?,
            timeouts: Timeouts::default(),
            authorities: Vec::new(),
            lookup: alert::resolver::system(),
        };
        let mut alerting = AlertProgram::new(behind.clone(), Sender::new(&exit)?, clock.clone());
        let pages_at = ports.public.as_ref().map_or(&ports.api, |it| &it.api);
        alerting.pages_at = Some(pages_at.clone());
        let mut ingest = Ingest::new(store.clone(), limits, clock.clone(), cores);
        ingest.ads_kept = settings.ads_kept;
        Ok(Self {
            ingest,
            enroll: Enroll::new(behind.clone(), of_references, clock.clone(), 1),
            lookup: Lookup::new(behind.clone(), Policy::default(), clock.clone()),
            alerting,
            upkeep: Upkeep {
                store: behind,
                clock: clock.clone(),
                pending_max: settings.pending_max,
                objects_every: Duration::ZERO, // its timer is as slow as they should be
                ads_kept: settings.ads_kept,
                looks_apart_max: Some(OBSERVATIONS_APART_MAX),
                compaction: settings.compaction,
                queues: Arc::new(EmbeddedQueues(embedded.clone())),
                noted: Default::default(),
            },
            review: Review {
                store: store.clone().into(),
                clock: clock.clone(),
                random: review::Random::from_system(),
                networks: ip_networks(networks)?,
                uploads_at: Some(ports.s3.clone()),
                pages: Some(Pages {
                    pictures,
                    address: Some(ports.api.clone()),
                    is_https: false,
                    is_local: true,
                }),
            },
        })
    }

    /// The HTTP API.
    pub(super) fn api(&self) -> Router {
        review::router(self.review.clone())
    }

    /// The HTTP API as other machines have it, by TLS.
    pub(super) fn public_api(&self, public: &PublicPorts) -> Router {
        let pages = self.review.pages.clone().map(|pages| Pages {
            address: Some(public.api.clone()),
            is_https: true,
            ..pages
        });
        review::router(Review {
            uploads_at: Some(public.s3.clone()),
            pages,
            ..self.review.clone()
        })
    }
}

/// The way to the program `picture`. It decodes on the threads of background programs: that a person looks
/// at a lead slows no uploader.
fn pictures(behind: &Store, on: &Handle) -> Pictures {
    let limits = photo::Limits::of_references(); // an ad that is larger was refused before
    let program = PictureProgram::new(behind.objects.clone(), limits, Some(on.clone()));
    Pictures::new(move |request| {
        let program = program.clone();
        Box::pin(async move { program.answer(request).await })
    })
}

fn ip_networks(list: &str) -> anyhow::Result<Vec<ipnet::IpNet>> {
    list.split(',')
        .filter(|text| !text.is_empty())
        .map(|text| Ok(text.parse()?))
        .collect()
}
