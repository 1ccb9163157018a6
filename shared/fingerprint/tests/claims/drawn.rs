//! Pictures drawn by integer arithmetic, so that they have the same pixels everywhere.

use fingerprint::Picture;

/// A drawn picture in red, green and blue.
pub struct Drawn {
    pub name: String,
    pub width_px: usize,
    pub height_px: usize,
    pub rgb: Vec<u8>,
}

impl Drawn {
    fn new(name: &str, size: (usize, usize), pixel: impl Fn(usize, usize) -> [u8; 3]) -> Self {
        let (width_px, height_px) = size;
        let rgb = (0..height_px)
            .flat_map(|y| (0..width_px).map(move |x| (x, y)))
            .flat_map(|(x, y)| pixel(x, y))
            .collect();
        let name = format!("{name} {width_px}x{height_px}");
        Self {
            name,
            width_px,
            height_px,
            rgb,
        }
    }

    pub fn picture(&self) -> Picture<'_> {
        Picture::rgb(self.width_px, self.height_px, &self.rgb).expect("as many bytes as drawn")
    }
}

/// A number without pattern for each pixel (the finaliser of SplitMix64).
pub fn noise(x: usize, y: usize) -> u64 {
    let mut z = (x as u64) << 32 | y as u64;
    z = (z ^ (z >> 30))
        .wrapping_add(0x9e37_79b9_7f4a_7c15)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The integer square root, rounded down.
fn root(of: usize) -> usize {
    of.isqrt()
}

/// Soft discs on a slope, with a little grain: the nearest to a photo that integers draw.
pub fn scene(width: usize, height: usize) -> Drawn {
    Drawn::new("scene", (width, height), |x, y| {
        let (u, v) = (x * 1024 / width, y * 1024 / height);
        let mut light = [60 + u / 12, 40 + v / 9, 90 + (u + v) / 24];
        for i in 0..12 {
            let (cx, cy, size) = (
                noise(i, 1) % 1024,
                noise(i, 2) % 1024,
                60 + noise(i, 3) % 200,
            );
            let (dx, dy) = (u.abs_diff(cx as usize), v.abs_diff(cy as usize));
            let inside = (size as usize)
                .saturating_sub(root(dx * dx + dy * dy))
                .min(40);
            for (channel, light) in light.iter_mut().enumerate() {
                *light += inside * (noise(i, 4 + channel) % 5) as usize;
            }
        }
        light.map(|light| ((light + (noise(x, y) % 7) as usize) % 512).min(255) as u8)
    })
}

/// Every channel of every pixel without pattern.
pub fn grain(width: usize, height: usize) -> Drawn {
    Drawn::new("grain", (width, height), |x, y| {
        let [red, green, blue, ..] = noise(x, y).to_le_bytes();
        [red, green, blue]
    })
}

/// A slope from dark to light, in colour.
pub fn slope(width: usize, height: usize) -> Drawn {
    Drawn::new("slope", (width, height), |x, y| {
        [
            (x * 255 / width) as u8,
            (y * 255 / height) as u8,
            ((x + y) % 256) as u8,
        ]
    })
}

/// Squares of two colours, eight across.
pub fn squares(width: usize, height: usize) -> Drawn {
    Drawn::new("squares", (width, height), |x, y| {
        if (x * 8 / width + y * 8 / height).is_multiple_of(2) {
            [250, 30, 77]
        } else {
            [11, 200, 93]
        }
    })
}

/// One colour. All that is left of such a picture is the reference's rounding.
pub fn flat(width: usize, height: usize) -> Drawn {
    Drawn::new("flat", (width, height), |_, _| [201, 17, 94])
}

/// All drawn pictures: every kind in sizes at which the reference changes its ways (below 5, at
/// 64, at each multiple of 128 the window grows), and some sizes of photos.
pub fn all() -> Vec<Drawn> {
    const SIZES: [(usize, usize); 16] = [
        (4, 100),
        (5, 5),
        (17, 300),
        (63, 65),
        (64, 64),
        (64, 65),
        (100, 64),
        (127, 129),
        (128, 128),
        (129, 257),
        (333, 222),
        (512, 512),
        (640, 481),
        (1001, 767),
        (1500, 200),
        (1920, 1281),
    ];
    let kinds = [scene, grain, slope, squares, flat];
    SIZES
        .into_iter()
        .flat_map(|(w, h)| kinds.map(|kind| kind(w, h)))
        .collect()
}
