//! The protocol of the whole, model-checked: ads, a reference, its withdrawal and compaction race in
//! every possible order, every message may come again and every program may die between any two of
//! its calls, as often as it likes. All states are visited.
//!
//! What is modelled: `ingest`, `enroll`, `lookup` from both sides, `alert` (stream and timer at
//! once), compaction of both sets, and a unit's withdrawal, each call on the cloud as one atomic
//! step (`functions/`, `shared/store`). Time is modelled by what it allows: a lease may run out at
//! any moment, save while its message is under way. How a lead rises is a model of its own
//! (`model/rising.rs`). Not modelled: sightings and digests, holding
//! and expiry (which end as withdrawal does), the limit of ten attempts, erasure.
//!
//! Every rule of the protocol has a variant without it, and each variant must be found out.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // the figures are for the reader of the run
#![allow(clippy::disallowed_methods, reason = "it measures")]

mod actions;
mod compaction;
mod delivery;
mod protocol;
mod rising;
mod set;
mod state;
mod steps;

use std::time::Instant;

use protocol::{MISSED, Protocol, SILENT, TWICE};
use rising::{Fault, Rising};
use state::Bug;
use stateright::{Checker, HasDiscoveries, Model};

const NOTHING: Protocol = Protocol {
    bug: None,
    ads: 0,
    ads_before: 0,
    is_reference_last: false,
    ads_compactions: 0,
    references_compactions: 0,
    has_repeats: false,
    has_delivery: false,
    has_withdrawal: false,
};

/// An ad and a reference meet while both sets are compacted.
const MEETING: Protocol = Protocol {
    ads: 1,
    ads_compactions: 1,
    references_compactions: 1,
    ..NOTHING
};

/// Ads come while they are compacted twice at once, segments are merged and old ones vanish; then a
/// reference comes and must find both.
const MERGING: Protocol = Protocol {
    ads: 2,
    ads_before: 1,
    is_reference_last: true,
    ads_compactions: 2,
    ..NOTHING
};

/// A reference is withdrawn at any moment, before it is active too.
const ENDING: Protocol = Protocol {
    ads: 1,
    references_compactions: 1,
    has_repeats: true,
    has_withdrawal: true,
    ..NOTHING
};

/// A reference comes to an ad; the pair is told by two attempters at once and withdrawn at any moment.
const TELLING: Protocol = Protocol {
    ads: 1,
    ads_before: 1,
    has_delivery: true,
    has_withdrawal: true,
    ..NOTHING
};

/// Visits every state; all claims must hold, and what should be reachable must be.
fn holds(protocol: Protocol) {
    let began = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    println!(
        "{} states in {:?}",
        checker.unique_state_count(),
        began.elapsed()
    );
    checker.assert_properties();
}

/// Looks for a run that breaks a claim, and must find one.
fn is_found_out(protocol: Protocol, bug: Bug, claim: &'static str) {
    let checker = protocol
        .with(bug)
        .checker()
        .finish_when(HasDiscoveries::AnyOf([claim].into()))
        .spawn_bfs()
        .join();
    let path = checker.assert_any_discovery(claim);
    println!("{bug:?} breaks {claim:?}: {:?}", path.into_actions());
}

#[test]
fn an_ad_and_a_reference_meet_while_both_sets_are_compacted() {
    holds(MEETING);
}

#[test]
fn no_ad_is_missed_while_compaction_runs_twice_at_once() {
    holds(MERGING);
}

#[test]
fn a_reference_that_is_withdrawn_at_any_moment_stays_silent() {
    holds(ENDING);
}

#[test]
fn a_pair_is_told_once_and_never_after_its_withdrawal() {
    holds(TELLING);
}

#[test]
fn a_lead_rises_to_the_best_evidence_and_is_alerted_once() {
    let checker = Rising(None).checker().threads(2).spawn_bfs().join();
    checker.assert_properties();
}

fn a_fault_breaks(fault: Fault, claim: &'static str) {
    let checker = Rising(Some(fault))
        .checker()
        .finish_when(HasDiscoveries::AnyOf([claim].into()))
        .spawn_bfs()
        .join();
    let path = checker.assert_any_discovery(claim);
    println!("{fault:?} breaks {claim:?}: {:?}", path.into_actions());
}

#[test]
fn a_lead_that_stays_as_it_came_is_frozen_by_a_claim() {
    a_fault_breaks(Fault::FirstStays, rising::FROZEN);
}

#[test]
fn a_lead_that_follows_the_last_evidence_sinks() {
    a_fault_breaks(Fault::LastStays, rising::SUNK);
}

#[test]
fn a_lead_that_is_raised_without_a_condition_is_alerted_twice() {
    a_fault_breaks(Fault::WithoutCondition, rising::ONCE);
}

#[test]
fn a_lead_that_is_raised_without_the_check_is_told_after_the_withdrawal() {
    a_fault_breaks(Fault::WithoutCheck, rising::LATE);
}

#[test]
fn a_stale_read_misses_a_pair() {
    is_found_out(MEETING, Bug::StaleRead, MISSED);
}

#[test]
fn a_read_before_the_own_write_misses_a_pair() {
    is_found_out(MEETING, Bug::ReadBeforeOwnWrite, MISSED);
}

#[test]
fn an_acknowledgement_before_the_leads_misses_a_pair() {
    is_found_out(MEETING, Bug::EarlyAcknowledgement, MISSED);
}

#[test]
fn the_manifest_read_before_the_tail_misses_a_pair() {
    is_found_out(MEETING, Bug::ManifestBeforeTail, MISSED);
}

#[test]
fn random_lead_ids_alert_twice() {
    is_found_out(MEETING, Bug::RandomLeadIds, TWICE);
}

#[test]
fn a_tail_deleted_before_the_manifest_is_swapped_misses_a_pair() {
    is_found_out(MEETING, Bug::TailDeletedBeforeSwap, MISSED);
}

#[test]
fn a_manifest_swapped_without_comparison_misses_a_pair() {
    is_found_out(MERGING, Bug::SwapWithoutComparison, MISSED);
}

#[test]
fn a_missing_segment_passed_over_misses_a_pair() {
    is_found_out(MERGING, Bug::MissingSegmentPassedOver, MISSED);
}

#[test]
fn a_lead_without_the_check_is_told_after_the_withdrawal() {
    is_found_out(TELLING, Bug::LeadWithoutCheck, SILENT);
}

#[test]
fn a_lease_without_the_check_is_told_after_the_withdrawal() {
    is_found_out(TELLING, Bug::LeaseWithoutCheck, SILENT);
}

#[test]
fn a_message_sent_after_its_lease_is_told_after_the_withdrawal() {
    is_found_out(TELLING, Bug::SendAfterLease, SILENT);
}

#[test]
fn a_withdrawal_that_does_not_wait_for_deliveries_is_broken_by_them() {
    is_found_out(TELLING, Bug::WithdrawalAcknowledgedAtOnce, SILENT);
}
