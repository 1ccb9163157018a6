//! HEIC and AVIF: still pictures in a box container (ISO/IEC 23008-12), whole or as a grid of tiles, with
//! or without an alpha plane. Which of the two codecs is inside is told item by item.

#[cfg(feature = "avif")]
mod av1;
mod canvas;
mod container;
#[cfg(feature = "heic")]
mod hevc;

use heifer_isobmff::ItemId;
use heifer_isobmff::boxes::{Grid, Property};

use crate::pixels::Raster;
use crate::planes::Planes;
use crate::{Detail, Limits, Orientation, Reason, exif};
use canvas::{Aperture, Canvas};
use container::Container;

/// Derived pictures that point to derived pictures: writers use one.
const DERIVED_MAX: u32 = 4;

/// A picture that is coded as one piece takes so many times the usual memory a pixel: its samples have
/// 16 bits, and cutting off their padding doubles them. Phones write tiles.
const WEIGHT_OF_ONE_PIECE: u64 = 2;

/// Pixels that are decoded for one that a grid may have: what tiles reach beyond its edges.
const PADDING_MAX: u64 = 2;

pub(crate) fn decode(
    bytes: &[u8],
    detail: Detail,
    limits: &Limits,
) -> Result<(Raster, Orientation), Reason> {
    let container = Container::of(bytes)?;
    let read = Reader {
        container: &container,
        limits,
        #[cfg(feature = "avif")]
        av1: av1::Av1::default(),
    };
    let primary = container.file.primary_id;
    read.picture(primary, detail, 0)
        .and_then(|canvas| Ok((canvas.into_raster()?, container.orientation(primary))))
        .map_err(|reason| match reason {
            Reason::Corrupt if container.is_cut => Reason::Truncated,
            reason => reason,
        })
}

/// The coded items of a picture, and how they lie.
struct Layout {
    width_px: u32,
    height_px: u32,
    columns: u32,
    tiles: Vec<ItemId>,
}

struct Reader<'a> {
    container: &'a Container<'a>,
    limits: &'a Limits,
    #[cfg(feature = "avif")]
    av1: av1::Av1,
}

impl Reader<'_> {
    /// A picture with its alpha, cut to its clean aperture, not yet turned.
    fn picture(&self, id: ItemId, detail: Detail, depth: u32) -> Result<Canvas, Reason> {
        if depth > DERIVED_MAX {
            return Err(Reason::Corrupt);
        }
        // A tone map names the plain picture first, and the map that brightens it second.
        if matches!(self.container.kind(id)?, b"iden" | b"tmap") {
            let source = self.container.inputs(id).first().ok_or(Reason::Corrupt)?;
            return self.picture(*source, detail, depth + 1);
        }
        let layout = self.layout(id)?;
        let whole = Aperture::whole(layout.width_px, layout.height_px);
        let aperture = self
            .container
            .properties(id)
            .try_fold(whole, Aperture::cut)?;
        self.limits
            .admit_pixels(layout.width_px, layout.height_px, 1)?;
        self.limits.admit(aperture.width_px, aperture.height_px)?;
        let mut canvas = self.paint(&layout, detail)?;
        if let Some(alpha) = self.container.alpha(id) {
            let layout = self.layout(alpha)?;
            if (layout.width_px, layout.height_px) != canvas.sides() {
                return Err(Reason::UnsupportedFormat);
            }
            canvas.fade(self.paint(&layout, Detail::Luma)?);
        }
        canvas.cut(&aperture)
    }

    fn layout(&self, id: ItemId) -> Result<Layout, Reason> {
        if *self.container.kind(id)? != *b"grid" {
            let (width_px, height_px) = self.container.sides(id)?;
            return Ok(Layout {
                width_px,
                height_px,
                columns: 1,
                tiles: vec![id],
            });
        }
        let Grid {
            rows,
            columns,
            output_width,
            output_height,
        } = self.container.grid(id)?;
        let tiles = self.container.inputs(id).to_vec();
        if tiles.len() != usize::from(rows) * usize::from(columns) {
            return Err(Reason::Corrupt);
        }
        let layout = Layout {
            width_px: output_width,
            height_px: output_height,
            columns: columns.into(),
            tiles,
        };
        self.check_grid(&layout)?;
        Ok(layout)
    }

    /// Tiles may neither come to much more than the picture nor share their bytes: the work stays in
    /// proportion to the file and the picture.
    fn check_grid(&self, layout: &Layout) -> Result<(), Reason> {
        let (mut pixels, mut bytes) = (0_u64, 0_u64);
        for tile in &layout.tiles {
            let (width_px, height_px) = self.container.sides(*tile)?;
            pixels += u64::from(width_px) * u64::from(height_px);
            bytes = bytes.saturating_add(self.container.length(*tile)?);
        }
        if pixels > self.limits.pixels_max.saturating_mul(PADDING_MAX) {
            return Err(Reason::TooManyPixels);
        }
        if bytes > self.container.bytes() {
            return Err(Reason::Corrupt);
        }
        Ok(())
    }

    fn paint(&self, layout: &Layout, detail: Detail) -> Result<Canvas, Reason> {
        let mut canvas = Canvas::new(layout.width_px, layout.height_px);
        let first = *layout.tiles.first().ok_or(Reason::Corrupt)?;
        let (tile_width, tile_height) = self.container.sides(first)?;
        for (tile, at) in layout.tiles.iter().zip(0..) {
            if self.container.sides(*tile)? != (tile_width, tile_height) {
                return Err(Reason::Corrupt);
            }
            let planes = self.coded(*tile)?;
            let left = (at % layout.columns).saturating_mul(tile_width);
            let top = (at / layout.columns).saturating_mul(tile_height);
            canvas.place(&planes, (left, top), (tile_width, tile_height), detail)?;
        }
        Ok(canvas)
    }

    /// The samples of a coded item, with the colours that the container says.
    fn coded(&self, id: ItemId) -> Result<Planes, Reason> {
        let (width_px, height_px) = self.container.sides(id)?;
        self.limits
            .admit_pixels(width_px, height_px, WEIGHT_OF_ONE_PIECE)?;
        let mut planes = match self.container.kind(id)? {
            #[cfg(feature = "avif")]
            b"av01" => self.av1.planes(self.container, id, (width_px, height_px))?,
            #[cfg(feature = "heic")]
            b"hvc1" | b"hev1" => hevc::planes(self.container, id, (width_px, height_px))?,
            _ => return Err(Reason::UnsupportedFormat),
        };
        if planes.width < width_px || planes.height < height_px {
            return Err(Reason::Corrupt);
        }
        if let Some((matrix, full_range)) = self.container.colours(id) {
            (planes.matrix, planes.full_range) = (matrix, full_range);
        }
        Ok(planes)
    }
}

/// The orientation that the container's own properties or else the EXIF block say, never both.
impl Container<'_> {
    fn orientation(&self, id: ItemId) -> Orientation {
        let mut turned: Option<Orientation> = None;
        for property in self.properties(id) {
            let next = match property {
                Property::Rotation(0) => Orientation::Upright,
                Property::Rotation(1) => Orientation::Turned270,
                Property::Rotation(2) => Orientation::Turned180,
                Property::Rotation(_) => Orientation::Turned90,
                Property::Mirror(true) => Orientation::Flipped,
                Property::Mirror(false) => Orientation::Mirrored,
                _ => continue,
            };
            turned = Some(turned.unwrap_or_default().then(next));
        }
        turned.unwrap_or_else(|| {
            let block = self.file.exif(id).ok().flatten();
            block.map_or(Orientation::Upright, |block| exif::orientation(&block))
        })
    }
}
