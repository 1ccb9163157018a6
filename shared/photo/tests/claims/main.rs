//! What `photo` promises, claim by claim.
#![allow(missing_docs)]

#[cfg(feature = "avif")]
mod avif;
mod boxes;
mod drawn;
mod formats;
mod frames;
#[cfg(feature = "heic")]
mod heif;
mod hostile;
mod hurt;
mod icons;
mod jpegs;
mod large;
mod orientation;
#[cfg(feature = "pdf")]
mod pdfs;
mod photos;
mod reasons;
mod thin;
mod tiffs;
#[cfg(all(feature = "heic", feature = "jxl", feature = "jp2"))]
mod whole;
