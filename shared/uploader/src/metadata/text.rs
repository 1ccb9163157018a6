//! The text of a table, whatever a spreadsheet or a scraper wrote it as.

use std::borrow::Cow;

use console::outcome::{Failure, Result};
use encoding_rs::{Encoding, UTF_8};

/// Decodes a file: by its byte order mark, else as `named` says, else as UTF-8.
///
/// # Errors
/// A name that is no encoding's, and bytes that do not fit: a place name must not be sent garbled.
pub(super) fn decoded<'a>(bytes: &'a [u8], named: Option<&str>) -> Result<Cow<'a, str>> {
    let said = match named {
        None => UTF_8,
        Some(name) => Encoding::for_label(name.as_bytes()).ok_or_else(|| {
            Failure::usage(
                format_args!("--encoding {name} is no encoding"),
                "name one as in web pages, e.g. windows-1251, windows-1252, utf-16le, gb18030",
            )
        })?,
    };
    let (text, encoding, has_errors) = said.decode(bytes);
    if has_errors {
        return Err(Failure::input(
            format_args!("the metadata file is not {}", encoding.name()),
            "save it as UTF-8 (in Excel: CSV UTF-8), or say how it is encoded, e.g. --encoding windows-1252",
        ));
    }
    Ok(text)
}

/// The character between the columns of a CSV file: of those that programs write, the one that makes the most
/// columns of the first line.
pub(super) fn delimiter(text: &str) -> u8 {
    let header = text.lines().next().unwrap_or_default();
    let columns = |delimiter: &u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(*delimiter)
            .from_reader(header.as_bytes());
        reader.headers().map_or(0, csv::StringRecord::len)
    };
    let known = [b'|', b'\t', b';', b','];
    known.into_iter().max_by_key(columns).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], named: Option<&str>) -> String {
        match decoded(bytes, named) {
            Ok(text) => text.into_owned(),
            Err(failure) => failure.cause.to_string(),
        }
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        assert_eq!(text("path,Köln".as_bytes(), None), "path,Köln");
        assert_eq!(text(b"\xef\xbb\xbfpath", None), "path");
        assert_eq!(text(b"\xff\xfep\0a\0", None), "pa");
        assert_eq!(text(b"\xfe\xff\0p\0a", None), "pa");
        assert_eq!(text(b"K\xf6ln", Some("windows-1252")), "Köln");
        assert_eq!(text(b"\xca\xe8\xbf\xe2", Some("windows-1251")), "Київ");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(text(b"K\xf6ln", None), "the metadata file is not UTF-8");
        assert_eq!(
            text(b"x", Some("klingon")),
            "--encoding klingon is no encoding"
        );
        assert_eq!(
            text(b"\xff\xfep\0a", None),
            "the metadata file is not UTF-16LE"
        );
    }

    #[test]
    fn the_delimiter_is_what_makes_the_most_columns() {
        for (header, expected) in [
            ("path,place", b','),
            ("path;place;source, if any", b';'),
            ("path\tplace", b'\t'),
            ("path|place", b'|'),
            ("\"a;b;c\",place", b','),
            ("path", b','),
            ("", b','),
        ] {
            assert_eq!(delimiter(header), expected, "{header}");
        }
    }
}
