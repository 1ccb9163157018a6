//! When a withdrawal may be acknowledged.

use std::time::Duration;

use records::{ReferenceId, TenantId};

use crate::problem::Problem;
use crate::{Shared, store_errors};

/// How often to look whether deliveries under way have ended.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// How often at most: a delivery's lease is shorter than this in all.
const POLLS_MAX: usize = 550;

/// Waits until nothing about a withdrawn reference is under way to a webhook.
///
/// # Errors
/// That it is overloaded if a delivery does not end, and as every verb of the store.
pub(crate) async fn wait_until_silent(
    shared: &Shared,
    unit: &TenantId,
    id: &ReferenceId,
) -> Result<(), Problem> {
    for _ in 0..POLLS_MAX {
        let in_flight = shared
            .store
            .deliveries
            .in_flight(unit, id, shared.clock.now())
            .await;
        if in_flight.map_err(store_errors::problem)?.is_none() {
            return Ok(());
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
    Err(Problem::overloaded())
}

/// Waits for the next whole second. S3 tells when a photo was put in whole seconds: one that a unit
/// puts after this wait is later than its withdrawal, and sought again.
pub(crate) async fn wait_out_second(shared: &Shared) {
    let into_second = shared.clock.now().millis().rem_euclid(1_000).unsigned_abs();
    tokio::time::sleep(Duration::from_millis(1_000 - into_second)).await;
}
