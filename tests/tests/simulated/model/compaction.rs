//! Compaction: read, write a segment, swap the manifest, delete what it stands for.

use super::protocol::Protocol;
use super::set::{Items, Listing, Set};
use super::state::{Bug, Compaction};

/// The next step of one compaction. It merges: its segment holds what the manifest listed, too.
pub fn step(protocol: &Protocol, compaction: &mut Compaction, set: &mut Set) {
    *compaction = match *compaction {
        Compaction::Idle => begin(protocol, set),
        Compaction::Read { batch, base } => {
            set.stored = set.stored.and(merged(batch, base));
            Compaction::Wrote { batch, base }
        }
        Compaction::Wrote { batch, .. } if protocol.bug == Some(Bug::TailDeletedBeforeSwap) => {
            set.tail = set.tail.without(batch);
            wrote_deleted(*compaction)
        }
        Compaction::Wrote { batch, base } | Compaction::DeletedTooEarly { batch, base } => {
            swap(protocol, batch, base, set)
        }
        Compaction::Swapped { batch, base } => {
            set.tail = set.tail.without(batch);
            set.stored = set.stored.without(base.without(set.manifest));
            Compaction::Idle
        }
    };
}

fn wrote_deleted(compaction: Compaction) -> Compaction {
    match compaction {
        Compaction::Wrote { batch, base } => Compaction::DeletedTooEarly { batch, base },
        other => other,
    }
}

fn merged(batch: Items, base: Listing) -> Listing {
    Listing::of(batch.and(base.items()))
}

/// Items that a crashed compaction left in the tail are in the manifest already: only to be
/// deleted.
fn begin(protocol: &Protocol, set: &mut Set) -> Compaction {
    let (batch, base) = (set.tail, set.manifest);
    if batch.without(base.items()) == Items::NONE {
        return Compaction::Swapped {
            batch,
            base: Listing::default(),
        };
    }
    if protocol.bug == Some(Bug::MissingSegmentPassedOver) {
        set.manifest = merged(batch, base);
    }
    Compaction::Read { batch, base }
}

/// Compare and swap. The second has to read again; its segment is never listed.
fn swap(protocol: &Protocol, batch: Items, base: Listing, set: &mut Set) -> Compaction {
    let may = match protocol.bug {
        Some(Bug::SwapWithoutComparison) => true,
        Some(Bug::MissingSegmentPassedOver) => set.manifest == merged(batch, base),
        _ => set.manifest == base,
    };
    if !may {
        return Compaction::Idle;
    }
    set.manifest = merged(batch, base);
    Compaction::Swapped { batch, base }
}
