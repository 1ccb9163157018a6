//! What can go wrong, by what the caller does next.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// The result of a verb.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a verb was not carried out. The texts say which verb and which kind of fault: never a key,
/// a hash, an address or a case number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Try again later: leave the message in its queue.
    #[error("the service did not answer or was overloaded while {0}")]
    Unavailable(&'static str),
    /// What the verb is about does not exist (any more), or belongs to another tenant.
    #[error("{0} does not exist")]
    Gone(&'static str),
    /// Something else changed it concurrently, or it is in another state: read it again and decide.
    #[error("{0}")]
    Conflict(&'static str),
    /// The input cannot be stored as it is: refuse it.
    #[error("{0}")]
    Rejected(&'static str),
    /// A stored record does not read as what it ought to be: stop and look.
    #[error("a stored {0} is damaged or newer than this program")]
    Damaged(&'static str),
    /// The deployment is at fault (a name, a right, a region, a credential): stop.
    #[error("configuration: {0}")]
    Configuration(&'static str),
}

impl Error {
    /// Whether trying again later can help.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict(_))
    }
}

impl From<records::Malformed> for Error {
    fn from(malformed: records::Malformed) -> Self {
        Self::Rejected(malformed.rule)
    }
}

impl From<segments::SegmentError> for Error {
    fn from(fault: segments::SegmentError) -> Self {
        Self::Damaged(match fault {
            segments::SegmentError::NewerFormat { .. } => "segment or manifest (of a newer format)",
            segments::SegmentError::Truncated => "segment or manifest (cut off)",
            segments::SegmentError::Another => "segment or manifest (mixed up)",
            segments::SegmentError::Corrupt => "segment or manifest",
        })
    }
}

/// Codes by which AWS says that the deployment is at fault.
const CONFIGURATION_CODES: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidSignatureException",
    "NoSuchBucket",
    "PermanentRedirect",
    "ResourceNotFoundException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// Sorts what the SDK says, once its own retries are used up, by what to do next.
pub(crate) fn classified<E: ProvideErrorMetadata, R>(
    doing: &'static str,
    error: &SdkError<E, R>,
) -> Error {
    match error {
        SdkError::ConstructionFailure(_) => {
            Error::Configuration("a request could not be built; are region and credentials set?")
        }
        SdkError::ServiceError(answer) => by_code(doing, answer.err().code().unwrap_or_default()),
        // Not connected, timed out, or an answer that cannot be read: the network's doing.
        _ => Error::Unavailable(doing),
    }
}

fn by_code(doing: &'static str, code: &str) -> Error {
    if CONFIGURATION_CODES.contains(&code) {
        return Error::Configuration("a bucket, table, right or credential is missing or wrong");
    }
    match code {
        "ConditionalCheckFailedException" | "PreconditionFailed" => {
            Error::Conflict("it changed meanwhile")
        }
        "ValidationException" | "ItemCollectionSizeLimitExceededException" => {
            Error::Rejected("the store's limits do not allow it")
        }
        _ => Error::Unavailable(doing),
    }
}
