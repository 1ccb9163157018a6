//! What a unit does, by the verbs that its API calls.

use std::time::Duration;

use records::ReferenceId;
use store::{Error, Store};

use super::cluster;
use super::time::Time;

/// How often to look whether deliveries under way have ended, and how often at most: as
/// `DELETE /v1/references/{id}` does, whose own loop waits in real time.
const POLL_EVERY: Duration = Duration::from_millis(100);
const POLLS_MAX: usize = 550;

/// Withdraws a reference. When this returns, the withdrawal is acknowledged.
///
/// # Errors
/// As the store's; [`Error::Unavailable`] if deliveries never end. Not acknowledged then: ask again.
pub async fn withdraw(
    store: &Store,
    time: &Time,
    id: &ReferenceId,
    waits: bool,
) -> Result<(), Error> {
    let unit = cluster::unit();
    store.references.withdraw(&unit, id, time.now()).await?;
    for _ in 0..POLLS_MAX {
        let in_flight = store.deliveries.in_flight(&unit, id, time.now()).await?;
        if in_flight.is_none() || !waits {
            return Ok(());
        }
        time.sleep(POLL_EVERY, 0).await;
    }
    Err(Error::Unavailable("waiting for deliveries"))
}
