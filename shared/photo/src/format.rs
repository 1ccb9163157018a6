//! What is known of each format, one row of [`ROWS`] for each: adding one touches its decoder, its row, its
//! test, and the list in docs/reason-codes.md.

use crate::bytes::{array, be32, le16};
use crate::frames::Walk;
use crate::guard::Decoder;
#[cfg(any(feature = "avif", feature = "heic"))]
use crate::heif;
#[cfg(feature = "pdf")]
use crate::pdf;
#[cfg(any(feature = "jxl", feature = "jp2"))]
use crate::whole;
use crate::{Reason, bmp, gif, ico, jpeg, png, tiff, webp};

/// The types of pictures that are decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Baseline or progressive, 8 bit; coded by arithmetic, in a process of its own.
    Jpeg,
    /// Also animated.
    Png,
    /// Still or animated.
    Gif,
    /// Lossy, lossless or animated.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// The largest page; grey, colours, inks or a palette, of 1 to 32 bit.
    Tiff,
    /// HEVC in an ISO container, whole or in tiles: what phones write.
    #[cfg(feature = "heic")]
    Heic,
    /// AV1 in the same container: what sites send. Decoded in a process of its own.
    #[cfg(feature = "avif")]
    Avif,
    /// JPEG XL; of an animation the first frame. Decoded in a process of its own.
    #[cfg(feature = "jxl")]
    Jxl,
    /// JPEG 2000. Decoded in a process of its own.
    #[cfg(feature = "jp2")]
    Jp2,
    /// Windows icon or cursor: its largest picture.
    Ico,
    /// The pictures on the pages of a document. It is taken apart in a process of its own.
    #[cfg(feature = "pdf")]
    Pdf,
}

/// What is known of a format.
struct Row {
    format: Format,
    name: &'static str,
    media_type: &'static str,
    /// Browsers draw it, and it can hold no script.
    in_browsers: bool,
    /// Told by the first [`HEAD_BYTES`].
    starts: fn(&[u8]) -> bool,
    decoder: Decoder,
    /// Shows every frame, if it can have several.
    frames: Option<Walk>,
}

/// In the order in which a file is asked.
const ROWS: &[Row] = &[
    Row {
        format: Format::Jpeg,
        name: "jpeg",
        media_type: "image/jpeg",
        in_browsers: true,
        starts: |head| head.starts_with(b"\xff\xd8\xff"),
        decoder: jpeg::decode,
        frames: None,
    },
    Row {
        format: Format::Png,
        name: "png",
        media_type: "image/png",
        in_browsers: true,
        starts: |head| head.starts_with(png::SIGNATURE),
        decoder: png::decode,
        frames: Some(png::walk),
    },
    Row {
        format: Format::Gif,
        name: "gif",
        media_type: "image/gif",
        in_browsers: true,
        starts: |head| head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a"),
        decoder: gif::decode,
        frames: Some(gif::walk),
    },
    Row {
        format: Format::Webp,
        name: "webp",
        media_type: "image/webp",
        in_browsers: true,
        starts: |head| head.starts_with(b"RIFF") && array(head, 8) == Some(*b"WEBP"),
        decoder: webp::decode,
        frames: Some(webp::walk),
    },
    Row {
        format: Format::Bmp,
        name: "bmp",
        media_type: "image/bmp",
        in_browsers: true,
        starts: is_bmp,
        decoder: bmp::decode,
        frames: None,
    },
    Row {
        format: Format::Tiff,
        name: "tiff",
        media_type: "image/tiff",
        in_browsers: false,
        starts: |head| TIFF_STARTS.iter().any(|start| head.starts_with(*start)),
        decoder: tiff::decode,
        frames: Some(tiff::walk),
    },
    #[cfg(feature = "heic")]
    Row {
        format: Format::Heic,
        name: "heic",
        media_type: "image/heic",
        in_browsers: false,
        starts: |head| has_brand(head, &HEIC_BRANDS) && !has_brand(head, &AVIF_BRANDS),
        decoder: heif::decode,
        frames: None,
    },
    #[cfg(feature = "avif")]
    Row {
        format: Format::Avif,
        name: "avif",
        media_type: "image/avif",
        in_browsers: true,
        starts: |head| has_brand(head, &AVIF_BRANDS),
        decoder: heif::decode,
        frames: None,
    },
    #[cfg(feature = "jxl")]
    Row {
        format: Format::Jxl,
        name: "jxl",
        media_type: "image/jxl",
        in_browsers: false,
        starts: |head| JXL_STARTS.iter().any(|start| head.starts_with(start)),
        decoder: whole::jxl,
        frames: None,
    },
    #[cfg(feature = "jp2")]
    Row {
        format: Format::Jp2,
        name: "jp2",
        media_type: "image/jp2",
        in_browsers: false,
        starts: |head| JP2_STARTS.iter().any(|start| head.starts_with(start)),
        decoder: whole::jp2,
        frames: None,
    },
    Row {
        format: Format::Ico,
        name: "ico",
        media_type: "image/vnd.microsoft.icon",
        in_browsers: false,
        starts: is_icon,
        decoder: ico::decode,
        frames: None,
    },
    #[cfg(feature = "pdf")]
    Row {
        format: Format::Pdf,
        name: "pdf",
        media_type: "application/pdf",
        in_browsers: false,
        starts: |head| head.starts_with(PDF_START),
        decoder: pdf::decode,
        frames: Some(pdf::walk),
    },
];

