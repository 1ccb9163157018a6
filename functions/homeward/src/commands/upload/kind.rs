//! What a file is, by its first bytes: a picture of some media type, or a bundle.

/// Bytes that tell: a tar says so at 257.
pub const HEAD_BYTES: usize = 512;

/// What a file is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A picture, or what is none: the deployment judges that.
    Picture(&'static str),
    /// An archive whose members are pictures.
    Bundle(&'static str),
}

impl Kind {
    /// Told by the start of a file.
    pub fn of(head: &[u8]) -> Self {
        let starts = |magic: &[u8]| head.starts_with(magic);
        if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") {
            Self::Bundle("application/zip")
        } else if head.get(257..262) == Some(b"ustar") {
            Self::Bundle("application/x-tar")
        } else if starts(b"\x89PNG") {
            Self::Picture("image/png")
        } else if starts(b"GIF8") {
            Self::Picture("image/gif")
        } else if starts(b"RIFF") {
            Self::Picture("image/webp")
        } else if starts(b"BM") {
            Self::Picture("image/bmp")
        } else if starts(b"II*\0") || starts(b"MM\0*") {
            Self::Picture("image/tiff")
        } else {
            Self::Picture("image/jpeg")
        }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Picture(content_type) | Self::Bundle(content_type) => content_type,
        }
    }

    /// The most bytes that a deployment takes of it.
    pub fn bytes_max(self) -> u64 {
        match self {
            Self::Picture(_) => 32 * 1024 * 1024,
            Self::Bundle(_) => 400 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_content() {
        let check = |head: &[u8], expected: Kind| assert_eq!(Kind::of(head), expected);
        let mut tar = [0; HEAD_BYTES];
        tar[257..262].copy_from_slice(b"ustar");
        check(&tar, Kind::Bundle("application/x-tar"));
        check(b"PK\x03\x04rest", Kind::Bundle("application/zip"));
        check(b"\xff\xd8\xff", Kind::Picture("image/jpeg"));
        check(b"MM\0*", Kind::Picture("image/tiff"));
        check(b"", Kind::Picture("image/jpeg"));
    }
}
