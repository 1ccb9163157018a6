//! Pages: posters, saved pages, documents, screenshots. What they show is paper and lettering, which
//! all pages of a template share, and perhaps photos.
//!
//! Paper is what drawing leaves: areas of one level to within a step or two, which no camera makes.
//! What is not paper, once lines of writing are taken away, is looked through for rectangles that
//! hold as many levels as photos do. Only writing makes a page: where no line has several strokes in
//! a row on one paper, a flat picture is a drawing, and is as good as a photo.

use std::ops::Range;

use crate::features::plane::Plane;
use ::features::ReferenceKind;

/// The shortest longer side of a page: in smaller pictures no letters can be told.
const SIDE_PX_MIN: usize = 200;
/// Pixels of a cell, along a side.
const CELL_PX: usize = 10;
/// Levels about a level of paper that are paper: JPEG rings about letters.
const PAPER_LEVELS: usize = 9;
/// Of flat pixels about a level of paper, the share that lies within a step of it.
const SHARP_SHARE_MIN: f32 = 0.62;
/// Levels between neighbours up to which a pixel is flat.
const FLAT_LEVELS: f32 = 2.5;
/// The least share of the picture that a level of paper has, and most such levels.
const LEVEL_SHARE_MIN: f32 = 0.04;
const LEVELS_MAX: usize = 4;
/// The share of paper from which a cell is none of a photo.
const CELL_PAPER_MIN: f32 = 0.35;
/// How much of its bounds a photo fills at least.
const FILL_MIN: f32 = 0.72;
/// The shortest side of a photo, in shares of the page's longer side.
const PHOTO_SIDE_MIN: f32 = 0.085;
/// A photo's sides differ by less than this factor: banners do not.
const PHOTO_ASPECT_MAX: f32 = 3.0;
/// How many levels a photo has: of 64, as many equally frequent ones would say as much.
const PHOTO_LEVELS_MIN: f32 = 9.0;
/// The share of the picture that a page has outside its photos.
const OUTSIDE_MIN: f32 = 0.12;
/// The share of paper outside, and how much of the picture lines of writing take up, where the photo is
/// a rectangle, and where it is not: branches before a white sky are no writing.
const OUTSIDE_PAPER_MIN: f32 = 0.6;
const WRITTEN_MIN: f32 = 0.002;
const FREE_OUTSIDE_PAPER_MIN: f32 = 0.62;
const FREE_WRITTEN_MIN: f32 = 0.01;
/// The widest stroke of a letter and the widest gap between two, in pixels, and how many strokes a
/// line of pixels through writing crosses at least.
const STROKE_PX_MAX: usize = 28;
const GAP_PX_MAX: usize = 28;
const STROKES_MIN: usize = 6;
/// Levels between paper and ink, at least.
const INK_LEVELS: usize = 40;
/// The share of a side along which a photo and paper meet.
const EDGE_SHARE_MIN: f32 = 0.5;
/// How far from an edge the two sides of it are looked at, in pixels.
const EDGE_PX: usize = 4;
/// The share of the picture's edge that a level of the page itself has.
const RIM_SHARE_MIN: f32 = 0.04;
/// The share of paper and of writing from which a picture without a photo is a page, and the share of
/// paper from which it is a logo or a silhouette, without any writing, if it has paper of several levels.
const PAGE_PAPER_MIN: f32 = 0.5;
const PAGE_WRITTEN_MIN: f32 = 0.008;
const DRAWN_PAPER_MIN: f32 = 0.93;
/// Photos smaller than this share of the largest are none of what the page is about.
const OF_LARGEST_MIN: f32 = 0.4;
/// Most photos of a page.
const PHOTOS_MAX: usize = 3;

/// Columns and rows, in shares of the picture's sides.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub columns: Range<f32>,
    pub rows: Range<f32>,
}

