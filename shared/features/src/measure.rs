//! A feature's stored steps as numbers, the same on every machine: no maths library.

use super::Feature;

/// `2^(i/16)`, i from 0 to 15.
const SIXTEENTHS: [f32; 16] = [
    1.0,
    1.044_273_8,
    1.090_507_7,
    1.138_788_6,
    1.189_207_1,
    1.241_857_8,
    1.296_839_6,
    1.354_255_6,
    std::f32::consts::SQRT_2,
    1.476_826_1,
    1.542_210_8,
    1.610_490_3,
    1.681_792_8,
    1.756_252_2,
    1.834_008,
    1.915_206_5,
];

impl Feature {
    /// Pixels of the full picture in one of the picture in which the feature is seen at its
    /// finest: its size, 0.5 and more.
    pub fn scale(&self) -> f32 {
        let (octave, step) = (self.size / 16, usize::from(self.size % 16));
        0.5 * (1u32 << octave) as f32 * SIXTEENTHS[step]
    }

    /// Cosine and sine of its direction.
    pub fn direction(&self) -> (f32, f32) {
        direction(self.turn)
    }
}

/// Cosine and sine of an angle in 256ths of a turn, by their series.
fn direction(turn: u8) -> (f32, f32) {
    let quarter = (u16::from(turn) + 32) / 64;
    let rest = f32::from(turn) - f32::from(quarter * 64);
    let t = rest * (std::f32::consts::TAU / 256.0);
    let u = t * t;
    let cos = 1.0 - u * (0.5 - u * (1.0 / 24.0 - u * (1.0 / 720.0 - u / 40_320.0)));
    let sin = t * (1.0 - u * (1.0 / 6.0 - u * (1.0 / 120.0 - u / 5_040.0)));
    match quarter % 4 {
        0 => (cos, sin),
        1 => (-sin, cos),
        2 => (-cos, -sin),
        _ => (sin, -cos),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_those_of_the_library_nearly() {
        for turn in 0..=255u8 {
            let (cos, sin) = direction(turn);
            let angle = f32::from(turn) * std::f32::consts::TAU / 256.0;
            assert!((cos - angle.cos()).abs() < 1e-5, "cosine of {turn}");
            assert!((sin - angle.sin()).abs() < 1e-5, "sine of {turn}");
        }
    }

    #[test]
    fn sizes_grow_by_a_sixteenth_of_an_octave() {
        for (i, step) in SIXTEENTHS.iter().enumerate() {
            assert!((step - (i as f32 / 16.0).exp2()).abs() < 1e-6);
        }
    }
}
