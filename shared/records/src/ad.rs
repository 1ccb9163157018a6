//! Ad images: uploads, contents, sightings.

use serde::{Deserialize, Serialize};

use crate::faults::LineFaults;
use crate::frames::FramesShown;
use crate::ids::{ImageSha256, TenantId};
use crate::key::AdKey;
use crate::member::BundleCounts;
use crate::reason::ReasonCode;
use crate::text::{Label, SourceUrl};
use crate::time::Timestamp;

/// What the uploader said about a posting, from the object's user metadata. Every part is optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdMetadata {
    /// Where the ad was seen.
    pub source_url: Option<SourceUrl>,
    /// The ad's id on that site.
    pub ad_id: Option<Label>,
    /// When the ad was seen.
    pub seen_at: Option<Timestamp>,
    /// The place that the ad names.
    pub place: Option<Label>,
}

/// A part of the metadata that was kept out because it is malformed, or of the picture that was missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataNote {
    /// `source-url` is not an `http` or `https` address of at most 2,048 bytes.
    MalformedSourceUrl,
    /// `ad-id` is not one line of 1 to 256 characters.
    MalformedAdId,
    /// `seen-at` is not an RFC 3339 time.
    MalformedSeenAt,
    /// `place` is not one line of 1 to 256 characters.
    MalformedPlace,
    /// The picture's file is hurt, or some of its pages or frames could not be looked at: what it shows was taken.
    Partial,
}

impl AdMetadata {
    /// Reads user metadata: names without the `x-amz-meta-` prefix, in any case; values as they were
    /// sent (`store` reads what S3 makes of those that are not ASCII). Unknown names are ignored; a
    /// malformed or empty value is left out, a malformed one with a note. Never fails: a wrong date
    /// must not cost a lead.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Self, Vec<MetadataNote>) {
        let mut metadata = Self::default();
        let mut notes = Vec::new();
        for (name, value) in pairs {
            if value.trim().is_empty() {
                continue;
            }
            if let Err(note) = metadata.set(&name.to_ascii_lowercase(), value) {
                notes.push(note);
            }
        }
        notes.sort_unstable();
        notes.dedup();
        (metadata, notes)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), MetadataNote> {
        use MetadataNote as Note;
        match name {
            "source-url" => {
                let url = SourceUrl::parse(value).map_err(|_| Note::MalformedSourceUrl)?;
                self.source_url = Some(url);
            }
            "ad-id" => {
                self.ad_id = Some(Label::parse(value).map_err(|_| Note::MalformedAdId)?);
            }
            "seen-at" => {
                self.seen_at = Some(Timestamp::parse(value).map_err(|_| Note::MalformedSeenAt)?);
            }
            "place" => {
                self.place = Some(Label::parse(value).map_err(|_| Note::MalformedPlace)?);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// Seen, not yet looked at.
    Pending,
    /// Its image and sighting are recorded.
    Recorded,
    /// Not usable; [`Upload::reason`] says why.
    Rejected,
}

/// One uploaded object as its uploader sees it. Says nothing about matches, and nothing that
/// depends on any reference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// The object.
    pub object_key: AdKey,
    /// Where it stands.
    pub state: UploadState,
    /// Why it was rejected, if it was.
    pub reason: Option<ReasonCode>,
    /// Its content, once read; none if it was over the limit and never downloaded.
    pub image_sha256: Option<ImageSha256>,
    /// Bytes of the object.
    pub size_bytes: u64,
    /// Its S3 version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// The bundle that its bytes lie in, under its name; none if they are an object of their own.
    /// The version is that of the bundle then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_in: Option<AdKey>,
    /// What the uploader said about it.
    pub metadata: AdMetadata,
    /// What was kept out of the metadata.
    pub notes: Vec<MetadataNote>,
    /// For a bundle or a list of hashes: what became of its members.
    #[serde(default)]
    pub bundle: Option<BundleCounts>,
    /// For a list of hashes: which of its lines are at fault; none if all are sound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults: Option<LineFaults>,
    /// Of an animation, or a document of pages: which of them were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FramesShown>,
    /// When S3 accepted it (the object's `Last-Modified`).
    pub uploaded_at: Timestamp,
    /// When this state was written.
    pub updated_at: Timestamp,
}

impl Upload {
    /// Whether this tells of an object of `size_bytes` that S3 accepted at `last_modified`, and not
    /// of an earlier one under its key. S3 tells that time to the second, in listings sometimes
    /// finer; two objects under one key within a second are told apart by their sizes.
    pub fn is_about(&self, last_modified: Timestamp, size_bytes: u64) -> bool {
        last_modified.seconds() <= self.uploaded_at.seconds() && size_bytes == self.size_bytes
    }
}

/// An ad image's content, once per tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its content.
    pub image_sha256: ImageSha256,
    /// Width as stored in the file, in pixels.
    pub width_px: u32,
    /// Height as stored in the file, in pixels.
    pub height_px: u32,
    /// The file is hurt, and its fingerprint is of what it still shows.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_partial: bool,
    /// Which of its frames or pages its fingerprint is of, if it has several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frames: Option<FramesShown>,
    /// The version of its fingerprint.
    pub fingerprint_version: u16,
    /// When it was first recorded.
    pub first_seen_at: Timestamp,
}

/// One posting of an ad image: exactly what a lead tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// The uploaded object.
    pub object_key: AdKey,
    /// Where the ad was seen.
    pub source_url: Option<SourceUrl>,
    /// The ad's id on that site.
    pub ad_id: Option<Label>,
    /// When the ad was seen.
    pub seen_at: Option<Timestamp>,
    /// The place that the ad names.
    pub place: Option<Label>,
    /// Who uploaded it.
    pub uploaded_by: TenantId,
}

impl Sighting {
    /// The sighting of this upload.
    pub fn of(object_key: &AdKey, metadata: &AdMetadata) -> Self {
        Self {
            object_key: object_key.clone(),
            source_url: metadata.source_url.clone(),
            ad_id: metadata.ad_id.clone(),
            seen_at: metadata.seen_at,
            place: metadata.place.clone(),
            uploaded_by: object_key.tenant().clone(),
        }
    }
}
