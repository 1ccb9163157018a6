//! Fingerprints made again, after a build with better algorithms. Old ones stay where they are until
//! new ones take their place, so that nothing is missed until then.

use features::fingerprint::ReferenceFingerprint;
use records::{ReferenceId, ReferenceStatus, SearchProgress, TenantId, Timestamp};

use crate::db::error::{Error, Result};
use crate::db::items::{
    attribute, key, number, reference_fingerprint, reference_fingerprint_attribute, seq_text, text,
};
use crate::db::transactions::Ended;
use crate::references::log::{REMOVED, addition, entry, log_partition};
use crate::references::status::ReferenceState;
use crate::references::{fingerprint_sk, held_fingerprint, reference_sk};
use crate::{References, Table};

/// What became of the fingerprint of a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// The new one took the old one's place; if the reference is active, the past is searched again.
    Now,
    /// The store's is as new.
    Before,
    /// The reference is not matched (any more).
    Ended,
}

impl References {
    /// Puts a new fingerprint in the place of an older version's, if the reference is matched or
    /// held. For an active one it is a removal and an addition in one: a reader that knows the old one
    /// hears of both, and its search through the past begins again. Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference, [`Error::Unavailable`] if others kept changing
    /// the log.
    pub async fn renew_reference(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        fingerprint: &ReferenceFingerprint,
        now: Timestamp,
    ) -> Result<Renewed> {
        let mut attempts = self.db.attempts("renewing a reference");
        loop {
            let state = self
                .state(unit, id)
                .await?
                .ok_or(Error::Gone("the reference"))?;
            let Some(place) = fingerprint_place(unit, &state) else {
                return Ok(Renewed::Ended);
            };
            let before = self.db.get(place.table, &place.pk, &place.sk).await?;
            if let Some(before) = before {
                let before = reference_fingerprint(&before)?;
                if before.version >= fingerprint.version {
                    return Ok(Renewed::Before);
                }
                let steps = self
                    .steps_renew(unit, &state, &place, (fingerprint, now))
                    .await?;
                if self.db.transact("renewing a reference", &steps).await? == Ended::Done {
                    return Ok(Renewed::Now);
                }
            }
            attempts.again().await?; // it changed concurrently
        }
    }

    async fn steps_renew(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        place: &FingerprintKey,
        (fingerprint, now): (&ReferenceFingerprint, Timestamp),
    ) -> Result<Vec<aws_sdk_dynamodb::types::TransactWriteItem>> {
        let id = &state.reference.reference_id;
        let new = reference_fingerprint_attribute(fingerprint)?;
        let reference = key(unit.as_str(), reference_sk(id));
        let status = (":status", text(state.reference.status.as_str()));
        let shows = (":shows", text(fingerprint.shows().as_str()));
        let Some(seq) = state.added_seq else {
            let stands = self.db.step_update(
                Table::References,
                reference,
                "SET shows = :shows",
                Some("#status = :status"),
                &[("#status", "status")],
                &[status, shows],
            )?;
            let held = held_fingerprint(unit, id, new);
            return Ok(vec![stands, self.db.step_put(Table::References, held)?]);
        };
        let tail = self.log_tail(id).await?;
        let entries = [entry(REMOVED, unit, id), addition(unit, id, new)];
        let mut steps = self.steps_append(&tail, entries)?;
        steps.push(
            self.db
                .step_delete(place.table, key(&place.pk, &place.sk), None, &[])?,
        );
        let to_be_searched = SearchProgress {
            updated_at: Some(now),
            ..SearchProgress::default()
        };
        steps.push(self.db.step_update(
            Table::References,
            reference,
            "SET added_seq = :seq, #search = :search, shows = :shows",
            Some("#status = :status AND added_seq = :before"),
            &[("#status", "status"), ("#search", "search")],
            &[
                status,
                shows,
                (":search", attribute(&to_be_searched)?),
                (":before", number(seq)),
                (":seq", number(tail.next() + 1)),
            ],
        )?);
        Ok(steps)
    }
}

/// Where the fingerprint of a reference lies.
struct FingerprintKey {
    table: Table,
    pk: String,
    sk: String,
}

/// In the log while it is active, next to it while it is pending or held; nowhere once it has ended.
fn fingerprint_place(unit: &TenantId, state: &ReferenceState) -> Option<FingerprintKey> {
    use ReferenceStatus as Status;
    let id = &state.reference.reference_id;
    match (state.reference.status, state.added_seq) {
        (Status::Active, Some(seq)) => Some(FingerprintKey {
            table: Table::ReferencesTail,
            pk: log_partition(id),
            sk: seq_text(seq),
        }),
        (Status::Pending | Status::Held, _) => Some(FingerprintKey {
            table: Table::References,
            pk: unit.as_str().to_owned(),
            sk: fingerprint_sk(id),
        }),
        _ => None,
    }
}