impl Format {
    /// What a file is by its first [`HEAD_BYTES`]; its name says nothing.
    ///
    /// # Errors
    /// [`Reason::UnsupportedFormat`] for a picture of a kind that is not decoded,
    /// [`Reason::NotAnImage`] for what is none.
    pub fn of(head: &[u8]) -> Result<Format, Reason> {
        if PICTURES_NOT_DECODED
            .iter()
            .any(|magic| head.starts_with(magic))
        {
            return Err(Reason::UnsupportedFormat);
        }
        if let Some(row) = ROWS.iter().find(|row| (row.starts)(head)) {
            return Ok(row.format);
        }
        let without_decoder = [JXL_STARTS, JP2_STARTS]
            .as_flattened()
            .iter()
            .any(|start| head.starts_with(start));
        if without_decoder
            || head.starts_with(PDF_START)
            || is_still_container(head)
            || is_netpbm(head)
            || is_svg(head)
        {
            return Err(Reason::UnsupportedFormat);
        }
        Err(Reason::NotAnImage)
    }

    /// Every format, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Format> {
        ROWS.iter().map(|row| row.format)
    }

    /// Lower-case name: `jpeg`, `png`, …
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// The media type: `image/jpeg`, `image/png`, …
    pub fn media_type(self) -> &'static str {
        self.row().media_type
    }

    /// Whether browsers draw files of it, and no such file can hold a script.
    pub fn is_shown_by_browsers(self) -> bool {
        self.row().in_browsers
    }

    pub(crate) fn decoder(self) -> Decoder {
        self.row().decoder
    }

    pub(crate) fn frames(self) -> Option<Walk> {
        self.row().frames
    }

    fn row(self) -> &'static Row {
        ROWS.iter()
            .find(|row| row.format == self)
            .expect("every format has a row")
    }
}

/// In either order of bytes, and for files of more than 4 GB.
const TIFF_STARTS: [&[u8; 4]; 4] = [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];

