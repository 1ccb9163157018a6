//! Between the fields of `s3s`' inputs and outputs and what a row keeps.

use std::time::SystemTime;

use http::HeaderName;
use s3s::S3ErrorCode;
use s3s::dto::{Checksum, ETag, Metadata, Timestamp, TimestampFormat};

use crate::digests;
use crate::versions::{Headers, Version};

/// User metadata is kept under its header's name.
const USER: &str = "x-amz-meta-";
const CHECKSUM: &str = "x-amz-checksum-";

/// How much user metadata an object may have, in bytes of names and values, as S3 has it.
const METADATA_BYTES_MAX: usize = 2_048;

/// The headers to keep: those that have a value, and the user's metadata.
///
/// # Errors
/// `MetadataTooLarge`; `InvalidArgument` for what could not be sent back as a header, as a form's
/// fields can hold.
pub(super) fn headers(
    standard: [(&str, Option<String>); 5],
    expires: Option<&Timestamp>,
    metadata: Option<Metadata>,
) -> Result<Headers, S3ErrorCode> {
    let metadata = metadata.unwrap_or_default();
    let sizes = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len());
    if sizes.sum::<usize>() > METADATA_BYTES_MAX {
        return Err(S3ErrorCode::MetadataTooLarge);
    }
    let mut headers = Headers::new();
    for (name, value) in standard {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    }
    headers.extend(
        expires
            .and_then(http_date)
            .map(|date| ("expires".to_owned(), date)),
    );
    for (name, value) in metadata {
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
    let fits = |(name, value): (&String, &String)| {
        HeaderName::from_bytes(name.as_bytes()).is_ok() && !value.chars().any(char::is_control)
    };
    if headers.iter().all(fits) {
        Ok(headers)
    } else {
        Err(S3ErrorCode::InvalidArgument)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content_type: &str, (name, value): (&str, &str), expected: Result<(), S3ErrorCode>) {
        let standard = [
            ("content-type", Some(content_type.to_owned())),
            ("content-encoding", Some("aws-chunked, gzip".to_owned())),
            ("cache-control", None),
            ("content-disposition", None),
            ("content-language", None),
        ];
        let metadata = Metadata::from([(name.to_owned(), value.to_owned())]);
        let headers = headers(standard, None, Some(metadata));
        let outcome = headers.as_ref().map(|_| ()).map_err(Clone::clone);
        assert_eq!(outcome, expected, "{name}: {value}");
        if let Ok(headers) = headers {
            assert_eq!(headers["content-encoding"], "gzip");
            assert_eq!(headers["x-amz-meta-place"], value);
        }
    }

    #[test]
    fn only_what_can_be_sent_back_is_kept() {
        let refused = Err(S3ErrorCode::InvalidArgument);
        check("image/jpeg", ("Place", "Київ"), Ok(()));
        check("image/jpeg\r\nx: y", ("place", "x"), refused.clone());
        check("image/jpeg", ("place", "\u{1}"), refused.clone());
        check("image/jpeg", ("pl ace", "x"), refused);
        let long = "x".repeat(METADATA_BYTES_MAX);
        check(
            "image/jpeg",
            ("place", &long),
            Err(S3ErrorCode::MetadataTooLarge),
        );
    }
}
