use std::cell::RefCell;

use heifer_isobmff::ItemId;

use super::container::Container;
use crate::Reason;
use crate::planes::Planes;
use crate::sandbox::{Codec, Decoder};

/// What a stream's sides may exceed the container's by.
const MARGIN_PX: u64 = 8;

/// The process that decodes AV1, once it is needed.
#[derive(Default)]
pub(super) struct Av1(RefCell<Option<Decoder>>);

impl Av1 {
    /// The samples of one coded item, whose stream may not be larger than the container says.
    pub(super) fn planes(
        &self,
        container: &Container<'_>,
        id: ItemId,
        (width_px, height_px): (u32, u32),
    ) -> Result<Planes, Reason> {
        let stream = container.data(id)?;
        let side = |px: u32| u64::from(px) + MARGIN_PX;
        let mut decoder = self.0.borrow_mut();
        let decoder = match &mut *decoder {
            Some(decoder) => decoder,
            none => none.insert(Decoder::start()?),
        };
        decoder.planes(Codec::Av1, &stream, side(width_px) * side(height_px))
    }
}
