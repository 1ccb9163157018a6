//! Which pictures the pages of a document draw.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hayro_syntax::Pdf;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Name, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources, Rotation};

use super::super::Fault;
use super::piece::{Asked, Piece};
use crate::Orientation;
use crate::sandbox::{Joins, Role};

/// Pages that are looked at.
const PAGES_MAX: usize = 64;
/// Pictures that are listed; those that lie one under another are one.
const PICTURES_MAX: usize = 64;
/// Strips of all of them together.
const STRIPS_MAX: usize = 2_048;
/// Pixels of all pictures that stand within content: they are taken at once.
const INLINE_PIXELS_MAX: u64 = 16 << 20;
/// A strip is at least so many times as wide as high; it was cut from a page by a program.
const STRIP_SHAPE: u32 = 2;
/// Steps of all pages together: a page of dense text has some 10,000.
const STEPS_MAX: usize = 1_000_000;
/// Forms that draw forms.
const DEPTH_MAX: usize = 8;
/// Forms that are drawn, all together.
const FORMS_MAX: usize = 1_000;
/// States of drawing that are kept at once.
const STATES_MAX: usize = 256;

/// A picture that a page draws.
pub(super) struct Found<'a> {
    /// The page's number, from 0.
    pub(super) page: u16,
    pub(super) width_px: u32,
    pub(super) height_px: u32,
    pub(super) orientation: Orientation,
    pub(super) role: Role,
    pub(super) joins: Joins,
    /// Which of the pictures says how much of this one is seen.
    pub(super) alpha: Option<u16>,
    pub(super) source: Source<'a>,
    /// Where it lies on its page.
    at: Turn,
}

/// Where a picture's samples are.
pub(super) enum Source<'a> {
    Object(Stream<'a>),
    /// Within content, and taken from there.
    Inline(Result<Piece, Fault>),
}

/// What the search found.
pub(super) struct Listed<'a> {
    pub(super) found: Vec<Found<'a>>,
    /// Nothing was left out: no limit was met, and all content could be read.
    pub(super) is_whole: bool,
}

/// Pictures in the order in which they are drawn, each once; if none is drawn by what can be read, those that
/// the file holds.
pub(super) fn pictures(pdf: &Pdf) -> Listed<'_> {
    let mut search = Search::default();
    let pages = pdf.pages();
    search.is_cut = pages.len() > PAGES_MAX;
    for (page, number) in pages.iter().take(PAGES_MAX).zip(0..) {
        search.page(page, number);
    }
    if search.found.is_empty() {
        for object in pdf.objects() {
            if let Some(stream) = object.into_stream() {
                search.picture(&stream, Place::of_page(0, Orientation::Upright));
            }
        }
    }
    Listed {
        found: search.found,
        is_whole: !search.is_cut,
    }
}

#[derive(Default)]
struct Search<'a> {
    found: Vec<Found<'a>>,
    seen: Vec<ObjectIdentifier>,
    steps: usize,
    forms: usize,
    /// Pictures that are none's strips.
    shown: usize,
    inline_pixels: u64,
    /// Something was left out.
    is_cut: bool,
}

/// How the unit square lies on the page: the directions of its lower and its left side, and its lower left corner.
#[derive(Clone, Copy)]
struct Turn([f64; 6]);

