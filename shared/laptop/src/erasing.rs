//! Erasures on a laptop reach further than the stores' verbs: into the tables' streams, dead letters
//! and the free pages of the databases.

use embedded::{DeadLetter, Embedded, dead_letter_queue};
use jiff::Timestamp;
use records::{Erasure, ObjectCreated, ObjectKey, Removed};
use store::{Erased, ErasedBy, Store, Table};
use upkeep::{BehindStores, Vacuumed};

use super::host::Programs;
use super::{ENROLL_QUEUE, STREAMS};

/// Dead letters of one source that are looked through.
const DEAD_LETTERS_MAX: usize = 100_000;

/// Carries out erasures that were asked for.
pub(super) async fn run(programs: &Programs, embedded: &Embedded) -> anyhow::Result<()> {
    let behind = Folder {
        embedded,
        store: &programs.upkeep.store,
    };
    programs.upkeep.erasures(&behind).await?;
    Ok(())
}

/// What lies behind the stores in a data folder.
struct Folder<'a> {
    embedded: &'a Embedded,
    store: &'a Store,
}

impl BehindStores for Folder<'_> {
    /// Not while a program has not read yet what is to be forgotten.
    async fn forget(&self, erasure: &Erasure, by: ErasedBy<'_>) -> store::Result<bool> {
        if !self.forget_streams(by).await? {
            return Ok(false);
        }
        self.drop_dead_letters(erasure, by).await?;
        Ok(true)
    }

    async fn vacuum(&self) -> store::Result<Vacuumed> {
        let rewritten = self.embedded.vacuum().await.map_err(not_yet)?;
        Ok(Vacuumed {
            removed: vec![Removed {
                store: "database_files_rewritten".to_owned(),
                removed: rewritten,
            }],
            remains: Vec::new(),
        })
    }
}

impl Folder<'_> {
    /// Trims the tables' streams; says whether all of them could be.
    async fn forget_streams(&self, by: ErasedBy<'_>) -> store::Result<bool> {
        let told = |table| {
            matches!(
                table,
                Table::ReferencesTail | Table::Leads | Table::References
            )
        };
        for stream in STREAMS.into_iter().filter(|stream| told(stream.table)) {
            let (streams, table) = (self.embedded.streams(), stream.table_name());
            let pending = streams.pending(stream.consumer(), &table).await;
            if pending.map_err(not_yet)? > 0 {
                return Ok(false);
            }
            // A second on: the records of this one are in.
            let now = Timestamp::now() + jiff::SignedDuration::from_secs(1);
            let trimmed = streams.trim(&table, now).await.map_err(not_yet)? as u64;
            let deed = match trimmed {
                0 => table,
                _ => format!("{table} {now}"),
            };
            self.store
                .erasures
                .save_erased_together(by, Erased::TableStreams, &deed, trimmed)
                .await?;
        }
        Ok(true)
    }

    async fn drop_dead_letters(&self, erasure: &Erasure, by: ErasedBy<'_>) -> store::Result<()> {
        let looked = self
            .store
            .erasures
            .save_erased_together(by, Erased::DeadLetters, "none", 0);
        looked.await?;
        let streams =
            STREAMS.map(|stream| dead_letter_queue(stream.consumer(), &stream.table_name()));
        for source in streams.into_iter().chain([ENROLL_QUEUE.to_owned()]) {
            let queue = self.embedded.queue(&source);
            let dead_letters = queue
                .dead_letters(DEAD_LETTERS_MAX)
                .await
                .map_err(not_yet)?;
            for letter in dead_letters.iter().filter(|it| is_about(it, erasure)) {
                self.store
                    .erasures
                    .save_erased(by, Erased::DeadLetters, [letter.id.clone()])
                    .await?;
                queue.drop_dead_letter(&letter.id).await.map_err(not_yet)?;
            }
        }
        Ok(())
    }
}

fn not_yet(error: embedded::Error) -> store::Error {
    tracing::warn!(%error, "the data folder is not rid of what is erased yet");
    store::Error::Unavailable("erasing from the data folder")
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
