//! What walks over both buckets have in common.

use std::time::Duration;

use records::ScanStage;
use store::ObjectKind;

/// After this the rest is left to the next run. Shorter than a function may take.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(12 * 60);

/// What is listed while a walk is at a stage.
#[derive(Clone, Copy)]
pub(crate) struct ScanListing {
    /// The kind of its photos.
    pub(crate) kind: ObjectKind,
    /// What their keys start with.
    pub(crate) prefix: &'static str,
    stage: ScanStage,
}

impl ScanListing {
    /// None once a walk is over.
    pub(crate) fn at(stage: ScanStage) -> Option<Self> {
        let (kind, prefix) = match stage {
            ScanStage::References => (ObjectKind::Reference, "references/"),
            ScanStage::Ads => (ObjectKind::Ad, "ads/"),
            ScanStage::Over => return None,
        };
        Some(Self {
            kind,
            prefix,
            stage,
        })
    }

    /// Where the walk is after a page: behind the key where the next one starts, or, if it was the
    /// last, at the stage that follows.
    pub(crate) fn behind(self, next: Option<String>) -> (ScanStage, Option<String>) {
        let stage = match (&next, self.stage) {
            (Some(_), stage) => stage,
            (None, ScanStage::References) => ScanStage::Ads,
            (None, ScanStage::Ads | ScanStage::Over) => ScanStage::Over,
        };
        (stage, next)
    }
}
