//! Answers of pages: HTML with its headers, redirections, and refusals in the reader's language.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use pages::{Language, MessagePage, Shell, Template, Words};

use crate::problem::Problem;

/// What a page answers: a response, or why there is none.
pub(crate) type Paged = Result<Response, Refused>;

/// The cookie that remembers the reader's language: no secret.
pub(crate) const LANGUAGE_COOKIE: &str = "homeward-language";

/// Why a page is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// No such thing, or not the unit's.
    Missing,
    /// Not for this person's role.
    Role,
    /// The form did not come from a page of ours.
    Forged,
    /// Our fault.
    Failed,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A page that says why.
    Page(Words, Why),
    /// Another answer: mostly a redirection to the sign-in page.
    Answer(Box<Response>),
}

impl Refused {
    /// A refusal because the store or another part of ours failed.
    pub(crate) fn failed(words: Words) -> impl Fn(Problem) -> Self {
        move |_| Self::Page(words, Why::Failed)
    }

    /// What the store says, to a reader.
    pub(crate) fn store(words: Words) -> impl Fn(store::Error) -> Self {
        move |error| match error {
            store::Error::Gone(_) => Self::Page(words, Why::Missing),
            other => {
                let _told = crate::store_errors::problem(other);
                Self::Page(words, Why::Failed)
            }
        }
    }
}

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self::Answer(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Answer(response) => *response,
            Self::Page(words, why) => message(words, why),
        }
    }
}

fn message(words: Words, why: Why) -> Response {
    let (status, title, what) = match why {
        Why::Missing => (StatusCode::NOT_FOUND, "missing-title", "missing-what"),
        Why::Role => (StatusCode::FORBIDDEN, "role-title", "role-what"),
        Why::Forged => (StatusCode::FORBIDDEN, "refused-title", "refused-what"),
        Why::Failed => (
            StatusCode::SERVICE_UNAVAILABLE,
            "failed-title",
            "failed-what",
        ),
    };
    let shell = Shell {
        words,
        path: "/".to_owned(),
        here: "",
        signed: None,
        again: false,
    };
    html(status, &MessagePage { shell, title, what })
}

/// The page for an address that there is none of.
pub(crate) fn missing(headers: &HeaderMap) -> Response {
    message(words(headers), Why::Missing)
}

/// A page.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = (status, text).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            header::CONTENT_SECURITY_POLICY,
            pages::CONTENT_SECURITY_POLICY,
        ),
        // A form says where it comes from, and other sites hear nothing.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("permissions-policy", "camera=(self), geolocation=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A page that is in order.
pub(crate) fn page(page: &impl Template) -> Paged {
    Ok(html(StatusCode::OK, page))
}

/// Go there next, by GET.
pub(crate) fn see(path: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let place = HeaderValue::from_str(path).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, place);
    response
}

/// The reader's words: as its cookie says, else as its browser asks.
pub(crate) fn words(headers: &HeaderMap) -> Words {
    let chosen = cookie(headers, LANGUAGE_COOKIE).and_then(|code| Language::of_code(&code));
    let asked = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .and_then(Language::of_header);
    Words(chosen.or(asked).unwrap_or(Language::English))
}

/// The value of a cookie; of several of one name the first.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut named = pairs.filter_map(|pair| pair.trim().split_once('='));
    let found = named.find(|(found, _)| *found == name)?;
    Some(found.1.to_owned())
}

/// `GET /assets/{name}`
pub(crate) async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = pages::asset(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, asset.text).into_response()
}