impl Turn {
    const NONE: Turn = Turn([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// This one, drawn within another.
    fn within(self, Turn([a, b, c, d, x, y]): Turn) -> Turn {
        let [e, f, g, h, u, v] = self.0;
        Turn([
            e * a + f * c,
            e * b + f * d,
            g * a + h * c,
            g * b + h * d,
            u * a + v * c + x,
            u * b + v * d + y,
        ])
    }

    /// How it continues one that was drawn before, if both stand upright: a fiftieth of its height may be between
    /// them.
    fn joins(self, Turn([width, _, _, height, left, bottom]): Turn) -> Joins {
        let [own_width, b, c, own_height, own_left, own_bottom] = self.0;
        let near = |a: f64, b: f64| (a - b).abs() <= own_height.abs() / 50.0 + width.abs() / 1e4;
        let is_column = near(own_width, width) && near(own_left, left) && b == 0.0 && c == 0.0;
        if is_column && near(own_bottom + own_height, bottom) {
            Joins::Below
        } else if is_column && near(own_bottom, bottom + height) {
            Joins::Above
        } else {
            Joins::None
        }
    }

    fn orientation(self) -> Orientation {
        let [a, b, c, d, ..] = self.0;
        if a.abs() + d.abs() >= b.abs() + c.abs() {
            match (a < 0.0, d < 0.0) {
                (false, false) => Orientation::Upright,
                (true, false) => Orientation::Mirrored,
                (true, true) => Orientation::Turned180,
                (false, true) => Orientation::Flipped,
            }
        } else {
            match (b < 0.0, c < 0.0) {
                (false, true) => Orientation::Turned270,
                (true, false) => Orientation::Turned90,
                (false, false) => Orientation::Transversed,
                (true, true) => Orientation::Transposed,
            }
        }
    }
}

/// Where content is drawn.
#[derive(Clone, Copy)]
struct Place {
    page: u16,
    turn: Turn,
    page_turn: Orientation,
    depth: usize,
}

impl Place {
    fn of_page(page: u16, page_turn: Orientation) -> Place {
        Place {
            page,
            turn: Turn::NONE,
            page_turn,
            depth: 0,
        }
    }
}

impl<'a> Search<'a> {
    fn is_full(&self) -> bool {
        self.shown >= PICTURES_MAX || self.found.len() >= STRIPS_MAX
    }

    fn page(&mut self, page: &Page<'a>, number: u16) {
        let page_turn = match page.rotation() {
            Rotation::None => Orientation::Upright,
            Rotation::Horizontal => Orientation::Turned90,
            Rotation::Flipped => Orientation::Turned180,
            Rotation::FlippedHorizontal => Orientation::Turned270,
        };
        let place = Place::of_page(number, page_turn);
        let content = page.page_stream().unwrap_or_default();
        self.content(content, page.resources(), place);
    }

    fn content(&mut self, content: &[u8], resources: &Resources<'a>, mut place: Place) {
        let mut steps = TypedIter::new(content);
        let mut states = Vec::new();
        while let Some(step) = steps.next() {
            self.steps += 1;
            if self.steps > STEPS_MAX || self.is_full() {
                self.is_cut = true;
                return;
            }
            match step {
                TypedInstruction::SaveState(_) if states.len() < STATES_MAX => {
                    states.push(place.turn);
                }
                TypedInstruction::RestoreState(_) => {
                    place.turn = states.pop().unwrap_or(place.turn);
                }
                TypedInstruction::Transform(it) => {
                    let matrix = [it.0, it.1, it.2, it.3, it.4, it.5].map(|it| it.as_f64());
                    place.turn = Turn(matrix).within(place.turn);
                }
                TypedInstruction::XObject(it) => {
                    if let Some(stream) = resources.get_x_object(it.0) {
                        self.object(&stream, resources, place);
                    }
                }
                TypedInstruction::InlineImage(it) => self.inline(it.0, place),
                _ => {}
            }
        }
    }

    fn object(&mut self, stream: &Stream<'a>, resources: &Resources<'a>, mut place: Place) {
        let kind = stream.dict().get::<Name<'_>>("Subtype");
        if kind.as_deref() != Some(b"Form") {
            return self.picture(stream, place);
        }
        self.forms += 1;
        if self.forms > FORMS_MAX || place.depth >= DEPTH_MAX {
            self.is_cut = true;
            return;
        }
        let Ok(content) = stream.decoded_data() else {
            self.is_cut = true;
            return;
        };
        if let Some(matrix) = stream.dict().get::<[f64; 6]>("Matrix") {
            place.turn = Turn(matrix).within(place.turn);
        }
        place.depth += 1;
        let own = stream.dict().get::<Dict<'a>>("Resources");
        match own.map(Resources::new) {
            Some(own) => self.content(&content, &own, place),
            None => self.content(&content, resources, place),
        }
    }

    fn picture(&mut self, stream: &Stream<'a>, place: Place) {
        let is_picture = stream.dict().get::<Name<'_>>("Subtype").as_deref() == Some(b"Image");
        let id = stream.obj_id();
        if let Some(asked) = Asked::of(stream).filter(|_| is_picture)
            && !self.seen.contains(&id)
        {
            if self.is_full() {
                self.is_cut = true;
                return;
            }
            self.seen.push(id);
            let alpha = stream.dict().get::<Stream<'a>>("SMask");
            let alpha = alpha.and_then(|alpha| self.alpha(alpha, place));
            self.add(asked, Source::Object(stream.clone()), place, alpha);
        }
    }

    /// Lists what says how much of a picture is seen.
    fn alpha(&mut self, stream: Stream<'a>, place: Place) -> Option<u16> {
        let number = u16::try_from(self.found.len()).ok()?;
        let asked = Asked::of(&stream)?;
        self.found.push(Found {
            page: place.page,
            width_px: asked.width_px,
            height_px: asked.height_px,
            orientation: Orientation::Upright,
            role: Role::Alpha,
            joins: Joins::None,
            alpha: None,
            source: Source::Object(stream),
            at: place.turn,
        });
        Some(number)
    }

    /// Takes a picture that stands within content.
    fn inline(&mut self, stream: &Stream<'_>, place: Place) {
        let Some(asked) = Asked::of(stream) else {
            self.is_cut = true;
            return;
        };
        self.inline_pixels = self.inline_pixels.saturating_add(asked.pixels());
        if self.is_full() || self.inline_pixels > INLINE_PIXELS_MAX {
            self.is_cut = true;
            return;
        }
        let piece = catch_unwind(AssertUnwindSafe(|| Piece::of(stream, &asked)));
        let piece = piece.unwrap_or(Err(Fault::Failed));
        self.add(asked, Source::Inline(piece), place, None);
    }

    fn add(&mut self, asked: Asked, source: Source<'a>, place: Place, alpha: Option<u16>) {
        let role = match asked.is_mask {
            true => Role::Mask,
            false => Role::Picture,
        };
        let before = self.found.iter().rev().find(|it| it.role != Role::Alpha);
        let is_strip = asked.width_px / STRIP_SHAPE >= asked.height_px && alpha.is_none();
        let alike = before.filter(|it| {
            let is_column = it.page == place.page && it.width_px == asked.width_px;
            let was_strip = it.width_px / STRIP_SHAPE >= it.height_px && it.alpha.is_none();
            is_strip && was_strip && is_column && it.role == role
        });
        let joins = alike.map_or(Joins::None, |it| place.turn.joins(it.at));
        self.shown += usize::from(joins == Joins::None);
        self.found.push(Found {
            page: place.page,
            width_px: asked.width_px,
            height_px: asked.height_px,
            orientation: place.turn.orientation().then(place.page_turn),
            role,
            joins,
            alpha,
            source,
            at: place.turn,
        });
    }
}
