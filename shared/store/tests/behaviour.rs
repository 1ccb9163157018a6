//! What the store promises, against two servers: the embedded ones, and moto, which we did not
//! write. Every claim runs on both, through the AWS SDK and the real protocols.

#![allow(clippy::unwrap_used, missing_docs)]

/// Runs each claim against the embedded servers as a test of its own, and all of them in a row
/// against one moto server, each in tables and buckets of its own.
macro_rules! claims {
    ($($claim:ident),+ $(,)?) => {
        mod embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $claim() {
                    let host = crate::host::Embedded::start();
                    super::$claim(host.world().await).await;
                }
            )+
        }
        mod moto {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn agrees() {
                let host = crate::host::Moto::start().await;
                $(
                    println!("{}", stringify!($claim));
                    super::$claim(host.world(stringify!($claim)).await).await;
                )+
            }
        }
    };
}

#[path = "behaviour/ads.rs"]
mod ads;
#[path = "behaviour/alerts.rs"]
mod alerts;
#[path = "behaviour/better.rs"]
mod better;
#[path = "behaviour/deliveries.rs"]
mod deliveries;
#[path = "behaviour/errors.rs"]
mod errors;
#[path = "behaviour/fixtures.rs"]
mod fixtures;
#[path = "behaviour/forms.rs"]
mod forms;
#[path = "behaviour/held.rs"]
mod held;
#[path = "behaviour/host.rs"]
mod host;
#[path = "behaviour/leads.rs"]
mod leads;
#[path = "behaviour/manifests.rs"]
mod manifests;
#[path = "behaviour/objects.rs"]
mod objects;
#[path = "behaviour/postings.rs"]
mod postings;
#[path = "behaviour/races.rs"]
mod races;
#[path = "behaviour/references.rs"]
mod references;
#[path = "behaviour/renewal.rs"]
mod renewal;
#[path = "behaviour/retractions.rs"]
mod retractions;
#[path = "behaviour/segments.rs"]
mod segments;
#[path = "behaviour/streams.rs"]
mod streams;
#[path = "behaviour/tenants.rs"]
mod tenants;
#[path = "behaviour/withdrawn_leads.rs"]
mod withdrawn_leads;
