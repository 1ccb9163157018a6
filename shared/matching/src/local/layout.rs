//! What an ad shows around the reference, read off its small grey picture.
//!
//! Every word needs its evidence; without it nothing is said but the share of the ad. The numbers
//! below were chosen on edited copies of 20 photos; `homeward bench recall` reports how often
//! each word is right on others.

use features::Grey;

use super::collage::{self, Panel};
use crate::Surroundings;

/// The reference's corners, clockwise from its top left.
type Quad = [(f32, f32); 4];

/// How the ad is laid out about the reference.
pub(super) struct Layout {
    pub surroundings: Surroundings,
    /// The part of the ad that is the reference's own, from its top left to its bottom right, in
    /// shares of the ad's sides: its panel of a collage, or all.
    pub own: ((f32, f32), (f32, f32)),
}

/// Pixels about the outline that belong to neither side: the picture is packed at a loss.
const MARGIN_PX: f32 = 2.5;
/// Less of the ad than this outside the outline is nothing.
const OUTSIDE_MIN: f32 = 0.03;
/// A tilted reference whose corners come this near to all of the ad's sides was turned and its
/// corners filled, in shares of a side.
const CORNER_SHARE: f32 = 0.03;
/// Grey levels between neighbours up to which a place is flat.
const FLAT_LEVELS: u8 = 8;
/// Grey levels about the commonest one that belong to the page.
const PAGE_LEVELS: usize = 6;
/// From this share of the outside on, one grey or smoothness makes it a frame.
const FRAME_SHARE: f32 = 0.93;
/// From this share of the outside on, one grey makes it a page, if lines stand on it.
const PAGE_SHARE: f32 = 0.35;
/// Lines of writing, or what looks like it, on a page.
const LINES_MIN: usize = 4;
/// The share of the outside that a page has at least: captions in a frame have less.
const PAGE_OUTSIDE_MIN: f32 = 0.2;
/// How much of its panel a reference fills at least, and how much of what agrees lies within it.
const OF_PANEL_MIN: f32 = 0.8;
const WITHIN_PANEL_MIN: f32 = 0.9;
/// By how much a panel's share of the ad may be off the mean of all panels.
const PANEL_SHARE_SLACK: f32 = 0.15;
/// Grey levels by which the two sides of an edge differ.
const EDGE_LEVELS: u8 = 10;
/// The share of an outline's side along which the two sides must differ.
const EDGE_SHARE: f32 = 0.55;
/// Sides of the outline that lie within the ad and are edges, for a picture within a picture.
const EDGES_MIN: usize = 3;

const ALL: ((f32, f32), (f32, f32)) = ((0.0, 0.0), (1.0, 1.0));

/// The layout of an ad about an outline; `agreeing` are places that show the reference for sure.
/// All are in shares of the ad's sides.
pub(super) fn layout(ad: &Grey, outline: &Quad, agreeing: &[(f32, f32)]) -> Layout {
    let around = Around::of(ad, outline);
    if around.outside < OUTSIDE_MIN || around.is_corners() {
        return of_all(Surroundings::Nothing);
    }
    if around.page >= FRAME_SHARE || around.smooth >= FRAME_SHARE {
        return of_all(Surroundings::Frame);
    }
    let is_page = around.page >= PAGE_SHARE && around.outside >= PAGE_OUTSIDE_MIN;
    if is_page && around.lines >= LINES_MIN {
        return of_all(Surroundings::Screenshot);
    }
    if let Some(layout) = collage(&around, agreeing) {
        return layout;
    }
    match around.edges() >= EDGES_MIN {
        true => of_all(Surroundings::Picture),
        false => of_all(Surroundings::Unknown),
    }
}

fn of_all(surroundings: Surroundings) -> Layout {
    Layout {
        surroundings,
        own: ALL,
    }
}

