//! Erasures on a laptop reach further than the stores' verbs: into the tables' streams, dead letters
//! and the free pages of the databases.

use embedded::{DeadLetter, Embedded, dead_letter_queue};
use jiff::Timestamp;
use records::{Erasure, ObjectCreated, ObjectKey, Removed};
use store::Table;
use upkeep::Beyond;

use super::host::Programs;
use super::{ENROLL_QUEUE, STREAMS};

/// Letters of one source that are looked through.
const LETTERS_MAX: usize = 100_000;

/// Carries out erasures that were asked for.
pub(super) async fn round(programs: &Programs, embedded: &Embedded) -> anyhow::Result<()> {
    let beyond = |erasure: Erasure| {
        let embedded = embedded.clone();
        async move {
            let done = beyond(&embedded, &erasure).await;
            done.map_err(|error| {
                tracing::warn!(%error, "the data folder is not rid of what is erased yet");
                store::Error::Unavailable("erasing from the data folder")
            })
        }
    };
    programs.upkeep.erasures(beyond).await?;
    Ok(())
}

/// None while a program has not read yet what is to be forgotten.
async fn beyond(embedded: &Embedded, erasure: &Erasure) -> embedded::Result<Option<Beyond>> {
    let told = |table| {
        matches!(
            table,
            Table::ReferencesTail | Table::Leads | Table::References
        )
    };
    let mut records = 0;
    for stream in STREAMS.into_iter().filter(|stream| told(stream.table)) {
        let (streams, table) = (embedded.streams(), stream.table_name());
        if streams.pending(stream.consumer(), &table).await? > 0 {
            return Ok(None);
        }
        // A second on: the records of this one are in.
        let now = Timestamp::now() + jiff::SignedDuration::from_secs(1);
        records += streams.trim(&table, now).await? as u64;
    }
    let letters = drop_letters(embedded, erasure).await?;
    let rewritten = embedded.scrub().await?;
    let removed = |store: &str, removed| Removed {
        store: store.to_owned(),
        removed,
    };
    Ok(Some(Beyond {
        removed: vec![
            removed("table_streams", records),
            removed("dead_letters", letters),
            removed("database_files_rewritten", rewritten),
        ],
        remains: Vec::new(),
    }))
}

async fn drop_letters(embedded: &Embedded, erasure: &Erasure) -> embedded::Result<u64> {
    let mut dropped = 0;
    let streams = STREAMS.map(|stream| dead_letter_queue(stream.consumer(), &stream.table_name()));
    for source in streams.into_iter().chain([ENROLL_QUEUE.to_owned()]) {
        let queue = embedded.queue(&source);
        for letter in queue.dead_letters(LETTERS_MAX).await? {
            if is_about(&letter, erasure) {
                queue.drop_dead_letter(&letter.id).await?;
                dropped += 1;
            }
        }
    }
    Ok(dropped)
}

/// Records name references by their ids, events name photos by their case.
fn is_about(letter: &DeadLetter, erasure: &Erasure) -> bool {
    let mut ids = erasure.reference_ids.iter();
    if ids.any(|id| letter.body.contains(id.as_str())) {
        return true;
    }
    let Some(case) = &erasure.case_id else {
        return false;
    };
    let created = ObjectCreated::parse(&letter.body).unwrap_or_default();
    created.iter().any(|created| {
        let key = ObjectKey::from_event(&created.encoded_key);
        matches!(key, Ok(ObjectKey::Reference(key)) if key.case_id() == case)
    })
}
