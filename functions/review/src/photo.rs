//! The form that brings a photo: `photo` is a file, every other part a text.
//!
//! Nothing here looks into the photo: `enroll` decodes it, where no secret of ours is at hand.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::body::{cut, refuse_encoded, too_large};
use crate::fields::{Fields, NAME_CHARS_MAX, Source};
use crate::problem::{Place, Problem, ProblemKind};

/// The largest photo, in bytes: what `enroll` decodes at most.
const PHOTO_BYTES_MAX: usize = 128 * 1024 * 1024;
/// What one permit of [`permits`] stands for, in bytes.
const PERMIT_BYTES: usize = 32 * 1024 * 1024;
/// The photo with the other parts and their headers.
pub(crate) const FORM_BYTES_MAX: usize = PHOTO_BYTES_MAX + 64 * 1024;
/// More parts than the form has.
const PARTS_MAX: usize = 16;
/// Longer than any text of the form.
const TEXT_BYTES_MAX: usize = 4 * 1024;

/// A form as it came.
pub(crate) struct Form {
    /// The photo's bytes, at least one.
    pub(crate) photo: Bytes,
    /// The other parts.
    pub(crate) fields: Fields,
}

/// How many of the permits for photos a request takes: one for each 32 MiB that it says to have, or as many as the
/// largest photo if it says nothing.
pub(crate) fn permits(headers: &HeaderMap) -> u32 {
    let said = headers.get(http::header::CONTENT_LENGTH);
    let said = said.and_then(|it| it.to_str().ok()?.parse::<usize>().ok());
    let bytes = said.unwrap_or(PHOTO_BYTES_MAX).min(PHOTO_BYTES_MAX);
    u32::try_from(bytes.div_ceil(PERMIT_BYTES).max(1)).unwrap_or(u32::MAX)
}

/// Reads the form; the photo is held in memory.
pub(crate) async fn read(request: Request) -> Result<Form, Problem> {
    refuse_encoded(request.headers())?;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| {
        Problem::new(
            ProblemKind::Malformed,
            "the content-type names no usable boundary; set one",
        )
    })?;
    let mut photo = None;
    let mut texts = Vec::new();
    while let Some(part) = form.next_field().await.map_err(|error| refused(&error))? {
        let name = part.name().unwrap_or_default().to_owned();
        if texts.len() == PARTS_MAX {
            return Err(Problem::new(
                ProblemKind::Malformed,
                "the form has too many parts; send fewer",
            ));
        }
        if name != "photo" {
            let value = text(&name, part).await?;
            texts.push((name, value));
        } else if photo.replace(bytes(part).await?).is_some() {
            return Err(at_photo(
                ProblemKind::Malformed,
                "this part came twice; send one photo a form",
            ));
        }
    }
    let photo = photo
        .ok_or_else(|| at_photo(ProblemKind::InvalidField, "the photo is missing; send it"))?;
    if photo.is_empty() {
        return Err(at_photo(
            ProblemKind::InvalidField,
            "the photo has no bytes; send the whole file",
        ));
    }
    Ok(Form {
        photo,
        fields: Fields::of_texts(Source::Form, texts)?,
    })
}

async fn bytes(part: Field<'_>) -> Result<Bytes, Problem> {
    let bytes = part.bytes().await.map_err(|error| refused(&error))?;
    if bytes.len() > PHOTO_BYTES_MAX {
        return Err(too_large(PHOTO_BYTES_MAX));
    }
    Ok(bytes)
}

async fn text(name: &str, part: Field<'_>) -> Result<String, Problem> {
    if part.file_name().is_some() {
        let detail = "this part is a file, and only the part 'photo' may be one; rename it";
        return Err(at_part(name, ProblemKind::InvalidField, detail));
    }
    let bytes = part.bytes().await.map_err(|error| refused(&error))?;
    if bytes.len() > TEXT_BYTES_MAX {
        let detail = "this part of the form is too long; shorten it";
        return Err(at_part(name, ProblemKind::InvalidField, detail));
    }
    String::from_utf8(bytes.into()).map_err(|_| {
        Problem::new(
            ProblemKind::Malformed,
            "a part of the form is not UTF-8; encode it so",
        )
    })
}

fn refused(error: &MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large(PHOTO_BYTES_MAX)
    } else {
        cut()
    }
}

fn at_photo(kind: ProblemKind, detail: &'static str) -> Problem {
    at_part("photo", kind, detail)
}

fn at_part(name: &str, kind: ProblemKind, detail: &'static str) -> Problem {
    let short: String = name.chars().take(NAME_CHARS_MAX).collect();
    Problem::new(kind, detail).at(Place::Part(short))
}
