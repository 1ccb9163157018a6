//! All references at once.

use std::collections::BTreeMap;

use features::fingerprint::{AdFingerprint, ReferenceFingerprint};

use crate::hash_index::HashIndex;
use crate::{Evidence, Match, Policy, local, whole};

/// Emptied slots tolerated among the live ones before the index is built again.
const EMPTY_SLOTS_MIN: usize = 1_024;

/// The references that ads are matched against, in memory, indexed; `K` names one.
///
/// [`find`](Self::find) gives what [`compare`](crate::compare) gives for each reference, faster.
/// Of matches as a whole it misses none; by local features it judges the 40 likeliest references.
pub struct ReferenceSet<K> {
    slots: Vec<Option<(K, ReferenceFingerprint)>>,
    slot_of: BTreeMap<K, u32>,
    hashes: HashIndex,
    local: local::Index,
    common: local::StopFeatures,
}

impl<K> Default for ReferenceSet<K> {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            slot_of: BTreeMap::new(),
            hashes: HashIndex::default(),
            local: local::Index::default(),
            common: local::StopFeatures::default(),
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

    /// The reference of that name.
    pub fn get(&self, key: &K) -> Option<&ReferenceFingerprint> {
        let slot = self.slot_of.get(key)?;
        let (_, reference) = self.slots.get(*slot as usize)?.as_ref()?;
        Some(reference)
    }

    /// Adds a reference, in place of any of the same name. Many are added by
    /// [`extend`](Extend::extend) in a small part of the time.
    pub fn insert(&mut self, key: K, reference: ReferenceFingerprint) {
        let local = local::LocalReference::read(&reference.features);
        let slot = self.place(key, reference);
        if let Some(local) = local {
            self.local.insert(slot, &local);
        }
        self.tidy();
    }

    /// Gives a reference its slot, and files all but its local features.
    fn place(&mut self, key: K, reference: ReferenceFingerprint) -> u32 {
        self.take(&key);
        let slot =
            u32::try_from(self.slots.len()).expect("fewer than 2^32 references fit in memory");
        for (_, view) in &reference.framings {
            self.hashes.insert(&view.pdq, slot);
        }
        self.slot_of.insert(key.clone(), slot);
        self.slots.push(Some((key, reference)));
        slot
    }

    /// Takes a reference out and returns it; `None` if there was none of that name. From then on
    /// it is never found.
    pub fn remove(&mut self, key: &K) -> Option<ReferenceFingerprint> {
        let taken = self.take(key);
        self.tidy();
        taken
    }

    fn take(&mut self, key: &K) -> Option<ReferenceFingerprint> {
        let slot = self.slot_of.remove(key)?;
        let (_, reference) = self.slots[slot as usize].take()?;
        Some(reference)
    }

    /// Every reference that the ad shows, each with its best match; strongest first, then by name.
    pub fn find(&self, ad: &AdFingerprint, policy: &Policy) -> Vec<(K, Match)> {
        let local = self.local_of(ad);
        let judge = |reference: &_| crate::judge(reference, ad, local.as_ref(), policy);
        let mut found: Vec<_> = self
            .candidates(ad, local.as_ref(), policy)
            .into_iter()
            .filter_map(|slot| self.slots[slot as usize].as_ref())
            .filter_map(|(key, reference)| Some((key, judge(reference)?)))
            .collect();
        found.sort_by(|(a, x), (b, y)| x.rank().cmp(&y.rank()).then_with(|| a.cmp(b)));
        found
            .into_iter()
            .map(|(key, found)| (key.clone(), found))
            .collect()
    }

    /// From now on features that many ads have count less.
    pub fn down_weight(&mut self, common: local::StopFeatures) {
        self.common = common;
    }

    /// The local features of an ad, each counting as much as it says.
    pub fn local_of(&self, ad: &AdFingerprint) -> Option<local::LocalAd> {
        Some(local::LocalAd::read(&ad.features)?.down_weighted(&self.common))
    }

    /// How many references [`find`](Self::find) would judge for an ad.
    pub fn judged(&self, ad: &AdFingerprint, policy: &Policy) -> usize {
        let local = self.local_of(ad);
        self.candidates(ad, local.as_ref(), policy).len()
    }

    /// What the proofs of an ad with the likeliest references found, for calibration.
    pub fn evidence(&self, ad: &AdFingerprint) -> Vec<(K, Evidence)> {
        let Some(ad) = self.local_of(ad) else {
            return Vec::new();
        };
        let scored = |slot: u32| {
            let (key, reference) = self.slots[slot as usize].as_ref()?;
            let reference = local::LocalReference::read(&reference.features)?;
            Some((key.clone(), local::evidence(&reference, &ad)?))
        };
        let slots = self.local.candidates(&ad).into_iter();
        slots.filter_map(scored).collect()
    }

    /// The slots that might match: all that do as a whole, the likeliest by local features, and
    /// perhaps others.
    fn candidates(
        &self,
        ad: &AdFingerprint,
        local: Option<&local::LocalAd>,
        policy: &Policy,
    ) -> Vec<u32> {
        let mut slots = local.map_or_else(Vec::new, |ad| self.local.candidates(ad));
        for view in whole::views(ad) {
            self.hashes
                .neighbours(&view.pdq, policy.whole.distance_bits_max, &mut slots);
        }
        slots.sort_unstable();
        slots.dedup();
        slots
    }

    /// Forgets emptied slots and their hashes, where they are many. Slots get other numbers.
    fn tidy(&mut self) {
        if self.slots.len() > 2 * self.len() + EMPTY_SLOTS_MIN {
            let Self { slots, common, .. } = std::mem::take(self);
            self.common = common;
            self.extend(slots.into_iter().flatten());
        }
    }
}

impl<K: Ord + Clone> Extend<(K, ReferenceFingerprint)> for ReferenceSet<K> {
    fn extend<I: IntoIterator<Item = (K, ReferenceFingerprint)>>(&mut self, references: I) {
        let mut placed = Vec::new();
        for (key, reference) in references {
            placed.push(self.place(key, reference));
        }
        let Self { slots, local, .. } = self;
        local.extend(placed.into_iter().filter_map(|slot| {
            let (_, reference) = slots.get(slot as usize)?.as_ref()?;
            Some((slot, local::LocalReference::read(&reference.features)?))
        }));
        self.tidy();
    }
}
