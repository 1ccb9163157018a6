//! The fingerprint of a reference.

use ::features::fingerprint::{FINGERPRINT_VERSION, Framing, HashVariant, ReferenceFingerprint};

use crate::border::without_border;
use crate::features;
use crate::orientation::{Orientation, views};
use crate::picture::{Picture, Region};

/// The fingerprint of a reference photo, which must be upright (its EXIF orientation applied).
///
/// Its framings are the eight dihedral forms of the photo as it is, the first of them unturned,
/// and then the same eight of the photo without its flat border, if it has one. Negatives are
/// not stored: a negative's hash is the complement ([`::features::fingerprint::Hash256::complement`]),
/// at 256 minus the distance, which matching gets for nothing.
pub fn of_reference(picture: &Picture<'_>) -> ReferenceFingerprint {
    let whole = picture.whole();
    let inner = without_border(&whole);
    let framings = framings(&whole, false)
        .chain(inner.iter().flat_map(|inner| framings(inner, true)))
        .collect();
    ReferenceFingerprint {
        version: FINGERPRINT_VERSION,
        framings,
        features: features::of_reference(picture),
    }
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
