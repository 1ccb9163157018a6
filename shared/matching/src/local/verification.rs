//! Dense verification: the ad is laid over the reference and compared block by block.
//!
//! Few agreeing features can be chance, and aligned portraits of different people share eyes,
//! mouth and outline. What they never share is the fine structure in most blocks at once.

use features::{Grid, RowBits};

use super::affine::{Affine, Freedom, PointPair};
use super::align::Alignment;
use super::image_pair::{LocalAd, LocalReference};

/// A block's side in cells: its 64 cells are one word.
const BLOCK: usize = 8;
/// Cells of a block that must be clear in the reference for it to say anything.
const OWN_CELLS_MIN: u32 = 16;
/// Cells of a block that must be clear in both.
const CELLS_MIN: i32 = 12;
/// Times that the map is refined at each of the grids.
const ROUNDS: usize = 2;
/// How far a block may lie off while refining, in cells.
const REACH: isize = 2;
/// What a step off costs, in agreement, so that a tie stays in place.
const STEP_COST: f32 = 0.02;
/// Agreement from which a block helps to refine.
const HELPS_MIN: f32 = 0.4;
/// Blocks needed to refine.
const HELPERS_MIN: usize = 6;
/// How far a block's place may be off the refined map, in cells.
const OFF_CELLS_MAX: f32 = 1.5;
/// Agreement at which a block begins to be the same picture: nine cells in ten. At full
/// agreement it counts as one. Blocks of aligned portraits of different people often agree by
/// half to three quarters, seldom by more; those of copies by nine tenths and more.
const LIKE_MIN: f32 = 0.8;
/// Steps by which a block is compared with its own surroundings, in cells.
const STEPS: [(isize, isize); 4] = [(2, 0), (0, 2), (2, 2), (2, -2)];
/// Disagreement with its surroundings from which a block counts fully.
const NOVEL: f32 = 0.6;
/// Blocks below which a score says nothing: three could agree by chance.
const BLOCKS_MIN: f32 = 6.0;
/// Features that agree, from which an alignment is looked at however little else agrees.
const AGREEING_ENOUGH: usize = 10;
/// Blocks that a region has at least.
const REGION_BLOCKS_MIN: f32 = 4.0;
/// At the coarsest grid, the agreement of all cells below which an alignment is given up: two in
/// five chance ones, and no true one of 418, whose least was 0.38.
const AGREEMENT_MIN: f32 = 0.3;
/// At the middle grid, the score below which the fine one is not tried: chance.
const HOPE_MIN: f32 = 0.12;

/// What the blocks of one grid say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Tally {
    /// Blocks with something to compare, each as far as it is novel: 0 to 1.
    pub blocks: f32,
    /// How much of them is the same picture: a block counts 0 to 1.
    pub likeness: f32,
    /// Cells compared in all of them, and those that agree less those that differ.
    pub all: i32,
    pub agreeing: i32,
    /// Cells compared in those that count, and cells that differ in them.
    pub cells: u32,
    pub differing: u32,
    /// Cells that are clear in the reference, in those blocks.
    pub own_cells: u32,
    /// How surely the best rectangle of blocks is the same picture: [`region`].
    pub region: f32,
}

impl Tally {
    /// The mean likeness of the blocks times the fourth root of their number: many blocks say
    /// more than few. 0 to 4 at 128 x 128 cells, 0 to 2.8 at 64 x 64.
    pub fn score(&self) -> f32 {
        match self.is_silent() {
            true => 0.0,
            false => self.mean_likeness() * self.blocks.sqrt().sqrt(),
        }
    }

    /// Whether there is too little to say anything.
    pub fn is_silent(&self) -> bool {
        self.blocks < BLOCKS_MIN
    }

    /// The share of the reference's clear cells that are clear in the ad too, in the blocks that
    /// count: 0 to 1.
    pub fn coverage(&self) -> f32 {
        self.cells as f32 / self.own_cells.max(1) as f32
    }

    /// How far all blocks agree, -1 to 1.
    fn agreement(&self) -> f32 {
        self.agreeing as f32 / self.all.max(1) as f32
    }

