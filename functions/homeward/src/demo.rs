//! The parts of `homeward demo`: edited ads made from photos, a case system that receives the
//! alerts, and the contact sheet of what became of them.
#![allow(clippy::disallowed_methods, reason = "it shows how long a photo took")]

pub mod run;
pub mod sheet;
pub mod table;

mod case_system;

use std::path::Path;

use photo::Limits;

use console::folder;
use console::image_file;
use console::outcome::{Failure, Result};
use console::terminal::{escaped, print};
use lab::edited_ads::Source;

/// The first `count_max` photos of a folder that can be read, in order of name. Those that cannot
/// be read are said.
///
/// # Errors
/// The input's fault, if there is none.
pub fn sources(folder: &Path, count_max: usize) -> Result<Vec<Source>> {
    let limits = Limits::default();
    let mut sources = Vec::new();
    for entry in folder::files(folder) {
        if sources.len() == count_max {
            break;
        }
        let bytes = entry
            .refused
            .map_or_else(|| image_file::read(&entry.path, &limits), Err);
        let pixels = bytes.and_then(|bytes| {
            let pixels = image_file::decoded(&bytes, &limits).map_err(|reason| reason.as_str())?;
            Ok((bytes, pixels))
        });
        match pixels {
            Ok((bytes, pixels)) => sources.push(Source {
                name: entry.name,
                bytes,
                pixels,
            }),
            Err(reason) => print(format_args!(
                "unreadable: {}: {reason}",
                escaped(&entry.name)
            )),
        }
    }
    if sources.is_empty() {
        let shown = escaped(&folder::text(folder.as_os_str()));
        return Err(Failure::input(
            format_args!("no photo in the folder {shown} can be read"),
            "give --photos a folder with JPEG, PNG or WebP photos",
        ));
    }
    Ok(sources)
}
