//! What S3 tells a queue about a new object, or one that was deleted.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;

use crate::ObjectKey;
use crate::text::{Malformed, redacted};

/// One new object, as an S3 event names it. Nothing of it is trusted: the key is parsed by
/// the caller knows which kind of key it must be, the size is only a hint.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket's name.
    pub bucket: String,
    /// The key as the event spells it: URL-encoded, a space as `+`.
    pub encoded_key: String,
    /// The object's version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// Bytes of the object, if the event says so.
    pub size_bytes: Option<u64>,
    /// Whether it is to become part of the searchable set once more, whatever is known of it: the set
    /// is being made again. Only `upkeep` says so.
    pub is_rebuild: bool,
}

impl std::fmt::Debug for ObjectCreated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        redacted(f)
    }
}

/// A key that was deleted, or one version of it: what lies there now, only S3 can tell. As
/// little of it is trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectRemoved {
    /// The bucket's name.
    pub bucket: String,
    /// The key as the event spells it: URL-encoded, a space as `+`.
    pub encoded_key: String,
}

impl std::fmt::Debug for ObjectRemoved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        redacted(f)
    }
}

impl ObjectRemoved {
    /// The deletes of one S3 notification, in its order; none if it tells of other things.
    ///
    /// # Errors
    /// [`Malformed`] if it is not the JSON of a notification.
    pub fn parse(body: &str) -> Result<Vec<Self>, Malformed> {
        let removed = records(body, "ObjectRemoved:")?.map(|record| Self {
            bucket: record.s3.bucket.name,
            encoded_key: record.s3.object.key,
        });
        Ok(removed.collect())
    }
}

/// The records of a notification that are of one kind.
fn records(body: &str, kind: &'static str) -> Result<impl Iterator<Item = Record>, Malformed> {
    let notification: Notification = serde_json::from_str(body).map_err(|_| Malformed {
        what: "S3 event",
        rule: "it is not the JSON of a notification",
    })?;
    let records = notification.records.into_iter();
    Ok(records.filter(move |record| record.event_name.starts_with(kind)))
}

/// The message S3 sends once when notifications are set up has no records.
#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records", default)]
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName", default)]
    event_name: String,
    s3: Entity,
}

#[derive(Deserialize)]
struct Entity {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    key: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(rename = "versionId", default)]
    version_id: Option<String>,
}

impl ObjectCreated {
    /// The new objects of one S3 notification, in its order; none for S3's test message and for
    /// events of another kind.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
    ///
    /// # Errors
    /// [`Malformed`] if it is not the JSON of a notification.
    pub fn parse(body: &str) -> Result<Vec<Self>, Malformed> {
        Ok(records(body, "ObjectCreated:")?.map(Self::of).collect())
    }

    /// The message that makes the reader of a bucket's queue look at the newest version of an object
    /// once more: as S3 would tell of it.
    pub fn message(bucket: &str, key: &ObjectKey) -> String {
        let key = utf8_percent_encode(key.as_str(), NON_ALPHANUMERIC).to_string();
        let entity = json!({"bucket": {"name": bucket}, "object": {"key": key}});
        Self::told(&entity, "ObjectCreated:Again")
    }

    /// As [`ObjectCreated::message`], for a set that is being made again.
    pub fn rebuild_message(bucket: &str, key: &ObjectKey) -> String {
        let key = utf8_percent_encode(key.as_str(), NON_ALPHANUMERIC).to_string();
        let entity = json!({"bucket": {"name": bucket}, "object": {"key": key}});
        Self::told(&entity, REBUILD)
    }

    fn told(entity: &serde_json::Value, event_name: &str) -> String {
        let record = json!({"eventSource": "aws:s3", "eventName": event_name, "s3": entity});
        json!({ "Records": [record] }).to_string()
    }

    fn of(record: Record) -> Self {
        let is_rebuild = record.event_name == REBUILD;
        let Object {
            key,
            size,
            version_id,
        } = record.s3.object;
        Self {
            bucket: record.s3.bucket.name,
            encoded_key: key,
            version_id: version_id.filter(|id| !id.is_empty() && id != "null"),
            size_bytes: size,
            is_rebuild,
        }
    }
}

