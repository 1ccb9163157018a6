use crate::Reason;
use crate::bytes::{array, be32, le16};

/// The types of pictures that are decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Format {
    /// Baseline or progressive, 8 bit.
    Jpeg,
    /// Also APNG, of which the default image is decoded.
    Png,
    /// First frame.
    Gif,
    /// Lossy, lossless, or the first frame of an animation.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// First page; grey, RGB or CMYK of 8 or 16 bit.
    Tiff,
}

impl Format {
    /// Lower-case name: `jpeg`, `png`, `gif`, `webp`, `bmp`, `tiff`.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::Jpeg => "jpeg",
            Format::Png => "png",
            Format::Gif => "gif",
            Format::Webp => "webp",
            Format::Bmp => "bmp",
            Format::Tiff => "tiff",
        }
    }
}

/// First bytes of pictures that are not decoded here: so that the uploader reads "convert it"
/// and not "this is no picture".
const PICTURES_NOT_DECODED: [&[u8]; 27] = [
    b"%PDF-",
    b"%!PS",
    b"icns",
    b"8BPS\0",                   // Photoshop
    b"\0\0\0\x0cJXL \r\n\x87\n", // JPEG XL in a container
    b"\xff\x0a",                 // JPEG XL, bare
    b"\0\0\0\x0cjP  \r\n\x87\n", // JPEG 2000
    b"\xff\x4f\xff\x51",         // JPEG 2000, bare
    b"\xff\xd8\xff\xf7",         // JPEG-LS
    b"II\xbc\x01",               // JPEG XR
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

/// Brands of the ISO container that hold still pictures: AVIF, HEIF, Canon raw.
const STILL_BRANDS: [&[u8; 4]; 11] = [
    b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1",
    b"crx ",
];

/// How far into a text file an SVG's root element is looked for, in bytes.
const SVG_PROLOGUE_MAX: usize = 1024;

/// Type by content. The name of a file says nothing.
pub(crate) fn sniff(bytes: &[u8]) -> Result<Format, Reason> {
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    if PICTURES_NOT_DECODED.iter().any(|magic| starts(magic)) {
        return Err(Reason::UnsupportedFormat);
    }
    if starts(b"\xff\xd8\xff") {
        Ok(Format::Jpeg)
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Ok(Format::Png)
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Ok(Format::Gif)
    } else if starts(b"RIFF") && array(bytes, 8) == Some(*b"WEBP") {
        Ok(Format::Webp)
    } else if is_bmp(bytes) {
        Ok(Format::Bmp)
    } else if is_tiff(bytes) {
        Ok(Format::Tiff)
    } else if is_still_container(bytes) || is_icon(bytes) || is_netpbm(bytes) || is_svg(bytes) {
        Err(Reason::UnsupportedFormat)
    } else {
        Err(Reason::NotAnImage)
    }
}

/// Two letters are too little to tell a bitmap from a text, so the header's length joins them.
fn is_bmp(bytes: &[u8]) -> bool {
    const HEADER_LENGTHS: [u16; 8] = [12, 16, 40, 52, 56, 64, 108, 124];
    bytes.starts_with(b"BM")
        && le16(bytes, 14).is_some_and(|length| HEADER_LENGTHS.contains(&length))
        && le16(bytes, 16) == Some(0)
}

fn is_tiff(bytes: &[u8]) -> bool {
    [&b"II*\0"[..], b"MM\0*", b"II+\0", b"MM\0+"]
        .iter()
        .any(|magic| bytes.starts_with(magic))
}

fn is_still_container(bytes: &[u8]) -> bool {
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
        .any(|brand| STILL_BRANDS.iter().any(|still| brand == *still))
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
