//! Deliveries: queued once, sent under a lease, settled.

use super::actions::Action;
use super::protocol::Protocol;
use super::state::{Attempt, Bug, Delivered, Lease, Stands, State, Status, Withdrawal};

/// Takes a step of the alert's way.
pub fn step(protocol: &Protocol, state: &mut State, action: Action) {
    match action {
        Action::Enqueue(ad) => state.ads[ad].delivery.stands = Stands::Pending,
        Action::AcknowledgeAlert(ad) => state.ads[ad].alert = Delivered::Acknowledged,
        Action::TakeLease(ad, by) => take_lease(protocol, state, ad, by),
        Action::Send(ad, by) => send(protocol, state, ad, by),
        Action::Arrive(ad) => arrive(state, ad, true),
        Action::LoseAnswer(ad) => arrive(state, ad, false),
        Action::LoseMessage(ad) => answer(state, ad, false),
        Action::Settle(ad, by) => settle(state, ad, by),
        Action::Abandon(ad) => {
            let delivery = &mut state.ads[ad].delivery;
            (delivery.stands, delivery.lease) = (Stands::Abandoned, None);
        }
        Action::LeaseRunsOut(ad) => run_out(state, ad),
        _ => {}
    }
}

/// One transaction: the reference is active, the delivery is as it was seen, without a live lease.
fn take_lease(protocol: &Protocol, state: &mut State, ad: usize, by: usize) {
    let is_active =
        state.reference.status == Status::Active || protocol.bug == Some(Bug::LeaseWithoutCheck);
    let delivery = &mut state.ads[ad].delivery;
    if is_active && delivery.is_free() {
        delivery.lease = Some(Lease {
            holder: by as u8,
            ran_out: false,
        });
        delivery.attempts[by] = Attempt::Leased;
    }
}

/// Looks at the time once more: a process that was stopped must not send after its lease.
fn send(protocol: &Protocol, state: &mut State, ad: usize, by: usize) {
    let delivery = &mut state.ads[ad].delivery;
    let own = Some(Lease {
        holder: by as u8,
        ran_out: false,
    });
    let may = delivery.lease == own || protocol.bug == Some(Bug::SendAfterLease);
    if may && delivery.wire.is_none() {
        delivery.wire = Some(by as u8);
        delivery.attempts[by] = Attempt::Sent;
    } else {
        delivery.attempts[by] = Attempt::Idle;
    }
}

fn arrive(state: &mut State, ad: usize, is_answered: bool) {
    state.ads[ad].delivery.has_arrived = true;
    state.told_after_withdrawal |= state.withdrawal == Withdrawal::Acknowledged;
    answer(state, ad, is_answered);
}

fn answer(state: &mut State, ad: usize, is_success: bool) {
    let delivery = &mut state.ads[ad].delivery;
    let Some(by) = delivery.wire.take() else {
        return;
    };
    let attempt = &mut delivery.attempts[usize::from(by)];
    if *attempt == Attempt::Sent {
        *attempt = Attempt::Answered { is_success };
    }
}

/// On the condition that the lease is still its own: then the delivery is what it was.
fn settle(state: &mut State, ad: usize, by: usize) {
    let delivery = &mut state.ads[ad].delivery;
    let is_own = delivery.lease.is_some_and(|lease| lease.holder == by as u8);
    let succeeded = delivery.attempts[by] == Attempt::Answered { is_success: true };
    delivery.attempts[by] = Attempt::Idle;
    if is_own && delivery.stands == Stands::Pending {
        delivery.lease = None;
        if succeeded {
            delivery.stands = Stands::Delivered;
        }
    }
}

/// A lease is longer than the longest attempt: it cannot run out while its message is under way.
fn run_out(state: &mut State, ad: usize) {
    let delivery = &mut state.ads[ad].delivery;
    if let Some(lease) = &mut delivery.lease
        && delivery.wire != Some(lease.holder)
    {
        lease.ran_out = true;
    }
}
