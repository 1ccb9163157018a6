//! The pages that people see: what a program knows goes in, HTML comes out, in the reader's language.
//!
//! Pure: no clock, no I/O, no store. A page is a struct with the fields of its template in `templates/`; all
//! text comes from `words/`, so that no template holds a word of any language. Every page is of use without
//! a script; `assets/pages.js` adds keys and ways to compare.
#![forbid(unsafe_code)]

mod assets;
mod edits;
mod shell;
mod words;

mod cases;
mod inbox;
mod lead;
mod log;
mod person;
mod references;
mod sign_in;

pub use askama::Template;

pub use assets::{Asset, PICTURE_FRAME, asset, no_picture};
pub use cases::{CaseLead, CasePage, CasePhoto, CaseRow, CasesPage};
pub use edits::edit;
pub use inbox::{Choice, Group, Held, InboxPage, Row, Search, Tab};
pub use lead::{HistoryRow, Judged, LeadPage, Reason, ReportPage, SightingRow, VerdictLine};
pub use log::{LogPage, LogRow};
pub use person::{HelpPage, MePage, MessagePage};
pub use references::{AddPage, EndPage, EndWay, ErasurePage, HeldPage, HeldRow};
pub use shell::{Shell, Signed};
pub use sign_in::SignInPage;
pub use words::{Language, Words};

/// Who may look at a page, and what it may do: sent with every page.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
    img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