/// In a container, and bare.
const JXL_STARTS: [&[u8]; 2] = [b"\0\0\0\x0cJXL \r\n\x87\n", b"\xff\x0a"];
const JP2_STARTS: [&[u8]; 2] = [b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"];

const PDF_START: &[u8] = b"%PDF-";

/// First bytes of pictures that are not decoded here: so that the uploader reads "convert it"
/// and not "this is no picture".
const PICTURES_NOT_DECODED: [&[u8]; 22] = [
    b"%!PS",
    b"icns",
    b"8BPS\0",           // Photoshop
    b"\xff\xd8\xff\xf7", // JPEG-LS
    b"II\xbc\x01",       // JPEG XR
    b"FUJIFILMCCD-RAW",
    b"IIRO",  // Olympus raw
    b"IIRS",  // Olympus raw
    b"IIU\0", // Panasonic raw
    b"\0MRM", // Minolta raw
    b"FOVb",  // Sigma raw
    b"gimp xcf",
    b"qoif",
    b"farbfeld",
    b"DDS ",
    b"\x76\x2f\x31\x01", // OpenEXR
    b"#?RADIANCE",
    b"AT&TFORM", // DjVu
    b"\x8aMNG\r\n\x1a\n",
    b"\x8bJNG\r\n\x1a\n",
    b"BPG\xfb",
    b"\xd7\xcd\xc6\x9a", // WMF
];

/// Brands of the ISO container: HEVC still pictures and sequences, and the one that names no codec.
const HEIC_BRANDS: [&[u8; 4]; 8] = [
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
];
/// AV1 still pictures and sequences.
const AVIF_BRANDS: [&[u8; 4]; 2] = [b"avif", b"avis"];
/// Canon raw.
const RAW_BRANDS: [&[u8; 4]; 1] = [b"crx "];

/// Bytes that tell the type of a file: the longest prologue of an SVG, its mark included.
pub const HEAD_BYTES: usize = SVG_PROLOGUE_MAX + 3;

/// How far into a text file an SVG's root element is looked for, in bytes.
const SVG_PROLOGUE_MAX: usize = 1024;

/// Two letters are too little to tell a bitmap from a text, so the header's length joins them.
fn is_bmp(bytes: &[u8]) -> bool {
    const HEADER_LENGTHS: [u16; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    bytes.starts_with(b"BM")
        && le16(bytes, 14).is_some_and(|length| HEADER_LENGTHS.contains(&length))
        && le16(bytes, 16) == Some(0)
}

fn is_still_container(bytes: &[u8]) -> bool {
    has_brand(bytes, &HEIC_BRANDS)
        || has_brand(bytes, &AVIF_BRANDS)
        || has_brand(bytes, &RAW_BRANDS)
}

/// Whether it is an ISO container that names one of these brands.
fn has_brand(bytes: &[u8], sought: &[&[u8; 4]]) -> bool {
    if array(bytes, 4) != Some(*b"ftyp") {
        return false;
    }
    let length = be32(bytes, 0)
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(0);
    // The main brand, a version, then compatible brands.
    let brands = bytes
        .get(8..length.clamp(12, 256).min(bytes.len()))
        .unwrap_or_default();
    brands
        .chunks_exact(4)
        .any(|brand| sought.iter().any(|it| brand == *it))
}

/// Windows icon or cursor: a table of at least one entry whose reserved byte is zero.
fn is_icon(bytes: &[u8]) -> bool {
    (bytes.starts_with(b"\0\0\x01\0") || bytes.starts_with(b"\0\0\x02\0"))
        && le16(bytes, 4).is_some_and(|entries| (1..=64).contains(&entries))
        && bytes.get(9) == Some(&0)
}

fn is_netpbm(bytes: &[u8]) -> bool {
    matches!(bytes, [b'P', b'1'..=b'7', b' ' | b'\n' | b'\r' | b'\t', ..])
}

fn is_svg(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text
        .get(..SVG_PROLOGUE_MAX)
        .unwrap_or(text)
        .trim_ascii_start();
    text.starts_with(b"<") && memchr::memmem::find(text, b"<svg").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_one_row_a_name_and_a_media_type_of_its_own() {
        for (at, row) in ROWS.iter().enumerate() {
            let others = ROWS.iter().enumerate().filter(|(other, _)| *other != at);
            for (_, other) in others {
                assert_ne!(row.format, other.format);
                assert_ne!(row.name, other.name);
                assert_ne!(row.media_type, other.media_type);
            }
            assert_eq!(row.format.as_str(), row.name);
        }
    }
}
