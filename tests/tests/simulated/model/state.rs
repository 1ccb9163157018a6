//! What the model's world looks like: the stored truth, what is on its way, and where each program
//! stands. Small enough that every reachable state can be visited.

use super::set::{Items, Listing, Set};

/// What the protocol could do wrong. Each must be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A reader of the other set may see it as it was before its last writes.
    StaleRead,
    /// An ad's search sees the references as they were before the ad was written.
    ReadBeforeOwnWrite,
    /// A change is acknowledged before its leads are written.
    EarlyAcknowledgement,
    /// A reader takes the manifest before the tail.
    ManifestBeforeTail,
    /// Every attempt to record a lead draws a new id.
    RandomLeadIds,
    /// Compaction deletes tail items before the manifest lists their segment.
    TailDeletedBeforeSwap,
    /// Compaction replaces the manifest whatever became of it since.
    SwapWithoutComparison,
    /// Compaction lists a segment that is not written yet, and readers pass over what is missing.
    MissingSegmentPassedOver,
    /// A lead is written without the check that its reference is active.
    LeadWithoutCheck,
    /// A delivery is leased without the check that its reference is active.
    LeaseWithoutCheck,
    /// A delivery goes out although its lease has run out.
    SendAfterLease,
    /// A withdrawal is acknowledged while deliveries are in flight.
    WithdrawalAcknowledgedAtOnce,
}

/// A message of a queue, or a record of a stream: at least once, in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Delivered {
    /// There is none.
    #[default]
    Nothing,
    /// It will come (again).
    Waiting,
    /// It was acknowledged. It may still come once more.
    Acknowledged,
}

/// A program at work for an upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Intake {
    #[default]
    Idle,
    /// (Wrongly:) it has read the other set, and written nothing yet.
    Read,
    /// After the first write.
    Wrote,
    /// All is written; to be acknowledged.
    Done,
}

/// `lookup` at work for one change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Search {
    #[default]
    Idle,
    /// Reading the other set: what the tail held, what the manifest listed.
    Reading {
        tail: Option<Items>,
        listed: Option<Listing>,
    },
    /// Recording a lead for each pair that is left; `looked`: the pair at hand has none yet.
    Recording { left: Items, looked: bool },
}

/// Compaction of one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compaction {
    #[default]
    Idle,
    /// It has read the manifest `base` and these tail items.
    Read { batch: Items, base: Listing },
    /// The segment of both is written.
    Wrote { batch: Items, base: Listing },
    /// (Wrongly:) the tail items are deleted, the manifest still is what it was.
    DeletedTooEarly { batch: Items, base: Listing },
    /// The manifest lists the new segment; the tail items and the old segments are to go.
    Swapped { batch: Items, base: Listing },
}

/// One ad image and what it leads to with the one reference: they match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ad {
    pub upload: Delivered,
    pub ingest: Intake,
    /// The image's record, written after the tail item.
    pub is_recorded: bool,
    pub change: Delivered,
    pub search: Search,
    /// For [`Bug::ReadBeforeOwnWrite`]: what the references were before the ad was written.
    pub seen_early: Option<Items>,
    /// Leads of the pair, each with its alert in the outbox; two are one too many.
    pub leads: u8,
    pub alert: Delivered,
    pub delivery: Delivery,
}

/// Where a reference stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    #[default]
    Absent,
    Pending,
    Active,
    Withdrawn,
}

/// The one reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reference {
    pub upload: Delivered,
    pub enroll: Intake,
    pub status: Status,
    pub change: Delivered,
    pub search: Search,
}

/// Who makes attempts: the stream's program and the timer's, at the same time.
pub const ATTEMPTERS: usize = 2;

/// An alert's way to a case system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Delivery {
    pub stands: Stands,
    pub lease: Option<Lease>,
    pub attempts: [Attempt; ATTEMPTERS],
    /// On the wire, sent by this attempter: it may arrive although its sender has died.
    pub wire: Option<u8>,
    /// The case system has it.
    pub has_arrived: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Stands {
    #[default]
    NotQueued,
    Pending,
    Delivered,
    Abandoned,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    pub holder: u8,
    pub ran_out: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Attempt {
    #[default]
    Idle,
    Leased,
    Sent,
    Answered {
        is_success: bool,
    },
}

/// A unit that takes its reference back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Withdrawal {
    #[default]
    NotAsked,
    /// The reference has ended; deliveries in flight are waited for.
    Ended,
    Acknowledged,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    pub ads: Vec<Ad>,
    pub reference: Reference,
    pub ads_set: Set,
    pub references_set: Set,
    pub ads_compactions: Vec<Compaction>,
    pub references_compactions: Vec<Compaction>,
    pub withdrawal: Withdrawal,
    /// Something was recorded or arrived after the withdrawal was acknowledged.
    pub told_after_withdrawal: bool,
}

impl State {
    /// Whether nothing is left to be done: all is acknowledged, no worker is active.
    pub fn is_at_rest(&self) -> bool {
        let waits = |message: Delivered| message == Delivered::Waiting;
        let reference = &self.reference;
        let intake_rests = |intake: Intake| intake == Intake::Idle;
        let is_reference_done = !waits(reference.upload)
            && !waits(reference.change)
            && intake_rests(reference.enroll)
            && reference.search == Search::Idle;
        let is_ad_done = |ad: &Ad| {
            !waits(ad.upload)
                && !waits(ad.change)
                && !waits(ad.alert)
                && intake_rests(ad.ingest)
                && ad.search == Search::Idle
                && ad.delivery.is_at_rest()
        };
        is_reference_done && self.ads.iter().all(is_ad_done) && self.withdrawal != Withdrawal::Ended
    }
}

impl Ad {
    /// Its upload and its change are acknowledged, and no worker has them.
    pub fn was_dealt_with(&self) -> bool {
        let acknowledged = (Delivered::Acknowledged, Delivered::Acknowledged);
        (self.upload, self.change) == acknowledged
            && self.ingest == Intake::Idle
            && self.search == Search::Idle
    }
}

impl Delivery {
    fn is_at_rest(&self) -> bool {
        self.stands != Stands::Pending
            && self.wire.is_none()
            && self
                .attempts
                .iter()
                .all(|attempt| *attempt == Attempt::Idle)
    }

    /// What [`store::Deliveries::in_flight`] says.
    pub fn is_in_flight(&self) -> bool {
        self.lease.is_some_and(|lease| !lease.ran_out)
    }

    /// It is free: no lease, or one that ran out.
    pub fn is_free(&self) -> bool {
        !self.is_in_flight()
    }
}
