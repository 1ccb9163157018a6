//! Reports for people.
//!
//! [`contact_sheet`] lays references beside the ads that show them, in one HTML file that opens
//! anywhere, prints, and asks the network for nothing. [`markdown_table`] is for figures.
//!
//! Pure: bytes and words in, text out. A contact sheet holds photos and names: it is as personal
//! as they are, and so is the file that the caller writes.

mod contact_sheet;
mod escape;
mod markdown;

pub use contact_sheet::{Found, Pair, Picture, Sheet, contact_sheet};
pub use markdown::markdown_table;
