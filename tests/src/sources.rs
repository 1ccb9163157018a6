//! What wakes functions, with the real rules of Lambda's event sources, as the template sets them:
//! queues that hide a message while it is worked on, streams that come again from their first
//! failure and are halved when a batch kills its function, timers.

pub mod filter;
pub mod queue;
pub mod stream;
pub mod timer;

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
