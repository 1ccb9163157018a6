//! What comes in: queries, JSON bodies and path ids, bounded before they are read.

use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, header};
use records::strict::{self, JsonError};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::fields::{Fields, Source};
use crate::problem::{Place, Problem, ProblemKind};

/// The largest JSON body: a fingerprint and a long note fit many times over.
pub(crate) const JSON_BYTES_MAX: usize = 64 * 1024;
/// No body that we take nests more than three deep.
const JSON_DEPTH_MAX: usize = 8;
/// More query parameters than any route has.
const QUERY_FIELDS_MAX: usize = 32;

/// A JSON object as a body.
pub(crate) struct Json(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for Json {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        Self::of(request).await
    }
}

impl Json {
    /// Reads the body.
    pub(crate) async fn of(request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if media_type(&parts.headers) != "application/json" {
            return Err(unsupported("application/json"));
        }
        let bytes = read(&parts.headers, body, JSON_BYTES_MAX).await?;
        Ok(Self(Fields::of_body(parse(&bytes)?)?))
    }
}

/// A JSON object as a body, or no body at all, which is the same as an empty object.
pub(crate) struct OptionalJson(pub(crate) Fields);

impl<S: Send + Sync> FromRequest<S> for OptionalJson {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_empty = request.body().is_end_stream();
        if is_empty && !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(Self(Fields::of_body(Value::Object(Map::new()))?));
        }
        Json::of(request).await.map(|Json(fields)| Self(fields))
    }
}

/// The query of the address.
pub(crate) struct Query(pub(crate) Fields);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .take(QUERY_FIELDS_MAX)
            .collect();
        Ok(Self(Fields::of_texts(Source::Query, pairs)?))
    }
}

/// The ids in the path, in order. What is not an id is left for the handler to not find.
pub(crate) struct Ids<const N: usize>(pub(crate) [String; N]);

impl<S: Send + Sync, const N: usize> FromRequestParts<S> for Ids<N> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Ok(Path(pairs)) = Path::<Vec<(String, String)>>::from_request_parts(parts, state).await
        else {
            return Err(Problem::new(
                ProblemKind::Malformed,
                "the path is not percent-encoded UTF-8; encode it so",
            ));
        };
        let ids: Vec<String> = pairs.into_iter().map(|(_, value)| value).collect();
        ids.try_into().map(Self).map_err(|_| Problem::internal())
    }
}

/// The media type of a body in lower case, without its parameters; empty if none came.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let bare = text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    bare.trim().to_ascii_lowercase()
}

/// The refusal of a body of another type than the route takes.
pub(crate) fn unsupported(takes: &str) -> Problem {
    Problem::new(
        ProblemKind::UnsupportedMediaType,
        format!(
            "this route takes {takes}; set the content-type and send such a body, uncompressed"
        ),
    )
}

/// The refusal of a body over the limit.
pub(crate) fn too_large(bytes_max: usize) -> Problem {
    Problem::new(
        ProblemKind::TooLarge,
        format!("the body is over {bytes_max} bytes, the most this route takes; send less"),
    )
}

/// The whole body, if it is within the limit.
async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    refuse_encoded(headers)?;
    let said = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    if said
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|said| said > bytes_max)
    {
        return Err(too_large(bytes_max));
    }
    to_bytes(body, bytes_max).await.map_err(|error| {
        let over = std::error::Error::source(&error)
            .is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if over { too_large(bytes_max) } else { cut() }
    })
}

/// Bodies are taken as they are: no decompression, so no decompression bombs.
pub(crate) fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(unsupported("no content-encoding")),
        _ => Ok(()),
    }
}

/// The refusal of a body that ended early.
pub(crate) fn cut() -> Problem {
    Problem::new(
        ProblemKind::Malformed,
        "the body ended early or is not well-formed; send it again",
    )
}

fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    let malformed = |detail: String| Problem::new(ProblemKind::Malformed, detail);
    strict::parse(bytes, JSON_DEPTH_MAX).map_err(|fault| match fault {
        JsonError::Syntax { line, column } => malformed(format!(
            "the body is not JSON at line {line}, column {column}; correct it"
        )),
        JsonError::TooDeep => malformed(format!(
            "the body nests over {JSON_DEPTH_MAX} deep; flatten it"
        )),
        JsonError::DuplicateField { pointer } => {
            let short: String = pointer.chars().take(256).collect();
            malformed("this field came twice; send it once".to_owned())
                .at(Place::Pointer(format!("#{short}")))
        }
    })
}
