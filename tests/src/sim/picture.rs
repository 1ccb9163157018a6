//! Small drawn pictures: each unlike all others, with structure enough to be matched.

use super::rng::Rng;

/// Pixels of a side, and how many rectangles it is drawn of.
const SIDE_PX: u32 = 24;
const RECTANGLES: usize = 40;

/// Bytes of the two headers of a BMP.
const HEADERS_BYTES: u32 = 54;

/// Picture number `number` as a BMP. `copy` changes its bytes and not its pixels.
pub fn bmp(number: u64, copy: u16) -> Vec<u8> {
    let pixels_bytes = SIDE_PX * SIDE_PX * 3;
    let mut bytes = Vec::with_capacity((HEADERS_BYTES + pixels_bytes) as usize);
    bytes.extend(b"BM");
    bytes.extend((HEADERS_BYTES + pixels_bytes).to_le_bytes());
    bytes.extend(u32::from(copy).to_le_bytes()); // reserved
    bytes.extend(HEADERS_BYTES.to_le_bytes());
    for word in [
        40,
        SIDE_PX,
        SIDE_PX,
        24 << 16 | 1,
        0,
        pixels_bytes,
        0,
        0,
        0,
        0,
    ] {
        bytes.extend(word.to_le_bytes());
    }
    for grey in greys(number) {
        bytes.extend([grey; 3]);
    }
    bytes
}

/// Rectangles one upon another. (Squares on a grid have too much in common.)
fn greys(number: u64) -> Vec<u8> {
    let mut rng = Rng::new(0).of("picture", number);
    let side = u64::from(SIDE_PX);
    let mut greys = vec![128; (SIDE_PX * SIDE_PX) as usize];
    for _ in 0..RECTANGLES {
        let (left, top) = (rng.below(side), rng.below(side));
        let (right, bottom) = (left + rng.below(side / 2), top + rng.below(side / 2));
        let grey = rng.below(256) as u8;
        for row in top..bottom.min(side) {
            for column in left..right.min(side) {
                greys[(row * side + column) as usize] = grey;
            }
        }
    }
    greys
}

/// What is no picture.
pub fn rubbish(number: u64) -> Vec<u8> {
    format!("rubbish {number}").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use matching::{Level, Policy, compare};
    use photo::Limits;

    fn read<T>(bytes: &[u8], make: fn(&fingerprint::Picture<'_>) -> T) -> T {
        let read = reading::read(bytes, &Limits::default(), make);
        read.expect("a drawn picture is read").fingerprint
    }

    #[test]
    fn a_picture_matches_its_copies_and_no_other() {
        let ads: Vec<_> = (0..24)
            .map(|n| read(&bmp(n, 7), fingerprint::of_ad))
            .collect();
        for number in 0..24 {
            let reference = read(&bmp(number, 0), fingerprint::of_reference);
            for (other, ad) in (0..).zip(&ads) {
                let found = compare(&reference, ad, &Policy::default());
                let level = found.map(|found| found.level);
                let expected = (other == number).then_some(Level::Alert);
                assert_eq!(level, expected, "{number} in {other}");
            }
        }
    }

    #[test]
    fn a_copy_differs_in_bytes() {
        assert_ne!(bmp(1, 0), bmp(1, 1));
    }
}