    fn mean_likeness(&self) -> f32 {
        self.likeness / self.blocks
    }
}

/// An alignment, refined, and what each grid says to it.
pub(super) struct Verification {
    pub affine: Affine,
    pub negative: bool,
    pub middle: Tally,
    pub fine: Tally,
    /// Pixels of the ad's picture that a cell of the finest grid covers, along a side.
    pub fine_cell_px: f32,
    /// Features that agree with the alignment; fewer, if most are such as many ads have.
    pub agreeing: usize,
}

/// Refines an alignment from the coarsest grid to the finest and tallies the blocks.
pub(super) fn verify(reference: &LocalReference, ad: &LocalAd, start: &Alignment) -> Verification {
    let mut verification = Verification {
        affine: start.map,
        negative: start.negative,
        middle: Tally::default(),
        fine: Tally::default(),
        fine_cell_px: 0.0,
        agreeing: start.agreeing,
    };
    let [coarse, middle, fine] = &reference.grids;
    let first = verification.at(reference, ad, coarse);
    // a person cut out and pasted elsewhere agrees nowhere else
    let is_borne_out = start.agreeing >= AGREEING_ENOUGH;
    if first.agreement() < AGREEMENT_MIN && !is_borne_out {
        return verification;
    }
    verification.middle = verification.at(reference, ad, middle);
    let is_hopeful = verification.middle.score() >= HOPE_MIN || is_borne_out;
    if verification.middle.is_silent() || is_hopeful {
        verification.fine = verification.at(reference, ad, fine);
        let side = fine.side();
        verification.fine_cell_px =
            ad.pyramid()
                .cell_px(&verification.affine, reference.size, ad.size, side);
    }
    verification
}

impl Verification {
    /// Refines the map at one grid, then tallies.
    fn at(&mut self, reference: &LocalReference, ad: &LocalAd, own: &Grid) -> Tally {
        let side = own.side();
        let seen = |map: &Affine| {
            let grid = ad.pyramid().grid(map, reference.size, ad.size, side)?;
            Some(if self.negative { negative(grid) } else { grid })
        };
        let Some(mut grid) = seen(&self.affine) else {
            return Tally::default();
        };
        let mut map = self.affine;
        for _ in 0..ROUNDS {
            let pairs = pairs(reference, own, &grid, &map);
            let Some(next) = refined(&pairs, &map, reference, side) else {
                break;
            };
            let Some(after) = seen(&next) else { break };
            (map, grid) = (next, after);
        }
        self.affine = map;
        tally(own, &grid)
    }
}

/// The middles of the blocks that are the same picture on both sides, in pixels of the reference:
/// what a verification rests on.
pub(super) fn agreeing(
    reference: &LocalReference,
    ad: &LocalAd,
    verification: &Verification,
) -> Vec<(f32, f32)> {
    let [_, middle, fine] = &reference.grids;
    let own = if verification.fine.cells > 0 {
        fine
    } else {
        middle
    };
    let side = own.side();
    let Some(seen) = ad
        .pyramid()
        .grid(&verification.affine, reference.size, ad.size, side)
    else {
        return Vec::new();
    };
    let seen = if verification.negative {
        negative(seen)
    } else {
        seen
    };
    let agrees = |(x, y): &(usize, usize)| {
        let own = block(own, *x as isize, *y as isize);
        let (same, cells) = own.agreement(block(&seen, *x as isize, *y as isize));
        let says_something = own.clear.count_ones() >= OWN_CELLS_MIN && cells >= CELLS_MIN;
        says_something && same as f32 / cells as f32 > LIKE_MIN
    };
    let middle_of = |at: usize, px: f32| (at + BLOCK / 2) as f32 * px / side as f32;
    let place = |(x, y)| {
        (
            middle_of(x, reference.size.0),
            middle_of(y, reference.size.1),
        )
    };
    blocks(side, BLOCK).filter(agrees).map(place).collect()
}

