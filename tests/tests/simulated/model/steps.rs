//! What each step does: the writing programs, `lookup`, and the faults.

use super::actions::{Action, Of, Which};
use super::protocol::Protocol;
use super::set::{Items, Set};
use super::state::{
    Attempt, Bug, Compaction, Delivered, Intake, Search, State, Status, Withdrawal,
};
use super::{compaction, delivery};

/// The state after an action; none if it changed nothing.
pub fn step(protocol: &Protocol, before: &State, action: Action) -> Option<State> {
    let mut state = before.clone();
    take(protocol, &mut state, action);
    (state != *before).then_some(state)
}

fn take(protocol: &Protocol, state: &mut State, action: Action) {
    use Action as A;
    match action {
        A::RepeatUpload(of) => repeat_upload(state, of),
        A::Ingest(ad) => ingest(protocol, state, ad),
        A::Enroll => enroll(state),
        A::BeginSearch(of) | A::RepeatChange(of) => begin_search(protocol, state, of),
        A::ReadTail(of) => read_tail(state, of, false),
        A::ReadTailStale(of) => read_tail(state, of, true),
        A::ReadManifest(of) => read_manifest(state, of),
        A::ReadSegments(of) => read_segments(protocol, state, of),
        A::LookAtPair(of) => look_at_pair(protocol, state, of),
        A::WriteLead(of) => write_lead(protocol, state, of),
        A::AcknowledgeChange(of) => acknowledge_change(state, of),
        A::Compact(Which::Ads, place) => {
            let compaction = &mut state.ads_compactions[place];
            compaction::step(protocol, compaction, &mut state.ads_set);
        }
        A::Compact(Which::References, place) => {
            let compaction = &mut state.references_compactions[place];
            compaction::step(protocol, compaction, &mut state.references_set);
        }
        A::Withdraw => withdraw(state),
        A::AcknowledgeWithdrawal => acknowledge_withdrawal(protocol, state),
        A::CrashIngest(ad) => state.ads[ad].ingest = Intake::Idle,
        A::CrashEnroll => state.reference.enroll = Intake::Idle,
        A::CrashSearch(of) => *search_of(state, of) = Search::Idle,
        A::CrashCompaction(Which::Ads, place) => state.ads_compactions[place] = Compaction::Idle,
        A::CrashCompaction(Which::References, place) => {
            state.references_compactions[place] = Compaction::Idle;
        }
        A::CrashAttempt(ad, by) => state.ads[ad].delivery.attempts[by] = Attempt::Idle,
        delivering => delivery::step(protocol, state, delivering),
    }
}

fn repeat_upload(state: &mut State, of: Of) {
    match of {
        Of::Ad(ad) => state.ads[ad].upload = Delivered::Waiting,
        Of::Reference => state.reference.upload = Delivered::Waiting,
    }
}

/// Tail item, then the image's record, then the acknowledgement. A repetition whose image is
/// recorded writes nothing.
fn ingest(protocol: &Protocol, state: &mut State, place: usize) {
    let ad = &mut state.ads[place];
    ad.ingest = match ad.ingest {
        Intake::Idle if ad.is_recorded => Intake::Done,
        Intake::Idle if protocol.bug == Some(Bug::ReadBeforeOwnWrite) => {
            let references = &state.references_set;
            ad.seen_early = Some(references.tail.and(references.manifest.items()));
            Intake::Read
        }
        Intake::Idle | Intake::Read => {
            if !state.ads_set.tail.has(place) {
                state.ads_set.tail = state.ads_set.tail.and(Items::of(place));
                ad.change = Delivered::Waiting;
            }
            Intake::Wrote
        }
        Intake::Wrote => {
            ad.is_recorded = true;
            Intake::Done
        }
        Intake::Done => {
            ad.upload = Delivered::Acknowledged;
            Intake::Idle
        }
    }
}

/// Pending, then active together with the log's entry, then the acknowledgement. What has ended
/// stays so.
fn enroll(state: &mut State) {
    let reference = &mut state.reference;
    reference.enroll = match reference.enroll {
        Intake::Idle | Intake::Read => {
            if reference.status == Status::Absent {
                reference.status = Status::Pending;
            }
            Intake::Wrote
        }
        Intake::Wrote => {
            if reference.status == Status::Pending {
                reference.status = Status::Active;
                state.references_set.tail = Items::of(0);
                reference.change = Delivered::Waiting;
            }
            Intake::Done
        }
        Intake::Done => {
            reference.upload = Delivered::Acknowledged;
            Intake::Idle
        }
    }
}

fn search_of(state: &mut State, of: Of) -> &mut Search {
    match of {
        Of::Ad(ad) => &mut state.ads[ad].search,
        Of::Reference => &mut state.reference.search,
    }
}

