//! References that are announced before their photo has been looked at, so that their unit can see
//! and withdraw at once what it submitted.

use records::{Reference, ReferenceStatus, TenantId};

use crate::db::error::{Error, Result};
use crate::db::items::item;
use crate::references::{NEW_OR_ENDED, ended_before, reference_sk};
use crate::{References, Submitted, Table};

use aws_sdk_dynamodb::types::AttributeValue;

impl References {
    /// Stores a pending reference whose photo is yet to be looked at: [`References::submit`] and
    /// [`References::reject_reference`] take its place, unless it has ended by then. One that is there
    /// and has not ended stays as it is. Idempotent.
    ///
    /// # Errors
    /// [`Error::Rejected`] if the record is not pending.
    pub async fn announce(&self, unit: &TenantId, reference: &Reference) -> Result<Submitted> {
        if reference.status != ReferenceStatus::Pending {
            return Err(Error::Rejected("a new reference is pending"));
        }
        let mut announced = item(
            unit.as_str(),
            reference_sk(&reference.reference_id),
            reference,
        )?;
        announced.insert("announced".into(), AttributeValue::Bool(true));
        let values = ended_before(reference.created_at);
        let stored = self
            .db
            .put_if(
                Table::References,
                announced,
                NEW_OR_ENDED,
                &[("#status", "status")],
                &values,
            )
            .await?;
        if stored {
            Ok(Submitted::New)
        } else {
            self.known(unit, &reference.reference_id).await
        }
    }
}
