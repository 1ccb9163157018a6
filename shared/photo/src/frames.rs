//! Animations and documents of several pages: which of their frames tell something.
//!
//! A blank first frame hides a photo from whoever looks at the first one only. So all are looked at, those
//! that look alike are one, blank ones are left out, and of the rest those that are shown longest are
//! taken, or of pages the largest.

mod screen;
mod sheet;
mod shown;

use crate::pixels::{Layout, Raster, luma, over_white};
use crate::{Detail, Format, Limits, Orientation, Photo, Reason};

pub(crate) use screen::Screen;
pub(crate) use sheet::sheet;
pub use shown::{FrameUnit, FramesShown, ShownFrame};

/// Frames on a sheet: as many as of a collage are found as surely as alone.
pub(crate) const SHOWN_MAX: usize = 4;

/// Frames that are looked at.
const FRAMES_MAX: usize = 1000;

/// Different frames that are told apart.
const KINDS_MAX: usize = 64;

/// A frame may have this part of the pixels of a single picture: what is kept of four, their sheet, and the
/// screens that a decoder draws on stay within one picture's memory together.
const PART_OF_PIXELS: u64 = 4;

/// A page may have this part of the pixels of a single picture, in thirds, since what is kept of it is made
/// smaller first: a page of A4 at 600 dpi is within.
const THIRDS_OF_PIXELS: u64 = 2;

/// Blocks of a frame in each direction whose brightness is compared.
const BLOCKS: usize = 16;

/// Two frames look alike whose blocks differ by less than this on average, of 255: compression does less,
/// another picture does more.
const ALIKE_MAX: u32 = 6;

/// A frame is blank whose blocks are all within this, of 255.
const BLANK_MAX: u8 = 4;

/// One frame as a viewer would see it.
pub(crate) struct Frame<'a> {
    pub(crate) width_px: u32,
    pub(crate) height_px: u32,
    pub(crate) layout: Layout,
    pub(crate) samples: &'a [u8],
    pub(crate) orientation: Orientation,
    /// Milliseconds that it is shown, or a page's pixels.
    pub(crate) weight: u64,
    /// The page that it is on, from 0; of an animation none.
    pub(crate) page: Option<u32>,
}

/// Looks at a frame; false if it has seen enough.
pub(crate) type Visit<'v> = &'v mut dyn FnMut(&Frame<'_>) -> Result<bool, Reason>;

/// Shows the frames of a file one after the other, and tells how many could not be shown. An error says that the
/// rest of the file is broken.
pub(crate) type Walk = fn(&[u8], &Limits, Visit<'_>) -> Result<u32, Reason>;

/// As many as are counted for frames behind a limit, which no pass counted: more than the one that may have been
/// seen first.
pub(crate) const SOME: u32 = 2;

/// Work that pictures which cannot be read may make together, in pixels.
const WASTED_PIXELS: u64 = 128 << 20;

/// Most pixels that a decoder makes of a byte before it finds that the rest is missing: as much as the
/// packers know.
const PIXELS_OF_BYTE: u64 = 1024;

/// How much work pictures that cannot be read may still make: they state any size, but only their data
/// makes work.
pub(crate) struct Patience {
    pixels: u64,
}

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience {
            pixels: WASTED_PIXELS,
        }
    }

    /// Takes note of a picture that could not be read, by its sides and the bytes of its data.
    pub(crate) fn wasted(&mut self, (width_px, height_px): (u32, u32), bytes: u64) {
        let stated = u64::from(width_px) * u64::from(height_px);
        let made = stated.min(bytes.saturating_mul(PIXELS_OF_BYTE));
        self.pixels = self.pixels.saturating_sub(made);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.pixels == 0
    }
}

/// Whether a canvas is small enough for more than one frame.
pub(crate) fn admit(width_px: u32, height_px: u32, limits: &Limits) -> Result<(), Reason> {
    limits.admit_pixels(width_px, height_px, PART_OF_PIXELS)
}

/// Whether a page is small enough to be looked at as one of several.
pub(crate) fn admit_page(width_px: u32, height_px: u32, limits: &Limits) -> Result<(), Reason> {
    limits.admit(width_px, height_px)?;
    let pixels_max = limits.pixels_max / 3 * THIRDS_OF_PIXELS;
    Limits {
        pixels_max,
        ..*limits
    }
    .admit_pixels(width_px, height_px, 1)
}

/// What is kept of a page: as much as of any frame.
pub(crate) fn of_page(page: Raster, limits: &Limits) -> Result<Raster, Reason> {
    page.within(limits.pixels_max / PART_OF_PIXELS)
}

/// Mean brightness of each block of a frame on white.
type Blocks = [u8; BLOCKS * BLOCKS];

/// Frames that look alike.
struct Kind {
    blocks: Blocks,
    weight: u64,
    first: usize,
}

/// The frames that tell most.
pub(crate) struct Chosen {
    /// In their order; none if all are blank, or none can be read.
    pub(crate) photos: Vec<Photo>,
    /// Their numbers; of which unit, and of how many.
    pub(crate) shown: FramesShown,
    /// How many could not be looked at.
    pub(crate) missed: u32,
}

impl Chosen {
    /// Whether something of the file is in neither these frames nor the one that is seen first.
    pub(crate) fn lacks_some(&self) -> bool {
        // What was seen first may be the one that was too large to be looked at again.
        self.missed > u32::from(self.photos.is_empty())
    }
}

