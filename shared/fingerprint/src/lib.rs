//! Pixels to fingerprint.
//!
//! A fingerprint describes a whole photo, never a face. Stage 1, here, holds two families of
//! whole-picture hashes:
//!
//! - **PDQ**, bit for bit as PyPI `pdqhash` 0.2.8 gives it, which is the C++ reference hasher of
//!   ThreatExchange at full size (the reference's command-line tool first squashes to 512x512:
//!   that is another hash). It is described in "The TMK+PDQF Video-Hashing Algorithm and the PDQ
//!   Image-Hashing Algorithm" (Facebook, 2019, section 3) and in `pdqhash-2017-10-09.pdf`.
//! - a **second opinion** of another family by `image_hasher`, see the module `second`.
//!
//! Ads are many and references few, so the work is on the reference's side: an ad has one view,
//! or two where it has a flat border; a reference has eight dihedral framings of each.
//!
//! Pure: no async, I/O, clock or logging. All arithmetic is plain `f32` and `f64` in a fixed
//! order, so a picture has the same fingerprint on every machine.
//!
//! ```
//! use fingerprint::{Picture, of_ad, pdq};
//!
//! let pixels: Vec<u8> = (0..100 * 80).map(|i: u32| (i * i % 251) as u8).collect();
//! let picture = Picture::luma(100, 80, &pixels)?;
//! let (hash, quality) = pdq(&picture);
//! assert_eq!(of_ad(&picture).whole.pdq, hash);
//! assert!(quality <= 100);
//! # Ok::<(), fingerprint::WrongSize>(())
//! ```
#![forbid(unsafe_code)]

mod ad;
mod reference;

mod border;
mod gradient_hash;
mod picture;

mod features;
mod orientation;
mod page;
mod pdq;

pub use ad::of_ad;
pub use pdq::pdq;
pub use picture::{Picture, Pixels, WrongSize};
pub use reference::of_reference;
