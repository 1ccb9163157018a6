//! All references at once.

use std::collections::BTreeMap;

use records::fingerprint::{AdFingerprint, ReferenceFingerprint};

use crate::hash_index::HashIndex;
use crate::{Match, Policy, compare, whole};

/// Emptied slots tolerated beside the living before the index is built anew.
const EMPTY_SLOTS_MIN: usize = 1_024;

/// The references that ads are matched against, in memory, indexed; `K` names one.
///
/// [`find`](Self::find) gives exactly what [`compare`] gives for each reference, faster.
pub struct ReferenceSet<K> {
    slots: Vec<Option<(K, ReferenceFingerprint)>>,
    slot_of: BTreeMap<K, u32>,
    hashes: HashIndex,
}

impl<K> Default for ReferenceSet<K> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            slot_of: BTreeMap::new(),
            hashes: HashIndex::default(),
        }
    }
}

impl<K: Ord + Clone> ReferenceSet<K> {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of references.
    pub fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// Whether there is no reference.
    pub fn is_empty(&self) -> bool {
        self.slot_of.is_empty()
    }

    /// Whether a reference is named `key`.
    pub fn contains(&self, key: &K) -> bool {
        self.slot_of.contains_key(key)
    }

    /// Adds a reference, in place of any of the same name.
    pub fn insert(&mut self, key: K, reference: ReferenceFingerprint) {
        self.remove(&key);
        let slot =
            u32::try_from(self.slots.len()).expect("fewer than 2^32 references fit in memory");
        for (_, view) in &reference.framings {
            self.hashes.insert(&view.pdq, slot);
        }
        self.slot_of.insert(key.clone(), slot);
        self.slots.push(Some((key, reference)));
    }

    /// Takes a reference out and returns it; `None` if there was none of that name. From then on
    /// it is never found.
    pub fn remove(&mut self, key: &K) -> Option<ReferenceFingerprint> {
        let slot = self.slot_of.remove(key)?;
        let (_, reference) = self.slots[slot as usize].take()?;
        if self.slots.len() > 2 * self.len() + EMPTY_SLOTS_MIN {
            self.rebuild();
        }
        Some(reference)
    }

    /// Every reference that the ad shows, each with its best match; strongest first, then by name.
    pub fn find(&self, ad: &AdFingerprint, policy: &Policy) -> Vec<(K, Match)> {
        let mut found: Vec<_> = self
            .proposed(ad, policy)
            .into_iter()
            .filter_map(|slot| self.slots[slot as usize].as_ref())
            .filter_map(|(key, reference)| Some((key, compare(reference, ad, policy)?)))
            .collect();
        found.sort_by(|(a, x), (b, y)| x.rank().cmp(&y.rank()).then_with(|| a.cmp(b)));
        found
            .into_iter()
            .map(|(key, found)| (key.clone(), found))
            .collect()
    }

    /// The slots that might match: all that do, and perhaps others.
    fn proposed(&self, ad: &AdFingerprint, policy: &Policy) -> Vec<u32> {
        let mut slots = Vec::new();
        for view in whole::views(ad) {
            self.hashes
                .near(&view.pdq, policy.whole.distance_bits_max, &mut slots);
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Forgets emptied slots and their hashes.
    fn rebuild(&mut self) {
        let slots = std::mem::take(self).slots;
        slots
            .into_iter()
            .flatten()
            .for_each(|(key, reference)| self.insert(key, reference));
    }
}
