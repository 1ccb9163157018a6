use crate::{Photo, Pixels};

/// EXIF orientation: where the stored picture's first row and first column belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Orientation {
    /// 1: as stored.
    #[default]
    Upright = 1,
    /// 2: to be mirrored left to right.
    Mirrored = 2,
    /// 3: to be turned by 180°.
    Turned180 = 3,
    /// 4: to be mirrored top to bottom.
    Flipped = 4,
    /// 5: to be mirrored along the diagonal from the top left.
    Transposed = 5,
    /// 6: to be turned clockwise by 90°.
    Turned90 = 6,
    /// 7: to be mirrored along the diagonal from the top right.
    Transversed = 7,
    /// 8: to be turned clockwise by 270°.
    Turned270 = 8,
}

impl Orientation {
    /// All eight, by their EXIF number.
    pub const ALL: [Orientation; 8] = [
        Orientation::Upright,
        Orientation::Mirrored,
        Orientation::Turned180,
        Orientation::Flipped,
        Orientation::Transposed,
        Orientation::Turned90,
        Orientation::Transversed,
        Orientation::Turned270,
    ];

    /// By the EXIF number, 1 to 8; anything else is none.
    pub fn from_exif(number: u16) -> Option<Orientation> {
        let index = usize::from(number).checked_sub(1)?;
        Orientation::ALL.get(index).copied()
    }

    /// The EXIF number, 1 to 8.
    pub fn as_exif(self) -> u8 {
        self as u8
    }

    /// Whether standing upright exchanges width and height.
    pub fn swaps_sides(self) -> bool {
        self.as_exif() >= 5
    }

    /// This, and then another one.
    #[cfg(any(feature = "avif", feature = "heic", feature = "pdf"))]
    pub(crate) fn then(self, next: Orientation) -> Orientation {
        let ((mirrored, turns), (then_mirrored, then_turns)) = (self.steps(), next.steps());
        // A mirror turns round whatever was turned before it.
        let turns = if then_mirrored { 4 - turns } else { turns };
        let steps = (mirrored != then_mirrored, (turns + then_turns) % 4);
        let mut all = Orientation::ALL.into_iter();
        all.find(|it| it.steps() == steps).unwrap_or_default()
    }

    /// Whether it is mirrored left to right, and then how often turned clockwise by 90°.
    #[cfg(any(feature = "avif", feature = "heic", feature = "pdf"))]
    fn steps(self) -> (bool, u8) {
        match self {
            Orientation::Upright => (false, 0),
            Orientation::Mirrored => (true, 0),
            Orientation::Turned180 => (false, 2),
            Orientation::Flipped => (true, 2),
            Orientation::Transposed => (true, 3),
            Orientation::Turned90 => (false, 1),
            Orientation::Transversed => (true, 1),
            Orientation::Turned270 => (false, 3),
        }
    }

    /// Where an upright pixel is stored, in a stored picture of these dimensions.
    fn source(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        match self {
            Orientation::Upright => (x, y),
            Orientation::Mirrored => (width - 1 - x, y),
            Orientation::Turned180 => (width - 1 - x, height - 1 - y),
            Orientation::Flipped => (x, height - 1 - y),
            Orientation::Transposed => (y, x),
            Orientation::Turned90 => (y, height - 1 - x),
            Orientation::Transversed => (width - 1 - y, height - 1 - x),
            Orientation::Turned270 => (width - 1 - y, x),
        }
    }
}

impl Photo {
    /// The same photo, standing upright: the orientation is applied and then 1.
    pub fn upright(self) -> Photo {
        if self.orientation == Orientation::Upright {
            return self;
        }
        let width = usize::try_from(self.width_px).expect("it is in memory");
        let height = usize::try_from(self.height_px).expect("it is in memory");
        let turn = Turn {
            orientation: self.orientation,
            width,
            height,
        };
        let pixels = match &self.pixels {
            Pixels::Luma(samples) => Pixels::Luma(turn.samples::<1>(samples)),
            Pixels::Rgb(samples) => Pixels::Rgb(turn.samples::<3>(samples)),
        };
        let (width_px, height_px) = if self.orientation.swaps_sides() {
            (self.height_px, self.width_px)
        } else {
            (self.width_px, self.height_px)
        };
        let orientation = Orientation::Upright;
        Photo {
            width_px,
            height_px,
            pixels,
            orientation,
            format: self.format,
            is_partial: self.is_partial,
            shown: self.shown,
        }
    }
}

struct Turn {
    orientation: Orientation,
    width: usize,
    height: usize,
}

impl Turn {
    fn samples<const BYTES: usize>(&self, stored: &[u8]) -> Vec<u8> {
        let (width, height) = if self.orientation.swaps_sides() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        };
        let mut upright = Vec::with_capacity(stored.len());
        for y in 0..height {
            for x in 0..width {
                let (from_x, from_y) = self.orientation.source(x, y, self.width, self.height);
                let at = (from_y * self.width + from_x) * BYTES;
                upright.extend_from_slice(&stored[at..at + BYTES]);
            }
        }
        upright
    }
}

#[cfg(all(test, any(feature = "avif", feature = "heic")))]
mod tests {
    use super::*;

    #[test]
    fn two_orientations_one_after_the_other_are_one() {
        let stored = Photo {
            width_px: 3,
            height_px: 2,
            pixels: Pixels::Luma(vec![1, 2, 3, 4, 5, 6]),
            orientation: Orientation::Upright,
            format: crate::Format::Png,
            is_partial: false,
            shown: crate::FramesShown::default(),
        };
        let turned = |photo: &Photo, orientation| {
            Photo {
                orientation,
                ..photo.clone()
            }
            .upright()
        };
        for first in Orientation::ALL {
            for second in Orientation::ALL {
                let one = turned(&stored, first.then(second));
                let two = turned(&turned(&stored, first), second);
                assert!(one == two, "{first:?} then {second:?}");
            }
        }
    }
}
