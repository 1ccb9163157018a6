//! Pictures for a person's eye: bytes that came from outside go in, a small JPEG of our own encoder comes
//! out, or a reason.
//!
//! The program is told everything that it has to know: it reads no table, knows no case and no lead, and
//! checks by its SHA-256 that the file is what the caller means. What a person need not see is taken
//! out of the pixels before they are encoded. No byte of the input is copied to the output.
#![forbid(unsafe_code)]

mod encoded;
mod member;
mod placed;
mod seen;
mod warp;

use std::sync::Arc;

use photo::{Detail, Limits};
use records::{ImageSha256, NoPicture, ObjectKey, PictureAnswer, PictureKind, PictureRequest};
use store::{Fetched, Objects};
use tokio::sync::Semaphore;

/// Pictures decoded at once: each may take [`Limits::working_bytes_max`].
const AT_ONCE: usize = 1;

/// The program.
#[derive(Clone)]
pub struct PictureProgram {
    objects: Objects,
    limits: Limits,
    permits: Arc<Semaphore>,
    runtime: Option<tokio::runtime::Handle>,
}

impl PictureProgram {
    /// A program that reads both buckets, or the one that its rights allow. It decodes on the blocking threads
    /// of `runtime`, or of the caller's.
    pub fn new(objects: Objects, limits: Limits, runtime: Option<tokio::runtime::Handle>) -> Self {
        Self {
            objects,
            limits,
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            runtime,
        }
    }

    /// Answers one request. Whatever the bytes are, the answer is a JPEG or a reason.
    pub async fn answer(&self, request: PictureRequest) -> PictureAnswer {
        match self.jpeg(request).await {
            Ok(jpeg) => PictureAnswer::Jpeg(jpeg),
            Err(why) => PictureAnswer::None(why),
        }
    }

    async fn jpeg(&self, request: PictureRequest) -> Result<Vec<u8>, NoPicture> {
        let unavailable = NoPicture::Unavailable;
        let _permit = self.permits.acquire().await.map_err(|_| unavailable)?;
        let bytes = self.bytes(&request).await?;
        let limits = self.limits;
        let work = move || made(&bytes, &request, &limits);
        let done = match &self.runtime {
            Some(runtime) => runtime.spawn_blocking(work).await,
            None => tokio::task::spawn_blocking(work).await,
        };
        done.map_err(|_| NoPicture::Unreadable)?
    }

    /// The file that is meant, whole and checked.
    async fn bytes(&self, request: &PictureRequest) -> Result<Vec<u8>, NoPicture> {
        let key = request.holder().ok_or(NoPicture::Gone)?;
        let found = self.fetch(&key, request.version_id.as_deref()).await?;
        match request.stored_in {
            Some(_) => member::of_bundle(found, &request.image_sha256),
            None if ImageSha256::of(&found) == request.image_sha256 => Ok(found),
            None => Err(NoPicture::Changed),
        }
    }

    async fn fetch(&self, key: &ObjectKey, version: Option<&str>) -> Result<Vec<u8>, NoPicture> {
        let bytes_max = self.limits.bytes_max as u64;
        let found = self.objects.fetch(key, version, bytes_max).await;
        match found {
            Ok(Fetched::Object(object)) => Ok(object.bytes.into()),
            Ok(Fetched::Gone) => Err(NoPicture::Gone),
            Ok(Fetched::OverLimit(_)) => Err(NoPicture::Changed),
            Err(error) => {
                tracing::warn!(%error, "a picture could not be read");
                Err(NoPicture::Unavailable)
            }
        }
    }
}

/// The picture that is asked for, of a file that is at hand.
///
/// # Errors
/// Why there is none.
pub fn made(bytes: &[u8], request: &PictureRequest, limits: &Limits) -> Result<Vec<u8>, NoPicture> {
    let is_ad = matches!(request.holder(), Some(ObjectKey::Ad(_)));
    // As the fingerprints are made: of an ad, frames that differ are looked at together.
    let decoded = match is_ad {
        true => photo::decode_sheet(bytes, Detail::Colour, limits),
        false => photo::decode(bytes, Detail::Colour, limits),
    };
    let picture = seen::upright(decoded.map_err(|_| NoPicture::Unreadable)?)?;
    let side_px = request.kind.side_px_max();
    let shown = match (request.kind, request.outline) {
        (PictureKind::Whole | PictureKind::Small, _) => seen::fitted(&picture, side_px),
        (_, None) => return Err(NoPicture::NoPlace),
        (PictureKind::Part, Some(outline)) => {
            warp::part(&picture, outline, request.frame_px, side_px)?
        }
        (PictureKind::Placed, Some(outline)) => placed::veiled(&picture, outline, side_px)?,
    };
    encoded::jpeg(&shown, request.kind.bytes_max())
}
