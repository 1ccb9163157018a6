//! The pictures on the pages of a PDF: first a table of them, then one by one as they are asked for.

mod colours;
mod jbig2;
mod piece;
mod search;

use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::object::Stream;
use hayro_syntax::{LoadPdfError, Pdf};

use super::{Fault, write_fault};
use crate::sandbox::{CORRUPT, DECODED, LOCKED, NO_PICTURE};
use piece::{Asked, Piece};
use search::{Found, Listed, Source};

/// Answers about one document until the input ends.
pub(super) fn serve(file: Vec<u8>, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let pdf = match Pdf::new(file) {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(_)) => return say(&[LOCKED], to),
        Err(LoadPdfError::Invalid) => return say(&[CORRUPT], to),
    };
    let Listed { found, is_whole } = search::pictures(&pdf);
    if found.is_empty() {
        return say(&[NO_PICTURE], to);
    }
    table(&found, is_whole, to)?;
    let mut number = [0; 2];
    while from.read_exact(&mut number).is_ok() {
        let asked = found.get(usize::from(u16::from_le_bytes(number)));
        match asked.map(|asked| &asked.source) {
            Some(Source::Inline(Ok(piece))) => write_piece(piece, to)?,
            Some(Source::Inline(Err(fault))) => write_fault(fault, to)?,
            Some(Source::Object(stream)) => write_object(stream, to)?,
            None => write_fault(&Fault::Failed, to)?,
        }
        to.flush()?;
    }
    Ok(())
}

fn write_object(stream: &Stream<'_>, to: &mut impl Write) -> io::Result<()> {
    let piece = catch_unwind(AssertUnwindSafe(|| {
        Piece::of(stream, &Asked::of(stream).ok_or(Fault::Corrupt)?)
    }));
    match piece {
        Ok(Ok(piece)) => write_piece(&piece, to),
        Ok(Err(fault)) => write_fault(&fault, to),
        Err(_) => write_fault(&Fault::Failed, to),
    }
}

fn say(answer: &[u8], to: &mut impl Write) -> io::Result<()> {
    to.write_all(answer)?;
    to.flush()
}

/// Whether they are all, and how many; of each its page, sides, orientation, what it is for, what it joins, and
/// which of them is its alpha, counted from 1.
fn table(found: &[Found<'_>], is_whole: bool, to: &mut impl Write) -> io::Result<()> {
    let count = u16::try_from(found.len()).unwrap_or(u16::MAX);
    to.write_all(&[DECODED, is_whole.into()])?;
    to.write_all(&count.to_le_bytes())?;
    for picture in found.iter().take(count.into()) {
        to.write_all(&picture.page.to_le_bytes())?;
        to.write_all(&picture.width_px.to_le_bytes())?;
        to.write_all(&picture.height_px.to_le_bytes())?;
        let (role, joins) = (picture.role as u8, picture.joins as u8);
        to.write_all(&[picture.orientation.as_exif(), role, joins])?;
        let alpha = picture.alpha.map_or(0, |number| number + 1);
        to.write_all(&alpha.to_le_bytes())?;
    }
    to.flush()
}

fn write_piece(piece: &Piece, to: &mut impl Write) -> io::Result<()> {
    let (kind, bytes) = match piece {
        Piece::Jpeg(bytes) => (b'J', bytes),
        Piece::Jp2(bytes) => (b'2', bytes),
        Piece::Grey(bytes) => (b'G', bytes),
        Piece::Rgb(bytes) => (b'R', bytes),
        Piece::Inks(bytes) => (b'K', bytes),
    };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.write_all(&[DECODED, kind])?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(bytes)
}
