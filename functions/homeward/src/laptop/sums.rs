//! Proof that nothing is lost, nothing is missed and nothing is told twice: everything that the
//! data folder holds is counted from both ends, and every pair of image and reference is compared
//! anew.

mod leads;
mod objects;
mod strays;

use embedded::Embedded;
use jiff::Timestamp;
use serde_json::{Value, json};
use store::Store;

use super::STREAMS;

/// The sums, and where they disagree.
#[derive(Debug, Default)]
pub struct Sums {
    uploads: objects::Uploads,
    references: objects::References,
    leads: leads::Leads,
    queues: Value,
    dead_letters: u64,
    changes_pending: u64,
    /// Objects that nobody looks at.
    strays: u64,
    disagreements: Vec<String>,
}

impl Sums {
    /// Whether everything that was acknowledged is accounted for.
    pub fn agree(&self) -> bool {
        self.disagreements.is_empty()
    }

    /// The sums as JSON: counts and words, nothing personal.
    pub fn to_json(&self) -> Value {
        json!({
            "agree": self.agree(),
            "uploads": self.uploads.to_json(),
            "references": self.references.to_json(),
            "leads": self.leads.to_json(),
            "strays": self.strays,
            "changes_pending": self.changes_pending,
            "queues": self.queues,
            "dead_letters": self.dead_letters,
            "disagreements": self.disagreements,
        })
    }

    pub(super) fn disagree(&mut self, count: u64, what: &str) {
        if count > 0 {
            self.disagreements.push(format!("{count} {what}"));
        }
    }
}

/// Counts everything. Work may go on meanwhile: what is under way counts as pending.
///
/// # Errors
/// What could not be read.
pub async fn count(embedded: &Embedded, store: &Store) -> anyhow::Result<Sums> {
    let mut sums = Sums::default();
    let tenants = store.tenants().await?;
    strays::count(&mut sums, store, &tenants).await?;
    objects::uploads(&mut sums, store, embedded).await?;
    objects::references(&mut sums, store, &tenants, embedded).await?;
    sums.changes_pending = changes_pending(embedded).await?;
    let settled_before = sums.changes_pending == 0;
    leads::count(&mut sums, store, &tenants, settled_before).await?;
    let checks = embedded.checks(false, Timestamp::now()).await?;
    if !checks.agree() {
        sums.disagreements
            .push("the data folder is damaged; see queues and contents".to_owned());
    }
    let mut facts = checks.to_json();
    sums.dead_letters = checks.queues.iter().map(|queue| queue.dead).sum();
    sums.queues = facts.get_mut("queues").map(Value::take).unwrap_or_default();
    Ok(sums)
}

/// Whether no upload waits in a queue and no change waits to be acted upon.
///
/// # Errors
/// What could not be read.
pub async fn is_settled(embedded: &Embedded) -> anyhow::Result<bool> {
    for queue in [super::INGEST_QUEUE, super::ENROLL_QUEUE] {
        let depth = embedded.queue(queue).depth(Timestamp::now()).await?;
        if depth.visible + depth.invisible > 0 {
            return Ok(false);
        }
    }
    // After the queues: what left them has written its changes.
    Ok(changes_pending(embedded).await? == 0)
}

async fn changes_pending(embedded: &Embedded) -> anyhow::Result<u64> {
    let mut pending = 0;
    for stream in STREAMS {
        let table = stream.table_name();
        pending += embedded
            .streams()
            .pending(stream.consumer(), &table)
            .await? as u64;
        let replayed = embedded::dead_letter_queue(stream.consumer(), &table);
        let replayed = embedded.queue(&replayed).depth(Timestamp::now()).await?;
        pending += replayed.visible + replayed.invisible;
    }
    Ok(pending)
}
