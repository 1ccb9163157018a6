use proptest::prelude::*;

use super::*;
use crate::orientation::views;

/// A picture that a test makes up.
#[derive(Clone)]
struct Sketch {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Sketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.width, self.height, self.channels)
    }
}

impl Sketch {
    fn region(&self) -> Region<'_> {
        Region::whole(&self.bytes, self.channels, self.width, self.height)
    }

    fn oracle(&self) -> Grid {
        oracle::grid(oracle::luma(
            self.width,
            self.height,
            &self.bytes,
            self.channels,
        ))
    }

    fn fast(&self) -> Grid {
        let (rows, columns) = (Axis::new(self.height), Axis::new(self.width));
        let [grid] = grids(&self.region(), &rows, [&columns]);
        grid
    }
}

prop_compose! {
    /// Stripes, squares and slopes of two colours with more or less grain: what makes running
    /// sums err the most and what errs the least.
    fn sketch()(
        (width, height) in prop_oneof![
            (5..400_usize, 5..400_usize), (400..1_500_usize, 64..700_usize), Just((64, 64)),
        ],
        channels in prop_oneof![Just(1_usize), Just(3)],
        (kind, across, down) in (0..5_usize, 1..80_usize, 1..80_usize),
        (light, dark) in (any::<[u8; 3]>(), any::<[u8; 3]>()),
        (grain, seed) in (prop_oneof![Just(1_u64), 1..9_u64, Just(200)], any::<u64>()),
    ) -> Sketch {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut bytes = Vec::with_capacity(width * height * channels);
        for y in 0..height {
            for x in 0..width {
                let is_light = match kind {
                    0 => x % across < across / 2,
                    1 => y % down < down / 2,
                    2 => (x % across < across / 2) ^ (y % down < down / 2),
                    3 => (x + y) % across < down.min(across) / 2,
                    _ => x * down > y * across,
                };
                for channel in 0..channels {
                    let base = if is_light { light } else { dark }[channel];
                    bytes.push(base.saturating_add(random.u64(..grain) as u8));
                }
            }
        }
        Sketch { width, height, channels, bytes }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_streamed_filter_has_the_bits_of_the_plain_one(sketch in sketch()) {
        prop_assert!(exact::grid(&sketch.region()) == sketch.oracle());
    }

    #[test]
    fn the_operator_is_the_filter_but_for_its_rounding(sketch in sketch()) {
        let (fast, oracle) = (sketch.fast(), sketch.oracle());
        for (fast, oracle) in fast.as_flattened().iter().zip(oracle.as_flattened()) {
            prop_assert!((fast - oracle).abs() < 0.03, "{fast} for {oracle}");
        }
    }

    #[test]
    fn a_hash_is_the_plain_ones_bit_for_bit(sketch in sketch()) {
        let plain = of_grid(&sketch.oracle());
        prop_assert!(of_form(&sketch.region(), Orientation::AS_IS, &sketch.fast()) == plain);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn each_form_has_the_hash_of_the_turned_pixels(sketch in sketch()) {
        for (form, view) in views(&sketch.region()) {
            let turned = Turned::new(&sketch.region(), form);
            let turned = turned.region();
            let picture = oracle::luma(
                turned.width_px(),
                turned.height_px(),
                &(0..turned.height_px()).flat_map(|y| turned.row(y).to_vec()).collect::<Vec<_>>(),
                turned.channels(),
            );
            let plain = of_grid(&oracle::grid(picture));
            prop_assert!((view.pdq, view.quality) == plain, "{form:?}");
        }
    }
}

#[test]
fn a_form_mirrors_first_and_then_turns_clockwise() {
    use ::features::fingerprint::Turn;
    let sketch = Sketch {
        width: 3,
        height: 2,
        channels: 1,
        bytes: vec![1, 2, 3, 4, 5, 6],
    };
    let check = |mirrored, turn, width, expected: [u8; 6]| {
        let turned = Turned::new(&sketch.region(), Orientation { mirrored, turn });
        let turned = turned.region();
        let rows: Vec<u8> = (0..turned.height_px())
            .flat_map(|y| turned.row(y).to_vec())
            .collect();
        assert_eq!(
            (turned.width_px(), rows),
            (width, expected.to_vec()),
            "{mirrored} {turn:?}"
        );
    };
    check(false, Turn::None, 3, [1, 2, 3, 4, 5, 6]);
    check(false, Turn::Quarter, 2, [4, 1, 5, 2, 6, 3]);
    check(false, Turn::Half, 3, [6, 5, 4, 3, 2, 1]);
    check(false, Turn::ThreeQuarters, 2, [3, 6, 2, 5, 1, 4]);
    check(true, Turn::None, 3, [3, 2, 1, 6, 5, 4]);
    check(true, Turn::Quarter, 2, [6, 3, 5, 2, 4, 1]);
    check(true, Turn::Half, 3, [4, 5, 6, 1, 2, 3]);
    check(true, Turn::ThreeQuarters, 2, [1, 4, 2, 5, 3, 6]);
}

#[test]
fn a_negative_has_the_complement() {
    let noise = |i: u64| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8;
    let bytes: Vec<u8> = (0..300 * 200).map(|i| noise(i / 13)).collect();
    let negative: Vec<u8> = bytes.iter().map(|value| 255 - value).collect();
    let hash = |luma: &[u8]| pdq(&Picture::luma(300, 200, luma).expect("full")).0;
    assert!(hash(&negative) == hash(&bytes).complement());
}