/// What a picture is, and where its photos lie if it is a page, the largest first.
pub(crate) fn looked_at(picture: &Plane) -> (ReferenceKind, Vec<Place>) {
    let none = (ReferenceKind::Photo, Vec::new());
    if picture.width.max(picture.height) < SIDE_PX_MIN {
        return none;
    }
    let paper = Paper::of(picture, levels_of_paper(picture));
    let cells = Cells::of(&paper).opened();
    let (photos, form) = paper.photos(&cells);
    if !paper.outside(&photos).is_page(form) {
        return none;
    }
    let share = |range: &Range<usize>, side: usize| {
        range.start as f32 / side as f32..range.end as f32 / side as f32
    };
    let place = |photo: &Bounds| Place {
        columns: share(&photo.columns, picture.width),
        rows: share(&photo.rows, picture.height),
    };
    let kind = match photos.is_empty() {
        true => ReferenceKind::Page,
        false => ReferenceKind::PageWithPhoto,
    };
    (kind, photos.iter().map(place).collect())
}

/// The form of what may be photos on a page.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// There are none.
    None,
    /// Anything.
    Free,
    Rectangle,
}

/// What is outside the photos of a picture.
#[derive(Debug)]
struct Outside {
    /// Its share of the picture.
    share: f32,
    /// The share of paper in it.
    paper: f32,
    /// Whether the paper has several levels.
    is_drawn: bool,
    /// What lines of writing take up, in shares of the picture.
    written: f32,
}

impl Outside {
    fn is_page(&self, form: Form) -> bool {
        let (paper_min, written_min) = match form {
            Form::None => (PAGE_PAPER_MIN, PAGE_WRITTEN_MIN),
            Form::Free => (FREE_OUTSIDE_PAPER_MIN, FREE_WRITTEN_MIN),
            Form::Rectangle => (OUTSIDE_PAPER_MIN, WRITTEN_MIN),
        };
        let is_written = self.paper >= paper_min && self.written >= written_min;
        let is_logo = form == Form::None && self.is_drawn && self.paper >= DRAWN_PAPER_MIN;
        self.share >= OUTSIDE_MIN && (is_written || is_logo)
    }
}

/// A rectangle, in cells or pixels.
#[derive(Clone, Debug)]
struct Bounds {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Bounds {
    fn area(&self) -> usize {
        self.columns.len() * self.rows.len()
    }

    /// Whether more than half of another one lies within.
    fn holds_most_of(&self, other: &Self) -> bool {
        let shared = |a: &Range<usize>, b: &Range<usize>| {
            a.end.min(b.end).saturating_sub(a.start.max(b.start))
        };
        let within = shared(&self.columns, &other.columns) * shared(&self.rows, &other.rows);
        2 * within > other.area()
    }

    fn holds(&self, x: usize, y: usize) -> bool {
        self.columns.contains(&x) && self.rows.contains(&y)
    }
}

/// A picture whose pixels are told apart into paper and other ones.
struct Paper<'a> {
    picture: &'a Plane,
    /// The levels of paper, the commonest first.
    levels: Vec<usize>,
    is_paper: Vec<bool>,
}

impl<'a> Paper<'a> {
    fn of(picture: &'a Plane, levels: Vec<usize>) -> Self {
        let is_near = |level: usize| levels.iter().any(|it| it.abs_diff(level) <= PAPER_LEVELS);
        let known: Vec<bool> = (0..256).map(is_near).collect();
        let is_paper = picture.values.iter().map(|value| known[level(*value)]);
        Self {
            picture,
            is_paper: is_paper.collect(),
            levels,
        }
    }

    fn is_paper(&self, x: usize, y: usize) -> bool {
        self.is_paper[y * self.picture.width + x]
    }

