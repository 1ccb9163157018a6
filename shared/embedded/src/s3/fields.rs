//! Between the fields of `s3s`' inputs and outputs and what a row keeps.

use std::time::SystemTime;

use s3s::dto::{Checksum, ETag, Metadata, Timestamp, TimestampFormat};

use crate::digests;
use crate::versions::{Headers, Version};

/// User metadata is kept under its header's name.
const USER: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-";

/// The headers to keep: those that have a value, and the user's metadata.
pub(super) fn headers(
    standard: [(&str, Option<String>); 5],
    expires: Option<&Timestamp>,
    metadata: Option<Metadata>,
) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in standard {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    }
    headers.extend(
        expires
            .and_then(http_date)
            .map(|date| ("expires".to_owned(), date)),
    );
    for (name, value) in metadata.into_iter().flatten() {
        headers.insert(format!("{USER}{}", name.to_ascii_lowercase()), value);
    }
    // The chunks of an upload are no encoding of the object.
    if let Some(encoding) = headers.remove("content-encoding") {
        let kept: Vec<_> = encoding
            .split(',')
            .map(str::trim)
            .filter(|part| *part != "aws-chunked")
            .collect();
        if !kept.join("").is_empty() {
            headers.insert("content-encoding".to_owned(), kept.join(", "));
        }
    }
    headers
}

pub(super) fn metadata(headers: &Headers) -> Option<Metadata> {
    let metadata: Metadata = headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(USER)?.to_owned(), value.clone())))
        .collect();
    (!metadata.is_empty()).then_some(metadata)
}

pub(super) fn keep_checksums(headers: &mut Headers, checksums: &Checksum) {
    for (name, value) in digests::named(checksums) {
        headers.insert(format!("{CHECKSUM}{name}"), value.to_owned());
    }
}

pub(super) fn checksums(headers: &Headers) -> Checksum {
    let mut checksums = Checksum::default();
    for (name, value) in headers {
        if let Some(name) = name.strip_prefix(CHECKSUM) {
            digests::set(&mut checksums, name, Some(value.clone()));
        }
    }
    checksums
}

pub(super) fn expires(headers: &Headers) -> Option<Timestamp> {
    Timestamp::parse(TimestampFormat::HttpDate, headers.get("expires")?).ok()
}

fn http_date(time: &Timestamp) -> Option<String> {
    let mut text = Vec::new();
    time.format(TimestampFormat::HttpDate, &mut text).ok()?;
    String::from_utf8(text).ok()
}

pub(super) fn etag(version: &Version) -> ETag {
    ETag::Strong(version.etag.clone())
}

pub(super) fn time(time: jiff::Timestamp) -> Timestamp {
    SystemTime::from(time).into()
}

/// A time in whole seconds, as HTTP headers have it.
pub(super) fn whole_seconds(time: jiff::Timestamp) -> Timestamp {
    let whole = jiff::Timestamp::from_second(time.as_second()).unwrap_or(time);
    SystemTime::from(whole).into()
}

pub(super) fn size(version: &Version) -> Option<i64> {
    i64::try_from(version.size_bytes).ok()
}
