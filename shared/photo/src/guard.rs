use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::pixels::Raster;
use crate::{Detail, Limits, Orientation, Reason};

/// What reads one format.
pub(crate) type Decoder = fn(&[u8], Detail, &Limits) -> Result<(Raster, Orientation), Reason>;

/// Runs a decoder and turns its panic into a refusal.
///
/// The panic hook is left alone: it belongs to the program, and exchanging it for a moment would
/// silence other threads. So a panic still prints the decoder's line on stderr, which names a
/// source file of ours or of the decoder and nothing of the photo.
pub(crate) fn catch<T>(decode: impl FnOnce() -> Result<T, Reason>) -> Result<T, Reason> {
    // Nothing survives a panic here but the shared input, which nobody can have changed.
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or(Err(Reason::DecoderFailure))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panicking_decoder_is_a_refusal_and_not_a_dead_process() {
        let photo: Result<(), Reason> = catch(|| panic!("index out of bounds"));
        assert_eq!(photo, Err(Reason::DecoderFailure));
    }
}
