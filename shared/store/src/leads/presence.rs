//! Who looks at a lead right now: so that two people do not do one job. It locks nothing.

use std::collections::BTreeMap;

use records::{LeadId, PersonId, Presence, TenantId, Timestamp};

use crate::db::error::{Error, Result};
use crate::db::items::{item, key, record, sort_key};
use crate::{Leads, Table};

const HERE: &str = "here#";

pub(crate) fn presence_sk(lead: &LeadId) -> String {
    format!("{HERE}{lead}")
}

impl Leads {
    /// Says that a person looks at a lead now, in place of who did before. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn look_at(
        &self,
        unit: &TenantId,
        lead: &LeadId,
        by: &PersonId,
        now: Timestamp,
    ) -> Result<()> {
        let presence = Presence {
            person_id: by.clone(),
            at: now,
        };
        let item = item(unit.as_str(), presence_sk(lead), &presence)?;
        self.db.put(Table::Leads, item).await
    }

    /// Who looked last at each of these leads, of those that a person did. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn looking(
        &self,
        unit: &TenantId,
        leads: &[LeadId],
    ) -> Result<BTreeMap<LeadId, Presence>> {
        let keys = leads.iter().map(|id| key(unit.as_str(), presence_sk(id)));
        let mut looking = BTreeMap::new();
        for found in self.db.get_all(Table::Leads, keys.collect()).await? {
            let id = sort_key(&found)?.strip_prefix(HERE).unwrap_or_default();
            let id = LeadId::parse(id).map_err(|_| Error::Damaged("presence"))?;
            looking.insert(id, record(found, "presence")?);
        }
        Ok(looking)
    }
}
