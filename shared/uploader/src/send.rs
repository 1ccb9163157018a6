//! Sending what is missing, several objects at a time, each noted once it is acknowledged.

use futures::{TryStreamExt, stream};
use tokio::sync::Mutex;

use super::journal::Journal;
use super::plan::Planned;
use super::report::Summary;
use super::server::Server;
use super::upload_object::{UploadMode, UploadObject};
use console::outcome::{Failure, Result};
use console::terminal::Progress;

/// Sends all, or stops at the first failure that patience does not mend: what was acknowledged until
/// then is noted.
///
/// # Errors
/// That failure.
pub async fn all(
    server: &Server,
    journal: &mut Journal,
    files: Vec<Planned>,
    packing: UploadMode,
    jobs: usize,
    summary: &mut Summary,
) -> Result<()> {
    journal.bind(&server.key_prefix().await?)?;
    let progress = Progress::new("files sent", files.len());
    let shared = Mutex::new((journal, summary));
    let groups = packing.groups(files);
    stream::iter(groups.into_iter().map(Ok::<_, Failure>))
        .try_for_each_concurrent(jobs, |group| async {
            let count = group.len();
            let object = packed(group, packing).await?;
            if !object.files.is_empty() {
                let sent = server.send(&object).await?;
                let (journal, summary) = &mut *shared.lock().await;
                record(journal, summary, &object, sent)?;
            }
            let (_, summary) = &mut *shared.lock().await;
            for refused in object.refused {
                summary.refuse(&refused.path, refused.reason);
            }
            (0..count).for_each(|_| progress.advance());
            Ok(())
        })
        .await
}

async fn packed(group: Vec<Planned>, packing: UploadMode) -> Result<UploadObject> {
    let pack = move || {
        // The prefix is what a file's key has and its path has not.
        let prefix = group.first().map_or("", |file| {
            file.taken
                .name
                .strip_suffix(file.entry.name.as_str())
                .unwrap_or_default()
        });
        packing.build(&group, prefix)
    };
    let packed = tokio::task::spawn_blocking(pack).await;
    Ok(packed.map_err(Failure::ours)??)
}

fn record(
    journal: &mut Journal,
    summary: &mut Summary,
    object: &UploadObject,
    sent: std::result::Result<(), String>,
) -> Result<()> {
    if let Err(reason) = sent {
        for file in &object.files {
            summary.refuse(&file.name, &reason);
        }
        return Ok(());
    }
    summary.objects_sent += 1;
    summary.bytes_sent += object.body.len()?;
    summary.sent += object.files.len();
    let is_own = matches!(&object.files[..], [file] if file.name == object.name);
    journal.record(&object.files, (!is_own).then_some(object.name.as_str()))?;
    Ok(())
}
