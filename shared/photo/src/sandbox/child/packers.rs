//! What programs pack files by: the bytes of a strip or tile of a TIFF, as one row of grey.

use std::io::Read;

use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;

use super::Fault;
use crate::planes::Planes;

pub(super) fn lzma(packed: &[u8], bytes_max: u32) -> Result<Planes, Fault> {
    row(XzReader::new(packed, false), bytes_max)
}

pub(super) fn zstandard(packed: &[u8], bytes_max: u32) -> Result<Planes, Fault> {
    row(
        StreamingDecoder::new(packed).map_err(|_| Fault::Corrupt)?,
        bytes_max,
    )
}

/// So many bytes, or fewer if there are no more: what is behind them is not unpacked.
fn row(from: impl Read, bytes_max: u32) -> Result<Planes, Fault> {
    let mut bytes = Vec::new();
    let mut from = from.take(bytes_max.into());
    from.read_to_end(&mut bytes).map_err(|_| Fault::Corrupt)?;
    let width = u32::try_from(bytes.len()).map_err(|_| Fault::Large)?;
    let samples = bytes.into_iter().map(u16::from).collect();
    Ok(Planes {
        width,
        height: 1,
        colour_width: 0,
        colour_height: 0,
        depth: 8,
        samples: [samples, Vec::new(), Vec::new()],
        matrix: 0,
        full_range: true,
    })
}
