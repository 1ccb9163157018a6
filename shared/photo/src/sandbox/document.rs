use super::{Codec, Decoder, Joins, Role};
use super::{PDF_PIXELS_MAX, PDF_PROCESSOR_S_MAX, PDF_PROCESSOR_S_MAX_AGAIN};
use crate::pixels::{Layout, Raster, samples_len};
use crate::{Limits, Orientation, Reason};

/// A child that has taken a document apart.
pub(crate) struct Document {
    child: Decoder,
    pub(crate) pictures: Vec<Entry>,
    /// All pictures of the document are listed.
    pub(crate) is_whole: bool,
}

/// What a document says of one of its pictures.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Its page, from 0.
    pub(crate) page: u16,
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) orientation: Orientation,
    pub(crate) role: Role,
    pub(crate) joins: Joins,
    /// The number of the picture that says how much of this one is seen.
    pub(crate) alpha: Option<usize>,
}

/// A picture as the child hands it over.
pub(crate) enum Handed {
    Jpeg(Vec<u8>),
    Jp2(Vec<u8>),
    Samples(Raster),
}

impl Document {
    /// Lists the pictures of a document.
    pub(crate) fn open(file: &[u8]) -> Result<Document, Reason> {
        Document::open_for(file, PDF_PROCESSOR_S_MAX)
    }

    /// The same, after one of its pictures ended the child.
    pub(crate) fn open_again(file: &[u8]) -> Result<Document, Reason> {
        Document::open_for(file, PDF_PROCESSOR_S_MAX_AGAIN)
    }

    fn open_for(file: &[u8], processor_s: u64) -> Result<Document, Reason> {
        let mut child = Decoder::start_for(processor_s)?;
        child.ask(Codec::Pdf, file, PDF_PIXELS_MAX)?;
        child.done()?;
        let [is_whole] = child.bytes()?;
        let count = u16::from_le_bytes(child.bytes()?);
        let pictures = (0..count)
            .map(|_| entry(&mut child))
            .collect::<Result<_, _>>()?;
        Ok(Document {
            child,
            pictures,
            is_whole: is_whole != 0,
        })
    }

    /// One picture of the list.
    pub(crate) fn picture(&mut self, number: usize, limits: &Limits) -> Result<Handed, Reason> {
        let entry = *self.pictures.get(number).ok_or(Reason::DecoderFailure)?;
        limits.admit(entry.width_px, entry.height_px)?;
        let number = u16::try_from(number).map_err(|_| Reason::DecoderFailure)?;
        self.child.write(&number.to_le_bytes())?;
        self.child.done()?;
        let [kind] = self.child.bytes()?;
        let length = u32::from_le_bytes(self.child.bytes()?) as usize;
        let layout = match kind {
            b'J' | b'2' if length > limits.bytes_max => {
                self.child.skip(length)?;
                return Err(Reason::TooLarge);
            }
            b'J' => return Ok(Handed::Jpeg(self.child.read(length)?)),
            b'2' => return Ok(Handed::Jp2(self.child.read(length)?)),
            b'G' => Layout::Luma,
            b'R' => Layout::Rgb,
            b'K' => Layout::Cmyk,
            _ => return Err(Reason::DecoderFailure),
        };
        let (width_px, height_px) = (entry.width_px, entry.height_px);
        if length != samples_len(width_px, height_px, layout)? {
            return Err(Reason::DecoderFailure);
        }
        let samples = self.child.read(length)?;
        Ok(Handed::Samples(Raster::new(
            width_px, height_px, layout, samples,
        )?))
    }
}

fn entry(child: &mut Decoder) -> Result<Entry, Reason> {
    let page = u16::from_le_bytes(child.bytes()?);
    let (width_px, height_px) = (
        u32::from_le_bytes(child.bytes()?),
        u32::from_le_bytes(child.bytes()?),
    );
    let [orientation, role, joins] = child.bytes()?;
    let alpha = usize::from(u16::from_le_bytes(child.bytes()?));
    Ok(Entry {
        page,
        width_px,
        height_px,
        orientation: Orientation::from_exif(orientation.into()).unwrap_or_default(),
        role: match role {
            0 => Role::Picture,
            1 => Role::Mask,
            2 => Role::Alpha,
            _ => return Err(Reason::DecoderFailure),
        },
        joins: match joins {
            0 => Joins::None,
            1 => Joins::Below,
            2 => Joins::Above,
            _ => return Err(Reason::DecoderFailure),
        },
        alpha: alpha.checked_sub(1),
    })
}
