//! What can be wrong with bytes that ought to be a segment or a manifest.

/// Why bytes are not what they ought to be, by what the reader does next. Never says where or what:
/// a segment holds personal data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// They end too early: read them again.
    #[error("it is cut off")]
    Truncated,
    /// A newer build wrote them: leave them to one that can read them.
    #[error("it has format {found}, newer than this program's")]
    NewerFormat {
        /// The format that they name.
        found: u16,
    },
    /// They were changed, or never were one: stop and look.
    #[error("it is corrupt")]
    Corrupt,
    /// They are sound, and not those that the manifest names: stop and look.
    #[error("it is not the one that the manifest names")]
    Another,
}
