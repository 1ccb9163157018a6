//! What the store refuses, as problems.

use store::Error;

use crate::problem::{Problem, ProblemKind};

/// The problem that an error of the store is to the caller. What is missing has its own answer in
/// each handler, so that a foreign id looks like a missing one.
pub(crate) fn problem(error: Error) -> Problem {
    match error {
        Error::Conflict(cause) => Problem::new(
            ProblemKind::Conflict,
            format!("{cause}; read it again and repeat the request"),
        ),
        Error::Rejected(rule) => Problem::new(
            ProblemKind::InvalidField,
            format!("this cannot be stored: {rule}; correct it"),
        ),
        Error::Unavailable(doing) => {
            tracing::warn!(doing, "the store is unavailable");
            Problem::overloaded()
        }
        Error::Gone(_) | Error::Damaged(_) | Error::Configuration(_) => {
            tracing::error!(%error, "the store failed");
            Problem::internal()
        }
    }
}

/// As [`problem`], where what is missing is an answer of its own.
pub(crate) fn or_missing(missing: &'static str) -> impl Fn(Error) -> Problem {
    move |error| match error {
        Error::Gone(_) => Problem::not_found(missing),
        other => problem(other),
    }
}
