//! Deliveries: what is due, what is in flight, what became of it.
//!
//! Before each attempt a lease is written in one transaction with the check that the reference is
//! active; after it, the lease is deleted with the outcome. Who withdraws a reference first ends
//! it, then waits until no lease of it is left: nothing is sent after the acknowledgement.

pub(crate) mod webhooks;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem};
use records::{
    Alert, AlertKind, Cursor, Delivery, DeliveryState, Listing, Page, ReasonCode, ReferenceId,
    TenantId, Timestamp, WebhookName,
};

use crate::Db;
use crate::db::calls::{Query, Range};
use crate::db::error::{Error, Result};
use crate::db::items::{Item, counted, item, key, number, parsed, record, seq_text, text};
use crate::db::transactions::Ended;
use crate::references::reference_sk;
use crate::{Clock, PAGE_ITEMS_MAX, Table};

/// Webhooks and what is delivered to them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Deliveries {
    pub(crate) db: Db,
}

/// How often to look whether deliveries under way have ended.
const POLL_EVERY: Duration = Duration::from_millis(100);
/// How often at most: a delivery's lease is shorter than this in all.
const POLLS_MAX: usize = 550;

impl Deliveries {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

/// Leave to make one attempt, until it runs out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// For whom.
    pub unit: TenantId,
    /// What is delivered, as it stands before the attempt.
    pub delivery: Delivery,
    /// When the attempt must have ended.
    pub until: Timestamp,
}

/// What asking for a lease gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// Make the attempt, then [`Deliveries::settle`].
    Granted(Lease),
    /// Another attempt is in flight.
    Busy,
    /// The delivery is settled, or was changed concurrently: nothing to do.
    Settled,
    /// The reference is not active: nothing may be sent. [`Deliveries::abandon`] it.
    NotActive,
}

/// What an attempt came to, as the schedule judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOutcome {
    /// Where the delivery stands now.
    pub state: DeliveryState,
    /// When to try again; only for one that is still pending.
    pub next_attempt_at: Option<Timestamp>,
    /// The receiver's HTTP status, if one came.
    pub last_status: Option<u16>,
    /// Why it failed.
    pub reason: Option<ReasonCode>,
}

pub(crate) fn webhook_pk(unit: &TenantId, webhook: &WebhookName) -> String {
    format!("{unit}#webhook#{webhook}")
}

fn due_pk(unit: &TenantId) -> String {
    format!("{unit}#due")
}

fn sending_pk(unit: &TenantId, reference: &ReferenceId) -> String {
    format!("{unit}#sending#{reference}")
}

pub(crate) fn due_key(unit: &TenantId, delivery: &Delivery, at: Timestamp) -> Item {
    let Delivery { webhook, seq, .. } = delivery;
    key(due_pk(unit), format!("{at}#{webhook}#{}", seq_text(*seq)))
}

fn delivery_key(unit: &TenantId, delivery: &Delivery) -> Item {
    key(webhook_pk(unit, &delivery.webhook), seq_text(delivery.seq))
}

fn lease_key(unit: &TenantId, delivery: &Delivery) -> Item {
    let sk = format!("{}#{}", delivery.webhook, seq_text(delivery.seq));
    key(sending_pk(unit, &delivery.reference_id), sk)
}

/// The delivery is pending as the caller saw it: no attempt was made since.
const UNCHANGED: &str = "#state = :pending AND attempts = :attempts AND next_attempt_at = :due";

/// The delivery is as the caller saw it, pending or ended.
const AS_READ: &str = "#state = :state AND attempts = :attempts AND updated_at = :updated_at";

/// It is free: no lease, or one that ran out.
const FREE: &str = "attribute_not_exists(pk) OR lease_until <= :now";

/// The lease is still the caller's: no other worker took it over after it ran out.
const OWN: &str = "lease_until = :until";

/// What a change asks of an item before it: an expression with its values.
type Condition = (&'static str, Vec<(&'static str, AttributeValue)>);

