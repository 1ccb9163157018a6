//! Erasures: asked for, looked at, finished; and the key that their receipts are signed with.
//!
//! A mark stands next to each erasure until it is done: the task that carries them out looks for marks only.

pub(crate) mod erased;

use records::{Erasure, ErasureId, ErasureState, Secret, TenantId};

use crate::Db;
use crate::db::calls::Range;
use crate::db::error::{Error, Result};
use crate::db::items::{attribute, item, key, parsed, record, text};
use crate::db::transactions::Ended;
use crate::{ErasedBy, Table};

/// Requests for erasure and what each removed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Erasures {
    pub(crate) db: Db,
}

impl Erasures {
    /// The handle over a connection.
    pub fn new(db: &Db) -> Self {
        Self { db: db.clone() }
    }
}

const MARK: &str = "erasing#";

fn erasure_sk(id: &ErasureId) -> String {
    format!("erasure#{id}")
}

fn mark_sk(id: &ErasureId) -> String {
    format!("{MARK}{id}")
}

/// Where the deployment's key lies: no tenant has such a name.
const DEPLOYMENT: &str = "#deployment";
const RECEIPTS_KEY: &str = "receipts-key";

impl Erasures {
    /// Stores an erasure that is yet to be carried out. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn request_erasure(&self, unit: &TenantId, erasure: &Erasure) -> Result<()> {
        let id = &erasure.erasure_id;
        let mut mark = key(unit.as_str(), mark_sk(id));
        mark.insert("erasure_id".into(), text(id.as_str()));
        let steps = [
            self.db.step_put(
                Table::References,
                item(unit.as_str(), erasure_sk(id), erasure)?,
            )?,
            self.db.step_put(Table::References, mark)?,
        ];
        match self.db.transact("asking for an erasure", &steps).await? {
            Ended::Done => Ok(()),
            Ended::Refused(_) => Err(Error::Conflict("it changed meanwhile")),
        }
    }

    /// An erasure of this unit. Strongly consistent; another unit's is as one that does not exist.
    ///
    /// # Errors
    /// As every verb.
    pub async fn erasure(&self, unit: &TenantId, id: &ErasureId) -> Result<Option<Erasure>> {
        let found = self
            .db
            .get(Table::References, unit.as_str(), erasure_sk(id))
            .await?;
        found.map(|item| record(item, "erasure")).transpose()
    }

    /// Erasures of a unit that have a mark: those that are not done, and those that a crash came upon
    /// before they were [finished](crate::Erasures::finish_erasure) to the end. Strongly consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn pending_erasures(&self, unit: &TenantId) -> Result<Vec<Erasure>> {
        let marks = self
            .db
            .query_all(Table::References, unit.as_str(), Range::prefix(MARK))
            .await?;
        let mut pending = Vec::new();
        for mark in marks {
            let id = parsed(&mark, "erasure_id", "erasure")?;
            pending.extend(self.erasure(unit, &id).await?);
        }
        Ok(pending)
    }

    /// Forgets the case of an erasure that has emptied the stores, so that its number can be vacuumed
    /// from what a store keeps of rows that were written over. Idempotent. Returns the erasure as it
    /// stands.
    ///
    /// # Errors
    /// [`Error::Conflict`] if another caller finished it.
    pub async fn forget_case(&self, unit: &TenantId, erasure: Erasure) -> Result<Erasure> {
        let erasure = Erasure {
            case_id: None,
            ..erasure
        };
        match self.put_pending(unit, &erasure).await? {
            true => Ok(erasure),
            false => Err(Error::Conflict("it changed meanwhile")),
        }
    }

    /// Writes an erasure that is done, without the case's number, then forgets what it found and takes
    /// its mark away. Idempotent: of two who finish it the first one's receipt stays.
    ///
    /// # Errors
    /// [`Error::Rejected`] if it is not done.
    pub async fn finish_erasure(&self, unit: &TenantId, erasure: &Erasure) -> Result<()> {
        let id = &erasure.erasure_id;
        let is_done = erasure.state == ErasureState::Done && erasure.receipt.is_some();
        if !is_done || erasure.case_id.is_some() {
            return Err(Error::Rejected(
                "an erasure that is done has a receipt and no case",
            ));
        }
        self.put_pending(unit, erasure).await?;
        self.forget_erased(ErasedBy { unit, erasure: id }).await?;
        // Last: what a crash leaves is found by it again.
        self.db
            .delete(Table::References, unit.as_str(), mark_sk(id))
            .await
    }

    /// Writes an erasure in the place of one that is pending; says whether there was one.
    async fn put_pending(&self, unit: &TenantId, erasure: &Erasure) -> Result<bool> {
        self.db
            .put_if(
                Table::References,
                item(unit.as_str(), erasure_sk(&erasure.erasure_id), erasure)?,
                "#state = :pending",
                &[("#state", "state")],
                &[(":pending", attribute(&ErasureState::Pending)?)],
            )
            .await
    }

    /// The seed of the keys that this deployment signs receipts with and seals audit logs; `drawn` becomes
    /// it if there is none yet. The same for all who ask.
    ///
    /// # Errors
    /// As every verb.
    pub async fn receipts_key(&self, drawn: &Secret) -> Result<Secret> {
        if let Some(known) = self.known_receipts_key().await? {
            return Ok(known);
        }
        let mut new = key(DEPLOYMENT, RECEIPTS_KEY);
        new.insert("seed".into(), text(drawn.reveal()));
        if self.db.put_new(Table::Tenants, new).await? {
            return Ok(drawn.clone());
        }
        let known = self.known_receipts_key().await?;
        known.ok_or(Error::Conflict("it changed meanwhile"))
    }

    /// That seed, if there is one: it is made when it is first needed.
    ///
    /// # Errors
    /// As every verb.
    pub async fn known_receipts_key(&self) -> Result<Option<Secret>> {
        let found = self
            .db
            .get(Table::Tenants, DEPLOYMENT, RECEIPTS_KEY)
            .await?;
        let Some(item) = found else { return Ok(None) };
        let seed: String = parsed(&item, "seed", "key")?;
        Secret::parse(&seed)
            .map(Some)
            .map_err(|_| Error::Damaged("key"))
    }
}
