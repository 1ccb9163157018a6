//! Who may do what. The folder's own key pair may do everything that the host's rules allow; a pair
//! that is held to a part of S3 reads, writes, lists and deletes there, and nothing else anywhere;
//! no other client may do anything.

use std::sync::Arc;

use http::{HeaderMap, Method};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::dto::*;
use s3s::path::S3Path;
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};

use super::messages;
use super::signed;
use crate::folder::AccessKey;
use crate::key_pairs::{KeyPairs, Reach};
use crate::rules::HostRules;

/// What a held pair may do with a key that it reaches.
const ON_KEYS: [&str; 11] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "GetObject",
    "HeadObject",
    "ListParts",
    "PutObject",
    "UploadPart",
    "UploadPartCopy",
];

/// What it may do with a bucket that it reaches into: each that tells or takes keys is looked at
/// again once its prefix or keys are read.
const ON_BUCKETS: [&str; 9] = [
    "DeleteObjects",
    "GetBucketLocation",
    "GetBucketVersioning",
    "HeadBucket",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "PostObject",
];

/// The access lists that change nothing, as nothing here has another owner.
const OWNERS_ACLS: [&str; 2] = ["bucket-owner-full-control", "private"];

/// Who may sign.
#[derive(Clone)]
pub(super) struct Signers {
    pub(super) owner: AccessKey,
    pub(super) pairs: Arc<KeyPairs>,
}

#[async_trait::async_trait]
impl S3Auth for Signers {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        if access_key == self.owner.id {
            return Ok(SecretKey::from(self.owner.secret.clone()));
        }
        let held = self.pairs.secret(access_key);
        held.map(SecretKey::from)
            .ok_or_else(|| refusal(S3ErrorCode::InvalidAccessKeyId))
    }
}

impl Signers {
    /// Whether who signed may do this with a key of a bucket, or with all that start with it.
    fn reaches(&self, who: Option<&Credentials>, bucket: &str, key: &str) -> S3Result<()> {
        self.any(who, |reach| {
            reach.bucket == bucket && key.starts_with(&reach.prefix)
        })
    }

    fn any(&self, who: Option<&Credentials>, fits: impl Fn(&Reach) -> bool) -> S3Result<()> {
        let id = who.map(|who| who.access_key.as_str());
        let id = id.ok_or_else(|| refusal(S3ErrorCode::AccessDenied))?;
        if id == self.owner.id {
            return Ok(());
        }
        let reaches = self.pairs.reaches(id).unwrap_or_default();
        if reaches.iter().any(fits) {
            return Ok(());
        }
        let within: Vec<_> = reaches
            .iter()
            .map(|reach| format!("s3://{}/{}", reach.bucket, reach.prefix))
            .collect();
        let words = format!("This key pair reaches {} only", within.join(" and "));
        Err(S3Error::with_message(S3ErrorCode::AccessDenied, words))
    }

    /// Whether who signed may do this operation here, as far as the address tells.
    fn check(&self, cx: &S3AccessContext<'_>) -> S3Result<()> {
        let (who, operation) = (cx.credentials(), cx.s3_op().name());
        match cx.s3_path() {
            S3Path::Object { bucket, key } if ON_KEYS.contains(&operation) => {
                self.reaches(who, bucket, key)
            }
            S3Path::Bucket { bucket } if ON_BUCKETS.contains(&operation) => {
                self.any(who, |reach| *reach.bucket == **bucket)
            }
            _ => self.any(who, |_| false),
        }
    }
}

/// An error with our sentence for its code.
pub(super) fn refusal(code: S3ErrorCode) -> S3Error {
    let words = messages::of(code.as_str());
    S3Error::with_message(code, words)
}

/// In this process only the programs themselves ask, as the folder's owner: the host's rules are for
/// those who come from outside.
pub(super) struct Inside(pub(super) Signers);

#[async_trait::async_trait]
impl S3Access for Inside {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.0.check(cx)
    }
}

/// What is checked of who comes by a port.
pub(super) struct Outside {
    pub(super) signers: Signers,
    pub(super) rules: HostRules,
}