fn negative(grid: Grid) -> Grid {
    let lighter = grid.lighter.iter().map(|row| !row).collect();
    Grid { lighter, ..grid }
}

/// The blocks that agree somewhere near, as places of the reference and of the ad.
fn pairs(reference: &LocalReference, own: &Grid, seen: &Grid, map: &Affine) -> Vec<PointPair> {
    let side = own.side();
    let cell = (
        reference.size.0 / side as f32,
        reference.size.1 / side as f32,
    );
    let place = |x: f32, y: f32| (x * cell.0, y * cell.1);
    // the coarsest grid has few blocks: let them overlap
    let stride = if side < 8 * BLOCK { BLOCK / 2 } else { BLOCK };
    let mut pairs = Vec::new();
    for (x, y) in blocks(side, stride) {
        let block = block(own, x as isize, y as isize);
        if block.clear.count_ones() < OWN_CELLS_MIN {
            continue;
        }
        if let Some((agreement, dx, dy)) = best_near(block, seen, x as isize, y as isize) {
            let (cx, cy) = ((x + BLOCK / 2) as f32, (y + BLOCK / 2) as f32);
            pairs.push(PointPair {
                from: place(cx, cy),
                to: map.of(place(cx + dx as f32, cy + dy as f32)),
                weight: agreement * agreement,
            });
        }
    }
    pairs
}

/// The best agreement of a block with the ad near its place, and how far off.
fn best_near(own: Block, seen: &Grid, x: isize, y: isize) -> Option<(f32, isize, isize)> {
    let mut best: Option<(f32, isize, isize)> = None;
    for dy in -REACH..=REACH {
        for dx in -REACH..=REACH {
            let (same, cells) = own.agreement(block(seen, x + dx, y + dy));
            if cells < CELLS_MIN {
                continue;
            }
            let cost = STEP_COST * (dx.abs() + dy.abs()) as f32;
            let value = same as f32 / cells as f32 - cost;
            if value >= HELPS_MIN && best.is_none_or(|best| value > best.0) {
                best = Some((value, dx, dy));
            }
        }
    }
    best
}

/// The map through the pairs, leaving out those that stray.
fn refined(
    pairs: &[PointPair],
    map: &Affine,
    reference: &LocalReference,
    side: usize,
) -> Option<Affine> {
    if pairs.len() < HELPERS_MIN {
        return None;
    }
    let area = map.area((reference.size.0 / 2.0, reference.size.1 / 2.0));
    let freedom = |pairs: &[PointPair]| match pairs.len() {
        14.. => Freedom::Projective,
        8.. => Freedom::Affine,
        _ => Freedom::Similar {
            mirrored: area < 0.0,
        },
    };
    let rough = Affine::fitted(pairs, freedom(pairs))?;
    let most = OFF_CELLS_MAX * reference.longer() / side as f32 * area.abs().sqrt();
    let near = |pair: &&PointPair| {
        let (x, y) = rough.of(pair.from);
        let (dx, dy) = (x - pair.to.0, y - pair.to.1);
        dx * dx + dy * dy < most * most
    };
    let near: Vec<PointPair> = pairs.iter().filter(near).copied().collect();
    let enough = near.len() >= HELPERS_MIN && 3 * near.len() >= pairs.len();
    enough.then(|| Affine::fitted(&near, freedom(&near)))?
}

/// How many blocks are the same picture, each in its place.
fn tally(own: &Grid, seen: &Grid) -> Tally {
    let mut tally = Tally::default();
    let across = own.side() / BLOCK;
    let mut said = vec![(0.0, 0.0); across * across];
    for (column, row) in blocks(own.side(), BLOCK) {
        let (x, y) = (column as isize, row as isize);
        let block_own = block(own, x, y);
        let (same, cells) = block_own.agreement(block(seen, x, y));
        if block_own.clear.count_ones() < OWN_CELLS_MIN || cells < CELLS_MIN {
            continue;
        }
        let agreement = same as f32 / cells as f32;
        let novelty = novelty(own, x, y, block_own);
        tally.blocks += novelty;
        tally.all += cells;
        tally.agreeing += same;
        let likeness = novelty * ((agreement - LIKE_MIN) / (1.0 - LIKE_MIN)).max(0.0);
        said[row / BLOCK * across + column / BLOCK] = (novelty, likeness);
        if agreement > LIKE_MIN {
            tally.likeness += likeness;
            tally.cells += cells as u32;
            tally.differing += ((cells - same) / 2) as u32;
            tally.own_cells += block_own.clear.count_ones();
        }
    }
    tally.region = region(&said, across);
    tally
}

