//! Segments built from items.

use records::Timestamp;
use segments::{Built, Item, SetKind};

use crate::db::error::{Error, Result};
use crate::db::items::ms;

/// Builds a segment off the async threads: it is sorted, summed and hashed.
pub(crate) async fn build_blocking(
    kind: SetKind,
    items: Vec<Item>,
    now: Timestamp,
    generation: u64,
) -> Result<Built> {
    let build = move || segments::build(kind, items, ms(now), generation);
    let built = tokio::task::spawn_blocking(build).await;
    built.map_err(|_| Error::Unavailable("building a segment"))
}

/// Items in parts of a bounded size, none of them empty.
pub(crate) fn chunks(items: Vec<Item>, bytes_max: u64) -> Vec<Vec<Item>> {
    let (mut parts, mut bytes): (Vec<Vec<Item>>, u64) = (Vec::new(), 0);
    for item in items {
        let starts = bytes + item.bytes() > bytes_max;
        match parts.last_mut() {
            Some(part) if !starts && part.len() < segments::ITEMS_MAX => part.push(item),
            _ => {
                bytes = 0;
                parts.push(vec![item]);
            }
        }
        bytes += parts
            .last()
            .and_then(|part| part.last())
            .map_or(0, Item::bytes);
    }
    parts
}
