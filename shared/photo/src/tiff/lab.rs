//! CIE L*a*b* under light D50, as TIFF has it, to the colours of screens.

/// The white of D50, and from there to linear sRGB by Bradford's adaptation: the matrix of the ICC's sRGB profile,
/// inverted.
const WHITE: [f32; 3] = [0.9642, 1.0, 0.8249];
const TO_LINEAR: [[f32; 3]; 3] = [
    [3.133_856, -1.616_867, -0.490_615],
    [-0.978_768, 1.916_142, 0.033_454],
    [0.071_945, -0.228_991, 1.405_243],
];

/// `l` of 0 to 255 stands for 0 to 100.
pub(super) fn to_rgb(l: u8, a: i16, b: i16) -> [u8; 3] {
    let y = (f32::from(l) * 100.0 / 255.0 + 16.0) / 116.0;
    let xyz = [y + f32::from(a) / 500.0, y, y - f32::from(b) / 200.0];
    let xyz = [0, 1, 2].map(|at| WHITE[at] * cubed(xyz[at]));
    TO_LINEAR.map(|row| {
        let linear: f32 = row.iter().zip(xyz).map(|(weight, it)| weight * it).sum();
        (gamma(linear.clamp(0.0, 1.0)) * 255.0 + 0.5) as u8
    })
}

/// The inverse of CIE's cube root, which is straight near black.
fn cubed(it: f32) -> f32 {
    const STRAIGHT_BELOW: f32 = 6.0 / 29.0;
    if it > STRAIGHT_BELOW {
        it * it * it
    } else {
        3.0 * STRAIGHT_BELOW * STRAIGHT_BELOW * (it - 4.0 / 29.0)
    }
}

/// IEC 61966-2-1.
fn gamma(linear: f32) -> f32 {
    if linear <= 0.003_130_8 {
        12.92 * linear
    } else {
        1.055 * linear.powf(1.0 / 2.4) - 0.055
    }
}