impl Deliveries {
    /// Queues an alert for a webhook, due at once, and says whether it was new. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn enqueue(
        &self,
        webhook: &WebhookName,
        alert: &Alert,
        now: Timestamp,
    ) -> Result<bool> {
        let delivery = Delivery {
            webhook: webhook.clone(),
            seq: alert.seq,
            kind: alert.kind,
            lead_id: alert.data.lead_id.clone(),
            reference_id: alert.data.reference_id.clone(),
            state: DeliveryState::Pending,
            attempts: 0,
            next_attempt_at: Some(now),
            last_status: None,
            reason: None,
            created_at: now,
            updated_at: now,
        };
        let pk = webhook_pk(&alert.unit, webhook);
        let steps = [
            self.db
                .step_put_new(Table::Deliveries, item(pk, seq_text(alert.seq), &delivery)?)?,
            self.step_due(&alert.unit, &delivery, now)?,
        ];
        Ok(self.db.transact("queueing a delivery", &steps).await? == Ended::Done)
    }

    fn step_due(
        &self,
        unit: &TenantId,
        delivery: &Delivery,
        at: Timestamp,
    ) -> Result<TransactWriteItem> {
        let mut due = due_key(unit, delivery, at);
        due.insert("webhook".into(), text(delivery.webhook.as_str()));
        due.insert("seq".into(), number(delivery.seq));
        self.db.step_put(Table::Deliveries, due)
    }

    /// Pending deliveries of a unit whose time has come, by webhook: the numbers of their alerts, the
    /// longest due first, at most `limit` a webhook. The backlog of one receiver hides no other's,
    /// since the whole list is read, about 200 bytes an entry. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn due(
        &self,
        unit: &TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<BTreeMap<WebhookName, Vec<u64>>> {
        // '~' sorts after '#': everything due at `now` itself is in.
        let range = Range::between(" ", format!("{now}~"));
        let (mut due, mut after) = (BTreeMap::<WebhookName, Vec<u64>>::new(), None::<String>);
        loop {
            let mut query = Query::of(Table::Deliveries, due_pk(unit), range.clone());
            query.after = after.as_deref();
            let (items, next) = self.db.query(&query).await?;
            for item in &items {
                let numbers = due
                    .entry(parsed(item, "webhook", "due delivery")?)
                    .or_default();
                if numbers.len() < limit {
                    numbers.push(counted(item, "seq", "due delivery")?);
                }
            }
            match next {
                Some(next) => after = Some(next),
                None => return Ok(due),
            }
        }
    }

    /// One delivery. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn delivery(
        &self,
        unit: &TenantId,
        webhook: &WebhookName,
        seq: u64,
    ) -> Result<Option<Delivery>> {
        let found = self
            .db
            .get(Table::Deliveries, webhook_pk(unit, webhook), seq_text(seq))
            .await?;
        found.map(|item| record(item, "delivery")).transpose()
    }

    /// Asks for leave to make one attempt, until `until`. To be asked again before each attempt;
    /// a lease that ran out can be taken over.
    ///
    /// # Errors
    /// As every verb.
    pub async fn lease(
        &self,
        unit: &TenantId,
        delivery: &Delivery,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Leased> {
        let mut lease = lease_key(unit, delivery);
        lease.insert("lease_until".into(), text(until.as_str()));
        let (as_read, free) = (unchanged(delivery), free(now));
        let steps = [
            self.step_may_go(unit, delivery)?,
            self.db.step_check(
                Table::Deliveries,
                delivery_key(unit, delivery),
                as_read.0,
                &[("#state", "state")],
                &as_read.1,
            )?,
            self.db
                .step_put_if(Table::Deliveries, lease, free.0, &[], &free.1)?,
        ];
        let ended = self.db.transact("leasing a delivery", &steps).await?;
        Ok(match ended {
            Ended::Done => Leased::Granted(Lease {
                unit: unit.clone(),
                delivery: delivery.clone(),
                until,
            }),
            ended if ended.refused(1) => Leased::Settled,
            // Before the reference's status: an attempt that began while it was active is waited
            // for, whatever became of it since.
            ended if ended.refused(2) => Leased::Busy,
            _ => Leased::NotActive,
        })
    }

    /// The check that an alert may leave: that its reference is active; what says that one was
    /// withdrawn leaves as long as it is known at all, and a test is about none.
    fn step_may_go(&self, unit: &TenantId, delivery: &Delivery) -> Result<TransactWriteItem> {
        let id = &delivery.reference_id;
        let reference = key(unit.as_str(), reference_sk(id));
        let condition = match delivery.kind {
            AlertKind::Withdrawn => "attribute_exists(pk)",
            AlertKind::Test => "attribute_not_exists(pk)",
            _ => return self.db.step_active(unit, id),
        };
        self.db
            .step_check(Table::References, reference, condition, &[], &[])
    }

    /// Writes what an attempt came to, gives the lease back, and queues the next attempt if there
    /// is to be one: in one transaction. Returns the delivery as it stands.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the lease ran out and another caller took the delivery up concurrently.
    pub async fn settle(
        &self,
        lease: &Lease,
        outcome: &DeliveryOutcome,
        now: Timestamp,
    ) -> Result<Delivery> {
        let before = &lease.delivery;
        let after = Delivery {
            state: outcome.state,
            attempts: before.attempts.saturating_add(1),
            next_attempt_at: outcome.next_attempt_at,
            last_status: outcome.last_status,
            reason: outcome.reason.clone(),
            updated_at: now,
            ..before.clone()
        };
        let own = (OWN, vec![(":until", text(lease.until.as_str()))]);
        let as_read = unchanged(before);
        self.change_delivery(&lease.unit, before, after, as_read, own)
            .await
    }

    /// Gives a pending delivery up without an attempt. Idempotent in effect: a settled one is a
    /// conflict, and so is one with an attempt in flight, whose lease stays.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it was settled or tried concurrently, or is being tried.
    pub async fn abandon(
        &self,
        unit: &TenantId,
        delivery: &Delivery,
        reason: ReasonCode,
        now: Timestamp,
    ) -> Result<Delivery> {
        let after = Delivery {
            state: DeliveryState::Abandoned,
            next_attempt_at: None,
            reason: Some(reason),
            updated_at: now,
            ..delivery.clone()
        };
        let as_read = unchanged(delivery);
        self.change_delivery(unit, delivery, after, as_read, free(now))
            .await
    }

    /// Puts a pending delivery off without an attempt, for as long as its reference is held.
    ///
    /// # Errors
    /// As [`Deliveries::abandon`].
    pub async fn postpone(
        &self,
        unit: &TenantId,
        delivery: &Delivery,
        next_attempt_at: Timestamp,
        now: Timestamp,
    ) -> Result<Delivery> {
        let after = Delivery {
            next_attempt_at: Some(next_attempt_at),
            reason: Some(ReasonCode::REFERENCE_NOT_ACTIVE),
            updated_at: now,
            ..delivery.clone()
        };
        let as_read = unchanged(delivery);
        self.change_delivery(unit, delivery, after, as_read, free(now))
            .await
    }

    /// Queues a delivery that has ended once more, due at once, with all its attempts before it: a receiver that
    /// lost a message gets it again under the same id. One that is still to be tried is only made due at once.
    /// Whether it may leave is looked at when it is tried, as ever.
    ///
    /// # Errors
    /// [`Error::Gone`] if there is no such delivery, [`Error::Conflict`] if an attempt is under way or it changed
    /// concurrently.
    pub async fn redeliver(
        &self,
        unit: &TenantId,
        webhook: &WebhookName,
        seq: u64,
        now: Timestamp,
    ) -> Result<Delivery> {
        let found = self.delivery(unit, webhook, seq).await?;
        let before = found.ok_or(Error::Gone("the delivery"))?;
        let attempts = match before.state {
            DeliveryState::Pending => before.attempts,
            _ => 0,
        };
        let after = Delivery {
            state: DeliveryState::Pending,
            attempts,
            next_attempt_at: Some(now),
            reason: None,
            updated_at: now,
            ..before.clone()
        };
        let as_read = (
            AS_READ,
            vec![
                (":state", text(before.state.as_str())),
                (":attempts", number(u64::from(before.attempts))),
                (":updated_at", text(before.updated_at.as_str())),
            ],
        );
        self.change_delivery(unit, &before, after, as_read, free(now))
            .await
    }

    /// Writes a delivery as it stands after a change, with its place among those due, if it is `as_read`. The
    /// lease is given back, on its condition: a lease of another worker must outlive this.
    async fn change_delivery(
        &self,
        unit: &TenantId,
        before: &Delivery,
        after: Delivery,
        as_read: Condition,
        lease: Condition,
    ) -> Result<Delivery> {
        let is_due_again = after.state == DeliveryState::Pending;
        if is_due_again != after.next_attempt_at.is_some() {
            return Err(Error::Rejected(
                "a pending delivery has a next attempt, no other has one",
            ));
        }
        let pk = webhook_pk(unit, &after.webhook);
        let mut steps = vec![
            self.db.step_put_if(
                Table::Deliveries,
                item(pk, seq_text(after.seq), &after)?,
                as_read.0,
                &[("#state", "state")],
                &as_read.1,
            )?,
            self.db.step_delete(
                Table::Deliveries,
                lease_key(unit, before),
                Some(lease.0),
                &lease.1,
            )?,
        ];
        if before.next_attempt_at != after.next_attempt_at {
            if let Some(at) = before.next_attempt_at {
                steps.push(self.db.step_delete(
                    Table::Deliveries,
                    due_key(unit, before, at),
                    None,
                    &[],
                )?);
            }
            if let Some(at) = after.next_attempt_at {
                steps.push(self.step_due(unit, &after, at)?);
            }
        }
        match self.db.transact("settling a delivery", &steps).await? {
            Ended::Done => Ok(after),
            Ended::Refused(_) => Err(Error::Conflict(
                "the delivery changed concurrently or is being tried",
            )),
        }
    }

    /// Until when something about this reference may still be under way to a webhook; none if
    /// nothing is. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn in_flight(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        now: Timestamp,
    ) -> Result<Option<Timestamp>> {
        let leases = self
            .db
            .query_all(Table::Deliveries, sending_pk(unit, reference), Range::All)
            .await?;
        let mut until = None;
        for lease in &leases {
            until = until.max(Some(parsed::<Timestamp>(lease, "lease_until", "lease")?));
        }
        Ok(until.filter(|until| *until > now))
    }

    /// Waits until nothing about a reference is under way to any webhook. After
    /// [`References::withdraw`](crate::References::withdraw), nothing begins any more: then a withdrawal may be
    /// acknowledged.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if a delivery outlasts its lease, and as every verb.
    pub async fn wait_until_silent(
        &self,
        unit: &TenantId,
        reference: &ReferenceId,
        clock: &Clock,
    ) -> Result<()> {
        for _ in 0..POLLS_MAX {
            let in_flight = self.in_flight(unit, reference, clock.now()).await?;
            if in_flight.is_none() {
                return Ok(());
            }
            self.db.pause(POLL_EVERY).await;
        }
        Err(Error::Unavailable("waiting for deliveries to end"))
    }

    /// A page of a webhook's deliveries, newest first. Strongly consistent.
    ///
    /// # Errors
    /// [`Error::Rejected`] for a cursor that is not of this listing.
    pub async fn deliveries(
        &self,
        unit: &TenantId,
        webhook: &WebhookName,
        cursor: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Delivery>> {
        let after = cursor
            .map(|cursor| cursor.open(unit, Listing::Deliveries))
            .transpose()?;
        let mut query = Query::of(Table::Deliveries, webhook_pk(unit, webhook), Range::All);
        query.newest_first = true;
        query.limit = Some(limit.min(PAGE_ITEMS_MAX));
        query.after = after.as_deref();
        let (items, next) = self.db.query(&query).await?;
        Ok(Page {
            items: items
                .into_iter()
                .map(|item| record(item, "delivery"))
                .collect::<Result<_>>()?,
            next: next.map(|key| Cursor::new(unit, Listing::Deliveries, &key)),
        })
    }
}

/// A delivery without a next attempt is not pending, and the empty text is no stored time.
fn unchanged(delivery: &Delivery) -> Condition {
    let due = delivery.next_attempt_at.map(|at| at.as_str());
    let values = vec![
        (":pending", text(DeliveryState::Pending.as_str())),
        (":attempts", number(u64::from(delivery.attempts))),
        (":due", text(due.unwrap_or_default())),
    ];
    (UNCHANGED, values)
}

fn free(now: Timestamp) -> Condition {
    (FREE, vec![(":now", text(now.as_str()))])
}
