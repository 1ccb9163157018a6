//! How references become active and how they end: each change in one transaction with the log.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{ReasonCode, Reference, ReferenceId, ReferenceStatus, TenantId, Timestamp};

use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{Item, counted, key, number, record, seq_text, text};
use crate::db::transactions::Ended;
use crate::references::enrolled::photo_sk;
use crate::references::log::{LogTail, REMOVED, addition, entry, log_partition};
use crate::references::{fingerprint_sk, held_fingerprint, reference_sk};
use crate::{Clock, References, Table};

/// What an activation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activated {
    /// The reference is active from now on.
    Now,
    /// It was active before.
    Before,
    /// It has ended; it stays so.
    Ended,
}

/// How a reference stops being matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Withdraw,
    /// Withdrawn since its photo lies in S3 no more.
    PhotoDeleted,
    Expire,
    Hold,
}

impl Ending {
    fn status(self) -> ReferenceStatus {
        match self {
            Self::Withdraw | Self::PhotoDeleted => ReferenceStatus::Withdrawn,
            Self::Expire => ReferenceStatus::Expired,
            Self::Hold => ReferenceStatus::Held,
        }
    }

    /// Whether it is over for good, so that the fingerprint is erased.
    fn ends(self) -> bool {
        self != Self::Hold
    }

    /// Whether a unit asked for it, which holds for what has ended otherwise too.
    fn is_asked_for(self) -> bool {
        self.status() == ReferenceStatus::Withdrawn
    }
}

/// A reference as it stands, with what the next change is conditioned on.
pub(crate) struct ReferenceState {
    pub(crate) reference: Reference,
    /// The number of its addition in the log, while active.
    pub(crate) added_seq: Option<u64>,
}

impl ReferenceState {
    fn has_ended(&self) -> bool {
        use ReferenceStatus as Status;
        matches!(
            self.reference.status,
            Status::Withdrawn | Status::Expired | Status::Rejected
        )
    }
}

impl References {
    /// Lets a pending or held reference be matched: its status, its entry in the log and the log's
    /// number in one transaction. Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference, [`Error::Unavailable`] if others kept
    /// changing the log.
    pub async fn activate(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        now: Timestamp,
    ) -> Result<Activated> {
        let mut attempts = self.db.attempts("activating a reference");
        loop {
            let state = self
                .state(unit, id)
                .await?
                .ok_or(Error::Gone("the reference"))?;
            if state.reference.status == ReferenceStatus::Active {
                return Ok(Activated::Before);
            }
            if state.has_ended() {
                return Ok(Activated::Ended);
            }
            let tail = self.log_tail(id).await?;
            if let Some(steps) = self.steps_activate(unit, &state, &tail, now).await?
                && self.db.transact("activating a reference", &steps).await? == Ended::Done
            {
                return Ok(Activated::Now);
            }
            attempts.again().await?;
        }
    }

    /// None if the fingerprint is not there, since another caller has just activated the reference.
    async fn steps_activate(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        tail: &LogTail,
        now: Timestamp,
    ) -> Result<Option<Vec<TransactWriteItem>>> {
        let id = &state.reference.reference_id;
        let held = self
            .db
            .get(Table::References, unit.as_str(), fingerprint_sk(id))
            .await?;
        let Some(fingerprint) = held.and_then(|mut item| item.remove("fingerprint")) else {
            return Ok(None);
        };
        let added = addition(unit, id, fingerprint);
        let mut steps = vec![
            self.db.step_update(
                Table::References,
                key(unit.as_str(), reference_sk(id)),
                "SET #status = :active, added_seq = :seq, \
                 activated_at = :now REMOVE #reason",
                Some("#status = :before"),
                &[("#status", "status"), ("#reason", "reason")],
                &[
                    (":active", text(ReferenceStatus::Active.as_str())),
                    (":before", text(state.reference.status.as_str())),
                    (":seq", number(tail.next())),
                    (
                        ":now",
                        text(state.reference.activated_at.unwrap_or(now).as_str()),
                    ),
                ],
            )?,
            self.db.step_delete(
                Table::References,
                key(unit.as_str(), fingerprint_sk(id)),
                Some("attribute_exists(pk)"),
                &[],
            )?,
        ];
        steps.extend(self.steps_append(tail, [added])?);
        Ok(Some(steps))
    }

    /// Waits for the next whole second. S3 tells when a photo was put in whole seconds: one that a unit puts
    /// after this wait is later than its withdrawal, and sought again.
    pub async fn wait_out_second(&self, clock: &Clock) {
        let into_second = clock.now().millis().rem_euclid(1_000).unsigned_abs();
        self.db
            .pause(Duration::from_millis(1_000 - into_second))
            .await;
    }

