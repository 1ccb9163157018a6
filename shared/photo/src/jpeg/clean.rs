use crate::bytes::be16;
use crate::{Limits, Orientation, Reason, exif};

use super::frame::{Frame, Hints};
use super::standard::Tables;

/// Most scans: encoders write about ten, and each costs a pass over the picture, be it empty.
pub(super) const SCANS_MAX: usize = 128;

/// Scans that the largest picture may have: a pass over 64 megapixels takes 20 ms. A smaller one may
/// have more, up to [`SCANS_MAX`], as long as they do not come to more pixels.
const SCANS_OF_LARGEST_MAX: u64 = 24;

/// Appended to the last scan: bits that are all ones. No Huffman code of the format consists of
/// ones only, so a decoder that still needs a symbol there stops with an error, where zeros or a
/// bare end marker would let it invent the rest of the picture.
const ONES: [u8; 64] = {
    let mut ones = [0; 64];
    let mut at = 0;
    while at < ones.len() {
        ones[at] = 0xff; // and 0 after it: a stuffed byte, not a marker
        at += 2;
    }
    ones
};
const END: [u8; 2] = [0xff, 0xd9];

/// A JPEG reduced to what makes its pixels.
pub(crate) struct Clean {
    pub(crate) file: Vec<u8>,
    pub(crate) frame: Frame,
    pub(crate) orientation: Orientation,
    /// The first scan holds all components.
    pub(crate) interleaved: bool,
    /// The file has no end marker.
    pub(crate) cut: bool,
    pub(crate) scans: usize,
}

impl Clean {
    /// Copies tables, frame and scans; the dimensions are judged when the frame is met, before
    /// anything is allocated for the picture.
    pub(crate) fn of(bytes: &[u8], limits: &Limits) -> Result<Clean, Reason> {
        let mut walk = Walk {
            bytes,
            at: 2,
            ..Walk::default()
        };
        walk.file
            .reserve_exact(bytes.len().saturating_add(ONES.len() + 32));
        walk.file.extend_from_slice(&[0xff, 0xd8]);
        let cut = loop {
            match walk.segment(limits)? {
                Next::Segment => {}
                Next::End => break false,
                Next::Cut => break true,
            }
        };
        let missing = if cut {
            Reason::Truncated
        } else {
            Reason::Corrupt
        };
        let frame = walk.frame.ok_or(missing)?;
        let components = walk.first_scan_components.ok_or(missing)?;
        walk.file.extend_from_slice(&ONES);
        walk.file.extend_from_slice(&END);
        let orientation = walk.orientation.unwrap_or_default();
        let interleaved = components == frame.components;
        Ok(Clean {
            file: walk.file,
            frame,
            orientation,
            interleaved,
            cut,
            scans: walk.scans,
        })
    }
}

enum Next {
    Segment,
    End,
    Cut,
}

#[derive(Default)]
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    file: Vec<u8>,
    hints: Hints,
    frame: Option<Frame>,
    orientation: Option<Orientation>,
    scans: usize,
    tables: Tables,
    first_scan_components: Option<usize>,
}

impl<'a> Walk<'a> {
    /// Takes one segment, a scan with its data included.
    fn segment(&mut self, limits: &Limits) -> Result<Next, Reason> {
        let Some(marker) = self.marker() else {
            return Ok(Next::Cut);
        };
        match marker {
            0xd9 => return Ok(Next::End),
            0x01 | 0xd0..=0xd7 => return Ok(Next::Segment), // stand alone
            0xd8 => return Err(Reason::Corrupt),            // a second file inside the first
            _ => {}
        }
        let Some(data) = self.payload()? else {
            return Ok(Next::Cut);
        };
        match marker {
            0xc4 => self.huffman(data),
            0xcc | 0xdb | 0xdd => self.copy(marker, data), // arithmetic, quantisation, restart interval
            0xc0..=0xcf => self.frame(marker, data, limits)?,
            0xda => self.scan(data, limits)?,
            0xe0 => self.hints.jfif |= data.starts_with(b"JFIF\0"),
            0xe1 => self.exif(data),
            0xee => self.adobe(data),
            _ => {}
        }
        Ok(Next::Segment)
    }

