//! Who looks at a lead right now.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::person::PersonId;
use crate::time::Timestamp;

/// That a person has a lead's page open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Who.
    pub person_id: PersonId,
    /// When its page said so last.
    pub at: Timestamp,
}

impl Presence {
    /// For so long a page that is open is believed to be looked at: it says so each minute.
    pub const LASTS: Duration = Duration::from_secs(150);

    /// Whether another person than this one is looking.
    pub fn is_of_another(&self, person: &PersonId, now: Timestamp) -> bool {
        self.person_id != *person && now.since(self.at) <= Self::LASTS
    }
}
