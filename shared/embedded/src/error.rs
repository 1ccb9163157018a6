//! What can go wrong outside the wire protocols, by what the caller does next.

use std::path::PathBuf;

/// A failure of the embedded services themselves. What a client did wrong never comes this way: it
/// is answered on the wire, as S3 and DynamoDB would.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the folder open: stop it, or choose another folder.
    #[error("the data folder {0} is in use by another process")]
    FolderTaken(PathBuf),
    /// The folder holds other things, and is no data folder: choose an empty one, or a new name.
    #[error("{0} is no data folder and not empty")]
    NoDataFolder(PathBuf),
    /// The folder was written by a newer version: run that one.
    #[error("the data folder was written by a newer version (layout {found}, known up to {known})")]
    FolderNewer {
        /// The layout that the folder holds.
        found: i64,
        /// The newest layout that this build knows.
        known: i64,
    },
    /// A file of the folder does not hold what it must: restore it from a copy.
    #[error("the data folder is damaged: {0}")]
    Damaged(&'static str),
    /// The embedded services have too little protection for a network: bind to 127.0.0.1 or ::1.
    #[error("{0} is not a loopback address")]
    NotLoopback(std::net::SocketAddr),
    /// A bucket, table, dead letter or stream that does not exist.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// The disk refused.
    #[error("the data folder cannot be used: {0}")]
    Io(#[from] std::io::Error),
    /// The database refused.
    #[error("the ledger cannot be used: {0}")]
    Database(#[from] rusqlite::Error),
    /// The write was not committed, because the batch that it was part of failed or the service
    /// is shutting down. Nothing of it is stored; it may be repeated.
    #[error("the write was not committed")]
    NotCommitted,
    /// The DynamoDB engine refused.
    #[error("the tables cannot be used: {0}")]
    Tables(String),
}

/// What the embedded services answer.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<dynoxide::DynoxideError> for Error {
    fn from(error: dynoxide::DynoxideError) -> Self {
        Self::Tables(error.to_string())
    }
}

/// Runs blocking work (disk, SQLite) off the async threads.
///
/// # Errors
/// Those of the work, and [`Error::NotCommitted`] when the runtime is shutting down.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> std::result::Result<T, E> + Send + 'static,
) -> std::result::Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer,
        Err(stopped) => {
            tracing::error!(
                panicked = stopped.is_panic(),
                "blocking work did not finish"
            );
            Err(Error::NotCommitted.into())
        }
    }
}
