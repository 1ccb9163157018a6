//! A process of its own for decoders that have unsafe code, or whose memory no header tells: those of AV1,
//! JPEG XL, JPEG 2000, JPEG by arithmetic, the reader of PDF, and packers of TIFF that are no pictures'.
//!
//! The program starts itself again, with nothing but three pipes: no environment, so no credentials; no
//! open file or socket. Before the child reads the first hostile byte it takes limits on memory and
//! processor time and, on Linux, gives up every system call but those that read and write open pipes
//! and take and free memory: it can open no file and no connection, start no program, and look at no
//! other process. A child that breaks a rule dies, and the picture is refused. Whatever it answers is
//! checked as bytes from outside are. Where the limits cannot be taken, nothing is decoded.

mod child;
#[cfg(feature = "pdf")]
mod document;
mod parent;
mod rules;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::OnceLock;

#[cfg(feature = "pdf")]
pub(crate) use document::{Document, Entry, Handed};
pub(crate) use parent::Decoder;

/// The first argument by which a child knows itself.
const CHILD: &str = "photo-decoder";

/// The program whose `main` calls [`init`].
static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Lets a program decode what is decoded in a process of its own; to be called first in `main`, before any thread is
/// started. In the child that decodes, it does not return. Without it they are an
/// [`UnsupportedFormat`](crate::Reason::UnsupportedFormat).
pub fn init() {
    if std::env::args_os().nth(1) == Some(OsString::from(CHILD)) {
        let seconds = std::env::args().nth(2).and_then(|it| it.parse().ok());
        std::process::exit(child::serve(seconds.unwrap_or(0)));
    }
    if let Ok(program) = std::env::current_exe() {
        init_with(program);
    }
}

/// As [`init`], for a program that cannot call it first, as a test cannot: names another one that does.
pub fn init_with(program: PathBuf) {
    // The first one stays: all of them would do the same.
    let _ = PROGRAM.set(program);
}

/// Takes the child's limits, for good: for proofs of what it may not do.
///
/// # Errors
/// If any of them cannot be taken.
pub fn confine() -> Result<(), &'static str> {
    rules::take(PROCESSOR_S_MAX).map_err(|()| "the system refuses a limit")
}

/// What the child does with bytes, but in this process and without its limits: for fuzzers, from which limits would
/// hide what a decoder does wrong. The codec is `av1`, `jxl`, `jp2`, `arithmetic`, `pdf`, `lzma` or `zstandard`.
///
/// # Panics
/// If it decodes more than it was asked for.
pub fn decode_here(codec: &str, bytes: &[u8]) {
    child::decode_here(codec, bytes.to_vec());
}

/// Most pixels of one piece: the child's memory is meant for them.
const PIXELS_MAX: u64 = 32 << 20;

/// Most pixels of a picture of a PDF: they have 8 bits a sample.
#[cfg(feature = "pdf")]
const PDF_PIXELS_MAX: u64 = 64 << 20;

/// Processor time of the child in seconds: 32 megapixels take 3.
const PROCESSOR_S_MAX: u64 = 20;

/// That of one that takes a PDF apart: what is drawn in pictures is decoded elsewhere.
#[cfg(feature = "pdf")]
const PDF_PROCESSOR_S_MAX: u64 = 5;

/// That of one that does so again, after a picture ended the one before.
#[cfg(feature = "pdf")]
const PDF_PROCESSOR_S_MAX_AGAIN: u64 = 2;

/// What the child is asked to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Codec {
    #[cfg(feature = "avif")]
    Av1 = 1,
    #[cfg(feature = "jxl")]
    Jxl = 2,
    #[cfg(feature = "jp2")]
    Jp2 = 3,
    #[cfg(feature = "arithmetic")]
    ArithmeticJpeg = 4,
    #[cfg(feature = "pdf")]
    Pdf = 5,
    /// A strip or tile of a TIFF, whose bytes are the samples of a row.
    #[cfg(feature = "packers")]
    Lzma = 6,
    #[cfg(feature = "packers")]
    Zstandard = 7,
}

/// What a picture of a PDF is for.
#[cfg(feature = "pdf")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Role {
    Picture = 0,
    /// It says where ink goes: of a scan in layers, what is read and not what is seen.
    Mask = 1,
    /// It says how much is seen of another one.
    Alpha = 2,
}

/// How a strip of a picture continues the one before.
#[cfg(feature = "pdf")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Joins {
    None = 0,
    Below = 1,
    Above = 2,
}

/// What the child answers before any samples.
const DECODED: u8 = 0;
const CORRUPT: u8 = 1;
const UNSUPPORTED: u8 = 2;
const FAILED: u8 = 3;
const LARGE: u8 = 4;
const CUT: u8 = 5;
/// Of documents alone.
const NO_PICTURE: u8 = 6;
const LOCKED: u8 = 7;
