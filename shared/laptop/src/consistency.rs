//! Proof that nothing is lost, nothing is missed and nothing is told twice: everything that the
//! data folder holds is counted from both ends, contents are held against their hashes, records
//! against objects, the searchable sets against records, audit logs against their heads, and every
//! pair of image and reference is compared again.

mod audit;
mod disagreement;
mod leads;
mod objects;
mod orphans;
mod recorded;
mod sets;

use std::collections::BTreeSet;

use embedded::{Checks, Embedded};
use jiff::Timestamp;
use records::TenantId;
use serde_json::{Value, json};
use store::Store;

use super::STREAMS;
use disagreement::Disagreement;

/// What was counted, and where it disagrees.
#[derive(Debug, Default)]
pub struct Consistency {
    uploads: objects::Uploads,
    references: objects::References,
    leads: leads::Leads,
    audit: audit::Audit,
    contents: Value,
    queues: Value,
    dead_letters: u64,
    changes_pending: u64,
    disagreements: Vec<Disagreement>,
    /// Objects that no program reads.
    orphans: u64,
    /// Tenants under whose names ads lie, whether or not they were made.
    uploaders: BTreeSet<TenantId>,
}

/// Whether contents are read, each of them whole, and held against their hashes.
pub enum Contents {
    /// No: only whether they are there.
    Counted,
    /// Yes, and this hears how many were, of how many.
    Read(Box<dyn Fn(u64, u64) + Send + Sync>),
}

impl Consistency {
    /// Whether everything that was acknowledged is accounted for.
    pub fn agree(&self) -> bool {
        self.disagreements.is_empty()
    }

    /// The report as JSON: counts, words, and ids of references, leads and tenants; nothing personal.
    pub fn to_json(&self) -> Value {
        let disagreements = self.disagreements.iter().map(Disagreement::to_json);
        json!({
            "agree": self.agree(),
            "uploads": self.uploads.to_json(),
            "references": self.references.to_json(),
            "leads": self.leads.to_json(),
            "audit": self.audit.to_json(),
            "contents": self.contents,
            "strays": self.orphans,
            "changes_pending": self.changes_pending,
            "queues": self.queues,
            "dead_letters": self.dead_letters,
            "disagreements": disagreements.collect::<Vec<_>>(),
        })
    }

    fn add(&mut self, disagreement: Disagreement) {
        if !disagreement.is_none() {
            self.disagreements.push(disagreement);
        }
    }

    fn disagree(&mut self, count: u64, what: &str) {
        self.add(Disagreement::new(count, what));
    }

    /// A part that is damaged is told, and the other parts are counted.
    fn reported<T>(&mut self, of: &str, counted: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
        match counted {
            Ok(counted) => Ok(Some(counted)),
            Err(error) => match error.downcast_ref() {
                Some(damage @ store::Error::Damaged(_)) => {
                    self.add(Disagreement::new(
                        1,
                        format!("count of {of} is cut off: {damage}"),
                    ));
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }
}

/// Counts everything. Work may go on concurrently: what is under way counts as pending.
///
/// # Errors
/// What could not be read.
pub async fn count(
    embedded: &Embedded,
    store: &Store,
    contents: Contents,
) -> anyhow::Result<Consistency> {
    let mut consistency = Consistency::default();
    let tenants = store.tenants.tenants().await?;
    let counted = orphans::count(&mut consistency, store, &tenants).await;
    consistency.reported("objects at odd keys", counted)?;
    let counted = objects::uploads(&mut consistency, store, embedded).await;
    consistency.reported("uploads", counted)?;
    let counted = objects::references(&mut consistency, store, &tenants, embedded).await;
    consistency.reported("references", counted)?;
    let mut uploaders = std::mem::take(&mut consistency.uploaders);
    uploaders.extend(tenants.iter().map(|it| it.tenant.clone()));
    let recorded = recorded::uploads(&mut consistency, store, &uploaders).await;
    let recorded = consistency.reported("records of uploads", recorded.map_err(Into::into))?;
    let counted = recorded::photos(&mut consistency, store, &tenants).await;
    consistency.reported("photos of references", counted.map_err(Into::into))?;
    let counted = sets::references(&mut consistency, store, &tenants).await;
    consistency.reported("the set of references", counted.map_err(Into::into))?;
    consistency.changes_pending = changes_pending(embedded).await?;
    let settled_before = consistency.changes_pending == 0;
    let at = (&recorded.unwrap_or_default(), settled_before);
    let counted = leads::count(&mut consistency, store, &tenants, at).await;
    consistency.reported("ads and leads", counted)?;
    let counted = audit::count(&mut consistency, store, &tenants).await;
    consistency.reported("audit logs", counted.map_err(Into::into))?;
    check_contents(&mut consistency, embedded, contents).await?;
    Ok(consistency)
}

async fn check_contents(
    consistency: &mut Consistency,
    embedded: &Embedded,
    contents: Contents,
) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let checks = match contents {
        Contents::Counted => embedded.checks(false, now).await?,
        Contents::Read(told) => embedded.checks_with_progress(told, now).await?,
    };
    print_contents(consistency, &checks);
    consistency.dead_letters = checks.queues.iter().map(|queue| queue.dead).sum();
    let mut facts = checks.to_json();
    consistency.queues = facts.get_mut("queues").map(Value::take).unwrap_or_default();
    consistency.contents = json!({
        "stored": checks.contents,
        "read": checks.wrong_hashes.is_some(),
        "orphans": checks.orphan_contents,
    });
    Ok(())
}

fn print_contents(consistency: &mut Consistency, checks: &Checks) {
    consistency.disagree(
        checks.missing_contents,
        "contents of objects are gone from the folder blobs",
    );
    consistency.disagree(
        checks.wrong_sizes,
        "contents of objects are longer or shorter than they were",
    );
    consistency.disagree(
        checks.wrong_hashes.unwrap_or(0),
        "contents of objects have other bytes than were uploaded: their hashes differ",
    );
    consistency.disagree(
        checks.database_faults.len() as u64,
        "faults were found by SQLite in the databases of the folder",
    );
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
