//! Items of a set, ads and references alike: whose, which, its views, its features.

use bytes::Bytes;
use features::fingerprint::{AdFingerprint, Framing, HashVariant, ReferenceFingerprint};
use records::{ImageSha256, ReferenceId, TenantId};

use crate::SegmentError;
use crate::head::Input;

/// Which of the two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SetKind {
    /// Ads, by image and tenant.
    Ads,
    /// References, by id and unit.
    References,
}

impl SetKind {
    pub(crate) fn tag(self) -> u8 {
        match self {
            Self::Ads => b'A',
            Self::References => b'R',
        }
    }

    pub(crate) fn of_tag(tag: u8) -> Result<Self, SegmentError> {
        match tag {
            b'A' => Ok(Self::Ads),
            b'R' => Ok(Self::References),
            _ => Err(SegmentError::Corrupt),
        }
    }

    /// Bytes of an item's identity.
    pub(crate) fn id_bytes(self) -> usize {
        match self {
            Self::Ads => 32,
            Self::References => 16,
        }
    }
}

/// What identifies an item among those of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Id {
    /// An ad image's content.
    Image(ImageSha256),
    /// A reference.
    Reference(ReferenceId),
}

impl Id {
    pub(crate) fn kind(&self) -> SetKind {
        match self {
            Self::Image(_) => SetKind::Ads,
            Self::Reference(_) => SetKind::References,
        }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Image(image) => image.bytes().to_vec(),
            Self::Reference(id) => {
                hex::decode(id.as_str()).expect("a reference's id is 32 hex digits")
            }
        }
    }

    pub(crate) fn of_bytes(kind: SetKind, bytes: &[u8]) -> Self {
        let text = hex::encode(bytes);
        match kind {
            SetKind::Ads => Self::Image(ImageSha256::parse(&text).expect("32 bytes as hex digits")),
            SetKind::References => {
                Self::Reference(ReferenceId::parse(&text).expect("16 bytes as hex digits"))
            }
        }
    }
}

/// One item. Prints as its identity's own rules say, its fingerprint not at all.
#[derive(Clone, PartialEq, Eq)]
pub struct Item {
    /// Whose: the tenant that uploaded the ad, or the unit whose reference it is.
    pub owner: TenantId,
    /// Which.
    pub id: Id,
    /// For an ad, when it came into the tail, in ms since 1970; for a reference, its number in its
    /// partition of the log.
    pub stamp: u64,
    /// The version of the algorithms behind its fingerprint.
    pub version: u16,
    /// Its whole-picture hashes, at least one. An ad's second one, if any, is without its border.
    pub views: Vec<(Framing, HashVariant)>,
    /// Its local features, as its fingerprint has them.
    pub features: Bytes,
    /// For an ad, those of its postings that stand nowhere else.
    pub postings: Vec<Posting>,
}

/// One posting of an ad image that travels with it: what is known of it, in its owner's encoding.
#[derive(Clone, PartialEq, Eq)]
pub struct Posting {
    /// What is known of it.
    pub bytes: Bytes,
    /// When it came into the tail, in ms since 1970: an item that was merged has one of its own.
    pub stamp: u64,
}

impl Posting {
    /// Bytes that it takes in a segment.
    pub(crate) fn framed_bytes(&self) -> usize {
        8 + 4 + self.bytes.len()
    }

    pub(crate) fn frame(&self, out: &mut Vec<u8>) {
        let length = u32::try_from(self.bytes.len()).expect("postings are small");
        out.extend(self.stamp.to_le_bytes());
        out.extend(length.to_le_bytes());
        out.extend(&self.bytes);
    }

    /// Reads postings that stand behind each other.
    pub(crate) fn all(framed: &Bytes) -> Result<Vec<Self>, SegmentError> {
        let (mut postings, mut input) = (Vec::new(), Input(framed));
        while !input.0.is_empty() {
            let (stamp, length) = (input.u64()?, input.u32()? as usize);
            let bytes = framed.slice_ref(input.take(length)?);
            postings.push(Self { bytes, stamp });
        }
        Ok(postings)
    }
}

impl std::fmt::Debug for Posting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Posting([redacted])")
    }
}

impl std::fmt::Debug for Item {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Item([redacted])")
    }
}

/// How an ad's second view says that it is one.
const TRIMMED: Framing = Framing {
    mirrored: false,
    turn: features::fingerprint::Turn::None,
    negative: false,
    border_removed: true,
};

impl Item {
    /// An ad as an item.
    pub fn of_ad(owner: TenantId, image: ImageSha256, stamp: u64, ad: AdFingerprint) -> Self {
        let whole = std::iter::once((Framing::default(), ad.whole));
        let trimmed = ad.trimmed.map(|view| (TRIMMED, view));
        Self {
            owner,
            id: Id::Image(image),
            stamp,
            version: ad.version,
            views: whole.chain(trimmed).collect(),
            features: ad.features.into(),
            postings: Vec::new(),
        }
    }

    /// A reference as an item.
    pub fn of_reference(
        owner: TenantId,
        id: ReferenceId,
        stamp: u64,
        reference: ReferenceFingerprint,
    ) -> Self {
        Self {
            owner,
            id: Id::Reference(id),
            stamp,
            version: reference.version,
            views: reference.framings,
            features: reference.features.into(),
            postings: Vec::new(),
        }
    }

    /// The fingerprint of an ad.
    ///
    /// # Errors
    /// [`SegmentError::Corrupt`] if its views are not those of an ad.
    pub fn ad_fingerprint(&self) -> Result<AdFingerprint, SegmentError> {
        let (whole, trimmed) = match self.views[..] {
            [(framing, whole)] if framing == Framing::default() => (whole, None),
            [(framing, whole), (TRIMMED, trimmed)] if framing == Framing::default() => {
                (whole, Some(trimmed))
            }
            _ => return Err(SegmentError::Corrupt),
        };
        Ok(AdFingerprint {
            version: self.version,
            whole,
            trimmed,
            features: self.features.to_vec(),
        })
    }

    /// The fingerprint of a reference.
    pub fn reference_fingerprint(&self) -> ReferenceFingerprint {
        ReferenceFingerprint {
            version: self.version,
            framings: self.views.clone(),
            features: self.features.to_vec(),
        }
    }
}
