//! Every frame of an animated PNG. Each is made a PNG of its own, so that no decoder sees two.

use super::{END, SIGNATURE, dimensions, read, split_chunk};
use crate::bytes::{be16, be32};
use crate::frames::{self, Screen, Visit};
use crate::{Limits, Reason};

/// Fields of a frame's control chunk.
struct Control {
    width_px: u32,
    height_px: u32,
    at: (u32, u32),
    shown_ms: u64,
    dispose: u8,
    blend: bool,
}

/// Clears a frame's place afterwards, or restores it.
const CLEAR: u8 = 1;
const RESTORE: u8 = 2;

impl Control {
    fn of(data: &[u8]) -> Option<Control> {
        let (delay, per_second) = (be16(data, 20)?, be16(data, 22)?);
        let per_second = if per_second == 0 { 100 } else { per_second };
        Some(Control {
            width_px: be32(data, 4)?,
            height_px: be32(data, 8)?,
            at: (be32(data, 12)?, be32(data, 16)?),
            shown_ms: u64::from(delay) * 1000 / u64::from(per_second),
            dispose: *data.get(24)?,
            blend: *data.get(25)? == 1,
        })
    }
}

/// Whether the picture that plain viewers see is no frame of the animation, so that browsers never show it.
pub(crate) fn hides_its_default(bytes: &[u8]) -> bool {
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let (mut animated, mut controlled) = (false, false);
    while let Some((kind, _, after)) = split_chunk(rest) {
        match &kind {
            b"acTL" => animated = true,
            b"fcTL" => controlled = true,
            b"IDAT" => return animated && !controlled,
            _ => {}
        }
        rest = after;
    }
    false
}

/// A frame whose data is being collected.
struct Collected {
    control: Control,
    file: Vec<u8>,
}

/// How many frames an animation says that it has; 0 if nothing else makes it one.
fn stated(bytes: &[u8]) -> u32 {
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    let (mut stated, mut controlled, mut whole) = (0, false, false);
    while let Some((kind, chunk, after)) = split_chunk(rest) {
        match &kind {
            b"acTL" if chunk.len() > 12 => stated = be32(chunk, 8).unwrap_or_default(),
            b"fcTL" => controlled = true,
            b"IEND" => whole = true,
            _ => {}
        }
        rest = after;
    }
    if controlled || !whole { stated } else { 0 }
}

pub(crate) fn walk(bytes: &[u8], limits: &Limits, visit: Visit<'_>) -> Result<u32, Reason> {
    let (width_px, height_px) = dimensions(bytes)?;
    let stated = stated(bytes);
    if stated == 0 || frames::admit(width_px, height_px, limits).is_err() {
        return Ok(stated);
    }
    let mut shown = 0;
    let mut screen = Screen::new(width_px, height_px)?;
    let mut header = Vec::new();
    let mut shared = Vec::new();
    let mut collected: Option<Collected> = None;
    let mut rest = bytes.get(SIGNATURE.len()..).unwrap_or_default();
    while let Some((kind, chunk, after)) = split_chunk(rest) {
        let data = chunk.get(8..chunk.len() - 4).unwrap_or_default();
        match &kind {
            b"IHDR" => header = data.to_vec(),
            b"PLTE" | b"tRNS" => shared.extend_from_slice(chunk),
            b"IDAT" | b"fdAT" => {
                if let Some(collected) = &mut collected {
                    let data = data.get(if kind == *b"fdAT" { 4 } else { 0 }..);
                    push_chunk(&mut collected.file, b"IDAT", data.ok_or(Reason::Corrupt)?);
                }
            }
            b"fcTL" | b"IEND" => {
                if let Some(collected) = collected.take() {
                    if !show(&mut screen, collected, visit)? {
                        return Ok(0);
                    }
                    shown += 1;
                }
                if kind == *b"IEND" {
                    break;
                }
                let control = Control::of(data).ok_or(Reason::Corrupt)?;
                limits.admit_part(control.width_px, control.height_px)?;
                frames::admit(control.width_px, control.height_px, limits)?;
                collected = Some(begin(control, &header, &shared));
            }
            _ => {}
        }
        rest = after;
    }
    Ok(stated.saturating_sub(shown))
}

fn begin(control: Control, header: &[u8], shared: &[u8]) -> Collected {
    let sides = [
        control.width_px.to_be_bytes(),
        control.height_px.to_be_bytes(),
    ]
    .concat();
    let header = [&sides, header.get(8..).unwrap_or_default()].concat();
    let mut file = SIGNATURE.to_vec();
    push_chunk(&mut file, b"IHDR", &header);
    file.extend_from_slice(shared);
    Collected { control, file }
}

/// Without a checksum that is true: the decoder does not look.
fn push_chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    // It was read with a length of 32 bits.
    file.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
    file.extend_from_slice(kind);
    file.extend_from_slice(data);
    file.extend_from_slice(&[0; 4]);
}

fn show(screen: &mut Screen, collected: Collected, visit: Visit<'_>) -> Result<bool, Reason> {
    let Collected { control, mut file } = collected;
    file.extend_from_slice(END);
    let raster = read(&file, false, u64::MAX)?;
    let kept = (control.dispose == RESTORE).then(|| screen.kept());
    screen.draw(&raster, control.at, control.blend)?;
    let goes_on = visit(&screen.frame(control.shown_ms.max(10)))?;
    if let Some(kept) = kept {
        screen.restore(kept);
    } else if control.dispose == CLEAR {
        let (left, top) = control.at;
        screen.clear((left, top, control.width_px, control.height_px));
    }
    Ok(goes_on)
}
