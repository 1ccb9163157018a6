use thiserror::Error;

/// Why a photo was refused. A refusal is data: it is recorded with the upload and shown to the
/// uploader, so each reason says what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Error)]
#[error("{}", self.as_str())]
pub enum Reason {
    /// The bytes are no picture that we know: nothing to do.
    NotAnImage,
    /// A picture, of a format or kind that is not decoded here: convert it and upload again.
    UnsupportedFormat,
    /// The file ends before its picture does: upload it again.
    Truncated,
    /// The file breaks its format's rules: export it again.
    Corrupt,
    /// More bytes than [`Limits::bytes_max`](crate::Limits::bytes_max).
    TooLarge,
    /// More pixels than [`Limits::pixels_max`](crate::Limits::pixels_max), by the file's header.
    TooManyPixels,
    /// A side is shorter than [`Limits::side_px_min`](crate::Limits::side_px_min).
    TooSmall,
    /// A side is longer than [`Limits::side_px_max`](crate::Limits::side_px_max): cut it into
    /// several pictures.
    TooLong,
    /// A document whose pages hold no picture: send the picture itself.
    NoPicture,
    /// A document that opens by a password only: save it without one.
    Encrypted,
    /// The decoder gave up in a way that says nothing about the file: it panicked.
    DecoderFailure,
}

impl Reason {
    /// Every reason, in the order of the documentation.
    pub const ALL: [Reason; 11] = [
        Reason::NotAnImage,
        Reason::UnsupportedFormat,
        Reason::Truncated,
        Reason::Corrupt,
        Reason::TooLarge,
        Reason::TooManyPixels,
        Reason::TooSmall,
        Reason::TooLong,
        Reason::NoPicture,
        Reason::Encrypted,
        Reason::DecoderFailure,
    ];

    /// The reason's code, as stored and shown: `not_an_image`, `truncated`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NotAnImage => "not_an_image",
            Reason::UnsupportedFormat => "unsupported_format",
            Reason::Truncated => "truncated",
            Reason::Corrupt => "corrupt",
            Reason::TooLarge => "too_large",
            Reason::TooManyPixels => "too_many_pixels",
            Reason::TooSmall => "too_small",
            Reason::TooLong => "too_long",
            Reason::NoPicture => "no_picture",
            Reason::Encrypted => "encrypted",
            Reason::DecoderFailure => "decoder_failure",
        }
    }
}
