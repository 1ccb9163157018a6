//! A reference itself, taken out: its photos in all their versions, and what is known of it, until
//! only its id is left.

use std::time::Duration;

use features::ReferenceKind;
use records::{
    AlertLimit, CaseId, ImageSha256, Label, ObjectKey, ReasonCode, Reference, ReferenceId,
    ReferenceKey, ReferenceStatus, SearchProgress, TenantId, Timestamp,
};

use crate::db::error::{Error, Result, classified};
use crate::db::items::item;
use crate::objects::time;
use crate::references::{NEW_OR_ENDED, ended_before, fingerprint_sk, reference_sk};
use crate::{Erased, ErasedBy, Fetched, ObjectKind, References, Table};

/// One version of an object, or a delete marker.
#[derive(Clone, Debug)]
pub struct ObjectVersion {
    /// The object.
    pub key: ObjectKey,
    /// The version.
    pub version_id: String,
    /// Whether it has no bytes.
    pub is_marker: bool,
    /// When S3 accepted it.
    pub last_modified: Timestamp,
}

/// What an erased reference has in place of words: its own are gone.
const ERASED: &str = "erased";

impl References {
    /// Every version of every reference photo of a case, delete markers included.
    ///
    /// # Errors
    /// As every verb.
    pub async fn photo_versions(
        &self,
        unit: &TenantId,
        case: &CaseId,
    ) -> Result<Vec<ObjectVersion>> {
        let prefix = format!("{}{case}/", ReferenceKey::prefix(unit));
        self.versions_below(ObjectKind::Reference, &prefix).await
    }

    /// Whether an object that lies there no more was deleted, which leaves a marker.
    ///
    /// # Errors
    /// As every verb.
    pub async fn was_deleted(&self, key: &ObjectKey) -> Result<bool> {
        let kind = match key {
            ObjectKey::Ad(_) => ObjectKind::Ad,
            ObjectKey::Reference(_) => ObjectKind::Reference,
        };
        let versions = self.versions_below(kind, key.as_str()).await?;
        Ok(versions.iter().any(|it| it.is_marker && it.key == *key))
    }

    async fn versions_below(&self, kind: ObjectKind, prefix: &str) -> Result<Vec<ObjectVersion>> {
        let (mut versions, mut start) = (Vec::new(), (None, None));
        loop {
            let answer = self
                .db
                .s3
                .list_object_versions()
                .bucket(self.objects.bucket(kind))
                .prefix(prefix)
                .set_key_marker(start.0.take())
                .set_version_id_marker(start.1.take())
                .send()
                .await
                .map_err(|error| classified("listing versions", &error))?;
            for found in answer.versions() {
                let at = found.last_modified();
                versions.extend(version(found.key(), found.version_id(), false, at)?);
            }
            for found in answer.delete_markers() {
                let at = found.last_modified();
                versions.extend(version(found.key(), found.version_id(), true, at)?);
            }
            if answer.is_truncated() != Some(true) {
                return Ok(versions);
            }
            start = (answer.next_key_marker, answer.next_version_id_marker);
        }
    }

    /// Deletes for good the versions of a case's photos that were there before `before`: all of them,
    /// or those with this content. Each is [saved](crate::Erasures::save_erased) before. Idempotent.
    ///
    /// # Errors
    /// As every verb.
    pub async fn erase_photos(
        &self,
        by: ErasedBy<'_>,
        case: &CaseId,
        only: Option<&ImageSha256>,
        before: Timestamp,
    ) -> Result<()> {
        let versions = self.photo_versions(by.unit, case).await?;
        let mut erased_keys = Vec::new();
        for found in versions.iter().filter(|found| !found.is_marker) {
            if !self.came_later(found, before).await? && self.is_of(found, only).await? {
                let thing = format!("{} {}", found.key.as_str(), found.version_id);
                self.erasures
                    .save_erased(by, Erased::ReferencePhotos, [thing])
                    .await?;
                self.objects
                    .delete_object(&found.key, Some(&found.version_id))
                    .await?;
                erased_keys.push(found.key.clone());
            }
        }
        for marker in versions.iter().filter(|found| found.is_marker) {
            if only.is_none() || erased_keys.contains(&marker.key) {
                self.objects
                    .delete_object(&marker.key, Some(&marker.version_id))
                    .await?;
            }
        }
        for key in erased_keys {
            if let ObjectKey::Reference(key) = key {
                self.forget_enrolled(&key).await?;
            }
        }
        Ok(())
    }

