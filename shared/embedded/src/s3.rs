//! The S3 protocol, by `s3s`, over the store. This file is the table of operations; each area has
//! its own file.
#![allow(
    clippy::disallowed_methods,
    reason = "a signature is valid for minutes"
)]

mod access;
mod body;
mod buckets;
mod conditions;
mod copies;
mod deletes;
mod fields;
mod lists;
mod messages;
mod multipart;
mod objects;
mod signed;

use std::ops::Deref;
use std::sync::Arc;

use jiff::Timestamp;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{HttpError, HttpRequest, HttpResponse, S3, S3Request, S3Response, S3Result};

pub(crate) use self::signed::is_fresh;
use crate::folder::AccessKey;
use crate::key_pairs::KeyPairs;
use crate::object_store::ObjectStore;
use crate::rules::HostRules;

/// The largest object that a POST form may carry, in bytes: `s3s` holds the file in memory.
pub(crate) const POST_BYTES_MAX: u64 = 128 << 20;

/// How old a POST form's signature may be, in seconds. S3 lets the policy's own expiry decide, at
/// most seven days after signing; `s3s` applies its clock-skew limit instead, so that is raised
/// here, and [`signed`] applies the usual limit to all other requests.
const FORM_AGE_MAX_S: u32 = 7 * 24 * 60 * 60;

/// The S3 service over a store, for the programs in this process, which sign with the key.
pub(crate) fn inside(
    store: Arc<ObjectStore>,
    owner: &AccessKey,
    pairs: Arc<KeyPairs>,
) -> S3Service {
    let signers = access::Signers {
        owner: owner.clone(),
        pairs,
    };
    let mut builder = builder(store, HostRules::default(), signers.clone());
    builder.set_access(access::Inside(signers));
    builder.build()
}

/// The S3 service over a store as it stands at a port.
#[derive(Clone)]
pub(crate) struct S3PortService(S3Service);

impl S3PortService {
    /// For clients that sign with the owner's key or one of the pairs, by the host's rules.
    pub(crate) fn new(
        store: Arc<ObjectStore>,
        owner: &AccessKey,
        pairs: Arc<KeyPairs>,
        rules: HostRules,
    ) -> Self {
        let signers = access::Signers {
            owner: owner.clone(),
            pairs,
        };
        let mut builder = builder(store, rules.clone(), signers.clone());
        builder.set_access(access::Outside { signers, rules });
        Self(builder.build())
    }

    /// Answers a request.
    ///
    /// # Errors
    /// A connection that broke.
    pub(crate) async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let answer = match signed::check(request.uri(), request.headers(), Timestamp::now()) {
            Ok(()) => self.0.call(request).await?,
            Err(refused) => refused
                .to_http_response()
                .map_err(|error| HttpError::new(Box::new(error)))?,
        };
        Ok(messages::with_messages(answer))
    }
}

fn builder(
    store: Arc<ObjectStore>,
    rules: HostRules,
    signers: access::Signers,
) -> S3ServiceBuilder {
    let mut config = S3Config::default();
    config.post_object_max_file_size = POST_BYTES_MAX;
    config.presigned_url_max_skew_time_secs = FORM_AGE_MAX_S;
    let mut builder = S3ServiceBuilder::new(Server { store, rules });
    builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
    builder.set_auth(signers);
    builder
}

/// One S3 service.
struct Server {
    store: Arc<ObjectStore>,
    rules: HostRules,
}

impl Deref for Server {
    type Target = Arc<ObjectStore>;

    fn deref(&self) -> &Arc<ObjectStore> {
        &self.store
    }
}

/// Writes the operations that one function each answers.
macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ident = $answer:path;)*) => {
        #[async_trait::async_trait]
        impl S3 for Server {$(
            async fn $operation(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                $answer(self, request).await
            }
        )*}
    };
}

// POST Object comes through `put_object`: `s3s` checks the policy and turns the form into a put.
operations! {
    create_bucket(CreateBucketInput) -> CreateBucketOutput = buckets::create;
    head_bucket(HeadBucketInput) -> HeadBucketOutput = buckets::head;
    delete_bucket(DeleteBucketInput) -> DeleteBucketOutput = buckets::delete;
    list_buckets(ListBucketsInput) -> ListBucketsOutput = buckets::list;
    get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput = buckets::location;
    get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput
        = buckets::versioning;
    put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput
        = buckets::set_versioning;
    put_object(PutObjectInput) -> PutObjectOutput = objects::put;
    get_object(GetObjectInput) -> GetObjectOutput = objects::get;
    head_object(HeadObjectInput) -> HeadObjectOutput = objects::head;
    copy_object(CopyObjectInput) -> CopyObjectOutput = copies::copy;
    delete_object(DeleteObjectInput) -> DeleteObjectOutput = deletes::delete;
    delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput = deletes::delete_many;
    list_objects(ListObjectsInput) -> ListObjectsOutput = lists::first_form;
    list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output = lists::second_form;
    list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput = lists::versions;
    create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput
        = multipart::create;
    upload_part(UploadPartInput) -> UploadPartOutput = multipart::put_part;
    upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput = multipart::copy_part;
    complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput
        = multipart::complete;
    abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput
        = multipart::abort;
    list_parts(ListPartsInput) -> ListPartsOutput = multipart::list_parts;
    list_multipart_uploads(ListMultipartUploadsInput) -> ListMultipartUploadsOutput
        = multipart::list_uploads;
}