/// The layout if the reference is a panel among others.
fn collage(around: &Around<'_>, agreeing: &[(f32, f32)]) -> Option<Layout> {
    let ad = around.ad;
    let (w, h) = (ad.width_px as f32, ad.height_px as f32);
    let agreeing: Vec<_> = agreeing.iter().map(|(x, y)| (x * w, y * h)).collect();
    let panels = collage::panels(ad, &agreeing);
    let count = |panel: &Panel| {
        agreeing
            .iter()
            .filter(|at| panel.holds(**at, MARGIN_PX))
            .count()
    };
    let own = *panels.iter().max_by_key(|panel| count(panel))?;
    let within = count(&own) as f32 >= WITHIN_PANEL_MIN * agreeing.len() as f32;
    let pictures = panels.iter().filter(|panel| panel.is_picture(ad)).count();
    if pictures < 2 || !within || !own.touches(ad) || around.share_of(&own) < OF_PANEL_MIN {
        return None;
    }
    // edges within a photo may look like seams: a number is said where the panel's size bears it out
    let share = (own.area() as f32) / ad.luma.len() as f32;
    let is_borne_out = (share * pictures as f32 - 1.0).abs() <= PANEL_SHARE_SLACK;
    Some(Layout {
        surroundings: Surroundings::Collage {
            of: u8::try_from(pictures).ok().filter(|_| is_borne_out),
        },
        own: (
            (own.left as f32 / w, own.top as f32 / h),
            (own.right as f32 / w, own.bottom as f32 / h),
        ),
    })
}

/// What is outside an outline.
struct Around<'a> {
    ad: &'a Grey,
    /// The corners in pixels, and whether they run clockwise.
    quad: Quad,
    clockwise: f32,
    /// The share of the ad outside.
    outside: f32,
    /// Of that, the share that has about the same grey and is flat, and the share that is flat.
    page: f32,
    smooth: f32,
    /// Rows outside with something on them, counted as lines with empty rows between them.
    lines: usize,
}

impl<'a> Around<'a> {
    fn of(ad: &'a Grey, outline: &Quad) -> Self {
        let quad = outline.map(|(x, y)| (x * ad.width_px as f32, y * ad.height_px as f32));
        let mut around = Self {
            ad,
            quad,
            clockwise: if area(&quad) < 0.0 { -1.0 } else { 1.0 },
            outside: 0.0,
            page: 0.0,
            smooth: 0.0,
            lines: 0,
        };
        around.count();
        around
    }

    /// Looks at every pixel once.
    fn count(&mut self) {
        let (mut outside, mut flat, mut levels) = (0usize, 0usize, [0usize; 256]);
        let (mut lines, mut on_line) = (0, false);
        for y in 0..self.ad.height_px {
            let (mut seen, mut busy) = (0, 0);
            for x in (0..self.ad.width_px).filter(|x| self.is_outside(*x, y)) {
                seen += 1;
                match is_flat(self.ad, x, y) {
                    true => levels[usize::from(luma(self.ad, x, y))] += 1,
                    false => busy += 1,
                }
            }
            outside += seen;
            flat += seen - busy;
            let has_something = busy > 2 && busy * 25 > seen;
            lines += usize::from(has_something && !on_line);
            on_line = has_something;
        }
        let share = |count: usize, of: usize| count as f32 / of.max(1) as f32;
        self.outside = share(outside, self.ad.luma.len());
        self.page = share(commonest(&levels), outside);
        self.smooth = share(flat, outside);
        self.lines = lines;
    }

    fn is_outside(&self, x: usize, y: usize) -> bool {
        self.depth((x as f32 + 0.5, y as f32 + 0.5)) < -MARGIN_PX
    }

    /// How far within the outline a place lies, in pixels; below 0 outside.
    fn depth(&self, at: (f32, f32)) -> f32 {
        let side = |i: usize| {
            let (a, b) = (self.quad[i], self.quad[(i + 1) % 4]);
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            let length = (dx * dx + dy * dy).sqrt().max(1e-3);
            self.clockwise * (dx * (at.1 - a.1) - dy * (at.0 - a.0)) / length
        };
        (0..4).map(side).fold(f32::INFINITY, f32::min)
    }