    /// Takes a reference back. Once this returns no lead of it is recorded any more, and its
    /// fingerprint is out of the store; what is in flight to a webhook is told by
    /// [`Deliveries::in_flight`](crate::Deliveries::in_flight): wait for that before acknowledging. Idempotent; a
    /// rejected or expired
    /// reference becomes withdrawn too.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference.
    pub async fn withdraw(&self, unit: &TenantId, id: &ReferenceId, now: Timestamp) -> Result<()> {
        self.stop(unit, id, Ending::Withdraw, ReasonCode::ASKED_FOR, now)
            .await
    }

    /// As [`References::withdraw`], since nothing lies under the key of its photo any more.
    pub(crate) async fn withdraw_without_photo(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        now: Timestamp,
    ) -> Result<()> {
        let why = ReasonCode::ASKED_FOR;
        self.stop(unit, id, Ending::PhotoDeleted, why, now).await
    }

    /// Ends a reference whose date has passed, as [`References::withdraw`] does. Idempotent; what has
    /// ended otherwise stays so.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference, [`Error::Conflict`] if its date has not
    /// passed.
    pub async fn expire(&self, unit: &TenantId, id: &ReferenceId, now: Timestamp) -> Result<()> {
        let found = self
            .reference(unit, id)
            .await?
            .ok_or(Error::Gone("the reference"))?;
        if found.expires_at > now {
            return Err(Error::Conflict("the reference has not expired"));
        }
        self.stop(unit, id, Ending::Expire, ReasonCode::EXPIRED, now)
            .await
    }

    /// Stops matching a pending or active reference until [`References::activate`] or
    /// [`References::withdraw`]; its fingerprint is kept. Idempotent.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such reference.
    pub async fn hold(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        reason: ReasonCode,
        now: Timestamp,
    ) -> Result<()> {
        self.stop(unit, id, Ending::Hold, reason, now).await
    }

    async fn stop(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        ending: Ending,
        reason: ReasonCode,
        now: Timestamp,
    ) -> Result<()> {
        let mut attempts = self.db.attempts("ending a reference");
        loop {
            let state = self
                .state(unit, id)
                .await?
                .ok_or(Error::Gone("the reference"))?;
            if ending.is_asked_for() && state.reference.status == ending.status() {
                return self.withdraw_again(unit, &state, ending, now).await;
            }
            let stays = state.has_ended() && !ending.is_asked_for();
            if state.reference.status == ending.status() || stays {
                return Ok(());
            }
            let steps = self.steps_stop(unit, &state, ending, &reason, now).await?;
            if self.db.transact("ending a reference", &steps).await? == Ended::Done {
                return Ok(());
            }
            attempts.again().await?;
        }
    }

    /// Moves the end of a withdrawn reference to now: a photo that was submitted between the two
    /// withdrawals, and whose event is still on its way, must not revive it. A deletion moves no end that a
    /// unit asked for: a late event of the photo would revive what that ended.
    async fn withdraw_again(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        ending: Ending,
        now: Timestamp,
    ) -> Result<()> {
        let id = &state.reference.reference_id;
        let (update, condition) = match ending {
            Ending::PhotoDeleted => (
                "SET ended_at = :now, photo_deleted = :now",
                "#status = :withdrawn AND attribute_exists(photo_deleted) AND ended_at < :now",
            ),
            _ => (
                "SET ended_at = :now REMOVE photo_deleted",
                "#status = :withdrawn",
            ),
        };
        let later = self.db.step_update(
            Table::References,
            key(unit.as_str(), reference_sk(id)),
            update,
            Some(condition),
            &[("#status", "status")],
            &[
                (":withdrawn", text(ReferenceStatus::Withdrawn.as_str())),
                (":now", text(now.as_str())),
            ],
        )?;
        let mut steps = vec![later];
        steps.extend(self.step_forget_deleted(unit, state, ending)?);
        let ended = self.db.transact("withdrawing a reference again", &steps);
        let stays = async || {
            let found = self.reference(unit, id).await?;
            Ok::<_, Error>(found.is_some_and(|it| it.status == ReferenceStatus::Withdrawn))
        };
        match ended.await? {
            Ended::Done => Ok(()),
            Ended::Refused(_) if ending == Ending::PhotoDeleted && stays().await? => Ok(()),
            Ended::Refused(_) => Err(Error::Conflict(
                "the reference was submitted again meanwhile",
            )),
        }
    }