pub(crate) fn chosen(
    (bytes, walk): (&[u8], Walk),
    detail: Detail,
    limits: &Limits,
    (format, most): (Format, usize),
) -> Chosen {
    let Places {
        places,
        missed,
        count,
    } = places(bytes, walk, limits, most);
    let mut photos = Vec::new();
    let mut shown = FramesShown::of(count);
    let mut at = 0;
    let mut take = |frame: &Frame<'_>| {
        if places.contains(&at) {
            photos.push(frame.photo(detail, format)?);
            shown.add(at, frame.page);
        }
        at += 1;
        Ok(places.iter().any(|place| *place >= at))
    };
    if !places.is_empty() {
        // What was seen once is seen again; a fault behind it ended the first pass, too.
        let _ = walk(bytes, limits, &mut take);
    }
    Chosen {
        photos,
        shown,
        missed,
    }
}

/// Which frames tell most, by their number.
struct Places {
    places: Vec<usize>,
    missed: u32,
    /// Frames that were looked at.
    count: usize,
}

fn places(bytes: &[u8], walk: Walk, limits: &Limits, most: usize) -> Places {
    let mut kinds: Vec<Kind> = Vec::new();
    let (mut at, mut pixels, mut pages) = (0, 0_u64, 0);
    let mut stopped = false;
    let mut look = |frame: &Frame<'_>| {
        pages += usize::from(note(&mut kinds, frame, at) && frame.page.is_some());
        at += 1;
        pixels += u64::from(frame.width_px) * u64::from(frame.height_px);
        stopped = at >= FRAMES_MAX || pixels >= limits.pixels_max;
        Ok(!stopped)
    };
    let missed = match walk(bytes, limits, &mut look) {
        Ok(missed) if stopped => missed.saturating_add(SOME),
        Ok(missed) => missed,
        // A file whose later frames are broken has those before them.
        Err(_) if at > 0 => SOME,
        Err(_) => 1,
    };
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.weight), kind.first));
    let mut places: Vec<usize> = kinds.iter().take(most).map(|kind| kind.first).collect();
    places.sort_unstable();
    // Pages are pictures of their own, and not moments of one as those of an animation are.
    let left_out = u32::from(most == SHOWN_MAX && pages > most);
    Places {
        places,
        missed: missed.saturating_add(left_out),
        count: at,
    }
}

/// Takes note of a frame; whether it is unlike all before it.
fn note(kinds: &mut Vec<Kind>, frame: &Frame<'_>, at: usize) -> bool {
    let blocks = frame.blocks();
    if is_blank(&blocks) {
        return false;
    }
    let known = kinds.iter().position(|kind| alike(&kind.blocks, &blocks));
    if let Some(kind) = known.and_then(|known| kinds.get_mut(known)) {
        kind.weight = kind.weight.saturating_add(frame.weight);
        return false;
    }
    if kinds.len() < KINDS_MAX {
        kinds.push(Kind {
            blocks,
            weight: frame.weight,
            first: at,
        });
    }
    true
}

fn alike(a: &Blocks, b: &Blocks) -> bool {
    let sum: u32 = a
        .iter()
        .zip(b)
        .map(|(a, b)| u32::from(a.abs_diff(*b)))
        .sum();
    sum < ALIKE_MAX * a.len() as u32
}

fn is_blank(blocks: &Blocks) -> bool {
    let low = blocks.iter().min().copied().unwrap_or_default();
    blocks.iter().all(|it| it - low <= BLANK_MAX)
}

impl Frame<'_> {
    fn photo(&self, detail: Detail, format: Format) -> Result<Photo, Reason> {
        let samples = self.samples.to_vec();
        let raster = Raster::new(self.width_px, self.height_px, self.layout, samples)?;
        Ok(raster.into_photo(detail, self.orientation, format))
    }

    fn blocks(&self) -> Blocks {
        let bytes = self.layout.bytes_per_pixel();
        let (width, height) = (self.width_px as usize, self.height_px as usize);
        let mut sums = [(0_u64, 0_u64); BLOCKS * BLOCKS];
        for (row, y) in self
            .samples
            .chunks_exact((width * bytes).max(1))
            .zip(0..height)
        {
            let sums = &mut sums[y * BLOCKS / height * BLOCKS..][..BLOCKS];
            for (pixel, x) in row.chunks_exact(bytes).zip(0..) {
                let (sum, count) = &mut sums[x * BLOCKS / width];
                *sum += u64::from(brightness(self.layout, pixel));
                *count += 1;
            }
        }
        sums.map(|(sum, count)| u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX))
    }
}

fn brightness(layout: Layout, pixel: &[u8]) -> u8 {
    match (layout, pixel) {
        (Layout::LumaAlpha, [grey, alpha]) => over_white(*grey, *alpha),
        (Layout::Rgb, [r, g, b]) => luma([*r, *g, *b]),
        (Layout::Rgba, [r, g, b, alpha]) => over_white(luma([*r, *g, *b]), *alpha),
        (Layout::Cmyk, [c, m, y, k]) => luma(crate::pixels::cmyk_to_rgb([*c, *m, *y, *k])),
        (_, [grey, ..]) => *grey,
        (_, []) => 0,
    }
}

/// Whether a picture tells nothing: one brightness all over.
pub(crate) fn tells_nothing(raster: &Raster) -> bool {
    is_blank(&raster.frame().blocks())
}
