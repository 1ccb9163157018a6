//! What does not agree, in words that a person understands.

use serde_json::{Value, json};

/// Ids of one disagreement that are shown: enough to begin with.
const IDS_MAX: usize = 50;

/// One thing that does not agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Disagreement {
    count: u64,
    what: String,
    ids: Vec<String>,
}

impl Disagreement {
    pub(super) fn new(count: u64, what: impl Into<String>) -> Self {
        Self {
            count,
            what: what.into(),
            ids: Vec::new(),
        }
    }

    /// With ids that may be shown: of references, leads and tenants, never of contents or objects.
    pub(super) fn of(ids: impl IntoIterator<Item = String>, what: impl Into<String>) -> Self {
        let ids: Vec<String> = ids.into_iter().collect();
        Self {
            count: ids.len() as u64,
            what: what.into(),
            ids,
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.count == 0
    }

    pub(super) fn to_json(&self) -> Value {
        let shown = self.ids.get(..IDS_MAX).unwrap_or(&self.ids);
        match shown {
            [] => json!({ "count": self.count, "what": self.what }),
            ids => json!({ "count": self.count, "what": self.what, "ids": ids }),
        }
    }
}
