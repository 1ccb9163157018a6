//! What S3 asks of a signature and `s3s` 0.14.1 does not: checked before it sees a request. Once the
//! pin may move to a release with its pull requests 818 and 830, most of this can go.

use http::{HeaderMap, Uri, header};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use s3s::{S3Error, S3ErrorCode, S3Result};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// How far a signed request's date may be from ours, in seconds, as S3 has it.
const SKEW_MAX_S: i64 = 15 * 60;

/// How long an address may be valid, in seconds, as S3 has it: a week.
const EXPIRES_MAX_S: u64 = 7 * 24 * 60 * 60;

/// Refuses signatures of version 2, addresses that are valid for too long or not yet, stale headers,
/// and `x-amz-` headers that were not signed. Whether a signature is right is for `s3s` to say.
///
/// A form carries its signature in its fields: [`super::access`] looks at that.
///
/// # Errors
/// S3's codes, with the sentence that the client is told.
pub(super) fn check(uri: &Uri, headers: &HeaderMap, now: Timestamp) -> S3Result<()> {
    let query = pairs(uri.query().unwrap_or_default());
    let in_query = query.iter().any(|(name, _)| name == "X-Amz-Signature");
    let by_header = headers.get(header::AUTHORIZATION);
    let signed = match (by_header, in_query) {
        _ if query.iter().any(|(name, _)| name == "Signature") => return Err(version_2()),
        (Some(_), true) => {
            let words = "sign by the Authorization header or by the address, not by both";
            return refuse(S3ErrorCode::InvalidArgument, words);
        }
        (Some(header), false) => by_authorization(header.to_str().unwrap_or_default())?,
        (None, true) => by_address(&query, now)?,
        (None, false) => Vec::new(),
    };
    if by_header.is_some() {
        is_recent(headers, now)?;
    }
    all_are_signed(headers, &signed)
}

fn refuse<T>(code: S3ErrorCode, words: impl Into<String>) -> S3Result<T> {
    Err(S3Error::with_message(code, words.into()))
}

/// What a client that signs as in 2006 is told.
pub(super) fn version_2() -> S3Error {
    S3Error::with_message(
        S3ErrorCode::InvalidRequest,
        "The authorization mechanism you have provided is not supported. Please use \
         AWS4-HMAC-SHA256.",
    )
}

