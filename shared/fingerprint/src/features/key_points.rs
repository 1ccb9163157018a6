//! Where a picture's features are, and which of them to keep.

use super::pyramid::{Level, PER_OCTAVE};

/// The least response: a blob about two grey levels from its surroundings.
const RESPONSE_MIN: f32 = 4.0;
/// Pixels of a level next to its edge in which no feature lies: the response's own reach.
const MARGIN_PX: usize = 5;

/// A blob.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyPoint {
    /// Its place in the full picture, in pixels; a pixel's centre is at one half.
    pub x: f32,
    pub y: f32,
    /// The level that it is seen best on.
    pub level: usize,
    /// Where between the levels it would be seen best: -1/2 to 1/2.
    pub between: f32,
    pub response: f32,
}

/// All blobs: maxima of the response in place and size.
pub(super) fn key_points(levels: &[Level]) -> Vec<KeyPoint> {
    let mut key_points = Vec::new();
    let mut high = Vec::new();
    for (k, level) in levels.iter().enumerate() {
        let response = &level.response;
        for y in MARGIN_PX..response.height - MARGIN_PX {
            let rows = [response.row(y - 1), response.row(y), response.row(y + 1)];
            heights(rows, &mut high);
            for x in MARGIN_PX..response.width - MARGIN_PX {
                if high[x - MARGIN_PX] && is_peak(rows, x) {
                    key_points.extend(settle(levels, k, rows, (x, y)));
                }
            }
        }
    }
    key_points
}

/// Which places of a row, from the margin on, could be peaks: not below their four nearest
/// neighbours. Without a branch, so that many are looked at together; few remain.
fn heights([above, here, below]: [&[f32]; 3], high: &mut Vec<bool>) {
    let n = here.len() - 2 * MARGIN_PX;
    let (left, middle, right) = (
        &here[MARGIN_PX - 1..][..n],
        &here[MARGIN_PX..][..n],
        &here[MARGIN_PX + 1..][..n],
    );
    let (above, below) = (&above[MARGIN_PX..][..n], &below[MARGIN_PX..][..n]);
    high.clear();
    high.extend((0..n).map(|x| {
        let value = middle[x];
        (value >= RESPONSE_MIN)
            & (value >= left[x])
            & (value >= right[x])
            & (value >= above[x])
            & (value >= below[x])
    }));
}

/// Whether a place stands out among its eight neighbours; of equal ones the last does.
fn is_peak([above, here, below]: [&[f32]; 3], x: usize) -> bool {
    let value = here[x];
    value >= RESPONSE_MIN
        && value > here[x - 1]
        && value >= here[x + 1]
        && above[x - 1..=x + 1].iter().all(|v| value > *v)
        && below[x - 1..=x + 1].iter().all(|v| value >= *v)
}

/// A peak's exact place and size, unless a neighbouring level sees it better.
fn settle(
    levels: &[Level],
    k: usize,
    rows: [&[f32]; 3],
    (x, y): (usize, usize),
) -> Option<KeyPoint> {
    let [above, here, below] = rows;
    let value = here[x];
    let px = x as f32 + vertex(here[x - 1], value, here[x + 1]) + 0.5;
    let py = y as f32 + vertex(above[x], value, below[x]) + 0.5;
    let scale = levels[k].scale;
    let (px, py) = (px * scale, py * scale);
    let seen = |level: Option<&Level>| level.map_or(value * 0.8, |level| around(level, px, py));
    let finer = seen(k.checked_sub(1).map(|k| &levels[k]));
    let coarser = seen(levels.get(k + 1));
    (finer <= value && coarser < value).then(|| KeyPoint {
        x: px,
        y: py,
        level: k,
        between: vertex(finer, value, coarser),
        response: value,
    })
}

/// The greatest response of a level around a place of the full picture.
fn around(level: &Level, x: f32, y: f32) -> f32 {
    let response = &level.response;
    let near = |at: f32, side: usize| ((at / level.scale) as usize).clamp(1, side - 2);
    let (x, y) = (near(x, response.width), near(y, response.height));
    (y - 1..=y + 1)
        .flat_map(|y| &response.row(y)[x - 1..=x + 1])
        .fold(f32::MIN, |most, value| most.max(*value))
}

/// Where the parabola through three values has its top, -1/2 to 1/2 from the middle one.
pub(super) fn vertex(before: f32, here: f32, after: f32) -> f32 {
    let bend = before - 2.0 * here + after;
    match bend < 0.0 {
        true => (0.5 * (before - after) / bend).clamp(-0.5, 0.5),
        false => 0.0,
    }
}

/// Octaves with a share of their own.
const OCTAVES: usize = 4;

/// How many key points to keep, and how to spread them.
pub(super) struct Quota {
    pub most: usize,
    /// The share of the first octave, the second, the third, and all coarser ones; they sum to 1.
    pub shares: [f32; OCTAVES],
    /// Cells along a square picture's side, per octave.
    pub cells: [f32; OCTAVES],
}

/// At most `quota.most` key points, spread over sizes and over a grid: every cell gives its best
/// before any gives its second. That is what keeps a photo within a screenshot visible.
pub(super) fn spread(
    mut all: Vec<KeyPoint>,
    width: f32,
    height: f32,
    quota: &Quota,
) -> Vec<KeyPoint> {
    all.sort_by(|a, b| {
        let strength = b.response.total_cmp(&a.response);
        strength.then(a.y.total_cmp(&b.y)).then(a.x.total_cmp(&b.x))
    });
    let mut kept = Vec::with_capacity(quota.most);
    let mut rest: Vec<(usize, KeyPoint)> = Vec::new();
    let mut room = 0.0;
    for octave in (0..OCTAVES).rev() {
        let of_octave = |point: &&KeyPoint| (point.level / PER_OCTAVE).min(OCTAVES - 1) == octave;
        let group: Vec<KeyPoint> = all.iter().filter(of_octave).copied().collect();
        let cell = (width * height).sqrt() / quota.cells[octave];
        let mut ranked = ranked(&group, width, cell);
        room += quota.most as f32 * quota.shares[octave];
        let take = (room.round() as usize)
            .min(ranked.len())
            .min(quota.most - kept.len());
        room -= take as f32;
        rest.extend(ranked.split_off(take));
        kept.extend(ranked.into_iter().map(|(_, point)| point));
    }
    rest.sort_by_key(|(rank, _)| *rank);
    let room = quota.most - kept.len();
    kept.extend(rest.into_iter().take(room).map(|(_, point)| point));
    kept
}

/// Key points, strongest first, keep their place by their rank within their cell.
fn ranked(group: &[KeyPoint], width: f32, cell: f32) -> Vec<(usize, KeyPoint)> {
    let columns = (width / cell) as usize + 1;
    let mut taken: Vec<usize> = Vec::new();
    let rank = |point: &KeyPoint| {
        let at = (point.y / cell) as usize * columns + (point.x / cell) as usize;
        if taken.len() <= at {
            taken.resize(at + 1, 0);
        }
        taken[at] += 1;
        (taken[at], *point)
    };
    let mut ranked: Vec<_> = group.iter().map(rank).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked
}
