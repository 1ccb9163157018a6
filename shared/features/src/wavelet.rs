//! The reversible 5/3 wavelet (Le Gall and Tabatabai, 1988; the lossless one of JPEG 2000) by
//! lifting in integers, so that every machine computes the same.

/// A part of the transformed picture: one orientation at one scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
    /// 0 is what is left of the picture at the coarsest scale; 1 across, 2 down, 3 both.
    pub orientation: usize,
    /// Bit planes by which this band counts more than the finest: a step up in scale doubles the
    /// norm of the synthesis filters.
    pub weight: u32,
}

/// Halvings of the picture. Five leave at most 15 x 15 of a sketch.
pub(super) const SCALES: usize = 5;

/// The bands of a picture, coarsest first.
pub(super) fn bands(width: usize, height: usize) -> Vec<Band> {
    let mut bands = Vec::with_capacity(3 * SCALES + 1);
    let (mut w, mut h) = (width, height);
    for scale in 0..SCALES {
        let (low_w, low_h) = (w.div_ceil(2), h.div_ceil(2));
        let weight = scale as u32 + 1;
        let band = |left, top, width, height, orientation, weight| Band {
            left,
            top,
            width,
            height,
            orientation,
            weight,
        };
        bands.push(band(low_w, low_h, w - low_w, h - low_h, 3, weight - 1));
        bands.push(band(0, low_h, low_w, h - low_h, 2, weight));
        bands.push(band(low_w, 0, w - low_w, low_h, 1, weight));
        (w, h) = (low_w, low_h);
    }
    let weight = SCALES as u32 + 1;
    bands.push(Band {
        left: 0,
        top: 0,
        width: w,
        height: h,
        orientation: 0,
        weight,
    });
    bands.reverse();
    bands
}

/// Picture to bands, in place.
pub(super) fn analyse(values: &mut [i32], width: usize, height: usize) {
    let (mut w, mut h) = (width, height);
    let mut line = vec![0; width.max(height)];
    for _ in 0..SCALES {
        for y in 0..h {
            split(&mut values[y * width..y * width + w], &mut line);
        }
        columns(values, width, w, h, |column| split(column, &mut line));
        (w, h) = (w.div_ceil(2), h.div_ceil(2));
    }
}

/// Bands to picture, in place: the inverse of [`analyse`].
pub(super) fn synthesise(values: &mut [i32], width: usize, height: usize) {
    let mut sizes = vec![(width, height)];
    for scale in 1..SCALES {
        let (w, h): (usize, usize) = sizes[scale - 1];
        sizes.push((w.div_ceil(2), h.div_ceil(2)));
    }
    let mut line = vec![0; width.max(height)];
    for (w, h) in sizes.into_iter().rev() {
        columns(values, width, w, h, |column| join(column, &mut line));
        for y in 0..h {
            join(&mut values[y * width..y * width + w], &mut line);
        }
    }
}

fn columns(values: &mut [i32], stride: usize, w: usize, h: usize, mut f: impl FnMut(&mut [i32])) {
    let mut column = vec![0; h];
    for x in 0..w {
        for (y, value) in column.iter_mut().enumerate() {
            *value = values[y * stride + x];
        }
        f(&mut column);
        for (y, value) in column.iter().enumerate() {
            values[y * stride + x] = *value;
        }
    }
}

/// One line into its smooth half and its detail half.
fn split(line: &mut [i32], room: &mut [i32]) {
    let n = line.len();
    if n < 2 {
        return;
    }
    let low = n.div_ceil(2);
    for i in 0..n / 2 {
        let right = line[if 2 * i + 2 < n { 2 * i + 2 } else { 2 * i }];
        room[low + i] = line[2 * i + 1] - ((line[2 * i] + right) >> 1);
    }
    for i in 0..low {
        let (before, after) = details(room, low, n, i);
        room[i] = line[2 * i] + ((before + after + 2) >> 2);
    }
    line.copy_from_slice(&room[..n]);
}

/// The inverse of [`split`].
fn join(line: &mut [i32], room: &mut [i32]) {
    let n = line.len();
    if n < 2 {
        return;
    }
    let low = n.div_ceil(2);
    for i in 0..low {
        let (before, after) = details(line, low, n, i);
        room[2 * i] = line[i] - ((before + after + 2) >> 2);
    }
    for i in 0..n / 2 {
        let right = room[if 2 * i + 2 < n { 2 * i + 2 } else { 2 * i }];
        room[2 * i + 1] = line[low + i] + ((room[2 * i] + right) >> 1);
    }
    line.copy_from_slice(&room[..n]);
}

/// The details on both sides of an even place, mirrored at the ends.
fn details(split: &[i32], low: usize, n: usize, i: usize) -> (i32, i32) {
    let last = n / 2 - 1;
    let after = split[low + i.min(last)];
    let before = split[low + i.saturating_sub(1).min(last)];
    (if i == 0 { after } else { before }, after)
}