/// The names that an `Authorization` header says it signs.
fn by_authorization(header: &str) -> S3Result<Vec<String>> {
    let fields = header.strip_prefix(ALGORITHM).ok_or_else(version_2)?;
    let field = |name: &str| {
        fields
            .split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    is_for_s3(field("Credential").unwrap_or_default())?;
    Ok(names(field("SignedHeaders").unwrap_or_default()))
}

/// The names that an address says it signs, once its times are those of S3.
fn by_address(query: &[(String, String)], now: Timestamp) -> S3Result<Vec<String>> {
    let all = |name: &str| {
        let found = query.iter().filter(|(given, _)| given == name);
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>()
    };
    let too_long = |text: &&str| text.parse::<u64>().is_ok_and(|it| it > EXPIRES_MAX_S);
    if all("X-Amz-Expires").iter().any(too_long) {
        return refuse(
            S3ErrorCode::AuthorizationQueryParametersError,
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires \
             must be less than 604800 seconds",
        );
    }
    let is_early = |date: &&str| ahead_s(date, now).is_some_and(|ahead| ahead > SKEW_MAX_S);
    if all("X-Amz-Date").iter().any(is_early) {
        let words = "Request is not valid yet: its date is more than 15 minutes ahead of our clock";
        return refuse(S3ErrorCode::AccessDenied, words);
    }
    for credential in all("X-Amz-Credential") {
        is_for_s3(credential)?;
    }
    Ok(all("X-Amz-SignedHeaders")
        .into_iter()
        .flat_map(names)
        .collect())
}

/// A signature for another service opens nothing here.
fn is_for_s3(credential: &str) -> S3Result<()> {
    if credential.ends_with("/s3/aws4_request") {
        return Ok(());
    }
    let words = "The authorization header is malformed; its credential must be scoped to a date, a \
        region, and s3/aws4_request";
    refuse(S3ErrorCode::AuthorizationHeaderMalformed, words)
}

fn is_recent(headers: &HeaderMap, now: Timestamp) -> S3Result<()> {
    let date = headers
        .get("x-amz-date")
        .and_then(|date| date.to_str().ok());
    match date {
        Some(date) if !is_fresh(date, now) => refuse(
            S3ErrorCode::RequestTimeTooSkewed,
            "The difference between the request time and the current time is too large: set the \
             clock of this machine",
        ),
        _ => Ok(()), // without a date `s3s` refuses it
    }
}

fn all_are_signed(headers: &HeaderMap, signed: &[String]) -> S3Result<()> {
    let is_signed = |name: &str| signed.iter().any(|it| it == name);
    let amazons = headers.keys().map(http::HeaderName::as_str);
    let unsigned: Vec<_> = amazons
        .filter(|name| name.starts_with("x-amz-") && !is_signed(name))
        .collect();
    if unsigned.is_empty() {
        return Ok(());
    }
    let unsigned = unsigned.join(", ");
    let words =
        format!("There were headers present in the request which were not signed: {unsigned}");
    refuse(S3ErrorCode::AccessDenied, words)
}

fn names(list: &str) -> Vec<String> {
    list.split(';').map(str::to_ascii_lowercase).collect()
}

/// The parameters of a query, decoded as `s3s` decodes them.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Whether a signature's date (`20260131T235959Z`) is near enough.
pub(crate) fn is_fresh(date: &str, now: Timestamp) -> bool {
    ahead_s(date, now).is_some_and(|ahead| ahead.abs() <= SKEW_MAX_S)
}

/// How far a signature's date lies ahead of `now`, in seconds; none if it is no date.
fn ahead_s(date: &str, now: Timestamp) -> Option<i64> {
    let date = DateTime::strptime("%Y%m%dT%H%M%SZ", date).ok()?;
    let date = date.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(date.duration_since(now).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-01-31T23:59:59Z".parse().expect("a time")
    }

    #[test]
    fn a_signature_is_good_for_a_quarter_of_an_hour() {
        for (date, fresh) in [
            ("20260131T235959Z", true),
            ("20260201T001459Z", true),
            ("20260201T001500Z", false),
            ("20260131T234458Z", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_fresh(date, now()), fresh, "{date}");
        }
    }

    fn code(query: &str, headers: &[(&'static str, &str)]) -> Option<String> {
        let uri: Uri = format!("/ads/key?{query}").parse().expect("an address");
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                let value = http::HeaderValue::from_str(value).expect("a value");
                (http::HeaderName::from_static(name), value)
            })
            .collect();
        let refused = check(&uri, &headers, now()).err()?;
        assert!(refused.message().is_some_and(|words| !words.is_empty()));
        Some(refused.code().as_str().to_owned())
    }

    fn address(expires: &str, date: &str, more: &str) -> String {
        format!(
            "X-Amz-Signature=0&X-Amz-Expires={expires}&X-Amz-Date={date}&X-Amz-SignedHeaders=host\
             &X-Amz-Credential=A%2F20260131%2Fus-east-1%2Fs3%2Faws4_request{more}"
        )
    }

    #[test]
    fn addresses_are_held_to_the_times_of_s3() {
        let on_time = "20260131T235959Z";
        for (expires, date, more, expected) in [
            ("604800", on_time, "", None),
            ("60", "20260125T000000Z", "", None), // for `s3s`: it has expired
            ("60", "20260201T001459Z", "", None),
            (
                "604801",
                on_time,
                "",
                Some("AuthorizationQueryParametersError"),
            ),
            (
                "60",
                on_time,
                "&X-Amz-Expires=31536000",
                Some("AuthorizationQueryParametersError"),
            ),
            ("60", "20260201T001500Z", "", Some("AccessDenied")),
            ("60", on_time, "&Signature=x", Some("InvalidRequest")),
            ("60", on_time, "&%53ignature=x", Some("InvalidRequest")),
            (
                "60",
                on_time,
                "&X-Amz-Credential=A/1/r/sts/aws4_request",
                Some("AuthorizationHeaderMalformed"),
            ),
        ] {
            let got = code(&address(expires, date, more), &[]);
            assert_eq!(got.as_deref(), expected, "{expires} {date} {more}");
        }
    }

    #[test]
    fn every_header_of_amazons_is_signed() {
        let signs = |names: &str| {
            format!(
                "{ALGORITHM} Credential=A/1/r/s3/aws4_request, SignedHeaders={names}, Signature=0"
            )
        };
        let copy = ("x-amz-copy-source", "/references/photo");
        let date = ("x-amz-date", "20260131T235959Z");
        let (host, both) = (signs("host"), signs("Host;X-Amz-Date"));
        let all = signs("host;x-amz-copy-source;x-amz-date");
        for (query, headers, expected) in [
            (String::new(), vec![("authorization", &*both), date], None),
            (
                String::new(),
                vec![("authorization", &*all), date, copy],
                None,
            ),
            (
                String::new(),
                vec![("authorization", &*host), date],
                Some("AccessDenied"),
            ),
            (
                String::new(),
                vec![("authorization", &*both), date, copy],
                Some("AccessDenied"),
            ),
            (address("60", date.1, ""), vec![copy], Some("AccessDenied")),
            (
                address("60", date.1, ""),
                vec![("x-amzn-trace-id", "1")],
                None,
            ),
            (
                address("60", date.1, ""),
                vec![("authorization", &*both)],
                Some("InvalidArgument"),
            ),
            (String::new(), vec![copy], Some("AccessDenied")),
            (
                String::new(),
                vec![("authorization", "AWS A:c2ln")],
                Some("InvalidRequest"),
            ),
            (
                String::new(),
                vec![("authorization", "Basic QTpi")],
                Some("InvalidRequest"),
            ),
        ] {
            let got = code(&query, &headers);
            assert_eq!(got.as_deref(), expected, "{query} {headers:?}");
        }
    }
}
