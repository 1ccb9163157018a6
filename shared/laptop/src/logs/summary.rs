//! What happened, counted: a line every few seconds, and none while nothing happens. It names no key, case or person.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// So often a line is due.
const EVERY: Duration = Duration::from_secs(5);

/// What is counted: by the words of an event, in the order in which a line has them.
const COUNTED: [(&str, &str, &str); 13] = [
    ("an ad image is recorded", "ads", "taken in"),
    ("an upload is rejected", "ads", "rejected"),
    ("a bundle is done", "bundles", "taken apart"),
    ("a bundle is rejected", "bundles", "rejected"),
    ("a reference is active", "photos", "sought"),
    ("a reference is rejected", "photos", "rejected"),
    (
        "a search is complete",
        "photos",
        "held against all past ads",
    ),
    ("a lead is recorded", "leads", "new"),
    ("a lead is raised", "leads", "raised"),
    ("a sighting was added to leads", "leads", "seen again"),
    (DELIVERED, "alerts", "delivered"),
    (POSTPONED, "alerts", "to be tried again"),
    (GIVEN_UP, "alerts", "given up"),
];

/// An attempt at a delivery tells by a field how it ended.
const ATTEMPT: &str = "attempt";
const DELIVERED: &str = "attempt Delivered";
const POSTPONED: &str = "attempt Postponed";
const GIVEN_UP: &str = "attempt Failed";

/// How often each of [`COUNTED`] happened since the last line.
type Counts = Arc<Mutex<BTreeMap<usize, u64>>>;

struct Summary(Counts);

/// Counts, and prints from a thread of its own.
pub(super) fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let counts = Counts::default();
    let read = Arc::clone(&counts);
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(EVERY);
            let happened =
                std::mem::take(&mut *read.lock().unwrap_or_else(PoisonError::into_inner));
            if let Some(line) = line(&happened, Timestamp::now()) {
                console::terminal::print(line);
            }
        }
    });
    let is_event = |it: &Metadata<'_>| it.is_event() && *it.level() == Level::INFO;
    Summary(counts).with_filter(filter_fn(is_event).with_max_level_hint(LevelFilter::INFO))
}

impl<S: Subscriber> Layer<S> for Summary {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut words = Words::default();
        event.record(&mut words);
        if let Some(place) = words.place() {
            let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *counts.entry(place).or_default() += 1;
        }
    }
}

/// An event's words, and how a delivery ended.
#[derive(Default)]
struct Words {
    message: String,
    ended: String,
}

impl Words {
    fn place(&self) -> Option<usize> {
        let words = match self.message.as_str() {
            ATTEMPT if self.ended == "Silent" => POSTPONED.to_owned(),
            ATTEMPT => format!("{ATTEMPT} {}", self.ended),
            other => other.to_owned(),
        };
        COUNTED.iter().position(|(known, ..)| *known == words)
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "ended" => self.ended = format!("{value:?}"),
            _ => {}
        }
    }
}

/// `13:05:12Z  ads: 120 taken in, 3 rejected; leads: 2 new`; none if nothing happened.
fn line(happened: &BTreeMap<usize, u64>, at: Timestamp) -> Option<String> {
    let mut text = String::new();
    let mut last = "";
    for (place, count) in happened {
        let (_, of, what) = COUNTED.get(*place)?;
        let between = match last {
            "" => "",
            same if same == *of => ", ",
            _ => "; ",
        };
        text.push_str(between);
        if last != *of {
            let _written = write!(text, "{of}: ");
        }
        let _written = write!(text, "{count} {what}");
        last = of;
    }
    (!text.is_empty()).then(|| format!("{}  {text}", at.strftime("%H:%M:%SZ")))
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn what_happened_is_counted_and_said_in_one_line() {
        let counts = Counts::default();
        let subscriber = tracing_subscriber::registry().with(Summary(Arc::clone(&counts)));
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..3 {
                tracing::info!(size_bytes = 7, "an ad image is recorded");
            }
            tracing::info!(reason = "unsupported_format", "an upload is rejected");
            tracing::info!(case = "26-0417", "something else");
            tracing::info!(lead_id = "secret", "a lead is recorded");
            for ended in ["Delivered", "Silent", "Postponed", "Left"] {
                tracing::info!(ended = ?format_args!("{ended}"), "attempt");
            }
        });
        let at = Timestamp::from_second(1_000_000).expect("a time");
        let happened = counts.lock().expect("no panic").clone();
        assert_eq!(
            line(&happened, at).as_deref(),
            Some(
                "13:46:40Z  ads: 3 taken in, 1 rejected; leads: 1 new; \
                 alerts: 1 delivered, 2 to be tried again"
            )
        );
        assert_eq!(line(&BTreeMap::new(), at), None, "an idle system is silent");
    }
}
