use crate::pixels::{Layout, Raster, luma, samples_len};
use crate::{Detail, Reason};

/// What a codec gives of one piece: brightness and colour apart, at up to 16 bits a sample.
pub(crate) struct Planes {
    /// Sides of the brightness, in samples.
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Sides of each of the two planes of colour; 0 if the piece is grey.
    pub(crate) colour_width: u32,
    pub(crate) colour_height: u32,
    /// Bits of a sample.
    pub(crate) depth: u8,
    pub(crate) samples: [Vec<u16>; 3],
    /// Matrix coefficients by ITU-T H.273.
    pub(crate) matrix: u16,
    /// Samples reach from 0 to the top; else they keep the margins of television.
    pub(crate) full_range: bool,
}

/// How samples become colours.
#[derive(Clone, Copy)]
enum Matrix {
    /// Green, blue and red as they are.
    Identity,
    /// By the weights of red and blue in the brightness.
    Weights(f32, f32),
    YCgCo,
}

impl Matrix {
    fn of(number: u16) -> Matrix {
        match number {
            0 => Matrix::Identity,
            1 => Matrix::Weights(0.2126, 0.0722),
            4 => Matrix::Weights(0.30, 0.11),
            7 => Matrix::Weights(0.212, 0.087),
            8 => Matrix::YCgCo,
            9 | 10 => Matrix::Weights(0.2627, 0.0593),
            _ => Matrix::Weights(0.299, 0.114),
        }
    }

    /// Its brightness is the one that is promised for [`crate::Detail::Luma`].
    fn has_our_luma(number: u16) -> bool {
        !matches!(number, 0 | 1 | 4 | 7..=10)
    }
}

impl Planes {
    /// The piece as a picture of its own.
    pub(crate) fn into_raster(self, detail: Detail) -> Result<Raster, Reason> {
        let layout = match detail {
            Detail::Colour if !self.is_grey() => Layout::Rgb,
            _ => Layout::Luma,
        };
        let mut samples = Vec::with_capacity(samples_len(self.width, self.height, layout)?);
        for y in 0..self.height {
            for x in 0..self.width {
                match layout {
                    Layout::Rgb => samples.extend_from_slice(&self.rgb_at(x, y)),
                    _ => samples.push(self.luma_at(x, y)),
                }
            }
        }
        Raster::new(self.width, self.height, layout, samples)
    }

    pub(crate) fn is_grey(&self) -> bool {
        self.colour_width == 0 || self.colour_height == 0
    }

    fn top(&self) -> f32 {
        f32::from(u16::MAX >> (16 - self.depth.clamp(1, 16)))
    }

    /// From a sample to a brightness of 0 to 255.
    fn brightness(&self, sample: u16) -> f32 {
        let (sample, top) = (f32::from(sample), self.top());
        if self.full_range {
            sample * 255.0 / top
        } else {
            let step = (top + 1.0) / 256.0;
            (sample - 16.0 * step) * 255.0 / (219.0 * step)
        }
    }

    /// From a sample to a colour difference of -127.5 to 127.5.
    fn difference(&self, sample: u16) -> f32 {
        let (sample, top) = (f32::from(sample), self.top());
        let step = (top + 1.0) / 256.0;
        let centred = sample - 128.0 * step;
        if self.full_range {
            centred * 255.0 / top
        } else {
            centred * 255.0 / (224.0 * step)
        }
    }

    fn sample(&self, plane: usize, x: u32, y: u32) -> u16 {
        let width = if plane == 0 {
            self.width
        } else {
            self.colour_width
        };
        let at = y as usize * width as usize + x as usize;
        self.samples[plane].get(at).copied().unwrap_or_default()
    }

    pub(crate) fn luma_at(&self, x: u32, y: u32) -> u8 {
        if self.is_grey() || Matrix::has_our_luma(self.matrix) {
            byte(self.brightness(self.sample(0, x, y)))
        } else {
            luma(self.rgb_at(x, y))
        }
    }

    pub(crate) fn rgb_at(&self, x: u32, y: u32) -> [u8; 3] {
        let bright = self.brightness(self.sample(0, x, y));
        if self.is_grey() {
            return [byte(bright); 3];
        }
        let (across, down) = (
            self.width.div_ceil(self.colour_width.max(1)).max(1),
            self.height.div_ceil(self.colour_height.max(1)).max(1),
        );
        let place = (
            (x / across).min(self.colour_width - 1),
            (y / down).min(self.colour_height - 1),
        );
        let [blue, red] = [1, 2].map(|plane| self.sample(plane, place.0, place.1));
        match Matrix::of(self.matrix) {
            Matrix::Identity => [
                byte(self.brightness(red)),
                byte(bright),
                byte(self.brightness(blue)),
            ],
            Matrix::YCgCo => {
                let (green, orange) = (self.difference(blue), self.difference(red));
                let rest = bright - green;
                [
                    byte(rest + orange),
                    byte(bright + green),
                    byte(rest - orange),
                ]
            }
            Matrix::Weights(of_red, of_blue) => {
                let blue = bright + 2.0 * (1.0 - of_blue) * self.difference(blue);
                let red = bright + 2.0 * (1.0 - of_red) * self.difference(red);
                let green = (bright - of_red * red - of_blue * blue) / (1.0 - of_red - of_blue);
                [byte(red), byte(green), byte(blue)]
            }
        }
    }
}

fn byte(value: f32) -> u8 {
    // The cast saturates, and a value is a number: sides and steps are never 0.
    (value + 0.5) as u8
}