/// How surely some rectangle of blocks is the same picture, whatever is around it: a person cut out
/// and pasted elsewhere, a photo under a banner. `said` has each block's weight and likeness. The sum of
/// likeness over the root of the weight: what agrees throughout counts as the root of its size, and
/// a few blocks among many that do not agree count little.
fn region(said: &[(f32, f32)], across: usize) -> f32 {
    let side = across + 1;
    let mut sums = vec![(0.0f32, 0.0f32); side * side];
    for y in 0..across {
        let (mut weight, mut likeness) = (0.0, 0.0);
        for x in 0..across {
            weight += said[y * across + x].0;
            likeness += said[y * across + x].1;
            let above = sums[y * side + x + 1];
            sums[(y + 1) * side + x + 1] = (above.0 + weight, above.1 + likeness);
        }
    }
    let mut best = 0.0f32;
    for top in 0..across {
        for bottom in top + 1..=across {
            let (high, low) = (&sums[top * side..][..side], &sums[bottom * side..][..side]);
            for left in 0..across {
                for right in left + 1..=across {
                    let weight = low[right].0 - high[right].0 - low[left].0 + high[left].0;
                    let likeness = low[right].1 - high[right].1 - low[left].1 + high[left].1;
                    if weight >= REGION_BLOCKS_MIN {
                        best = best.max(likeness * likeness / weight);
                    }
                }
            }
        }
    }
    best.sqrt()
}

/// How much a block differs from what surrounds it, 0 to 1. A straight edge looks the same a step
/// along, so that any two pictures with a frame or a table's edge agree there.
fn novelty(own: &Grid, x: isize, y: isize, here: Block) -> f32 {
    let likeness = |(dx, dy): &(isize, isize)| {
        let (same, cells) = here.agreement(block(own, x + dx, y + dy));
        same as f32 / cells.max(1) as f32
    };
    let most = STEPS.iter().map(likeness).fold(0.0, f32::max);
    ((1.0 - most) / NOVEL).min(1.0)
}

fn blocks(side: usize, stride: usize) -> impl Iterator<Item = (usize, usize)> {
    let starts = move || (0..=side - BLOCK).step_by(stride);
    starts().flat_map(move |y| starts().map(move |x| (x, y)))
}

/// Eight by eight cells of a grid.
#[derive(Clone, Copy)]
struct Block {
    lighter: u64,
    clear: u64,
}

impl Block {
    /// Cells that agree less cells that differ, and all that are clear in both.
    fn agreement(self, other: Self) -> (i32, i32) {
        let clear = self.clear & other.clear;
        let cells = clear.count_ones() as i32;
        let differing = ((self.lighter ^ other.lighter) & clear).count_ones() as i32;
        (cells - 2 * differing, cells)
    }
}

/// The block at a place, which may reach beyond the grid: nothing is clear there.
fn block(grid: &Grid, x: isize, y: isize) -> Block {
    let (mut lighter, mut clear) = (0, 0);
    for line in 0..BLOCK {
        let row = y + line as isize;
        let Some(row) = usize::try_from(row).ok().filter(|row| *row < grid.side()) else {
            continue;
        };
        lighter |= eight(grid.lighter[row], x) << (line * BLOCK);
        clear |= eight(grid.clear[row], x) << (line * BLOCK);
    }
    Block { lighter, clear }
}

/// Eight cells of a row from `x` on.
fn eight(row: RowBits, x: isize) -> u64 {
    let moved = match x >= 0 {
        true => row >> x,
        false => row << -x,
    };
    moved as u64 & 0xff
}
