//! AWS Signature Version 4, as far as DynamoDB requests need it: POST to `/`, signed by header.
//!
//! Source: "Create a signed AWS API request" in the IAM user guide.

use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::folder::AccessKey;
use crate::s3::is_fresh;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    access_key_id: &'a str,
    /// Date, region, service and terminator, with slashes between.
    scope: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// Checks that a request was signed with the key, lately.
///
/// # Errors
/// The name of DynamoDB's error.
pub(crate) fn check(
    head: &Parts,
    body: &[u8],
    key: &AccessKey,
    now: Timestamp,
) -> Result<(), &'static str> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization").ok_or("MissingAuthenticationTokenException")?;
    let authorization = parse(authorization).ok_or("IncompleteSignatureException")?;
    let date = header("x-amz-date").ok_or("IncompleteSignatureException")?;
    if authorization.access_key_id != key.id {
        return Err("UnrecognizedClientException");
    }
    let scope_fits = date.get(..8) == authorization.scope.split('/').next();
    if !scope_fits || !is_fresh(date, now) {
        return Err("InvalidSignatureException");
    }
    let request = canonical_request(head, authorization.signed_headers, body)
        .ok_or("IncompleteSignatureException")?;
    let expected = sign(&key.secret, date, authorization.scope, &request);
    let same: bool = expected
        .as_bytes()
        .ct_eq(authorization.signature.as_bytes())
        .into();
    if same {
        Ok(())
    } else {
        Err("InvalidSignatureException")
    }
}

fn parse(header: &str) -> Option<Authorization<'_>> {
    let rest = header.strip_prefix(ALGORITHM)?;
    let field = |name: &str| {
        rest.split(',')
            .find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='))
    };
    let (access_key_id, scope) = field("Credential")?.split_once('/')?;
    let signed_headers = field("SignedHeaders")?;
    Some(Authorization {
        access_key_id,
        scope,
        signed_headers,
        signature: field("Signature")?,
    })
}

fn canonical_request(head: &Parts, signed_headers: &str, body: &[u8]) -> Option<String> {
    // Without these two a signature would fit other operations and other times.
    let signed = |name: &str| signed_headers.split(';').any(|signed| signed == name);
    if !signed("x-amz-date") || !signed("x-amz-target") {
        return None;
    }
    let mut request = format!("{}\n{}\n", head.method, head.uri.path());
    request += head.uri.query().unwrap_or_default();
    request.push('\n');
    for name in signed_headers.split(';') {
        request += &format!("{name}:{}\n", canonical_value(&head.headers, name)?);
    }
    request += &format!("\n{signed_headers}\n{}", hex::encode(Sha256::digest(body)));
    Some(request)
}

fn canonical_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Option<Vec<String>> = headers
        .get_all(name)
        .iter()
        .map(|value| {
            Some(
                value
                    .to_str()
                    .ok()?
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" "),
            )
        })
        .collect();
    values
        .filter(|values| !values.is_empty())
        .map(|values| values.join(","))
}

/// The signature of a canonical request, in hex.
fn sign(secret: &str, date: &str, scope: &str, request: &str) -> String {
    let digest = hex::encode(Sha256::digest(request));
    let text = format!("{ALGORITHM}\n{date}\n{scope}\n{digest}");
    let start = format!("AWS4{secret}").into_bytes();
    let key = scope
        .split('/')
        .fold(start, |key, part| mac(&key, part.as_bytes()));
    hex::encode(mac(&key, text.as_bytes()))
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the IAM user guide: its secret, date, scope and canonical request's digest
    /// give this signature.
    #[test]
    fn signatures_are_as_published() {
        let request = "GET\n/\nAction=ListUsers&Version=2010-05-08\n\
            content-type:application/x-www-form-urlencoded; charset=utf-8\n\
            host:iam.amazonaws.com\nx-amz-date:20150830T123600Z\n\n\
            content-type;host;x-amz-date\n\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let signature = sign(
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            "20150830T123600Z",
            "20150830/us-east-1/iam/aws4_request",
            request,
        );
        assert_eq!(
            signature,
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        );
    }
}
