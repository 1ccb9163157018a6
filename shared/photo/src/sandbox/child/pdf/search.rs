//! Which pictures the pages of a document draw.

use hayro_syntax::Pdf;
use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::{Dict, Name, ObjectIdentifier, Stream};
use hayro_syntax::page::{Page, Resources, Rotation};

use crate::Orientation;

/// Pages that are looked at.
const PAGES_MAX: usize = 64;
/// Pictures that are listed.
const PICTURES_MAX: usize = 64;
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
    /// It says where ink goes.
    pub(super) is_mask: bool,
    pub(super) stream: Stream<'a>,
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
                search.picture(&stream, 0, Orientation::Upright);
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
    /// Something was left out.
    is_cut: bool,
}

/// How the unit square lies on the page: the directions of its lower and its left side.
#[derive(Clone, Copy)]
struct Turn([f64; 4]);

impl Turn {
    const NONE: Turn = Turn([1.0, 0.0, 0.0, 1.0]);

    /// This one, drawn within another.
    fn within(self, Turn([a, b, c, d]): Turn) -> Turn {
        let [e, f, g, h] = self.0;
        Turn([e * a + f * c, e * b + f * d, g * a + h * c, g * b + h * d])
    }

    fn orientation(self) -> Orientation {
        let [a, b, c, d] = self.0;
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

impl<'a> Search<'a> {
    fn is_full(&self) -> bool {
        self.found.len() >= PICTURES_MAX
    }

    fn page(&mut self, page: &Page<'a>, number: u16) {
        let page_turn = match page.rotation() {
            Rotation::None => Orientation::Upright,
            Rotation::Horizontal => Orientation::Turned90,
            Rotation::Flipped => Orientation::Turned180,
            Rotation::FlippedHorizontal => Orientation::Turned270,
        };
        let place = Place {
            page: number,
            turn: Turn::NONE,
            page_turn,
            depth: 0,
        };
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
                    let [a, b, c, d] = [it.0, it.1, it.2, it.3].map(|it| it.as_f64());
                    place.turn = Turn([a, b, c, d]).within(place.turn);
                }
                TypedInstruction::XObject(it) => {
                    if let Some(stream) = resources.get_x_object(it.0) {
                        self.object(&stream, resources, place);
                    }
                }
                _ => {}
            }
        }
    }

    fn object(&mut self, stream: &Stream<'a>, resources: &Resources<'a>, mut place: Place) {
        let kind = stream.dict().get::<Name<'_>>("Subtype");
        if kind.as_deref() != Some(b"Form") {
            let turned = place.turn.orientation().then(place.page_turn);
            return self.picture(stream, place.page, turned);
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
        if let Some([a, b, c, d, _, _]) = stream.dict().get::<[f64; 6]>("Matrix") {
            place.turn = Turn([a, b, c, d]).within(place.turn);
        }
        place.depth += 1;
        let own = stream.dict().get::<Dict<'a>>("Resources");
        match own.map(Resources::new) {
            Some(own) => self.content(&content, &own, place),
            None => self.content(&content, resources, place),
        }
    }

    fn picture(&mut self, stream: &Stream<'a>, page: u16, orientation: Orientation) {
        let dict = stream.dict();
        let is_picture = dict.get::<Name<'_>>("Subtype").as_deref() == Some(b"Image");
        let side = |long: &str, short: &str| dict.get::<u32>(long).or_else(|| dict.get(short));
        let sides = side("Width", "W").zip(side("Height", "H"));
        let id = stream.obj_id();
        if let Some((width_px, height_px)) = sides.filter(|_| is_picture)
            && !self.seen.contains(&id)
        {
            if self.is_full() {
                self.is_cut = true;
                return;
            }
            self.seen.push(id);
            self.found.push(Found {
                page,
                width_px,
                height_px,
                orientation,
                is_mask: dict.get::<bool>("ImageMask").unwrap_or_default(),
                stream: stream.clone(),
            });
        }
    }
}
