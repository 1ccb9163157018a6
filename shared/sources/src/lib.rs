//! What wakes programs: queues and streams, by the rules that the deployment's template sets. The laptop and
//! the tests take them from here, so that they cannot differ from the cloud's.
//!
//! The template is part of this build. It is the deployment's own file, and what is not as this crate expects
//! ends the program at its start: a test of the template says so before.
#![forbid(unsafe_code)]

pub mod filter;
mod queue;
mod stream;
pub mod template;

pub use queue::QueueRules;
pub use stream::{After, StreamRules, sequence_number};

use serde_json::Value;

use crate::template::{Template, target};

/// A number of the template.
///
/// # Panics
/// If it is none.
fn number(settings: &Value, name: &str) -> u64 {
    let number = settings[name].as_u64();
    number.unwrap_or_else(|| panic!("the template says no {name}"))
}

/// See [`number`].
fn count(settings: &Value, name: &str) -> usize {
    usize::try_from(number(settings, name)).expect("a small number")
}

/// The properties of the only source of a program that has this type and property.
///
/// # Panics
/// If there is none.
fn source_of(template: &Template, program: &str, kind: &str, about: &str) -> Value {
    let sources = template.sources(program).into_iter();
    let mut sources = sources.filter(|source| source["Type"] == kind);
    let found = sources.find(|source| {
        let properties = &source["Properties"];
        ["Queue", "Stream"]
            .iter()
            .any(|name| properties[*name].is_object() && target(&properties[*name]).0 == about)
    });
    found.unwrap_or_else(|| panic!("nothing of {about} wakes {program}"))["Properties"].clone()
}