    /// Forgets that a photo which was deleted was looked at: one that came concurrently and was taken for it
    /// is looked at again. In the transaction of the ending, or a crash between them would leave it out.
    fn step_forget_deleted(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        ending: Ending,
    ) -> Result<Option<TransactWriteItem>> {
        let photo = state.reference.object_key.as_ref();
        let deleted = photo.filter(|_| ending == Ending::PhotoDeleted);
        let forget = |photo| {
            let note = key(unit.as_str(), photo_sk(photo));
            self.db.step_delete(Table::References, note, None, &[])
        };
        deleted.map(forget).transpose()
    }

    async fn steps_stop(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        ending: Ending,
        reason: &ReasonCode,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>> {
        let id = &state.reference.reference_id;
        let mut steps = vec![self.step_status(unit, state, ending, reason, now)?];
        steps.extend(self.step_forget_deleted(unit, state, ending)?);
        if let Some(seq) = state.added_seq {
            steps.extend(self.steps_unlog(unit, id, seq, ending).await?);
        } else if ending.ends() {
            let held = key(unit.as_str(), fingerprint_sk(id));
            steps.push(self.db.step_delete(Table::References, held, None, &[])?);
        }
        Ok(steps)
    }

    fn step_status(
        &self,
        unit: &TenantId,
        state: &ReferenceState,
        ending: Ending,
        reason: &ReasonCode,
        now: Timestamp,
    ) -> Result<TransactWriteItem> {
        let mut update = String::from("SET #status = :status, #reason = :reason");
        let mut values: Vec<(&str, AttributeValue)> = vec![
            (":before", text(state.reference.status.as_str())),
            (":status", text(ending.status().as_str())),
            (":reason", text(reason.as_str())),
        ];
        if ending.ends() {
            update.push_str(", ended_at = :now");
            values.push((":now", text(now.as_str())));
        }
        if ending == Ending::PhotoDeleted {
            update.push_str(", photo_deleted = :now REMOVE added_seq");
        } else {
            update.push_str(" REMOVE added_seq, photo_deleted");
        }
        self.db.step_update(
            Table::References,
            key(unit.as_str(), reference_sk(&state.reference.reference_id)),
            &update,
            Some("#status = :before"),
            &[("#status", "status"), ("#reason", "reason")],
            &values,
        )
    }

    /// Steps that append the removal of an active reference and delete its addition; if it is only
    /// held, its fingerprint goes back to where pending ones lie.
    async fn steps_unlog(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        added_seq: u64,
        ending: Ending,
    ) -> Result<Vec<TransactWriteItem>> {
        let tail = self.log_tail(id).await?;
        let mut steps = self.steps_append(&tail, [entry(REMOVED, unit, id)])?;
        let added = key(log_partition(id), seq_text(added_seq));
        if !ending.ends() {
            let addition = self
                .db
                .get(
                    Table::ReferencesTail,
                    log_partition(id),
                    seq_text(added_seq),
                )
                .await?;
            let fingerprint = addition
                .and_then(|mut item| item.remove("fingerprint"))
                .ok_or(Error::Conflict("the reference changed meanwhile"))?;
            let held = held_fingerprint(unit, id, fingerprint);
            steps.push(self.db.step_put(Table::References, held)?);
        }
        steps.push(
            self.db
                .step_delete(Table::ReferencesTail, added, None, &[])?,
        );
        Ok(steps)
    }

    pub(crate) async fn state(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
    ) -> Result<Option<ReferenceState>> {
        let Some(item) = self.reference_item(unit, id).await? else {
            return Ok(None);
        };
        let added_seq = match item.get("added_seq") {
            Some(_) => Some(counted(&item, "added_seq", "reference")?),
            None => None,
        };
        Ok(Some(ReferenceState {
            reference: record(item, "reference")?,
            added_seq,
        }))
    }

    /// References of a unit that have not ended although their date has passed. Strongly
    /// consistent; reads all of the unit's references.
    ///
    /// # Errors
    /// As every verb.
    pub async fn expiring(&self, unit: &TenantId, now: Timestamp) -> Result<Vec<ReferenceId>> {
        let items: Vec<Item> = self
            .db
            .query_all(
                Table::References,
                unit.as_str(),
                Range::prefix("reference#"),
            )
            .await?;
        let mut due = Vec::new();
        for item in items {
            let state = ReferenceState {
                reference: record(item, "reference")?,
                added_seq: None,
            };
            if !state.has_ended() && state.reference.expires_at <= now {
                due.push(state.reference.reference_id);
            }
        }
        Ok(due)
    }
}
