//! The protocol as a model for stateright: which parts of the world take part, and what must hold.

use stateright::{Model, Property};

use super::actions::{Action, Of, actions};
use super::set::{Items, Set};
use super::state::{Ad, Bug, Compaction, Delivered, Reference, State, Status, Withdrawal};
use super::steps::step;

/// Which parts take part; the fewer, the faster every state is visited.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protocol {
    pub bug: Option<Bug>,
    /// Ad images, one or two; each matches the reference.
    pub ads: usize,
    /// So many of them were uploaded and dealt with before the reference came.
    pub ads_before: usize,
    /// Whether the reference comes when every ad was dealt with.
    pub is_reference_last: bool,
    /// Compactions of the ads at the same time.
    pub ads_compactions: usize,
    pub references_compactions: usize,
    /// Whether what was acknowledged may come again (what was not, always may).
    pub has_repeats: bool,
    pub has_delivery: bool,
    pub has_withdrawal: bool,
}

impl Protocol {
    pub fn with(self, bug: Bug) -> Self {
        Self {
            bug: Some(bug),
            ..self
        }
    }

    /// The tail, then the manifest: what left the tail since is in the manifest.
    pub fn reading_order(&self, of: Of) -> (Action, Action) {
        match self.bug {
            Some(Bug::ManifestBeforeTail) => (Action::ReadManifest(of), Action::ReadTail(of)),
            _ => (Action::ReadTail(of), Action::ReadManifest(of)),
        }
    }

    pub fn reads_may_be_stale(&self) -> bool {
        self.bug == Some(Bug::StaleRead)
    }

    /// At rest, an active reference has a lead with every ad, and its alert was delivered.
    fn misses_nothing(&self, state: &State) -> bool {
        let told = |ad: &Ad| ad.leads > 0 && (ad.delivery.has_arrived || !self.has_delivery);
        let is_due = state.reference.status == Status::Active && self.is_at_rest(state);
        !is_due || state.ads.iter().all(told)
    }

    fn is_at_rest(&self, state: &State) -> bool {
        let mut state = state.clone();
        if !self.has_delivery {
            state
                .ads
                .iter_mut()
                .for_each(|ad| ad.alert = Default::default());
        }
        state.is_at_rest()
    }

    fn ad(&self, place: usize, set: &mut Set) -> Ad {
        if place >= self.ads_before {
            return Ad {
                upload: Delivered::Waiting,
                ..Ad::default()
            };
        }
        set.tail = set.tail.and(Items::of(place));
        Ad {
            upload: Delivered::Acknowledged,
            change: Delivered::Acknowledged,
            is_recorded: true,
            ..Ad::default()
        }
    }

    fn can_go_on(&self, state: &State) -> bool {
        let mut next = Vec::new();
        actions(self, state, &mut next);
        next.retain(|action| !action.is_fault());
        next.into_iter()
            .any(|action| step(self, state, action).is_some())
    }
}

/// The properties' names.
pub const MISSED: &str = "no pair is missed";
pub const TWICE: &str = "no pair is alerted twice";
pub const SILENT: &str = "nothing is told after an acknowledged withdrawal";
pub const STUCK: &str = "what is not done goes on";
pub const HAPPY: &str = "a pair gets its lead";
pub const COMPACTED: &str = "a pair is found in a segment";
pub const ENDED: &str = "a withdrawal is acknowledged before anything was told";

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let mut ads_set = Set::default();
        let ads = (0..self.ads).map(|place| self.ad(place, &mut ads_set));
        vec![State {
            ads: ads.collect(),
            reference: Reference {
                upload: Delivered::Waiting,
                ..Reference::default()
            },
            ads_set,
            ads_compactions: vec![Compaction::Idle; self.ads_compactions],
            references_compactions: vec![Compaction::Idle; self.references_compactions],
            ..State::default()
        }]
    }

    fn actions(&self, state: &State, out: &mut Vec<Action>) {
        actions(self, state, out);
        let is_repeat = |a: &Action| matches!(a, Action::RepeatUpload(_) | Action::RepeatChange(_));
        out.retain(|action| self.has_repeats || !is_repeat(action));
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        step(self, before, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(MISSED, Self::misses_nothing),
            Property::always(TWICE, |_, state: &State| {
                state.ads.iter().all(|ad| ad.leads < 2)
            }),
            Property::always(SILENT, |_, state: &State| !state.told_after_withdrawal),
            Property::always(STUCK, |this: &Self, state: &State| {
                this.is_at_rest(state) || this.can_go_on(state)
            }),
            Property::sometimes(HAPPY, |this: &Self, state: &State| {
                this.is_at_rest(state) && state.ads.iter().all(|ad| ad.leads == 1)
            }),
        ];
        if self.ads_compactions > 0 {
            properties.push(Property::sometimes(
                COMPACTED,
                |this: &Self, state: &State| {
                    let set = &state.ads_set;
                    let is_compacted = set.tail.first().is_none() && set.manifest.items().has(0);
                    is_compacted
                        && this.is_at_rest(state)
                        && state.ads.iter().all(|ad| ad.leads == 1)
                },
            ));
        }
        if self.has_withdrawal {
            properties.push(Property::sometimes(ENDED, |_, state: &State| {
                state.withdrawal == Withdrawal::Acknowledged
                    && state.ads.iter().all(|ad| ad.leads == 0)
            }));
        }
        properties
    }
}
