//! What the store promises, against two servers: the embedded ones, and moto, which we did not
//! write. Every claim runs on both, through the AWS SDK and the real protocols.

#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests of real servers meet the real clock"
)]

/// Runs each claim against the embedded servers as a test of its own, and all of them in a row
/// against one moto server, each in tables and buckets of its own.
macro_rules! claims {
    ($($claim:ident),+ $(,)?) => {
        mod embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $claim() {
                    let host = crate::host::Embedded::start();
                    let world = host.world().await;
                    let (sdk, prefix) = (world.sdk.clone(), world.store.names().table_prefix.clone());
                    super::$claim(world).await;
                    crate::tabs::agree(&sdk, &prefix).await;
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

mod ads;
mod alerts;
mod better;
mod deliveries;
mod ending;
mod errors;
mod fixtures;
mod forms;
mod held;
mod host;
mod leads;
mod manifests;
mod objects;
mod postings;
mod put_back;
mod races;
mod references;
mod renewal;
mod retractions;
mod segments;
mod streams;
mod tabs;
mod tenants;
mod withdrawn_leads;
