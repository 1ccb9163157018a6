//! Which reference photos were looked at: several may be one reference, and an overwritten one is
//! another, so the references themselves do not tell.

use aws_sdk_s3::primitives::DateTime;
use records::{ReferenceKey, Timestamp};

use crate::db::error::Result;
use crate::db::items::{digest, key, parsed, text};
use crate::{References, Table};

pub(crate) fn photo_sk(object_key: &ReferenceKey) -> String {
    format!("photo#{}", digest(object_key.as_str()))
}

impl References {
    /// Notes that the photo under a key, as S3 accepted it at `last_modified`, became a reference
    /// or was rejected. A later note of an earlier photo changes nothing. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn save_enrolled(
        &self,
        object_key: &ReferenceKey,
        last_modified: Timestamp,
    ) -> Result<()> {
        let mut item = key(object_key.tenant().as_str(), photo_sk(object_key));
        item.insert("last_modified".into(), text(last_modified.as_str()));
        let condition = "attribute_not_exists(pk) OR last_modified < :last_modified";
        let values = [(":last_modified", text(last_modified.as_str()))];
        self.db
            .put_if(Table::References, item, condition, &[], &values)
            .await
            .map(|_| ())
    }

    /// When S3 accepted the latest photo under a key that was looked at; none if none was. Strongly
    /// consistent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn enrolled(&self, object_key: &ReferenceKey) -> Result<Option<Timestamp>> {
        let pk = object_key.tenant().as_str();
        let found = self
            .db
            .get(Table::References, pk, photo_sk(object_key))
            .await?;
        found
            .map(|item| parsed(&item, "last_modified", "photo"))
            .transpose()
    }

    /// Whether a photo lies under a key that was not looked at since it came to lie there. S3 tells whole
    /// seconds.
    ///
    /// # Errors
    /// As every verb.
    pub async fn awaits_enrolling(&self, object_key: &ReferenceKey) -> Result<bool> {
        let Some(newest) = self.objects.head(&object_key.clone().into()).await? else {
            return Ok(false);
        };
        let enrolled = self.enrolled(object_key).await?;
        let put_at = newest.last_modified().map(DateTime::secs);
        Ok(enrolled.is_none_or(|at| put_at.is_some_and(|put_at| at.seconds() < put_at)))
    }

    /// Forgets that a photo was looked at: it is erased. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub(crate) async fn forget_enrolled(&self, object_key: &ReferenceKey) -> Result<()> {
        let pk = object_key.tenant().as_str();
        self.db
            .delete(Table::References, pk, photo_sk(object_key))
            .await
    }
}
