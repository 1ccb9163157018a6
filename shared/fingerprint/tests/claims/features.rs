//! The parts of drawn pictures are the same bytes on every machine and after every change that
//! does not raise the fingerprint's version.
#![allow(missing_docs)]

use crate::drawn;

use fingerprint::{of_ad, of_reference};

/// `NAME AD-BYTES CRC REFERENCE-BYTES CRC` a line.
const GOLDEN: &str = include_str!("../features.txt");

/// CRC-32 as in zip files, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !bytes.iter().fold(!0, byte)
}

#[test]
fn drawn_pictures_have_the_features_that_were_committed() {
    let line = |drawn: &drawn::Drawn| {
        let (ad, reference) = (of_ad(&drawn.picture()), of_reference(&drawn.picture()));
        let (ad, reference) = (ad.features, reference.features);
        let (a, b) = (crc(&ad), crc(&reference));
        format!(
            "{} {} {a:08x} {} {b:08x}",
            drawn.name,
            ad.len(),
            reference.len()
        )
    };
    let lines: Vec<String> = drawn::all().iter().map(line).collect();
    assert_eq!(
        lines,
        GOLDEN.lines().collect::<Vec<_>>(),
        "now:\n{}",
        lines.join("\n")
    );
}
