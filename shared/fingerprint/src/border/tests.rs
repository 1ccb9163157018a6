use super::*;
use crate::Picture;

/// Grain in the middle of a flat frame.
struct Framed {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
    photo: (usize, usize),
}

impl Framed {
    fn size(&self) -> (usize, usize) {
        (
            self.left + self.photo.0 + self.right,
            self.top + self.photo.1 + self.bottom,
        )
    }

    fn luma(&self, frame: impl Fn(usize, usize) -> u8) -> Vec<u8> {
        let (width, height) = self.size();
        let inside = |x: usize, y: usize| {
            (self.left..width - self.right).contains(&x)
                && (self.top..height - self.bottom).contains(&y)
        };
        (0..height)
            .flat_map(|y| (0..width).map(move |x| (x, y)))
            .map(|(x, y)| {
                if inside(x, y) {
                    grain(x, y)
                } else {
                    frame(x, y)
                }
            })
            .collect()
    }
}

fn grain(x: usize, y: usize) -> u8 {
    (((x as u64 * 2_654_435_761) ^ (y as u64 * 40_503)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56)
        as u8
}

fn kept(luma: &[u8], (width, height): (usize, usize)) -> Option<(Range<usize>, Range<usize>)> {
    let picture = Picture::luma(width, height, luma).expect("full");
    let region = picture.whole();
    without_border(&region).map(|_| bounds(&region).expect("not all is flat"))
}

#[test]
fn a_frame_is_trimmed_on_each_side_by_its_own_width() {
    let photo = (200, 150);
    let check = |left, top, right, bottom| {
        let framed = Framed {
            left,
            top,
            right,
            bottom,
            photo,
        };
        let expected = Some((left..left + 200, top..top + 150));
        assert_eq!(
            kept(&framed.luma(|_, _| 255), framed.size()),
            expected,
            "white"
        );
        assert_eq!(
            kept(&framed.luma(|_, _| 0), framed.size()),
            expected,
            "black"
        );
        let noisy = framed.luma(|x, y| 120 + grain(x, y) % 5);
        assert_eq!(kept(&noisy, framed.size()), expected, "noisy grey");
    };
    check(10, 10, 10, 10);
    check(0, 90, 0, 90);
    check(60, 0, 60, 0);
    check(0, 0, 7, 0);
    check(3, 40, 17, 5);
}

#[test]
fn sides_may_differ_in_colour_and_frames_may_nest() {
    let framed = Framed {
        left: 20,
        top: 30,
        right: 20,
        bottom: 30,
        photo: (200, 150),
    };
    let bars = framed.luma(|_, y| if y < 90 { 10 } else { 240 });
    let inner = Some((20..220, 30..180));
    let top_and_bottom = framed.luma(|_, y| if (30..180).contains(&y) { 128 } else { 0 });
    assert_eq!(
        kept(&top_and_bottom, framed.size()),
        inner,
        "bars left and right within bars above"
    );
    assert!(kept(&bars, framed.size()).is_some());
}

#[test]
fn a_few_stray_pixels_do_not_keep_a_border() {
    let framed = Framed {
        left: 20,
        top: 20,
        right: 20,
        bottom: 20,
        photo: (300, 300),
    };
    let dusty = framed.luma(|x, y| if (x * 7 + y * 13) % 101 == 0 { 90 } else { 255 });
    assert_eq!(kept(&dusty, framed.size()), Some((20..320, 20..320)));
}

#[test]
fn what_is_no_border_is_left_alone() {
    let none = |framed: Framed| kept(&framed.luma(|_, _| 255), framed.size());
    assert_eq!(
        none(Framed {
            left: 0,
            top: 0,
            right: 0,
            bottom: 0,
            photo: (300, 300)
        }),
        None
    );
    let hairline = Framed {
        left: 1,
        top: 1,
        right: 1,
        bottom: 1,
        photo: (300, 300),
    };
    assert_eq!(none(hairline), None, "too thin to matter");
    let stamp = Framed {
        left: 500,
        top: 500,
        right: 500,
        bottom: 500,
        photo: (200, 200),
    };
    assert_eq!(none(stamp), None, "too much would go");
    let tiny = Framed {
        left: 9,
        top: 9,
        right: 9,
        bottom: 9,
        photo: (31, 31),
    };
    assert_eq!(none(tiny), None, "too little would be left");
}

#[test]
fn a_flat_picture_has_no_border_and_a_slope_next_to_none() {
    assert_eq!(kept(&vec![7; 300 * 200], (300, 200)), None);
    let slope: Vec<u8> = (0..300 * 200).map(|i| (i / 300) as u8).collect();
    assert_eq!(
        kept(&slope, (300, 200)),
        Some((0..300, 6..194)),
        "six levels at each end"
    );
}
