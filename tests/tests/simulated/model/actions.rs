//! What may happen next, in any order: a step of each program, and faults.

use super::protocol::Protocol;
use super::state::{
    ATTEMPTERS, Ad, Attempt, Compaction, Delivered, Intake, Search, Stands, State, Status,
    Withdrawal,
};

/// Which change a search is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    Ad(usize),
    Reference,
}

/// Which of the two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Which {
    Ads,
    References,
}

/// One thing that happens. A step of a program is one call on the cloud: calls are atomic, and
/// between any two of them everything else may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    Ingest(usize),
    Enroll,
    BeginSearch(Of),
    ReadTail(Of),
    ReadTailStale(Of),
    ReadManifest(Of),
    ReadSegments(Of),
    LookAtPair(Of),
    WriteLead(Of),
    AcknowledgeChange(Of),
    Compact(Which, usize),
    Enqueue(usize),
    AcknowledgeAlert(usize),
    TakeLease(usize, usize),
    Send(usize, usize),
    Arrive(usize),
    Settle(usize, usize),
    Abandon(usize),
    LeaseRunsOut(usize),
    Withdraw,
    AcknowledgeWithdrawal,
    // Faults. None is bounded: crashes and repetitions may go on for ever.
    CrashIngest(usize),
    CrashEnroll,
    CrashSearch(Of),
    CrashCompaction(Which, usize),
    CrashAttempt(usize, usize),
    LoseMessage(usize),
    LoseAnswer(usize),
    RepeatUpload(Of),
    RepeatChange(Of),
}

impl Action {
    /// Whether the world can do without it.
    pub fn is_fault(self) -> bool {
        use Action as A;
        matches!(
            self,
            A::CrashIngest(_)
                | A::CrashEnroll
                | A::CrashSearch(_)
                | A::CrashCompaction(..)
                | A::CrashAttempt(..)
                | A::LoseMessage(_)
                | A::LoseAnswer(_)
                | A::RepeatUpload(_)
                | A::RepeatChange(_)
        )
    }
}

/// Everything that may happen in a state.
pub fn actions(protocol: &Protocol, state: &State, out: &mut Vec<Action>) {
    for ad in 0..state.ads.len() {
        of_intake(Of::Ad(ad), state.ads[ad].upload, state.ads[ad].ingest, out);
        of_search(protocol, Of::Ad(ad), state, out);
        if protocol.has_delivery {
            of_delivery(ad, state, out);
        }
    }
    let reference = &state.reference;
    if !protocol.is_reference_last || state.ads.iter().all(Ad::was_dealt_with) {
        of_intake(Of::Reference, reference.upload, reference.enroll, out);
    }
    of_search(protocol, Of::Reference, state, out);
    of_compaction(Which::Ads, &state.ads_compactions, state, out);
    of_compaction(Which::References, &state.references_compactions, state, out);
    match state.withdrawal {
        Withdrawal::NotAsked if protocol.has_withdrawal && reference.status != Status::Absent => {
            out.push(Action::Withdraw);
        }
        Withdrawal::Ended => out.push(Action::AcknowledgeWithdrawal),
        _ => {}
    }
}

fn of_intake(of: Of, upload: Delivered, intake: Intake, out: &mut Vec<Action>) {
    let (step, crash) = match of {
        Of::Ad(ad) => (Action::Ingest(ad), Action::CrashIngest(ad)),
        Of::Reference => (Action::Enroll, Action::CrashEnroll),
    };
    match (upload, intake) {
        (Delivered::Nothing, _) => {}
        (Delivered::Waiting, Intake::Idle) => out.push(step),
        (Delivered::Acknowledged, Intake::Idle) => out.push(Action::RepeatUpload(of)),
        _ => out.extend([step, crash]),
    }
}

fn of_search(protocol: &Protocol, of: Of, state: &State, out: &mut Vec<Action>) {
    let (change, search) = match of {
        Of::Ad(ad) => (state.ads[ad].change, state.ads[ad].search),
        Of::Reference => (state.reference.change, state.reference.search),
    };
    match search {
        Search::Idle => match change {
            Delivered::Nothing => {}
            Delivered::Waiting => out.push(Action::BeginSearch(of)),
            Delivered::Acknowledged => out.push(Action::RepeatChange(of)),
        },
        Search::Reading { tail, listed } => {
            out.push(Action::CrashSearch(of));
            let (first, second) = protocol.reading_order(of);
            let next = match (tail, listed) {
                (None, None) => first,
                (Some(_), Some(_)) => Action::ReadSegments(of),
                _ => second,
            };
            out.push(next);
            if protocol.reads_may_be_stale() && matches!(next, Action::ReadTail(_)) {
                out.push(Action::ReadTailStale(of));
            }
        }
        Search::Recording { left, looked } => {
            out.push(Action::CrashSearch(of));
            out.push(match (left.first(), looked) {
                (None, _) => Action::AcknowledgeChange(of),
                (Some(_), false) => Action::LookAtPair(of),
                (Some(_), true) => Action::WriteLead(of),
            });
        }
    }
}

fn of_compaction(which: Which, all: &[Compaction], state: &State, out: &mut Vec<Action>) {
    let set = match which {
        Which::Ads => &state.ads_set,
        Which::References => &state.references_set,
    };
    for (place, compaction) in all.iter().enumerate() {
        if *compaction != Compaction::Idle {
            out.push(Action::CrashCompaction(which, place));
        }
        if *compaction != Compaction::Idle || set.tail.first().is_some() {
            out.push(Action::Compact(which, place));
        }
    }
}

fn of_delivery(ad: usize, state: &State, out: &mut Vec<Action>) {
    let (alert, delivery) = (state.ads[ad].alert, &state.ads[ad].delivery);
    if alert == Delivered::Waiting {
        out.push(match delivery.stands {
            Stands::NotQueued => Action::Enqueue(ad),
            _ => Action::AcknowledgeAlert(ad),
        });
    }
    let is_pending = delivery.stands == Stands::Pending;
    for by in 0..ATTEMPTERS {
        match delivery.attempts[by] {
            Attempt::Idle if is_pending => out.push(Action::TakeLease(ad, by)),
            Attempt::Idle => {}
            Attempt::Leased => out.push(Action::Send(ad, by)),
            Attempt::Sent => {}
            Attempt::Answered { .. } => out.push(Action::Settle(ad, by)),
        }
        if delivery.attempts[by] != Attempt::Idle {
            out.push(Action::CrashAttempt(ad, by));
        }
    }
    if delivery.wire.is_some() {
        out.extend([
            Action::Arrive(ad),
            Action::LoseMessage(ad),
            Action::LoseAnswer(ad),
        ]);
    }
    if is_pending && delivery.is_free() && state.reference.status == Status::Withdrawn {
        out.push(Action::Abandon(ad));
    }
    if delivery.is_in_flight() {
        out.push(Action::LeaseRunsOut(ad));
    }
}