/// The event that no S3 sends.
const REBUILD: &str = "ObjectCreated:Rebuild";

#[cfg(test)]
mod tests {
    use super::*;

    fn notification(event_name: &str, object: &str) -> String {
        format!(
            r#"{{"Records":[{{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"{event_name}",
            "s3":{{"s3SchemaVersion":"1.0","bucket":{{"name":"ads","arn":"arn:aws:s3:::ads"}},"object":{object}}}}}]}}"#
        )
    }

    #[test]
    fn a_put_names_its_object_and_version() {
        let body = notification(
            "ObjectCreated:Put",
            r#"{"key":"ads/a/b+c.jpg","size":7,"versionId":"v1"}"#,
        );
        let [created] = &ObjectCreated::parse(&body).unwrap()[..] else {
            panic!("one object")
        };
        assert_eq!(created.encoded_key, "ads/a/b+c.jpg");
        assert_eq!(created.version_id.as_deref(), Some("v1"));
        assert_eq!(created.size_bytes, Some(7));
    }

    #[test]
    fn a_message_of_ours_names_the_newest_version_of_any_key() {
        for name in [
            "ads/a/b c+d%20.jpg",
            "ads/a/\u{e9}\"\\\u{1}?#&.jpg",
            "ads/a/b.zip//part-1",
        ] {
            let key = ObjectKey::parse(name).unwrap();
            let body = ObjectCreated::message("ads", &key);
            let [created] = &ObjectCreated::parse(&body).unwrap()[..] else {
                panic!("one object")
            };
            assert_eq!(ObjectKey::from_event(&created.encoded_key), Ok(key));
            assert_eq!((&*created.bucket, &created.version_id), ("ads", &None));
        }
    }

    #[test]
    fn an_unversioned_bucket_gives_no_version() {
        for object in [
            r#"{"key":"k"}"#,
            r#"{"key":"k","versionId":""}"#,
            r#"{"key":"k","versionId":"null"}"#,
        ] {
            let body = notification("ObjectCreated:Copy", object);
            assert_eq!(
                ObjectCreated::parse(&body).unwrap()[0].version_id,
                None,
                "{object}"
            );
        }
    }

    #[test]
    fn the_test_message_and_other_events_name_nothing() {
        let test = r#"{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"ads"}"#;
        assert_eq!(ObjectCreated::parse(test), Ok(vec![]));
        assert_eq!(ObjectRemoved::parse(test), Ok(vec![]));
        let removed = notification("ObjectRemoved:Delete", r#"{"key":"k"}"#);
        assert_eq!(ObjectCreated::parse(&removed), Ok(vec![]));
        let created = notification("ObjectCreated:Put", r#"{"key":"k"}"#);
        assert_eq!(ObjectRemoved::parse(&created), Ok(vec![]));
    }

    #[test]
    fn a_delete_names_its_key_whatever_it_left() {
        for (name, object) in [
            ("Delete", r#"{"key":"a+b","sequencer":"1"}"#),
            (
                "DeleteMarkerCreated",
                r#"{"key":"a+b","versionId":"v2","eTag":"e"}"#,
            ),
        ] {
            let body = notification(&format!("ObjectRemoved:{name}"), object);
            let expected = ObjectRemoved {
                bucket: "ads".to_owned(),
                encoded_key: "a+b".to_owned(),
            };
            assert_eq!(ObjectRemoved::parse(&body), Ok(vec![expected]), "{name}");
        }
    }

    #[test]
    fn hostile_bodies_are_malformed_not_fatal() {
        let deep = "[".repeat(10_000);
        for body in ["", "null", "{\"Records\":7}", "{\"Records\":[{}]}", &deep] {
            assert!(ObjectCreated::parse(body).is_err(), "{:.20}", body);
        }
    }

    #[test]
    fn a_printed_event_shows_no_key() {
        let body = notification("ObjectCreated:Put", r#"{"key":"secret"}"#);
        assert!(!format!("{:?}", ObjectCreated::parse(&body)).contains("secret"));
    }
}
