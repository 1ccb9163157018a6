//! What a patch looks like, in 192 comparisons.

use std::sync::OnceLock;

use ::features::{DESCRIPTOR_WORDS, Descriptor};

use super::plane::Plane;

/// A patch's side in samples.
const PATCH: usize = 32;
/// A row of sums: one more than the patch's.
const SUMS: usize = PATCH + 1;

/// Is the mean of one square of the patch greater than that of another? Left, top, side of each.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Test {
    a: [u8; 3],
    b: [u8; 3],
}

impl Test {
    /// The test that sees in the mirrored patch what this one sees in the patch.
    fn mirrored(self) -> Self {
        let flip = |[x, y, n]: [u8; 3]| [x, PATCH as u8 - y - n, n];
        Self {
            a: flip(self.a),
            b: flip(self.b),
        }
    }
}

/// The descriptor of the patch around a place of `image`, `step` pixels a sample, whose rows run
/// along the given direction.
pub(super) fn descriptor(
    image: &Plane,
    x: f32,
    y: f32,
    step: f32,
    along: (f32, f32),
) -> Descriptor {
    let sums = sums(image, x, y, step, along);
    let mean = |[x, y, n]: [u8; 3]| {
        let (x, y, n) = (usize::from(x), usize::from(y), usize::from(n));
        let (top, low) = (y * SUMS + x, (y + n) * SUMS + x);
        (sums[low + n] - sums[top + n] - sums[low] + sums[top]) / (n * n) as f32
    };
    let mut words = [0; DESCRIPTOR_WORDS];
    for (word, tests) in words.iter_mut().zip(tests().chunks_exact(64)) {
        for (bit, test) in tests.iter().enumerate() {
            *word |= u64::from(mean(test.a) > mean(test.b)) << bit;
        }
    }
    Descriptor(words)
}

/// The sums of all values above and left of each corner of the patch's samples.
fn sums(image: &Plane, x: f32, y: f32, step: f32, (cos, sin): (f32, f32)) -> [f32; SUMS * SUMS] {
    let mut sums = [0.0; SUMS * SUMS];
    let half = PATCH as f32 / 2.0 - 0.5;
    for row in 0..PATCH {
        let v = (row as f32 - half) * step;
        let mut line = 0.0;
        for column in 0..PATCH {
            let u = (column as f32 - half) * step;
            line += image.sample(x + cos * u - sin * v, y + sin * u + cos * v);
            let at = (row + 1) * SUMS + column + 1;
            sums[at] = sums[at - SUMS] + line;
        }
    }
    sums
}

/// The tests, each followed by its mirror twin, so that mirroring swaps neighbouring bits.
fn tests() -> &'static [Test] {
    static TESTS: OnceLock<Vec<Test>> = OnceLock::new();
    TESTS.get_or_init(|| {
        let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
        let pair = |_| {
            let test = rng.test();
            [test, test.mirrored()]
        };
        (0..DESCRIPTOR_WORDS * 32).flat_map(pair).collect()
    })
}

/// Numbers by chance, always the same: xorshift (Marsaglia, 2003).
struct Rng(u64);

impl Rng {
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    /// Around 0, spread 1: twelve even throws.
    fn normal(&mut self) -> f32 {
        (0..12).fold(-6.0, |sum, _| sum + self.unit())
    }

    /// A square within the patch, dense and small in the middle, sparse and large outside, as
    /// places off a key point's centre are known less exactly.
    fn square(&mut self) -> [u8; 3] {
        loop {
            let (dx, dy) = (6.5 * self.normal(), 6.5 * self.normal());
            let off = (dx * dx + dy * dy).sqrt();
            let side = (2.0 + 0.22 * off + 2.0 * self.unit()).round();
            let corner = |d: f32| (PATCH as f32 / 2.0 + d - side / 2.0).round();
            let (left, top) = (corner(dx), corner(dy));
            let within = |at: f32| at >= 0.0 && at + side <= PATCH as f32;
            if off <= 15.5 && within(left) && within(top) {
                return [left as u8, top as u8, side as u8];
            }
        }
    }

    /// Two squares that are not too near, and no mirror images of each other.
    fn test(&mut self) -> Test {
        loop {
            let test = Test {
                a: self.square(),
                b: self.square(),
            };
            let apart = |i: usize| i32::from(test.a[i]) - i32::from(test.b[i]);
            let near = apart(0) * apart(0) + apart(1) * apart(1) < 9;
            if !near && test != test.mirrored() {
                return test;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirrored_patch_has_the_mirrored_descriptor() {
        let mut plane = Plane::new(64, 64);
        for (i, value) in plane.values.iter_mut().enumerate() {
            *value = ((i * i) % 251) as f32;
        }
        let plane = plane.blurred();
        let mut upside_down = plane.clone();
        for y in 0..64 {
            upside_down.values[y * 64..(y + 1) * 64].copy_from_slice(plane.row(63 - y));
        }
        let seen = descriptor(&plane, 31.5, 31.5, 1.0, (1.0, 0.0));
        let mirrored = descriptor(&upside_down, 31.5, 31.5, 1.0, (1.0, 0.0));
        assert!(seen.distance_bits(&mirrored) > 40);
        assert!(
            seen.mirrored().distance_bits(&mirrored) <= 2,
            "but for rounding of sums"
        );
    }
}
