//! A picture that lies in a small bundle.

use std::io::Write;

use bundles::Limits;
use records::{ImageSha256, NoPicture};

/// The member of this content. Only small bundles hold pictures, so each is looked at.
pub(crate) fn of_bundle(bundle: Vec<u8>, image: &ImageSha256) -> Result<Vec<u8>, NoPicture> {
    let mut file = tempfile::tempfile().map_err(|_| NoPicture::Unavailable)?;
    let written = file.write_all(&bundle);
    written.map_err(|_| NoPicture::Unavailable)?;
    let opened = bundles::open(file, &Limits::default()).map_err(|_| NoPicture::Changed)?;
    let members = 0..opened.members().len();
    let mut read = members.filter_map(|place| opened.read(place).ok());
    read.find(|bytes| ImageSha256::of(bytes) == *image)
        .ok_or(NoPicture::Changed)
}
