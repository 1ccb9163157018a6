//! What timers send, as the template says.

use serde_json::Value;

use crate::events;
use ::sources::template::Template;

/// The events of a program's timers: the input that the template sets, or EventBridge's own.
///
/// # Panics
/// If an input is not JSON.
pub fn events_of(template: &Template, program: &str) -> Vec<Value> {
    let sources = template.sources(program).into_iter();
    let timers = sources.filter(|source| source["Type"] == "Schedule");
    timers
        .map(|timer| match timer["Properties"]["Input"].as_str() {
            Some(input) => serde_json::from_str(input).expect("an input is JSON"),
            None => events::timer(),
        })
        .collect()
}