fn change_of(state: &mut State, of: Of) -> &mut Delivered {
    match of {
        Of::Ad(ad) => &mut state.ads[ad].change,
        Of::Reference => &mut state.reference.change,
    }
}

/// The set that a change is compared with.
fn other_set(state: &State, of: Of) -> &Set {
    match of {
        Of::Ad(_) => &state.references_set,
        Of::Reference => &state.ads_set,
    }
}

fn begin_search(protocol: &Protocol, state: &mut State, of: Of) {
    *search_of(state, of) = Search::Reading {
        tail: None,
        listed: None,
    };
    if let Of::Ad(ad) = of
        && let Some(left) = state.ads[ad].seen_early
    {
        state.ads[ad].search = Search::Recording {
            left,
            looked: false,
        };
    }
    *change_of(state, of) = match protocol.bug {
        Some(Bug::EarlyAcknowledgement) => Delivered::Acknowledged,
        _ => Delivered::Waiting,
    };
}

fn read_tail(state: &mut State, of: Of, is_stale: bool) {
    let items = match is_stale {
        true => Items::NONE,
        false => other_set(state, of).tail,
    };
    if let Search::Reading { tail, .. } = search_of(state, of) {
        *tail = Some(items);
    }
}

fn read_manifest(state: &mut State, of: Of) {
    let manifest = other_set(state, of).manifest;
    if let Search::Reading { listed, .. } = search_of(state, of) {
        *listed = Some(manifest);
    }
}

/// A segment that is gone was merged into another one concurrently: the reader starts again.
fn read_segments(protocol: &Protocol, state: &mut State, of: Of) {
    let stored = other_set(state, of).stored;
    let search = search_of(state, of);
    let Search::Reading {
        tail: Some(tail),
        listed: Some(listed),
    } = *search
    else {
        return;
    };
    let missing = listed.without(stored);
    let passes_over = protocol.bug == Some(Bug::MissingSegmentPassedOver);
    *search = if listed.is_within(stored) || passes_over {
        Search::Recording {
            left: tail.and(listed.without(missing).items()),
            looked: false,
        }
    } else {
        Search::Idle
    };
}

/// The ad of the pair at hand, and the pairs that are left after it.
fn pair_at_hand(of: Of, left: Items) -> Option<(usize, Items)> {
    let item = left.first()?;
    let ad = match of {
        Of::Ad(ad) => ad,
        Of::Reference => item,
    };
    Some((ad, left.without(Items::of(item))))
}

fn look_at_pair(protocol: &Protocol, state: &mut State, of: Of) {
    let Search::Recording { left, .. } = *search_of(state, of) else {
        return;
    };
    let Some((ad, rest)) = pair_at_hand(of, left) else {
        return;
    };
    let is_known = state.ads[ad].leads > 0 && protocol.bug != Some(Bug::RandomLeadIds);
    let is_active =
        state.reference.status == Status::Active || protocol.bug == Some(Bug::LeadWithoutCheck);
    *search_of(state, of) = if is_active && !is_known {
        Search::Recording { left, looked: true }
    } else {
        Search::Recording {
            left: rest,
            looked: false,
        }
    };
}

/// One transaction: the lead does not exist, its reference is active, its outbox entry.
fn write_lead(protocol: &Protocol, state: &mut State, of: Of) {
    let Search::Recording { left, .. } = *search_of(state, of) else {
        return;
    };
    let Some((place, rest)) = pair_at_hand(of, left) else {
        return;
    };
    let is_new = state.ads[place].leads == 0 || protocol.bug == Some(Bug::RandomLeadIds);
    let is_active =
        state.reference.status == Status::Active || protocol.bug == Some(Bug::LeadWithoutCheck);
    if !(is_new && is_active) {
        *search_of(state, of) = Search::Recording {
            left,
            looked: false, // refused: look again
        };
        return;
    }
    let ad = &mut state.ads[place];
    ad.leads = (ad.leads + 1).min(2);
    ad.alert = Delivered::Waiting;
    state.told_after_withdrawal |= state.withdrawal == Withdrawal::Acknowledged;
    *search_of(state, of) = Search::Recording {
        left: rest,
        looked: false,
    };
}

fn acknowledge_change(state: &mut State, of: Of) {
    *search_of(state, of) = Search::Idle;
    *change_of(state, of) = Delivered::Acknowledged;
}

/// The status and the log in one transaction; the addition leaves the tail with it.
fn withdraw(state: &mut State) {
    state.reference.status = Status::Withdrawn;
    state.references_set.tail = Items::NONE;
    state.withdrawal = Withdrawal::Ended;
}

fn acknowledge_withdrawal(protocol: &Protocol, state: &mut State) {
    let in_flight = state.ads.iter().any(|ad| ad.delivery.is_in_flight());
    if !in_flight || protocol.bug == Some(Bug::WithdrawalAcknowledgedAtOnce) {
        state.withdrawal = Withdrawal::Acknowledged;
    }
}
