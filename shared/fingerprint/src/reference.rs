//! The fingerprint of a reference.

use std::ops::Range;

use ::features::fingerprint::{FINGERPRINT_VERSION, Framing, HashVariant, ReferenceFingerprint};

use crate::border::without_border;
use crate::features;
use crate::orientation::{Orientation, views};
use crate::page::{self, Place};
use crate::picture::{Picture, Region};

/// The fingerprint of a reference photo, which must be upright (its EXIF orientation applied).
///
/// Its framings are the eight dihedral forms of the photo as it is, the first of them unturned,
/// and then the same eight of the photo without its flat border, if it has one. A page with photos on
/// it has the framings of these photos in place of the latter, and the parts of the largest. Negatives are
/// not stored: a negative's hash is the complement ([`::features::fingerprint::Hash256::complement`]),
/// at 256 minus the distance, which matching gets for nothing.
pub fn of_reference(picture: &Picture<'_>) -> ReferenceFingerprint {
    let whole = picture.whole();
    let work = features::work(&whole, features::AD_SIDE_PX);
    let (digest, (kind, photos)) = (features::digest(&work), page::looked_at(&work));
    let photos: Vec<Region<'_>> = photos.iter().map(|place| cut(&whole, place)).collect();
    let inner = match photos.is_empty() {
        true => without_border(&whole).into_iter().collect(),
        false => photos.clone(),
    };
    let framings = framings(&whole, false)
        .chain(inner.iter().flat_map(|inner| framings(inner, true)))
        .collect();
    ReferenceFingerprint {
        version: FINGERPRINT_VERSION,
        framings,
        features: features::of_reference(photos.first().unwrap_or(&whole), kind, digest),
    }
}

/// A place of a picture, at least a pixel.
fn cut<'a>(whole: &Region<'a>, place: &Place) -> Region<'a> {
    let px = |shares: &Range<f32>, side: usize| {
        let start = ((shares.start * side as f32) as usize).min(side - 1);
        start..((shares.end * side as f32).round() as usize).clamp(start + 1, side)
    };
    let columns = px(&place.columns, whole.width_px());
    whole.cut(columns, px(&place.rows, whole.height_px()))
}

fn framings(
    region: &Region<'_>,
    border_removed: bool,
) -> impl Iterator<Item = (Framing, HashVariant)> {
    views(region)
        .into_iter()
        .map(move |(Orientation { mirrored, turn }, view)| {
            (
                Framing {
                    mirrored,
                    turn,
                    negative: false,
                    border_removed,
                },
                view,
            )
        })
}