    /// The same with those levels alone that reach the picture's edge: a photo on it may have a dark
    /// wall that is as even as paper.
    fn of_rim(&self) -> Self {
        let (width, height) = (self.picture.width, self.picture.height);
        let rim = |x: usize, y: usize| x < 4 || y < 4 || x + 4 >= width || y + 4 >= height;
        let places = (0..width * height).filter(|at| rim(at % width, at / width));
        let (mut counts, mut all) = ([0usize; 256], 0usize);
        for at in places {
            counts[level(self.picture.values[at])] += 1;
            all += 1;
        }
        let share = |at: &usize| {
            let near = at.saturating_sub(PAPER_LEVELS)..=(at + PAPER_LEVELS).min(255);
            counts[near].iter().sum::<usize>() as f32 / all.max(1) as f32
        };
        let levels = self.levels.iter().filter(|at| share(at) >= RIM_SHARE_MIN);
        Self::of(self.picture, levels.copied().collect())
    }

    /// The photos on the page, the largest first.
    fn photos(&self, cells: &Cells) -> (Vec<Bounds>, Form) {
        let mut photos = self.rectangles(cells);
        let rim = self.of_rim();
        if rim.levels.len() < self.levels.len() && !rim.levels.is_empty() {
            for other in rim.rectangles(&Cells::of(&rim).opened()) {
                photos.retain(|it| !other.holds_most_of(it));
                photos.push(other);
            }
        }
        let mut form = Form::Rectangle;
        if photos.is_empty() {
            photos.extend(self.largest(cells));
            form = if photos.is_empty() {
                Form::None
            } else {
                Form::Free
            };
        }
        photos.sort_by_key(|it| std::cmp::Reverse(it.area()));
        let least = photos
            .first()
            .map_or(0.0, |it| it.area() as f32 * OF_LARGEST_MIN);
        photos.retain(|it| it.area() as f32 >= least);
        photos.truncate(PHOTOS_MAX);
        (photos, form)
    }

    /// Rectangles that are as photos are, with edges where paper begins.
    fn rectangles(&self, cells: &Cells) -> Vec<Bounds> {
        let parts = cells.parts();
        let filled = parts.iter().filter_map(|part| cells.filled(part, FILL_MIN));
        filled
            .map(|part| self.tightened(&part))
            .filter(|it| self.is_photo(it) && self.has_edges(it))
            .collect()
    }

    /// The largest thing that is as a photo is, whatever its form.
    fn largest(&self, cells: &Cells) -> Option<Bounds> {
        let parts = cells.parts();
        let largest = parts.iter().max_by_key(|part| part.len())?;
        let bounds = self.tightened(&cells.filled(largest, 0.0)?);
        self.is_photo(&bounds).then_some(bounds)
    }

    fn is_photo(&self, it: &Bounds) -> bool {
        let longer = self.picture.width.max(self.picture.height) as f32;
        let (w, h) = (it.columns.len() as f32, it.rows.len() as f32);
        w.min(h) >= PHOTO_SIDE_MIN * longer
            && w.max(h) <= PHOTO_ASPECT_MAX * w.min(h)
            && self.levels_within(it) >= PHOTO_LEVELS_MIN
    }

    /// Whether paper meets what is none along every side that is not the picture's own.
    fn has_edges(&self, it: &Bounds) -> bool {
        let (width, height) = (self.picture.width, self.picture.height);
        let is_paper = |x: usize, y: usize| self.is_paper(x, y);
        let is_edge =
            |at: usize, end: usize, length: &Range<usize>, met: &dyn Fn(usize) -> bool| {
                if at < 2 * EDGE_PX || at + 2 * EDGE_PX > end {
                    return true;
                }
                let met = length.clone().filter(|along| met(*along)).count() as f32;
                met >= EDGE_SHARE_MIN * length.len() as f32
            };
        let across = |x: usize, outside: usize, inside: usize| {
            let met = |y| is_paper(outside, y) && !is_paper(inside, y);
            is_edge(x, width, &it.rows, &met)
        };
        let down = |y: usize, outside: usize, inside: usize| {
            let met = |x| is_paper(x, outside) && !is_paper(x, inside);
            is_edge(y, height, &it.columns, &met)
        };
        let (left, right) = (it.columns.start, it.columns.end);
        let (top, bottom) = (it.rows.start, it.rows.end);
        let before = |at: usize| at.saturating_sub(EDGE_PX);
        across(left, before(left), left + EDGE_PX)
            && across(right, right + EDGE_PX, before(right))
            && down(top, before(top), top + EDGE_PX)
            && down(bottom, bottom + EDGE_PX, before(bottom))
    }

