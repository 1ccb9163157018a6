//! The people of a tenant.

use records::{Label, Person, PersonId, TenantId};

use crate::db::calls::Range;
use crate::db::error::Result;
use crate::db::items::{item, record};
use crate::{Table, Tenants};

const PERSON: &str = "person#";

fn person_sk(id: &PersonId) -> String {
    format!("{PERSON}{id}")
}

impl Tenants {
    /// Makes a person known and says whether it was not: one that is there stays as it is. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn make_person(&self, person: &Person) -> Result<bool> {
        let sk = person_sk(&person.person_id);
        self.db
            .put_new(Table::Tenants, item(person.tenant.as_str(), sk, person)?)
            .await
    }

    /// Writes a person, whatever was there: an administrator gave it a token. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn put_person(&self, person: &Person) -> Result<()> {
        let sk = person_sk(&person.person_id);
        let item = item(person.tenant.as_str(), sk, person)?;
        self.db.put(Table::Tenants, item).await
    }

    /// A person of a tenant. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn person(&self, tenant: &TenantId, id: &PersonId) -> Result<Option<Person>> {
        let found = self.db.get(Table::Tenants, tenant.as_str(), person_sk(id));
        found.await?.map(|item| record(item, "person")).transpose()
    }

    /// The people of a tenant, by id. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn persons(&self, tenant: &TenantId) -> Result<Vec<Person>> {
        let found = self
            .db
            .query_all(Table::Tenants, tenant.as_str(), Range::prefix(PERSON));
        let found = found.await?.into_iter();
        found.map(|item| record(item, "person")).collect()
    }

    /// Gives a person another name. Verdicts keep the name under which they were given.
    ///
    /// # Errors
    /// As every verb.
    pub async fn rename_person(&self, person: &Person, name: &Label) -> Result<()> {
        let renamed = Person {
            name: name.clone(),
            ..person.clone()
        };
        let sk = person_sk(&person.person_id);
        self.db
            .put(Table::Tenants, item(person.tenant.as_str(), sk, &renamed)?)
            .await
    }
}
