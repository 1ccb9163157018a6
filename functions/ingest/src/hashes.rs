//! A list of hashes becomes images and sightings whose pictures stay with the uploader. A sighting
//! names the list and the picture's name in it; no object lies there, so a person who reviews a lead
//! sees what the uploader said about the ad, and no picture.

use std::collections::HashSet;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use intake::NotDone;
use records::{
    AdKey, BundleCounts, HashFault, HashRecord, Image, ReasonCode, Sighting, UploadState,
};
use store::ObjectFacts;

use crate::{Ingest, upload};

/// Records written together: waiting for one hides the waiting for another.
const RECORDS_AT_ONCE: usize = 8;

impl Ingest {
    /// Takes in every record of a list. Can be repeated.
    pub(crate) async fn hash_list(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        bytes: Bytes,
    ) -> Result<(), NotDone> {
        let side_px_min = self.limits.side_px_min;
        let list = key.clone();
        let read = tokio::task::spawn_blocking(move || read(&list, &bytes, side_px_min));
        let lines = match read.await? {
            Ok(lines) => lines,
            Err(reason) => return self.record_whole(key, facts, Err(reason)).await,
        };
        let members = lines.len() as u64;
        let refused: Vec<bool> = stream::iter(lines.into_iter().enumerate())
            .map(|(place, line)| self.line(key, facts, place, line))
            .buffer_unordered(RECORDS_AT_ONCE)
            .try_collect()
            .await?;
        let refused = refused.into_iter().filter(|refused| *refused).count() as u64;
        let counts = BundleCounts {
            members,
            taken_in: members.saturating_sub(refused),
            refused,
            metadata_faults: 0,
        };
        self.record_whole(key, facts, Ok(counts)).await
    }

    /// Takes in one record; says whether it was refused instead.
    async fn line(
        &self,
        list: &AdKey,
        facts: &ObjectFacts,
        place: usize,
        line: Line,
    ) -> Result<bool, NotDone> {
        match line.read {
            Ok((key, record)) => self.hash_record(&key, facts, record).await.map(|()| false),
            Err(HashFault { name, reason }) => {
                let at = (list, place);
                self.refuse_member(at, name.as_ref(), line.bytes, facts, reason)
                    .await?;
                Ok(true)
            }
        }
    }

    async fn hash_record(
        &self,
        key: &AdKey,
        facts: &ObjectFacts,
        record: HashRecord,
    ) -> Result<(), NotDone> {
        let (store, now) = (&self.intake.store, self.intake.clock.now());
        let image = Image {
            image_sha256: record.image_sha256,
            width_px: record.width_px,
            height_px: record.height_px,
            fingerprint_version: record.fingerprint.version,
            first_seen_at: now,
        };
        store
            .record_image(key.tenant(), &image, &record.fingerprint)
            .await?;
        let sighting = Sighting::of(key, &record.metadata);
        store
            .record_sighting(&image.image_sha256, &sighting, facts.last_modified)
            .await?;
        let sha256 = Some(image.image_sha256);
        let mut member = upload(key, sha256, facts, UploadState::Recorded, now);
        member.size_bytes = record.size_bytes;
        member.version_id = None;
        (member.metadata, member.notes) = (record.metadata, record.notes);
        store.record_upload(&member).await?;
        Ok(())
    }
}

/// A line, and the upload that it becomes.
struct Line {
    bytes: u64,
    read: Result<(AdKey, HashRecord), HashFault>,
}

/// Every line of a list. A name that an earlier line has is refused, as in a bundle.
fn read(list: &AdKey, bytes: &[u8], side_px_min: u32) -> Result<Vec<Line>, ReasonCode> {
    let mut seen = HashSet::new();
    let lines = records::hash_lines(bytes)?.map(|line| {
        let nameless = |reason| HashFault { name: None, reason };
        let read = HashRecord::parse(line, side_px_min).and_then(|record| {
            let key = list.member(&record.name);
            let key = key.map_err(|_| nameless(ReasonCode::MALFORMED_RECORD))?; // too long
            if seen.insert(record.name.clone()) {
                Ok((key, record))
            } else {
                Err(nameless(ReasonCode::DUPLICATE_NAME))
            }
        });
        let bytes = line.len() as u64;
        Line { bytes, read }
    });
    Ok(lines.collect())
}
