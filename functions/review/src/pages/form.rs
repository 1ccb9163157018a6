//! Forms of a person's pages: from here, with the session's token, or not at all.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::HeaderMap;
use url::form_urlencoded;

use super::access::{Officer, is_from_here};
use super::answers::{Refused, Why, words};
use crate::Shared;
use crate::body::JSON_BYTES_MAX;

/// The name of the field that holds the session's token.
pub(crate) const FORM_TOKEN: &str = "form_token";

/// More fields than any form has.
const FIELDS_MAX: usize = 256;

/// The fields of a form.
#[derive(Debug, Default)]
pub(crate) struct FormFields(Vec<(String, String)>);

impl FormFields {
    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(bytes).into_owned();
        Self(pairs.take(FIELDS_MAX).collect())
    }

    /// The first value of this name; empty if there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value.as_str())
    }

    /// All values of this name.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let named = self.0.iter().filter(|(found, _)| found == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// The fields of a page's address; what is not known is passed over.
pub(crate) struct Asked(pub(crate) FormFields);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, Self::Rejection> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self(FormFields::parse(query.as_bytes())))
    }
}

/// A form that any reader may send from a page of ours: before a person is known.
pub(crate) struct OpenForm {
    pub(crate) headers: HeaderMap,
    pub(crate) fields: FormFields,
}

impl FromRequest<Shared> for OpenForm {
    type Rejection = Refused;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        let forged = || Refused::Page(words(&parts.headers), Why::Forged);
        if !is_from_here(&parts.headers) {
            return Err(forged());
        }
        let bytes = to_bytes(body, JSON_BYTES_MAX).await;
        let bytes = bytes.map_err(|_| forged())?;
        Ok(Self {
            fields: FormFields::parse(&bytes),
            headers: parts.headers,
        })
    }
}

/// A form of a person's page.
pub(crate) struct PersonForm {
    pub(crate) officer: Officer,
    pub(crate) fields: FormFields,
}

impl FromRequest<Shared> for PersonForm {
    type Rejection = Refused;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Refused> {
        let (mut parts, body) = request.into_parts();
        let officer = Officer::from_request_parts(&mut parts, shared).await?;
        let request = Request::from_parts(parts, body);
        let OpenForm { fields, .. } = OpenForm::from_request(request, shared).await?;
        if fields.text(FORM_TOKEN) != officer.form_token() {
            return Err(Refused::Page(officer.words, Why::Forged));
        }
        Ok(Self { officer, fields })
    }
}