    /// Whether it was put there after the erasure was asked for, as a new submission. A copy that was
    /// made to drive it again tells when it first came.
    async fn came_later(&self, found: &ObjectVersion, before: Timestamp) -> Result<bool> {
        // S3 lists whole seconds.
        if found.last_modified.seconds() <= before.seconds() {
            return Ok(false);
        }
        let facts = match self
            .objects
            .fetch(&found.key, Some(&found.version_id), 0)
            .await?
        {
            Fetched::OverLimit(facts) => facts,
            Fetched::Object(object) => object.facts,
            Fetched::Gone => return Ok(true),
        };
        Ok(facts.uploaded_at() > before)
    }

    async fn is_of(&self, found: &ObjectVersion, only: Option<&ImageSha256>) -> Result<bool> {
        let Some(content) = only else { return Ok(true) };
        // No photo that became a reference is larger than this.
        const BYTES_MAX: u64 = 32 << 20;
        let fetched = self
            .objects
            .fetch(&found.key, Some(&found.version_id), BYTES_MAX);
        Ok(match fetched.await? {
            Fetched::Object(object) => ImageSha256::of(&object.bytes) == *content,
            Fetched::OverLimit(_) | Fetched::Gone => false,
        })
    }

    /// Leaves of a reference that has ended nothing but its id and that it was erased, so that a late
    /// event of its photo does not bring it back. Idempotent.
    ///
    /// # Errors
    /// [`Error::Conflict`] if it was submitted again concurrently.
    pub async fn put_tombstone(
        &self,
        unit: &TenantId,
        id: &ReferenceId,
        now: Timestamp,
    ) -> Result<()> {
        let left = Reference {
            reference_id: id.clone(),
            case_id: CaseId::parse(ERASED)?,
            status: ReferenceStatus::Withdrawn,
            reason: Some(ReasonCode::ERASED),
            image_sha256: None,
            object_key: None,
            width_px: None,
            height_px: None,
            quality: None,
            shows: ReferenceKind::Photo,
            legal_basis: Label::parse(ERASED)?,
            expires_at: now,
            created_at: now,
            activated_at: None,
            ended_at: Some(now),
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        };
        self.db
            .delete(Table::References, unit.as_str(), fingerprint_sk(id))
            .await?;
        let stored = self
            .db
            .put_if(
                Table::References,
                item(unit.as_str(), reference_sk(id), &left)?,
                NEW_OR_ENDED,
                &[("#status", "status")],
                // Its end is the moment before: whatever is submitted from then on is new.
                &ended_before(now.plus(Duration::from_millis(1))),
            )
            .await?;
        let is_left = || async {
            let found = self.reference(unit, id).await?;
            Ok::<_, Error>(found.is_some_and(|it| it.reason == Some(ReasonCode::ERASED)))
        };
        match stored || is_left().await? {
            true => Ok(()),
            false => Err(Error::Conflict(
                "the reference was submitted again meanwhile",
            )),
        }
    }
}

fn version(
    key: Option<&str>,
    version_id: Option<&str>,
    is_marker: bool,
    last_modified: Option<&aws_sdk_s3::primitives::DateTime>,
) -> Result<Option<ObjectVersion>> {
    let key = ObjectKey::parse(key.unwrap_or_default()).ok();
    let (Some(key), Some(version_id)) = (key, version_id) else {
        return Ok(None);
    };
    Ok(Some(ObjectVersion {
        key,
        version_id: version_id.to_owned(),
        is_marker,
        last_modified: time(last_modified)?,
    }))
}
