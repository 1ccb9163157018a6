//! Bodies on their way in and out.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use http::HeaderMap;
use s3s::dto::StreamingBlob;
use s3s::{Body, S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders};
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::blob_writer::BlobWriter;
use crate::blobs::ContentId;
use crate::digests::{self, Claims};
use crate::error::blocking;
use crate::object_store::ObjectStore;
use crate::refused::Refused;

/// The largest body of one request, in bytes, as S3 has it.
const BODY_BYTES_MAX: u64 = 5 << 30;

/// Contents up to this size are read at once; larger ones piece by piece.
const WHOLE_BYTES_MAX: u64 = 1 << 20;

/// How much of a larger content is read at a time.
const CHUNK_BYTES: usize = 256 << 10;

/// Receives a body, up to but without checking the claims; those of the trailers are added.
///
/// # Errors
/// `IncompleteBody` for a cut connection or a wrong length, `EntityTooLarge`, `BadDigest`.
pub(super) async fn receive(
    store: &Arc<ObjectStore>,
    body: Option<StreamingBlob>,
    claims: &mut Claims,
    (length, trailers): (Option<i64>, Option<TrailingHeaders>),
) -> S3Result<BlobWriter> {
    let mut incoming = store.blobs.receive(claims);
    if let Some(mut body) = body {
        while let Some(piece) = body.next().await {
            if incoming.take(&piece.map_err(|error| broken(&error))?) {
                incoming = blocking(move || {
                    incoming.spill()?;
                    Ok::<_, Refused>(incoming)
                })
                .await?;
            }
            if incoming.size_bytes() > BODY_BYTES_MAX {
                return Err(S3ErrorCode::EntityTooLarge.into());
            }
        }
    }
    let length = length.and_then(|length| u64::try_from(length).ok());
    if length.is_some_and(|length| length != incoming.size_bytes()) {
        return Err(S3ErrorCode::IncompleteBody.into());
    }
    if let Some(trailers) = trailers {
        claim_trailers(claims, &trailers.take().unwrap_or_default())?;
    }
    Ok(incoming)
}

/// Names the checksums that the trailers will hold, so that they are computed on the way.
pub(super) fn announce(claims: &mut Claims, headers: &HeaderMap) {
    let names = headers
        .get_all("x-amz-trailer")
        .iter()
        .filter_map(|value| value.to_str().ok());
    claims.wanted.extend(
        names
            .flat_map(|names| names.split(','))
            .filter_map(checksum_name)
            .map(str::to_owned),
    );
}

fn checksum_name(header: &str) -> Option<&str> {
    header.trim().strip_prefix("x-amz-checksum-")
}

fn claim_trailers(claims: &mut Claims, trailers: &HeaderMap) -> S3Result<()> {
    for name in &claims.wanted {
        let value = trailers.get(format!("x-amz-checksum-{name}"));
        let value = value
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        if value.is_some() {
            digests::set(&mut claims.checksums, name, value);
        }
    }
    Ok(())
}

/// Names a broken body by what `s3s` says of it: its error types are private.
fn broken(error: &StdError) -> S3Error {
    let text = error.to_string();
    let code = if text.contains("Sha256Mismatch") {
        S3ErrorCode::BadDigest
    } else if text.contains("SignatureMismatch") {
        S3ErrorCode::SignatureDoesNotMatch
    } else {
        S3ErrorCode::IncompleteBody
    };
    code.into()
}

/// A part of a content as a body.
///
/// # Errors
/// `NoSuchKey` if the content was removed since its row was read.
pub(super) async fn send(
    store: &Arc<ObjectStore>,
    content: ContentId,
    range: Range<u64>,
) -> S3Result<StreamingBlob> {
    let store = store.clone();
    let (file, whole) = blocking(move || open(&store, &content, &range)).await?;
    let (left, file) = match whole {
        Ok(bytes) => return Ok(Body::from(bytes).into()),
        Err(left) => (left, file),
    };
    let pieces =
        ReaderStream::with_capacity(tokio::fs::File::from_std(file).take(left), CHUNK_BYTES);
    Ok(StreamingBlob::wrap(pieces))
}

/// Opens a content at the range's start, and reads it if it is small; else says how much there is.
fn open(
    store: &ObjectStore,
    content: &ContentId,
    range: &Range<u64>,
) -> Result<(File, Result<Bytes, u64>), Refused> {
    let mut file = match store.blobs.open_content(content) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(S3ErrorCode::NoSuchKey.into());
        }
        opened => opened?,
    };
    file.seek(SeekFrom::Start(range.start))?;
    let length = range.end.saturating_sub(range.start);
    if length > WHOLE_BYTES_MAX {
        return Ok((file, Err(length)));
    }
    let mut bytes = Vec::new();
    Read::by_ref(&mut file)
        .take(length)
        .read_to_end(&mut bytes)?;
    Ok((file, Ok(bytes.into())))
}
