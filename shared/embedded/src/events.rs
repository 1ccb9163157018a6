//! The messages that S3 sends to queues when an object is created, or removed.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::queue;
use crate::versions::Version;
use crate::{ACCOUNT, REGION};

/// Why an object version came to be, or went, as the event says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Put,
    Post,
    Copy,
    CompleteMultipartUpload,
    /// A delete marker came to lie on a key.
    DeleteMarker,
    /// A version was removed for good.
    Delete,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::Put => "ObjectCreated:Put",
            Self::Post => "ObjectCreated:Post",
            Self::Copy => "ObjectCreated:Copy",
            Self::CompleteMultipartUpload => "ObjectCreated:CompleteMultipartUpload",
            Self::DeleteMarker => "ObjectRemoved:DeleteMarkerCreated",
            Self::Delete => "ObjectRemoved:Delete",
        }
    }

    /// The table of those who asked to hear of it.
    pub(crate) fn heard_by(self) -> &'static str {
        match self {
            Self::DeleteMarker | Self::Delete => "removal_notifications",
            _ => "notifications",
        }
    }
}

/// What S3 leaves as it is in an event's key. A space becomes `+` afterwards.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b' ');

/// A key as S3 writes it into events: a form's encoding, with `/` left as it is.
pub(crate) fn encode_key(key: &str) -> String {
    percent_encode(key.as_bytes(), KEPT)
        .to_string()
        .replace(' ', "+")
}

/// Writes the event of a version to every queue that asked for it, in the transaction that adds or
/// removes the version. Hands back those queues, to be woken after the commit.
pub(crate) fn enqueue(
    db: &Connection,
    bucket: &str,
    version: &Version,
    cause: Cause,
    sent_at: Timestamp,
) -> rusqlite::Result<Vec<String>> {
    let queues: Vec<String> = db
        .prepare_cached(&format!(
            "SELECT DISTINCT queue FROM {}
             WHERE bucket = ?1 AND substr(?2, 1, length(prefix)) = prefix",
            cause.heard_by()
        ))?
        .query_map(params![bucket, version.key.as_bytes()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for queue in &queues {
        let body = event(bucket, version, cause, queue).to_string();
        queue::insert(db, queue, &body, sent_at)?;
    }
    Ok(queues)
}

/// The event of one version, as AWS documents it (event version 2.1); that of a removed one says
/// less there.
fn event(bucket: &str, version: &Version, cause: Cause, configuration: &str) -> Value {
    json!({"Records": [{
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": REGION,
        "eventTime": format!("{:.3}", version.modified),
        "eventName": cause.name(),
        "userIdentity": {"principalId": ACCOUNT},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {
            "x-amz-request-id": version.version_id,
            "x-amz-id-2": version.version_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": configuration,
            "bucket": {
                "name": bucket,
                "ownerIdentity": {"principalId": ACCOUNT},
                "arn": format!("arn:aws:s3:::{bucket}"),
            },
            "object": {
                "key": encode_key(&version.key),
                "size": version.size_bytes,
                "eTag": version.etag,
                "versionId": version.version_id,
                "sequencer": format!("{:016X}", version.seq),
            },
        },
    }]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_encoded_as_s3_does() {
        for (key, encoded) in [
            ("ads/unit/photo.jpg", "ads/unit/photo.jpg"),
            ("happy face.jpg", "happy+face.jpg"),
            ("a+b&c=d%20", "a%2Bb%26c%3Dd%2520"),
            ("../x", "../x"),
            ("é\u{1F600}(1)", "%C3%A9%F0%9F%98%80%281%29"),
        ] {
            assert_eq!(encode_key(key), encoded);
        }
    }
}