    /// The next marker's second byte; libjpeg too steps over garbage before it.
    fn marker(&mut self) -> Option<u8> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            self.at += memchr::memchr(0xff, rest)? + 1;
            match self.bytes.get(self.at)? {
                0x00 | 0xff => {}
                marker => {
                    self.at += 1;
                    return Some(*marker);
                }
            }
        }
    }

    /// The data of a segment whose marker was just read; `None` if the file ends within.
    fn payload(&mut self) -> Result<Option<&'a [u8]>, Reason> {
        let Some(length) = be16(self.bytes, self.at).map(usize::from) else {
            return Ok(None);
        };
        if length < 2 {
            return Err(Reason::Corrupt);
        }
        let data = self.bytes.get(self.at + 2..self.at + length);
        self.at += length;
        Ok(data)
    }

    fn huffman(&mut self, data: &[u8]) {
        self.tables.note(data);
        self.copy(0xc4, data);
    }

    /// Cameras that film by single JPEGs leave out the tables that everybody uses, as libjpeg knows.
    fn standard_tables(&mut self) {
        for table in self.tables.missing() {
            self.copy(0xc4, &table);
        }
    }

    fn copy(&mut self, marker: u8, data: &[u8]) {
        let length = u16::try_from(data.len() + 2).expect("it was read from two bytes");
        self.file.extend_from_slice(&[0xff, marker]);
        self.file.extend_from_slice(&length.to_be_bytes());
        self.file.extend_from_slice(data);
    }

    fn frame(&mut self, marker: u8, data: &[u8], limits: &Limits) -> Result<(), Reason> {
        if self.frame.is_some() {
            return Err(Reason::Corrupt);
        }
        let frame = Frame::parse(marker, data, self.hints)?;
        limits.admit_reduced(frame.width_px, frame.height_px, 1)?;
        self.frame = Some(frame);
        if let Some(transform) = self.hints.adobe.filter(|_| !self.hints.jfif) {
            let transform = transform.min(2);
            self.copy(
                0xee,
                &[b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, transform],
            );
        }
        self.copy(marker, data);
        Ok(())
    }

    /// Copies a scan's header and its data, up to the next marker that is no restart.
    fn scan(&mut self, header: &[u8], limits: &Limits) -> Result<(), Reason> {
        self.scans += 1;
        let frame = self.frame.ok_or(Reason::Corrupt)?;
        let pixels = u64::from(frame.width_px) * u64::from(frame.height_px);
        let passed = pixels.saturating_mul(self.scans as u64);
        let largest = limits.pixels_max.max(limits.reduced_px_max);
        let passed_max = largest.saturating_mul(SCANS_OF_LARGEST_MAX);
        if self.scans > SCANS_MAX || passed > passed_max {
            return Err(Reason::Corrupt);
        }
        if self.scans == 1 && !frame.progressive && !frame.arithmetic {
            self.standard_tables();
        }
        self.copy(0xda, header);
        let data = self.bytes.get(self.at..).unwrap_or_default();
        let length = entropy_len(data);
        self.file.extend_from_slice(&data[..length]);
        self.at += length;
        let components = header.first().copied().map(usize::from);
        self.first_scan_components = self.first_scan_components.or(components);
        Ok(())
    }

    fn exif(&mut self, data: &[u8]) {
        if let (None, Some(exif)) = (self.orientation, data.strip_prefix(b"Exif\0\0")) {
            self.orientation = Some(exif::orientation(exif));
        }
    }

    fn adobe(&mut self, data: &[u8]) {
        if data.starts_with(b"Adobe") {
            self.hints.adobe = data.get(11).copied().or(self.hints.adobe);
        }
    }
}

/// Bytes of entropy-coded data, restarts included, before the next other marker or the end. A
/// lone `0xff` at the end of a cut file is left out.
fn entropy_len(data: &[u8]) -> usize {
    memchr::memchr_iter(0xff, data)
        .find(|at| !matches!(data.get(at + 1), Some(0x00 | 0xd0..=0xd7)))
        .unwrap_or(data.len())
}
