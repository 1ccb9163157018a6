//! The fingerprint of an ad image.

use ::features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION};

use crate::border::without_border;
use crate::features;
use crate::orientation::view;
use crate::picture::Picture;

/// The fingerprint of an ad image, which must be upright (its EXIF orientation applied).
///
/// The ad's `whole` view is what a reference with the same framing is compared with; `trimmed`
/// is there if a flat border was found, so that an ad with a border meets a reference without.
pub fn of_ad(picture: &Picture<'_>) -> AdFingerprint {
    let whole = picture.whole();
    AdFingerprint {
        version: FINGERPRINT_VERSION,
        whole: view(&whole),
        trimmed: without_border(&whole).map(|inner| view(&inner)),
        features: features::of_ad(picture),
    }
}
