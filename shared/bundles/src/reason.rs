//! Why a bundle, or a member of one, is refused.

use std::fmt;

/// A refusal is data: it is recorded with the upload and shown to the uploader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The archive breaks its format's rules, or two of its parts lie in one place: pack it again.
    BundleCorrupt,
    /// The archive ends before it says so: pack or upload it again.
    BundleTruncated,
    /// More entries than [`crate::Limits::entries_max`]: split it.
    BundleTooManyMembers,
    /// More bytes unpacked than [`crate::Limits::unpacked_bytes_max`]: split it.
    BundleTooLargeUnpacked,
    /// No member in it.
    BundleEmpty,
    /// More bytes than allowed, as a bundle or as a member.
    TooLarge,
    /// The name leads out of the bundle, or cannot be a key.
    UnsafeName,
    /// An earlier member has the same name.
    DuplicateName,
    /// A link, a device, a sparse file.
    NotAFile,
    /// It needs a password.
    Encrypted,
    /// Packed in another way than stored or deflated.
    UnsupportedCompression,
    /// Its bytes are not what the archive says.
    Corrupt,
    /// An archive itself.
    NestedArchive,
    /// No bytes.
    Empty,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::BundleCorrupt,
        Self::BundleTruncated,
        Self::BundleTooManyMembers,
        Self::BundleTooLargeUnpacked,
        Self::BundleEmpty,
        Self::TooLarge,
        Self::UnsafeName,
        Self::DuplicateName,
        Self::NotAFile,
        Self::Encrypted,
        Self::UnsupportedCompression,
        Self::Corrupt,
        Self::NestedArchive,
        Self::Empty,
    ];

    /// The reason's code, as stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BundleCorrupt => "bundle_corrupt",
            Self::BundleTruncated => "bundle_truncated",
            Self::BundleTooManyMembers => "bundle_too_many_members",
            Self::BundleTooLargeUnpacked => "bundle_too_large_unpacked",
            Self::BundleEmpty => "bundle_empty",
            Self::TooLarge => "too_large",
            Self::UnsafeName => "unsafe_name",
            Self::DuplicateName => "duplicate_name",
            Self::NotAFile => "not_a_file",
            Self::Encrypted => "encrypted",
            Self::UnsupportedCompression => "unsupported_compression",
            Self::Corrupt => "corrupt",
            Self::NestedArchive => "nested_archive",
            Self::Empty => "empty",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
