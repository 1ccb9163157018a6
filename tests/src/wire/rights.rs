//! Which rights a call takes: its action on its resource, in the words of IAM and of the template.
//!
//! By the service authorization reference of AWS, which says for each API operation what a policy
//! must allow. What no rule below knows gives a right that no role can have, so that it shows.

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use store::Names;

/// An action on a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// E.g. `dynamodb:PutItem`.
    pub action: String,
    /// The template's logical id: `AdsTable`, `AdsBucket`, and for objects the folder they lie in,
    /// `AdsBucket/ads/*`; a key with the bucket that it is used for, `PhotoKey for AdsBucket`.
    pub resource: String,
}

impl Right {
    /// An action on a resource.
    pub fn new(action: impl Into<String>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
        }
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)
    }
}

/// What a call of DynamoDB takes: a transaction, the right to each of its steps; a batch, its own.
pub fn of_dynamodb(operation: &str, body: &Value, names: &Names) -> Vec<Right> {
    let on = |action: &str, table: &Value| {
        let table = table.as_str().unwrap_or_default();
        Right::new(format!("dynamodb:{action}"), table_id(table, names))
    };
    match operation {
        "TransactWriteItems" => steps(body)
            .map(|(kind, step)| on(action_of_step(kind), &step["TableName"]))
            .collect(),
        "TransactGetItems" => steps(body)
            .map(|(_, step)| on("GetItem", &step["TableName"]))
            .collect(),
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables
                .map(|(table, _)| on(operation, &Value::from(table.as_str())))
                .collect()
        }
        _ => vec![on(operation, &body["TableName"])],
    }
}

/// The steps of a transaction, each with its kind.
pub(super) fn steps(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let steps = body["TransactItems"].as_array().into_iter().flatten();
    steps
        .filter_map(Value::as_object)
        .flatten()
        .map(|(kind, step)| (kind.as_str(), step))
}

fn action_of_step(kind: &str) -> &str {
    match kind {
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        unknown => unknown,
    }
}

/// `homeward-ads-tail` is `AdsTailTable`.
fn table_id(table: &str, names: &Names) -> String {
    let Some(suffix) = table.strip_prefix(&names.table_prefix) else {
        return format!("a table of somebody else's: {table}");
    };
    let title = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    };
    suffix.split('-').map(title).collect::<String>() + "Table"
}

/// What a call of S3 is and takes. A form counts for who signed it: S3 asks whether the signer may.
pub fn of_s3(
    asked: &Parts,
    body: &[u8],
    status: StatusCode,
    names: &Names,
) -> (String, Vec<Right>) {
    let path = percent_decode_str(asked.uri.path().trim_start_matches('/')).decode_utf8_lossy();
    let (bucket, key) = path.split_once('/').unwrap_or((&path, ""));
    let target = Target::of(bucket, key, asked.uri.query().unwrap_or_default(), names);
    let has = |name: &str| target.parameter(name).is_some();
    match (&asked.method, key.is_empty()) {
        (&Method::GET, true) if target.parameter("list-type") == Some("2") => {
            ("ListObjectsV2".into(), vec![target.bucket("s3:ListBucket")])
        }
        (&Method::GET, true) if has("versions") => (
            "ListObjectVersions".into(),
            vec![target.bucket("s3:ListBucketVersions")],
        ),
        (&Method::POST, true) if has("delete") => ("DeleteObjects".into(), target.deletes(body)),
        (&Method::POST, true) => ("PostObject".into(), target.writes()),
        (&Method::GET | &Method::HEAD, false) => target.reads(&asked.method, status),
        (&Method::PUT, false) if !has("uploadId") => target.puts(&asked.headers),
        (&Method::DELETE, false) if !has("uploadId") => {
            ("DeleteObject".into(), vec![target.delete(has("versionId"))])
        }
        (method, _) => {
            let unknown = format!("{method} with {:?}", target.query);
            (unknown.clone(), vec![target.bucket(&unknown)])
        }
    }
}

/// What a request is about.
struct Target<'a> {
    bucket: String,
    folder: String,
    query: Vec<(&'a str, &'a str)>,
}

impl<'a> Target<'a> {
    fn of(bucket: &str, key: &str, query: &'a str, names: &Names) -> Self {
        let (id, folder) = match bucket {
            _ if bucket == names.ads_bucket => ("AdsBucket", "ads"),
            _ if bucket == names.references_bucket => ("ReferencesBucket", "references"),
            _ if bucket == names.segments_bucket => ("SegmentsBucket", "both sets"),
            _ => ("a bucket of somebody else's", ""),
        };
        // The key of a form stands in its fields; its policy binds it to the folder.
        let folder = match key.split_once('/') {
            Some((first, _)) => first,
            None => folder,
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self {
            bucket: id.to_owned(),
            folder: folder.to_owned(),
            query: pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .collect(),
        }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        let found = self.query.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value)
    }

    fn bucket(&self, action: &str) -> Right {
        Right::new(action, &self.bucket)
    }

    fn objects(&self, action: &str) -> Right {
        Right::new(action, format!("{}/{}/*", self.bucket, self.folder))
    }

    fn key(&self, action: &str) -> Right {
        Right::new(action, format!("PhotoKey for {}", self.bucket))
    }

    fn delete(&self, version: bool) -> Right {
        self.objects(match version {
            true => "s3:DeleteObjectVersion",
            false => "s3:DeleteObject",
        })
    }

    fn deletes(&self, body: &[u8]) -> Vec<Right> {
        let named = |tag: &str| String::from_utf8_lossy(body).matches(tag).count();
        let (keys, versions) = (named("<Key>"), named("<VersionId>"));
        let mut rights = vec![self.delete(true); versions];
        rights.extend(vec![self.delete(false); keys.saturating_sub(versions)]);
        rights
    }

    fn writes(&self) -> Vec<Right> {
        vec![
            self.objects("s3:PutObject"),
            self.key("kms:GenerateDataKey"),
        ]
    }

    /// Who may not list a bucket is told 403 of an object that is not there, and not 404.
    fn reads(&self, method: &Method, status: StatusCode) -> (String, Vec<Right>) {
        let operation = if method == Method::GET {
            "GetObject"
        } else {
            "HeadObject"
        };
        let mut rights = vec![self.objects(match self.parameter("versionId") {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        })];
        if status == StatusCode::NOT_FOUND {
            rights.push(self.bucket("s3:ListBucket"));
        } else {
            rights.push(self.key("kms:Decrypt"));
        }
        (operation.to_owned(), rights)
    }

    fn puts(&self, headers: &HeaderMap) -> (String, Vec<Right>) {
        let mut rights = self.writes();
        let has = |name: &str| headers.contains_key(name);
        if has("x-amz-tagging") {
            rights.push(self.objects("s3:PutObjectTagging"));
        }
        // "If-Match" on a write takes the right to read, since it tells what is there.
        if has("if-match") {
            rights.push(self.objects("s3:GetObject"));
        }
        let Some(source) = headers.get("x-amz-copy-source") else {
            return ("PutObject".into(), rights);
        };
        // All our copies are of an object onto itself; another source would show as a lack.
        let source = String::from_utf8_lossy(source.as_bytes());
        let version = source.contains("versionId=");
        rights.push(self.objects(match version {
            true => "s3:GetObjectVersion",
            false => "s3:GetObject",
        }));
        rights.push(self.key("kms:Decrypt"));
        ("CopyObject".into(), rights)
    }
}
