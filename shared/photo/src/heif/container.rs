use heifer_isobmff::boxes::{ColorInfo, Grid, Property};
use heifer_isobmff::{Error, HeifFile, ItemId, read_box_header};

use crate::Reason;

/// Longest list of items in bytes. A photo of 200 megapixels has 800 tiles and a list of 40 kB; finding
/// an item costs a pass over the list.
const META_BYTES_MAX: usize = 256 << 10;

/// The container's items, judged before anything is made of them.
pub(super) struct Container<'a> {
    pub(super) file: HeifFile<'a>,
    bytes: &'a [u8],
    /// A box reaches past the end of the file.
    pub(super) is_cut: bool,
}

impl<'a> Container<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, Reason> {
        let walked = Walked::of(bytes)?;
        let whole = bytes.get(..walked.end).unwrap_or_default();
        let file = HeifFile::parse(whole).map_err(|error| {
            if walked.is_cut {
                Reason::Truncated
            } else {
                reason(&error)
            }
        })?;
        Ok(Container {
            file,
            bytes: whole,
            is_cut: walked.is_cut,
        })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    pub(super) fn kind(&self, id: ItemId) -> Result<&[u8; 4], Reason> {
        let item = self.file.item(id).map_err(|error| reason(&error))?;
        Ok(&item.item_type.0)
    }

    /// What an item is derived from.
    pub(super) fn inputs(&self, id: ItemId) -> &[ItemId] {
        self.file.referenced_items(id, b"dimg")
    }

    pub(super) fn properties(&self, id: ItemId) -> impl Iterator<Item = &Property> {
        self.file.item_properties(id).into_iter().flatten()
    }

    /// Width and height in pixels.
    pub(super) fn sides(&self, id: ItemId) -> Result<(u32, u32), Reason> {
        let sides = self.file.image_size(id).map_err(|error| reason(&error))?;
        sides.ok_or(Reason::Corrupt)
    }

    pub(super) fn grid(&self, id: ItemId) -> Result<Grid, Reason> {
        self.file.grid(id).map_err(|error| reason(&error))
    }

    /// The item that holds a picture's alpha.
    pub(super) fn alpha(&self, id: ItemId) -> Option<ItemId> {
        let beside = self.file.referencing_items(id, b"auxl");
        beside.into_iter().find(|beside| {
            self.properties(*beside).any(|property| {
                matches!(property, Property::AuxiliaryType(kind) if ALPHA.contains(&kind.as_str()))
            })
        })
    }

    /// Matrix and range of an item's colours, where the container says them.
    pub(super) fn colours(&self, id: ItemId) -> Option<(u16, bool)> {
        self.properties(id).find_map(|property| match property {
            Property::Color(ColorInfo::Nclx {
                matrix, full_range, ..
            }) => Some((*matrix, *full_range)),
            _ => None,
        })
    }

    #[cfg(feature = "avif")]
    pub(super) fn data(&self, id: ItemId) -> Result<std::borrow::Cow<'_, [u8]>, Reason> {
        self.file.item_data(id).map_err(|error| reason(&error))
    }

    /// Bytes of an item's data.
    pub(super) fn length(&self, id: ItemId) -> Result<u64, Reason> {
        let item = self.file.item(id).map_err(|error| reason(&error))?;
        let extents = item.location.iter().flat_map(|it| &it.extents);
        Ok(extents.fold(0, |sum: u64, extent| {
            let length = match extent.length {
                0 => self.bytes(), // to the end
                length => length,
            };
            sum.saturating_add(length)
        }))
    }

    /// An HEVC item as a stream of units with start codes, its parameter sets first.
    #[cfg(feature = "heic")]
    pub(super) fn hevc_stream(&self, id: ItemId) -> Result<Vec<u8>, Reason> {
        self.file.hevc_bitstream(id).map_err(|error| reason(&error))
    }
}

/// What an auxiliary picture is called that holds an alpha plane: for HEVC, and for all codecs.
const ALPHA: [&str; 2] = [
    "urn:mpeg:hevc:2015:auxid:1",
    "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha",
];

/// The boxes of one picture: what follows it, be it another picture, is not looked at.
struct Walked {
    end: usize,
    is_cut: bool,
}

impl Walked {
    fn of(bytes: &[u8]) -> Result<Self, Reason> {
        let (mut end, mut metas, mut is_film) = (0, 0, false);
        let is_cut = loop {
            let rest = bytes.get(end..).unwrap_or_default();
            if rest.is_empty() {
                break false;
            }
            let Ok(header) = read_box_header(rest) else {
                break true;
            };
            let kind = header.box_type.0;
            if (kind == *b"ftyp" && end > 0) || (kind == *b"meta" && metas > 0) {
                break false;
            }
            let size = header.size.map(usize::try_from);
            let size = size.unwrap_or(Ok(rest.len())).unwrap_or(usize::MAX);
            if size > rest.len() {
                break true;
            }
            is_film |= kind == *b"moov";
            if kind == *b"meta" {
                metas += 1;
                if size > META_BYTES_MAX {
                    return Err(Reason::UnsupportedFormat);
                }
            }
            end += size;
        };
        if metas == 0 {
            return Err(if is_film {
                Reason::UnsupportedFormat
            } else {
                Reason::Truncated
            });
        }
        Ok(Walked { end, is_cut })
    }
}

fn reason(error: &Error) -> Reason {
    match error {
        // Data that lies past the end, mostly.
        Error::UnexpectedEof => Reason::Truncated,
        Error::Unimplemented(_) => Reason::UnsupportedFormat,
        _ => Reason::Corrupt,
    }
}
