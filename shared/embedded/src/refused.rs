//! Why a request is not done: the client's fault, with S3's code for it, or ours.

use s3s::{S3Error, S3ErrorCode};

use crate::error::Error;

/// The two kinds of refusal.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The client's; it is told the code.
    Client(S3ErrorCode),
    /// Ours; the client is told to try again, the log why.
    Ours(Error),
}

impl From<S3ErrorCode> for Refused {
    fn from(code: S3ErrorCode) -> Self {
        Self::Client(code)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ours(error.into())
    }
}

impl From<std::io::Error> for Refused {
    fn from(error: std::io::Error) -> Self {
        Self::Ours(error.into())
    }
}

impl From<Refused> for S3Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Client(code) => code.into(),
            Refused::Ours(error) => {
                tracing::error!(%error, "a request failed");
                S3ErrorCode::InternalError.into()
            }
        }
    }
}