    /// Bounds in cells as bounds in pixels, moved in to where paper ends.
    fn tightened(&self, part: &Bounds) -> Bounds {
        let (width, height) = (self.picture.width, self.picture.height);
        let px = |cells: &Range<usize>, side: usize| {
            (cells.start * CELL_PX).saturating_sub(CELL_PX)..((cells.end + 1) * CELL_PX).min(side)
        };
        let mut bounds = Bounds {
            columns: px(&part.columns, width),
            rows: px(&part.rows, height),
        };
        let is_paper = |x: usize, y: usize| self.is_paper(x, y);
        let share = |count: usize, of: usize| count as f32 / of.max(1) as f32;
        for _ in 0..2 {
            let rows = bounds.rows.clone();
            let blank = |x: usize| {
                share(rows.clone().filter(|y| is_paper(x, *y)).count(), rows.len()) > 0.7
            };
            bounds.columns = trimmed(bounds.columns.clone(), blank);
            let columns = bounds.columns.clone();
            let blank = |y: usize| {
                share(
                    columns.clone().filter(|x| is_paper(*x, y)).count(),
                    columns.len(),
                ) > 0.7
            };
            bounds.rows = trimmed(bounds.rows.clone(), blank);
        }
        bounds
    }

    /// How many levels there are within bounds: of 64, those that would say as much if all were
    /// equally frequent.
    fn levels_within(&self, bounds: &Bounds) -> f32 {
        let mut counts = [0usize; 64];
        for y in bounds.rows.clone() {
            let row = &self.picture.row(y)[bounds.columns.clone()];
            row.iter().for_each(|value| counts[level(*value) / 4] += 1);
        }
        let all = bounds.area().max(1) as f32;
        // 1 / sum of squares: how likely two pixels are of one level
        let squares: f32 = counts
            .iter()
            .map(|count| (*count as f32 / all).powi(2))
            .sum();
        1.0 / squares.max(f32::MIN_POSITIVE)
    }

    fn outside(&self, photos: &[Bounds]) -> Outside {
        let (mut outside, mut paper) = (0usize, 0usize);
        for y in 0..self.picture.height {
            for x in 0..self.picture.width {
                if !photos.iter().any(|it| it.holds(x, y)) {
                    outside += 1;
                    paper += usize::from(self.is_paper(x, y));
                }
            }
        }
        let of = |count: usize, all: usize| count as f32 / all.max(1) as f32;
        Outside {
            share: of(outside, self.picture.values.len()),
            paper: of(paper, outside),
            is_drawn: self.levels.len() > 1,
            written: of(self.written(photos), self.picture.values.len()),
        }
    }

    /// Pixels that lines of writing take up outside the photos, whether they go across or down.
    fn written(&self, photos: &[Bounds]) -> usize {
        let (width, height) = (self.picture.width, self.picture.height);
        let seen = |x: usize, y: usize| {
            let within = photos.iter().any(|it| it.holds(x, y));
            (!within).then(|| level(self.picture.values[y * width + x]))
        };
        let most = |line: Vec<Option<usize>>| {
            let on_each = self.levels.iter().map(|paper| written_on(*paper, &line));
            on_each.max().unwrap_or(0)
        };
        let across = (0..height).map(|y| most((0..width).map(|x| seen(x, y)).collect()));
        let down = (0..width).map(|x| most((0..height).map(|y| seen(x, y)).collect()));
        across.sum::<usize>().max(down.sum())
    }
}

