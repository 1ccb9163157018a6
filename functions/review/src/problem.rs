//! Errors as RFC 9457 problem details: what went wrong, and what the caller can do next.
//!
//! A detail is written here, never copied from the request or from a record: no hash, key, address
//! or case number can leave by this door. Two refusals for the same reason are equal to the byte.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// What a handler answers, or a part of it: or the problem that stopped it.
pub(crate) type Answer<T = Response> = Result<T, Problem>;

/// The media type of a problem.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Where the kinds of problem are described; the slug of the kind follows.
const TYPE_BASE: &str = "https://homeward.example/problems/";

/// The kinds of problem; a caller acts differently on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// The request cannot be read.
    Malformed,
    /// No token, or one that is not valid.
    Unauthenticated,
    /// A valid token whose role has no business here.
    Forbidden,
    /// No such thing, or not the caller's: the two look alike.
    NotFound,
    /// The route exists, the method on it does not.
    MethodNotAllowed,
    /// The caller accepts no media type that this route gives.
    NotAcceptable,
    /// The request contradicts what is stored.
    Conflict,
    /// The body is larger than the route takes.
    TooLarge,
    /// The body is of a type that the route does not take.
    UnsupportedMediaType,
    /// The body can be read, but a field in it says something impossible.
    InvalidField,
    /// More requests at once than this process serves.
    Overloaded,
    /// Our fault.
    Internal,
}

impl ProblemKind {
    fn facts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Malformed => (
                StatusCode::BAD_REQUEST,
                "malformed",
                "request cannot be read",
            ),
            Self::Unauthenticated => (
                StatusCode::UNAUTHORIZED,
                "unauthenticated",
                "no valid token",
            ),
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden", "not for this role"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "not found"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "method not allowed",
            ),
            Self::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "not-acceptable",
                "not acceptable",
            ),
            Self::Conflict => (
                StatusCode::CONFLICT,
                "conflict",
                "contradicts what is stored",
            ),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "body too large"),
            Self::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "body type not supported",
            ),
            Self::InvalidField => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid-field",
                "field not valid",
            ),
            Self::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "try again later",
            ),
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "internal", "our fault"),
        }
    }
}

/// Where in a request a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A JSON Pointer (RFC 6901) into the body, as a URI fragment: `#/verdict`.
    Pointer(String),
    /// The name of a query parameter.
    Parameter(String),
    /// The name of a part of a form.
    Part(String),
}

/// A problem on its way out.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    detail: Cow<'static, str>,
    place: Option<Place>,
}

impl Problem {
    /// A problem of a kind; `detail` names the cause and the next step.
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            place: None,
        }
    }

    /// The same problem, with the place in the request where it is.
    pub(crate) fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The token is missing, unknown, revoked or malformed: all the same to the outside.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            ProblemKind::Unauthenticated,
            "no valid token came with this request; send the header \
             'authorization: Bearer TOKEN' with a token from your administrator",
        )
    }

    /// Nothing of that kind with that id belongs to the caller.
    pub(crate) fn not_found(detail: &'static str) -> Self {
        Self::new(ProblemKind::NotFound, detail)
    }

    /// Something of ours failed; the caller may repeat the request.
    pub(crate) fn internal() -> Self {
        Self::new(
            ProblemKind::Internal,
            "the request could not be carried out; repeat it, and if it fails again give the \
             x-request-id of this answer to your administrator",
        )
    }

    /// Too much at once, here or in the store.
    pub(crate) fn overloaded() -> Self {
        Self::new(
            ProblemKind::Overloaded,
            "too much is under way, or this took too long; wait a second and repeat the request",
        )
    }

    /// Whether the caller can mend it by another request.
    pub(crate) fn is_callers(&self) -> bool {
        let (status, _, _) = self.kind.facts();
        status.is_client_error()
    }

    /// Whether it is of this kind.
    pub(crate) fn is(&self, kind: ProblemKind) -> bool {
        self.kind == kind
    }

    /// Whether it is at this place of the request.
    pub(crate) fn is_at(&self, place: &Place) -> bool {
        self.place.as_ref() == Some(place)
    }

    fn body(&self) -> Value {
        let (status, slug, title) = self.kind.facts();
        let mut body = json!({
            "type": format!("{TYPE_BASE}{slug}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let Some(place) = &self.place {
            let (key, value) = match place {
                Place::Pointer(pointer) => ("pointer", pointer),
                Place::Parameter(name) => ("parameter", name),
                Place::Part(name) => ("part", name),
            };
            body["errors"] = json!([{ key: value, "detail": self.detail }]);
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, _, _) = self.kind.facts();
        let media_type = [(header::CONTENT_TYPE, PROBLEM_JSON)];
        let mut response = (status, media_type, self.body().to_string()).into_response();
        // What a client does about it by itself.
        let header = match self.kind {
            ProblemKind::Unauthenticated => {
                Some((header::WWW_AUTHENTICATE, "Bearer realm=\"homeward\""))
            }
            ProblemKind::Overloaded => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = header {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, body: &Value) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// An answer that says that it is done, and nothing else.
pub(crate) fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A JSON answer with status 200.
pub(crate) fn ok(body: &Value) -> Answer {
    Ok(answer(StatusCode::OK, body))
}
