//! The second opinion: a hash of another family.

use image::GrayImage;
use image::imageops::FilterType;
use image_hasher::{HashAlg, Hasher, HasherConfig};
use records::fingerprint::Hash256;
use std::sync::LazyLock;

use crate::pdq::axis::SAMPLES;
use crate::pdq::grid::Grid;

static HASHER: LazyLock<Hasher<[u8; 32]>> = LazyLock::new(|| {
    HasherConfig::with_bytes_type::<[u8; 32]>()
        .hash_size(16, 16)
        .hash_alg(HashAlg::DoubleGradient)
        .resize_filter(FilterType::Triangle)
        .to_hasher()
});

/// `image_hasher`'s hash of the grid. The grid is there already, so a second hash costs
/// microseconds; and what turns the grid turns both hashes.
pub(crate) fn second(grid: &Grid) -> Hash256 {
    let luma: Vec<u8> = grid
        .as_flattened()
        .iter()
        .map(|&sample| sample.round() as u8)
        .collect();
    let side = SAMPLES as u32;
    let picture = GrayImage::from_raw(side, side, luma).expect("64 rows of 64");
    let hash = HASHER.hash_image(&picture);
    let mut bytes = [0; 32];
    bytes
        .iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(byte, &hashed)| *byte = hashed);
    Hash256(bytes)
}