    /// Whether a tilted outline touches all four sides of the ad.
    fn is_corners(&self) -> bool {
        let (w, h) = (self.ad.width_px as f32, self.ad.height_px as f32);
        let least = |values: [f32; 4]| values.into_iter().fold(f32::INFINITY, f32::min);
        let most = |values: [f32; 4]| values.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let (xs, ys) = (self.quad.map(|p| p.0), self.quad.map(|p| p.1));
        let near = |at: f32, side: f32, px: f32| (at - side).abs() <= CORNER_SHARE * px;
        near(least(xs), 0.0, w)
            && near(most(xs), w, w)
            && near(least(ys), 0.0, h)
            && near(most(ys), h, h)
    }

    /// How much of a panel lies within the outline.
    fn share_of(&self, panel: &Panel) -> f32 {
        let rows = (panel.top..panel.bottom).step_by(2);
        let places = rows.flat_map(|y| (panel.left..panel.right).step_by(2).map(move |x| (x, y)));
        let (mut within, mut all) = (0, 0);
        for (x, y) in places {
            all += 1;
            within += usize::from(self.depth((x as f32, y as f32)) >= -MARGIN_PX);
        }
        within as f32 / all.max(1) as f32
    }

    /// Sides of the outline within the ad on which the picture changes.
    fn edges(&self) -> usize {
        (0..4).filter(|side| self.is_edge(*side)).count()
    }

    fn is_edge(&self, side: usize) -> bool {
        const STEPS: usize = 64;
        let (a, b) = (self.quad[side], self.quad[(side + 1) % 4]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).sqrt().max(1e-3);
        // towards the inside
        let across = (-dy / length * self.clockwise, dx / length * self.clockwise);
        let (mut seen, mut differing) = (0, 0);
        for step in 0..STEPS {
            let along = (step as f32 + 0.5) / STEPS as f32;
            let (x, y) = (a.0 + dx * along, a.1 + dy * along);
            let at = |px: f32| self.luma_at(x + across.0 * px, y + across.1 * px);
            if let (Some(inside), Some(outside)) = (at(MARGIN_PX), at(-MARGIN_PX)) {
                seen += 1;
                differing += usize::from(inside.abs_diff(outside) > EDGE_LEVELS);
            }
        }
        seen * 2 > STEPS && differing as f32 >= EDGE_SHARE * seen as f32
    }

    fn luma_at(&self, x: f32, y: f32) -> Option<u8> {
        let within = |at: f32, side: usize| at >= 0.0 && at < side as f32;
        let is_seen = within(x, self.ad.width_px) && within(y, self.ad.height_px);
        is_seen.then(|| luma(self.ad, x as usize, y as usize))
    }
}

/// Twice the area of a polygon, below 0 if its corners run the other way.
fn area(quad: &Quad) -> f32 {
    let cross = |i: usize| {
        let ((ax, ay), (bx, by)) = (quad[i], quad[(i + 1) % 4]);
        ax * by - bx * ay
    };
    (0..4).map(cross).sum()
}

/// How many have about the commonest level.
pub(super) fn commonest(levels: &[usize; 256]) -> usize {
    let about = |level: usize| {
        let (from, to) = (level.saturating_sub(PAGE_LEVELS), level + PAGE_LEVELS);
        levels[from..=to.min(255)].iter().sum()
    };
    (0..256).map(about).max().unwrap_or(0)
}

pub(super) fn luma(ad: &Grey, x: usize, y: usize) -> u8 {
    ad.luma[y * ad.width_px + x]
}

/// Whether a pixel is like those right of and below it.
pub(super) fn is_flat(ad: &Grey, x: usize, y: usize) -> bool {
    let here = luma(ad, x, y);
    let right = luma(ad, (x + 1).min(ad.width_px - 1), y);
    let below = luma(ad, x, (y + 1).min(ad.height_px - 1));
    here.abs_diff(right).max(here.abs_diff(below)) <= FLAT_LEVELS
}
