//! Reports for people.
//!
//! [`contact_sheet`] lays references next to the ads that show them, in one HTML file that opens
//! anywhere, prints, and asks the network for nothing. [`markdown_table`] and [`bar_plot`] are for
//! figures, [`wilson`] and [`upper_rate`] for how sure they are.
//!
//! Pure: bytes and words in, text out. A contact sheet holds photos and names: it is as personal
//! as they are, and so is the file that the caller writes.
#![forbid(unsafe_code)]

mod contact_sheet;
mod escape;
mod interval;
mod markdown;
mod plot;

pub use contact_sheet::{FoundAd, Picture, Sheet, SheetPair, contact_sheet};
pub use interval::{upper_rate, wilson};
pub use markdown::markdown_table;
pub use plot::{Bar, bar_plot};
