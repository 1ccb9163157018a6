//! What walks over both buckets have in common.

use std::time::Duration;

use records::WalkStage;
use store::ObjectKind;

/// After this the rest is left to the next run. Shorter than a function may take.
pub(crate) const RUN_MAX: Duration = Duration::from_secs(12 * 60);

/// What is listed while a walk is at a stage.
#[derive(Clone, Copy)]
pub(crate) struct Listed {
    /// The kind of its photos.
    pub(crate) kind: ObjectKind,
    /// What their keys start with.
    pub(crate) prefix: &'static str,
    stage: WalkStage,
}

impl Listed {
    /// None once a walk is over.
    pub(crate) fn at(stage: WalkStage) -> Option<Self> {
        let (kind, prefix) = match stage {
            WalkStage::References => (ObjectKind::Reference, "references/"),
            WalkStage::Ads => (ObjectKind::Ad, "ads/"),
            WalkStage::Over => return None,
        };
        Some(Self {
            kind,
            prefix,
            stage,
        })
    }

    /// Where the walk is after a page: behind the key where the next one starts, or, if it was the
    /// last, at the stage that follows.
    pub(crate) fn behind(self, next: Option<String>) -> (WalkStage, Option<String>) {
        let stage = match (&next, self.stage) {
            (Some(_), stage) => stage,
            (None, WalkStage::References) => WalkStage::Ads,
            (None, WalkStage::Ads | WalkStage::Over) => WalkStage::Over,
        };
        (stage, next)
    }
}
