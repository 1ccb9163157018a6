//! The inbox of a unit: in which of its tabs a lead is.

use serde::{Deserialize, Serialize};

use features::Level;

use crate::ad::Sighting;
use crate::ids::{CaseId, LeadId, ReferenceId};
use crate::lead::{LeadStatus, LeadSummary};
use crate::text::Label;
use crate::time::Timestamp;

/// A tab of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LeadTab {
    /// It waits for a person.
    Open,
    /// It waits, and is held back because its uploader's ads matched too much.
    Held,
    /// One person says that it is the photo, and a second one is asked.
    Second,
    /// A person could not tell.
    Unsure,
    /// It is the photo.
    Confirmed,
    /// It is not.
    Dismissed,
    /// It was taken back.
    Withdrawn,
}

impl LeadTab {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Held,
        Self::Second,
        Self::Unsure,
        Self::Confirmed,
        Self::Dismissed,
        Self::Withdrawn,
    ];

    /// The word that is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Held => "held",
            Self::Second => "second",
            Self::Unsure => "unsure",
            Self::Confirmed => "confirmed",
            Self::Dismissed => "dismissed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A lead as a tab lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TabEntry {
    /// The lead.
    pub lead_id: LeadId,
    /// Its reference.
    pub reference_id: ReferenceId,
    /// The reference's case.
    pub case_id: CaseId,
    /// Whether it is sure enough to alert.
    pub is_alert: bool,
    /// When it was found.
    pub created_at: Timestamp,
}

impl TabEntry {
    /// How sure the policy is.
    pub fn level(&self) -> Level {
        match self.is_alert {
            true => Level::Alert,
            false => Level::Review,
        }
    }
}

impl LeadSummary {
    /// Places that are kept with a lead, for lists.
    pub const PLACES_MAX: usize = 3;

    /// The tab in which it is.
    pub fn tab(&self) -> LeadTab {
        match self.status {
            LeadStatus::Open if self.first_opinion.is_some() => LeadTab::Second,
            LeadStatus::Open if self.held_for.is_some() => LeadTab::Held,
            LeadStatus::Open => LeadTab::Open,
            LeadStatus::Unsure => LeadTab::Unsure,
            LeadStatus::Confirmed => LeadTab::Confirmed,
            LeadStatus::Dismissed => LeadTab::Dismissed,
            LeadStatus::Withdrawn => LeadTab::Withdrawn,
        }
    }

    /// As its tab lists it.
    pub fn tab_entry(&self) -> TabEntry {
        TabEntry {
            lead_id: self.lead_id.clone(),
            reference_id: self.reference_id.clone(),
            case_id: self.case_id.clone(),
            is_alert: self.is_alert(),
            created_at: self.created_at,
        }
    }
}

/// The first places of these and of further sightings, each once.
pub fn first_places<'a>(
    known: &[Label],
    sightings: impl IntoIterator<Item = &'a Sighting>,
) -> Vec<Label> {
    let mut places = known.to_vec();
    for place in sightings.into_iter().filter_map(|it| it.place.as_ref()) {
        if places.len() < LeadSummary::PLACES_MAX && !places.contains(place) {
            places.push(place.clone());
        }
    }
    places
}
