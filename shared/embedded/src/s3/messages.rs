//! A sentence for each refusal: `s3s` sends most codes without one, and clients then say "Unknown".

use http::{HeaderValue, header};
use s3s::{Body, HttpResponse};

use crate::folder::random;

/// The sentence for a code, as S3 has it where S3's helps.
pub(super) fn of(code: &str) -> &'static str {
    match code {
        "AccessDenied" => {
            "Access denied: sign the request with a key pair that reaches this; `homeward env` \
             prints the pairs"
        }
        "BadDigest" => "The checksum that you gave does not match what was received",
        "BucketNotEmpty" => "The bucket is not empty",
        "EntityTooLarge" => "The upload exceeds the maximum allowed object size",
        "EntityTooSmall" => "The upload is smaller than the minimum allowed object size",
        "IncompleteBody" => "Fewer bytes came than the Content-Length header says",
        "InternalError" => "We could not do this now; try again, and see the log of homeward serve",
        "InvalidAccessKeyId" => {
            "There is no such access key: `homeward env` prints those that there are"
        }
        "InvalidArgument" => "An argument of the request cannot be used",
        "InvalidBucketName" => "This cannot be a bucket's name",
        "InvalidDigest" => "The checksum that you gave is not one",
        "InvalidPart" => "A part was not uploaded, or its entity tag is another",
        "InvalidPartOrder" => "The list of parts must be in the order of their numbers",
        "InvalidPolicyDocument" => "The form does not keep to its policy",
        "InvalidRange" => "The object does not have that range",
        "InvalidRequest" => "The request cannot be used",
        "InvalidURI" => "The address cannot be read",
        "KeyTooLongError" => "The key is too long: 1,024 bytes at most",
        "MalformedPOSTRequest" => "The body is no well-formed multipart/form-data",
        "MalformedXML" => "The XML of the request is not well-formed, or not what is expected",
        "MetadataTooLarge" => "The metadata is too large: 2,048 bytes at most",
        "MethodNotAllowed" => "This is not allowed on this, as on a delete marker",
        "MissingContentLength" => "The request needs a Content-Length header",
        "NoSuchBucket" => "There is no such bucket",
        "NoSuchKey" => "There is no object of that key",
        "NoSuchUpload" => "There is no such upload: it was completed or given up, or never was",
        "NoSuchVersion" => "There is no such version of the object",
        "NotImplemented" => "This is not implemented on a laptop",
        "PreconditionFailed" => "A condition of the request does not hold",
        "RequestTimeTooSkewed" => {
            "The difference between the request time and the current time is too large"
        }
        "SignatureDoesNotMatch" => {
            "The signature does not match: check the secret access key, and that nothing between \
             here and there changes requests"
        }
        _ => "The request was refused; its code says why",
    }
}

/// Puts the sentence, and an id of the request, into an error that has none.
pub(super) fn with_messages(mut response: HttpResponse) -> HttpResponse {
    let is_error = response.status().is_client_error() || response.status().is_server_error();
    let told = is_error.then(|| response.body().bytes()).flatten();
    let told = told.and_then(|xml| with_message(std::str::from_utf8(&xml).ok()?));
    if let Some((xml, request_id)) = told {
        *response.body_mut() = Body::from(xml);
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH); // of the shorter body
        if let Ok(id) = HeaderValue::from_str(&request_id) {
            headers.insert("x-amz-request-id", id);
        }
    }
    response
}

fn with_message(xml: &str) -> Option<(String, String)> {
    let request_id = hex::encode_upper(random::<8>());
    let (before, rest) = xml.split_once("<Code>")?;
    let (code, after) = rest.split_once("</Code>")?;
    let mut xml = format!("{before}<Code>{code}</Code>");
    if !after.contains("<Message>") {
        xml += &format!("<Message>{}</Message>", of(code));
    }
    let (content, end) = after.split_once("</Error>")?;
    xml += &format!("{content}<RequestId>{request_id}</RequestId></Error>{end}");
    Some((xml, request_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_gets_its_sentence_once() {
        for (xml, expected) in [
            (
                "<?xml?><Error><Code>NoSuchKey</Code></Error>",
                "<?xml?><Error><Code>NoSuchKey</Code><Message>There is no object of that key</Message><RequestId>",
            ),
            (
                "<Error><Code>AccessDenied</Code><Message>mine</Message></Error>",
                "<Error><Code>AccessDenied</Code><Message>mine</Message><RequestId>",
            ),
        ] {
            let (told, id) = with_message(xml).expect("an error");
            assert_eq!(told, format!("{expected}{id}</RequestId></Error>"));
        }
        assert!(with_message("<ListBucketResult></ListBucketResult>").is_none());
    }

    #[test]
    fn sentences_need_no_escaping() {
        for code in [
            "AccessDenied",
            "InternalError",
            "KeyTooLongError",
            "anything",
        ] {
            assert!(!of(code).contains(['<', '&', '>']), "{code}");
        }
    }
}
