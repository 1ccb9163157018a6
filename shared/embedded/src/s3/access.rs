//! Who may do what: whoever signs with the folder's key may do everything, nobody else anything.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use s3s::access::{S3Access, S3AccessContext};
use s3s::{S3ErrorCode, S3Result};

/// How far a signed request's date may be from ours, in seconds, as S3 has it.
const SKEW_MAX_S: i64 = 15 * 60;

/// Requires a signature, and of requests with a signed header also that it is fresh. (Presigned
/// URLs and POST forms carry their own expiry, which `s3s` has checked.)
pub(super) struct SignedRecently;

#[async_trait::async_trait]
impl S3Access for SignedRecently {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        if cx.credentials().is_none() {
            return Err(S3ErrorCode::AccessDenied.into());
        }
        let by_header = cx.headers().contains_key(http::header::AUTHORIZATION);
        let date = cx
            .headers()
            .get("x-amz-date")
            .and_then(|date| date.to_str().ok());
        match date {
            Some(date) if by_header && !is_fresh(date, Timestamp::now()) => {
                Err(S3ErrorCode::RequestTimeTooSkewed.into())
            }
            _ => Ok(()),
        }
    }
}

/// Whether a signature's date (`20260131T235959Z`) is near enough.
pub(crate) fn is_fresh(date: &str, now: Timestamp) -> bool {
    DateTime::strptime("%Y%m%dT%H%M%SZ", date)
        .and_then(|date| date.to_zoned(TimeZone::UTC))
        .is_ok_and(|date| date.timestamp().duration_since(now).as_secs().abs() <= SKEW_MAX_S)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_a_quarter_of_an_hour() {
        let now: Timestamp = "2026-01-31T23:59:59Z".parse().expect("a time");
        for (date, fresh) in [
            ("20260131T235959Z", true),
            ("20260201T001459Z", true),
            ("20260201T001500Z", false),
            ("20260131T234458Z", false),
            ("yesterday", false),
        ] {
            assert_eq!(is_fresh(date, now), fresh, "{date}");
        }
    }
}
