//! What the program `picture` is asked for and answers: places and numbers in, a picture of our own
//! encoder or a reason out.

use serde::{Deserialize, Serialize};

use crate::ids::ImageSha256;
use crate::key::{AdKey, ObjectKey};
use crate::lead::Outline;

/// What is to be made of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureKind {
    /// A reference photo, or a whole ad on purpose, at most [`PictureKind::side_px_max`].
    Whole,
    /// As `Whole`, small.
    Small,
    /// The part of an ad within the outline, turned to lie as the reference does.
    Part,
    /// The whole ad, of which only what lies within the outline can be recognised.
    Placed,
}

impl PictureKind {
    /// The word in addresses and in the audit log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Small => "small",
            Self::Part => "part",
            Self::Placed => "placed",
        }
    }

    /// The longest side in pixels: a window shows three next to each other, paper one at 9 cm.
    pub fn side_px_max(self) -> u32 {
        match self {
            Self::Whole | Self::Part => 720,
            Self::Placed => 960,
            Self::Small => 160,
        }
    }

    /// The most bytes of its JPEG. A lead is first seen with a whole reference, a part and a placed ad: together
    /// with their page they are at most 100 KB, over a line as poor as a unit's may be.
    pub fn bytes_max(self) -> usize {
        match self {
            Self::Whole => 32_000,
            Self::Part => 28_000,
            Self::Placed => 20_000,
            Self::Small => 8_000,
        }
    }
}

/// A request for one picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PictureRequest {
    /// The object that holds it, or that a bundle's member was named as.
    pub object_key: String,
    /// The object's version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// The bundle in which it lies; the version is that of the bundle then.
    pub stored_in: Option<AdKey>,
    /// What it must be.
    pub image_sha256: ImageSha256,
    /// What is to be made of it.
    pub kind: PictureKind,
    /// Where the reference lies within the ad.
    pub outline: Option<Outline>,
    /// Width and height of the reference in pixels, as stored in its file.
    pub frame_px: Option<(u32, u32)>,
}

impl PictureRequest {
    /// The object to be read: the bundle of a member.
    pub fn holder(&self) -> Option<ObjectKey> {
        match &self.stored_in {
            Some(bundle) => Some(bundle.clone().into()),
            None => ObjectKey::parse(&self.object_key).ok(),
        }
    }
}

/// Why there is no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoPicture {
    /// No file lies there (any more).
    Gone,
    /// The file at this place is another one by now.
    Changed,
    /// The file cannot be decoded.
    Unreadable,
    /// Its uploader sent a fingerprint and no picture.
    NeverSent,
    /// Nothing tells where in the ad the photo lies.
    NoPlace,
    /// The picture could not be had at this time.
    Unavailable,
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PictureAnswer {
    /// A baseline JPEG of our encoder, without metadata.
    Jpeg(#[serde(with = "as_base64")] Vec<u8>),
    /// There is none.
    None(NoPicture),
}

/// Bytes as text: a list of numbers would be four times as long, and an answer has 6 MB at most.
mod as_base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

impl std::fmt::Debug for PictureAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Jpeg(bytes) => write!(f, "Jpeg({} bytes)", bytes.len()),
            Self::None(why) => write!(f, "None({why:?})"),
        }
    }
}