impl Outside {
    /// Whether an object may come to lie under a key.
    async fn admit<T>(&self, request: &S3Request<T>, bucket: &str, key: &str) -> S3Result<()> {
        self.signers
            .reaches(request.credentials.as_ref(), bucket, key)?;
        self.rules.admit(bucket, key).await
    }

    fn lists<T>(&self, request: &S3Request<T>, bucket: &str, prefix: Option<&str>) -> S3Result<()> {
        let who = request.credentials.as_ref();
        self.signers
            .reaches(who, bucket, prefix.unwrap_or_default())
    }

    fn copies<T>(&self, request: &S3Request<T>, source: &CopySource) -> S3Result<()> {
        let who = request.credentials.as_ref();
        match source {
            CopySource::Bucket { bucket, key, .. } => self.signers.reaches(who, bucket, key),
            _ => Err(refusal(S3ErrorCode::NotImplemented)),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Outside {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        self.signers.check(cx)?;
        self.rules.may_change_buckets(cx.s3_op().name())?;
        changes_no_owner(cx.headers())
    }

    /// Forms come here too.
    async fn put_object(&self, request: &mut S3Request<PutObjectInput>) -> S3Result<()> {
        // Only a signature of version 4 names a region.
        if request.method == Method::POST && request.region.is_none() {
            return Err(signed::version_2());
        }
        let input = &request.input;
        is_owners(input.acl.as_ref().map(ObjectCannedACL::as_str))?;
        self.admit(request, &input.bucket, &input.key).await
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let input = &request.input;
        self.copies(request, &input.copy_source)?;
        self.admit(request, &input.bucket, &input.key).await
    }

    async fn create_multipart_upload(
        &self,
        request: &mut S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<()> {
        let input = &request.input;
        self.admit(request, &input.bucket, &input.key).await
    }

    async fn upload_part_copy(&self, request: &mut S3Request<UploadPartCopyInput>) -> S3Result<()> {
        self.copies(request, &request.input.copy_source)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let (input, who) = (&request.input, request.credentials.as_ref());
        let mut objects = input.delete.objects.iter();
        objects.try_for_each(|object| self.signers.reaches(who, &input.bucket, &object.key))
    }

    async fn list_objects(&self, request: &mut S3Request<ListObjectsInput>) -> S3Result<()> {
        let input = &request.input;
        self.lists(request, &input.bucket, input.prefix.as_deref())
    }

    async fn list_objects_v2(&self, request: &mut S3Request<ListObjectsV2Input>) -> S3Result<()> {
        let input = &request.input;
        self.lists(request, &input.bucket, input.prefix.as_deref())
    }

    async fn list_object_versions(
        &self,
        request: &mut S3Request<ListObjectVersionsInput>,
    ) -> S3Result<()> {
        let input = &request.input;
        self.lists(request, &input.bucket, input.prefix.as_deref())
    }

    async fn list_multipart_uploads(
        &self,
        request: &mut S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<()> {
        let input = &request.input;
        self.lists(request, &input.bucket, input.prefix.as_deref())
    }
}

/// Access lists are refused, as S3 does in buckets whose owner is enforced: no client is to believe that
/// something was made public, or private, by one.
fn changes_no_owner(headers: &HeaderMap) -> S3Result<()> {
    let grants = headers
        .keys()
        .any(|name| name.as_str().starts_with("x-amz-grant-"));
    is_owners(grants.then_some("grant"))?;
    let mut lists = headers.get_all("x-amz-acl").iter();
    lists.try_for_each(|list| is_owners(Some(list.to_str().unwrap_or_default())))
}

fn is_owners(acl: Option<&str>) -> S3Result<()> {
    if acl.is_none_or(|acl| OWNERS_ACLS.contains(&acl)) {
        return Ok(());
    }
    Err(S3Error::with_message(
        S3ErrorCode::AccessControlListNotSupported,
        "The bucket does not allow ACLs: leave x-amz-acl and x-amz-grant- headers out",
    ))
}
