//! What a file is, by its first bytes: a picture of some media type, a bundle, or a list of hashes. What
//! is none of these stays where it is: a folder may hold more than its owner remembers.

use photo::{Format, Reason};

/// Bytes that tell.
pub const HEAD_BYTES: usize = photo::HEAD_BYTES;
const _: () = assert!(HEAD_BYTES >= bundles::HEAD_BYTES);

/// What a file is sent as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A picture that deployments read.
    Picture(&'static str),
    /// An archive whose members are pictures.
    Bundle(&'static str),
    /// A list of hashes that was made elsewhere.
    List,
}

impl FileKind {
    /// Told by the start of a file.
    ///
    /// # Errors
    /// `unsupported_format` for a picture that no deployment reads, `not_an_image` for what is none.
    pub fn of(head: &[u8]) -> Result<Self, Reason> {
        if is_document(head) {
            return Err(Reason::NotAnImage);
        }
        if bundles::is_bundle(head) {
            let is_zip = head.starts_with(b"PK");
            return Ok(Self::Bundle(if is_zip {
                "application/zip"
            } else {
                "application/x-tar"
            }));
        }
        if records::is_hash_list(head) {
            return Ok(Self::List);
        }
        Format::of(head).map(|format| Self::Picture(format.media_type()))
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Picture(content_type) | Self::Bundle(content_type) => content_type,
            Self::List => "application/x-ndjson",
        }
    }

    /// The most bytes that a deployment takes of it.
    pub fn bytes_max(self) -> u64 {
        match self {
            Self::Picture(_) | Self::List => 32 * 1024 * 1024,
            Self::Bundle(_) => 400 * 1024 * 1024,
        }
    }
}

/// What documents and programs that are ZIP files inside begin with: Office, OpenDocument and EPUB, Java
/// and Android.
const FIRST_OF_DOCUMENTS: [&[u8]; 6] = [
    b"[Content_Types].xml",
    b"_rels/",
    b"docProps/",
    b"mimetype",
    b"META-INF/",
    b"AndroidManifest.xml",
];

/// Whether it is a document that is a ZIP file inside: a letter or a table is no bundle of pictures.
fn is_document(head: &[u8]) -> bool {
    const NAME_AT: usize = 30; // behind the fixed part of a local header
    let first = head
        .get(NAME_AT..)
        .filter(|_| head.starts_with(b"PK\x03\x04"));
    first.is_some_and(|name| FIRST_OF_DOCUMENTS.iter().any(|it| name.starts_with(it)))
}

/// Files that systems leave in every folder.
const LITTER: [&str; 4] = [".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini"];

/// Whether a file of that path is what a system left there, if it is no picture.
pub fn is_litter(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("._") || LITTER.contains(&name.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_content() {
        let check = |head: &[u8], expected| assert_eq!(FileKind::of(head), expected);
        let mut tar = [0; HEAD_BYTES];
        tar[257..262].copy_from_slice(b"ustar");
        check(&tar, Ok(FileKind::Bundle("application/x-tar")));
        check(b"PK\x03\x04rest", Ok(FileKind::Bundle("application/zip")));
        let zip = |first: &[u8]| [b"PK\x03\x04", &[0; 26][..], first].concat();
        check(
            &zip(b"photos/1.jpg"),
            Ok(FileKind::Bundle("application/zip")),
        );
        check(&zip(b"[Content_Types].xml"), Err(Reason::NotAnImage));
        check(
            &zip(b"mimetypeapplication/epub+zip"),
            Err(Reason::NotAnImage),
        );
        check(b"\xff\xd8\xff\xe0", Ok(FileKind::Picture("image/jpeg")));
        check(b"MM\0*", Ok(FileKind::Picture("image/tiff")));
        check(records::hash_list_header().as_bytes(), Ok(FileKind::List));
        let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
        check(heic, Ok(FileKind::Picture("image/heic")));
        check(b"8BPS\0\x01", Err(Reason::UnsupportedFormat));
        check(b"%PDF-1.7", Ok(FileKind::Picture("application/pdf")));
        let none = Err(Reason::NotAnImage);
        check(b"", none);
        check(b"AKIAIOSFODNN7EXAMPLE", none);
        check(b"SQLite format 3\0", none);
        check(b"<!DOCTYPE html><title>403 Forbidden</title>", none);
    }

    /// `review` links no decoder, so its list stands apart.
    #[test]
    fn a_link_can_be_had_for_every_format_that_is_read() {
        let contract = include_str!("../../../functions/review/openapi.json");
        for format in Format::all() {
            let quoted = format!("\"{}\"", format.media_type());
            assert!(contract.contains(&quoted), "{quoted}");
        }
    }

    #[test]
    fn litter_is_told_by_its_name() {
        for name in [".DS_Store", "a/Thumbs.db", "a/b/._photo.jpg", "Desktop.ini"] {
            assert!(is_litter(name), "{name}");
        }
        for name in [
            "photo.jpg",
            "a/._b/photo.jpg",
            "thumbs.db.jpg",
            ".hidden.jpg",
        ] {
            assert!(!is_litter(name), "{name}");
        }
    }
}
