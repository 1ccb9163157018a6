//! What walks over both buckets have in common.

use std::time::Duration;

use records::WalkStage;
use store::ObjectKind;

/// After this the rest is left to the next run. Shorter than a function may take.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(12 * 60);

/// What is listed in a stage: the kind of its photos, what their keys start with, and the stage that
/// follows. None once a walk is over.
pub(crate) fn stage_of(stage: WalkStage) -> Option<(ObjectKind, &'static str, WalkStage)> {
    match stage {
        WalkStage::References => Some((ObjectKind::Reference, "references/", WalkStage::Ads)),
        WalkStage::Ads => Some((ObjectKind::Ad, "ads/", WalkStage::Over)),
        WalkStage::Over => None,
    }
}
