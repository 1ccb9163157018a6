//! `homeward compare --explain`: a picture for every match.

use std::fs;
use std::path::{Path, PathBuf};

use features::fingerprint::{AdFingerprint, ReferenceFingerprint};
use image::{Rgb, RgbImage};
use matching::{Match, Policy, local};
use photo::Limits;
use sha2::{Digest, Sha256};

use console::folder::{self, FolderEntry};
use console::image_file;
use console::outcome::{Failure, Result};
use console::terminal::escaped;
use lab::match_picture::{self, DrawnPair};

/// Letters of a file's name that its picture's name keeps.
const NAME_CHARS_MAX: usize = 40;
/// Bytes of the digest in a picture's name: 2^24 pictures in one folder until two share one.
const DIGEST_BYTES: usize = 6;
/// The quality of the JPEG files: lines stay crisp.
const QUALITY: u8 = 90;

/// The folder that the pictures go to.
pub(super) struct Explain {
    folder: PathBuf,
}

/// An ad that matched.
pub(super) struct Ad<'a> {
    pub(super) entry: &'a FolderEntry,
    pub(super) bytes: &'a [u8],
    pub(super) fingerprint: &'a AdFingerprint,
}

impl Explain {
    /// The folder that `--explain` asks for, made if it is not there.
    ///
    /// # Errors
    /// A usage fault if it lies within a folder that is searched: the next run would take our
    /// pictures for ads.
    pub(super) fn into(folder: &Path, searched: [&Path; 2]) -> Result<Self> {
        let shown = escaped(&folder::text(folder.as_os_str()));
        fs::create_dir_all(folder).map_err(|error| {
            Failure::usage(
                format_args!("the folder {shown} cannot be made: {error}"),
                "give --explain a folder, or a place where one can be made",
            )
        })?;
        let own = folder.canonicalize()?;
        let within = |other: &&Path| {
            other
                .canonicalize()
                .is_ok_and(|other| own.starts_with(other))
        };
        if searched.iter().any(within) {
            return Err(Failure::usage(
                format_args!("the folder {shown} lies within one that is searched"),
                "give --explain a folder elsewhere: its pictures would be searched the next time",
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Draws a match and writes it.
    ///
    /// # Errors
    /// Ours, if it cannot be written. A picture that cannot be read again is left grey.
    pub(super) fn write(
        &self,
        (entry, reference): (&FolderEntry, &ReferenceFingerprint),
        ad: &Ad<'_>,
        found: &Match,
    ) -> anyhow::Result<()> {
        let limits = Limits::default();
        let of_reference = Limits::of_references();
        let own = image_file::read(&entry.path, &of_reference)
            .map_or_else(|_| unreadable(), |bytes| decoded(&bytes, &of_reference));
        let drawn = match_picture::picture(&DrawnPair {
            reference: &own,
            ad: &image_file::decoded_ad(ad.bytes, &limits).unwrap_or_else(|_| unreadable()),
            names: [&entry.name, &ad.entry.name],
            found,
            points: &points(reference, ad.fingerprint),
        });
        let mut bytes = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY)
            .encode_image(&drawn)?;
        fs::write(
            self.folder.join(file_name(&entry.name, &ad.entry.name)),
            bytes,
        )?;
        Ok(())
    }
}

/// Places that both show; none where the parts do not tell.
fn points(reference: &ReferenceFingerprint, ad: &AdFingerprint) -> Vec<local::Point> {
    let reference = local::LocalReference::read(&reference.features);
    let ad = local::LocalAd::read(&ad.features);
    let pair = reference.zip(ad);
    pair.map_or_else(Vec::new, |(reference, ad)| {
        local::points(&reference, &ad, &Policy::default().local)
    })
}

fn decoded(bytes: &[u8], limits: &Limits) -> RgbImage {
    image_file::decoded(bytes, limits).unwrap_or_else(|_| unreadable())
}

/// In place of a picture that was there a moment ago.
fn unreadable() -> RgbImage {
    RgbImage::from_pixel(320, 240, Rgb([210; 3]))
}

/// The name of a match's picture: the same in every run, no other match's, and safe on every disk.
fn file_name(reference: &str, ad: &str) -> String {
    let mut digest = Sha256::new();
    digest.update((reference.len() as u64).to_be_bytes());
    digest.update(reference);
    digest.update(ad);
    let digest = hex::encode(&digest.finalize()[..DIGEST_BYTES]);
    format!("{}--{}--{digest}.jpg", plain(reference), plain(ad))
}

/// What a file is called, without folder and ending, in letters that every disk takes.
fn plain(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    stem.chars().map(letter).take(NAME_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_stable_safe_and_told_apart() {
        let name = file_name("case 7/a.jpg", "sub/../b c.png");
        assert_eq!(name, file_name("case 7/a.jpg", "sub/../b c.png"));
        assert!(
            name.starts_with("a--b_c--") && name.ends_with(".jpg"),
            "{name}"
        );
        assert_ne!(name, file_name("case 8/a.jpg", "sub/../b c.png"));
        assert_ne!(file_name("ab", "c"), file_name("a", "bc"));
        let odd = file_name(&"ü/".repeat(300), "..");
        assert!(
            odd.len() < 120 && odd.is_ascii() && !odd.contains('/'),
            "{odd}"
        );
    }
}
