/// What a file of several pictures has several of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum FrameUnit {
    /// Moments of an animation.
    #[default]
    Frame,
    /// Pages of a document.
    Page,
}

/// Which frames of a file a picture shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FramesShown {
    /// What they are.
    pub unit: FrameUnit,
    /// Frames, or pictures on pages, that were looked at.
    pub count: u32,
    /// Those that are shown, in the order of the file; none if the file has only one.
    pub frames: Vec<ShownFrame>,
}

/// A frame that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShownFrame {
    /// Its number, from 1.
    pub number: u32,
    /// Where on the upright picture it stands, in pixels: left, top, width, height; none if it is all of it.
    pub area_px: Option<[u32; 4]>,
}

impl FramesShown {
    /// None yet, of so many.
    pub(crate) fn of(count: usize) -> FramesShown {
        FramesShown {
            unit: FrameUnit::Frame,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            frames: Vec::new(),
        }
    }

    /// Whether the file has others.
    pub(crate) fn is_one_of_several(&self) -> bool {
        self.count > 1 || self.frames.iter().any(|frame| frame.number > 1)
    }

    /// Adds a frame by its place among those that were looked at, from 0, or by its page.
    pub(crate) fn add(&mut self, at: usize, page: Option<u32>) {
        if page.is_some() {
            self.unit = FrameUnit::Page;
        }
        let number = page.or(u32::try_from(at).ok()).unwrap_or(u32::MAX);
        self.frames.push(ShownFrame {
            number: number.saturating_add(1),
            area_px: None,
        });
    }
}