/// Pixels of a line that are in writing on a level of paper: several strokes in a row, each of another
/// level and with this paper on both sides. Pixels of photos, here none, are no writing.
fn written_on(paper: usize, line: &[Option<usize>]) -> usize {
    let mut seen = Strokes::default();
    for pixel in line.iter().chain([&None]) {
        match pixel.map(|level| level.abs_diff(paper)) {
            None => seen.end(),
            Some(off) if off <= PAPER_LEVELS => seen.on_paper(),
            Some(off) => {
                seen.ink_px += 1;
                seen.is_ink |= off >= INK_LEVELS;
            }
        }
    }
    seen.written_px
}

/// Strokes of letters along a line of pixels.
#[derive(Default)]
struct Strokes {
    /// Pixels in rows of strokes that are finished.
    written_px: usize,
    /// Of the row under way: its strokes and their pixels, gaps included.
    strokes: usize,
    row_px: usize,
    /// Pixels of paper before what may become a stroke, its own, and whether one of them is ink.
    gap_px: usize,
    ink_px: usize,
    is_ink: bool,
}

impl Strokes {
    fn on_paper(&mut self) {
        if self.ink_px > 0 {
            let is_stroke = self.gap_px > 0 && self.is_ink && self.ink_px <= STROKE_PX_MAX;
            match is_stroke {
                true => {
                    self.strokes += 1;
                    self.row_px += self.ink_px + self.gap_px.min(GAP_PX_MAX);
                }
                false => self.end_row(),
            }
            (self.gap_px, self.ink_px, self.is_ink) = (0, 0, false);
        }
        self.gap_px += 1;
        if self.gap_px > GAP_PX_MAX {
            self.end_row();
        }
    }

    fn end_row(&mut self) {
        if self.strokes >= STROKES_MIN {
            self.written_px += self.row_px;
        }
        (self.strokes, self.row_px) = (0, 0);
    }

    fn end(&mut self) {
        self.end_row();
        (self.gap_px, self.ink_px, self.is_ink) = (0, 0, false);
    }
}

/// What is left when blank lines are taken from both ends.
fn trimmed(lines: Range<usize>, blank: impl Fn(usize) -> bool) -> Range<usize> {
    let first = lines.clone().find(|at| !blank(*at));
    let last = lines.clone().rev().find(|at| !blank(*at));
    match (first, last) {
        (Some(first), Some(last)) => first..last + 1,
        _ => lines.start..lines.start,
    }
}

fn level(value: f32) -> usize {
    value.round().clamp(0.0, 255.0) as usize
}

/// The levels that drawn areas have.
fn levels_of_paper(picture: &Plane) -> Vec<usize> {
    let mut counts = [0usize; 256];
    for y in 0..picture.height - 1 {
        let (here, below) = (picture.row(y), picture.row(y + 1));
        for x in 0..picture.width - 1 {
            let off = (here[x] - here[x + 1])
                .abs()
                .max((here[x] - below[x]).abs());
            if off <= FLAT_LEVELS {
                counts[level(here[x])] += 1;
            }
        }
    }
    let least = (picture.values.len() as f32 * LEVEL_SHARE_MIN) as usize;
    let about = |counts: &[usize; 256], at: usize, reach: usize| -> usize {
        counts[at.saturating_sub(reach)..=(at + reach).min(255)]
            .iter()
            .sum()
    };
    let mut levels = Vec::new();
    for _ in 0..2 * LEVELS_MAX {
        let most = (0..256).max_by_key(|at| (about(&counts, *at, 1), std::cmp::Reverse(*at)));
        let Some(at) = most.filter(|at| about(&counts, *at, 1) >= least) else {
            break;
        };
        let sharp = about(&counts, at, 1) as f32 / about(&counts, at, PAPER_LEVELS).max(1) as f32;
        if sharp >= SHARP_SHARE_MIN && levels.len() < LEVELS_MAX {
            levels.push(at);
        }
        counts[at.saturating_sub(PAPER_LEVELS)..=(at + PAPER_LEVELS).min(255)].fill(0);
    }
    levels
}

