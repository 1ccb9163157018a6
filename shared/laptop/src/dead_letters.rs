//! What was given up: messages of the queues and records of the streams, told by ids, and sent on
//! their way again. All of it may run next to the system and more than once: what a replayed dead letter
//! brings about was written so that repeating it changes nothing.

use embedded::{DeadLetter, Embedded, dead_letter_queue};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{ENROLL_QUEUE, INGEST_QUEUE, STREAMS};

/// Dead letters of one source that are listed at most: more than a person reads.
const DEAD_LETTERS_MAX: usize = 10_000;

/// Which dead letters are sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Every one.
    All,
    /// The one of this id.
    One(String),
}

/// Every source of dead letters: the buckets' queues, then each reader of a stream.
pub fn sources() -> Vec<String> {
    let queues = [INGEST_QUEUE, ENROLL_QUEUE].map(str::to_owned);
    queues.into_iter().chain(of_streams()).collect()
}

/// Those of changes of tables.
pub(crate) fn of_streams() -> Vec<String> {
    let of = STREAMS.map(|stream| dead_letter_queue(stream.consumer(), &stream.table_name()));
    of.into()
}

/// The dead letters as JSON, oldest first within their source: ids, sources, reasons, times and counts,
/// nothing of what they carry.
///
/// # Errors
/// What could not be read.
pub async fn list(embedded: &Embedded) -> embedded::Result<Value> {
    let mut dead_letters = Vec::new();
    for source in sources() {
        let dead = embedded
            .queue(&source)
            .dead_letters(DEAD_LETTERS_MAX)
            .await?;
        dead_letters.extend(dead.iter().map(|letter| to_json(&source, letter)));
    }
    Ok(Value::Array(dead_letters))
}

fn to_json(source: &str, letter: &DeadLetter) -> Value {
    json!({
        "id": letter.id, "source": source, "reason": letter.reason,
        "attempts": letter.receive_count,
        "sent_at": letter.sent_at.to_string(), "dead_at": letter.dead_at.to_string(),
    })
}

/// Sends dead letters again and says how many. A running system takes them up at once, a stopped one when
/// it is started. A dead letter that was sent again concurrently is no fault and is not counted.
///
/// # Errors
/// What could not be read or written.
pub async fn replay(embedded: &Embedded, which: &Which) -> embedded::Result<u64> {
    let mut replayed = 0;
    for source in sources() {
        let queue = embedded.queue(&source);
        let ids = match which {
            Which::One(id) => vec![id.clone()],
            Which::All => {
                let dead = queue.dead_letters(DEAD_LETTERS_MAX).await?;
                dead.into_iter().map(|letter| letter.id).collect()
            }
        };
        for id in ids {
            match queue.replay(&id, Timestamp::now()).await {
                Ok(()) => replayed += 1,
                Err(embedded::Error::Missing(_)) => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(replayed)
}