/// A picture in cells: solid ones have hardly any paper.
struct Cells {
    width: usize,
    height: usize,
    solid: Vec<bool>,
}

impl Cells {
    fn of(paper: &Paper<'_>) -> Self {
        let side = paper.picture.width;
        let (width, height) = (side / CELL_PX, paper.picture.height / CELL_PX);
        let share = |cx: usize, cy: usize| {
            let rows = cy * CELL_PX..(cy + 1) * CELL_PX;
            let row = |y: usize| &paper.is_paper[y * side + cx * CELL_PX..][..CELL_PX];
            let count: usize = rows.map(|y| row(y).iter().filter(|it| **it).count()).sum();
            count as f32 / (CELL_PX * CELL_PX) as f32
        };
        let places = (0..width * height).map(|at| (at % width, at / width));
        Self {
            width,
            height,
            solid: places.map(|(x, y)| share(x, y) < CELL_PAPER_MIN).collect(),
        }
    }

    /// Without what is thinner than three cells: lines of writing and strokes.
    fn opened(self) -> Self {
        self.spread(true).spread(false)
    }

    /// Every cell as the least (or, if not, the most) solid of its nine.
    fn spread(&self, all: bool) -> Self {
        let near = |at: usize, side: usize| at.saturating_sub(1)..=(at + 1).min(side - 1);
        let value = |at: usize| {
            let (x, y) = (at % self.width, at / self.width);
            let mut nine = near(y, self.height)
                .flat_map(|y| near(x, self.width).map(move |x| y * self.width + x));
            match all {
                true => nine.all(|at| self.solid[at]),
                false => nine.any(|at| self.solid[at]),
            }
        };
        Self {
            width: self.width,
            height: self.height,
            solid: (0..self.solid.len()).map(value).collect(),
        }
    }

    /// The solid parts, as places of cells.
    fn parts(&self) -> Vec<Vec<usize>> {
        let mut seen = vec![false; self.solid.len()];
        let mut parts = Vec::new();
        for start in 0..self.solid.len() {
            if self.solid[start] && !seen[start] {
                parts.push(self.part(start, &mut seen));
            }
        }
        parts
    }

    /// The solid cells that hang together with one.
    fn part(&self, start: usize, seen: &mut [bool]) -> Vec<usize> {
        let (mut part, mut open) = (Vec::new(), vec![start]);
        seen[start] = true;
        while let Some(at) = open.pop() {
            part.push(at);
            let (x, y) = (at % self.width, at / self.width);
            let sides = [
                (x > 0).then(|| at - 1),
                (x + 1 < self.width).then(|| at + 1),
                (y > 0).then(|| at - self.width),
                (y + 1 < self.height).then(|| at + self.width),
            ];
            for next in sides.into_iter().flatten() {
                if self.solid[next] && !seen[next] {
                    seen[next] = true;
                    open.push(next);
                }
            }
        }
        part
    }

    /// The rectangle that most of a part fills, at least by that share; none if it does not.
    fn filled(&self, part: &[usize], share_min: f32) -> Option<Bounds> {
        let (mut columns, mut rows) = (vec![0usize; self.width], vec![0usize; self.height]);
        for at in part {
            columns[at % self.width] += 1;
            rows[at / self.width] += 1;
        }
        // a band or a caption that touches a photo is shorter or longer than it
        let dense = |counts: &[usize]| {
            let most = counts.iter().max().copied().unwrap_or(0);
            let is_dense = |at: &usize| 2 * counts[*at] > most;
            let first = (0..counts.len()).find(is_dense)?;
            let last = (0..counts.len()).rev().find(is_dense)?;
            Some(first..last + 1)
        };
        let bounds = Bounds {
            columns: dense(&columns)?,
            rows: dense(&rows)?,
        };
        let within = part
            .iter()
            .filter(|at| bounds.holds(**at % self.width, **at / self.width));
        (within.count() as f32 >= share_min * bounds.area() as f32).then_some(bounds)
    }
}
